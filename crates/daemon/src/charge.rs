//! The charge of one service directory: its lock, the FIFO that its supervisor is told by, and what
//! the supervisor writes and tells there (s6-supervise(8)).
//!
//! The directory is held open, so that all this goes on in it when somebody renames it. The lock is
//! kept by one descriptor, and the file is never opened a second time while it is: closing any
//! descriptor of it would drop the lock. Called from the dispatcher.

use std::cell::{Cell, RefCell};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use sixfold_engine::{Exit, Moment, Standing};
use sixfold_model::tree::Tree;
use sixfold_protocol::death_tally::{self, Death};
use sixfold_protocol::service_control::event;
use sixfold_protocol::status::WaitStatus;
use sixfold_protocol::{Status, Tai64n, paths};
use sixfold_sys::directory::Directory;
use sixfold_sys::{fifodir, lock, process};
use thiserror::Error;

use crate::clock::Clock;
use crate::snapshot;

/// The largest tally: more deaths than are ever kept.
const MOST_OF_TALLY: u64 = 1 << 20;

/// Why a directory cannot be taken charge of.
#[derive(Debug, Error)]
pub(crate) enum ChargeError {
    /// It has a supervisor.
    #[error("another instance of s6-supervise is already running")]
    Taken,
    /// Something else is where a directory has to be.
    #[error("{what} exists and is not a directory")]
    Occupied {
        /// What.
        what: &'static str,
    },
    /// The system refuses something.
    #[error("unable to {what}")]
    System {
        /// What.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

impl ChargeError {
    /// The exit code of s6-supervise for it.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Taken | Self::Occupied { .. } => 100,
            Self::System { .. } => 111,
        }
    }
}

/// Why `what` could not be made.
fn directory(what: &'static str) -> impl FnOnce(io::Error) -> ChargeError {
    move |error| {
        if error.kind() == ErrorKind::NotADirectory {
            ChargeError::Occupied { what }
        } else {
            system(&format!("mkdir {what}"))(error)
        }
    }
}

fn system(what: &str) -> impl FnOnce(io::Error) -> ChargeError + use<'_> {
    move |source| ChargeError::System {
        what: what.to_owned(),
        source,
    }
}

/// A service directory in our charge. Dropping it gives it up.
#[derive(Debug)]
pub(crate) struct Charge {
    directory: Directory,
    /// Where it was found to be.
    path: RefCell<PathBuf>,
    /// The only descriptor of its lock, until it is given up.
    lock: RefCell<Option<File>>,
    clock: Clock,
    /// The moments that were told last, with the times they had then: a clock that is set does not
    /// change what has happened.
    changed: Cell<(Moment, Tai64n)>,
    ready_since: Cell<(Moment, Tai64n)>,
}

impl Charge {
    /// Takes charge of the service directory at `path`: makes what of `event/` and `supervise/` is
    /// not there, and forgets the deaths of earlier times. Gives it and the end of the FIFO to
    /// listen on.
    pub(crate) fn take(path: &Path, clock: Clock) -> Result<(Self, OwnedFd), ChargeError> {
        let directory = Directory::open(path).map_err(system("open the service directory"))?;
        // Under its own name: `path` may be a link.
        let place = directory.path().unwrap_or_else(|| path.to_owned());
        let gid = process::egid();
        let has_new_event = directory
            .make_dir(paths::EVENT, fifodir::OF_GROUP, Some(gid))
            .map_err(self::directory(paths::EVENT))?;
        let has_new_supervise = directory
            .make_dir(paths::SUPERVISE, 0o700, None)
            .map_err(self::directory(paths::SUPERVISE))?;
        let lock = directory
            .open_or_make(paths::LOCK, 0o644)
            .map_err(system("open supervise/lock"))?;
        if !lock::try_lock(&lock, lock::Kind::Exclusive).map_err(system("lock supervise/lock"))? {
            return Err(ChargeError::Taken);
        }
        let control = control(&directory).map_err(system("make the FIFO supervise/control"))?;
        let now = (Moment::START, Tai64n::default());
        let charge = Self {
            directory,
            path: RefCell::new(place),
            lock: RefCell::new(Some(lock)),
            clock,
            changed: Cell::new(now),
            ready_since: Cell::new(now),
        };
        let tally = if has_new_supervise {
            charge.directory.empty(paths::DEATH_TALLY, 0o644).map(drop)
        } else {
            charge.directory.replace(paths::DEATH_TALLY, b"", 0o644)
        };
        tally.map_err(system("write supervise/death_tally"))?;
        if !has_new_event {
            let cleaned = fifodir::clean_in(&charge.directory, paths::EVENT);
            charge.warn("clean event", cleaned);
        }
        Ok((charge, control))
    }

    /// Whether `lock` is the file that this charge has locked.
    pub(crate) fn holds(&self, lock: &fs::Metadata) -> bool {
        let own = self.lock.borrow();
        let own = own.as_ref().and_then(|own| own.metadata().ok());
        own.is_some_and(|own| (own.dev(), own.ino()) == (lock.dev(), lock.ino()))
    }

    /// Another end of the FIFO to listen on.
    pub(crate) fn listen(&self) -> Option<OwnedFd> {
        let fifo = control(&self.directory);
        fifo.inspect_err(|error| self.warn("open supervise/control", Err(error.kind().into())))
            .ok()
    }

    /// What it says now.
    pub(crate) fn read(&self) -> io::Result<Tree> {
        snapshot::service_in(&self.directory)
    }

    /// Where the directory was when that was last looked at.
    pub(crate) fn known_path(&self) -> PathBuf {
        self.path.borrow().clone()
    }

    /// Where the directory is now. One that was deleted has a path to nothing, and not to what has
    /// taken its place: that is another service.
    pub(crate) fn path(&self) -> PathBuf {
        let known = self.known_path();
        if self.directory.is_at(&known) {
            return known;
        }
        match self.directory.path() {
            Some(place) if self.directory.is_at(&place) => {
                self.path.replace(place.clone());
                place
            }
            Some(_) | None => self.directory.nowhere(),
        }
    }

    /// Writes down what the service is doing, and tells `letters` to those who listen.
    pub(crate) fn tell(&self, standing: &Standing, letters: &str) {
        self.write(standing);
        self.announce(letters.as_bytes());
    }

    /// Writes down what the service was doing, gives the directory up, and tells `letters` and that
    /// to those who listen: who hears it can take charge at once, even if this is still held somewhere.
    pub(crate) fn leave(&self, standing: &Standing, letters: &str) {
        self.write(standing);
        drop(self.lock.take());
        self.announce(&[letters.as_bytes(), &[event::LEFT]].concat());
    }

    fn write(&self, standing: &Standing) {
        let status = Status {
            changed: self.time_of(standing.changed, &self.changed),
            ready_since: self.time_of(standing.ready_since, &self.ready_since),
            pid: u64::try_from(standing.pid).unwrap_or_default(),
            exit: match standing.exit {
                None => WaitStatus::default(),
                Some(Exit::Code(code)) => WaitStatus::exited(code),
                Some(Exit::Signal(signal)) => WaitStatus::killed(signal),
            },
            paused: standing.paused,
            finishing: standing.finishing,
            wanted_up: standing.wanted_up,
            ready: standing.ready,
        };
        let written = self.directory.replace(paths::STATUS, &status.pack(), 0o644);
        self.warn("write supervise/status", written);
    }

    fn announce(&self, letters: &[u8]) {
        if !letters.is_empty() {
            let told = fifodir::notify_in(&self.directory, paths::EVENT, letters);
            self.warn("tell those who listen in event", told.map(drop));
        }
    }

    /// Adds a death to those remembered, of which there are at most `most`.
    pub(crate) fn record_death(&self, exit: Exit, most: u32) {
        if most == 0 {
            return;
        }
        let low = |number: i32| number.to_le_bytes()[0];
        let signal = match exit {
            Exit::Code(_) => 0,
            Exit::Signal(signal) => low(signal),
        };
        let death = Death {
            at: now(),
            code: low(exit.shell_code()),
            signal,
        };
        let recorded = self.add_death(death, most);
        self.warn("write supervise/death_tally", recorded);
    }

    fn add_death(&self, death: Death, most: u32) -> io::Result<()> {
        let found = self.directory.find(paths::DEATH_TALLY)?;
        if found.is_some_and(|found| found.is_file && death_tally::has_room(found.size, most)) {
            // In one piece, so that whoever reads meanwhile finds whole records.
            let mut file = self.directory.append(paths::DEATH_TALLY, 0o644)?;
            return file.write_all(&death.pack());
        }
        let tally = match found {
            Some(_) => self.directory.read(paths::DEATH_TALLY, MOST_OF_TALLY)?,
            // Somebody removed it: it begins anew.
            None => Vec::new(),
        };
        let tally = death_tally::with(&tally, death, most);
        self.directory.replace(paths::DEATH_TALLY, &tally, 0o644)
    }

    /// Makes or removes the `down` file.
    pub(crate) fn mark_down(&self, down: bool) {
        let (what, marked) = if down {
            (
                "make down",
                self.directory.open_or_make("down", 0o644).map(drop),
            )
        } else {
            ("remove down", self.directory.remove("down"))
        };
        self.warn(what, marked);
    }

    fn time_of(&self, moment: Moment, told: &Cell<(Moment, Tai64n)>) -> Tai64n {
        let (known, time) = told.get();
        if known == moment && time != Tai64n::default() {
            return time;
        }
        let ago = self.clock.now().since(moment);
        let time = Tai64n::from_unix(unix().saturating_sub(ago));
        told.set((moment, time));
        time
    }

    fn warn(&self, what: &str, result: io::Result<()>) {
        let Err(error) = result else {
            return;
        };
        // Of a directory that is gone, the place where it was says more than that it is nowhere.
        let path = self.directory.path().unwrap_or_else(|| self.known_path());
        let shown = path.display();
        let text = format!("s6-supervise {shown}: warning: unable to {what}: {error}");
        let text = text.as_str();
        tracing::warn!(
            event = "supervise.failed",
            path = %shown,
            error = %error,
            text,
            "unable to {what}"
        );
    }
}

/// The FIFO of the supervisor, in place of whatever else may have been put there. One that is there
/// keeps its mode: it says who may control the service.
fn control(directory: &Directory) -> io::Result<OwnedFd> {
    match directory.make_fifo(paths::CONTROL) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            directory.remove(paths::CONTROL)?;
            directory.make_fifo(paths::CONTROL)?;
        }
        Err(error) => return Err(error),
    }
    directory.open_fifo(paths::CONTROL)
}

fn now() -> Tai64n {
    Tai64n::from_unix(unix())
}

fn unix() -> std::time::Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

#[cfg(test)]
#[path = "charge_tests.rs"]
mod tests;
