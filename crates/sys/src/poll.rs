//! Waiting for one of many descriptors with a deadline, for commands that wait on purpose.
//!
//! Must never be called by the daemon, whose event loop is the only thing that waits there. Called
//! from applets.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout};

/// A moment until which something is waited for; or without end.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// The moment that lies `timeout` ahead; never, without one.
    #[expect(
        clippy::disallowed_methods,
        reason = "a command's own deadline; the daemon does not come here"
    )]
    pub fn after(timeout: Option<Duration>) -> Self {
        Self(timeout.and_then(|timeout| Instant::now().checked_add(timeout)))
    }

    /// How long it is until then; `None` is without end.
    #[expect(
        clippy::disallowed_methods,
        reason = "a command's own deadline; the daemon does not come here"
    )]
    pub fn left(self) -> Option<Duration> {
        self.0
            .map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }
}

/// Waits until one of `fds` can be read, or has no writer left, and says which can: one answer for
/// each, in order. None of them, when `deadline` has come.
///
/// # Errors
/// What poll(2) reports; EINTR is retried.
pub fn wait_readable(fds: &[BorrowedFd<'_>], deadline: Deadline) -> io::Result<Vec<bool>> {
    let wishes: Vec<_> = fds.iter().map(|fd| (*fd, Wish::Read)).collect();
    wait(&wishes, deadline)
}

/// What is to be possible with a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Something can be read, or there is no writer left.
    Read,
    /// Something can be written, or there is no reader left.
    Write,
}

/// Waits until one of the wishes comes true, and says which did: one answer for each, in order. None
/// of them, when `deadline` has come.
///
/// # Errors
/// What poll(2) reports; EINTR is retried.
pub fn wait(wishes: &[(BorrowedFd<'_>, Wish)], deadline: Deadline) -> io::Result<Vec<bool>> {
    let events = |wish: Wish| match wish {
        Wish::Read => PollFlags::POLLIN,
        Wish::Write => PollFlags::POLLOUT,
    };
    let mut polled: Vec<PollFd<'_>> = wishes
        .iter()
        .map(|(fd, wish)| PollFd::new(*fd, events(*wish)))
        .collect();
    loop {
        // Rounded up: waking too early would mean to spin for the rest of a millisecond.
        let timeout = match deadline.left() {
            None => PollTimeout::NONE,
            Some(left) => PollTimeout::try_from(left.as_nanos().div_ceil(1_000_000))
                .unwrap_or(PollTimeout::MAX),
        };
        match nix::poll::poll(&mut polled, timeout) {
            Ok(0) if deadline.left().is_some_and(|left| !left.is_zero()) => {}
            Ok(_) => {
                let is_ready = |fd: &PollFd<'_>| fd.any().unwrap_or(false);
                return Ok(polled.iter().map(is_ready).collect());
            }
            Err(nix::Error::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;
    use crate::fds;

    #[test]
    fn what_can_be_read_is_told_and_a_deadline_is_kept() {
        let (reader, writer) = fds::pipe().unwrap();
        let (silent, _kept) = fds::pipe().unwrap();
        let both = [silent.as_fd(), reader.as_fd()];
        let soon = || Deadline::after(Some(Duration::from_millis(20)));
        assert_eq!(wait_readable(&both, soon()).unwrap(), [false, false]);
        fds::write(&writer, b"x").unwrap();
        let never = Deadline::after(None);
        assert_eq!(wait_readable(&both, never).unwrap(), [false, true]);
        drop(writer);
        assert_eq!(wait_readable(&both, never).unwrap(), [false, true]);
        assert_eq!(never.left(), None);
    }

    #[test]
    fn what_can_be_written_is_told_too() {
        let (reader, writer) = fds::pipe().unwrap();
        let wishes = [(reader.as_fd(), Wish::Read), (writer.as_fd(), Wish::Write)];
        let never = Deadline::after(None);
        assert_eq!(wait(&wishes, never).unwrap(), [false, true]);
    }

    #[test]
    fn a_deadline_that_has_come_waits_for_nothing() {
        let (reader, _writer) = fds::pipe().unwrap();
        let now = Deadline::after(Some(Duration::ZERO));
        assert_eq!(wait_readable(&[reader.as_fd()], now).unwrap(), [false]);
    }
}
