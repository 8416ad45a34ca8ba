//! The charge of a scan directory: its lock, and the FIFO that its supervisor is told by
//! (s6-svscan(8)). Called from the boot of a container and of the s6-svscan command.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use sixfold_protocol::paths;
use sixfold_sys::directory::Directory;
use sixfold_sys::{fifo, files, lock};
use thiserror::Error;

use crate::control::Control;

/// Why a scan directory cannot be taken charge of.
#[derive(Debug, Error)]
pub(crate) enum ScandirError {
    /// It has a supervisor.
    #[error("another instance of s6-svscan is already running on the same directory")]
    Taken,
    /// The system refuses something.
    #[error("unable to {what}")]
    System {
        /// What.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> ScandirError {
    move |source| ScandirError::System { what, source }
}

/// Takes charge of the scan directory `dir`. The lock lasts as long as the file that is returned
/// with the FIFO.
pub(crate) fn take(dir: &Path) -> Result<(File, Control), ScandirError> {
    let own = dir.join(paths::SVSCAN);
    if !own.is_dir() {
        files::make_dir(&own, 0o700).map_err(system("mkdir .s6-svscan"))?;
    }
    let file = Directory::open(dir)
        .and_then(|dir| dir.open_or_make(paths::SCAN_LOCK, 0o600))
        .map_err(system("open .s6-svscan/lock"))?;
    if !lock::try_lock(&file, lock::Kind::Exclusive).map_err(system("lock .s6-svscan/lock"))? {
        return Err(ScandirError::Taken);
    }
    let control = dir.join(paths::SCAN_CONTROL);
    // A FIFO that is there may have been opened to others on purpose.
    let is_fifo = fs::metadata(&control).map(|found| found.file_type().is_fifo());
    match is_fifo {
        Ok(true) => {}
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(system("stat .s6-svscan/control")(error));
        }
        Ok(false) | Err(_) => {
            fifo::make(&control, 0o600).map_err(system("mkfifo .s6-svscan/control"))?;
        }
    }
    let control = Control::of_scan_directory(dir).map_err(system("open .s6-svscan/control"))?;
    Ok((file, control))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn what_s6_makes_is_there_and_bytes_are_heard() {
        let dir = tempfile::tempdir().unwrap();
        let (_lock, control) = take(dir.path()).unwrap();
        for (name, mode) in [("", 0o700), ("lock", 0o600), ("control", 0o600)] {
            let path = dir.path().join(paths::SVSCAN).join(name);
            let found = fs::metadata(&path).unwrap().mode() & 0o7777;
            assert_eq!(found, mode, "{name}");
        }
        fifo::write_control(&dir.path().join(paths::SCAN_CONTROL), b"az").unwrap();
        assert_eq!(control.next().await.unwrap(), b"az");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_fifo_keeps_its_mode_and_a_file_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        drop(take(dir.path()).unwrap());
        let control = dir.path().join(paths::SCAN_CONTROL);
        files::chmod(&control, 0o620).unwrap();
        drop(take(dir.path()).unwrap());
        assert_eq!(fs::metadata(&control).unwrap().mode() & 0o7777, 0o620);
        fs::remove_file(&control).unwrap();
        fs::write(&control, "").unwrap();
        drop(take(dir.path()).unwrap());
        assert!(fs::metadata(&control).unwrap().file_type().is_fifo());
    }
}
