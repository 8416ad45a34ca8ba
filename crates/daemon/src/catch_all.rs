//! The catch-all logger (`S6_LOGGING`): what services, scripts and Sixfold itself write goes into a log
//! directory of s6-log as well, or into it alone.
//!
//! It is a part of this process: nothing that can fail to start holds up the boot, and nobody waits for
//! it at the stop. Lines are put in by the outlet; a task of its own writes them, so that many lines are
//! one write, begins new files, and runs the processor of full ones. What cannot be written, as on a
//! full disk, is held up to the outlet's limit; then the pipes of who writes fill, as with s6-log.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sixfold_model::Diagnostic;
use sixfold_model::logging::{Script, Target};
use sixfold_model::settings::LOGGING_SCRIPT;
use sixfold_protocol::paths;
use sixfold_sys::files;
use sixfold_sys::users::{Database, UsersError};
use thiserror::Error;

use crate::clock::Clock;
use crate::logdir::{Expression, Kept, Now, Stamps, Trouble};

/// The mode of the directory (s6-overlay v3): files in it belong to its group.
const MODE: u32 = 0o2750;

/// Why there can be no catch-all logger.
#[derive(Debug, Error)]
pub(crate) enum CatchAllError {
    /// There is no such user.
    #[error(
        "S6_CATCHALL_USER is {} and there is no such user in /etc/passwd (add it to the image, or leave the variable unset)",
        .0.display()
    )]
    NoUser(OsString),
    /// `/etc/passwd` cannot be read.
    #[error("/etc/passwd cannot be read for S6_CATCHALL_USER")]
    Users(#[source] UsersError),
    /// The directory cannot be made.
    #[error("the directory {} of the catch-all logger cannot be made", .0.display())]
    Make(PathBuf, #[source] io::Error),
    /// It cannot be written to.
    #[error("a log directory cannot be written to")]
    Open(#[source] crate::logdir::OpenError),
}

/// The logger.
#[derive(Debug)]
pub(crate) struct CatchAll {
    script: Script<Expression>,
    stamps: Stamps,
    /// Each with the number of the action that writes to it.
    directories: Vec<(usize, Kept)>,
    clock: Clock,
}

impl CatchAll {
    /// Opens the logger with this script, whose lines go into `/run/uncaught-logs` after all, and gives
    /// the directory to `user`. What is wrong with the script is said, and the usual one taken.
    pub(crate) fn open(
        words: &[OsString],
        user: Option<&OsStr>,
        clock: Clock,
        report: &mut dyn FnMut(Diagnostic),
    ) -> Result<Self, CatchAllError> {
        let dir = Path::new(paths::UNCAUGHT_LOGS);
        make(dir, user)?;
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let script = parse(&words, dir).or_else(|error| {
            report(Diagnostic::variable(
                format!(
                    "S6_LOGGING_SCRIPT: {error}; {} is taken",
                    LOGGING_SCRIPT.join(" ")
                ),
                "correct it, or leave it unset".to_owned(),
            ));
            parse(&LOGGING_SCRIPT.map(str::as_bytes), dir)
        });
        // The usual one is right.
        let script = script.unwrap_or_else(|_| Script {
            rules: Vec::new(),
            has_extraneous: false,
        });
        Self::of(script, clock, report)
    }

    /// Opens the logger of a whole script, whose directories have parents.
    pub(crate) fn of(
        script: Script<Expression>,
        clock: Clock,
        report: &mut dyn FnMut(Diagnostic),
    ) -> Result<Self, CatchAllError> {
        let mut logger = Self {
            stamps: Stamps::new(script.actions()),
            directories: Vec::new(),
            clock,
            script,
        };
        let now = logger.now();
        let mut troubles = Vec::new();
        for (action, it) in logger.script.actions().enumerate() {
            let Target::Directory(it) = &it.target else {
                report(Diagnostic::variable(
                    "S6_LOGGING_SCRIPT: 1, 2 and status files do nothing here".to_owned(),
                    "S6_LOGGING=1 writes to the container's streams too".to_owned(),
                ));
                continue;
            };
            let path = Path::new(OsStr::from_bytes(&it.path));
            let mut tell = |trouble| troubles.push(trouble);
            let kept = Kept::open(path, it, now, &mut tell).map_err(CatchAllError::Open)?;
            logger.directories.push((action, kept));
        }
        troubles.iter().for_each(tell);
        Ok(logger)
    }

    /// Takes a line, without its newline.
    pub(crate) fn put(&mut self, line: &[u8]) {
        let wall = self.now().wall;
        let Self {
            script,
            stamps,
            directories,
            ..
        } = self;
        if stamps.is_needed() {
            stamps.set(wall);
        }
        script.run(line, |number, action| {
            let kept = directories.iter_mut().find(|(of, _)| *of == number);
            if let Some((_, kept)) = kept {
                let log = kept.log_mut();
                stamps.put(action, log.buffer());
                log.buffer().extend_from_slice(line);
                log.buffer().push(b'\n');
                log.end_block();
            }
        });
    }

    /// How many bytes wait to be written.
    pub(crate) fn unwritten(&self) -> usize {
        self.kept().map(|kept| kept.log().unwritten()).sum()
    }

    /// Writes what can be written now, and starts and ends processors. When it is to be called again,
    /// if nothing new comes; and what went wrong.
    pub(crate) fn work(&mut self) -> (Option<Duration>, Vec<Trouble>) {
        let now = self.now();
        let mut troubles = Vec::new();
        for (_, kept) in &mut self.directories {
            let mut tell = |trouble| troubles.push(trouble);
            kept.reap(now, &mut tell);
            kept.work(now, &mut tell);
        }
        let deadlines = self.kept().filter_map(|kept| {
            let waits = kept.child().map(|_| now.running + GLANCE);
            kept.log().deadline().into_iter().chain(waits).min()
        });
        let next = deadlines.min().map(|at| at.saturating_sub(now.running));
        (next, troubles)
    }

    /// The processes of processors, which nobody else may wait for.
    pub(crate) fn children(&self) -> impl Iterator<Item = i32> {
        let children = self.kept().filter_map(Kept::child);
        children.filter_map(|child| i32::try_from(child.id()).ok())
    }

    /// The end: what is left is written, and the files are whole.
    pub(crate) fn close(mut self) -> Vec<Trouble> {
        let (_, mut troubles) = self.work();
        for (_, kept) in self.directories {
            troubles.extend(kept.close().err());
        }
        troubles
    }

    fn kept(&self) -> impl Iterator<Item = &Kept> {
        self.directories.iter().map(|(_, kept)| kept)
    }

    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        Now {
            wall: wall.unwrap_or_default(),
            running: self.clock.now().elapsed(),
        }
    }
}

/// How often a processor at work is looked at: its end comes by a signal that belongs to others.
const GLANCE: Duration = Duration::from_millis(50);

fn parse(
    words: &[&[u8]],
    dir: &Path,
) -> Result<Script<Expression>, sixfold_model::logging::ScriptError> {
    let mut words = words.to_vec();
    words.push(dir.as_os_str().as_bytes());
    Script::parse(&words, Expression::new)
}

fn make(dir: &Path, user: Option<&OsStr>) -> Result<(), CatchAllError> {
    let failed = |error| CatchAllError::Make(dir.to_owned(), error);
    std::fs::create_dir_all(dir).map_err(failed)?;
    if let Some(user) = user {
        let users = Database::load(Path::new("/")).map_err(CatchAllError::Users)?;
        let found = user.to_str().and_then(|name| users.user(name));
        let found = found.ok_or_else(|| CatchAllError::NoUser(user.to_owned()))?;
        files::chown(dir, Some(found.uid), Some(found.gid)).map_err(failed)?;
    }
    files::chmod(dir, MODE).map_err(failed)
}

/// Says that something did not work. The line goes to the console, and not where it would not go.
pub(crate) fn tell(trouble: &Trouble) {
    use std::error::Error as _;
    let cause = trouble.source().map(|cause| format!(": {cause}"));
    let cause = cause.unwrap_or_default();
    tracing::warn!(
        event = "catch_all.failed",
        mend = "make room for the logs, or leave S6_LOGGING unset",
        "a log directory: {trouble}{cause}; it is tried again"
    );
}
