//! Processes that a command starts: a fork that goes on with the words of the child if they are of the
//! language, and a program otherwise.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use sixfold_execline::command::capture::{AfterCapture, AfterInput};
use sixfold_execline::command::control::Outcome;
use sixfold_execline::fault::joined;
use sixfold_execline::{Ended, Fault, Word, Words};
use sixfold_sys::exec::{self, Changes};
use sixfold_sys::fork::{self, Side};
use sixfold_sys::wait::{self, Exit};
use sixfold_sys::{fds, numbers, signals};

use super::finder::Found;
use super::interpreter::{self, Interpreter, Next, fatal, told, warn};
use crate::complain::reason;

/// No such file or directory.
const ENOENT: i32 = 2;

/// A file of s6-overlay v1 and v2, whose execline went on after a `backtick` that failed: the scripts of
/// such an image rely on it.
const OLD_OVERLAY: &str = "/etc/s6/init/init-stage1";

/// Where a child's standard streams go, and which descriptors of ours it must not have.
#[derive(Debug, Default)]
pub(super) struct Streams<'a> {
    /// Descriptor 0, if not ours.
    pub(super) stdin: Option<&'a OwnedFd>,
    /// Descriptor 1, if not ours.
    pub(super) stdout: Option<&'a OwnedFd>,
    /// What is open in this process for its own use. A program loses it by its exec; a fork that
    /// goes on would keep it.
    pub(super) private: &'a [BorrowedFd<'a>],
    /// Signals are blocked in this process that must not be in the child; also where whoever started
    /// us has blocked them, and the original begins children anew.
    pub(super) has_mask: bool,
}

impl Interpreter {
    /// Starts a child and gives its pid; says why not, and gives the exit code for that. `apart`: it
    /// is no child of ours, but of a process in between that has ended.
    pub(super) fn spawn(
        &mut self,
        speaker: &'static str,
        words: Words,
        apart: bool,
        streams: Streams<'_>,
    ) -> Result<i32, u8> {
        let name = words.first().cloned().unwrap_or_default();
        let spawned = if apart {
            fork::apart(|teller| {
                let private = [streams.private, &[teller]].concat();
                let streams = Streams {
                    private: &private,
                    ..streams
                };
                self.try_spawn(speaker, words, &streams)
            })
        } else {
            self.try_spawn(speaker, words, &streams)
        };
        spawned.map_err(|error| {
            let what = joined(&[b"spawn ", &name]);
            fatal(speaker, &what, &error)
        })
    }

    /// Starts a child; no words are one that ends at once.
    ///
    /// # Errors
    /// When there is no such program, it cannot be executed, or no process can be made.
    pub(super) fn try_spawn(
        &mut self,
        speaker: &'static str,
        words: Words,
        streams: &Streams<'_>,
    ) -> io::Result<i32> {
        let program = match words.first() {
            None => None,
            // An exec would find a directory.
            Some(name) if name.is_empty() => return Err(io::Error::from_raw_os_error(ENOENT)),
            Some(name) => match self.find(name, &words)? {
                Found::Ours(_) => None,
                Found::File(program) => Some(program),
            },
        };
        match program {
            Some(program) => self.start(&program, &words, streams),
            None => match fork::fork()? {
                Side::Parent(pid) => Ok(pid),
                Side::Child => self.be_child(speaker, words, streams),
            },
        }
    }

    /// Starts the program in a file.
    fn start(&self, program: &[u8], words: &Words, streams: &Streams<'_>) -> io::Result<i32> {
        let changes = Changes {
            stdin: streams.stdin.map(OwnedFd::as_fd),
            stdout: streams.stdout.map(OwnedFd::as_fd),
            empty_mask: streams.has_mask,
        };
        exec::spawn(program, words, self.variables(), changes)
    }

    /// Goes on as the child: with its streams, no signal blocked, and without what is private to its
    /// parent.
    fn be_child(&mut self, speaker: &'static str, words: Words, streams: &Streams<'_>) -> ! {
        let prepared = prepare_child(streams);
        let code = match prepared {
            Ok(()) => self.run(speaker, words),
            Err(error) => fatal(speaker, b"prepare child", &error),
        };
        fork::end(code)
    }

    /// Runs a child to its end.
    pub(super) fn run_child(&mut self, speaker: &'static str, words: Words) -> Result<Outcome, u8> {
        if words.is_empty() {
            return Ok(Outcome::Ended(Ended::Code(0)));
        }
        let name = words.first().cloned().unwrap_or_default();
        match self.try_spawn(speaker, words, &Streams::default()) {
            Ok(pid) => Ok(Outcome::Ended(self.wait_for(speaker, pid)?)),
            Err(error) => Ok(not_spawned(name, &error)),
        }
    }

    /// Waits for the end of a child.
    pub(super) fn wait_for(&self, speaker: &str, pid: i32) -> Result<Ended, u8> {
        match wait::wait_for(pid) {
            Ok(exit) => Ok(ended(exit)),
            Err(error) => {
                let what = format!("wait for {pid}");
                Err(fatal(speaker, what.as_bytes(), &error))
            }
        }
    }

    /// `backtick`: runs a child, with all that it writes.
    pub(super) fn capture(
        &mut self,
        speaker: &'static str,
        child: Words,
        after: AfterCapture,
    ) -> Next {
        let (reader, writer) = pipe(speaker)?;
        let name = child.first().cloned().unwrap_or_default();
        let streams = Streams {
            stdout: Some(&writer),
            private: &[reader.as_fd(), writer.as_fd()],
            has_mask: true,
            ..Streams::default()
        };
        let (output, outcome) = match self.try_spawn(speaker, child, &streams) {
            Ok(pid) => {
                drop(writer);
                let output = read_to_end(speaker, reader.as_raw_fd())?;
                (output, Outcome::Ended(self.wait_for(speaker, pid)?))
            }
            Err(error) => (Word::new(), not_spawned(name, &error)),
        };
        let after = if outcome != Outcome::Ended(Ended::Code(0)) && Path::new(OLD_OVERLAY).exists()
        {
            after.lenient()
        } else {
            after
        };
        let mut warnings = Vec::new();
        let next = after.resume(&mut self.env, &mut warnings, output, outcome);
        warn(speaker, &warnings);
        told(speaker, next)
    }

    /// `withstdinas`: all of standard input.
    pub(super) fn read_input(&mut self, speaker: &'static str, after: AfterInput) -> Next {
        let input = read_to_end(speaker, 0)?;
        let mut warnings = Vec::new();
        let next = after.resume(&mut self.env, &mut warnings, input);
        warn(speaker, &warnings);
        told(speaker, next)
    }
}

/// How a process ended, in the words of the language.
pub(super) fn ended(exit: Exit) -> Ended {
    match exit {
        Exit::Code(code) => Ended::Code(u8::try_from(code).unwrap_or(u8::MAX)),
        Exit::Signal(signal) => Ended::Signal(u8::try_from(signal).unwrap_or(u8::MAX)),
    }
}

/// A pipe for our own use, the end to read from first. Its numbers are none of the standard streams',
/// even where some of those are closed.
pub(super) fn pipe(speaker: &str) -> Result<(OwnedFd, OwnedFd), u8> {
    let high = |fd: OwnedFd| {
        if fd.as_raw_fd() > 2 {
            Ok(fd)
        } else {
            fds::duplicate(fd.as_raw_fd())
        }
    };
    fds::pipe()
        .and_then(|(reader, writer)| Ok((high(reader)?, high(writer)?)))
        .map_err(|error| fatal(speaker, b"pipe", &error))
}

/// More than any environment can hold ends the reading: nothing may grow without bound.
const MOST: usize = 64 * 1024 * 1024;

/// Everything that can be read from the descriptor.
fn read_to_end(speaker: &str, fd: i32) -> Result<Word, u8> {
    let mut read = Word::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        match fds::read_fd(fd, &mut buffer) {
            Ok(0) => return Ok(read),
            Ok(length) if read.len() + length <= MOST => {
                read.extend_from_slice(buffer.get(..length).unwrap_or_default());
            }
            Ok(_) => {
                let text = format!("more than {MOST} bytes to read");
                return Err(interpreter::report(speaker, &Fault::fatal(text, 111)));
            }
            Err(error) => return Err(fatal(speaker, b"slurp", &error)),
        }
    }
}

fn prepare_child(streams: &Streams<'_>) -> io::Result<()> {
    for (from, to) in [(streams.stdin, 0), (streams.stdout, 1)] {
        if let Some(from) = from {
            numbers::copy(from.as_raw_fd(), to)?;
        }
    }
    for fd in streams.private {
        numbers::close(fd.as_raw_fd());
    }
    if streams.has_mask {
        signals::clear_mask()?;
    }
    Ok(())
}

fn not_spawned(program: Word, error: &io::Error) -> Outcome {
    Outcome::NotSpawned {
        program,
        reason: reason(error),
        is_missing: error.kind() == io::ErrorKind::NotFound,
    }
}
