//! s6-svscan and s6-supervise: the same engine around a scan directory, or around one service
//! directory, outside a container's boot.

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use sixfold_engine::{Input, Policy, Role};
use sixfold_model::service_dir::MAX_NAME;
use sixfold_model::settings::LogFormat;
use sixfold_model::{ServiceSpec, Settings, environment};
use sixfold_sys::signals::Ignored;
use sixfold_sys::{fds, process, signals};

use crate::clock::Clock;
use crate::outlet::Outlet;
use crate::scandir::{self, ScandirError};
use crate::shell::{self, Log, Prepared};
use crate::subscriber::Format;
use crate::world::World;
use crate::{boot, launch};

/// The exit code for a directory that somebody else supervises (s6).
const TAKEN: u8 = 100;
/// The exit code for what the system refuses (s6).
const SYSTEM: u8 = 111;
/// These commands are silent unless something is wrong.
const WARNINGS: u8 = 1;

/// How s6-svscan was called.
#[derive(Debug)]
pub struct ScanOptions {
    /// How many services there may be, loggers counted.
    pub most: usize,
    /// How many bytes the name of one may have.
    pub longest_name: usize,
    /// How often the directory is read without being asked.
    pub rescan: Option<Duration>,
    /// Where a newline is written when control commands can be given.
    pub notification: Option<OwnedFd>,
    /// What the logger of all gets as its standard error, and what is the console again at the end.
    pub console: Option<OwnedFd>,
    /// The commands that this executable is when it is called by their names.
    pub applets: &'static [&'static str],
}

/// How a supervision ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It never began, or has nothing more to do: exit with this.
    Code(u8),
    /// In order: `.s6-svscan/finish` is next. The signals are those that it is to ignore.
    Finish(Ignored),
}

/// Supervises the scan directory that is the working directory, until told to stop (s6-svscan(8)).
/// The caller has blocked all signals.
///
/// # Errors
///
/// When the system refuses what every process may do: then `.s6-svscan/crash` is next.
pub fn svscan(options: ScanOptions) -> Result<Ending> {
    let ignored = signals::take_ignored().context("cannot listen for signals")?;
    let log = log("s6-svscan");
    // What comes next is a program of its own, which writes where we were to write: by then 1 and 2
    // are pipes into a log that nobody reads any more.
    let given = match log.format {
        Format::Json => Some((fds::duplicate(1)?, fds::duplicate(2)?)),
        Format::Text => None,
    };
    let ran = shell::run(Clock::start(), log, |outlet| {
        prepare_scan(options, ignored, log.format, outlet)
    });
    if let Some((stdout, stderr)) = given {
        fds::replace(1, stdout).context("cannot restore standard output")?;
        fds::replace(2, stderr).context("cannot restore standard error")?;
    }
    Ok(match ran? {
        0 => Ending::Finish(ignored),
        code => Ending::Code(code),
    })
}

/// Supervises the service in `dir` until its supervisor is told to leave, and returns the exit code
/// (s6-supervise(8)). `dir` is also its name. The caller has blocked all signals.
///
/// # Errors
///
/// When the system refuses what every process may do.
pub fn supervise(dir: OsString, applets: &'static [&'static str]) -> Result<u8> {
    let ignored = signals::take_ignored().context("cannot listen for signals")?;
    let log = log("s6-supervise");
    shell::run(Clock::start(), log, |outlet| {
        prepare_service(dir, applets, ignored, log.format, outlet)
    })
}

/// Text, unless JSON is asked for in words: whoever starts s6-svscan reads what s6-svscan writes.
fn log(name: &'static str) -> Log {
    let (settings, _) = own_settings();
    let format = match settings.log_format {
        LogFormat::Json => Format::Json,
        LogFormat::Text | LogFormat::Auto => Format::Text,
    };
    let verbosity = match format {
        Format::Json => settings.verbosity,
        Format::Text => WARNINGS,
    };
    Log {
        format,
        verbosity,
        name,
    }
}

fn own_settings() -> (Settings, Vec<sixfold_model::Diagnostic>) {
    let env: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    Settings::from_env(
        env.iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str())),
    )
}

fn prepare_scan(
    options: ScanOptions,
    ignored: Ignored,
    format: Format,
    outlet: Outlet,
) -> Result<Prepared, u8> {
    let scandir = std::env::current_dir().map_err(|error| fatal("find the directory", &error))?;
    let control = scandir::take(&scandir).map_err(|error| refuse(&error))?;
    remove_dangling(&scandir);
    if let Some(notification) = options.notification {
        // Whoever waits for it has gone, or knows now.
        let _ = fds::write(&notification, b"\n");
    }
    let role = Role::ScanDirectory {
        most: options.most,
        rescan: options.rescan,
    };
    let mut world = world(role, scandir, options.applets, format, outlet)
        .map_err(|error| fatal("duplicate a descriptor", &error))?;
    world.ignored = ignored;
    world.longest_name = options.longest_name;
    world.console_holder = options.console;
    Ok(Prepared {
        world,
        policy: policy(role),
        control: Some(control),
        first: vec![Input::Boot],
        awaited: None,
    })
}

fn prepare_service(
    dir: OsString,
    applets: &'static [&'static str],
    ignored: Ignored,
    format: Format,
    outlet: Outlet,
) -> Result<Prepared, u8> {
    let base = std::env::current_dir().map_err(|error| fatal("find the directory", &error))?;
    let mut world = world(Role::Service, base, applets, format, outlet)
        .map_err(|error| fatal("duplicate a descriptor", &error))?;
    world.ignored = ignored;
    let name = dir.to_string_lossy().into_owned();
    let path = world.scandir.join(&dir);
    // An empty name is that of nothing; joined to the base, it would be the base.
    let found = fs::read_dir(if dir.is_empty() { Path::new("") } else { &path });
    if let Err(error) = found {
        let text = format!(
            "s6-supervise: fatal: unable to chdir to {name}: {}",
            reason(&error)
        );
        let text = text.as_str();
        tracing::error!(event = "supervise.failed", text, error = %error, "no service directory");
        return Err(SYSTEM);
    }
    // What is in it is read once it is ours.
    let spec = ServiceSpec::new(name, path);
    Ok(Prepared {
        world,
        policy: policy(Role::Service),
        control: None,
        first: vec![Input::Boot, Input::Services { specs: vec![spec] }],
        awaited: None,
    })
}

fn policy(role: Role) -> Policy {
    Policy {
        role,
        services_gracetime: None,
        sync_disks: false,
        ..Policy::new(&Settings::default(), Vec::new(), false)
    }
}

fn world(
    role: Role,
    scandir: PathBuf,
    applets: &'static [&'static str],
    format: Format,
    outlet: Outlet,
) -> io::Result<World> {
    let full_env: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let path = full_env.iter().find(|(name, _)| name == "PATH");
    let path = path.map_or_else(|| environment::search_path(None), |(_, path)| path.clone());
    Ok(World {
        role,
        workdir: scandir.clone(),
        scandir,
        longest_name: MAX_NAME,
        settings: Settings::default(),
        format,
        outlet,
        is_init: process::is_init(),
        has_terminal: false,
        exe: boot::executable(),
        applets,
        path,
        full_env,
        console: match format {
            Format::Text => None,
            Format::Json => Some([fds::duplicate(1)?, fds::duplicate(2)?]),
        },
        // Without more descriptors there are fewer services.
        descriptor_limit: process::raise_descriptor_limit().ok(),
        kit: launch::kit(),
        ignored: Ignored::default(),
        console_holder: None,
        owned: RefCell::default(),
        foreground: Cell::default(),
        pipes: RefCell::default(),
        longruns: RefCell::default(),
        live: RefCell::default(),
        caller: RefCell::default(),
        reported: RefCell::default(),
        said: RefCell::default(),
    })
}

/// Removes the links that lead nowhere, as s6-svscan does when it begins: those of an earlier boot.
fn remove_dangling(scandir: &Path) {
    for entry in fs::read_dir(scandir).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        // What cannot be seen from here may well be there.
        let leads_nowhere =
            || fs::metadata(&path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        if !is_hidden && path.is_symlink() && leads_nowhere() {
            // One that cannot be removed is reported when the directory is read.
            let _ = fs::remove_file(&path);
        }
    }
}

fn refuse(error: &ScandirError) -> u8 {
    match error {
        ScandirError::Taken => {
            let text = format!("s6-svscan: fatal: {error}");
            let text = text.as_str();
            tracing::error!(event = "supervise.refused", text, "{error}");
            TAKEN
        }
        ScandirError::System { what, source } => fatal(what, source),
    }
}

fn fatal(what: &str, error: &io::Error) -> u8 {
    let text = format!("s6-svscan: fatal: unable to {what}: {}", reason(error));
    let text = text.as_str();
    tracing::error!(event = "supervise.failed", text, error = %error, "unable to {what}");
    SYSTEM
}

/// What an error says, without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" (os error ").unwrap_or(text.len());
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_links_that_lead_nowhere_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let link = |target: &str, name: &str| symlink(target, dir.path().join(name)).unwrap();
        link("/no/such/service", "dangling");
        link("/no/such/service", ".hidden");
        link("/", "there");
        // As unreadable as what lies behind a directory that we may not enter.
        link("loop", "loop");
        remove_dangling(dir.path());
        let left = |name: &str| dir.path().join(name).is_symlink();
        assert!(!left("dangling"));
        assert!(left(".hidden") && left("there") && left("loop"));
    }
}
