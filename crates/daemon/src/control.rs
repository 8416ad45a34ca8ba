//! The bytes that come through control FIFOs: the scan directory's, into which s6-svscanctl and
//! `halt` write, and each service's, into which s6-svc writes.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use sixfold_engine::{Command, Input, Target};
use sixfold_model::Signal;
use sixfold_protocol::scan_control::LISTEN;
use sixfold_protocol::{ScanCommand, paths};
use sixfold_sys::{fds, fifo};
use tokio::io::unix::AsyncFd;

use crate::watch;

/// The reading end of a control FIFO.
pub(crate) struct Control {
    fd: AsyncFd<OwnedFd>,
}

impl Control {
    /// Opens the FIFO of the scan directory `dir`, which is there.
    pub(crate) fn of_scan_directory(dir: &Path) -> io::Result<Self> {
        Self::new(fifo::open_reader(&dir.join(paths::SCAN_CONTROL))?)
    }

    /// Listens to an open FIFO.
    pub(crate) fn new(fifo: OwnedFd) -> io::Result<Self> {
        let fd = watch::readable(fifo)?;
        Ok(Self { fd })
    }

    /// The next bytes. Safe to be dropped at any await.
    pub(crate) async fn next(&self) -> io::Result<Vec<u8>> {
        loop {
            let mut guard = watch::ready(&self.fd).await?;
            let mut buffer = [0; 256];
            match guard.try_io(|fd| fds::read(fd.get_ref(), &mut buffer)) {
                Ok(Ok(count)) => return Ok(buffer.get(..count).unwrap_or_default().to_vec()),
                Ok(Err(error)) => return Err(error),
                Err(_would_block) => {}
            }
        }
    }
}

/// The next bytes; never any, if there is nothing to listen to.
pub(crate) async fn heard(control: Option<&Control>) -> io::Result<Vec<u8>> {
    match control {
        Some(control) => control.next().await,
        None => std::future::pending().await,
    }
}

/// What bytes for a scan directory ask for, in order and without repetitions.
pub(crate) fn scan_inputs(bytes: &[u8]) -> Vec<Input> {
    let mut inputs = Vec::new();
    for byte in bytes.iter().filter(|byte| **byte != LISTEN) {
        let Some(command) = ScanCommand::from_byte(*byte) else {
            let byte = char::from(*byte);
            let text = format!("s6-svscan: warning: received unknown control command: {byte}");
            let text = text.as_str();
            tracing::warn!(
                event = "control.unknown",
                text,
                "unknown control command {byte:?} ignored"
            );
            continue;
        };
        let meant: &[Input] = match command {
            ScanCommand::Reap => &[],
            ScanCommand::Scan => &[Input::Rescan],
            ScanCommand::Prune => &[Input::Prune { loggers: false }],
            ScanCommand::PruneLoggers => &[Input::Prune { loggers: true }],
            ScanCommand::ScanAndPrune => &[Input::Rescan, Input::Prune { loggers: false }],
            ScanCommand::Stop => &[Input::Stop { loggers: false }],
            ScanCommand::StopLoggers => &[Input::Stop { loggers: true }],
            ScanCommand::Abort => &[Input::Abort],
        };
        for input in meant {
            if inputs.last() != Some(input) {
                inputs.push(input.clone());
            }
        }
    }
    inputs
}

/// What a byte for the supervisor of a service asks for; nothing, if it is unknown to s6-supervise,
/// which says nothing about it either.
pub(crate) fn command(byte: u8) -> Option<Command> {
    let signal = |signal| Command::Signal(signal, Target::Process);
    Some(match byte {
        b'a' => signal(Signal::ALRM),
        b'b' => signal(Signal::ABRT),
        b'q' => signal(Signal::QUIT),
        b'h' => signal(Signal::HUP),
        b'k' => signal(Signal::KILL),
        b't' => signal(Signal::TERM),
        b'i' => signal(Signal::INT),
        b'1' => signal(Signal::USR1),
        b'2' => signal(Signal::USR2),
        b'y' => signal(Signal::WINCH),
        b'K' => Command::Signal(Signal::KILL, Target::Group),
        b'p' => Command::Pause(Target::Process),
        b'P' => Command::Pause(Target::Group),
        b'c' => Command::Continue(Target::Process),
        b'C' => Command::Continue(Target::Group),
        b'r' => Command::Restart,
        b'l' => Command::Reload,
        b'o' => Command::Once,
        b'd' => Command::Down,
        b'u' => Command::Up,
        b'D' => Command::DownForGood,
        b'U' => Command::UpForGood,
        b'x' => Command::Leave,
        b'O' => Command::NotAgain,
        b'Q' => Command::NotAgainForGood,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use sixfold_protocol::service_control::{LETTERS, SIGNAL_LETTERS};

    use super::*;

    #[test]
    fn bytes_for_a_scan_directory_become_inputs() {
        let stop = Input::Stop { loggers: false };
        let prune = Input::Prune { loggers: false };
        assert_eq!(scan_inputs(b"tt"), std::slice::from_ref(&stop));
        assert_eq!(scan_inputs(b"tb"), [stop.clone(), Input::Abort]);
        assert_eq!(scan_inputs(b"azt"), [Input::Rescan, stop]);
        assert_eq!(scan_inputs(b"h"), [Input::Rescan, prune.clone()]);
        assert_eq!(scan_inputs(b"an"), [Input::Rescan, prune]);
        assert_eq!(scan_inputs(b"N"), [Input::Prune { loggers: true }]);
        assert_eq!(scan_inputs(b"q"), [Input::Stop { loggers: true }]);
        assert_eq!(scan_inputs(b"\0\nX"), []);
    }

    #[test]
    fn the_letters_of_s6_svc_and_no_others_are_commands() {
        for byte in 0..=u8::MAX {
            assert_eq!(command(byte).is_some(), LETTERS.contains(&byte), "{byte}");
        }
    }

    #[test]
    fn the_letters_of_signals_send_them() {
        for (number, letter) in SIGNAL_LETTERS {
            let signal = Signal::from_number(number).unwrap();
            let wanted = match letter {
                b'p' => Command::Pause(Target::Process),
                b'c' => Command::Continue(Target::Process),
                _ => Command::Signal(signal, Target::Process),
            };
            assert_eq!(command(letter), Some(wanted), "{letter}");
        }
    }
}
