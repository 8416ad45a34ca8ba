//! Commands that run children, one after the other, in loops, on conditions.

mod case;
#[cfg(test)]
mod case_tests;
mod condition;
mod loops;
#[cfg(test)]
mod loops_tests;
#[cfg(test)]
mod signal_tests;
#[cfg(test)]
mod tests;
mod trap;
mod wait;

pub use case::{Case, Match, matched};
pub use condition::{AfterRun, Condition};
pub use loops::{Breaks, Loop, LoopWhile, Source};
pub use trap::Trap;
pub use wait::Wait;

use super::arguments::next_option;
use super::{Command, Scope, command};
use crate::fault::{code, joined};
use crate::options::Options;
use crate::{Ended, Fault, Step, Word, Words};

pub(super) const COMMANDS: &[Command] = &[
    command("background", plan_background),
    command("case", case::plan),
    command("forbacktickx", loops::plan_forbacktickx),
    command("foreground", plan_foreground),
    command("forstdin", loops::plan_forstdin),
    command("forx", loops::plan_forx),
    command("if", condition::plan_if),
    command("ifelse", condition::plan_ifelse),
    command("ifte", condition::plan_ifte),
    command("ifthenelse", condition::plan_ifthenelse),
    command("loopwhilex", loops::plan_loopwhilex),
    command("trap", trap::plan),
    command("wait", wait::plan),
];

const BACKGROUND: &str = "background [ -d ] { command... }";

/// What came of a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It ran, and ended.
    Ended(Ended),
    /// It could not be started.
    NotSpawned {
        /// What it was to be.
        program: Word,
        /// Why, in the system's words.
        reason: String,
        /// There is no such program.
        is_missing: bool,
    },
}

impl Outcome {
    /// How the child ended, for a command that cannot do without it. `body` is what the command calls
    /// a child whose words are no block: there it is easily forgotten.
    ///
    /// # Errors
    /// `unable to spawn X: REASON` (111) for one that could not be started.
    pub(super) fn ended(self, body: Option<&str>) -> Result<Ended, Fault> {
        match self {
            Self::Ended(ended) => Ok(ended),
            Self::NotSpawned {
                program, reason, ..
            } => {
                let hint = body.filter(|_| program.first() == Some(&b' ')).map(|body| {
                    format!(
                        "name begins with a space, are you trying to spawn a block as your {body}?"
                    )
                });
                let text = unable_to_spawn(&program, &hint.unwrap_or(reason));
                Err(Fault::fatal(text, code::SYSTEM))
            }
        }
    }
}

/// `unable to spawn X: REASON`
pub(super) fn unable_to_spawn(program: &[u8], reason: &str) -> Word {
    joined(&[b"unable to spawn ", program, b": ", reason.as_bytes()])
}

fn plan_foreground(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let mut args = scope.args(words);
    let child = args.block("")?;
    let rest = scope.rest(args);
    Ok(Step::Run(child, AfterRun::Foreground(rest)))
}

fn plan_background(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let mut apart = false;
    let mut options = Options::new(words, "d");
    while next_option(&mut options, BACKGROUND)?.is_some() {
        apart = true;
    }
    let mut args = scope.args(options.rest());
    let child = args.block("")?;
    if child.is_empty() {
        return Err(Fault::wrong("empty block"));
    }
    let rest = scope.rest(args);
    Ok(Step::Background { child, apart, rest })
}
