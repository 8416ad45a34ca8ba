//! From the first line to the event loop: read what there is to know, and prepare the container.

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sixfold_engine::{Input, Policy};
use sixfold_model::service_dir::MAX_NAME;
use sixfold_model::settings::Logging;
use sixfold_model::{Diagnostic, Settings, environment};
use sixfold_protocol::paths;
use sixfold_sys::signals::Ignored;
use sixfold_sys::{fds, files, process};

use crate::catch_all::CatchAll;
use crate::clock::Clock;
use crate::outlet::Outlet;
use crate::shell::{self, Log, Prepared};
use crate::subscriber::Format;
use crate::world::{self, World};
use crate::{launch, layout, scandir};

/// The exit code of a container that could not boot (s6-overlay v3's preinit).
const CANNOT_BOOT: u8 = 100;
/// How the daemon was called.
#[derive(Debug)]
pub struct Invocation {
    /// The CMD with its arguments; empty if there is none.
    pub cmd: Vec<OsString>,
    /// The commands that this executable is when it is called by their names.
    pub applets: &'static [&'static str],
}

/// Runs the container to its end and returns its exit code. The caller has blocked all signals in
/// its first line, as a signal that comes before anything listens is lost to PID 1.
///
/// # Errors
///
/// When the system refuses what every process may do: descriptors, the event loop, signals.
pub fn run(invocation: Invocation) -> Result<u8> {
    let clock = Clock::start();
    fds::ensure_std().context("cannot open /dev/null")?;
    fds::close_others_on_exec();
    files::set_umask(0o022);
    let env: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let (settings, mut diagnostics) = Settings::from_env(
        env.iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str())),
    );
    // Before anything is opened that could get its number.
    let awaited = settings
        .wait_for_closing_fd
        .and_then(|number| awaited(number, &mut diagnostics));
    let log = Log {
        format: shell::format(settings.log_format),
        verbosity: settings.verbosity,
        name: "sixfold",
    };
    shell::run(clock, log, |outlet| {
        diagnostics.iter().for_each(world::report);
        prepare(invocation, settings, log.format, outlet, env, clock)
            .map(|prepared| Prepared {
                awaited,
                ..prepared
            })
            .map_err(|error| {
                let text = format!("sixfold: fatal: {error:#}");
                let text = text.as_str();
                tracing::error!(event = "boot.failed", text, "{error:#}");
                CANNOT_BOOT
            })
    })
}

/// Finds out where we are, and makes what scripts expect to be there.
fn prepare(
    invocation: Invocation,
    settings: Settings,
    format: Format,
    outlet: Outlet,
    env: Vec<(OsString, OsString)>,
    clock: Clock,
) -> Result<Prepared> {
    let is_init = process::is_init();
    if !is_init {
        process::become_subreaper().context("cannot become a child subreaper")?;
        tracing::info!(
            event = "boot.not_init",
            pid = std::process::id(),
            text = "sixfold: info: not PID 1: orphans come here as to a child subreaper, and only what this process started is stopped at the end",
            "not PID 1: running as a child subreaper"
        );
    }
    let exe = executable();
    let workdir = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let container_path = env
        .iter()
        .find(|(name, _)| name == "PATH")
        .map(|(_, path)| path.as_os_str());
    let global_path = settings.global_path.as_deref();
    let path = environment::search_path(global_path.or(container_path));
    let full_env = full_environment(env, &path, &workdir);
    layout::prepare(&exe, &workdir, is_init)?;
    if !settings.keep_env {
        layout::dump_environment(&full_env)?;
    }
    std::env::set_current_dir("/").context("cannot change to /")?;
    catch_all(&settings, clock, &outlet)?;
    let descriptor_limit = process::raise_descriptor_limit()
        .inspect_err(|error| {
            tracing::warn!(event = "boot.descriptor_limit", error = %error, "the limit of open files cannot be raised");
        })
        .ok();
    let has_terminal = fds::is_terminal(0);
    let policy = Policy {
        has_definitions: true,
        ..Policy::new(&settings, invocation.cmd, has_terminal)
    };
    let console = match format {
        Format::Text if settings.logging == Logging::Console => None,
        Format::Text | Format::Json => Some([fds::duplicate(1)?, fds::duplicate(2)?]),
    };
    let scandir = PathBuf::from(paths::SCANDIR);
    let control = scandir::take(&scandir)?;
    let world = World {
        role: policy.role,
        scandir,
        longest_name: MAX_NAME,
        settings,
        format,
        outlet,
        is_init,
        has_terminal,
        exe,
        applets: invocation.applets,
        workdir,
        path,
        full_env,
        console,
        descriptor_limit,
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
    };
    Ok(Prepared {
        world,
        policy,
        control: Some(control),
        first: vec![Input::Boot],
        awaited: None,
    })
}

/// The inherited descriptor whose end is to be waited for. s6-linux-init says nothing of one that is
/// not open.
fn awaited(number: i32, diagnostics: &mut Vec<Diagnostic>) -> Option<OwnedFd> {
    let taken = fds::take(number);
    taken
        .inspect_err(|_| {
            diagnostics.push(Diagnostic::variable(
                format!("S6_WAIT_FOR_CLOSING_FD is {number}, which is not open; not waited for"),
                "pass the descriptor to the container, or leave S6_WAIT_FOR_CLOSING_FD unset",
            ));
        })
        .ok()
}

/// Starts the catch-all logger, if one is asked for.
fn catch_all(settings: &Settings, clock: Clock, outlet: &Outlet) -> Result<()> {
    if settings.logging == Logging::Console {
        return Ok(());
    }
    let mut found = Vec::new();
    let user = settings.catchall_user.as_deref();
    let mut report = |diagnostic| found.push(diagnostic);
    let logger = CatchAll::open(&settings.logging_script, user, clock, &mut report)?;
    found.iter().for_each(world::report);
    layout::lead_old_logs();
    outlet.catch_all(logger, settings.logging == Logging::CatchAll);
    Ok(())
}

/// This executable's path, under which children call it.
pub(crate) fn executable() -> PathBuf {
    fs::read_link("/proc/self/exe")
        .ok()
        .filter(|path| path.exists())
        .or_else(|| {
            std::env::args_os()
                .next()
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        })
        .unwrap_or_else(|| PathBuf::from("/init"))
}

/// The container's environment as the CMD and with-contenv have it: with the extended PATH, and
/// with the working directory under the names of both generations.
fn full_environment(
    mut env: Vec<(OsString, OsString)>,
    path: &OsString,
    workdir: &Path,
) -> Vec<(OsString, OsString)> {
    let ours: [(OsString, OsString); 3] = [
        ("PATH".into(), path.clone()),
        ("PWD".into(), workdir.into()),
        ("CWD".into(), workdir.into()),
    ];
    env.retain(|(name, _)| ours.iter().all(|(own, _)| own != name));
    env.extend(ours);
    env
}
