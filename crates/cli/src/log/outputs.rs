//! Where `s6-log` writes to: standard output and error, status files, log directories.
//!
//! Lines are collected here and written by [`Outputs::work`], many at once. Nothing waits but alerts,
//! which are few and have to be seen.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sixfold_daemon::logdir::{Kept, Now, Trouble};
use sixfold_model::logging::{Action, DirectoryAction, Script, Target, alerted, status};
use sixfold_sys::fds::{self, Console};

use super::command::{NAME, fatal};
use crate::complain::{self, ExitCode, SYSTEM, reason};
use sixfold_daemon::logdir::Stamps;

/// The descriptors of standard output and error.
const STDOUT: i32 = 1;
const STDERR: i32 = 2;

/// All that a script writes to.
#[derive(Debug)]
pub(super) struct Outputs {
    /// One for each action, in order.
    sinks: Vec<Sink>,
    stdout: Option<Stdout>,
    directories: Vec<Kept>,
    alert: Vec<u8>,
    warns: bool,
}

/// Where an action writes to.
#[derive(Debug)]
enum Sink {
    Stdout,
    Alert {
        limit: usize,
    },
    Status(StatusFile),
    /// The number of a directory.
    Directory(usize),
}

#[derive(Debug)]
struct Stdout {
    console: Console,
    pending: Vec<u8>,
    written: usize,
}

/// A file that holds the last line. Of those that come at once, only the last is written.
#[derive(Debug)]
struct StatusFile {
    path: PathBuf,
    size: usize,
    line: Vec<u8>,
    is_new: bool,
}

impl Outputs {
    /// Opens all that `script` writes to. `warns` says whether what fails later is told.
    pub(super) fn open<M>(script: &Script<M>, now: Now, warns: bool) -> Result<Self, ExitCode> {
        let mut outputs = Self {
            sinks: Vec::new(),
            stdout: None,
            directories: Vec::new(),
            alert: Vec::new(),
            warns,
        };
        for action in script.actions() {
            let sink = match &action.target {
                Target::Stdout => {
                    outputs.open_stdout()?;
                    Sink::Stdout
                }
                Target::Alert { limit } => Sink::Alert { limit: *limit },
                Target::Status { path, size } => Sink::Status(StatusFile {
                    path: PathBuf::from(OsStr::from_bytes(path)),
                    size: *size,
                    line: Vec::new(),
                    is_new: false,
                }),
                Target::Directory(action) => Sink::Directory(outputs.open_directory(action, now)?),
            };
            outputs.sinks.push(sink);
        }
        Ok(outputs)
    }

    fn open_stdout(&mut self) -> Result<(), ExitCode> {
        if self.stdout.is_none() {
            let console = fds::console(STDOUT).map_err(|error| fatal("open stdout", &error))?;
            self.stdout = Some(Stdout {
                console,
                pending: Vec::new(),
                written: 0,
            });
        }
        Ok(())
    }

    /// The number of a directory. One that is there already is shared: its lock keeps out others, not
    /// ourselves, and each would take the other's file for a left one.
    fn open_directory(&mut self, action: &DirectoryAction, now: Now) -> Result<usize, ExitCode> {
        let path = Path::new(OsStr::from_bytes(&action.path));
        let known = self
            .directories
            .iter()
            .position(|kept| kept.log().is_at(path));
        if let Some(known) = known {
            return Ok(known);
        }
        let warns = self.warns;
        let mut report = |trouble| tell(warns, &trouble);
        let opened = Kept::open(path, action, now, &mut report);
        self.directories.push(opened.map_err(|error| {
            let cause = cause(&error);
            complain::fatal(NAME, format!("{error}{cause}"), SYSTEM)
        })?);
        Ok(self.directories.len() - 1)
    }

    /// Takes a line for the action of this number.
    pub(super) fn put(&mut self, number: usize, action: &Action, stamps: &Stamps, line: &[u8]) {
        match self.sinks.get_mut(number) {
            Some(Sink::Stdout) => {
                if let Some(stdout) = &mut self.stdout {
                    put_line(&mut stdout.pending, action, stamps, line);
                }
            }
            Some(Sink::Directory(number)) => {
                if let Some(kept) = self.directories.get_mut(*number) {
                    put_line(kept.log_mut().buffer(), action, stamps, line);
                }
            }
            Some(Sink::Status(file)) => {
                file.line.clear();
                stamps.put(action, &mut file.line);
                file.line.extend_from_slice(line);
                file.is_new = true;
            }
            Some(Sink::Alert { limit }) => {
                let (line, behind) = alerted(line, *limit);
                self.alert.clear();
                self.alert.extend_from_slice(b"s6-log: alert: ");
                stamps.put(action, &mut self.alert);
                for part in [line, behind, b"\n"] {
                    self.alert.extend_from_slice(part);
                }
                write_all(STDERR, &self.alert);
            }
            None => {}
        }
    }

    /// The lines so far are a block, after which a file may be full.
    pub(super) fn end_block(&mut self) {
        for kept in &mut self.directories {
            kept.log_mut().end_block();
        }
    }

    /// All directories begin a new file.
    pub(super) fn rotate(&mut self) {
        for kept in &mut self.directories {
            kept.log_mut().cut();
        }
    }

    /// Does what can be done now.
    pub(super) fn work(&mut self, now: Now) {
        let warns = self.warns;
        for sink in &mut self.sinks {
            if let Sink::Status(file) = sink {
                file.write(warns);
            }
        }
        if let Some(stdout) = &mut self.stdout
            && let Err(error) = stdout.write()
        {
            if warns {
                let reason = reason(&error);
                let message =
                    format!("unable to write to stdout, closing the stream - error was: {reason}");
                complain::warn(NAME, message);
            }
            self.stdout = None;
        }
        for kept in &mut self.directories {
            kept.work(now, &mut |trouble| tell(warns, &trouble));
        }
    }

    /// A process has ended: looks which.
    pub(super) fn reap(&mut self, now: Now) {
        for kept in &mut self.directories {
            kept.reap(now, &mut |trouble| tell(self.warns, &trouble));
        }
    }

    /// How many bytes wait to be written.
    pub(super) fn unwritten(&self) -> usize {
        let directories = self.directories.iter().map(|kept| kept.log().unwritten());
        directories.sum::<usize>() + self.stdout.as_ref().map_or(0, Stdout::unwritten)
    }

    /// What standard output is written to, if that has to wait until it takes more.
    pub(super) fn waits_for(&self) -> Option<BorrowedFd<'_>> {
        let stdout = self.stdout.as_ref();
        let stdout = stdout.filter(|stdout| stdout.unwritten() > 0)?;
        Some(stdout.console.as_fd())
    }

    /// When there is something to do again, by the clock that nobody sets.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let deadlines = self.directories.iter();
        deadlines.filter_map(|kept| kept.log().deadline()).min()
    }

    /// Whether all is written, and no full file waits for anything.
    pub(super) fn is_done(&self) -> bool {
        let mut directories = self.directories.iter();
        self.waits_for().is_none() && directories.all(|kept| kept.log().is_done())
    }

    /// The end, once all is done.
    pub(super) fn close(self) {
        for kept in self.directories {
            if let Err(trouble) = kept.close() {
                tell(self.warns, &trouble);
            }
        }
    }
}

impl Stdout {
    fn unwritten(&self) -> usize {
        self.pending.len().saturating_sub(self.written)
    }

    /// Writes as much as goes.
    fn write(&mut self) -> io::Result<()> {
        loop {
            let rest = self.pending.get(self.written..).unwrap_or_default();
            if rest.is_empty() {
                self.pending.clear();
                self.written = 0;
                return Ok(());
            }
            match self.console.write(rest) {
                Ok(count) => self.written = self.written.saturating_add(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

impl StatusFile {
    /// Puts the last line in the place of the one before it, in one step.
    fn write(&mut self, warns: bool) {
        if !std::mem::take(&mut self.is_new) {
            return;
        }
        status(&mut self.line, self.size);
        let mut new = self.path.clone().into_os_string();
        new.push(".new");
        let written = File::create(&new)
            .and_then(|mut file| file.write_all(&self.line))
            .and_then(|()| fs::rename(&new, &self.path));
        if let Err(error) = written
            && warns
        {
            let (path, reason) = (self.path.display(), reason(&error));
            let message = format!("unable to write status file {path}: {reason}");
            complain::warn(NAME, message);
        }
    }
}

fn put_line(out: &mut Vec<u8>, action: &Action, stamps: &Stamps, line: &[u8]) {
    stamps.put(action, out);
    out.extend_from_slice(line);
    out.push(b'\n');
}

/// Writes all of it, and waits for that. Who cannot be told cannot be told.
fn write_all(fd: i32, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match fds::write_fd(fd, bytes) {
            Ok(count) if count > 0 => bytes = bytes.get(count..).unwrap_or_default(),
            Ok(_) | Err(_) => return,
        }
    }
}

fn tell(warns: bool, trouble: &Trouble) {
    if warns {
        complain::warn(NAME, format!("{trouble}{}", cause(trouble)));
    }
}

/// Why, in the words of the system, if it is the system's fault.
fn cause(error: &dyn std::error::Error) -> String {
    let cause = error.source().and_then(|source| source.downcast_ref());
    cause.map_or_else(String::new, |cause: &io::Error| {
        format!(": {}", reason(cause))
    })
}
