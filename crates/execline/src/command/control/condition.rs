//! `if`, `ifelse`, `ifte`, `ifthenelse`, and what follows after a child that was waited for.

use super::{Outcome, unable_to_spawn};
use crate::command::Scope;
use crate::command::arguments::next_option;
use crate::fault::code;
use crate::options::{Options, number};
use crate::{Ended, Environment, Fault, Step, Word, Words};

const IF: &str = "if [ -n ] [ -X ] [ -t | -x exitcode ] { command... }";
const IFELSE: &str = "ifelse [ -n ] [ -X ] { command-if } { command-then... } command-else...";
const IFTE: &str = "ifte [ -X ] [ -n ] { command-then... } { command-else... } command-if...";
const IFTHENELSE: &str =
    "ifthenelse [ -X ] { command-if... } { command-then... } { command-else... } [ remainder... ]";

/// What follows after a child that was waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterRun {
    /// `foreground`: how it ended goes into `?`, the rest follows.
    Foreground(Words),
    /// `if`: the rest follows, or this is the end.
    If {
        /// How the child is judged.
        condition: Condition,
        /// The exit code when it is false, if not the child's: `-x`, `-t`.
        code: Option<u8>,
        /// The rest.
        rest: Words,
    },
    /// `ifelse`, `ifte`: one of the branches follows.
    Branch {
        /// How the child is judged.
        condition: Condition,
        /// When it is true.
        then: Words,
        /// When it is false.
        otherwise: Words,
    },
    /// `ifthenelse`: one of the branches is run as a child, the rest follows.
    RunBranch {
        /// How the child is judged.
        condition: Condition,
        /// When it is true.
        then: Words,
        /// When it is false.
        otherwise: Words,
        /// The rest.
        rest: Words,
    },
}

/// How the end of a child is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Condition {
    /// `-n`: true is false.
    pub negated: bool,
    /// `-X`: a crash is false; else it is the end.
    pub crash_is_false: bool,
    /// The child is no block but the plain end of the line (`ifte`): who forgets that is told.
    pub is_plain: bool,
}

impl AfterRun {
    /// The next step, by what came of the child; no words are a child that ended with 0. It sets `?`
    /// in `env` where the command does, and warnings are put into `warnings`.
    ///
    /// # Errors
    /// A child that could not be spawned, or crashed, where that is the end.
    pub fn resume(
        self,
        env: &mut Environment,
        warnings: &mut Vec<Word>,
        outcome: Outcome,
    ) -> Result<Step, Fault> {
        match self {
            Self::Foreground(rest) => {
                let number = match outcome {
                    Outcome::Ended(ended) => ended.number(),
                    Outcome::NotSpawned {
                        program,
                        reason,
                        is_missing,
                    } => {
                        warnings.push(unable_to_spawn(&program, &reason));
                        u16::from(if is_missing {
                            code::NOT_FOUND
                        } else {
                            code::NOT_EXECUTABLE
                        })
                    }
                };
                env.set(*b"?", number.to_string());
                Ok(Step::Become(rest))
            }
            Self::If {
                condition,
                code,
                rest,
            } => match condition.judge(outcome)? {
                Verdict::True => Ok(Step::Become(rest)),
                Verdict::False(own_code) => Ok(Step::Exit(code.unwrap_or(own_code))),
            },
            Self::Branch {
                condition,
                then,
                otherwise,
            } => Ok(Step::Become(match condition.judge(outcome)? {
                Verdict::True => then,
                Verdict::False(_) => otherwise,
            })),
            Self::RunBranch {
                condition,
                then,
                otherwise,
                rest,
            } => {
                let branch = match condition.judge(outcome)? {
                    Verdict::True => then,
                    Verdict::False(_) => otherwise,
                };
                Ok(Step::Run(branch, Self::Foreground(rest)))
            }
        }
    }
}

/// What a condition comes to.
enum Verdict {
    True,
    /// With the exit code that tells it.
    False(u8),
}

impl Condition {
    fn judge(self, outcome: Outcome) -> Result<Verdict, Fault> {
        let ended = outcome.ended(self.is_plain.then_some("command-if"))?;
        match ended {
            Ended::Signal(signal) if !self.crash_is_false => {
                let text = format!("child crashed with signal {signal}");
                return Err(Fault::fatal(text, ended.exit_code()));
            }
            Ended::Signal(_) | Ended::Code(_) => {}
        }
        Ok(match (ended.is_success(), self.negated) {
            (true, false) | (false, true) => Verdict::True,
            (true, true) => Verdict::False(code::FAILED),
            (false, false) => Verdict::False(ended.exit_code()),
        })
    }
}

pub(super) fn plan_if(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let mut condition = Condition::default();
    let mut code = None;
    let mut options = Options::new(words, "nXtx:");
    while let Some(given) = next_option(&mut options, IF)? {
        match given.letter {
            b'n' => condition.negated = true,
            b'X' => condition.crash_is_false = true,
            b't' => code = Some(0),
            _ => code = Some(exit_code(&given.value)?),
        }
    }
    let mut args = scope.args(options.rest());
    let child = args.block("")?;
    let rest = scope.rest(args);
    let after = AfterRun::If {
        condition,
        code,
        rest,
    };
    Ok(Step::Run(child, after))
}

fn exit_code(value: &[u8]) -> Result<u8, Fault> {
    number(value).ok_or_else(|| {
        if !value.is_empty() && value.iter().all(u8::is_ascii_digit) {
            Fault::wrong("invalid exit code")
        } else {
            Fault::usage(IF)
        }
    })
}

pub(super) fn plan_ifelse(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let (condition, words) = condition(words, "nX", IFELSE)?;
    let mut args = scope.args(words);
    let child = args.block("if ")?;
    if args.is_empty() {
        return Err(Fault::wrong("then block required"));
    }
    let then = args.block("then ")?;
    let otherwise = scope.rest(args);
    let after = AfterRun::Branch {
        condition,
        then,
        otherwise,
    };
    Ok(Step::Run(child, after))
}

pub(super) fn plan_ifte(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let (condition, words) = condition(words, "Xn", IFTE)?;
    let condition = Condition {
        is_plain: true,
        ..condition
    };
    let mut args = scope.args(words);
    let then = args.block("then ")?;
    if args.is_empty() {
        return Err(Fault::wrong("else block required"));
    }
    let otherwise = args.block("else ")?;
    let child = scope.rest(args);
    if child.is_empty() {
        return Err(Fault::wrong("empty command-if"));
    }
    let after = AfterRun::Branch {
        condition,
        then,
        otherwise,
    };
    Ok(Step::Run(child, after))
}

pub(super) fn plan_ifthenelse(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    // -s is no longer documented, and still taken.
    let (condition, words) = condition(words, "Xs", IFTHENELSE)?;
    let mut args = scope.args(words);
    let child = args.block("if ")?;
    if args.is_empty() {
        return Err(Fault::wrong("then block required"));
    }
    let then = args.block("then ")?;
    let otherwise = args.block("else ")?;
    let rest = scope.rest(args);
    let after = AfterRun::RunBranch {
        condition,
        then,
        otherwise,
        rest,
    };
    Ok(Step::Run(child, after))
}

/// The options that say how a child is judged, and the words behind them.
fn condition(
    words: Words,
    letters: &'static str,
    synopsis: &'static str,
) -> Result<(Condition, Words), Fault> {
    let mut condition = Condition::default();
    let mut options = Options::new(words, letters);
    while let Some(given) = next_option(&mut options, synopsis)? {
        match given.letter {
            b'n' => condition.negated = true,
            b'X' => condition.crash_is_false = true,
            _ => {}
        }
    }
    Ok((condition, options.rest()))
}
