//! A directory held open, and what is done to the names in it. What holds it stays with the same
//! directory when somebody renames it, as a process does that has changed into it.
//!
//! Never blocks: files are opened non-blocking and FIFOs are not read as if they were files. Called
//! from the daemon for service directories.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::fcntl::{AtFlags, OFlag, openat, readlinkat, renameat};
use nix::sys::stat::{FchmodatFlags, FileStat, Mode, SFlag, fchmodat, fstatat, mkdirat};
use nix::unistd::{Gid, UnlinkatFlags, Whence, fchownat, mkfifoat, unlinkat};

use crate::entries;

pub use crate::entries::Listed;

/// An open directory.
#[derive(Debug)]
pub struct Directory(OwnedFd);

/// A visit to another directory: until it ends, that is the working directory. There is one at a time,
/// as the working directory belongs to the process: other threads wait for their turn.
#[derive(Debug)]
pub struct Visit {
    home: Directory,
    _turn: MutexGuard<'static, ()>,
}

/// How a directory is opened whose entries are to be listed.
const TO_LIST: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_DIRECTORY)
    .union(OFlag::O_CLOEXEC);

/// Whose turn it is.
static TURN: Mutex<()> = Mutex::new(());

impl Visit {
    /// Goes to the directory at `path`, links followed. The own one is held meanwhile: it may be renamed.
    ///
    /// # Errors
    /// What chdir(2) reports: `PermissionDenied` where this user may not enter it; EMFILE.
    pub fn to(path: &Path) -> io::Result<Self> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let home = Directory(nix::fcntl::open(".", flags, Mode::empty())?);
        std::env::set_current_dir(path)?;
        Ok(Self { home, _turn: turn })
    }

    /// Goes back.
    ///
    /// # Errors
    /// What fchdir(2) reports: `PermissionDenied` where this user may no longer enter it.
    pub fn end(self) -> io::Result<()> {
        Ok(nix::unistd::fchdir(&self.home)?)
    }
}

/// What a name in a directory leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Its mode, the lowest twelve bits.
    pub mode: u32,
    /// Its size in bytes.
    pub size: u64,
    /// How many names it has.
    pub links: u64,
    /// Its inode.
    pub inode: u64,
    /// It is a directory.
    pub is_dir: bool,
    /// It is a regular file.
    pub is_file: bool,
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Directory {
    /// Opens the directory at `path`, links followed.
    ///
    /// # Errors
    /// What open(2) reports; `NotADirectory` when something else is there.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(nix::fcntl::open(path, TO_LIST, Mode::empty())?))
    }

    /// Opens the directory `name` in it, links followed.
    ///
    /// # Errors
    /// What openat(2) reports; `NotADirectory` when something else is there.
    pub fn open_dir(&self, name: &str) -> io::Result<Self> {
        Ok(Self(openat(&self.0, name, TO_LIST, Mode::empty())?))
    }

    /// Where it is now, if `/proc` is there to tell. A directory that was removed has no place any
    /// more.
    pub fn path(&self) -> Option<PathBuf> {
        let path = std::fs::read_link(format!("/proc/self/fd/{}", self.0.as_raw_fd())).ok()?;
        let is_gone = path.as_os_str().as_bytes().ends_with(b" (deleted)");
        (!is_gone).then_some(path)
    }

    /// Whether `path` leads to this directory.
    pub fn is_at(&self, path: &Path) -> bool {
        let found = nix::sys::stat::stat(path).map(|stat| (stat.st_dev, stat.st_ino));
        self.identity()
            .is_ok_and(|own| found.is_ok_and(|found| found == own))
    }

    /// A path to this directory that nothing else can ever be at, for one that was deleted. It is
    /// good as long as the directory is held, in this process and in what it forks.
    pub fn nowhere(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.0.as_raw_fd()))
    }

    /// Device and inode, which no other directory has while this one is held.
    ///
    /// # Errors
    /// What fstat(2) reports.
    pub fn identity(&self) -> io::Result<(u64, u64)> {
        let stat = nix::sys::stat::fstat(&self.0)?;
        Ok((stat.st_dev, stat.st_ino))
    }

    /// Opens the file `name` to write to, as a file for locks is; made with `mode` if it is missing.
    ///
    /// # Errors
    /// What openat(2) reports.
    pub fn open_or_make(&self, name: &str, mode: u32) -> io::Result<File> {
        self.open_file(name, OFlag::O_WRONLY | OFlag::O_CREAT, mode)
    }

    /// Opens the FIFO `name` to listen on; see [`crate::fifo::open_reader`].
    ///
    /// # Errors
    /// What openat(2) reports.
    pub fn open_fifo(&self, name: &str) -> io::Result<OwnedFd> {
        Ok(self.open_file(name, OFlag::O_RDWR, 0)?.into())
    }

    /// Opens `name` in it with `flags`, always close-on-exec and non-blocking; a file that is made
    /// gets `mode` less the umask.
    pub(crate) fn open_file(
        &self,
        name: impl AsRef<OsStr>,
        flags: OFlag,
        mode: u32,
    ) -> io::Result<File> {
        let flags = flags | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        let mode = Mode::from_bits_truncate(mode);
        Ok(File::from(openat(&self.0, name.as_ref(), flags, mode)?))
    }

    /// What is in the file `name`, at most `limit` bytes.
    ///
    /// # Errors
    /// What openat(2) and read(2) report; `InvalidInput` when it is not a regular file.
    pub fn read(&self, name: impl AsRef<OsStr>, limit: u64) -> io::Result<Vec<u8>> {
        let file = self.open_file(name, OFlag::O_RDONLY, 0)?;
        if !file.metadata()?.is_file() {
            let kind = io::ErrorKind::InvalidInput;
            return Err(io::Error::new(kind, "not a regular file"));
        }
        let mut content = Vec::new();
        file.take(limit).read_to_end(&mut content)?;
        Ok(content)
    }

    /// Puts `content` into the file `name` in one step: readers see the old or the new one, whole.
    /// Uses the name with `.new` added. A directory in the way is an error.
    ///
    /// # Errors
    /// What openat(2), write(2) and renameat(2) report.
    pub fn replace(&self, name: &str, content: &[u8], mode: u32) -> io::Result<()> {
        let temporary = format!("{name}.new");
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL;
        let mut file = match self.open_file(&temporary, flags, mode) {
            Ok(file) => file,
            // Somebody put a FIFO or a link where the next state is written, or left it there: it goes.
            Err(_) => {
                self.remove(&temporary)?;
                self.open_file(&temporary, flags, mode)?
            }
        };
        file.write_all(content)?;
        Ok(renameat(&self.0, temporary.as_str(), &self.0, name)?)
    }

    /// Opens the file `name` to add to its end; made with `mode`, less the umask, if it is missing.
    ///
    /// # Errors
    /// What openat(2) reports.
    pub fn append(&self, name: &str, mode: u32) -> io::Result<File> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_APPEND;
        self.open_file(name, flags, mode)
    }

    /// Opens the file `name` to write to, and empties it; made with `mode`, less the umask, if it is
    /// missing.
    ///
    /// # Errors
    /// What openat(2) reports.
    pub fn empty(&self, name: &str, mode: u32) -> io::Result<File> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC;
        self.open_file(name, flags, mode)
    }

    /// Opens the file `name` to read.
    ///
    /// # Errors
    /// What openat(2) reports.
    pub fn open_to_read(&self, name: &str) -> io::Result<File> {
        self.open_file(name, OFlag::O_RDONLY, 0)
    }

    /// Gives what is called `from` the name `to`, in place of what has it.
    ///
    /// # Errors
    /// What renameat(2) reports.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(renameat(&self.0, from, &self.0, to)?)
    }

    /// What `name` leads to; `None` for nothing.
    ///
    /// # Errors
    /// What fstatat(2) reports but for there being nothing.
    pub fn find(&self, name: impl AsRef<OsStr>) -> io::Result<Option<Found>> {
        Ok(self.stat(name)?.map(|stat| Found {
            mode: stat.st_mode & 0o7777,
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            links: stat.st_nlink,
            inode: stat.st_ino,
            is_dir: is_kind(&stat, SFlag::S_IFDIR),
            is_file: is_kind(&stat, SFlag::S_IFREG),
        }))
    }

    /// Removes the name `name`, if it is there.
    ///
    /// # Errors
    /// What unlinkat(2) reports, but for there being nothing.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match unlinkat(&self.0, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(nix::Error::ENOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether `name` leads to anything (access(2) with `F_OK`).
    ///
    /// # Errors
    /// What fstatat(2) reports but for there being nothing.
    pub fn exists(&self, name: &str) -> io::Result<bool> {
        Ok(self.stat(name)?.is_some())
    }

    /// Makes the directory `name` with exactly this mode, and this group if one is given; where
    /// `name` is a link to nothing, the directory that it leads to. Whether it was made: one that
    /// exists is left as it is.
    ///
    /// # Errors
    /// What mkdirat(2), fchownat(2) and fchmodat(2) report; `NotADirectory` when something else is
    /// there.
    pub fn make_dir(&self, name: &str, mode: u32, gid: Option<u32>) -> io::Result<bool> {
        let made = |target: &OsStr| mkdirat(&self.0, target, Mode::S_IRWXU);
        let mut target = OsString::from(name);
        match made(&target) {
            Ok(()) => {}
            Err(nix::Error::EEXIST) => match self.stat(name)? {
                Some(stat) if is_kind(&stat, SFlag::S_IFDIR) => return Ok(false),
                Some(_) => return Err(io::ErrorKind::NotADirectory.into()),
                // A link to nothing.
                None => {
                    target = readlinkat(&self.0, name)?;
                    made(&target)?;
                }
            },
            Err(error) => return Err(error.into()),
        }
        let target = target.as_os_str();
        if let Some(gid) = gid {
            fchownat(
                &self.0,
                target,
                None,
                Some(Gid::from_raw(gid)),
                AtFlags::empty(),
            )?;
        }
        let mode = Mode::from_bits_truncate(mode);
        fchmodat(&self.0, target, mode, FchmodatFlags::FollowSymlink)?;
        Ok(true)
    }

    /// Makes the FIFO `name`, readable and writable by its owner alone. One that exists is left as
    /// it is; whether it was made.
    ///
    /// # Errors
    /// What mkfifoat(3) reports; `AlreadyExists` when something else is there.
    pub fn make_fifo(&self, name: &str) -> io::Result<bool> {
        match mkfifoat(&self.0, name, Mode::S_IRUSR | Mode::S_IWUSR) {
            Ok(()) => Ok(true),
            Err(nix::Error::EEXIST) => match self.stat(name)? {
                Some(stat) if is_kind(&stat, SFlag::S_IFIFO) => Ok(false),
                Some(_) | None => Err(io::ErrorKind::AlreadyExists.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// The names in the directory `name` below this one, without `.` and `..`.
    ///
    /// # Errors
    /// What openat(2) and getdents(2) report.
    pub fn names_in(&self, name: &str) -> io::Result<Vec<OsString>> {
        Ok(names(entries::rest(self.open_dir(name)?)?))
    }

    /// The names in it, without `.` and `..`.
    ///
    /// # Errors
    /// What getdents(2) reports.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        Ok(names(self.list()?))
    }

    /// What is in it, without `.` and `..`. One at a time may list a directory that is held.
    ///
    /// # Errors
    /// What getdents(2) reports.
    pub fn list(&self) -> io::Result<Vec<Listed>> {
        nix::unistd::lseek(&self.0, 0, Whence::SeekSet)?;
        entries::rest(&self.0)
    }

    fn stat(&self, name: impl AsRef<OsStr>) -> io::Result<Option<FileStat>> {
        match fstatat(&self.0, name.as_ref(), AtFlags::empty()) {
            Ok(stat) => Ok(Some(stat)),
            Err(nix::Error::ENOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn names(listed: Vec<Listed>) -> Vec<OsString> {
    listed.into_iter().map(|it| it.name).collect()
}

fn is_kind(stat: &FileStat, kind: SFlag) -> bool {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == kind
}
