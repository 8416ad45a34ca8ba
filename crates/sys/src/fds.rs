//! Descriptors by number: the inherited ones, pipes, close-on-exec, non-blocking input and output.
//!
//! Must never set O_NONBLOCK on a description that others share (the container's stdout is also
//! that of every service and of whoever started us): [`console`] is the way to write there.
//! Called from the daemon's boot, its log pump, and from applets.

mod console;

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::check::{check, check_len, invalid, retry};

pub use console::{Console, console};

/// Opens `/dev/null` on each of 0, 1 and 2 that is closed, so that no file opened later lands there
/// and is written to as if it were stdout.
///
/// # Errors
/// What open(2) reports for `/dev/null`.
pub fn ensure_std() -> io::Result<()> {
    for fd in 0..=2 {
        if is_open(fd) {
            continue;
        }
        // SAFETY: the path is a C string constant. The lowest free number is `fd`, since those
        // below it are open.
        let opened = check(unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) })?;
        if opened != fd {
            return Err(io::Error::from_raw_os_error(libc::EBADF));
        }
    }
    Ok(())
}

/// Marks every inherited descriptor from 3 up close-on-exec, so that services do not get what
/// somebody left open for us. Best effort: close_range(2), else `/proc/self/fd`, else 3 to 1023.
pub fn close_others_on_exec() {
    let first: libc::c_uint = 3;
    // SAFETY: close_range takes three numbers; with this flag it closes nothing now.
    let result = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    if result == 0 {
        return;
    }
    let numbers: Vec<i32> = open_numbers().unwrap_or_else(|_no_proc| (3..1024).collect());
    for fd in numbers.into_iter().filter(|fd| *fd > 2) {
        // SAFETY: F_SETFD takes a number; a closed one is EBADF and of no interest.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}

/// A pipe, both ends close-on-exec and blocking: first the end to read from, then the one to write.
///
/// # Errors
/// EMFILE, ENFILE (pipe(2)).
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(nix::unistd::pipe2(OFlag::O_CLOEXEC)?)
}

/// Sets or clears O_NONBLOCK. Only for descriptors whose description is ours alone.
///
/// # Errors
/// What fcntl(2) reports.
pub fn set_nonblocking(fd: &impl AsFd, on: bool) -> io::Result<()> {
    let mut flags = OFlag::from_bits_retain(fcntl(fd.as_fd(), FcntlArg::F_GETFL)?);
    flags.set(OFlag::O_NONBLOCK, on);
    fcntl(fd.as_fd(), FcntlArg::F_SETFL(flags))?;
    Ok(())
}

/// Reads what is there, at most the buffer's length; 0 is the end. EINTR is retried.
///
/// # Errors
/// What read(2) reports; `WouldBlock` from a non-blocking descriptor with nothing to read.
pub fn read(fd: &impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    read_fd(fd.as_fd().as_raw_fd(), buffer)
}

/// Writes as much as goes; returns how many bytes that were. EINTR is retried.
///
/// # Errors
/// What write(2) reports; `WouldBlock` from a non-blocking descriptor that is full. On a pipe
/// without a reader SIGPIPE is raised too: block or ignore it.
pub fn write(fd: &impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    write_fd(fd.as_fd().as_raw_fd(), bytes)
}

/// [`read`] from an inherited descriptor that is known by its number only.
///
/// # Errors
/// As [`read`]; EBADF when it is closed.
pub fn read_fd(fd: i32, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the buffer is writable for its whole length during the call.
    retry(|| check_len(unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) }))
}

/// [`write`] to an inherited descriptor that is known by its number only.
///
/// # Errors
/// As [`write`]; EBADF when it is closed.
pub fn write_fd(fd: i32, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: `bytes` is readable for its whole length during the call.
    retry(|| check_len(unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) }))
}

/// A close-on-exec copy, numbered 3 or higher, of an inherited descriptor known by its number.
/// It shares the description, so flags such as O_NONBLOCK are shared too.
///
/// # Errors
/// EBADF when it is closed, EMFILE.
pub fn duplicate(fd: i32) -> io::Result<OwnedFd> {
    // SAFETY: F_DUPFD_CLOEXEC takes a number and touches no memory of ours.
    let copy = check(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3) })?;
    // SAFETY: the kernel has just given us this descriptor; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Takes an inherited descriptor known by its number, 3 or higher: a close-on-exec copy of it, in
/// whose favour it is closed.
///
/// # Errors
/// `InvalidInput` for 0, 1 and 2; EBADF when it is closed, EMFILE.
pub fn take(fd: i32) -> io::Result<OwnedFd> {
    if fd < 3 {
        return Err(invalid());
    }
    let copy = duplicate(fd)?;
    // SAFETY: close takes a number. Whoever started us gave the descriptor to be used by us alone;
    // that nothing else in this process owns it is what the caller vouches for.
    unsafe { libc::close(fd) };
    Ok(copy)
}

/// A copy of `fd` that is not close-on-exec: programs that are started while it is open have it.
///
/// # Errors
/// EMFILE.
pub fn bequeathed(fd: &impl AsFd) -> io::Result<OwnedFd> {
    // SAFETY: F_DUPFD takes a number and touches no memory of ours.
    let copy = check(unsafe { libc::fcntl(fd.as_fd().as_raw_fd(), libc::F_DUPFD, 3) })?;
    // SAFETY: the kernel has just given us this descriptor; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Puts `fd` at `number`, in place of whatever is there, not close-on-exec: for the program that this
/// process becomes. What other owner the number had in this process is gone.
///
/// # Errors
/// What dup2(2) reports: EBADF for a number beyond the limit.
pub fn move_to(fd: OwnedFd, number: i32) -> io::Result<OwnedFd> {
    if fd.as_raw_fd() == number {
        // SAFETY: F_SETFD takes a number and touches no memory of ours.
        check(unsafe { libc::fcntl(number, libc::F_SETFD, 0) })?;
        return Ok(fd);
    }
    // SAFETY: dup2 takes two numbers. That nothing here uses `number` is the caller's to see to.
    check(unsafe { libc::dup2(fd.as_raw_fd(), number) })?;
    // SAFETY: it was made by this dup2.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Puts `with` in the place of descriptor 0, 1 or 2, which children then inherit; `with` itself is
/// closed.
///
/// # Errors
/// `InvalidInput` for other numbers, otherwise what dup2(2) reports.
pub fn replace(fd: i32, with: OwnedFd) -> io::Result<()> {
    if !(0..=2).contains(&fd) {
        return Err(invalid());
    }
    if with.as_raw_fd() == fd {
        // Already there: it must neither be closed at the end of this function nor at an exec.
        let raw = with.into_raw_fd();
        // SAFETY: F_SETFD takes a number and touches no memory of ours.
        return check(unsafe { libc::fcntl(raw, libc::F_SETFD, 0) }).map(drop);
    }
    // SAFETY: 0, 1 and 2 are not owned by any OwnedFd; std refers to them by number.
    retry(|| check(unsafe { libc::dup2(with.as_raw_fd(), fd) })).map(drop)
}

/// Whether the descriptor is a terminal; false when it is closed.
#[must_use]
pub fn is_terminal(fd: i32) -> bool {
    // SAFETY: isatty takes a number and touches no memory of ours.
    unsafe { libc::isatty(fd) == 1 }
}

/// Whether the descriptor is open.
#[must_use]
pub fn is_open(fd: i32) -> bool {
    // SAFETY: F_GETFD takes a number and touches no memory of ours.
    unsafe { libc::fcntl(fd, libc::F_GETFD) != -1 }
}

/// How many descriptors this process has open, for tests that look for leaks; 0 without `/proc`.
#[must_use]
pub fn count_open() -> usize {
    // The one that lists the directory is in the list.
    open_numbers().map_or(0, |numbers| numbers.len().saturating_sub(1))
}

fn open_numbers() -> io::Result<Vec<i32>> {
    let entries = std::fs::read_dir("/proc/self/fd")?;
    Ok(entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipes_carry_bytes_and_can_be_made_non_blocking() {
        let (reader, writer) = pipe().unwrap();
        set_nonblocking(&reader, true).unwrap();
        let mut buffer = [0; 8];
        let empty = read(&reader, &mut buffer).unwrap_err();
        assert_eq!(empty.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(write(&writer, b"abc").unwrap(), 3);
        assert_eq!(read_fd(reader.as_raw_fd(), &mut buffer).unwrap(), 3);
        assert_eq!(&buffer[..3], b"abc");
        let copy = duplicate(writer.as_raw_fd()).unwrap();
        drop(writer);
        assert_eq!(write_fd(copy.as_raw_fd(), b"d").unwrap(), 1);
        drop(copy);
        assert_eq!(read(&reader, &mut buffer).unwrap(), 1);
        assert_eq!(
            read(&reader, &mut buffer).unwrap(),
            0,
            "both writing ends are closed"
        );
    }

    #[test]
    fn only_standard_streams_can_be_replaced() {
        for number in [3, -1, 100] {
            let (reader, _writer) = pipe().unwrap();
            assert_eq!(
                replace(number, reader).unwrap_err().kind(),
                io::ErrorKind::InvalidInput
            );
        }
    }

    #[test]
    fn closed_numbers_are_neither_open_nor_terminals() {
        assert!(!is_open(-1));
        assert!(!is_terminal(-1));
        let (reader, _writer) = pipe().unwrap();
        assert!(is_open(reader.as_raw_fd()));
        assert!(!is_terminal(reader.as_raw_fd()));
    }
}
