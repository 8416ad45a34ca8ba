//! Becoming another user, whole or not at all.
//!
//! Each step is checked, and what has come of it is read back: a program must never run with half of
//! the privileges that it was to lose. The order is groups, group, user: after the user has changed,
//! nothing else can be. Called from applets, never from the daemon.

use std::io;

use nix::unistd::{Gid, Uid, getgroups, getresgid, getresuid, setgid, setgroups, setuid};

/// Makes `groups` the supplementary groups of this process, in this order; `first` is put before
/// them, and not a second time.
///
/// # Errors
/// EPERM without CAP_SETGID, EINVAL for too many; `Other` when the system says that it was done and
/// it was not.
pub fn set_groups(first: u32, groups: &[u32]) -> io::Result<()> {
    let wanted: Vec<Gid> = std::iter::once(first)
        .chain(groups.iter().copied().filter(|gid| *gid != first))
        .map(Gid::from_raw)
        .collect();
    setgroups(&wanted)?;
    let sorted = |mut groups: Vec<Gid>| {
        groups.sort_unstable_by_key(|gid| gid.as_raw());
        groups.dedup();
        groups
    };
    verify(sorted(getgroups()?) == sorted(wanted))
}

/// Makes `gid` the group of this process: real, effective and saved.
///
/// # Errors
/// EPERM without CAP_SETGID; `Other` as for [`set_groups`].
pub fn set_group(gid: u32) -> io::Result<()> {
    let gid = Gid::from_raw(gid);
    setgid(gid)?;
    let now = getresgid()?;
    verify([now.real, now.effective, now.saved] == [gid; 3])
}

/// Makes `uid` the user of this process: real, effective and saved.
///
/// # Errors
/// EPERM without CAP_SETUID; `Other` as for [`set_groups`].
pub fn set_user(uid: u32) -> io::Result<()> {
    let uid = Uid::from_raw(uid);
    setuid(uid)?;
    let now = getresuid()?;
    verify([now.real, now.effective, now.saved] == [uid; 3])
}

fn verify(is_done: bool) -> io::Result<()> {
    if is_done {
        return Ok(());
    }
    Err(io::Error::other(
        "the system accepted the change and did not make it",
    ))
}
