//! `s6-svscan` and `s6-supervise`: supervision without the boot of a container.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sixfold_daemon::{Ending, ScanOptions};
use sixfold_protocol::paths::SVSCAN;
use sixfold_sys::{fds, signals};

use crate::applets::{self, Applet};
use crate::complain::{self, ExitCode, NOT_EXECUTABLE, NOT_FOUND, SYSTEM, USAGE, reason};
use crate::options::{Options, WrongUsage, number};

/// Their table.
pub(crate) const APPLETS: &[Applet] = &[
    Applet::compatible(
        SVSCAN_NAME,
        "supervise all services of a scan directory",
        svscan,
    ),
    Applet::compatible(SUPERVISE_NAME, "supervise one service directory", supervise),
];

const SVSCAN_NAME: &str = "s6-svscan";
const SVSCAN_SYNOPSIS: &str = "s6-svscan [ -C services_max ] [ -L name_max ] [ -t timeout ] [ -d notif ] [ -X consoleholder ] scandir";
const SUPERVISE_NAME: &str = "s6-supervise";
const SUPERVISE_SYNOPSIS: &str = "s6-supervise dir";

/// `s6-svscan [ -C services_max ] [ -L name_max ] [ -t timeout ] [ -d notif ] [ -X consoleholder ]
/// scandir`: supervises what is in the scan directory, and becomes its `.s6-svscan/finish` when it
/// is told to stop. `-c`, of s6 before 2.15, is taken as `-C`, and no directory as `.`: images call
/// it so.
pub(crate) fn svscan(args: Vec<OsString>) -> ExitCode {
    let (options, dir) = match read_options(args) {
        Ok(read) => read,
        Err(code) => return code,
    };
    if let Err(error) = fds::ensure_std() {
        return system("sanitize standard fds", &error);
    }
    if let Err(error) = std::env::set_current_dir(&dir) {
        return system(&format!("chdir to {}", dir.display()), &error);
    }
    match sixfold_daemon::supervise::svscan(options) {
        Ok(Ending::Code(code)) => ExitCode::from(code),
        Ok(Ending::Finish(ignored)) => {
            if let Err(error) = signals::reset_for_exec(ignored) {
                return system("restore signals", &error);
            }
            finish()
        }
        Err(error) => {
            complain::warn(SVSCAN_NAME, format_args!("{error:#}"));
            crash()
        }
    }
}

/// `s6-supervise dir`: supervises the service in `dir`.
pub(crate) fn supervise(args: Vec<OsString>) -> ExitCode {
    let Some(dir) = args.into_iter().next() else {
        return complain::usage(SUPERVISE_NAME, SUPERVISE_SYNOPSIS);
    };
    if let Err(error) = fds::ensure_std() {
        let message = format!("unable to sanitize stdin and stdout: {}", reason(&error));
        return complain::fatal(SUPERVISE_NAME, message, SYSTEM);
    }
    match sixfold_daemon::supervise::supervise(dir, applets::names()) {
        Ok(code) => ExitCode::from(code),
        Err(error) => complain::fatal(SUPERVISE_NAME, format_args!("{error:#}"), SYSTEM),
    }
}

fn read_options(args: Vec<OsString>) -> Result<(ScanOptions, OsString), ExitCode> {
    let usage = |_: WrongUsage| complain::usage(SVSCAN_NAME, SVSCAN_SYNOPSIS);
    let mut given = Options::with_long(
        args,
        "C:c:L:t:d:X:",
        &[
            ("services-max", b'C'),
            ("name-max", b'L'),
            ("timeout", b't'),
            ("notification-fd", b'd'),
            ("console-holder", b'X'),
        ],
    );
    let mut options = ScanOptions {
        most: 1000,
        longest_name: 251,
        rescan: None,
        notification: None,
        console: None,
        applets: applets::names(),
    };
    while let Some(option) = given.next().map_err(usage)? {
        let value = option.value.as_os_str();
        match option.letter {
            b'C' | b'c' => {
                options.most = unsigned::<usize>("services_max", value)?.clamp(4, 160_000);
            }
            b'L' => options.longest_name = unsigned::<usize>("name_max", value)?.clamp(11, 1019),
            b't' => {
                let interval = Duration::from_millis(unsigned("timeout", value)?);
                options.rescan = Some(interval).filter(|interval| !interval.is_zero());
            }
            b'd' => {
                options.notification = Some(descriptor("notif", "notification fd", value)?);
            }
            _ => {
                options.console = Some(descriptor("consoleholder", "console holder fd", value)?);
            }
        }
    }
    let dir = given.rest().into_iter().next();
    Ok((options, dir.unwrap_or_else(|| ".".into())))
}

fn unsigned<T: std::str::FromStr>(name: &str, value: &OsStr) -> Result<T, ExitCode> {
    number(value).ok_or_else(|| {
        let message = format!("{name} must be an unsigned integer");
        complain::fatal(SVSCAN_NAME, message, USAGE)
    })
}

/// An inherited descriptor, which is ours from now on and no child's.
fn descriptor(name: &str, long: &str, value: &OsStr) -> Result<OwnedFd, ExitCode> {
    let number: i32 = unsigned(name, value)?;
    if number < 3 {
        let message = format!("{name} must be 3 or more");
        return Err(complain::fatal(SVSCAN_NAME, message, USAGE));
    }
    fds::take(number).map_err(|error| {
        let message = format!("invalid {long}: {}", reason(&error));
        complain::fatal(SVSCAN_NAME, message, USAGE)
    })
}

/// Becomes `.s6-svscan/finish`, if there is one.
fn finish() -> ExitCode {
    let program = Path::new(SVSCAN).join("finish");
    let error = Command::new(&program).exec();
    if error.kind() == std::io::ErrorKind::NotFound && !program.exists() {
        return ExitCode::SUCCESS;
    }
    complain::warn(
        SVSCAN_NAME,
        format_args!(
            "unable to exec finish script {}: {}",
            program.display(),
            reason(&error)
        ),
    );
    crash()
}

/// Becomes `.s6-svscan/crash`.
fn crash() -> ExitCode {
    let program = Path::new(SVSCAN).join("crash");
    let shown = program.display();
    complain::warn(SVSCAN_NAME, format_args!("executing into {shown}"));
    let error = Command::new(&program).exec();
    let is_missing = error.kind() == std::io::ErrorKind::NotFound;
    let code = if is_missing {
        NOT_FOUND
    } else {
        NOT_EXECUTABLE
    };
    let message = format!("unable to exec {shown}: {}", reason(&error));
    complain::fatal(SVSCAN_NAME, message, code)
}

fn system(what: &str, error: &std::io::Error) -> ExitCode {
    let message = format!("unable to {what}: {}", reason(error));
    complain::fatal(SVSCAN_NAME, message, SYSTEM)
}
