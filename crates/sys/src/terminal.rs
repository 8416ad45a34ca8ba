//! The foreground process group of a terminal.
//!
//! A process of a background group that sets it gets SIGTTOU and stops, so the signal is blocked
//! meanwhile. Must never allocate: it also runs between fork and exec. Called from
//! [`crate::spawn`] and from whoever takes the terminal back when the CMD has ended.

use std::io;

use crate::check::{check, invalid, retry};
use crate::signals::with_blocked;

/// Makes `pgid` the foreground group of the terminal at descriptor `fd`.
///
/// # Errors
/// `InvalidInput` unless `pgid` is positive; ENOTTY when `fd` is not the controlling terminal of
/// this process, EPERM when the group is in another session (tcsetpgrp(3)).
pub fn set_foreground(fd: i32, pgid: i32) -> io::Result<()> {
    if pgid <= 0 {
        return Err(invalid());
    }
    with_blocked(libc::SIGTTOU, || {
        // SAFETY: tcsetpgrp takes two numbers and touches no memory of ours.
        retry(|| check(unsafe { libc::tcsetpgrp(fd, pgid) })).map(drop)
    })
}

/// Whether `fd` is the controlling terminal of this process. Its foreground group may be one of
/// an outer pid namespace, which has no number here.
#[must_use]
pub fn is_controlling(fd: i32) -> bool {
    // SAFETY: tcgetpgrp takes a number and touches no memory of ours.
    check(unsafe { libc::tcgetpgrp(fd) }).is_ok()
}

/// The foreground group of the terminal at descriptor `fd`; `None` when it is not the controlling
/// terminal of this process, or has no foreground group.
#[must_use]
pub fn foreground(fd: i32) -> Option<i32> {
    // SAFETY: tcgetpgrp takes a number and touches no memory of ours.
    check(unsafe { libc::tcgetpgrp(fd) })
        .ok()
        .filter(|group| *group > 0)
}
