//! The scan directory's control FIFO, into which s6-svscanctl and `halt` write.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use sixfold_engine::Input;
use sixfold_protocol::{ScanCommand, paths};
use sixfold_sys::{fds, fifo};
use tokio::io::unix::AsyncFd;

use crate::watch;

/// The reading end.
pub(crate) struct Control {
    fd: AsyncFd<OwnedFd>,
}

impl Control {
    /// Opens the FIFO that the layout has made.
    pub(crate) fn open() -> io::Result<Self> {
        let path = Path::new(paths::SCANDIR)
            .join(paths::SVSCAN)
            .join("control");
        let fd = watch::readable(fifo::open_reader(&path)?)?;
        Ok(Self { fd })
    }

    /// What the next bytes ask for, without repetitions. Safe to be dropped at any await.
    pub(crate) async fn next(&self) -> io::Result<Vec<Input>> {
        loop {
            let mut guard = self.fd.readable().await?;
            let mut buffer = [0; 256];
            match guard.try_io(|fd| fds::read(fd.get_ref(), &mut buffer)) {
                Ok(Ok(count)) => return Ok(meaning(buffer.get(..count).unwrap_or_default())),
                Ok(Err(error)) => return Err(error),
                Err(_would_block) => {}
            }
        }
    }
}

fn meaning(bytes: &[u8]) -> Vec<Input> {
    let mut inputs = Vec::new();
    for byte in bytes {
        let input = match ScanCommand::from_byte(*byte) {
            Some(command) if command.is_stop() => Input::Stop,
            Some(ScanCommand::Scan | ScanCommand::ScanAndPrune) => Input::Rescan,
            Some(command) => {
                tracing::debug!(
                    event = "control.ignored",
                    "control command {command:?} has nothing to do"
                );
                continue;
            }
            None => {
                let byte = char::from(*byte);
                tracing::warn!(
                    event = "control.unknown",
                    "unknown control command {byte:?} ignored"
                );
                continue;
            }
        };
        if inputs.last() != Some(&input) {
            inputs.push(input);
        }
    }
    inputs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_inputs() {
        assert_eq!(meaning(b"t"), [Input::Stop]);
        assert_eq!(meaning(b"tb"), [Input::Stop]);
        assert_eq!(meaning(b"azt"), [Input::Rescan, Input::Stop]);
        assert_eq!(meaning(b"h"), [Input::Rescan]);
        assert_eq!(meaning(b"\0\nX"), []);
    }
}
