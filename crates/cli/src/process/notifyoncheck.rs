//! `s6-notifyoncheck`: readiness for programs that do not announce it themselves, by asking again
//! and again whether they work (s6-notifyoncheck(1)).
//!
//! The program gets this process; who asks is a child of it, or with `-d` nobody's, and ends with the
//! answer, with the program, or when it has asked often enough.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use sixfold_protocol::paths;
use sixfold_protocol::service_control::event;
use sixfold_sys::fifodir::Listener;
use sixfold_sys::fork::{self, Side};
use sixfold_sys::poll::{self, Deadline};
use sixfold_sys::signals::SignalFd;
use sixfold_sys::{fds, lock, signals, spawn};

use crate::complain::{self, ExitCode, SYSTEM, USAGE, reason};
use crate::exec;
use crate::execline::EXECLINEB;
use crate::options::{Options, WrongUsage, number};

pub(super) const NAME: &str = "s6-notifyoncheck";
const CHILD: &str = "s6-notifyoncheck (child)";
const SYNOPSIS: &str = "s6-notifyoncheck [ -d ] [ -3 fd ] [ -s initialsleep ] [ -T globaltimeout ] [ -t localtimeout ] [ -w waitingtime ] [ -n tries ] [ -c \"checkprog...\" ] prog...";
/// A process of ours ended, or was stopped.
const SIGCHLD: i32 = 17;
const SIGTERM: i32 = 15;
/// The child's exit codes: asked often enough; the program died; it took too long.
const NEVER: u8 = 1;
const DIED: u8 = 2;
const TOO_LONG: u8 = 3;

/// What the command was called with.
struct Call {
    apart: bool,
    notification: Option<i32>,
    first: Duration,
    between: Duration,
    each: Option<Duration>,
    all: Option<Duration>,
    /// Without a number, there is no end.
    tries: Option<u32>,
    check: Vec<OsString>,
    program: Vec<OsString>,
}

/// `s6-notifyoncheck [ options ] prog...`
pub(super) fn notifyoncheck(args: Vec<OsString>) -> ExitCode {
    let prepared = read(args).and_then(|call| prepare(&call).map(|(fd, ear)| (call, fd, ear)));
    let (call, fd, ear) = match prepared {
        Ok(prepared) => prepared,
        Err(code) => return code,
    };
    let forked = if call.apart {
        fork::fork_apart()
    } else {
        fork::fork()
    };
    match forked {
        Ok(Side::Parent(_)) => {
            // The announcement is the other's to make; and the FIFO is his to remove.
            drop(fd);
            std::mem::forget(ear);
            exec::words(NAME, &call.program)
        }
        Ok(Side::Child) => ExitCode::from(ask(&call, &fd, &ear)),
        Err(error) => fatal("fork", &error),
    }
}

fn fatal(what: &str, error: &io::Error) -> ExitCode {
    complain::fatal(NAME, format!("unable to {what}: {}", reason(error)), SYSTEM)
}

fn read(args: Vec<OsString>) -> Result<Call, ExitCode> {
    let usage = |_: WrongUsage| complain::usage(NAME, SYNOPSIS);
    let mut options = Options::with_long(
        args,
        "d3:s:T:t:w:n:c:",
        &[
            ("doublefork", b'd'),
            ("notification-fd", b'3'),
            ("initial-sleep", b's'),
            ("global-timeout", b'T'),
            ("local-timeout", b't'),
            ("waiting-time", b'w'),
            ("tries", b'n'),
            ("check-program", b'c'),
        ],
    );
    let mut call = Call {
        apart: false,
        notification: None,
        first: Duration::from_millis(10),
        between: Duration::from_secs(1),
        each: None,
        all: None,
        tries: Some(7),
        check: vec!["./data/check".into()],
        program: Vec::new(),
    };
    while let Some(option) = options.next().map_err(usage)? {
        let value = option.value.as_os_str();
        let limit = |duration: Duration| Some(duration).filter(|it| !it.is_zero());
        match option.letter {
            b'd' => call.apart = true,
            b'3' => call.notification = Some(unsigned("notification-fd", value)?),
            b's' => call.first = millis("initial-sleep", value)?,
            b'T' => call.all = limit(millis("global-timeout", value)?),
            b't' => call.each = limit(millis("local-timeout", value)?),
            b'w' => call.between = millis("waiting-time", value)?,
            b'n' => call.tries = Some(unsigned("tries", value)?).filter(|tries| *tries > 0),
            // Our own interpreter, whatever the PATH leads to.
            _ => {
                call.check = ["/proc/self/exe", EXECLINEB, "-Pc"]
                    .map(Into::into)
                    .to_vec();
                call.check.push(option.value);
            }
        }
    }
    call.program = options.rest();
    if call.program.is_empty() {
        return Err(usage(WrongUsage));
    }
    Ok(call)
}

fn unsigned<T: std::str::FromStr>(what: &str, value: &OsStr) -> Result<T, ExitCode> {
    number(value).ok_or_else(|| {
        let message = format!("{what} must be an unsigned integer");
        complain::fatal(NAME, message, USAGE)
    })
}

fn millis(what: &str, value: &OsStr) -> Result<Duration, ExitCode> {
    unsigned(what, value).map(Duration::from_millis)
}

/// Finds out where to announce, and listens for the program's death before it can happen.
fn prepare(call: &Call) -> Result<(OwnedFd, Listener), ExitCode> {
    let fd = match call.notification {
        Some(fd) => fd,
        None => {
            let content = fs::read_to_string("notification-fd")
                .map_err(|error| fatal("read ./notification-fd", &error))?;
            let line = content.lines().next().unwrap_or_default();
            number(OsStr::new(line))
                .ok_or_else(|| complain::fatal(NAME, "invalid ./notification-fd", USAGE))?
        }
    };
    let failed = |error: &io::Error| {
        let message = format!("notification-fd sanity check failed: {}", reason(error));
        complain::fatal(NAME, message, SYSTEM)
    };
    if !fds::is_open(fd) {
        return Err(failed(&io::Error::from_raw_os_error(EBADF)));
    }
    match lock::is_locked(Path::new(paths::LOCK)) {
        Ok(true) => {}
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(fatal("sanity-check current service directory", &error));
        }
        Ok(false) | Err(_) => {
            return Err(complain::fatal(NAME, "s6-supervise not running.", USAGE));
        }
    }
    // The one that the program would inherit is closed: only who asks can announce.
    let fd = if fd < 3 {
        fds::duplicate(fd)
    } else {
        fds::take(fd)
    }
    .map_err(|error| failed(&error))?;
    let ear = Listener::subscribe(Path::new(paths::EVENT))
        .map_err(|error| fatal("subscribe to event fifodir", &error))?;
    Ok((fd, ear))
}

/// Bad file descriptor.
const EBADF: i32 = 9;

/// Asks until there is an answer; the exit code says which.
fn ask(call: &Call, announce: &OwnedFd, ear: &Listener) -> u8 {
    match try_to_ask(call, announce, ear) {
        Ok(code) => code,
        Err(error) => {
            let message = format!("unable to wait: {}", reason(&error));
            complain::warn(CHILD, message);
            SYSTEM
        }
    }
}

fn try_to_ask(call: &Call, announce: &OwnedFd, ear: &Listener) -> io::Result<u8> {
    // Only listened for here; no check gets the mask.
    signals::block(&[SIGCHLD])?;
    let ends = SignalFd::new(&[SIGCHLD])?;
    let all = Deadline::after(call.all);
    let mut pause = call.first;
    let mut tries = call.tries;
    while tries != Some(0) {
        tries = tries.map(|tries| tries - 1);
        if died_within(ear, sooner(pause, all))? {
            return Ok(DIED);
        }
        if all.left().is_some_and(|left| left.is_zero()) {
            return Ok(TOO_LONG);
        }
        pause = call.between;
        let Some(mut check) = start(&call.check) else {
            continue;
        };
        match outcome(&mut check, call, all, ear, &ends)? {
            Outcome::Works => {
                // If nobody reads it any more, nobody wants to know.
                let _ = fds::write(announce, b"\n");
                return Ok(0);
            }
            Outcome::Fails => {}
            Outcome::Died => return Ok(DIED),
            Outcome::TooLong => return Ok(TOO_LONG),
        }
    }
    Ok(NEVER)
}

fn start(check: &[OsString]) -> Option<Child> {
    let (program, args) = check.split_first()?;
    let mut command = Command::new(program);
    command.args(args);
    spawn::with_empty_mask(&mut command);
    command
        .spawn()
        .inspect_err(|error| {
            let message = format!("unable to spawn {}: {}", program.display(), reason(error));
            complain::warn(CHILD, message);
        })
        .ok()
}

/// What came of one check.
enum Outcome {
    Works,
    Fails,
    Died,
    TooLong,
}

fn outcome(
    check: &mut Child,
    call: &Call,
    all: Deadline,
    ear: &Listener,
    ends: &SignalFd,
) -> io::Result<Outcome> {
    let deadline = call.each.map_or(all, |each| sooner(each, all));
    let pid = i32::try_from(check.id()).unwrap_or_default();
    loop {
        if let Some(status) = check.try_wait()? {
            return Ok(if status.success() {
                Outcome::Works
            } else {
                Outcome::Fails
            });
        }
        let ready = poll::wait_readable(&[ear.as_fd(), ends.as_fd()], deadline)?;
        while ends.read()?.is_some() {}
        if ear.heard()?.contains(&event::DOWN) {
            // It may just have ended.
            let _ = signals::send(pid, SIGTERM);
            return Ok(Outcome::Died);
        }
        if !ready.contains(&true) {
            if all.left().is_some_and(|left| left.is_zero()) {
                let _ = signals::send(pid, SIGTERM);
                return Ok(Outcome::TooLong);
            }
            // Left to itself, as s6-notifyoncheck does; its answer comes too late.
            return Ok(Outcome::Fails);
        }
    }
}

/// Whether the program died before `deadline`.
fn died_within(ear: &Listener, deadline: Deadline) -> io::Result<bool> {
    loop {
        let ready = poll::wait_readable(&[ear.as_fd()], deadline)?;
        if ear.heard()?.contains(&event::DOWN) {
            return Ok(true);
        }
        if !ready.contains(&true) {
            return Ok(false);
        }
    }
}

/// What comes first: `wait` from now, or `all`.
fn sooner(wait: Duration, all: Deadline) -> Deadline {
    let wait = all.left().map_or(wait, |left| left.min(wait));
    Deadline::after(Some(wait))
}
