//! `s6-rc-init`: asks the supervisor of a scan directory to take charge of the services of a compiled
//! database, and to make a live directory for them.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sixfold_protocol::live::{Outcome, Reply, Request};
use sixfold_protocol::paths::{RC, RC_COMPILED, RC_SCANDIR, SCAN_CONTROL, SCAN_LOCK};
use sixfold_protocol::scan_control::LISTEN;
use sixfold_sys::poll::{self, Deadline};
use sixfold_sys::{fifo, lock};

use super::files;
use super::live::{Heard, Live};
use super::telling::{self, WARNINGS};
use crate::complain::{self, ExitCode, SYSTEM, USAGE, reason};
use crate::options::{Options, WrongUsage, number};

pub(super) const NAME: &str = "s6-rc-init";
const SYNOPSIS: &str =
    "s6-rc-init [ -c bootdb ] [ -l livedir ] [ -p prefix ] [ -t timeout ] [ -d ] [ -b ] scandir";
const LONG: &[(&str, u8)] = &[
    ("bootdb", b'c'),
    ("livedir", b'l'),
    ("prefix", b'p'),
    ("timeout", b't'),
    ("dereference", b'd'),
    ("no-dereference", b'D'),
    ("block", b'b'),
    ("no-block", b'B'),
];
/// The database unless another is named, and the one that s6-rc took before version 0.6.
const BOOTDB: [&str; 2] = ["/etc/s6-rc/compiled/current", "/etc/s6-rc/compiled"];
/// In a live directory, what is put before the names in the scan directory.
const PREFIX: &str = "prefix";
/// How long a supervisor may take to listen.
const WAKING: Duration = Duration::from_secs(2);
/// How often it is looked at meanwhile.
const GLANCE: Duration = Duration::from_millis(2);
/// The live directory is another one's.
const MISMATCH: u8 = 102;

/// What the command line says.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    compiled: PathBuf,
    live: PathBuf,
    prefix: String,
    timeout: u32,
    scandir: PathBuf,
}

/// The command.
pub(super) fn init(args: Vec<OsString>) -> ExitCode {
    let begun = read_order(args).and_then(|order| begin(&order));
    begun.unwrap_or_else(|code| code)
}

fn read_order(args: Vec<OsString>) -> Result<Order, ExitCode> {
    let usage = |_: WrongUsage| complain::usage(NAME, SYNOPSIS);
    let wrong = |message: &str| complain::fatal(NAME, message, USAGE);
    let mut options = Options::with_long(args, "c:l:p:t:dDbB", LONG);
    let (mut compiled, mut live) = (None, PathBuf::from(RC));
    let (mut prefix, mut timeout, mut is_resolved) = (OsString::new(), 0, false);
    while let Some(option) = options.next().map_err(usage)? {
        match option.letter {
            b'c' => compiled = Some(PathBuf::from(option.value)),
            b'l' => live = option.value.into(),
            b'p' => prefix = option.value,
            b't' => {
                let message = "timeout must be an unsigned integer";
                timeout = number(&option.value).ok_or_else(|| wrong(message))?;
            }
            b'd' => is_resolved = true,
            b'D' => is_resolved = false,
            // A database is not locked (-b).
            _ => {}
        }
    }
    let mut rest = options.rest().into_iter();
    let scandir = rest
        .next()
        .map(PathBuf::from)
        .ok_or(WrongUsage)
        .map_err(usage)?;
    if !scandir.is_absolute() {
        return Err(wrong("scandir must be an absolute path"));
    }
    if !live.is_absolute() {
        return Err(wrong("livedir must be an absolute path"));
    }
    let compiled = compiled.unwrap_or_else(|| {
        let mut usual = BOOTDB.iter().map(PathBuf::from);
        let found = usual.clone().find(|dir| dir.exists());
        found.or_else(|| usual.next()).unwrap_or_default()
    });
    let compiled = if is_resolved {
        fs::canonicalize(&compiled).map_err(|error| {
            let message = format!(
                "unable to realpath {}: {}",
                compiled.display(),
                reason(&error)
            );
            complain::fatal(NAME, message, SYSTEM)
        })?
    } else {
        compiled
    };
    if !compiled.is_absolute() {
        return Err(wrong("bootdb must be an absolute path"));
    }
    let prefix = prefix.into_string().ok();
    let prefix = prefix.filter(|prefix| !prefix.contains(['/', '\n']));
    let prefix = prefix.ok_or_else(|| wrong("prefix cannot contain a / or a newline"))?;
    Ok(Order {
        compiled,
        live: without_slashes(&live),
        prefix,
        timeout,
        scandir,
    })
}

/// A path without slashes at its end: the name of a link that may be made there.
pub(super) fn without_slashes(path: &Path) -> PathBuf {
    let mut bytes = path.as_os_str().as_bytes();
    while let [rest @ .., b'/'] = bytes {
        bytes = rest;
    }
    PathBuf::from(OsStr::from_bytes(bytes))
}

fn begin(order: &Order) -> Result<ExitCode, ExitCode> {
    if order.live.as_os_str().is_empty() {
        let message = "unable to canonicalize livedir: Invalid argument";
        return Err(complain::fatal(NAME, message, SYSTEM));
    }
    let mut supervisor = connect(&order.scandir)?;
    if is_running(order)? {
        let live = order.live.display();
        complain::info(NAME, format_args!("s6-rc already running on {live}"));
        return Ok(ExitCode::SUCCESS);
    }
    // What is wrong with it is told here, in the words of the other commands.
    files::read(NAME, &order.compiled)?;
    let failed = |why: &str| {
        let live = order.live.display();
        let message = format!("unable to supervise service directories in {live}/servicedirs{why}");
        complain::fatal(NAME, message, SYSTEM)
    };
    let broken = |error| complain::fatal(NAME, error, SYSTEM);
    let limit = Some(Duration::from_millis(order.timeout.into())).filter(|it| !it.is_zero());
    let deadline = Deadline::after(limit);
    let request = Request::Init {
        live: order.live.clone(),
        compiled: order.compiled.clone(),
        prefix: order.prefix.clone(),
    };
    supervisor.ask(&request, false).map_err(broken)?;
    loop {
        match supervisor.hear(None, deadline).map_err(broken)? {
            Heard::Reply(Reply::Ended { outcome }) => match outcome {
                Outcome::Done => return Ok(ExitCode::SUCCESS),
                Outcome::Failed => return Err(failed("")),
                Outcome::TimedOut => return Err(failed(": Connection timed out")),
                Outcome::Busy | Outcome::Unknown { .. } | Outcome::Refused { .. } => {
                    let (message, _) = telling::verdict(&outcome, &order.live);
                    let message = message.unwrap_or_default();
                    return Err(complain::fatal(NAME, message, SYSTEM));
                }
            },
            Heard::Reply(reply) => {
                if let Some(line) = telling::line(&reply, WARNINGS) {
                    line.print();
                }
            }
            Heard::Other => {}
            Heard::TimedOut => {
                // Who does not wait for it has no use for it.
                let _ = supervisor.ask(&Request::Abort, false);
                return Err(failed(": Connection timed out"));
            }
        }
    }
}

/// Connects to the supervisor of a scan directory, and tells why that cannot be done.
fn connect(scandir: &Path) -> Result<Live, ExitCode> {
    let shown = scandir.display();
    let unchecked = |error: &io::Error| {
        let message = format!("unable to check {shown}: {}", reason(error));
        complain::fatal(NAME, message, SYSTEM)
    };
    fs::read_dir(scandir).map_err(|error| unchecked(&error))?;
    let connected = Live::connect_scandir(scandir).or_else(|error| {
        if is_supervised(scandir) {
            wake(scandir).unwrap_or(Err(error))
        } else {
            Err(error)
        }
    });
    connected.map_err(|error| {
        let absent = [ErrorKind::NotFound, ErrorKind::ConnectionRefused];
        if !absent.contains(&error.kind()) {
            unchecked(&error)
        } else if is_supervised(scandir) {
            let message = format!(
                "the s6-svscan that runs on {shown} is not Sixfold's (start s6-svscan of Sixfold in its place)"
            );
            complain::fatal(NAME, message, SYSTEM)
        } else {
            let message = format!("s6-svscan is not running on {shown}");
            complain::fatal(NAME, message, USAGE)
        }
    })
}

fn is_supervised(scandir: &Path) -> bool {
    lock::is_locked(&scandir.join(SCAN_LOCK)).unwrap_or(false)
}

/// Asks the supervisor of a scan directory to listen to requests, as it does when it is asked, and waits
/// for it; nothing, if it cannot be asked.
fn wake(scandir: &Path) -> Option<io::Result<Live>> {
    fifo::write_control(&scandir.join(SCAN_CONTROL), &[LISTEN]).ok()?;
    let deadline = Deadline::after(Some(WAKING));
    loop {
        let connected = Live::connect_scandir(scandir);
        if connected.is_ok() || deadline.left().is_none_or(|left| left.is_zero()) {
            return Some(connected);
        }
        // Nothing tells of it but that it works.
        let _ = poll::wait_readable(&[], Deadline::after(Some(GLANCE)));
    }
}

/// Whether the live directory is there and served already, and is the one that was asked for.
fn is_running(order: &Order) -> Result<bool, ExitCode> {
    let live = &order.live;
    if !live.exists() {
        return Ok(false);
    }
    let shown = live.display();
    if Live::connect(live).is_err() {
        let message =
            format!("directory {shown} looks like a live directory but has no supervisors running");
        complain::warn(NAME, message);
        return Ok(false);
    }
    let mismatch = |message: String| complain::fatal(NAME, message, MISMATCH);
    let (scandir, compiled) = (live.join(RC_SCANDIR), live.join(RC_COMPILED));
    if !is_same(&scandir, &order.scandir) {
        let found = resolved(&scandir);
        return Err(mismatch(format!(
            "existing livedir at {shown} uses scandir at {} rather than {}",
            found.display(),
            order.scandir.display()
        )));
    }
    if fs::read(live.join(PREFIX)).unwrap_or_default() != order.prefix.as_bytes() {
        return Err(mismatch(format!(
            "prefix mismatch with the existing livedir at {shown}"
        )));
    }
    if !is_same(&compiled, &order.compiled) {
        let found = resolved(&compiled);
        return Err(mismatch(format!(
            "existing livedir at {shown} uses bootdb at {} rather than {}",
            found.display(),
            order.compiled.display()
        )));
    }
    Ok(true)
}

fn is_same(one: &Path, other: &Path) -> bool {
    resolved(one) == resolved(other)
}

fn resolved(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(words: &str) -> Result<Order, u8> {
        let args = words.split_whitespace().map(OsString::from).collect();
        read_order(args).map_err(ExitCode::number)
    }

    #[test]
    fn options_and_their_defaults() {
        let plain = order("/scan").unwrap();
        assert_eq!(plain.live, PathBuf::from("/run/s6-rc"));
        assert_eq!((plain.prefix.as_str(), plain.timeout), ("", 0));
        for words in [
            "-c /db -l /live// -p x- -t 500 -b /scan more",
            "--bootdb=/db --livedir /live --prefix=x- --timeout=500 --block /scan",
        ] {
            let order = order(words).unwrap();
            assert_eq!(order.compiled, PathBuf::from("/db"));
            assert_eq!(order.live, PathBuf::from("/live"));
            assert_eq!(order.scandir, PathBuf::from("/scan"));
            assert_eq!((order.prefix.as_str(), order.timeout), ("x-", 500));
        }
        assert_eq!(
            order("-d -c /dev/.. /scan").unwrap().compiled,
            PathBuf::from("/")
        );
    }

    #[test]
    fn wrong_usage_is_refused() {
        for (words, code) in [
            ("", USAGE),
            ("-x /scan", USAGE),
            ("scan", USAGE),
            ("-l live /scan", USAGE),
            ("-c db /scan", USAGE),
            ("-p a/b /scan", USAGE),
            ("-t soon /scan", USAGE),
            ("-d -c /nonexistent /scan", SYSTEM),
        ] {
            assert_eq!(order(words), Err(code), "{words}");
        }
    }

    #[test]
    fn slashes_at_the_end_do_not_count() {
        for (path, expected) in [("/a/", "/a"), ("/a/b//", "/a/b"), ("//", ""), ("a", "a")] {
            assert_eq!(without_slashes(Path::new(path)), PathBuf::from(expected));
        }
    }
}
