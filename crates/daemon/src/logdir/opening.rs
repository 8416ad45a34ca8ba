//! How a log directory is taken over: what somebody before left in it is brought to an end first.
//!
//! | found | what it is | what is done |
//! | --- | --- | --- |
//! | `processed`, whole | a full file, through its processor | `previous` goes, it is kept as `@LABEL.s` |
//! | `processed` | the work of a processor that did not end | goes |
//! | `previous` | a full file | kept as `@LABEL.u` |
//! | `current` | what an interrupted one wrote | kept as `@LABEL.u` |
//! | any of these that has an archive's name too | it is kept already | goes |
//! | `current`, whole | | written on |

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sixfold_model::logging::{Ending, Rotation};
use sixfold_sys::directory::Directory;
use sixfold_sys::files;
use sixfold_sys::lock::{Kind, try_lock};

use super::{
    CURRENT, LogDir, NEW_STATE, Now, PREVIOUS, PROCESSED, STATE, Stage, Trouble, WHOLE, mark,
};

/// The file that is locked.
const LOCK: &str = "lock";
/// The mode of a directory that is made.
const DIRECTORY_MODE: u32 = 0o2700;
/// Device or resource busy.
const EBUSY: i32 = 16;
/// Is a directory.
const EISDIR: i32 = 21;

/// Why a log directory cannot be written to.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be made.
    #[error("unable to mkdir {path}", path = .0.display())]
    Make(PathBuf, #[source] io::Error),
    /// A file in it cannot be opened.
    #[error("unable to open {path}/{1}", path = .0.display())]
    Open(PathBuf, &'static str, #[source] io::Error),
    /// Somebody else writes to it.
    #[error("unable to lock {path}/lock", path = .0.display())]
    Lock(PathBuf, #[source] io::Error),
    /// A file in it cannot be looked at.
    #[error("unable to stat {path}/{1}", path = .0.display())]
    Look(PathBuf, &'static str, #[source] io::Error),
    /// A file in it cannot be removed.
    #[error("unable to unlink {path}/{1}", path = .0.display())]
    Remove(PathBuf, &'static str, #[source] io::Error),
    /// What somebody before left in it cannot be kept.
    #[error("unable to finish {1} .{2} for logdir {path}", path = .0.display())]
    Finish(PathBuf, &'static str, char, #[source] io::Error),
    /// The file that lines go to cannot be opened.
    #[error("unable to open_append {path}/current", path = .0.display())]
    Append(PathBuf, #[source] io::Error),
    /// The file that processors share cannot be made.
    #[error("unable to open_trunc {path}/state", path = .0.display())]
    State(PathBuf, #[source] io::Error),
}

impl LogDir {
    /// Takes over the log directory at `path`, which is made if it is missing; its parent has to be
    /// there. Full files wait for a processor if `has_processor`.
    ///
    /// # Errors
    /// See [`OpenError`]; the lock that another process has is EBUSY.
    pub fn open(
        path: &Path,
        rotation: Rotation,
        has_processor: bool,
        now: Now,
        report: &mut dyn FnMut(Trouble),
    ) -> Result<Self, OpenError> {
        let own = || path.to_owned();
        match DirBuilder::new().mode(DIRECTORY_MODE).create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(OpenError::Make(own(), error));
            }
            Ok(()) | Err(_) => {}
        }
        let no_lock = |error| OpenError::Open(own(), LOCK, error);
        let directory = Directory::open(path).map_err(no_lock)?;
        let held = directory.open_or_make(LOCK, 0o666).map_err(no_lock)?;
        let is_free = try_lock(&held, Kind::Exclusive);
        if !is_free.map_err(|error| OpenError::Lock(own(), error))? {
            return Err(OpenError::Lock(own(), io::Error::from_raw_os_error(EBUSY)));
        }
        let opening = Opening {
            path,
            directory: &directory,
            rotation: &rotation,
        };
        let mut last = opening.newest();
        opening.finish(&mut last, now, report)?;
        let mode = 0o666 & !files::umask();
        let current = directory.append(CURRENT, 0o666);
        let current = current.map_err(|error| OpenError::Append(own(), error))?;
        let found = current.metadata().and_then(|found| {
            mark(&current, mode)?;
            Ok(found)
        });
        let found = found.map_err(|error| OpenError::Append(own(), error))?;
        Ok(Self {
            path: own(),
            directory,
            _lock: held,
            rotation,
            has_processor,
            mode,
            current,
            size: found.len(),
            pending: Vec::new(),
            written: 0,
            cuts: std::collections::VecDeque::new(),
            stage: Stage::Writing,
            is_overdue: false,
            retry_at: None,
            processor_at: None,
            begun: now.running,
            last,
        })
    }
}

/// A directory that is being taken over.
struct Opening<'a> {
    path: &'a Path,
    directory: &'a Directory,
    rotation: &'a Rotation,
}

impl Opening<'_> {
    /// The moment of the newest file that was kept: names have to grow wherever the clock goes, or the
    /// newest file would go in place of the oldest.
    fn newest(&self) -> Duration {
        // That the directory cannot be read is no reason to fail: it can be written to.
        let newest = super::archives::newest(self.directory).unwrap_or_default();
        newest.unwrap_or_default()
    }

    fn finish(
        &self,
        last: &mut Duration,
        now: Now,
        report: &mut dyn FnMut(Trouble),
    ) -> Result<(), OpenError> {
        let is_whole = |name| Ok(self.look(name)?.map(|found| found.mode & WHOLE != 0));
        let current = is_whole(CURRENT)?;
        let processed = is_whole(PROCESSED)?;
        let previous = self.look(PREVIOUS)?;
        if current == Some(true) && processed.is_none() && previous.is_none() {
            return Ok(());
        }
        self.remove(STATE)?;
        self.remove(NEW_STATE)?;
        if processed == Some(true) {
            self.remove(PREVIOUS)?;
            self.keep(PROCESSED, Ending::Whole, last, now, report)?;
        } else if previous.is_some() {
            self.remove(PROCESSED)?;
            self.keep(PREVIOUS, Ending::Interrupted, last, now, report)?;
        } else {
            self.remove(PROCESSED)?;
        }
        if current == Some(false) {
            self.keep(CURRENT, Ending::Interrupted, last, now, report)?;
        }
        let state = self.directory.empty(STATE, 0o666);
        state.map_err(|error| OpenError::State(self.path.to_owned(), error))?;
        Ok(())
    }

    fn look(&self, name: &'static str) -> Result<Option<sixfold_sys::directory::Found>, OpenError> {
        let found = self.directory.find(name);
        found.map_err(|error| OpenError::Look(self.path.to_owned(), name, error))
    }

    fn remove(&self, name: &'static str) -> Result<(), OpenError> {
        match self.directory.remove(name) {
            // Whoever needs the name will say so.
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => Ok(()),
            removed => {
                removed.map_err(|error| OpenError::Remove(self.path.to_owned(), name, error))
            }
        }
    }

    fn keep(
        &self,
        name: &'static str,
        ending: Ending,
        last: &mut Duration,
        now: Now,
        report: &mut dyn FnMut(Trouble),
    ) -> Result<(), OpenError> {
        let letter = match ending {
            Ending::Whole => 's',
            Ending::Interrupted => 'u',
        };
        let failed = |error| OpenError::Finish(self.path.to_owned(), name, letter, error);
        let found = self.directory.find(name).map_err(failed)?;
        if found.is_some_and(|found| found.is_dir) {
            let error = io::Error::from_raw_os_error(EISDIR);
            return Err(failed(error));
        }
        // s6-log gives a file its name in two steps, of which it may have done the first.
        let is_kept = found.is_some_and(|found| {
            found.links > 1 && super::archives::has(self.directory, found.inode).unwrap_or(false)
        });
        if is_kept {
            return self.remove(name);
        }
        let kept = super::archives::keep(self.directory, name, ending, now.wall, last);
        kept.map_err(|(_, error)| failed(error))?;
        super::archives::trim(self.directory, self.path, self.rotation, report);
        Ok(())
    }
}
