//! `s6-log`: its options and its script (s6.md B5).

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::time::Duration;

use sixfold_daemon::logdir::Expression;
use sixfold_model::logging::Script;
use sixfold_sys::fds;

use super::clock::Clock;
use super::outputs::Outputs;
use super::session::{Session, Signals};
use crate::complain::{self, ExitCode, SYSTEM, USAGE, reason};
use crate::options::{Options, WrongUsage, number};

pub(super) const NAME: &str = "s6-log";
const SYNOPSIS: &str = "s6-log [ -d notif ] [ -q | -v ] [ -b ] [ -p ] [ -l linelimit ] [ -t lastlinetimeout ] [ -- ] logging_script";
/// The least limit of a line that is one, in bytes.
const LEAST_LIMIT: usize = 48;

/// How it was called.
pub(super) struct Call {
    notification: Option<i32>,
    is_quiet: bool,
    /// Nothing is read while something is to be written.
    pub(super) is_blocking: bool,
    /// TERM is no reason to end.
    pub(super) is_protected: bool,
    /// The longest line; 0 is without limit.
    pub(super) limit: usize,
    /// How long the end of a line is waited for at the end; `None` is as long as it takes.
    pub(super) last_line: Option<Duration>,
}

/// `s6-log [ options ] logging_script`
pub(super) fn log(args: Vec<OsString>) -> ExitCode {
    let run = read(args).and_then(|(call, words)| {
        let script = compile(&words)?;
        let warns = !call.is_quiet;
        if script.has_extraneous && warns {
            complain::warn(NAME, "ignoring extraneous non-action directives");
        }
        let notification = take(call.notification)?;
        let clock = Clock::start();
        let signals = Signals::listen().map_err(|error| fatal("listen to signals", &error))?;
        let outputs = Outputs::open(&script, clock.now(), warns)?;
        announce(notification);
        Session::new(&call, &script, outputs, signals, clock).run()
    });
    match run {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => code,
    }
}

pub(super) fn fatal(what: &str, error: &io::Error) -> ExitCode {
    complain::fatal(NAME, format!("unable to {what}: {}", reason(error)), SYSTEM)
}

fn read(args: Vec<OsString>) -> Result<(Call, Vec<OsString>), ExitCode> {
    let usage = |_: WrongUsage| complain::usage(NAME, SYNOPSIS);
    let mut options = Options::new(args, "qvbpd:l:t:");
    let mut call = Call {
        notification: None,
        is_quiet: false,
        is_blocking: false,
        is_protected: false,
        limit: 8192,
        last_line: Some(Duration::from_secs(2)),
    };
    while let Some(option) = options.next().map_err(usage)? {
        let value: Option<u32> = number(&option.value);
        let value = || value.ok_or_else(|| usage(WrongUsage));
        match option.letter {
            b'q' => call.is_quiet = true,
            b'v' => call.is_quiet = false,
            b'b' => call.is_blocking = true,
            b'p' => call.is_protected = true,
            b'd' => call.notification = Some(descriptor(NAME, value()?)?),
            b'l' => {
                let limit = usize::try_from(value()?).unwrap_or(usize::MAX);
                call.limit = if limit == 0 {
                    0
                } else {
                    limit.max(LEAST_LIMIT)
                };
            }
            _ => {
                let timeout = Duration::from_millis(value()?.into());
                call.last_line = Some(timeout).filter(|timeout| !timeout.is_zero());
            }
        }
    }
    let words = options.rest();
    if words.is_empty() {
        return Err(usage(WrongUsage));
    }
    Ok((call, words))
}

/// The number of a descriptor to announce readiness on.
pub(super) fn descriptor(name: &str, number: u32) -> Result<i32, ExitCode> {
    let number = i32::try_from(number).unwrap_or(i32::MAX);
    if number < 3 {
        let message = "notification fd must be 3 or more";
        return Err(complain::fatal(name, message, USAGE));
    }
    if fds::is_open(number) {
        Ok(number)
    } else {
        let message = "invalid notification fd: Bad file descriptor";
        Err(complain::fatal(name, message, USAGE))
    }
}

/// Takes the descriptor to announce readiness on, before another file gets its number.
fn take(number: Option<i32>) -> Result<Option<OwnedFd>, ExitCode> {
    let taken = number.map(fds::take).transpose();
    taken.map_err(|error| fatal("take the notification fd", &error))
}

/// Says that lines are taken from now on. Whoever does not listen any more does not want to know.
fn announce(notification: Option<OwnedFd>) {
    if let Some(fd) = notification {
        let _ = fds::write(&fd, b"\n");
    }
}

fn compile(words: &[OsString]) -> Result<Script<Expression>, ExitCode> {
    let words: Vec<&[u8]> = words
        .iter()
        .map(OsString::as_os_str)
        .map(OsStr::as_bytes)
        .collect();
    Script::parse(&words, Expression::new).map_err(|error| complain::fatal(NAME, error, USAGE))
}
