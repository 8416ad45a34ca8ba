//! Named pipes for control: making, listening, writing one command.
//!
//! Must never block: a writer with no listener learns so at once, and a listener keeps a writing
//! end of its own, so that it never sees an end of file when a writer goes. Called from the daemon
//! (`supervise/control`, the scan directory's control) and from applets such as `s6-svc`.

use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::check::{check, retry};
use crate::{fds, files};

/// Makes a FIFO with exactly this mode, whatever the umask. What was at `path` before, a FIFO or a
/// file, is replaced in one step; a directory is an error. Uses the name with `.new` added.
///
/// # Errors
/// What mkfifo(3), chmod(2) and rename(2) report.
pub fn make(path: &Path, mode: u32) -> io::Result<()> {
    let mut name = OsString::from(path);
    name.push(".new");
    let temporary = PathBuf::from(name);
    match std::fs::remove_file(&temporary) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let c_path = c_path(&temporary)?;
    // SAFETY: `c_path` is a C string that outlives the call.
    check(unsafe { libc::mkfifo(c_path.as_ptr(), 0o600) })?;
    let placed = files::chmod(&temporary, mode).and_then(|()| std::fs::rename(&temporary, path));
    if placed.is_err() {
        // The first error is the one to report; a leftover is removed by the next attempt.
        let _left_over = std::fs::remove_file(&temporary);
    }
    placed
}

/// Makes a FIFO with this mode, less what the umask takes.
///
/// # Errors
/// What mkfifo(3) reports; `AlreadyExists` when anything is there.
pub fn create(path: &Path, mode: u32) -> io::Result<()> {
    let c_path = c_path(path)?;
    // SAFETY: `c_path` is a C string that outlives the call.
    check(unsafe { libc::mkfifo(c_path.as_ptr(), mode) }).map(drop)
}

/// Opens a FIFO to listen on, non-blocking and close-on-exec. It is opened for writing as well, so
/// that the last writer's leaving is no end of file.
///
/// # Errors
/// What open(2) reports.
pub fn open_reader(path: &Path) -> io::Result<OwnedFd> {
    open(path, libc::O_RDWR | libc::O_NONBLOCK | libc::O_CLOEXEC)
}

/// Writes one command with one write.
///
/// # Errors
/// ENXIO when nobody listens, `WouldBlock` when the FIFO is full, `WriteZero` when only a part went
/// (cannot happen up to PIPE_BUF bytes), otherwise what open(2) and write(2) report.
pub fn write_control(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fd = open(path, libc::O_WRONLY | libc::O_NONBLOCK | libc::O_CLOEXEC)?;
    if fds::write(&fd, bytes)? == bytes.len() {
        Ok(())
    } else {
        Err(io::ErrorKind::WriteZero.into())
    }
}

fn open(path: &Path, flags: i32) -> io::Result<OwnedFd> {
    let path = c_path(path)?;
    // SAFETY: `path` is a C string that outlives the call.
    let fd = retry(|| check(unsafe { libc::open(path.as_ptr(), flags) }))?;
    // SAFETY: the kernel has just given us this descriptor; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn c_path(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};

    use super::*;

    #[test]
    fn modes_are_exact_and_what_was_there_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control");
        for mode in [0o600, 0o622, 0o777] {
            make(&path, mode).unwrap();
            let metadata = std::fs::symlink_metadata(&path).unwrap();
            assert!(metadata.file_type().is_fifo());
            assert_eq!(metadata.permissions().mode() & 0o7777, mode);
        }
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "a file").unwrap();
        make(&path, 0o600).unwrap();
        assert!(
            std::fs::symlink_metadata(&path)
                .unwrap()
                .file_type()
                .is_fifo()
        );
        assert_eq!(
            std::fs::read_dir(dir.path()).unwrap().count(),
            1,
            "no leftover"
        );
    }

    #[test]
    fn a_directory_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control");
        std::fs::create_dir(&path).unwrap();
        assert!(make(&path, 0o600).is_err());
        assert_eq!(
            std::fs::read_dir(dir.path()).unwrap().count(),
            1,
            "no leftover"
        );
    }

    #[test]
    fn commands_arrive_and_the_end_of_a_writer_is_no_end_of_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control");
        make(&path, 0o600).unwrap();
        let nobody = write_control(&path, b"x").unwrap_err();
        assert_eq!(nobody.raw_os_error(), Some(libc::ENXIO));
        let reader = open_reader(&path).unwrap();
        write_control(&path, b"du").unwrap();
        let mut buffer = [0; 8];
        assert_eq!(fds::read(&reader, &mut buffer).unwrap(), 2);
        assert_eq!(&buffer[..2], b"du");
        let empty = fds::read(&reader, &mut buffer).unwrap_err();
        assert_eq!(empty.kind(), io::ErrorKind::WouldBlock);
        let error = write_control(&path, &[b'x'; 1 << 20]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WriteZero);
        assert_eq!(
            write_control(&path, b"x").unwrap_err().kind(),
            io::ErrorKind::WouldBlock
        );
    }
}
