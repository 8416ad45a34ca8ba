//! A service directory as those see it who do not supervise it.

use std::io::{self, ErrorKind};
use std::path::Path;

use sixfold_protocol::{Status, paths};
use sixfold_sys::directory::Directory;
use sixfold_sys::lock;

/// More than a status file has.
const LIMIT: u64 = 128;

/// Whether somebody supervises the service in `dir`: the lock of its `supervise/` is held.
pub(super) fn is_supervised(dir: &Path) -> io::Result<bool> {
    match lock::is_locked(&dir.join(paths::LOCK)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        result => result,
    }
}

/// What its supervisor says about the service in `dir`. It may have left since.
pub(super) fn status(dir: &Path) -> io::Result<Status> {
    let content = Directory::open(dir)?.read(paths::STATUS, LIMIT)?;
    Status::unpack(&content)
        .ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "the status file is cut short"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_no_status_is_an_error_and_nothing_hangs() {
        let dir = tempfile::tempdir().unwrap();
        let missing = status(dir.path()).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        assert!(!is_supervised(dir.path()).unwrap());
        fs::create_dir(dir.path().join("supervise")).unwrap();
        let file = dir.path().join(paths::STATUS);
        fs::write(&file, Status::default().pack()).unwrap();
        assert_eq!(status(dir.path()).unwrap(), Status::default());
        fs::write(&file, "cut").unwrap();
        assert_eq!(
            status(dir.path()).unwrap_err().kind(),
            ErrorKind::InvalidData
        );
        sixfold_sys::fifo::make(&file, 0o600).unwrap();
        assert_eq!(
            status(dir.path()).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    }
}
