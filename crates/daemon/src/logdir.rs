//! A log directory of s6-log, written to (s6.md B5.2): `current` grows, becomes `previous` when it is
//! full, goes through a processor if there is one, and is kept as `@LABEL.s`; the oldest of those go.
//!
//! Nothing here waits, and nothing starts a process: what fails is reported and due again at
//! [`LogDir::deadline`], and a processor is the caller's to run. Time is an argument. What was pushed
//! and is not written yet is held in memory; how much that may be is the caller's to see to.
//!
//! A kill at any moment loses what is in memory, and nothing else. Each step below leaves files that
//! the next [`LogDir::open`] can tell the meaning of: a file is whole once its owner may execute it.
//!
//! Called by the command `s6-log`, and by the catch-all logger of a container.

mod archives;
mod expression;
mod kept;
mod opening;
mod processor;
mod rotating;
pub mod stamping;

use std::collections::VecDeque;
use std::fs::{File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use sixfold_model::logging::Rotation;
use sixfold_sys::directory::Directory;
use sixfold_sys::fds;

pub use expression::Expression;
pub use kept::Kept;
pub use opening::OpenError;
pub use stamping::Stamps;

/// The files of a log directory.
const CURRENT: &str = "current";
const PREVIOUS: &str = "previous";
const PROCESSED: &str = "processed";
const STATE: &str = "state";
const NEW_STATE: &str = "newstate";
/// Of a file whose writer has finished it.
const WHOLE: u32 = 0o100;
/// A buffer that was larger than this is given back.
const LARGE: usize = 1 << 20;

/// The present moment, by both clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Now {
    /// The time since the beginning of 1970 in UTC, for names.
    pub wall: Duration,
    /// The time since some moment, by a clock that nobody sets, for what is due.
    pub running: Duration,
}

/// A log directory that is written to. It is locked until it is dropped.
#[derive(Debug)]
pub struct LogDir {
    path: PathBuf,
    directory: Directory,
    _lock: File,
    rotation: Rotation,
    has_processor: bool,
    /// The mode of `current`, less the bit that says that it is whole.
    mode: u32,
    current: File,
    /// How much is in it.
    size: u64,
    /// What is to be written, and how much of that is.
    pending: Vec<u8>,
    written: usize,
    /// Where in `pending` a new file begins.
    cuts: VecDeque<usize>,
    stage: Stage,
    /// A new file should have been begun, but the one before it was still there.
    is_overdue: bool,
    retry_at: Option<Duration>,
    processor_at: Option<Duration>,
    /// When `current` was begun.
    begun: Duration,
    /// The moment in the name of the last file that was kept.
    last: Duration,
}

/// What is being done. Where it can fail, it is tried again from the beginning of the stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing but writing.
    Writing,
    /// `current` is full and becomes `previous`.
    Renaming,
    /// A new `current` is needed.
    Beginning,
    /// `previous` is whole.
    Marking,
    /// `previous` is kept.
    Keeping,
    /// `previous` needs a processor; `current` is written to.
    Waiting,
    /// There is one.
    Processing,
    /// What it has made takes the place of `previous`, and is kept.
    Finishing,
}

/// Something that did not work. It is tried again later, and nothing is lost.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Writing to `current`.
    #[error("unable to write to {path}/current", path = .0.display())]
    Write(PathBuf, #[source] io::Error),
    /// Making one file another.
    #[error("unable to rename {path}/{1} to {path}/{2}", path = .0.display())]
    Rename(PathBuf, &'static str, String, #[source] io::Error),
    /// Opening a file.
    #[error("unable to open {path}/{1}", path = .0.display())]
    Open(PathBuf, &'static str, #[source] io::Error),
    /// Bringing a file to the disk.
    #[error("unable to fsync {path}/{1}", path = .0.display())]
    Sync(PathBuf, &'static str, #[source] io::Error),
    /// Saying that a file is whole.
    #[error("unable to fchmod {path}/{1}", path = .0.display())]
    Mark(PathBuf, &'static str, #[source] io::Error),
    /// Removing a file.
    #[error("unable to unlink {path}/{1}", path = .0.display())]
    Remove(PathBuf, String, #[source] io::Error),
    /// Finding the files that are too many.
    #[error("unable to trim {path}", path = .0.display())]
    Trim(PathBuf, #[source] io::Error),
    /// The processor cannot be started.
    #[error("unable to spawn processor")]
    Spawn(#[source] io::Error),
    /// The processor has not exited with 0.
    #[error("processor failed in {path}", path = .0.display())]
    Processor(PathBuf),
}

/// The descriptors of a processor.
#[derive(Debug)]
pub struct ProcessorFiles {
    /// What it reads, as its descriptor 0: the full file.
    pub previous: OwnedFd,
    /// What it writes, as its descriptor 1: the file that is kept.
    pub processed: OwnedFd,
    /// What the one before it has left, as its descriptor 4.
    pub state: OwnedFd,
    /// What it leaves for the next, as its descriptor 5.
    pub new_state: OwnedFd,
}

impl LogDir {
    /// Its path, as it was given.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Whether this is the directory that `path` leads to.
    #[must_use]
    pub fn is_at(&self, path: &std::path::Path) -> bool {
        self.directory.is_at(path)
    }

    /// Where to add what is to be written: whole lines, each with a newline behind it.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.pending
    }

    /// What was added so far is a block of lines: if it makes a file full, a new one begins after it.
    pub fn end_block(&mut self) {
        let size = match self.cuts.back() {
            Some(cut) => length(self.pending.len().saturating_sub(*cut)),
            None => self.size.saturating_add(length(self.unwritten())),
        };
        if self.rotation.is_full(size) {
            self.cut();
        }
    }

    /// A new file begins after what was added so far, unless the one before it would be empty.
    pub fn cut(&mut self) {
        let is_empty = match self.cuts.back() {
            Some(cut) => self.pending.len() == *cut,
            None => self.size == 0 && self.unwritten() == 0,
        };
        if !is_empty {
            self.cuts.push_back(self.pending.len());
        }
    }

    /// How many bytes were added and are not written yet.
    #[must_use]
    pub fn unwritten(&self) -> usize {
        self.pending.len().saturating_sub(self.written)
    }

    /// Whether all is done: all is written, and no full file waits for anything.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.unwritten() == 0 && self.cuts.is_empty() && self.stage == Stage::Writing
    }

    /// When [`LogDir::work`] or [`LogDir::processor`] have something to do again, by the clock that
    /// nobody sets.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let interval = self.rotation.interval.filter(|_| self.size > 0);
        let interval = interval.map(|interval| self.begun.saturating_add(interval));
        let waits = [
            self.retry_at,
            self.processor_at.filter(|_| self.stage == Stage::Waiting),
            interval.filter(|_| self.stage == Stage::Writing && self.retry_at.is_none()),
        ];
        waits.into_iter().flatten().min()
    }

    /// Does what can be done now, and reports what fails.
    pub fn work(&mut self, now: Now, report: &mut dyn FnMut(Trouble)) {
        if self.retry_at.is_some_and(|moment| moment > now.running) {
            return;
        }
        self.retry_at = None;
        loop {
            match self.step(now, report) {
                Ok(true) => {}
                Ok(false) => return,
                Err(trouble) => {
                    report(trouble);
                    self.retry_at = Some(now.running.saturating_add(self.rotation.retry));
                    return;
                }
            }
        }
    }

    /// Writes what is left, if it can, and says that `current` is whole.
    ///
    /// # Errors
    /// What fsync(2) and fchmod(2) report: the next one will take it for interrupted.
    pub fn close(self) -> Result<(), Trouble> {
        let synced = self.current.sync_all();
        synced.map_err(|error| Trouble::Sync(self.path.clone(), CURRENT, error))?;
        let marked = mark(&self.current, self.mode | WHOLE);
        marked.map_err(|error| Trouble::Mark(self.path, CURRENT, error))
    }

    /// Does the next thing; whether there was one.
    fn step(&mut self, now: Now, report: &mut dyn FnMut(Trouble)) -> Result<bool, Trouble> {
        match self.stage {
            Stage::Writing | Stage::Waiting | Stage::Processing => {
                self.check_interval(now);
                if self.is_overdue && self.stage == Stage::Writing && self.is_between_lines() {
                    self.is_overdue = false;
                    self.begin_rotation();
                    return Ok(true);
                }
                self.write()
            }
            Stage::Renaming
            | Stage::Beginning
            | Stage::Marking
            | Stage::Keeping
            | Stage::Finishing => self.rotate(now, report).map(|()| true),
        }
    }

    fn check_interval(&mut self, now: Now) {
        let Some(interval) = self.rotation.interval else {
            return;
        };
        if now.running.saturating_sub(self.begun) >= interval && self.size > 0 {
            self.is_overdue = true;
        }
    }

    fn is_between_lines(&self) -> bool {
        match self.written.checked_sub(1) {
            Some(last) => self.pending.get(last) == Some(&b'\n'),
            None => true,
        }
    }

    /// Writes what comes before the next new file; whether there is more to do.
    fn write(&mut self) -> Result<bool, Trouble> {
        let end = self.cuts.front().copied().unwrap_or(self.pending.len());
        let bytes = self.pending.get(self.written..end).unwrap_or_default();
        if !bytes.is_empty() {
            return match fds::write(&self.current, bytes) {
                Ok(count) => {
                    self.written = self.written.saturating_add(count);
                    self.size = self.size.saturating_add(length(count));
                    Ok(true)
                }
                // What makes room is to begin a new file, when the oldest goes for it.
                Err(error)
                    if error.kind() == io::ErrorKind::StorageFull
                        && self.stage == Stage::Writing
                        && self.rotation.is_full(self.size) =>
                {
                    self.begin_rotation();
                    Ok(true)
                }
                Err(error) => Err(Trouble::Write(self.path.clone(), error)),
            };
        }
        if self.written == self.pending.len() {
            self.pending.clear();
            if self.pending.capacity() > LARGE {
                self.pending.shrink_to(LARGE);
            }
            for cut in &mut self.cuts {
                *cut = 0;
            }
            self.written = 0;
        }
        if self.cuts.pop_front().is_none() {
            return Ok(false);
        }
        if self.stage == Stage::Writing {
            self.begin_rotation();
        } else {
            self.is_overdue = true;
        }
        Ok(true)
    }

    fn begin_rotation(&mut self) {
        if self.size > 0 {
            self.stage = Stage::Renaming;
        }
    }
}

fn mark(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode))
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "logdir_tests.rs"]
mod tests;
