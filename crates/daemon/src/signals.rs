//! Signals to PID 1. All but SIGCHLD stay blocked from the first line of `main` on and are read
//! from a descriptor, so that none is lost and each comes with its sender.

use std::io;

use sixfold_engine::{Input, Origin};
use sixfold_model::Signal;
use sixfold_sys::process;
use sixfold_sys::signals::{Received, SignalFd};
use tokio::io::unix::AsyncFd;

use crate::watch;

/// The signals that mean something.
const LISTENED: [Signal; 9] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::USR1,
    Signal::USR2,
    Signal::ALRM,
    Signal::TERM,
    Signal::WINCH,
    Signal::PWR,
];

/// The stream of signals.
pub(crate) struct Signals {
    fd: AsyncFd<SignalFd>,
    has_terminal: bool,
    /// The parent, if this is not PID 1: what it sends is what somebody outside sent to it.
    parent: Option<i32>,
}

impl Signals {
    /// Registers with the running event loop. With a terminal, SIGWINCH means a new size.
    pub(crate) fn new(has_terminal: bool, is_init: bool) -> io::Result<Self> {
        let numbers = LISTENED.map(Signal::number);
        let fd = watch::readable(SignalFd::new(&numbers)?)?;
        let parent = (!is_init).then(process::parent);
        Ok(Self {
            fd,
            has_terminal,
            parent,
        })
    }

    /// The next signal's meaning. Safe to be dropped at any await.
    pub(crate) async fn next(&self) -> io::Result<Input> {
        loop {
            let mut guard = self.fd.readable().await?;
            match guard.try_io(|fd| fd.get_ref().read()) {
                Ok(Ok(Some(received))) => {
                    if let Some(input) = self.meaning(received) {
                        return Ok(input);
                    }
                }
                Ok(Ok(None)) => guard.clear_ready(),
                Ok(Err(error)) => return Err(error),
                Err(_would_block) => {}
            }
        }
    }

    fn meaning(&self, received: Received) -> Option<Input> {
        let signal = Signal::from_number(received.signal)?;
        tracing::debug!(event = "signal.received", signal = %signal, sender = received.sender, "signal received");
        match signal {
            Signal::HUP | Signal::ALRM => Some(Input::Rescan),
            Signal::WINCH if self.has_terminal => None,
            _ => {
                let outside = received.sender == 0
                    || received.from_kernel
                    || self.parent == Some(received.sender);
                let origin = if outside {
                    Origin::Outside
                } else {
                    Origin::Inside
                };
                Some(Input::StopSignal { signal, origin })
            }
        }
    }
}

#[cfg(test)]
#[path = "signals_tests.rs"]
mod tests;
