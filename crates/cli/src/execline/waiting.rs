//! `trap` and `wait`: processes and signals that are waited for.

use std::os::fd::AsFd as _;
use std::time::Duration;

use sixfold_execline::command::control::{Trap, Wait};
use sixfold_execline::{Ended, Step, Words};
use sixfold_sys::poll::{self, Deadline};
use sixfold_sys::signals::{self, Mask, SignalFd};
use sixfold_sys::wait::{self, Peek};

use super::children::{Streams, ended};
use super::interpreter::{Interpreter, Next, fatal, report};

const CHLD: i32 = 17;
const KILL: i32 = 9;
const STOP: i32 = 19;
/// The last signal there is.
const LAST: i32 = 64;
/// What `wait` says when there is no such process.
const UNKNOWN: u8 = 127;

/// Runs the program of a `trap` as a child, and handlers for the signals that come.
pub(super) fn trap(interpreter: &mut Interpreter, speaker: &'static str, it: Trap) -> Next {
    let caught = caught(&it);
    let failed = |what: &[u8], error: &std::io::Error| fatal(speaker, what, error);
    // Ignored, it would not tell of the end of the program.
    signals::heed(CHLD).map_err(|error| failed(b"trap signals", &error))?;
    signals::block(&caught).map_err(|error| failed(b"block signals", &error))?;
    let incoming = SignalFd::new(&caught).map_err(|error| failed(b"trap signals", &error))?;
    let private = [incoming.as_fd()];
    let child = || Streams {
        private: &private,
        has_mask: true,
        ..Streams::default()
    };
    let program = interpreter.spawn(speaker, it.rest.clone(), false, child())?;
    interpreter.env.set(*b"!", program.to_string());
    let mut handling: Vec<(i32, i32)> = Vec::new();
    loop {
        poll::wait_readable(&[incoming.as_fd()], Deadline::after(None))
            .map_err(|error| failed(b"poll", &error))?;
        while let Some(received) = incoming
            .read()
            .map_err(|error| failed(b"read signals", &error))?
        {
            let signal = received.signal;
            if signal == CHLD {
                continue;
            }
            if handling.iter().any(|(of, _)| *of == signal) {
                continue;
            }
            let handler = it.handlers.iter().find(|(of, _)| *of == signal);
            match handler.map(|(_, words)| words).or(it.default.as_ref()) {
                Some(words) => {
                    interpreter.env.set(*b"SIGNAL", signal.to_string());
                    if let Ok(pid) = interpreter.spawn(speaker, words.clone(), false, child()) {
                        handling.push((signal, pid));
                    }
                }
                // A program that has just ended is no failure.
                None => drop(signals::send(program, signal)),
            }
        }
        while let Peek::Child(pid) = wait::peek().map_err(|error| failed(b"wait", &error))? {
            let exit = wait::reap(pid).map_err(|error| failed(b"wait", &error))?;
            if let Some(exit) = exit.filter(|_| pid == program) {
                return Err(ended(exit).exit_code());
            }
            handling.retain(|(_, of)| *of != pid);
        }
    }
}

/// The signals that a `trap` does not leave to their usual effect.
fn caught(it: &Trap) -> Vec<i32> {
    // 32 and 33 belong to the C library.
    let all = (1..=LAST).filter(|signal| !matches!(*signal, KILL | STOP | CHLD | 32 | 33));
    let mut caught: Vec<i32> = if it.passes_on || it.default.is_some() {
        all.collect()
    } else {
        it.handlers.iter().map(|(signal, _)| *signal).collect()
    };
    caught.push(CHLD);
    caught
}

/// Waits for processes as a `wait` says.
pub(super) fn wait(interpreter: &mut Interpreter, speaker: &'static str, it: Wait) -> Next {
    match it {
        Wait::Block {
            pids,
            first,
            timeout,
            strict,
            rest,
        } => block(interpreter, speaker, pids, first, timeout, strict, rest),
        Wait::Plain(pids, timeout, strict) => {
            let last = pids.last().copied();
            let mut waiting = Waiting::new(speaker, pids, timeout)?;
            let mut code = last.map_or(0, |_| UNKNOWN);
            while let Some((pid, ended)) = waiting.next()? {
                if Some(pid) == last {
                    code = ended.exit_code();
                }
            }
            waiting.in_time(strict)?;
            Err(code)
        }
        Wait::PlainFirst(pids, timeout, strict) => {
            let mut waiting = Waiting::new(speaker, pids, timeout)?;
            let first = waiting.next()?;
            waiting.in_time(strict)?;
            Err(first.map_or(UNKNOWN, |(_, ended)| ended.exit_code()))
        }
    }
}

fn block(
    interpreter: &mut Interpreter,
    speaker: &'static str,
    pids: Vec<i32>,
    first: bool,
    timeout: Option<u32>,
    strict: bool,
    rest: Words,
) -> Next {
    let mut waiting = Waiting::new(speaker, pids, timeout)?;
    if first {
        let first = waiting.next()?;
        Wait::tell_first(&mut interpreter.env, first);
        if timeout.is_some() && first.is_none() {
            interpreter.env.set(*b"?", *b"0");
            interpreter.env.set(*b"!", *b"-1");
        }
    } else {
        while waiting.next()?.is_some() {}
    }
    waiting.in_time(strict)?;
    waiting.done()?;
    Ok(Step::Become(rest))
}

/// Children that are waited for, with a deadline.
struct Waiting {
    speaker: &'static str,
    /// Which; none are all there are.
    pids: Vec<i32>,
    is_all: bool,
    deadline: Deadline,
    /// The end of children is told here.
    ends: SignalFd,
    /// What was blocked before, and whether SIGCHLD was ignored.
    before: (Mask, bool),
    /// The deadline has come.
    is_late: bool,
}

impl Waiting {
    fn new(speaker: &'static str, pids: Vec<i32>, timeout: Option<u32>) -> Result<Self, u8> {
        let failed = |error: std::io::Error| fatal(speaker, b"listen to SIGCHLD", &error);
        let was_ignored = signals::heed(CHLD).map_err(failed)?;
        // A blocked signal stays pending, so no end is missed between a look and the wait.
        let mask = signals::block(&[CHLD]).map_err(failed)?;
        let ends = SignalFd::new(&[CHLD]).map_err(failed)?;
        let timeout = timeout.map(|milliseconds| Duration::from_millis(milliseconds.into()));
        Ok(Self {
            speaker,
            is_all: pids.is_empty(),
            pids,
            deadline: Deadline::after(timeout),
            ends,
            before: (mask, was_ignored),
            is_late: false,
        })
    }

    /// The next that ends; none when there is nobody left to wait for, or the deadline has come.
    fn next(&mut self) -> Result<Option<(i32, Ended)>, u8> {
        let speaker = self.speaker;
        let failed = |error: &std::io::Error| fatal(speaker, b"wait", error);
        loop {
            if let Some(found) = self.look().map_err(|error| failed(&error))? {
                return Ok(Some(found));
            }
            if !self.is_all && self.pids.is_empty()
                || wait::peek().map_err(|error| failed(&error))? == Peek::NoChildren
            {
                return Ok(None);
            }
            let is_told = poll::wait_readable(&[self.ends.as_fd()], self.deadline)
                .map_err(|error| failed(&error))?;
            if !is_told.contains(&true) {
                self.is_late = true;
                return Ok(None);
            }
            while self.ends.read().map_err(|error| failed(&error))?.is_some() {}
        }
    }

    /// One that has ended already. Who is no child is not waited for.
    fn look(&mut self) -> std::io::Result<Option<(i32, Ended)>> {
        if self.is_all {
            let Peek::Child(pid) = wait::peek()? else {
                return Ok(None);
            };
            return Ok(wait::reap(pid)?.map(|exit| (pid, ended(exit))));
        }
        let mut found = None;
        self.pids.retain(|pid| {
            if found.is_some() {
                return true;
            }
            match wait::reap(*pid) {
                Ok(Some(exit)) => {
                    found = Some((*pid, ended(exit)));
                    false
                }
                Ok(None) => true,
                Err(_) => false,
            }
        });
        Ok(found)
    }

    /// Whether the deadline has not come, if that matters.
    fn in_time(&self, strict: bool) -> Result<(), u8> {
        if self.is_late && strict {
            return Err(report(self.speaker, &Wait::timed_out()));
        }
        Ok(())
    }

    /// Lets the end of children be as before.
    fn done(self) -> Result<(), u8> {
        let (mask, was_ignored) = self.before;
        let ignored = if was_ignored {
            signals::ignore(CHLD)
        } else {
            Ok(())
        };
        let restored = ignored.and_then(|()| mask.restore());
        restored.map_err(|error| fatal(self.speaker, b"restore SIGCHLD", &error))
    }
}
