//! `execlineb`: its options, and what becomes of a script and its arguments (execline.md D1.3).

use super::{Command, command};
use crate::environment::is_positional;
use crate::fault::joined;
use crate::lexer::{Script, SyntaxError, read};
use crate::options::{Options, WrongUsage, number};
use crate::strict::{self, Strict};
use crate::substitution::{BadKey, Substitution};
use crate::{Environment, Fault, Step, Word, Words};

pub(super) const COMMANDS: &[Command] = &[command("execlineb", |words, _| {
    Invocation::read(words).map(Step::Script)
})];

const EXECLINEB: &str = "execlineb [ -p | -P | -S nmin | -s nmin ] [ -q | -w | -W ] [ -e ] \
                         [ -c commandline ] script args";

/// What `execlineb` was called with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// What `execlineb` was called, its own name to begin with: `$0` of a script that is no file.
    pub called: Word,
    /// Where the script is.
    pub source: Source,
    /// The script's arguments.
    pub args: Words,
    /// What is done with them.
    pub positionals: Positionals,
    /// `-q`, `-w`, `-W`: what the variable `EXECLINE_STRICT` becomes; `None` in it unsets the
    /// variable, none of the options leaves it.
    pub strict: Option<Option<u8>>,
}

/// Where a script is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `-c`: this is it.
    Text(Word),
    /// In this file.
    File(Word),
}

/// What is done with a script's arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Positionals {
    /// The positional variables are saved and set anew.
    Push,
    /// `-p`: they are set.
    Set,
    /// `-P`: nothing.
    Ignore,
    /// `-S`, `-s`: they are put into the script's words.
    Substitute {
        /// There should be so many of them.
        least: u32,
        /// `-s`: `$@` leaves that many out.
        shifted: bool,
    },
}

impl Invocation {
    /// Reads the words after `execlineb`.
    ///
    /// # Errors
    /// The usage.
    pub fn read(words: Words) -> Result<Self, Fault> {
        let usage = || Fault::usage(EXECLINEB);
        let mut options = Options::new(words, "pPS:s:qwWec:");
        let (mut positionals, mut strict, mut text) = (Positionals::Push, None, None);
        while let Some(given) = options.next_option().map_err(|WrongUsage| usage())? {
            match given.letter {
                b'p' => positionals = Positionals::Set,
                b'P' => positionals = Positionals::Ignore,
                letter @ (b'S' | b's') => {
                    positionals = Positionals::Substitute {
                        least: number(&given.value).ok_or_else(usage)?,
                        shifted: letter == b's',
                    };
                }
                b'q' => strict = Some(None),
                b'w' => strict = Some(Some(b'1')),
                b'W' => strict = Some(Some(b'2')),
                b'c' => text = Some(given.value),
                // `-e` is taken, and means nothing.
                _ => {}
            }
        }
        let mut args = options.rest().into_iter();
        let source = match text {
            Some(text) => Source::Text(text),
            None => Source::File(args.next().ok_or_else(usage)?),
        };
        Ok(Self {
            called: b"execlineb".to_vec(),
            source,
            args: args.collect(),
            positionals,
            strict,
        })
    }

    /// What the script asks for: to become a program, with `env` changed as the options say.
    /// `content` is the text of the [source](Invocation::source); `warnings` gets those that are due.
    ///
    /// # Errors
    /// A syntax error, too few arguments if that is the end, too many words.
    pub fn plan(
        self,
        content: &[u8],
        env: &mut Environment,
        warnings: &mut Vec<Word>,
    ) -> Result<Step, Fault> {
        let words = match read(content).map_err(|error| self.source.fault(error))? {
            Script::Words(words) => words,
            Script::TooLong(program) => return Err(Fault::too_long(&program)),
        };
        if words.is_empty() {
            return Ok(Step::Become(words));
        }
        self.make_strict(env, warnings);
        let zero = match &self.source {
            Source::Text(_) => &self.called,
            Source::File(name) => name,
        };
        match self.positionals {
            Positionals::Push => {
                env.push(is_positional);
                env.set_positionals(zero, &self.args);
            }
            Positionals::Set => env.set_positionals(zero, &self.args),
            Positionals::Ignore => {}
            Positionals::Substitute { least, shifted } => {
                let strict = match self.strict {
                    Some(None) => Strict::Silent,
                    Some(Some(_)) | None => Strict::of(env),
                };
                self.check_count(least, strict, warnings)?;
                let values = values(zero, &self.args, least, shifted);
                let values = values.map_err(|BadKey| Fault::wrong("bad substitution key"))?;
                return Ok(Step::Become(values.apply(words)?));
            }
        }
        Ok(Step::Become(words))
    }

    fn make_strict(&self, env: &mut Environment, warnings: &mut Vec<Word>) {
        match self.strict {
            Some(Some(level)) => env.set(strict::NAME, [level]),
            Some(None) => {
                env.remove(strict::NAME);
            }
            None => {
                if env.get(strict::NAME).is_some() && Strict::of(env) == Strict::Unset {
                    env.remove(strict::NAME);
                    warnings.push("invalid EXECLINE_STRICT value, unsetting it".into());
                }
            }
        }
    }

    fn check_count(
        &self,
        least: u32,
        strict: Strict,
        warnings: &mut Vec<Word>,
    ) -> Result<(), Fault> {
        let count = self.args.len();
        if usize::try_from(least).is_ok_and(|least| least <= count) {
            return Ok(());
        }
        let text = format!("too few arguments: expecting at least {least} but got {count}");
        match strict {
            Strict::Unset | Strict::Warn => warnings.push(text.into()),
            Strict::Silent => {}
            Strict::Fatal => return Err(Fault::wrong(text)),
        }
        Ok(())
    }
}

impl Source {
    /// What is wrong with the script, and where.
    fn fault(&self, error: SyntaxError) -> Fault {
        let SyntaxError { kind, line, column } = error;
        let file = match self {
            Self::Text(_) => Word::new(),
            Self::File(name) => joined(&[b" in file ", name]),
        };
        let place = format!(" (line {line}, column {column})");
        let text = joined(&[kind.text().as_bytes(), &file, place.as_bytes()]);
        Fault::wrong(text)
    }
}

/// `#`, `0`, `1`... and `@` as keys.
fn values(zero: &[u8], args: &[Word], least: u32, shifted: bool) -> Result<Substitution, BadKey> {
    let mut values = Substitution::default();
    values.add(b"#".to_vec(), vec![args.len().to_string().into()])?;
    values.add(b"0".to_vec(), vec![zero.to_vec()])?;
    for (place, arg) in (1_u32..).zip(args) {
        values.add(place.to_string().into(), vec![arg.clone()])?;
    }
    let skipped = if shifted { least } else { 0 };
    let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
    let all = args.iter().skip(skipped).cloned().collect();
    values.add(b"@".to_vec(), all)?;
    let given = u32::try_from(args.len()).unwrap_or(u32::MAX);
    values.fill(given.saturating_add(1)..=least)?;
    Ok(values)
}

#[cfg(test)]
mod tests;
