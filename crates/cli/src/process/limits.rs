//! `s6-softlimit`, `s6-setsid`, `s6-setlock`, `s6-fghack`: limits, sessions, locks, and programs that
//! go to the background.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd as _, IntoRawFd as _, OwnedFd};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sixfold_sys::limits::{self, Resource, Which};
use sixfold_sys::lock::{self, Kind};
use sixfold_sys::{fds, session, wait};

use crate::complain::{self, ExitCode, FAILED, SYSTEM, reason};
use crate::exec;
use crate::options::{Options, WrongUsage, number};

pub(super) const SOFTLIMIT: &str = "s6-softlimit";
const SOFTLIMIT_SYNOPSIS: &str = "s6-softlimit [ -H | -h ] [ -a bytes ] [ -c bytes ] [ -d bytes ] [ -f bytes ] [ -l bytes ] [ -m bytes ] [ -o files ] [ -P priority ] [ -p processes ] [ -r bytes ] [ -s bytes ] [ -t seconds ] prog...";
pub(super) const SETSID: &str = "s6-setsid";
const SETSID_SYNOPSIS: &str =
    "s6-setsid [ -s | -b | -f | -g ] [ -i | -I | -q ] [ -d ctty ] prog...";
pub(super) const SETLOCK: &str = "s6-setlock";
const SETLOCK_SYNOPSIS: &str =
    "s6-setlock [ -r | -w ] [ -n | -N ] [ -t timeout ] [ -d fd ] lockfile prog...";
pub(super) const FGHACK: &str = "s6-fghack";
/// Someone wrote into the pipe of s6-fghack.
const WROTE: u8 = 102;
/// How many descriptors lead into it: more than a program is likely to close.
const COPIES: usize = 30;

/// `s6-softlimit [ -H | -h ] [ limits ] prog...`: the options count in the order in which they are
/// given; those that it does not know are passed over.
pub(super) fn softlimit(args: Vec<OsString>) -> ExitCode {
    let usage = |_: WrongUsage| complain::usage(SOFTLIMIT, SOFTLIMIT_SYNOPSIS);
    let limited = || -> Result<Vec<OsString>, ExitCode> {
        let mut options = Options::lenient(args, "hHa:c:d:f:l:m:o:P:p:r:s:t:");
        let mut which = Which::Soft;
        while let Some(option) = options.next().map_err(usage)? {
            let resources: &[Resource] = match option.letter {
                b'h' => {
                    which = Which::Hard;
                    continue;
                }
                b'H' => {
                    which = Which::Both;
                    continue;
                }
                b'a' => &[Resource::RLIMIT_AS],
                b'c' => &[Resource::RLIMIT_CORE],
                b'd' => &[Resource::RLIMIT_DATA],
                b'f' => &[Resource::RLIMIT_FSIZE],
                b'l' => &[Resource::RLIMIT_MEMLOCK],
                b'm' => &[
                    Resource::RLIMIT_DATA,
                    Resource::RLIMIT_STACK,
                    Resource::RLIMIT_MEMLOCK,
                    Resource::RLIMIT_AS,
                ],
                b'o' => &[Resource::RLIMIT_NOFILE],
                b'P' => &[Resource::RLIMIT_RTPRIO],
                b'p' => &[Resource::RLIMIT_NPROC],
                b'r' => &[Resource::RLIMIT_RSS],
                b's' => &[Resource::RLIMIT_STACK],
                b't' => &[Resource::RLIMIT_CPU],
                // As it always was.
                _ => continue,
            };
            let value = limit(&option.value).ok_or(WrongUsage).map_err(usage)?;
            for resource in resources {
                limits::set(*resource, which, value).map_err(|error| {
                    let message = format!("unable to setrlimit: {}", reason(&error));
                    complain::fatal(SOFTLIMIT, message, SYSTEM)
                })?;
            }
        }
        let words = options.rest();
        if words.is_empty() {
            return Err(usage(WrongUsage));
        }
        Ok(words)
    };
    match limited() {
        Ok(words) => exec::words(SOFTLIMIT, &words),
        Err(code) => code,
    }
}

/// A limit; `=` is none.
fn limit(value: &OsStr) -> Option<Option<u64>> {
    if value == "=" {
        Some(None)
    } else {
        number(value).map(Some)
    }
}

/// What is done when a session or process group cannot be made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OnFailure {
    Warn,
    Die,
    Ignore,
}

/// `s6-setsid [ -s | -b | -f | -g ] [ -i | -I | -q ] [ -d ctty ] prog...`
pub(super) fn setsid(args: Vec<OsString>) -> ExitCode {
    match in_session(args) {
        Ok(words) => exec::words(SETSID, &words),
        Err(code) => code,
    }
}

fn in_session(args: Vec<OsString>) -> Result<Vec<OsString>, ExitCode> {
    let usage = |_: WrongUsage| complain::usage(SETSID, SETSID_SYNOPSIS);
    let mut options = Options::with_long(
        args,
        "sbfgIiqd:",
        &[
            ("session", b's'),
            ("background-process-group", b'b'),
            ("foreground-process-group", b'f'),
            ("foreground-process-group-grab", b'g'),
            ("no-strict", b'I'),
            ("strict", b'i'),
            ("quiet", b'q'),
            ("ctty", b'd'),
        ],
    );
    let (mut kind, mut on_failure, mut terminal) = (b's', OnFailure::Warn, None);
    while let Some(option) = options.next().map_err(usage)? {
        match option.letter {
            b'I' => on_failure = OnFailure::Warn,
            b'i' => on_failure = OnFailure::Die,
            b'q' => on_failure = OnFailure::Ignore,
            b'd' => terminal = Some(number(&option.value).ok_or(WrongUsage).map_err(usage)?),
            letter => kind = letter,
        }
    }
    let words = options.rest();
    if words.is_empty() {
        return Err(usage(WrongUsage));
    }
    let check = |what: &str, result: io::Result<()>| match (result, on_failure) {
        (Ok(()), _) | (Err(_), OnFailure::Ignore) => Ok(()),
        (Err(error), OnFailure::Warn) => {
            complain::warn(SETSID, format!("unable to {what}: {}", reason(&error)));
            Ok(())
        }
        (Err(error), OnFailure::Die) => {
            let message = format!("unable to {what}: {}", reason(&error));
            Err(complain::fatal(SETSID, message, SYSTEM))
        }
    };
    if kind == b's' {
        check("setsid", session::new_session())?;
        return Ok(words);
    }
    // Opened while it is still the terminal of this process; closed when that becomes another.
    let (tty, number) = match terminal {
        Some(number) => (None, number),
        None if kind == b'b' => (None, 0),
        None => match File::open("/dev/tty") {
            Ok(tty) => {
                let number = tty.as_raw_fd();
                (Some(tty), number)
            }
            // Without a terminal, what is made of that is up to the options.
            Err(_) => (None, 0),
        },
    };
    check("setpgid", session::new_group())?;
    if kind != b'b' {
        let taken = session::take_foreground(number, kind == b'g');
        check("tcsetpgrp", taken)?;
    }
    drop(tty);
    Ok(words)
}

/// `s6-setlock [ -r | -w ] [ -n | -N ] [ -t timeout ] [ -d fd ] lockfile prog...`: the program runs
/// with the lock, on a descriptor that it has.
pub(super) fn setlock(args: Vec<OsString>) -> ExitCode {
    match locked(args) {
        Ok(words) => exec::words(SETLOCK, &words),
        Err(code) => code,
    }
}

fn locked(args: Vec<OsString>) -> Result<Vec<OsString>, ExitCode> {
    let usage = |_: WrongUsage| complain::usage(SETLOCK, SETLOCK_SYNOPSIS);
    let mut options = Options::new(args, "nNrwt:d:");
    let (mut kind, mut waits, mut limit, mut place) = (Kind::Exclusive, true, 0, None);
    while let Some(option) = options.next().map_err(usage)? {
        match option.letter {
            b'n' => waits = false,
            b'N' => waits = true,
            b'r' => kind = Kind::Shared,
            b'w' => kind = Kind::Exclusive,
            b't' => {
                limit = number::<u32>(&option.value)
                    .ok_or(WrongUsage)
                    .map_err(usage)?
                    .into();
            }
            _ => {
                place = Some(
                    number::<i32>(&option.value)
                        .ok_or(WrongUsage)
                        .map_err(usage)?,
                );
            }
        }
    }
    let rest = options.rest();
    let Some((path, words)) = rest.split_first().filter(|(_, words)| !words.is_empty()) else {
        return Err(usage(WrongUsage));
    };
    let shown = path.display();
    let file = open_lock(Path::new(path), kind).map_err(|error| {
        let what = match kind {
            Kind::Shared if error.kind() == ErrorKind::NotFound => format!("create {shown}"),
            Kind::Shared => format!("open {shown} for reading"),
            Kind::Exclusive => format!("open {shown} for writing"),
        };
        let message = format!("unable to {what}: {}", reason(&error));
        complain::fatal(SETLOCK, message, SYSTEM)
    })?;
    // Before it is locked: closing the other descriptor afterwards would drop the lock.
    let place = place.unwrap_or_else(|| file.as_raw_fd());
    let file = fds::move_to(file.into(), place).map_err(|error| {
        let message = format!("unable to move lock descriptor: {}", reason(&error));
        complain::fatal(SETLOCK, message, SYSTEM)
    })?;
    let failed = |why: &str| {
        let message = format!("unable to lock {shown}: {why}");
        complain::fatal(SETLOCK, message, FAILED)
    };
    let is_locked = if !waits {
        lock::try_lock(&file, kind)
    } else if limit == 0 {
        lock::lock(&file, kind).map(|()| true)
    } else {
        lock::lock_within(&file, kind, Duration::from_millis(limit))
    };
    match is_locked {
        Ok(true) => {}
        Ok(false) if waits => {
            let message = format!("lock {shown}: timed out");
            return Err(complain::fatal(SETLOCK, message, FAILED));
        }
        Ok(false) => return Err(failed("Device or resource busy")),
        Err(error) => return Err(failed(&reason(&error))),
    }
    // The program's from now on.
    let _ = file.into_raw_fd();
    Ok(words.to_vec())
}

fn open_lock(path: &Path, kind: Kind) -> io::Result<File> {
    let create = || {
        fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
    };
    match kind {
        Kind::Exclusive => create(),
        Kind::Shared => match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                drop(create()?);
                File::open(path)
            }
            opened => opened,
        },
    }
}

/// `s6-fghack prog...`: runs a program that goes to the background, and ends when it does.
pub(super) fn fghack(args: Vec<OsString>) -> ExitCode {
    let Some((program, words)) = args.split_first() else {
        return complain::usage(FGHACK, "s6-fghack prog...");
    };
    complain::warn(
        FGHACK,
        "this program is obsolescent: run the program in the foreground if it has an option for that",
    );
    match watch_pipe(program, words) {
        Ok(code) => code,
        Err(error) => {
            let message = format!("unable to exec {}: {}", program.display(), reason(&error));
            complain::fatal(FGHACK, message, SYSTEM)
        }
    }
}

fn watch_pipe(program: &OsStr, words: &[OsString]) -> io::Result<ExitCode> {
    let (reader, writer) = fds::pipe()?;
    let copies = (0..COPIES)
        .map(|_| fds::bequeathed(&writer))
        .collect::<io::Result<Vec<OwnedFd>>>()?;
    let mut child = Command::new(program).args(words).spawn()?;
    drop((writer, copies));
    if fds::read(&reader, &mut [0])? > 0 {
        let message = format!("{} wrote on hackpipe", program.display());
        return Ok(complain::fatal(FGHACK, message, WROTE));
    }
    Ok(match wait::Exit::from(child.wait()?) {
        wait::Exit::Code(code) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
        wait::Exit::Signal(_) => {
            complain::fatal(FGHACK, format!("{} crashed", program.display()), SYSTEM)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_numbers_or_as_much_as_there_is() {
        assert_eq!(limit(OsStr::new("=")), Some(None));
        assert_eq!(limit(OsStr::new("4096")), Some(Some(4096)));
        for wrong in ["", "==", "-1", "1k"] {
            assert_eq!(limit(OsStr::new(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn a_lock_file_is_made_whatever_lock_is_wanted() {
        let dir = tempfile::tempdir().unwrap();
        for (name, kind) in [("w", Kind::Exclusive), ("r", Kind::Shared)] {
            let path = dir.path().join(name);
            let file = open_lock(&path, kind).unwrap();
            assert!(lock::try_lock(&file, kind).unwrap());
            assert!(path.exists());
        }
        let missing = dir.path().join("no/such");
        assert!(open_lock(&missing, Kind::Shared).is_err());
    }
}
