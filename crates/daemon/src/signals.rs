//! Signals to PID 1. All but SIGCHLD stay blocked from the first line of `main` on and are read
//! from a descriptor, so that none is lost and each comes with its sender.

use std::io;
use std::rc::Rc;

use sixfold_engine::{Command, Input, Origin, Role};
use sixfold_model::Signal;
use sixfold_sys::process;
use sixfold_sys::signals::{Received, SignalFd};
use tokio::io::unix::AsyncFd;

use crate::control;
use crate::diversion;
use crate::watch;
use crate::world::World;

/// The signals that mean something, to a container or a scan directory.
const LISTENED: [Signal; 10] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::ABRT,
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
    world: Rc<World>,
    has_terminal: bool,
    /// The parent, if this is not PID 1: what it sends is what somebody outside sent to it.
    parent: Option<i32>,
}

impl Signals {
    /// Registers with the running event loop. With a terminal, SIGWINCH means a new size.
    pub(crate) fn new(world: Rc<World>, has_terminal: bool) -> io::Result<Self> {
        let numbers = LISTENED.map(Signal::number);
        let fd = watch::readable(SignalFd::new(&numbers)?)?;
        let parent = (!world.is_init).then(process::parent);
        Ok(Self {
            fd,
            world,
            has_terminal,
            parent,
        })
    }

    /// What the next signal means. Safe to be dropped at any await.
    pub(crate) async fn next(&self) -> io::Result<Vec<Input>> {
        loop {
            let mut guard = watch::ready(&self.fd).await?;
            match guard.try_io(|fd| fd.get_ref().read()) {
                Ok(Ok(Some(received))) => {
                    let inputs = self.meaning(received);
                    if !inputs.is_empty() {
                        return Ok(inputs);
                    }
                }
                Ok(Ok(None)) => guard.clear_ready(),
                Ok(Err(error)) => return Err(error),
                Err(_would_block) => {}
            }
        }
    }

    fn meaning(&self, received: Received) -> Vec<Input> {
        let Some(signal) = Signal::from_number(received.signal) else {
            return Vec::new();
        };
        tracing::debug!(event = "signal.received", signal = %signal, sender = received.sender, "signal received");
        match self.world.role {
            Role::Container => self.for_container(signal, received),
            Role::ScanDirectory { .. } if diversion::take(&self.world, signal) => Vec::new(),
            Role::ScanDirectory { .. } => for_scan_directory(signal),
            Role::Service => for_service(signal),
        }
    }

    fn for_container(&self, signal: Signal, received: Received) -> Vec<Input> {
        match signal {
            Signal::HUP => control::scan_inputs(b"h"),
            Signal::ALRM => control::scan_inputs(b"a"),
            Signal::WINCH if self.has_terminal => Vec::new(),
            _ => {
                let outside = received.sender == 0
                    || received.from_kernel
                    || self.parent == Some(received.sender);
                let origin = if outside {
                    Origin::Outside
                } else {
                    Origin::Inside
                };
                vec![Input::StopSignal { signal, origin }]
            }
        }
    }
}

/// The built-in reactions of s6-svscan, which are those to control bytes.
fn for_scan_directory(signal: Signal) -> Vec<Input> {
    let bytes: &[u8] = match signal {
        Signal::HUP => b"h",
        Signal::ALRM => b"a",
        Signal::ABRT => b"b",
        Signal::TERM | Signal::INT => b"t",
        Signal::QUIT => b"q",
        _ => b"",
    };
    control::scan_inputs(bytes)
}

/// The reactions of s6-supervise.
fn for_service(signal: Signal) -> Vec<Input> {
    let command = match signal {
        Signal::TERM => Command::Terminate,
        Signal::HUP => Command::Leave,
        Signal::QUIT => Command::Abandon,
        Signal::INT => Command::Interrupt,
        _ => return Vec::new(),
    };
    vec![Input::ControlAll { command }]
}

#[cfg(test)]
#[path = "signals_tests.rs"]
mod tests;
