//! Record locks of fcntl(2) on whole files, as s6 has them on `supervise/lock` and
//! `.s6-svscan/lock`.
//!
//! The kernel drops a process's locks on a file when the process closes *any* descriptor of it, and
//! a process never sees its own locks. So: keep the descriptor that holds the lock, never open the
//! file a second time in the process that holds it, and ask [`is_locked`] from outside only.
//! Called from the daemon (one lock for each service) and from applets.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use crate::check::{check, retry};
use crate::poll::Deadline;
use crate::signals;

/// An alarm that goes off just before the wait begins is missed: it goes off again after this.
const TICK: Duration = Duration::from_millis(1);

/// What a lock keeps others from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Others may lock it in the same way.
    Shared,
    /// Nobody else may lock it.
    Exclusive,
}

/// Takes the lock on a whole file if it is free; whether it was.
///
/// # Errors
/// What fcntl(2) reports but for the lock being held by another process.
pub fn try_lock(file: &impl AsRawFd, kind: Kind) -> io::Result<bool> {
    match set(file, kind, libc::F_SETLK) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Takes the lock on a whole file and waits for it as long as it takes. A signal with a handler
/// does not end the wait.
///
/// # Errors
/// What fcntl(2) reports, EDEADLK among it.
pub fn lock(file: &impl AsRawFd, kind: Kind) -> io::Result<()> {
    retry(|| set(file, kind, libc::F_SETLKW))
}

/// Takes the lock on a whole file and waits for it no longer than `timeout`; whether it came in time.
/// Uses SIGALRM, which is back at its default then.
///
/// # Errors
/// What fcntl(2), sigaction(2) and setitimer(2) report.
pub fn lock_within(file: &impl AsRawFd, kind: Kind, timeout: Duration) -> io::Result<bool> {
    let deadline = Deadline::after(Some(timeout));
    let alarm = signals::Alarm::every(timeout.clamp(TICK, Duration::from_secs(1_000_000)))?;
    let locked = loop {
        match set(file, kind, libc::F_SETLKW) {
            Ok(()) => break Ok(true),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                if deadline.left().is_some_and(|left| left.is_zero()) {
                    break Ok(false);
                }
            }
            Err(error) => break Err(error),
        }
    };
    drop(alarm);
    locked
}

/// Whether another process holds a lock on any part of the file. Own locks do not count.
///
/// # Errors
/// What open(2) and fcntl(2) report; `NotFound` when there is no such file.
pub fn is_locked(path: &Path) -> io::Result<bool> {
    is_file_locked(
        &OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(path)?,
    )
}

/// The same for an open file.
///
/// # Errors
/// What fcntl(2) reports.
pub fn is_file_locked(file: &File) -> io::Result<bool> {
    let mut description = whole_file(libc::F_WRLCK);
    // SAFETY: `description` outlives the call, which fills it.
    check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETLK, &raw mut description) })?;
    Ok(i32::from(description.l_type) != libc::F_UNLCK)
}

fn set(file: &impl AsRawFd, kind: Kind, command: i32) -> io::Result<()> {
    let description = whole_file(match kind {
        Kind::Shared => libc::F_RDLCK,
        Kind::Exclusive => libc::F_WRLCK,
    });
    // SAFETY: `description` outlives the call, which only reads it.
    check(unsafe { libc::fcntl(file.as_raw_fd(), command, &raw const description) }).map(drop)
}

fn whole_file(kind: i32) -> libc::flock {
    // SAFETY: flock is plain data for which all zeroes is a valid value: from the start, to the end.
    let mut description: libc::flock = unsafe { std::mem::zeroed() };
    // The constants are 0, 1 and 2 in a wider type than the field's.
    description.l_type = i16::try_from(kind).unwrap_or_default();
    description.l_whence = 0;
    description
}
