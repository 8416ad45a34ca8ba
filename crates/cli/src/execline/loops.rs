//! `forx`, `forstdin`, `forbacktickx`, `loopwhilex`: a child for each turn.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};

use sixfold_execline::command::capture::Splitter;
use sixfold_execline::command::control::{Loop, LoopWhile, Outcome, Source};
use sixfold_execline::fault::code;
use sixfold_execline::{Environment, Step, Words};
use sixfold_sys::{fds, wait};

use super::children::{self, Streams};
use super::interpreter::{Interpreter, Next, fatal, report, told};

/// A loop over values.
pub(super) fn run(interpreter: &mut Interpreter, speaker: &'static str, mut it: Loop) -> Next {
    let mut turns = Turns {
        running: Vec::new(),
        source: None,
    };
    match std::mem::replace(&mut it.source, Source::Values(Words::new())) {
        Source::Values(values) => {
            turns.take(interpreter, speaker, &it, values)?;
        }
        Source::Input(splitter) => {
            turns.read(interpreter, speaker, &it, 0, splitter)?;
        }
        Source::Output(generator, splitter) => {
            let (reader, writer) = children::pipe(speaker)?;
            let streams = Streams {
                stdout: Some(&writer),
                private: &[reader.as_fd(), writer.as_fd()],
                ..Streams::default()
            };
            interpreter.spawn(speaker, generator, false, streams)?;
            drop(writer);
            let fd = reader.as_raw_fd();
            turns.source = Some(reader);
            turns.read(interpreter, speaker, &it, fd, splitter)?;
        }
    }
    turns.finish(speaker)?;
    Ok(Step::Exit(0))
}

/// The turns of a loop.
struct Turns {
    /// The children that run at the same time.
    running: Vec<i32>,
    /// What values are read from, if that is ours alone.
    source: Option<OwnedFd>,
}

impl Turns {
    /// Reads values to the end, a turn for each. None at all is the end of the loop, as a failure.
    fn read(
        &mut self,
        interpreter: &mut Interpreter,
        speaker: &'static str,
        it: &Loop,
        fd: i32,
        mut splitter: Splitter,
    ) -> Result<(), u8> {
        let mut is_empty = true;
        // A loop's commands read on where this has stopped: one byte less than a buffer of 8 KiB, which
        // is what the original takes at a time.
        let mut buffer = [0; 8191];
        loop {
            let length = fds::read_fd(fd, &mut buffer)
                .map_err(|error| fatal(speaker, b"skagetlnsep", &error))?;
            let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else {
                break;
            };
            let values = told(speaker, splitter.feed(bytes))?;
            is_empty &= values.is_empty();
            self.take(interpreter, speaker, it, values)?;
        }
        let last = told(speaker, splitter.finish())?;
        is_empty &= last.is_none();
        self.take(interpreter, speaker, it, last.into_iter().collect())?;
        if is_empty { Err(code::FAILED) } else { Ok(()) }
    }

    /// A turn for each value; the end of the loop, if one of them is.
    fn take(
        &mut self,
        interpreter: &mut Interpreter,
        speaker: &'static str,
        it: &Loop,
        values: Words,
    ) -> Result<(), u8> {
        for value in values {
            let (words, env) = it.child(&interpreter.env, &value);
            let pid = spawn_with(interpreter, speaker, words, env, self.source.as_ref())?;
            match it.at_once {
                None => {
                    let ended = interpreter.wait_for(speaker, pid)?;
                    if let Some(code) = it.breaks.breaks(ended) {
                        return Err(code);
                    }
                }
                Some(most) => {
                    self.running.push(pid);
                    while self.running.len() >= usize::try_from(most).unwrap_or(usize::MAX) {
                        self.wait_for_one(speaker)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Waits for all that run.
    fn finish(&mut self, speaker: &str) -> Result<(), u8> {
        while !self.running.is_empty() {
            self.wait_for_one(speaker)?;
        }
        Ok(())
    }

    /// Waits for the end of a child, whichever; one of a `background` that came before is collected
    /// on the way.
    fn wait_for_one(&mut self, speaker: &str) -> Result<(), u8> {
        let failed = |error: &io::Error| fatal(speaker, b"wait", error);
        match wait::wait_for_any().map_err(|error| failed(&error))? {
            Some(pid) => {
                wait::reap(pid).map_err(|error| failed(&error))?;
                self.running.retain(|running| *running != pid);
            }
            None => self.running.clear(),
        }
        Ok(())
    }
}

/// Starts a child with an environment of its own.
fn spawn_with(
    interpreter: &mut Interpreter,
    speaker: &'static str,
    words: Words,
    env: Environment,
    private: Option<&OwnedFd>,
) -> Result<i32, u8> {
    let own = std::mem::replace(&mut interpreter.env, env);
    let private: Vec<BorrowedFd<'_>> = private.into_iter().map(OwnedFd::as_fd).collect();
    let streams = Streams {
        private: &private,
        has_mask: true,
        ..Streams::default()
    };
    let spawned = interpreter.spawn(speaker, words, false, streams);
    interpreter.env = own;
    spawned
}

/// `loopwhilex`
pub(super) fn run_while(
    interpreter: &mut Interpreter,
    speaker: &'static str,
    it: LoopWhile,
) -> Next {
    loop {
        match interpreter.run_child(speaker, it.body.clone())? {
            Outcome::Ended(ended) => {
                if let Some(code) = it.breaks.breaks(ended) {
                    return Err(code);
                }
            }
            not_spawned @ Outcome::NotSpawned { .. } => {
                return Err(report(speaker, &it.not_spawned(not_spawned)));
            }
        }
    }
}
