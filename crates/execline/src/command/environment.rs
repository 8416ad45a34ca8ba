//! Commands that change the environment: `export`, `unexport`, `export-array`, `emptyenv`.

use super::long::{Known, LongOptions};
use super::substitute::delimited;
use super::{Command, Scope, command};
use crate::environment::is_positional;
use crate::fault::joined;
use crate::options::number;
use crate::{Fault, Step, Words};

pub(super) const COMMANDS: &[Command] = &[
    command("emptyenv", emptyenv),
    command("export", export),
    command("export-array", export_array),
    command("unexport", unexport),
];

const EXPORT: &str = "export variable value prog...";
const EXPORT_ARRAY: &str = "export-array [ -d delim ] variable { value-list } prog...";
const UNEXPORT: &str = "unexport variable prog...";

/// Its first word is a variable, whatever it looks like: there are no options.
fn export(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let mut words = words.into_iter();
    let (Some(var), Some(value)) = (words.next(), words.next()) else {
        return Err(Fault::usage(EXPORT));
    };
    let rest: Words = words.collect();
    if rest.is_empty() {
        return Err(Fault::usage(EXPORT));
    }
    check(&var)?;
    scope.env.set(var, value);
    Ok(Step::Become(rest))
}

/// It has no options either.
fn unexport(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let mut words = words.into_iter();
    let var = words.next().ok_or_else(|| Fault::usage(UNEXPORT))?;
    let rest: Words = words.collect();
    if rest.is_empty() {
        return Err(Fault::usage(UNEXPORT));
    }
    check(&var)?;
    scope.env.remove(&var);
    Ok(Step::Become(rest))
}

fn export_array(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let usage = || Fault::usage(EXPORT_ARRAY);
    let mut args = scope.args(words);
    let mut delimiter = Vec::new();
    args.options("d:", |given| {
        delimiter = given.value;
        Ok(())
    })
    .map_err(|_| usage())?;
    let var = args.word().ok_or_else(usage)?;
    if args.is_empty() {
        return Err(usage());
    }
    check(&var)?;
    let values = args.block("");
    let rest = scope.rest(args);
    let values = values?;
    if values.is_empty() {
        return Err(Fault::wrong("empty block"));
    }
    if rest.is_empty() {
        return Err(usage());
    }
    scope.env.set(var, delimited(&values, &delimiter, false));
    Ok(Step::Become(rest))
}

/// A variable without a name is taken, as the original takes it.
fn check(var: &[u8]) -> Result<(), Fault> {
    if var.contains(&b'=') {
        return Err(Fault::wrong(joined(&[b"invalid variable name: ", var])));
    }
    Ok(())
}

const EMPTYENV: Known = Known {
    flags: b"plcoP",
    valued: b"",
    names: &[
        ("keep-path", b'p'),
        ("keep-ld-library-path", b'l'),
        ("cleanup", b'c'),
        ("pop-elgetopt", b'o'),
        ("pop-execline", b'P'),
    ],
    synopsis: "emptyenv [ -p | -l | -c | -o | -P ] prog...",
};

fn emptyenv(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let mut options = LongOptions::new(words, &EMPTYENV);
    let (mut path, mut library_path, mut clean) = (false, false, false);
    let (mut pop_options, mut pop_positionals) = (false, false);
    while let Some(given) = options.next_option()? {
        match given.letter {
            b'p' => path = true,
            b'l' => library_path = true,
            b'c' => clean = true,
            b'o' => pop_options = true,
            _ => pop_positionals = true,
        }
    }
    let rest = options.rest();
    if rest.is_empty() {
        return Err(Fault::usage(EMPTYENV.synopsis));
    }
    if clean {
        scope.env.retain(|name| !is_of_execline(name));
    } else if pop_options || pop_positionals {
        if pop_options {
            scope.env.pop(is_of_elgetopt);
        }
        if pop_positionals {
            scope.env.pop(is_positional);
        }
    } else {
        scope.env.retain(|name| {
            (path && name == b"PATH") || (library_path && name == b"LD_LIBRARY_PATH")
        });
    }
    Ok(Step::Become(rest))
}

/// Whether a variable was set by `elgetopt`, or saved by it.
pub(super) fn is_of_elgetopt(name: &[u8]) -> bool {
    name.starts_with(b"ELGETOPT_")
}

/// Whether some command of the language sets this variable for itself. Saved ones do not count.
fn is_of_execline(name: &[u8]) -> bool {
    match name {
        b"!" | b"?" | b"#" | b"0" | b"EXECLINE_STRICT" => true,
        [b'F', b'D', digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        [b'1'..=b'9', ..] => number::<u32>(name).is_some(),
        _ => is_of_elgetopt(name),
    }
}

#[cfg(test)]
mod tests;
