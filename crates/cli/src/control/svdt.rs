//! `s6-svok`, `s6-svdt` and `s6-svdt-clear`: is it supervised, and how did it die.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::Path;

use sixfold_protocol::{death_tally, paths};
use sixfold_sys::directory::Directory;

use super::service;
use super::svstat::signal_name;
use crate::complain::{self, ExitCode, FAILED, SYSTEM, reason};
use crate::options::{Options, WrongUsage, number};

pub(super) const SVOK: &str = "s6-svok";
pub(super) const SVDT: &str = "s6-svdt";
const SVDT_SYNOPSIS: &str = "s6-svdt [ -S | -s ] [ -n maxentries ] servicedir";
pub(super) const SVDT_CLEAR: &str = "s6-svdt-clear";
/// More than 4096 deaths.
const LIMIT: u64 = 1 << 17;

/// `s6-svok servicedir`: 0 if the service has a supervisor, 1 if not.
pub(super) fn svok(args: Vec<OsString>) -> ExitCode {
    let Some(dir) = args.first().map(Path::new) else {
        return complain::usage(SVOK, "s6-svok servicedir");
    };
    match service::is_supervised(dir) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        Err(error) => {
            let message = format!("unable to check {}: {}", dir.display(), reason(&error));
            complain::fatal(SVOK, message, SYSTEM)
        }
    }
}

/// `s6-svdt [ -S | -s ] [ -n maxrecords ] servicedir`: prints the deaths that are remembered, the
/// newest last.
pub(super) fn svdt(args: Vec<OsString>) -> ExitCode {
    match lines(args) {
        Ok(lines) => {
            lines.iter().for_each(complain::say);
            ExitCode::SUCCESS
        }
        Err(code) => code,
    }
}

fn lines(args: Vec<OsString>) -> Result<Vec<String>, ExitCode> {
    let usage = |_: WrongUsage| complain::usage(SVDT, SVDT_SYNOPSIS);
    let mut options = Options::new(args, "Ssn:");
    let (mut is_numeric, mut most) = (false, u32::MAX);
    while let Some(option) = options.next().map_err(usage)? {
        match option.letter {
            b'S' => is_numeric = false,
            b's' => is_numeric = true,
            _ => most = number(&option.value).ok_or(WrongUsage).map_err(usage)?,
        }
    }
    let rest = options.rest();
    let dir = rest.first().ok_or(WrongUsage).map_err(usage)?;
    let deaths = deaths(Path::new(dir)).map_err(|error| {
        let message = format!(
            "unable to read death tally for service {}: {}",
            dir.display(),
            reason(&error)
        );
        complain::fatal(SVDT, message, SYSTEM)
    })?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let skipped = deaths.len().saturating_sub(most);
    let line = |death: &death_tally::Death| {
        let end = match (death.signal, is_numeric) {
            (0, _) => format!("exitcode {}", death.code),
            (signal, true) => format!("signal {signal}"),
            (signal, false) => format!("signal {}", signal_name(signal)),
        };
        format!("@{} {end}", death.at.label())
    };
    Ok(deaths.iter().skip(skipped).map(line).collect())
}

/// The deaths of the service in `dir`. There are none where no tally was begun; one whose size is
/// wrong tells nothing, and is begun anew so that the next deaths can be told.
fn deaths(dir: &Path) -> io::Result<Vec<death_tally::Death>> {
    let dir = Directory::open(dir)?;
    let content = match dir.read(paths::DEATH_TALLY, LIMIT) {
        Err(error) if error.kind() == ErrorKind::NotFound && dir.exists(paths::SUPERVISE)? => {
            return Ok(Vec::new());
        }
        result => result?,
    };
    match death_tally::unpack(&content) {
        Some(deaths) => Ok(deaths),
        None => dir
            .replace(paths::DEATH_TALLY, b"", 0o644)
            .map(|()| Vec::new()),
    }
}

/// `s6-svdt-clear servicedir`: forgets them.
pub(super) fn svdt_clear(args: Vec<OsString>) -> ExitCode {
    let Some(dir) = args.first().map(Path::new) else {
        return complain::usage(SVDT_CLEAR, "s6-svdt-clear servicedir");
    };
    let cleared = Directory::open(dir).and_then(|dir| dir.replace(paths::DEATH_TALLY, b"", 0o644));
    match cleared {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let message = format!(
                "unable to clear death tally for service {}: {}",
                dir.display(),
                reason(&error)
            );
            complain::fatal(SVDT_CLEAR, message, SYSTEM)
        }
    }
}
