//! The commands for fifodirs: `s6-mkfifodir`, `s6-cleanfifodir`, and `s6-ftrig-notify`,
//! `s6-ftrig-wait`, `s6-ftrig-listen1`, `s6-ftrig-listen`.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sixfold_sys::fifodir::{self, Listener};
use sixfold_sys::poll::{self, Deadline};
use sixfold_sys::regex::{Kind, Regex};

use super::{block, timeout};
use crate::complain::{self, ExitCode, FAILED, SYSTEM, TIMED_OUT, USAGE, reason};
use crate::options::{Options, WrongUsage, number};

pub(super) const MKFIFODIR: &str = "s6-mkfifodir";
const MKFIFODIR_SYNOPSIS: &str = "s6-mkfifodir [ -f ] [ -g gid ] fifodir";
pub(super) const CLEANFIFODIR: &str = "s6-cleanfifodir";
pub(super) const NOTIFY: &str = "s6-ftrig-notify";
pub(super) const WAIT: &str = "s6-ftrig-wait";
const WAIT_SYNOPSIS: &str = "s6-ftrig-wait [ -t timeout ] fifodir regexp";
pub(super) const LISTEN1: &str = "s6-ftrig-listen1";
const LISTEN1_SYNOPSIS: &str = "s6-ftrig-listen1 [ -t timeout ] fifodir regexp prog...";
pub(super) const LISTEN: &str = "s6-ftrig-listen";
const LISTEN_SYNOPSIS: &str =
    "s6-ftrig-listen [ -a | -o ] [ -t timeout ] fifodir1 regexp1 ... \"\" prog...";

/// `s6-mkfifodir [ -f ] [ -g gid ] fifodir`
pub(super) fn mkfifodir(args: Vec<OsString>) -> ExitCode {
    let usage = |_: WrongUsage| complain::usage(MKFIFODIR, MKFIFODIR_SYNOPSIS);
    let read = || -> Result<_, WrongUsage> {
        let mut options = Options::new(args, "fg:");
        let (mut force, mut gid) = (false, None);
        while let Some(option) = options.next()? {
            match option.letter {
                b'f' => force = true,
                _ => gid = Some(number(&option.value).ok_or(WrongUsage)?),
            }
        }
        let dir = options.rest().into_iter().next().ok_or(WrongUsage)?;
        Ok((dir, gid, force))
    };
    let (dir, gid, force) = match read() {
        Ok(read) => read,
        Err(wrong) => return usage(wrong),
    };
    outcome(
        MKFIFODIR,
        fifodir::make(Path::new(&dir), gid, force),
        "create fifodir at",
        &dir,
    )
}

/// `s6-cleanfifodir fifodir`
pub(super) fn cleanfifodir(args: Vec<OsString>) -> ExitCode {
    let Some(dir) = args.first() else {
        return complain::usage(CLEANFIFODIR, "s6-cleanfifodir fifodir");
    };
    let cleaned = fifodir::clean(Path::new(dir));
    outcome(CLEANFIFODIR, cleaned, "clean up fifodir at", dir)
}

/// `s6-ftrig-notify fifodir message`
pub(super) fn notify(args: Vec<OsString>) -> ExitCode {
    let (Some(dir), Some(message)) = (args.first(), args.get(1)) else {
        return complain::usage(NOTIFY, "s6-ftrig-notify fifodir message");
    };
    let told = fifodir::notify(Path::new(dir), message.as_encoded_bytes());
    outcome(NOTIFY, told.map(drop), "notify", dir)
}

fn outcome(name: &str, result: io::Result<()>, what: &str, dir: &OsStr) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let message = format!("unable to {what} {}: {}", dir.display(), reason(&error));
            complain::fatal(name, message, SYSTEM)
        }
    }
}

/// Something that is listened for in one fifodir.
struct Ear {
    listener: Listener,
    regex: Regex,
    /// Everything heard so far.
    heard: Vec<u8>,
}

impl Ear {
    fn new(name: &str, dir: &OsStr, expression: &OsStr) -> Result<Self, ExitCode> {
        let failed = |why: &str| {
            let message = format!(
                "unable to subscribe to {} with regexp {}: {why}",
                dir.display(),
                expression.display()
            );
            complain::fatal(name, message, SYSTEM)
        };
        let regex = Regex::new(expression.as_encoded_bytes(), Kind::default())
            .map_err(|why| failed(&why))?;
        let listener =
            Listener::subscribe(Path::new(dir)).map_err(|error| failed(&reason(&error)))?;
        Ok(Self {
            listener,
            regex,
            heard: Vec::new(),
        })
    }

    /// Takes in what was told, byte by byte, up to where it matches.
    fn hear(&mut self) -> io::Result<bool> {
        for byte in self.listener.heard()? {
            self.heard.push(byte);
            if self.regex.is_match(&self.heard) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn print(&self, name: &str) -> ExitCode {
        let mut line = self.heard.clone();
        line.push(b'\n');
        match io::stdout().write_all(&line) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let message = format!("unable to write to stdout: {}", reason(&error));
                complain::fatal(name, message, SYSTEM)
            }
        }
    }
}

/// Waits until all have heard what they listen for, or one of them with `any`; whether that was in
/// time.
fn wait(name: &str, ears: &mut [Ear], any: bool, deadline: Deadline) -> Result<bool, ExitCode> {
    let failed = |error: &io::Error| {
        complain::fatal(
            name,
            format_args!("unable to listen: {}", reason(error)),
            SYSTEM,
        )
    };
    let mut silent: Vec<&mut Ear> = ears.iter_mut().collect();
    while !silent.is_empty() {
        let fds: Vec<_> = silent.iter().map(|ear| ear.listener.as_fd()).collect();
        let ready = poll::wait_readable(&fds, deadline).map_err(|error| failed(&error))?;
        if !ready.contains(&true) {
            return Ok(false);
        }
        let mut rest = Vec::new();
        for ear in silent {
            if !ear.hear().map_err(|error| failed(&error))? {
                rest.push(ear);
            } else if any {
                return Ok(true);
            }
        }
        silent = rest;
    }
    Ok(true)
}

/// The options of those that listen: whether one of many is enough, and how long.
fn read(
    name: &str,
    args: Vec<OsString>,
    letters: &'static str,
    synopsis: &str,
) -> Result<(bool, Option<Duration>, Vec<OsString>), ExitCode> {
    let usage = |_: WrongUsage| complain::usage(name, synopsis);
    let long = &[("timeout", b't'), ("and", b'a'), ("or", b'o')];
    let mut options = Options::with_long(args, letters, long);
    let (mut any, mut limit) = (false, None);
    while let Some(option) = options.next().map_err(usage)? {
        match option.letter {
            b'a' => any = false,
            b'o' => any = true,
            _ => {
                limit = timeout(&option.value).ok_or_else(|| {
                    complain::fatal(name, "timeout must be an unsigned integer", USAGE)
                })?;
            }
        }
    }
    Ok((any, limit, options.rest()))
}

fn spawn(name: &str, program: &[OsString]) -> Result<(), ExitCode> {
    let Some((program, args)) = program.split_first() else {
        return Ok(());
    };
    let spawned = Command::new(program).args(args).spawn();
    spawned.map(drop).map_err(|error| {
        let message = format!("unable to spawn {}: {}", program.display(), reason(&error));
        complain::fatal(name, message, SYSTEM)
    })
}

fn too_late(name: &str) -> ExitCode {
    let message = "unable to get expected event: Connection timed out";
    complain::fatal(name, message, FAILED)
}

/// `s6-ftrig-wait [ -t timeout ] fifodir regexp`: prints what was told until it matched.
pub(super) fn ftrig_wait(args: Vec<OsString>) -> ExitCode {
    let waited = read(WAIT, args, "t:", WAIT_SYNOPSIS).and_then(|(_, limit, rest)| {
        let [dir, regex, ..] = rest.as_slice() else {
            return Err(complain::usage(WAIT, WAIT_SYNOPSIS));
        };
        let deadline = Deadline::after(limit);
        let mut ears = [Ear::new(WAIT, dir, regex)?];
        if !wait(WAIT, &mut ears, true, deadline)? {
            let message = format!(
                "unable to match regexp on {}: Connection timed out",
                regex.display()
            );
            return Err(complain::fatal(WAIT, message, TIMED_OUT));
        }
        let [ear] = ears;
        Ok(ear.print(WAIT))
    });
    waited.unwrap_or_else(|code| code)
}

/// `s6-ftrig-listen1 [ -t timeout ] fifodir regexp prog...`: listens first and starts the program
/// then; prints what was told until it matched.
pub(super) fn ftrig_listen1(args: Vec<OsString>) -> ExitCode {
    let waited = read(LISTEN1, args, "t:", LISTEN1_SYNOPSIS).and_then(|(_, limit, rest)| {
        let [dir, regex, program @ ..] = rest.as_slice() else {
            return Err(complain::usage(LISTEN1, LISTEN1_SYNOPSIS));
        };
        if program.is_empty() {
            return Err(complain::usage(LISTEN1, LISTEN1_SYNOPSIS));
        }
        let deadline = Deadline::after(limit);
        let mut ears = [Ear::new(LISTEN1, dir, regex)?];
        spawn(LISTEN1, program)?;
        if !wait(LISTEN1, &mut ears, true, deadline)? {
            return Err(too_late(LISTEN1));
        }
        let [ear] = ears;
        Ok(ear.print(LISTEN1))
    });
    waited.unwrap_or_else(|code| code)
}

/// `s6-ftrig-listen [ -a | -o ] [ -t timeout ] { fifodir regexp ... } prog...`
pub(super) fn ftrig_listen(args: Vec<OsString>) -> ExitCode {
    let usage = || complain::usage(LISTEN, LISTEN_SYNOPSIS);
    let waited = read(LISTEN, args, "aot:", LISTEN_SYNOPSIS).and_then(|(any, limit, rest)| {
        let Some((pairs, program)) = block(rest) else {
            let message = "unterminated fifodir+regex block (end it with an empty word)";
            return Err(complain::fatal(LISTEN, message, USAGE));
        };
        let (pairs, odd) = pairs.as_chunks::<2>();
        if pairs.is_empty() || !odd.is_empty() || program.is_empty() {
            return Err(usage());
        }
        let deadline = Deadline::after(limit);
        let mut ears = pairs
            .iter()
            .map(|[dir, regex]| Ear::new(LISTEN, dir, regex))
            .collect::<Result<Vec<_>, _>>()?;
        spawn(LISTEN, &program)?;
        if wait(LISTEN, &mut ears, any, deadline)? {
            Ok(ExitCode::SUCCESS)
        } else {
            Err(too_late(LISTEN))
        }
    });
    waited.unwrap_or_else(|code| code)
}
