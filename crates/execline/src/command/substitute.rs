//! Commands that put values into the words that follow: `define`, `importas`, `multidefine`, `elglob`,
//! `elgetpositionals`, and `multisubstitute`, whose directives they are too.

use super::positional::complain;
use super::{Command, Scope, command};
use crate::block::Args;
use crate::fault::{code, joined};
use crate::options::{WrongUsage, number};
use crate::substitution::{BadKey, Substitution};
use crate::transform::{Transform, netstring};
use crate::{Environment, Fault, Step, Word, Words};

pub(super) const COMMANDS: &[Command] = &[
    command("define", plan_define),
    command("elgetpositionals", plan_elgetpositionals),
    command("elglob", plan_elglob),
    command("import", plan_import),
    command("importas", plan_importas),
    command("multidefine", plan_multidefine),
    command("multisubstitute", plan_multisubstitute),
];

const DEFINE: &str = "define [ -N | -n ] [ -s ] [ -C | -c ] [ -d delim ] key value prog...";
const ELGETPOSITIONALS: &str = "elgetpositionals [ -P num ] prog...";
const ELGLOB: &str =
    "elglob [ -v ] [ -w ] [ -s ] [ -m ] [ -e ] [ -0 ] [ -n ] [ -d delim ] key pattern prog...";
const IMPORT: &str =
    "import [ -i | -D default ] [ -u ] [ -N | -n ] [ -s ] [ -C | -c ] [ -d delim ] var prog...";
const IMPORTAS: &str = "importas [ -i | -D default ] [ -u ] [ -N | -n ] [ -s ] [ -C | -c ] [ -d delim ] key var prog...";
const MULTIDEFINE: &str =
    "multidefine [ -0 ] [ -r ] [ -N | -n ] [ -C | -c ] [ -d delim ] value { vars... } prog...";
const MULTISUBSTITUTE: &str = "multisubstitute { directives } prog...";

/// A search for paths (`elglob`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    /// The pattern.
    pub pattern: Word,
    /// `-v`: errors are told.
    pub verbose: bool,
    /// `-w`: errors are the end.
    pub strict: bool,
    /// `-s`: in order.
    pub sorted: bool,
    /// `-m`: directories get a slash.
    pub marks: bool,
    /// `-e`: a backslash is literal.
    pub no_escape: bool,
}

/// What is found before the words are substituted.
#[derive(Debug, Default)]
struct Found {
    values: Substitution,
    /// Variables to be removed when all values are found.
    removed: Vec<Word>,
}

impl Found {
    /// Removes what is to be removed, and substitutes the rest.
    fn finish(self, rest: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
        for var in self.removed {
            scope.env.remove(&var);
        }
        Ok(Step::Become(self.values.apply(rest)?))
    }
}

/// Why a value cannot be found.
#[derive(Debug)]
enum Failure {
    /// The directive's words are wrong.
    Usage,
    /// Its key is.
    Key,
    /// Its block is empty.
    EmptyBlock,
    /// A function of the system, or of this crate, failed.
    Function(Fault),
    /// Something else.
    Other(Fault),
}

impl From<WrongUsage> for Failure {
    fn from(_: WrongUsage) -> Self {
        Self::Usage
    }
}

impl From<BadKey> for Failure {
    fn from(_: BadKey) -> Self {
        Self::Key
    }
}

impl Failure {
    /// What a command says.
    fn of_command(self, synopsis: &str) -> Fault {
        match self {
            Self::Usage => Fault::usage(synopsis),
            Self::Key => Fault::fatal("bad substitution key", code::SYSTEM),
            Self::EmptyBlock => Fault::wrong("empty block"),
            Self::Function(fault) | Self::Other(fault) => fault,
        }
    }

    /// What `multisubstitute` says of its directive called `name`.
    fn of_directive(self, name: &[u8]) -> Fault {
        let wrong = |text: &[u8]| Fault::wrong(joined(&[text, name]));
        match self {
            Self::Usage => wrong(b"syntax error at directive "),
            Self::Key => wrong(b"wrong key for directive "),
            Self::EmptyBlock => {
                let text = joined(&[b"unknown error with directive ", name]);
                Fault::fatal(text, code::SYSTEM)
            }
            Self::Function(fault) => {
                let reason = fault.text.strip_prefix(FUNCTION_FAILED);
                let reason = reason.unwrap_or(&fault.text);
                let text = joined(&[b"unable to run directive ", name, b": ", reason]);
                Fault::fatal(text, fault.code)
            }
            Self::Other(fault) => fault,
        }
    }
}

/// What the text of a [`Failure::Function`] begins with when a command says it.
const FUNCTION_FAILED: &[u8] = b"unable to complete exlsn function: ";

/// Takes one directive's words from the arguments and finds its values.
type Directive = fn(&mut Args, &mut Found, &mut Scope<'_>) -> Result<(), Failure>;

/// A command that is one directive.
fn plan_one(
    directive: Directive,
    synopsis: &str,
    words: Words,
    scope: &mut Scope<'_>,
) -> Result<Step, Fault> {
    let mut args = scope.args(words);
    let mut found = Found::default();
    let outcome = directive(&mut args, &mut found, scope);
    let rest = scope.rest(args);
    outcome.map_err(|failure| failure.of_command(synopsis))?;
    found.finish(rest, scope)
}

fn plan_define(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    plan_one(define, DEFINE, words, scope)
}

fn plan_elgetpositionals(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    plan_one(elgetpositionals, ELGETPOSITIONALS, words, scope)
}

fn plan_elglob(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    plan_one(elglob, ELGLOB, words, scope)
}

/// What there was before execline 2.5: the variable is the key.
fn plan_import(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    plan_one(import, IMPORT, words, scope)
}

fn plan_importas(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    plan_one(importas, IMPORTAS, words, scope)
}

fn plan_multidefine(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    plan_one(multidefine, MULTIDEFINE, words, scope)
}

fn plan_multisubstitute(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    if words.is_empty() {
        return Err(Fault::usage(MULTISUBSTITUTE));
    }
    let mut args = scope.args(words);
    let block = args.block("");
    let inner = block.map(|block| args.inside(block));
    let rest = scope.rest(args);
    let mut inner = inner?;
    if rest.is_empty() {
        return Err(Fault::usage(MULTISUBSTITUTE));
    }
    let mut found = Found::default();
    let outcome = directives(&mut inner, &mut found, scope);
    scope.rest(inner);
    outcome?;
    found.finish(rest, scope)
}

fn directives(args: &mut Args, found: &mut Found, scope: &mut Scope<'_>) -> Result<(), Fault> {
    while let Some(name) = args.word() {
        let directive: Directive = match name.as_slice() {
            b"define" => define,
            b"elgetpositionals" => elgetpositionals,
            b"elglob" => elglob,
            b"importas" => importas,
            b"multidefine" => multidefine,
            _ => {
                let text = joined(&[b"syntax error: unrecognized directive ", &name]);
                return Err(Fault::wrong(text));
            }
        };
        directive(args, found, scope).map_err(|failure| failure.of_directive(&name))?;
    }
    Ok(())
}

fn define(args: &mut Args, found: &mut Found, _: &mut Scope<'_>) -> Result<(), Failure> {
    let mut transform = Transform::default();
    args.options("NnsCcd:", |given| known(transform.option(&given)))?;
    let key = args.word().ok_or(Failure::Usage)?;
    let value = args.word().ok_or(Failure::Usage)?;
    found.values.check(&key)?;
    let words = transform.apply(value).map_err(Failure::Function)?;
    Ok(found.values.add(key, words)?)
}

fn importas(args: &mut Args, found: &mut Found, scope: &mut Scope<'_>) -> Result<(), Failure> {
    import_under(false, args, found, scope)
}

fn import(args: &mut Args, found: &mut Found, scope: &mut Scope<'_>) -> Result<(), Failure> {
    import_under(true, args, found, scope)
}

/// A value from the environment; `same`: key and variable are one word, as with `-S`.
fn import_under(
    mut same: bool,
    args: &mut Args,
    found: &mut Found,
    scope: &mut Scope<'_>,
) -> Result<(), Failure> {
    let mut transform = Transform::default();
    let (mut must_be_set, mut unset, mut default) = (false, false, None);
    args.options("iD:uSNnsCcd:", |given| {
        match given.letter {
            b'i' => must_be_set = true,
            b'D' => default = Some(given.value),
            b'u' => unset = true,
            b'S' => same = true,
            _ => return known(transform.option(&given)),
        }
        Ok(())
    })?;
    let key = args.word().ok_or(Failure::Usage)?;
    let var = if same {
        key.clone()
    } else {
        args.word().ok_or(Failure::Usage)?
    };
    found.values.check(&key)?;
    let value = match scope.env.get(&var) {
        Some(value) => Some(value.to_vec()),
        None if must_be_set => return Err(Failure::Other(Fault::not_set(&var))),
        None => default,
    };
    let words = match value {
        Some(value) => transform.apply(value).map_err(Failure::Function)?,
        None => Words::new(),
    };
    if unset {
        found.removed.push(var);
    }
    Ok(found.values.add(key, words)?)
}

fn multidefine(args: &mut Args, found: &mut Found, _: &mut Scope<'_>) -> Result<(), Failure> {
    let mut transform = Transform {
        split: true,
        ..Transform::default()
    };
    let (mut none_if_missing, mut rest_to_last) = (false, false);
    args.options("0rNnCcd:", |given| {
        match given.letter {
            b'0' => none_if_missing = true,
            b'r' => rest_to_last = true,
            _ => return known(transform.option(&given)),
        }
        Ok(())
    })?;
    let value = args.word().ok_or(Failure::Usage)?;
    if !args.has_block() {
        return Err(Failure::Usage);
    }
    let keys = args.block("").map_err(Failure::Other)?;
    if keys.is_empty() {
        return Err(Failure::EmptyBlock);
    }
    let words = transform.apply(value).map_err(Failure::Function)?;
    // How many words are left for the last key, should there be more words than keys. It is the last
    // that has a name: what comes before those words is not theirs then, and it is so in the original.
    let surplus = words.len().saturating_sub(keys.len()).saturating_add(1);
    let last = keys.iter().rposition(|key| !key.is_empty());
    for (index, key) in keys.into_iter().enumerate() {
        if key.is_empty() {
            continue;
        }
        let count = if rest_to_last && last == Some(index) {
            surplus
        } else {
            1
        };
        let mut value: Words = words.iter().skip(index).take(count).cloned().collect();
        if value.is_empty() && !none_if_missing {
            value.push(Word::new());
        }
        found.values.add(key, value)?;
    }
    Ok(())
}

fn elgetpositionals(
    args: &mut Args,
    found: &mut Found,
    scope: &mut Scope<'_>,
) -> Result<(), Failure> {
    let mut least = 0;
    args.options("P:", |given| {
        least = number(&given.value).ok_or(WrongUsage)?;
        Ok(())
    })?;
    // A variable that is missing is not told from a key that is wrong.
    let get =
        |env: &Environment, name: &[u8]| env.get(name).map(<[u8]>::to_vec).ok_or(Failure::Key);
    let count = get(scope.env, b"#")?;
    let given: u32 = number(&count).ok_or(Failure::Key)?;
    found.values.add(b"#".to_vec(), vec![count])?;
    found.values.check(b"@")?;
    if given < least {
        let text = format!("too few arguments: expected at least {least} but got {given}");
        complain(text.into(), scope).map_err(Failure::Other)?;
    }
    found
        .values
        .add(b"0".to_vec(), vec![get(scope.env, b"0")?])?;
    let mut arguments = scope.env.arguments();
    let mut all = Words::new();
    for place in 1..=given {
        let value = arguments.remove(&place).ok_or(Failure::Key)?;
        all.push(value.clone());
        found.values.add(place.to_string().into(), vec![value])?;
    }
    found.values.add(b"@".to_vec(), all)?;
    Ok(found.values.fill(given.saturating_add(1)..=least)?)
}

fn elglob(args: &mut Args, found: &mut Found, scope: &mut Scope<'_>) -> Result<(), Failure> {
    let mut glob = Glob {
        pattern: Word::new(),
        verbose: false,
        strict: false,
        sorted: false,
        marks: false,
        no_escape: false,
    };
    let (mut none_if_none, mut chomp, mut delimiter) = (false, false, None);
    args.options("vwsme0nd:", |given| {
        match given.letter {
            b'v' => glob.verbose = true,
            b'w' => glob.strict = true,
            b's' => glob.sorted = true,
            b'm' => glob.marks = true,
            b'e' => glob.no_escape = true,
            b'0' => none_if_none = true,
            b'n' => chomp = true,
            b'd' => delimiter = Some(given.value),
            _ => return Err(WrongUsage),
        }
        Ok(())
    })?;
    let key = args.word().ok_or(Failure::Usage)?;
    glob.pattern = args.word().ok_or(Failure::Usage)?;
    found.values.check(&key)?;
    let mut paths = (scope.glob)(&glob).map_err(Failure::Function)?;
    if paths.is_empty() && !none_if_none {
        paths.push(glob.pattern);
    }
    let words = match delimiter {
        None => paths,
        Some(delimiter) => vec![delimited(&paths, &delimiter, chomp)],
    };
    Ok(found.values.add(key, words)?)
}

/// `words` as one: each with the first byte of `delimiter` behind it, the last one not if `chomp`; as
/// netstrings if there is no such byte.
pub(super) fn delimited(words: &[Word], delimiter: &[u8], chomp: bool) -> Word {
    let Some(delimiter) = delimiter.first() else {
        return words.iter().flat_map(|word| netstring(word)).collect();
    };
    let mut text = Word::new();
    for word in words {
        text.extend_from_slice(word);
        text.push(*delimiter);
    }
    if chomp {
        text.pop();
    }
    text
}

fn known(is_known: bool) -> Result<(), WrongUsage> {
    is_known.then_some(()).ok_or(WrongUsage)
}

#[cfg(test)]
mod directives_tests;
#[cfg(test)]
mod tests;
