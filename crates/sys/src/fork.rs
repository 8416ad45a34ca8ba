//! A second process that goes on with the same program.
//!
//! Only for programs of one thread, as all of ours are: another thread's locks would stay locked in
//! the child for ever. Called from applets, never from the daemon.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};

use nix::unistd::ForkResult;

use crate::{fds, wait};

/// Who one is after [`fork`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The process that was there before, and the pid of its child.
    Parent(i32),
    /// The new one.
    Child,
}

/// Forks.
///
/// # Errors
/// EAGAIN, ENOMEM (fork(2)).
pub fn fork() -> io::Result<Side> {
    // SAFETY: the process has one thread.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Side::Parent(child.as_raw())),
        ForkResult::Child => Ok(Side::Child),
    }
}

/// Forks so that the new process is nobody's child of ours: it belongs to whoever collects orphans,
/// and whatever this process becomes never hears of its end.
///
/// # Errors
/// EAGAIN, ENOMEM (fork(2)).
pub fn fork_apart() -> io::Result<Side> {
    let (reader, writer) = fds::pipe()?;
    let Side::Parent(between) = fork()? else {
        drop(reader);
        match fork() {
            Ok(Side::Child) => return Ok(Side::Child),
            Ok(Side::Parent(pid)) => end_between(&writer, Ok(pid)),
            Err(error) => end_between(&writer, Err(error)),
        }
    };
    drop(writer);
    hear(&reader, between).map(Side::Parent)
}

/// Has `start` start a process that is nobody's child of ours, as [`fork_apart`]: it is called in a
/// process in between, and gives the pid. The descriptor is the one through which the pid is told: the
/// process that is started should not keep it.
///
/// # Errors
/// EAGAIN, ENOMEM (fork(2)); what `start` reports.
pub fn apart(start: impl FnOnce(BorrowedFd<'_>) -> io::Result<i32>) -> io::Result<i32> {
    let (reader, writer) = fds::pipe()?;
    // Not where a standard stream is closed: the new process may get one of its own there.
    let writer = if writer.as_raw_fd() > 2 {
        writer
    } else {
        let high = fds::duplicate(writer.as_raw_fd())?;
        drop(writer);
        high
    };
    let Side::Parent(between) = fork()? else {
        drop(reader);
        let started = start(writer.as_fd());
        end_between(&writer, started);
    };
    drop(writer);
    hear(&reader, between)
}

/// Ends the process in between: it tells a pid, or an error as a negative number. So few bytes into an
/// empty pipe are written whole.
fn end_between(writer: &OwnedFd, started: io::Result<i32>) -> ! {
    let number = match started {
        Ok(pid) => pid,
        Err(error) => -error.raw_os_error().unwrap_or(libc::EAGAIN),
    };
    end(u8::from(fds::write(writer, &number.to_ne_bytes()).is_err()))
}

/// What the process in between has told; it is collected.
fn hear(reader: &OwnedFd, between: i32) -> io::Result<i32> {
    let mut number = [0; size_of::<i32>()];
    let length = fds::read(reader, &mut number)?;
    wait::wait_for(between)?;
    match i32::from_ne_bytes(number) {
        pid if pid > 0 && length == number.len() => Ok(pid),
        error if error < 0 => Err(io::Error::from_raw_os_error(-error)),
        _ => Err(io::Error::from_raw_os_error(libc::EAGAIN)),
    }
}

/// Ends a process that was forked, at once: nothing that it shares with its parent is flushed or run.
pub fn end(code: u8) -> ! {
    // SAFETY: ends this process.
    unsafe { libc::_exit(i32::from(code)) }
}
