//! Calls that concern this process as a whole, or the machine: nice(2), chroot(2), pause(2), the name
//! of the host.
//!
//! Called from applets only.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use nix::errno::Errno;

/// Makes this process nicer by `increment`, or less nice.
///
/// # Errors
/// EACCES or EPERM for less without the right.
pub fn nice(increment: i32) -> io::Result<()> {
    // Every number may be a result, so only errno tells.
    Errno::clear();
    // SAFETY: a number in, a number out.
    let niceness = unsafe { libc::nice(increment) };
    match Errno::last() {
        error if niceness < 0 && error as i32 != 0 => Err(error.into()),
        _ => Ok(()),
    }
}

/// Makes `dir` the root directory of this process.
///
/// # Errors
/// What chroot(2) reports.
pub fn chroot(dir: &Path) -> io::Result<()> {
    Ok(nix::unistd::chroot(dir)?)
}

/// Waits until a signal ends this process.
pub fn pause() {
    nix::unistd::pause();
}

/// The name of the host.
///
/// # Errors
/// What gethostname(2) reports.
pub fn hostname() -> io::Result<OsString> {
    Ok(nix::unistd::gethostname()?)
}

/// Gives the host another name, in this UTS namespace.
///
/// # Errors
/// EPERM without the capability; EINVAL for a name that is too long.
pub fn set_hostname(name: &OsStr) -> io::Result<()> {
    Ok(nix::unistd::sethostname(name)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_has_a_name_and_nobody_is_hurt_by_nothing() {
        let name = std::fs::read("/proc/sys/kernel/hostname").unwrap();
        assert_eq!(
            hostname().unwrap().as_encoded_bytes(),
            name.trim_ascii_end()
        );
        nice(0).unwrap();
        let missing = chroot(Path::new("/nowhere/at/all")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
