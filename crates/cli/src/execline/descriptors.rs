//! Commands on descriptors. What is opened and moved here is for the program that follows, so it is
//! known by its number, and nothing here owns it.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _};

use sixfold_execline::command::descriptors::too_many;
use sixfold_execline::fault::joined;
use sixfold_execline::step::{Descriptors, Export, Redirect, Target};
use sixfold_execline::{Step, Word, Words};
use sixfold_sys::fork::{self, Side};
use sixfold_sys::{fds, numbers};

use super::children::{self, Streams};
use super::interpreter::{Interpreter, Next, fatal, report, told};

/// There is no reader at the other end of the FIFO.
const ENXIO: i32 = 6;
/// Bad descriptor; invalid argument.
const EBADF: i32 = 9;
const EINVAL: i32 = 22;

/// `redirfd`
pub(super) fn redirect(interpreter: &mut Interpreter, speaker: &'static str, it: Redirect) -> Next {
    let fd = open(&it).map_err(|error| {
        let what = joined(&[b"open ", &it.file]);
        fatal(speaker, &what, &error)
    })?;
    if it.changes_blocking {
        numbers::set_nonblocking(fd, !it.nonblocking)
            .map_err(|error| fatal(speaker, b"change blocking mode", &error))?;
    }
    match it.to {
        Target::Fd(to) => {
            numbers::move_to(fd, to).map_err(|error| fatal(speaker, b"fd_move", &error))?;
            Ok(Step::Become(it.rest))
        }
        Target::Variable(var, autoimport) => {
            let export = Export {
                var,
                autoimport,
                rest: it.rest,
            };
            told(
                speaker,
                export.with(fd.to_string().into(), &mut interpreter.env),
            )
        }
    }
}

/// Opens the file. A FIFO that nobody reads can be opened for writing all the same, if it is opened
/// without blocking: for a moment we are its reader.
fn open(it: &Redirect) -> io::Result<i32> {
    let flags = it.mode.flags();
    let how = numbers::Open {
        read: flags.read,
        write: flags.write,
        append: flags.append,
        create: flags.create,
        truncate: flags.truncate,
        exclusive: flags.exclusive,
        nonblocking: it.nonblocking,
    };
    let opened = numbers::open(&it.file, how);
    if !opened
        .as_ref()
        .is_err_and(|error| it.nonblocking && error.raw_os_error() == Some(ENXIO))
    {
        return opened;
    }
    let for_reading = numbers::Open {
        read: true,
        nonblocking: true,
        ..numbers::Open::default()
    };
    let reader = numbers::open(&it.file, for_reading)?;
    let opened = numbers::open(&it.file, how);
    numbers::close(reader);
    opened
}

/// `fdmove`, `fdclose`, `fdblock`, `fdswap`, `fdreserve`, `piperw`
pub(super) fn change(
    interpreter: &mut Interpreter,
    speaker: &'static str,
    what: Descriptors,
    rest: Words,
) -> Next {
    let failed = |what: String| move |error: io::Error| fatal(speaker, what.as_bytes(), &error);
    match what {
        Descriptors::Move { to, from, copy } => {
            let moved = if to == from {
                // A copy cannot be where it is copied from; what stays has to be there.
                let wrong = if copy { EINVAL } else { EBADF };
                if copy || !fds::is_open(from) {
                    Err(io::Error::from_raw_os_error(wrong))
                } else {
                    Ok(())
                }
            } else if copy {
                numbers::copy(from, to)
            } else {
                numbers::move_to(from, to)
            };
            moved.map_err(failed(format!("move fd {from} to fd {to}")))?;
        }
        Descriptors::Close(fd) => numbers::close(fd),
        Descriptors::Block(fd, blocking) => {
            let what = if blocking { "ndelay_off" } else { "ndelay_on" };
            numbers::set_nonblocking(fd, !blocking).map_err(failed(what.to_owned()))?;
        }
        Descriptors::Swap(one, other) => {
            numbers::swap(one, other).map_err(failed("swap fds".to_owned()))?;
        }
        Descriptors::Reserve(count) => {
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            let free = numbers::free(count).map_err(|_no_more| report(speaker, &too_many()))?;
            for (index, fd) in free.into_iter().enumerate() {
                interpreter.env.set(format!("FD{index}"), fd.to_string());
            }
        }
        Descriptors::Pipe { read, write } => {
            let (reader, writer) = children::pipe(speaker)?;
            // Neither end may be where the other is to go.
            let writer = if writer.as_raw_fd() == read {
                let copy = fds::duplicate(writer.as_raw_fd());
                drop(writer);
                copy.map_err(failed("duplicate fd".to_owned()))?
            } else {
                writer
            };
            numbers::place(reader, read).map_err(failed(format!("move pipe to fd {read}")))?;
            numbers::place(writer, write).map_err(failed(format!("move pipe to fd {write}")))?;
        }
    }
    Ok(Step::Become(rest))
}

/// `pipeline`
pub(super) fn pipeline(
    interpreter: &mut Interpreter,
    speaker: &'static str,
    child: Words,
    rest_writes: bool,
    apart: bool,
    rest: Words,
) -> Next {
    let (reader, writer) = children::pipe(speaker)?;
    let private = [reader.as_fd(), writer.as_fd()];
    let streams = if rest_writes {
        Streams {
            stdin: Some(&reader),
            private: &private,
            ..Streams::default()
        }
    } else {
        Streams {
            stdout: Some(&writer),
            private: &private,
            ..Streams::default()
        }
    };
    let pid = interpreter.spawn(speaker, child, apart, streams)?;
    interpreter.env.set(*b"!", pid.to_string());
    let placed = if rest_writes {
        drop(reader);
        numbers::place(writer, 1)
    } else {
        drop(writer);
        numbers::place(reader, 0)
    };
    placed.map_err(|error| fatal(speaker, b"move pipe", &error))?;
    Ok(Step::Become(rest))
}

/// `heredoc`
pub(super) fn heredoc(
    speaker: &'static str,
    fd: i32,
    text: Word,
    apart: bool,
    rest: Words,
) -> Next {
    let (reader, writer) = children::pipe(speaker)?;
    let write = || match fork::fork()? {
        Side::Parent(pid) => Ok(pid),
        Side::Child => {
            numbers::close(reader.as_raw_fd());
            fork::end(u8::from(write_all(&writer, &text).is_err()))
        }
    };
    let forked = if apart {
        fork::apart(|_teller| write())
    } else {
        write()
    };
    forked.map_err(|error| fatal(speaker, b"fork", &error))?;
    drop(writer);
    numbers::place(reader, fd)
        .map_err(|error| fatal(speaker, format!("move pipe to fd {fd}").as_bytes(), &error))?;
    Ok(Step::Become(rest))
}

fn write_all(fd: &std::os::fd::OwnedFd, text: &[u8]) -> io::Result<()> {
    let mut rest = text;
    while !rest.is_empty() {
        let written = fds::write(fd, rest)?;
        rest = rest.get(written..).unwrap_or_default();
    }
    Ok(())
}
