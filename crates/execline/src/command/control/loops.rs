//! `forx`, `forstdin`, `forbacktickx`, `loopwhilex`: a child for each turn.

use super::Outcome;
use crate::command::Scope;
use crate::command::arguments::{codes, next_option, next_word};
use crate::command::capture::{Separation, Splitter};
use crate::fault::code;
use crate::options::{Given, Options, number};
use crate::step::{Export, check_variable};
use crate::{Ended, Environment, Fault, Step, Word, Words};

const FORX: &str = "forx [ -E | -e ] [ -p | -P maxpar ] [ -o okcode,okcode,... | -x breakcode,breakcode,... ] var { values... } command...";
const FORSTDIN: &str = "forstdin [ -E | -e ] [ -p | -P maxpar | -o okcode,okcode,... | -x breakcode,breakcode,... ] [ -N | -n ] [ -C | -c ] [ -0 | -d delim ] var command...";
const FORBACKTICKX: &str = "forbacktickx [ -p | -P maxpar | -o okcode,okcode,... | -x breakcode,breakcode,... ] [ -E | -e ] [ -N | -n ] [ -C | -c ] [ -0 | -d delim ] var { backtickcmd... } command...";
const LOOPWHILEX: &str =
    "loopwhilex [ -n ] [ -o okcode,okcode,... | -x exitcode,exitcode,... ] prog...";

/// How many children `-p` runs at the same time.
const MANY: u32 = 10_000;

/// A child for each value. Without any value it ends with 0 for `forx`, and with 1 for a loop that
/// reads its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loop {
    /// Where the values come from.
    pub source: Source,
    /// `-p`, `-P`: that many children run at the same time, all are waited for at the end; else one
    /// after the other. With it no exit code ends the loop.
    pub at_once: Option<u32>,
    /// Which exit codes end the loop.
    pub breaks: Breaks,
    /// The variable that gets the value.
    pub var: Word,
    /// `-E`: it is substituted in the body and not exported.
    pub autoimport: bool,
    /// The child.
    pub body: Words,
}

/// Where the values of a loop come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// These (`forx`).
    Values(Words),
    /// Standard input (`forstdin`).
    Input(Splitter),
    /// What this program writes (`forbacktickx`).
    Output(Words, Splitter),
}

/// Which exit codes end a loop; a crash counts as 128 plus the signal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Breaks {
    /// The codes of `-x` or `-o`.
    pub codes: Vec<u8>,
    /// `-o`: all but those.
    pub inverted: bool,
}

impl Loop {
    /// The child for one value, and its environment. With `-E` it is `importas` that the child begins
    /// with: a body that cannot be executed is a child that failed, not one that could not be
    /// spawned.
    #[must_use]
    pub fn child(&self, env: &Environment, value: &[u8]) -> (Words, Environment) {
        let mut env = env.clone();
        env.set(self.var.as_slice(), value);
        let export = Export {
            var: self.var.clone(),
            autoimport: self.autoimport,
            rest: self.body.clone(),
        };
        (export.words(), env)
    }
}

impl Breaks {
    /// Whether a loop ends after a child that ended so, and with which code.
    #[must_use]
    pub fn breaks(&self, ended: Ended) -> Option<u8> {
        let code = ended.exit_code();
        (self.codes.contains(&code) != self.inverted).then_some(code)
    }
}

/// `loopwhilex`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoopWhile {
    /// The child.
    pub body: Words,
    /// Which exit codes end the loop.
    pub breaks: Breaks,
}

impl LoopWhile {
    /// What is said when the child could not be started (111). For a child that could be, there is
    /// nothing wrong to be said: that is an internal error (101).
    #[must_use]
    pub fn not_spawned(&self, outcome: Outcome) -> Fault {
        match outcome.ended(Some("loop body")) {
            Err(fault) => fault,
            Ok(_) => Fault::fatal("the loop body was spawned", code::INTERNAL),
        }
    }
}

/// The options that the loops over values share.
struct Shared {
    at_once: Option<u32>,
    breaks: Breaks,
    autoimport: bool,
    separation: Separation,
}

impl Shared {
    fn new() -> Self {
        Self {
            at_once: None,
            breaks: Breaks::default(),
            autoimport: false,
            separation: Separation::default(),
        }
    }

    fn read(
        words: Words,
        letters: &'static str,
        synopsis: &'static str,
    ) -> Result<(Self, Words), Fault> {
        let mut it = Self::new();
        let mut options = Options::new(words, letters);
        while let Some(given) = next_option(&mut options, synopsis)? {
            it.take(given).ok_or_else(|| Fault::usage(synopsis))?;
        }
        Ok((it, options.rest()))
    }

    /// Takes an option; `None` for a value that is none.
    fn take(&mut self, given: Given) -> Option<()> {
        match given.letter {
            b'E' => self.autoimport = true,
            b'e' => self.autoimport = false,
            b'p' => self.at_once = Some(MANY),
            b'P' => self.at_once = Some(number(&given.value)?),
            b'N' => self.separation.keeps_delimiters = true,
            b'n' => self.separation.keeps_delimiters = false,
            b'C' => self.separation.skips_empty = true,
            b'c' => self.separation.skips_empty = false,
            b'0' => self.separation.delimiters = vec![0],
            b'd' => self.separation.delimiters = given.value,
            letter => self.breaks = breaks(letter, &given.value)?,
        }
        Some(())
    }

    fn into_loop(self, source: Source, var: Word, body: Words) -> Step {
        // One at a time is the same as one after the other, and there the codes count.
        let at_once = self.at_once.filter(|most| *most > 1);
        Step::Loop(Loop {
            source,
            at_once,
            breaks: match at_once {
                Some(_) => Breaks::default(),
                None => self.breaks,
            },
            var,
            autoimport: self.autoimport,
            body,
        })
    }
}

/// What `-x` or `-o` says; `None` for no list of codes.
fn breaks(letter: u8, list: &[u8]) -> Option<Breaks> {
    let codes = codes(list)?;
    let inverted = letter == b'o';
    Some(Breaks { codes, inverted })
}

pub(super) fn plan_forx(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let (shared, words) = Shared::read(words, "EepP:o:x:", FORX)?;
    let mut args = scope.args(words);
    let var = next_word(&mut args, FORX)?;
    if args.is_empty() {
        return Err(Fault::usage(FORX));
    }
    check_variable(&var)?;
    let values = args.block("")?;
    let body = scope.rest(args);
    if body.is_empty() {
        return Ok(Step::Become(body));
    }
    Ok(shared.into_loop(Source::Values(values), var, body))
}

pub(super) fn plan_forstdin(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let (shared, words) = Shared::read(words, "EepP:o:x:NnCc0d:", FORSTDIN)?;
    let mut args = scope.args(words);
    let var = next_word(&mut args, FORSTDIN)?;
    if args.is_empty() {
        return Err(Fault::usage(FORSTDIN));
    }
    check_variable(&var)?;
    let body = scope.rest(args);
    let source = Source::Input(Splitter::new(shared.separation.clone()));
    Ok(shared.into_loop(source, var, body))
}

pub(super) fn plan_forbacktickx(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let (shared, words) = Shared::read(words, "EepP:o:x:NnCc0d:", FORBACKTICKX)?;
    let mut args = scope.args(words);
    let var = next_word(&mut args, FORBACKTICKX)?;
    if args.is_empty() {
        return Err(Fault::usage(FORBACKTICKX));
    }
    check_variable(&var)?;
    let generator = args.block("")?;
    if generator.is_empty() {
        return Err(Fault::wrong("empty block"));
    }
    let body = scope.rest(args);
    if body.is_empty() {
        return Err(Fault::usage(FORBACKTICKX));
    }
    let source = Source::Output(generator, Splitter::new(shared.separation.clone()));
    Ok(shared.into_loop(source, var, body))
}

pub(super) fn plan_loopwhilex(words: Words, _: &mut Scope<'_>) -> Result<Step, Fault> {
    // It goes on after 0 and nothing else.
    let mut ends = Breaks {
        codes: vec![0],
        inverted: true,
    };
    let mut negated = false;
    let mut options = Options::new(words, "no:x:");
    while let Some(given) = next_option(&mut options, LOOPWHILEX)? {
        match given.letter {
            b'n' => negated = true,
            letter => {
                ends = breaks(letter, &given.value).ok_or_else(|| Fault::usage(LOOPWHILEX))?;
            }
        }
    }
    let body = options.rest();
    if body.is_empty() {
        return Err(Fault::usage(LOOPWHILEX));
    }
    ends.inverted ^= negated;
    Ok(Step::LoopWhile(LoopWhile { body, breaks: ends }))
}
