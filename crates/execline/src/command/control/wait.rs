//! `wait`, in its two forms.

use crate::command::Scope;
use crate::command::long::{Known, LongOptions};
use crate::fault::code;
use crate::options::number;
use crate::{Ended, Environment, Fault, Step, Words};

const KNOWN: Known = Known {
    flags: b"Iiaor",
    valued: b"t",
    names: &[
        ("no-insist", b'I'),
        ("insist", b'i'),
        ("all", b'a'),
        ("one", b'o'),
        ("reap", b'r'),
        ("timeout", b't'),
    ],
    synopsis: "wait [ -I | -i ] [ -a | -o ] [ -r | -t timeout ] { pids... } [ prog... ]",
};

/// `wait`. A pid that no process can have stands as the highest number there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// `wait { pids } prog...`: none are all.
    Block {
        /// The processes.
        pids: Vec<i32>,
        /// `-o`: the first end is enough, and is told in `!` and `?`.
        first: bool,
        /// `-t`, `-r`, in milliseconds.
        timeout: Option<u32>,
        /// `-i`: running out of time is the end.
        strict: bool,
        /// The rest.
        rest: Words,
    },
    /// `wait pids...`, with the timeout and whether running out of time is the end: the exit code is
    /// the last one's.
    Plain(Vec<i32>, Option<u32>, bool),
    /// `wait -o pids...`, with the same: the exit code is that of the first that ends, or 127.
    PlainFirst(Vec<i32>, Option<u32>, bool),
}

impl Wait {
    /// What is said when time has run out and that is the end (99).
    #[must_use]
    pub fn timed_out() -> Fault {
        Fault::fatal("unable to wait: Connection timed out", code::TIMED_OUT)
    }

    /// Tells in `env` the first end that `wait -o { }` has seen: the pid in `!`, its exit code in `?`
    /// (128 plus the number for a signal, unlike `foreground`). If there was none, both are removed.
    pub fn tell_first(env: &mut Environment, first: Option<(i32, Ended)>) {
        match first {
            Some((pid, ended)) => {
                env.set(*b"!", pid.to_string());
                env.set(*b"?", ended.exit_code().to_string());
            }
            None => {
                env.remove(b"!");
                env.remove(b"?");
            }
        }
    }
}

pub(super) fn plan(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let mut first = false;
    let mut strict = false;
    let mut timeout = None;
    let mut options = LongOptions::new(words, &KNOWN);
    while let Some(given) = options.next_option()? {
        match given.letter {
            b'I' => strict = false,
            b'i' => strict = true,
            b'a' => first = false,
            b'o' => first = true,
            b'r' => timeout = Some(0),
            _ => timeout = Some(number(&given.value).ok_or_else(|| Fault::usage(KNOWN.synopsis))?),
        }
    }
    let mut args = scope.args(options.rest());
    let block = if args.has_block() {
        Some(args.block("")?)
    } else {
        None
    };
    let rest = scope.rest(args);
    let pids = |words: &Words| -> Result<Vec<i32>, Fault> {
        let pids = words.iter().map(|word| pid(word));
        let pids: Option<Vec<i32>> = pids.collect();
        pids.ok_or_else(|| Fault::usage(KNOWN.synopsis))
    };
    Ok(Step::Wait(match block {
        Some(block) => Wait::Block {
            pids: pids(&block)?,
            first,
            timeout,
            strict,
            rest,
        },
        None if first => Wait::PlainFirst(pids(&rest)?, timeout, strict),
        None => Wait::Plain(pids(&rest)?, timeout, strict),
    }))
}

/// The pid that a word names. 0 and less would be whole groups of processes.
fn pid(word: &[u8]) -> Option<i32> {
    let digits = word.strip_prefix(b"-").unwrap_or(word);
    let value: u32 = number(digits)?;
    let pid = i32::try_from(value).unwrap_or(i32::MAX);
    Some(if pid == 0 || digits.len() < word.len() {
        i32::MAX
    } else {
        pid
    })
}
