//! Writing to the container's stdout or stderr without ever blocking.
//!
//! The description behind fd 1 is shared with every service and with whoever started the container,
//! so O_NONBLOCK must not be set on it. What is done instead depends on what it is:
//!
//! | it is a | way |
//! | --- | --- |
//! | FIFO, terminal, other character device | opened anew through `/proc/self/fd`, non-blocking: a description of our own |
//! | terminal that may not be opened by its name (another uid owns it) | opened anew as `/dev/tty`, if that is the same one |
//! | one of these where neither goes | poll(2), then no more than what a writable one surely takes |
//! | socket | send(2) with MSG_DONTWAIT |
//! | regular file, block device | the shared description itself, so that O_APPEND and the offset stay; always writable |
//!
//! One hole is left: on the polled way another writer can fill the pipe between our poll and our
//! write, and a terminal may have less room than it is given (256 bytes) at the moment it is
//! stopped. Called from the daemon's log pump.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::{duplicate, is_terminal, write};
use crate::check::{check, check_len, retry};

/// A pipe that poll calls writable takes PIPE_BUF bytes at once (pipe(7)).
const PIPE_CHUNK: usize = libc::PIPE_BUF;
/// The kernel calls a terminal writable while fewer than 256 characters wait in it.
const TERMINAL_CHUNK: usize = 256;

/// A way to write to a shared descriptor without blocking; see [`console`].
#[derive(Debug)]
pub struct Console {
    fd: OwnedFd,
    way: Way,
    pollable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A description of our own with O_NONBLOCK.
    Own,
    /// The shared description: poll first, then at most this many bytes.
    Polled(usize),
    Socket,
    /// Never makes anybody wait.
    File,
}

/// Opens a way to write to descriptor `fd` (1 or 2) that never blocks and changes nothing for those
/// who share it.
///
/// # Errors
/// EBADF when `fd` is closed, EMFILE.
pub fn console(fd: i32) -> io::Result<Console> {
    let shared = duplicate(fd)?;
    let stat = stat(&shared)?;
    let (fd, way) = match stat.st_mode & libc::S_IFMT {
        libc::S_IFIFO => match reopen(&shared) {
            Ok(own) => (own, Way::Own),
            Err(_refused) => (shared, Way::Polled(PIPE_CHUNK)),
        },
        libc::S_IFCHR => match reopen(&shared).or_else(|_refused| controlling_terminal(&stat)) {
            Ok(own) => (own, Way::Own),
            Err(_refused) if is_terminal(fd) => (shared, Way::Polled(TERMINAL_CHUNK)),
            Err(_refused) => (shared, Way::Polled(PIPE_CHUNK)),
        },
        libc::S_IFSOCK => (shared, Way::Socket),
        _file => (shared, Way::File),
    };
    let pollable = way != Way::File && epoll_takes(&fd)?;
    Ok(Console { fd, way, pollable })
}

impl Console {
    /// Whether epoll can say when it becomes writable. If not (regular files, `/dev/null`), it is
    /// always writable.
    #[must_use]
    pub fn pollable(&self) -> bool {
        self.pollable
    }

    /// Writes as much as goes without waiting; returns how many bytes that were.
    ///
    /// # Errors
    /// `WouldBlock` when nothing goes now; EPIPE when nobody reads any more; what write(2) reports.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.way {
            Way::Own | Way::File => write(&self.fd, bytes),
            Way::Polled(chunk) => {
                if !writable_now(&self.fd)? {
                    return Err(io::Error::from_raw_os_error(libc::EAGAIN));
                }
                write(&self.fd, bytes.get(..chunk).unwrap_or(bytes))
            }
            Way::Socket => {
                let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
                let (fd, data, length) = (self.fd.as_raw_fd(), bytes.as_ptr(), bytes.len());
                // SAFETY: `bytes` is readable for its whole length during the call.
                retry(|| check_len(unsafe { libc::send(fd, data.cast(), length, flags) }))
            }
        }
    }
}

impl AsFd for Console {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Console {
    fn as_raw_fd(&self) -> i32 {
        self.fd.as_raw_fd()
    }
}

fn reopen(shared: &OwnedFd) -> io::Result<OwnedFd> {
    open_to_write(&format!("/proc/self/fd/{}", shared.as_raw_fd()))
}

/// `/dev/tty` opens the controlling terminal without asking for the rights of its device file;
/// only if it is the one that `stat` describes.
fn controlling_terminal(stat: &libc::stat) -> io::Result<OwnedFd> {
    let tty = open_to_write("/dev/tty")?;
    let mut device: libc::c_uint = 0;
    // SAFETY: TIOCGDEV writes one unsigned int to the address given.
    check(unsafe { libc::ioctl(tty.as_raw_fd(), TIOCGDEV, &raw mut device) })?;
    if libc::dev_t::from(device) == stat.st_rdev {
        Ok(tty)
    } else {
        Err(io::Error::from_raw_os_error(libc::ENOTTY))
    }
}

/// Asks a terminal for its device number (ioctl_tty(2)). The number of the generic layout, as on x86
/// and ARM; where it differs the call fails, and the polled way is taken.
const TIOCGDEV: libc::Ioctl = 0x8004_5432;

fn open_to_write(path: &str) -> io::Result<OwnedFd> {
    let path = CString::new(path)?;
    let flags = libc::O_WRONLY | libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: `path` is a C string that outlives the call.
    let fd = retry(|| check(unsafe { libc::open(path.as_ptr(), flags) }))?;
    // SAFETY: the kernel has just given us this descriptor; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn stat(fd: &OwnedFd) -> io::Result<libc::stat> {
    // SAFETY: stat is plain data for which all zeroes is a valid value.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `stat` outlives the call.
    check(unsafe { libc::fstat(fd.as_raw_fd(), &raw mut stat) })?;
    Ok(stat)
}

/// Whether a write would go, or fail at once (POLLERR, POLLHUP: the write then says why).
fn writable_now(fd: &OwnedFd) -> io::Result<bool> {
    let mut poll = libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: one pollfd, as the count says; a timeout of 0 does not wait.
    retry(|| check(unsafe { libc::poll(&raw mut poll, 1, 0) })).map(|ready| ready > 0)
}

/// Tries it: epoll refuses with EPERM what has no readiness.
fn epoll_takes(fd: &OwnedFd) -> io::Result<bool> {
    // SAFETY: takes a number and touches no memory of ours.
    let epoll = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
    // SAFETY: the kernel has just given us this descriptor; nobody else owns it.
    let epoll = unsafe { OwnedFd::from_raw_fd(epoll) };
    let mut event = libc::epoll_event { events: 0, u64: 0 };
    let (on, add) = (epoll.as_raw_fd(), libc::EPOLL_CTL_ADD);
    // SAFETY: `event` outlives the call; the registration ends when `epoll` is closed.
    let added = check(unsafe { libc::epoll_ctl(on, add, fd.as_raw_fd(), &raw mut event) });
    Ok(added.is_ok())
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::fds::{pipe, read};

    /// Writes until it would block; returns how much went.
    fn fill(console: &Console) -> usize {
        let block = [b'x'; 8192];
        let mut total = 0;
        loop {
            match console.write(&block) {
                Ok(length) => total += length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return total,
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn is_nonblocking(fd: i32) -> bool {
        // SAFETY: F_GETFL takes no argument.
        let flags = check(unsafe { libc::fcntl(fd, libc::F_GETFL) }).unwrap();
        flags & libc::O_NONBLOCK != 0
    }

    #[test]
    fn a_full_pipe_would_block_and_others_still_see_it_blocking() {
        let (reader, writer) = pipe().unwrap();
        let console = console(writer.as_raw_fd()).unwrap();
        assert_eq!(console.way, Way::Own);
        assert!(console.pollable());
        assert!(fill(&console) >= 65536);
        assert!(!is_nonblocking(writer.as_raw_fd()));
        let mut buffer = [0; 65536];
        assert!(read(&reader, &mut buffer).unwrap() > 0);
        assert!(fill(&console) > 0);
    }

    #[test]
    fn the_polled_way_does_not_block_either() {
        let (reader, writer) = pipe().unwrap();
        let shared = duplicate(writer.as_raw_fd()).unwrap();
        let console = Console {
            fd: shared,
            way: Way::Polled(PIPE_CHUNK),
            pollable: true,
        };
        assert_eq!(fill(&console), 65536);
        assert_eq!(read(&reader, &mut [0; 4096]).unwrap(), 4096);
        assert_eq!(fill(&console), 4096);
        drop(reader);
        assert_eq!(
            console.write(b"x").unwrap_err().kind(),
            io::ErrorKind::BrokenPipe
        );
    }

    #[test]
    fn sockets_do_not_block() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let console = console(theirs.as_raw_fd()).unwrap();
        assert_eq!(console.way, Way::Socket);
        assert!(console.pollable());
        assert!(fill(&console) > 0);
        assert!(!is_nonblocking(theirs.as_raw_fd()));
        let mut byte = [0];
        ours.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"x");
    }

    #[test]
    fn regular_files_are_appended_to_and_not_polled() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "before ").unwrap();
        let file = OpenOptions::new().append(true).open(&path).unwrap();
        let console = console(file.as_raw_fd()).unwrap();
        assert!(!console.pollable());
        assert_eq!(console.write(b"after").unwrap(), 5);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "before after");
    }

    #[test]
    fn dev_null_takes_everything_and_is_not_polled() {
        let null = OpenOptions::new().write(true).open("/dev/null").unwrap();
        let console = console(null.as_raw_fd()).unwrap();
        assert!(!console.pollable());
        assert_eq!(console.write(&[0; 100_000]).unwrap(), 100_000);
    }

    #[test]
    fn a_stopped_terminal_would_block() {
        let pty = nix::pty::openpty(None, None).unwrap();
        let console = console(pty.slave.as_raw_fd()).unwrap();
        assert_eq!(console.way, Way::Own);
        assert!(console.pollable());
        assert!(fill(&console) > 0);
        assert!(!is_nonblocking(pty.slave.as_raw_fd()));
        assert!(read(&pty.master, &mut [0; 65536]).unwrap() > 0);
    }

    #[test]
    fn a_closed_number_is_an_error() {
        assert_eq!(console(-1).unwrap_err().raw_os_error(), Some(libc::EBADF));
    }
}
