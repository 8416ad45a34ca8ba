//! Putting descriptors into the event loop, in one place.
//!
//! tokio has deprecated its safe constructor, since a type could lie about its descriptor and
//! close it early; the one that replaces it is `unsafe`, which this crate does without. What is
//! watched here owns its descriptor (`OwnedFd`, or a newtype of one in our kernel layer) and never
//! gives it away, so the objection does not apply.

use std::future;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use sixfold_sys::fds;
use sixfold_sys::poll::{Deadline, wait_readable};
use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};

/// Watches `fd` for something to read. Fails when the event loop cannot take it.
pub(crate) fn readable<T: AsFd + AsRawFd>(fd: T) -> io::Result<AsyncFd<T>> {
    watch(fd, Interest::READABLE).map_err(|(_, error)| error)
}

/// Waits until whoever started us has closed what `awaited` leads to (`S6_WAIT_FOR_CLOSING_FD`), and lets
/// go of it; for ever, if it is nothing. What can be read until then is nobody's.
pub(crate) async fn over(awaited: &mut Option<AsyncFd<OwnedFd>>) {
    let Some(fd) = awaited else {
        return future::pending().await;
    };
    let mut buffer = [0; 64];
    while let Ok(mut guard) = fd.readable().await {
        // The description is not ours alone, so it has to stay blocking: asked before each read.
        let at_once = Deadline::after(Some(Duration::ZERO));
        match wait_readable(&[fd.as_fd()], at_once).as_deref() {
            Ok([true]) => match fds::read(fd.get_ref(), &mut buffer) {
                Ok(1..) => tokio::task::yield_now().await,
                Ok(0) | Err(_) => break,
            },
            Ok(_) => guard.clear_ready(),
            Err(_) => break,
        }
    }
    *awaited = None;
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
