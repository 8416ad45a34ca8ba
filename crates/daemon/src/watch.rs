//! Putting descriptors into the event loop, in one place.
//!
//! tokio has deprecated its safe constructor, since a type could lie about its descriptor and
//! close it early; the one that replaces it is `unsafe`, which this crate does without. What is
//! watched here owns its descriptor (`OwnedFd`, or a newtype of one in our kernel layer) and never
//! gives it away, so the objection does not apply.

use std::future;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};

/// Watches `fd` for something to read. Fails when the event loop cannot take it.
pub(crate) fn readable<T: AsFd + AsRawFd>(fd: T) -> io::Result<AsyncFd<T>> {
    watch(fd, Interest::READABLE).map_err(|(_, error)| error)
}

/// Watches `fd` for room to write; gives it back when the event loop cannot take it (files).
pub(crate) fn writable<T: AsFd + AsRawFd>(fd: T) -> Result<AsyncFd<T>, T> {
    watch(fd, Interest::WRITABLE).map_err(|(fd, _)| fd)
}

/// Waits until there is something to read in `fd`. Keeps nothing for it in the future, where
/// [`AsyncFd::readable`] keeps a place in a queue: of all who wait for one descriptor, the last is woken.
pub(crate) fn ready<T: AsRawFd>(
    fd: &AsyncFd<T>,
) -> impl Future<Output = io::Result<AsyncFdReadyGuard<'_, T>>> {
    future::poll_fn(|context| fd.poll_read_ready(context))
}

#[expect(
    deprecated,
    reason = "the replacement is unsafe; see the module's documentation"
)]
fn watch<T: AsFd + AsRawFd>(fd: T, interest: Interest) -> Result<AsyncFd<T>, (T, io::Error)> {
    AsyncFd::try_with_interest(fd, interest).map_err(|error| error.into_parts())
}
