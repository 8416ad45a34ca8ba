//! Fifodirs: directories in which anybody who may can leave a FIFO and is told, by letters, what
//! happens (libftrig(7); `event/` of a service directory is one).
//!
//! A listener makes a FIFO under a hidden name, opens it, and gives it its real name, so that who
//! tells never meets one that nobody reads yet. Telling never blocks and does not care whether
//! anybody listens; FIFOs whose reader is gone are removed on the way. Called from the daemon, which
//! tells, and from applets, which listen and tell.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use crate::directory::Directory;
use crate::{fds, fifo, files};

/// What the name of a listener's FIFO begins with.
const PREFIX: &[u8] = b"ftrig1:@";
/// How long such a name is: the prefix, 24 hexadecimal digits of a time, a colon, six letters.
const NAME_LENGTH: usize = 39;
/// The mode of a fifodir that anyone may listen in.
pub const PUBLIC: u32 = 0o1733;
/// The mode of a fifodir that a group may listen in.
pub const OF_GROUP: u32 = 0o3730;

/// Tells `letters` to everyone who listens in the directory `name` of `parent`, and how many they
/// were. A fifodir that is not there has no listeners.
///
/// # Errors
/// What opening and listing the directory reports.
pub fn notify_in(parent: &Directory, name: &str, letters: &[u8]) -> io::Result<usize> {
    let path = |entry: &str| format!("{name}/{entry}");
    match parent.names_in(name) {
        Ok(names) => Ok(tell(parent, path, &names, letters)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

/// Tells `letters` to everyone who listens in the fifodir at `path`, and how many they were.
///
/// # Errors
/// What opening and listing the directory reports.
pub fn notify(path: &Path, letters: &[u8]) -> io::Result<usize> {
    let directory = Directory::open(path)?;
    let names = directory.names()?;
    Ok(tell(&directory, str::to_owned, &names, letters))
}

/// Removes the FIFOs that nobody reads from the directory `name` of `parent`.
///
/// # Errors
/// What opening and listing the directory reports.
pub fn clean_in(parent: &Directory, name: &str) -> io::Result<()> {
    // Telling nothing opens each, which is what finds the dead ones.
    notify_in(parent, name, b"").map(drop)
}

/// Removes the FIFOs that nobody reads from the fifodir at `path` (s6-cleanfifodir).
///
/// # Errors
/// What opening and listing the directory reports.
pub fn clean(path: &Path) -> io::Result<()> {
    notify(path, b"").map(drop)
}

/// Makes a fifodir that anyone may listen in, or, with `gid`, the members of that group. One that
/// exists is left as it is, unless `force` asks for its mode and group to be set.
///
/// # Errors
/// What mkdir(2), stat(2), chown(2) and chmod(2) report; `NotADirectory` when something else is there.
pub fn make(path: &Path, gid: Option<u32>, force: bool) -> io::Result<()> {
    match nix::unistd::mkdir(path, Mode::S_IRWXU) {
        Ok(()) => {}
        Err(nix::Error::EEXIST) => {
            if !std::fs::metadata(path)?.is_dir() {
                return Err(nix::Error::ENOTDIR.into());
            }
            if !force {
                return Ok(());
            }
        }
        Err(error) => return Err(error.into()),
    }
    if gid.is_some() {
        files::chown(path, None, gid)?;
    }
    files::chmod(path, if gid.is_some() { OF_GROUP } else { PUBLIC })
}

/// `path` leads from `directory` to what has a name in the fifodir.
fn tell(
    directory: &Directory,
    path: impl Fn(&str) -> String,
    names: &[impl AsRef<OsStr>],
    letters: &[u8],
) -> usize {
    let mut heard = 0;
    for name in names.iter().filter_map(|name| name.as_ref().to_str()) {
        if !is_listener(name) {
            continue;
        }
        let name = &path(name);
        // In a directory where anybody may leave something, a name may be a link to another's file.
        match directory.open_file(name, OFlag::O_WRONLY | OFlag::O_NOFOLLOW, 0) {
            Ok(mut fifo) if fifo.metadata().is_ok_and(|it| it.file_type().is_fifo()) => {
                // A full pipe or a reader that has just gone: theirs to mind, not ours.
                if letters.is_empty() || fifo.write(letters).is_ok() {
                    heard += 1;
                }
            }
            Err(error) if error.raw_os_error() == Some(libc::ENXIO) => {
                // It may be removed by its owner at the same time, or not be ours to remove.
                let _ = directory.remove(name);
            }
            // Somebody's file that only looks like a listener.
            Ok(_) | Err(_) => {}
        }
    }
    heard
}

fn is_listener(name: &str) -> bool {
    name.len() == NAME_LENGTH && name.as_bytes().starts_with(PREFIX)
}

/// Somebody who listens in a fifodir. Leaves no FIFO behind when dropped.
#[derive(Debug)]
pub struct Listener {
    path: PathBuf,
    reader: OwnedFd,
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Whoever tells next removes it otherwise.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Listener {
    /// Begins to listen in the fifodir at `path`: whatever is told after the return is heard.
    ///
    /// # Errors
    /// What mkfifo(3), open(2) and rename(2) report: EACCES in a fifodir of another group.
    pub fn subscribe(path: &Path) -> io::Result<Self> {
        let stamp = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        // A label of TAI64N: 2^62, 10 seconds, and the 27 leap seconds that s6 counts.
        let seconds = stamp.as_secs().saturating_add((1 << 62) + 37);
        let nanoseconds = stamp.subsec_nanos();
        let prefix = String::from_utf8_lossy(PREFIX);
        for salt in 0..1000_u32 {
            let tail = tail(std::process::id(), nanoseconds, salt);
            let name = format!("{prefix}{seconds:016x}{nanoseconds:08x}:{tail}");
            let hidden = path.join(format!(".{name}"));
            match nix::unistd::mkfifo(&hidden, Mode::S_IRUSR | Mode::S_IWUSR) {
                Ok(()) => {}
                Err(nix::Error::EEXIST) => continue,
                Err(error) => return Err(error.into()),
            }
            let path = path.join(name);
            let opened = files::chmod(&hidden, 0o622)
                .and_then(|()| fifo::open_reader(&hidden))
                .and_then(|reader| std::fs::rename(&hidden, &path).map(|()| reader));
            return match opened {
                Ok(reader) => Ok(Self { path, reader }),
                Err(error) => {
                    // The first error is the one to report.
                    let _ = std::fs::remove_file(&hidden);
                    Err(error)
                }
            };
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// What has been told since the last call; empty when nothing.
    ///
    /// # Errors
    /// What read(2) reports.
    pub fn heard(&self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        let mut buffer = [0; 256];
        loop {
            match fds::read(&self.reader, &mut buffer) {
                Ok(0) => return Ok(all),
                Ok(count) => all.extend_from_slice(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(all),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Six letters that differ between processes and between calls.
fn tail(pid: u32, nanoseconds: u32, salt: u32) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyzABCDEF";
    let mut rest = u64::from(pid)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(u64::from(nanoseconds).wrapping_mul(0xbf58_476d_1ce4_e5b9))
        .wrapping_add(u64::from(salt));
    rest ^= rest >> 29;
    let mut tail = String::new();
    for _ in 0..6 {
        let index = usize::try_from(rest % 32).unwrap_or_default();
        tail.push(char::from(LETTERS.get(index).copied().unwrap_or(b'a')));
        rest /= 32;
    }
    tail
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    fn fifodir() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("event");
        make(&path, None, false).unwrap();
        (dir, path)
    }

    #[test]
    fn what_is_told_is_heard_by_everyone_who_listens() {
        let (_dir, path) = fifodir();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, PUBLIC);
        assert_eq!(notify(&path, b"x").unwrap(), 0);
        let listeners = [
            Listener::subscribe(&path).unwrap(),
            Listener::subscribe(&path).unwrap(),
        ];
        assert_eq!(notify(&path, b"uU").unwrap(), 2);
        assert_eq!(notify(&path, b"d").unwrap(), 2);
        for listener in &listeners {
            assert_eq!(listener.heard().unwrap(), b"uUd");
            assert_eq!(listener.heard().unwrap(), b"");
        }
        drop(listeners);
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0);
    }

    #[test]
    fn names_are_those_of_s6() {
        let (_dir, path) = fifodir();
        let _listener = Listener::subscribe(&path).unwrap();
        let name = std::fs::read_dir(&path)
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .file_name();
        let name = name.to_str().unwrap();
        assert!(is_listener(name), "{name}");
        assert!(name.starts_with("ftrig1:@40000000"), "{name}");
        assert_eq!(name.as_bytes()[32], b':', "{name}");
    }

    #[test]
    fn dead_listeners_are_removed_and_other_files_left() {
        let (_dir, path) = fifodir();
        let dead = path.join("ftrig1:@400000000000000000000000:abcdef");
        fifo::make(&dead, 0o622).unwrap();
        let other = path.join("ftrig1:short");
        fifo::make(&other, 0o622).unwrap();
        let file = path.join("ftrig1:@400000000000000000000000:abcdeg");
        std::fs::write(&file, "kept").unwrap();
        clean(&path).unwrap();
        let target = path.with_file_name("target");
        std::fs::write(&target, "another's").unwrap();
        let link = path.join("ftrig1:@400000000000000000000000:abcdeh");
        std::os::unix::fs::symlink(&target, link).unwrap();
        assert_eq!(notify(&path, b"u").unwrap(), 0);
        assert_eq!(std::fs::read(&target).unwrap(), b"another's");
        assert!(!dead.exists());
        assert!(other.exists() && file.exists());
        assert_eq!(std::fs::read(&file).unwrap(), b"kept");
    }

    #[test]
    fn a_full_listener_keeps_nobody_waiting() {
        let (_dir, path) = fifodir();
        let listener = Listener::subscribe(&path).unwrap();
        let much = vec![b'u'; 4096];
        let mut told = 0;
        while notify(&path, &much).unwrap() == 1 {
            told += 1;
            assert!(told < 10_000, "a pipe is never that large");
        }
        assert_eq!(listener.heard().unwrap().len(), told * much.len());
    }

    #[test]
    fn a_fifodir_that_exists_is_changed_by_force_only() {
        let (_dir, path) = fifodir();
        files::chmod(&path, 0o700).unwrap();
        make(&path, None, false).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o700);
        make(&path, None, true).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, PUBLIC);
        let file = path.with_file_name("file");
        std::fs::write(&file, "").unwrap();
        assert!(make(&file, None, false).is_err());
        assert!(notify(&path.join("missing"), b"x").is_err());
    }
}
