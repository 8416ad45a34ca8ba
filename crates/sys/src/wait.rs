//! Statuses of children that ended: looking, collecting, decoding.
//!
//! The race first. The daemon's own children belong to tasks that hold a `Child`; each of those
//! collects its status with a wait on that one pid. Orphans that the kernel hands to PID 1 or to a
//! subreaper belong to nobody and must be collected too. `waitpid(-1)` collects *any* child: put
//! beside those tasks it takes statuses that are theirs, and such a task then sees ECHILD, or, once
//! the pid is reused, somebody else's end. So this module has no call that waits for any pid and
//! collects. [`peek`] looks without collecting (WNOWAIT); whoever calls it compares the pid with
//! those that are owned and calls [`reap`] for that one pid only if it is not.
//!
//! `peek` shows the head of a queue: while its owner is slow, the same pid is shown again. What is
//! behind it is found through [`crate::process::zombies_of_self`].
//!
//! Called from the daemon's reaper and, for [`wait_for`], from applets.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use crate::check::{check, invalid, retry};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// It exited with this code, 0 to 255.
    Code(i32),
    /// This signal killed it, 1 to 64.
    Signal(i32),
}

impl Exit {
    /// Decodes a status of wait(2). Only for statuses of processes that ended: none of this
    /// module's calls asks for stopped or continued ones.
    #[must_use]
    pub fn from_raw(status: i32) -> Self {
        match status & 0x7f {
            0 => Self::Code((status >> 8) & 0xff),
            signal => Self::Signal(signal),
        }
    }
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        Self::from_raw(status.into_raw())
    }
}

/// What [`peek`] saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peek {
    /// This child has ended and its status is still there to be collected.
    Child(i32),
    /// There are children, none of which has ended.
    NoneReady,
    /// There are no children at all.
    NoChildren,
}

/// Looks for a child that has ended, without collecting its status and without blocking:
/// waitid(2) with WEXITED, WNOHANG and WNOWAIT.
///
/// # Errors
/// What waitid reports, except ECHILD (that is [`Peek::NoChildren`]).
pub fn peek() -> io::Result<Peek> {
    first_ended(libc::WEXITED | libc::WNOHANG | libc::WNOWAIT)
}

fn first_ended(flags: i32) -> io::Result<Peek> {
    // SAFETY: siginfo_t is plain data for which all zeroes is a valid value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: `info` is a siginfo_t that outlives the call.
    let result = retry(|| check(unsafe { libc::waitid(libc::P_ALL, 0, &raw mut info, flags) }));
    match result {
        Ok(_zero) => {}
        Err(error) if error.raw_os_error() == Some(libc::ECHILD) => return Ok(Peek::NoChildren),
        Err(error) => return Err(error),
    }
    // SAFETY: waitid succeeded, so this is a child's record, or still the zeroes from above.
    match unsafe { info.si_pid() } {
        0 => Ok(Peek::NoneReady),
        pid => Ok(Peek::Child(pid)),
    }
}

/// Blocks until a child has ended, whichever, and gives its pid; its status is left to be collected.
/// `None` when there are no children. For applets only: PID 1 never blocks.
///
/// # Errors
/// What waitid reports, except ECHILD.
pub fn wait_for_any() -> io::Result<Option<i32>> {
    match first_ended(libc::WEXITED | libc::WNOWAIT)? {
        Peek::Child(pid) => Ok(Some(pid)),
        Peek::NoneReady | Peek::NoChildren => Ok(None),
    }
}

/// The signal that has stopped child `pid`, told once for each time: waitid(2) with WSTOPPED. `None`
/// when it has not been stopped. Its end is left for others to collect.
///
/// # Errors
/// `InvalidInput` unless `pid` is positive; what waitid reports.
pub fn stopped_by(pid: i32) -> io::Result<Option<i32>> {
    let id = libc::id_t::try_from(pid)
        .ok()
        .filter(|id| *id > 0)
        .ok_or_else(invalid)?;
    // SAFETY: siginfo_t is plain data for which all zeroes is a valid value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let flags = libc::WSTOPPED | libc::WNOHANG;
    // SAFETY: `info` is a siginfo_t that outlives the call.
    retry(|| check(unsafe { libc::waitid(libc::P_PID, id, &raw mut info, flags) }))?;
    // SAFETY: waitid succeeded, so this is the child's record, or still the zeroes from above.
    let found = unsafe { info.si_pid() };
    // SAFETY: as above.
    let signal = unsafe { info.si_status() };
    Ok((found == pid).then_some(signal))
}

/// Collects the status of child `pid` if it has ended; `None` while it runs. Never blocks.
///
/// # Errors
/// `InvalidInput` unless `pid` is positive (0 and negative numbers mean "any child" to the kernel);
/// ECHILD when it is no child of this process or was collected before.
pub fn reap(pid: i32) -> io::Result<Option<Exit>> {
    let (found, exit) = wait_pid(pid, libc::WNOHANG)?;
    Ok((found == pid).then_some(exit))
}

/// [`reap`], with the status as wait(2) gives it, for who passes it on.
///
/// # Errors
/// As [`reap`].
pub fn reap_raw(pid: i32) -> io::Result<Option<i32>> {
    let (found, status) = wait_status(pid, libc::WNOHANG)?;
    Ok((found == pid).then_some(status))
}

/// Blocks until child `pid` has ended and collects its status. For applets only: PID 1 never blocks.
///
/// # Errors
/// As [`reap`].
pub fn wait_for(pid: i32) -> io::Result<Exit> {
    wait_pid(pid, 0).map(|(_pid, exit)| exit)
}

fn wait_pid(pid: i32, flags: i32) -> io::Result<(i32, Exit)> {
    wait_status(pid, flags).map(|(found, status)| (found, Exit::from_raw(status)))
}

fn wait_status(pid: i32, flags: i32) -> io::Result<(i32, i32)> {
    if pid <= 0 {
        return Err(invalid());
    }
    let mut status = 0;
    // SAFETY: `status` is a c_int that outlives the call.
    let found = retry(|| check(unsafe { libc::waitpid(pid, &raw mut status, flags) }))?;
    Ok((found, status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_decode_real_time_signals_too() {
        assert_eq!(Exit::from_raw(0), Exit::Code(0));
        assert_eq!(Exit::from_raw(0xff00), Exit::Code(255));
        assert_eq!(Exit::from_raw(9), Exit::Signal(9));
        assert_eq!(
            Exit::from_raw(0x80 | 11),
            Exit::Signal(11),
            "the core bit is no part of it"
        );
        for signal in 1..=64 {
            assert_eq!(
                Exit::from(ExitStatus::from_raw(signal)),
                Exit::Signal(signal)
            );
        }
    }

    #[test]
    fn any_child_cannot_be_asked_for() {
        for pid in [0, -1, -7] {
            assert_eq!(reap(pid).unwrap_err().kind(), io::ErrorKind::InvalidInput);
            assert_eq!(
                wait_for(pid).unwrap_err().kind(),
                io::ErrorKind::InvalidInput
            );
        }
    }
}
