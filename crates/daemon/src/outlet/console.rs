//! The console, with or without a place in the event loop.

use std::io;

use sixfold_sys::fds::Console;
use tokio::io::unix::AsyncFd;

use crate::watch;

/// A way to write to the console when it takes something.
pub(super) enum Writer {
    /// A pipe, socket or terminal.
    Polled(AsyncFd<Console>),
    /// A file, or a device that is always ready.
    Plain(Console),
}

impl Writer {
    /// A way to write to `console`.
    pub(super) fn new(console: Console) -> Self {
        if !console.pollable() {
            return Self::Plain(console);
        }
        match watch::writable(console) {
            Ok(polled) => Self::Polled(polled),
            Err(console) => Self::Plain(console),
        }
    }

    /// Waits until something can be written, and has `write` do it, which says how much was written of
    /// how much, or fails with `WouldBlock`. Returns how much was written.
    pub(super) async fn write(
        &mut self,
        mut write: impl FnMut(&Console) -> io::Result<(usize, usize)>,
    ) -> io::Result<usize> {
        match self {
            Self::Polled(console) => loop {
                let mut ready = console.writable().await?;
                let Ok(result) = ready.try_io(|console| write(console.get_ref())) else {
                    continue;
                };
                let (count, of) = result?;
                if count < of {
                    // It is full; there is no need to try that.
                    ready.clear_ready();
                }
                return Ok(count);
            },
            Self::Plain(console) => {
                let written = write(console);
                // A file takes everything at once: let others have their turn.
                tokio::task::yield_now().await;
                written.map(|(count, _)| count)
            }
        }
    }
}
