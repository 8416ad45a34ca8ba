//! Putting a service directory into a scan directory that is supervised, and taking it out:
//! `s6-svlink`, `s6-svunlink`, and what the commands for instances do (s6-svlink(1)).

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sixfold_protocol::paths;
use sixfold_protocol::service_control::event;
use sixfold_sys::fifodir::{self, Listener};
use sixfold_sys::poll::{self, Deadline};
use sixfold_sys::{fifo, lock, process};

use super::{service, timeout};
use crate::complain::{self, ExitCode, FAILED, SYSTEM, TIMED_OUT, USAGE, reason};
use crate::options::{Options, WrongUsage};

pub(super) const SVLINK: &str = "s6-svlink";
const SVLINK_SYNOPSIS: &str =
    "s6-svlink [ -d | -D ] [ -f ] [ -P ] [ -t timeout ] scandir servicedir [ name ]";
pub(super) const SVUNLINK: &str = "s6-svunlink";
const SVUNLINK_SYNOPSIS: &str = "s6-svunlink [ -X ] [ -t timeout ] scandir servicename";

/// How a service is put in.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct How {
    /// `-d`, `-D`: it is not started.
    down: bool,
    /// `-d`: it is up again when the supervision begins anew.
    only_now: bool,
    /// `-f`: an event directory that exists gets the mode too.
    force: bool,
    /// `-P`: anybody may listen to its events.
    public: bool,
    /// `-t`.
    timeout: Option<Duration>,
    /// `-X`, where it is taken out: its supervisor is not waited for.
    at_once: bool,
}

impl How {
    /// Reads the options `letters`, which are a part of those of s6-svlink or s6-svunlink; gives
    /// what follows them too.
    pub(super) fn read(
        args: Vec<OsString>,
        letters: &'static str,
    ) -> Result<(Self, Vec<OsString>), WrongUsage> {
        let mut options = Options::new(args, letters);
        let mut how = Self::default();
        while let Some(option) = options.next()? {
            match option.letter {
                b'd' => (how.down, how.only_now) = (true, true),
                b'D' => (how.down, how.only_now) = (true, false),
                b'f' => how.force = true,
                b'P' => how.public = true,
                b'X' => how.at_once = true,
                _ => how.timeout = timeout(&option.value).ok_or(WrongUsage)?,
            }
        }
        Ok((how, options.rest()))
    }
}

/// `s6-svlink [ -d | -D ] [ -f ] [ -P ] [ -t timeout ] scandir servicedir [ name ]`
pub(super) fn svlink(args: Vec<OsString>) -> ExitCode {
    let usage = || complain::usage(SVLINK, SVLINK_SYNOPSIS);
    let Ok((how, rest)) = How::read(args, "dDfPt:") else {
        return usage();
    };
    let (Some(scandir), Some(dir)) = (rest.first(), rest.get(1)) else {
        return usage();
    };
    let name = match rest.get(2) {
        Some(name) => name.as_os_str(),
        None => Path::new(dir).file_name().unwrap_or_default(),
    };
    let wrong = |what: &str| complain::fatal(SVLINK, format_args!("invalid {what}"), USAGE);
    if scandir.is_empty() {
        return wrong("scandir");
    }
    if dir.is_empty() {
        return wrong("servicedir");
    }
    if !is_name(name) {
        return wrong("name");
    }
    let (scandir, dir) = (Path::new(scandir), Path::new(dir));
    if let Err(code) = check_scandir(scandir).and_then(|()| check_service(dir)) {
        return code;
    }
    // Relative to the scan directory, the link would lead elsewhere.
    let linked = fs::canonicalize(dir).and_then(|target| link(scandir, dir, &target, name, how));
    match linked {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let message = format!(
                "unable to link servicedir {} into scandir {} with name {}: {}",
                dir.display(),
                scandir.display(),
                name.display(),
                reason(&error)
            );
            complain::fatal(SVLINK, message, code_of(&error))
        }
    }
}

/// `s6-svunlink [ -X ] [ -t timeout ] scandir servicename`
pub(super) fn svunlink(args: Vec<OsString>) -> ExitCode {
    let usage = || complain::usage(SVUNLINK, SVUNLINK_SYNOPSIS);
    let Ok((how, rest)) = How::read(args, "Xt:") else {
        return usage();
    };
    let (Some(scandir), Some(name)) = (rest.first(), rest.get(1)) else {
        return usage();
    };
    if !is_name(name) {
        return complain::fatal(SVUNLINK, "invalid service name", USAGE);
    }
    match unlink(Path::new(scandir), name, how) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let message = format!(
                "unable to prepare unlinking of service {} in scandir {}: {}",
                name.display(),
                scandir.display(),
                reason(&error)
            );
            complain::fatal(SVUNLINK, message, SYSTEM)
        }
    }
}

/// The exit code for a link that could not be made.
pub(super) fn code_of(error: &io::Error) -> u8 {
    if error.kind() == ErrorKind::TimedOut {
        TIMED_OUT
    } else {
        SYSTEM
    }
}

/// Makes the link `name` to `target` in `scandir`, has it read again, and waits until the service in
/// `dir` (which is what `target` leads to) and its logger have a supervisor. What was begun is taken
/// back when that fails.
pub(super) fn link(
    scandir: &Path,
    dir: &Path,
    target: &Path,
    name: &OsStr,
    how: How,
) -> io::Result<()> {
    let deadline = Deadline::after(how.timeout);
    let place = scandir.join(name);
    let mut listeners = Vec::new();
    let dirs = with_logger(dir)?;
    let is_supervised = service::is_supervised(dir)?;
    if !is_supervised {
        for dir in &dirs {
            if how.down {
                File::create(dir.join("down"))?;
            }
            let events = dir.join(paths::EVENT);
            let gid = (!how.public).then(process::egid);
            fifodir::make(&events, gid, how.force)?;
            listeners.push(Listener::subscribe(&events)?);
        }
    }
    match symlink(target, &place) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && is_supervised => {}
        result => result?,
    }
    let begun = fifo::write_control(&scandir.join(paths::SCAN_CONTROL), b"a")
        .and_then(|()| hear_from_all(&listeners, event::SUPERVISED, deadline));
    if let Err(error) = begun {
        take_back(&place, &dirs, how);
        return Err(error);
    }
    if how.only_now {
        // The logger's stays, as s6-svlink leaves it.
        fs::remove_file(place.join("down")).or_else(tolerate_missing)?;
    }
    Ok(())
}

/// Removes `name` from `scandir`, has what is no longer there stopped, and waits for the supervisors
/// to leave.
pub(super) fn unlink(scandir: &Path, name: &OsStr, how: How) -> io::Result<()> {
    let deadline = Deadline::after(how.timeout);
    let place = scandir.join(name);
    let mut listeners = Vec::new();
    if !how.at_once && service::is_supervised(&place)? {
        for dir in with_logger(&place)? {
            // Who may not listen does not wait.
            let events = fs::canonicalize(dir.join(paths::EVENT));
            let listener = events.and_then(|events| Listener::subscribe(&events));
            // One that has left before somebody listened will not say so again.
            if service::is_supervised(&dir)? {
                listeners.extend(listener.ok());
            }
        }
    }
    // A directory of its own, or nothing there: the scan will see.
    let _ = fs::remove_file(&place);
    // Who supervises nothing has nothing to stop.
    let _ = fifo::write_control(&scandir.join(paths::SCAN_CONTROL), b"an");
    match hear_from_all(&listeners, event::LEFT, deadline) {
        Err(error) if error.kind() == ErrorKind::TimedOut => Ok(()),
        result => result,
    }
}

/// Whether a name can be one of a service in a scan directory.
pub(super) fn is_name(name: &OsStr) -> bool {
    !matches!(name.as_encoded_bytes().first(), None | Some(b'.' | b'/'))
}

/// Whether the scan directory `dir` is supervised.
pub(super) fn is_scanned(dir: &Path) -> io::Result<bool> {
    lock::is_locked(&dir.join(paths::SCAN_LOCK))
}

fn check_scandir(dir: &Path) -> Result<(), ExitCode> {
    match is_scanned(dir) {
        Ok(true) => Ok(()),
        Ok(false) => {
            let message = format!("s6-svscan not running on {}", dir.display());
            Err(complain::fatal(SVLINK, message, FAILED))
        }
        Err(error) => {
            let lock = dir.join(paths::SCAN_LOCK);
            let message = format!("unable to open {}: {}", lock.display(), reason(&error));
            Err(complain::fatal(SVLINK, message, SYSTEM))
        }
    }
}

/// Looks whether a service can be started at all, and its logger.
fn check_service(dir: &Path) -> Result<(), ExitCode> {
    let system = |what: &str, path: &Path, error: &io::Error| {
        let message = format!("unable to {what} {}: {}", path.display(), reason(error));
        complain::fatal(SVLINK, message, SYSTEM)
    };
    // Before the logger: what is no directory has neither.
    let run = dir.join("run");
    fs::metadata(&run).map_err(|error| system("stat", &run, &error))?;
    let dirs = with_logger(dir).map_err(|error| {
        let log = dir.join("log");
        if error.kind() == ErrorKind::NotADirectory {
            let message = format!("{} is not a directory", log.display());
            complain::fatal(SVLINK, message, USAGE)
        } else {
            system("stat", &log, &error)
        }
    })?;
    for dir in dirs {
        let run = dir.join("run");
        let found = fs::metadata(&run).map_err(|error| system("stat", &run, &error))?;
        if found.permissions().mode() & 0o100 == 0 {
            let message = format!("{} is not executable", run.display());
            return Err(complain::fatal(SVLINK, message, USAGE));
        }
        let is_supervised = service::is_supervised(&dir)
            .map_err(|error| system("check supervision status of", &dir, &error))?;
        if is_supervised {
            let message = format!("supervisor already running on {}", dir.display());
            complain::warn(SVLINK, message);
        }
    }
    Ok(())
}

/// A service directory, and its logger's if it has one.
fn with_logger(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let log = dir.join("log");
    match fs::metadata(&log) {
        Ok(found) if found.is_dir() => Ok(vec![dir.to_owned(), log]),
        Ok(_) => Err(ErrorKind::NotADirectory.into()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(vec![dir.to_owned()]),
        Err(error) => Err(error),
    }
}

/// Waits until everyone has told `letter`.
fn hear_from_all(listeners: &[Listener], letter: u8, deadline: Deadline) -> io::Result<()> {
    let mut silent: Vec<&Listener> = listeners.iter().collect();
    while !silent.is_empty() {
        let fds: Vec<_> = silent.iter().map(|it| it.as_fd()).collect();
        if !poll::wait_readable(&fds, deadline)?.contains(&true) {
            return Err(io::Error::new(ErrorKind::TimedOut, "Connection timed out"));
        }
        let mut rest = Vec::new();
        for listener in silent {
            if !listener.heard()?.contains(&letter) {
                rest.push(listener);
            }
        }
        silent = rest;
    }
    Ok(())
}

/// Undoes what was begun; whoever supervises it already is told to leave.
fn take_back(place: &Path, dirs: &[PathBuf], how: How) {
    for dir in dirs {
        if how.down {
            let _ = fs::remove_file(dir.join("down"));
        }
        let _ = fifo::write_control(&dir.join(paths::CONTROL), b"xd");
    }
    let _ = fs::remove_file(place);
}

fn tolerate_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == ErrorKind::NotFound {
        Ok(())
    } else {
        Err(error)
    }
}
