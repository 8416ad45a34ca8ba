//! Descriptors by number, for a process that is about to become another program: what is opened,
//! moved and closed here is what that program will find.
//!
//! None of these numbers may belong to an `OwnedFd`. Called from the commands of execline, never from
//! the daemon.

use std::ffi::CString;
use std::io;
use std::os::fd::{IntoRawFd as _, OwnedFd};

use crate::check::{check, invalid, retry};

/// How a file is opened; it is read or written, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Open {
    /// For reading.
    pub read: bool,
    /// For writing.
    pub write: bool,
    /// `O_APPEND`
    pub append: bool,
    /// `O_CREAT`
    pub create: bool,
    /// `O_TRUNC`
    pub truncate: bool,
    /// `O_EXCL`
    pub exclusive: bool,
    /// `O_NONBLOCK`
    pub nonblocking: bool,
}

impl Open {
    fn flags(self) -> i32 {
        let mut flags = match (self.read, self.write) {
            (true, true) => libc::O_RDWR,
            (false, true) => libc::O_WRONLY,
            (true | false, false) => libc::O_RDONLY,
        };
        for (is_set, flag) in [
            (self.append, libc::O_APPEND),
            (self.create, libc::O_CREAT),
            (self.truncate, libc::O_TRUNC),
            (self.exclusive, libc::O_EXCL),
            (self.nonblocking, libc::O_NONBLOCK),
        ] {
            if is_set {
                flags |= flag;
            }
        }
        flags
    }
}

/// Opens a file, not close-on-exec; a new one has mode 0666 less the umask. Gives the number.
///
/// # Errors
/// `InvalidInput` for a path with a NUL byte; what open(2) reports. EINTR is retried.
pub fn open(path: &[u8], how: Open) -> io::Result<i32> {
    let path = CString::new(path).map_err(|_nul| invalid())?;
    let flags = how.flags();
    let mode: libc::c_uint = 0o666;
    // SAFETY: the path is a C string.
    retry(|| check(unsafe { libc::open(path.as_ptr(), flags, mode) }))
}

/// Puts `from` at `to`, in the place of what is there, not close-on-exec. The same number twice is
/// nothing to do.
///
/// # Errors
/// EBADF for one that is not open, or out of range.
pub fn copy(from: i32, to: i32) -> io::Result<()> {
    if from == to {
        return Ok(());
    }
    // SAFETY: takes two numbers; that nobody here owns `to` is the caller's to see to.
    retry(|| check(unsafe { libc::dup2(from, to) })).map(drop)
}

/// [`copy`], and `from` is closed, unless it is `to`.
///
/// # Errors
/// As [`copy`].
pub fn move_to(from: i32, to: i32) -> io::Result<()> {
    copy(from, to)?;
    if from != to {
        close(from);
    }
    Ok(())
}

/// Exchanges two.
///
/// # Errors
/// EBADF for one that is not open, EINVAL if that is the lowest number that is free; EMFILE.
pub fn swap(one: i32, other: i32) -> io::Result<()> {
    // SAFETY: takes a number.
    let kept = check(unsafe { libc::fcntl(one, libc::F_DUPFD_CLOEXEC, 0) })?;
    if kept == other {
        // It was free, and there is nothing to exchange.
        close(kept);
        return Err(invalid());
    }
    let swapped = copy(other, one).and_then(|()| copy(kept, other));
    close(kept);
    swapped
}

/// Closes one; it need not be open.
pub fn close(fd: i32) {
    // SAFETY: takes a number; that nobody here owns it is the caller's to see to.
    unsafe { libc::close(fd) };
}

/// Puts a descriptor of ours at `to`, for the program that this process becomes.
///
/// # Errors
/// EBADF for a number out of range.
pub fn place(fd: OwnedFd, to: i32) -> io::Result<()> {
    let from = fd.into_raw_fd();
    if from == to {
        // SAFETY: takes a number; close-on-exec is lifted.
        return check(unsafe { libc::fcntl(from, libc::F_SETFD, 0) }).map(drop);
    }
    let placed = copy(from, to);
    close(from);
    placed
}

/// Sets or clears O_NONBLOCK.
///
/// # Errors
/// EBADF for one that is not open.
pub fn set_nonblocking(fd: i32, on: bool) -> io::Result<()> {
    // SAFETY: takes a number.
    let flags = check(unsafe { libc::fcntl(fd, libc::F_GETFL) })?;
    let wanted = if on {
        flags | libc::O_NONBLOCK
    } else {
        flags & !libc::O_NONBLOCK
    };
    // SAFETY: takes two numbers.
    check(unsafe { libc::fcntl(fd, libc::F_SETFL, wanted) }).map(drop)
}

/// The numbers of `count` descriptors that are free, the lowest there are.
///
/// # Errors
/// EMFILE when there are not that many.
pub fn free(count: usize) -> io::Result<Vec<i32>> {
    let mut taken = Vec::new();
    let mut result = Ok(());
    while taken.len() < count && result.is_ok() {
        // SAFETY: the path is a C string.
        let opened = check(unsafe { libc::open(c"/".as_ptr(), libc::O_PATH | libc::O_CLOEXEC) });
        result = opened.map(|fd| taken.push(fd));
    }
    for fd in &taken {
        close(*fd);
    }
    result.map(|()| taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fds;

    #[test]
    fn what_is_opened_can_be_moved_and_closed() {
        let how = Open {
            read: true,
            ..Open::default()
        };
        let fd = open(b"/dev/null", how).unwrap();
        let high = 900;
        move_to(fd, high).unwrap();
        assert!(fds::is_open(high));
        set_nonblocking(high, true).unwrap();
        move_to(high, high).unwrap();
        close(high);
        assert!(!fds::is_open(high));
        assert_eq!(
            copy(high, 901).unwrap_err().raw_os_error(),
            Some(libc::EBADF)
        );
        assert!(copy(high, high).is_ok());
    }

    #[test]
    fn there_are_not_any_number_of_them() {
        assert_eq!(free(0).unwrap(), Vec::<i32>::new());
        assert!(free(10_000_000).is_err());
    }

    #[test]
    fn paths_with_nul_bytes_are_refused() {
        let error = open(b"/dev/null\0x", Open::default()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
