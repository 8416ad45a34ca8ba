//! From the first line to the dispatcher: read what there is to know, prepare the container, and
//! start the event loop.

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, Result};
use sixfold_engine::Policy;
use sixfold_model::settings::LogFormat;
use sixfold_model::{Settings, environment};
use sixfold_sys::fds::Console;
use sixfold_sys::{fds, files, process, signals};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::BroadcastStream;

use crate::capture::Capture;
use crate::clock::Clock;
use crate::control::Control;
use crate::dispatcher::{Dispatcher, Sources};
use crate::outlet::Outlet;
use crate::phase::Phase;
use crate::record::{Object, Stream, timestamp};
use crate::signals::Signals;
use crate::subscriber::{self, Format};
use crate::world::{self, World};
use crate::{layout, reaper};

/// The exit code of a container that could not boot (s6-overlay v3's preinit).
const CANNOT_BOOT: u8 = 100;
/// The name under which lines are logged that are written to PID 1's own streams, as scripts do
/// through `/proc/1/fd/1`.
const CONSOLE: &str = "console";

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
    let (settings, diagnostics) = Settings::from_env(
        env.iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str())),
    );
    let format = format(settings.log_format);
    let console = fds::console(match format {
        Format::Json => 1,
        Format::Text => 2,
    })
    .context("cannot use the console")?;
    // In JSON mode, standard error is of no use while all is well; it is for the last word when
    // nobody reads standard output. 1 and 2 lead elsewhere by then.
    let spare = match format {
        Format::Json => fds::console(2).ok(),
        Format::Text => None,
    };
    let outlet = Outlet::default();
    if format == Format::Text {
        outlet.write_through(fds::console(2).context("cannot use the console")?);
    }
    subscriber::install(outlet.clone(), format, settings.verbosity);
    diagnostics.iter().for_each(world::report);

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .context("cannot start the event loop")?;
    let local = LocalSet::new();
    let code = local.block_on(&runtime, async {
        let pump = tokio::task::spawn_local(outlet.clone().pump(console));
        let code = match prepare(invocation, settings, format, outlet.clone(), env) {
            Ok((world, policy)) => serve(world, policy, clock, &local).await,
            Err(error) => {
                let text = format!("sixfold: fatal: {error:#}");
                let text = text.as_str();
                tracing::error!(event = "boot.failed", text, "{error:#}");
                Ok(CANNOT_BOOT)
            }
        };
        say_goodbye(&outlet, format, spare).await;
        pump.abort();
        code
    })?;
    Ok(code)
}

fn format(wanted: LogFormat) -> Format {
    match wanted {
        LogFormat::Json => Format::Json,
        LogFormat::Text => Format::Text,
        LogFormat::Auto if fds::is_terminal(1) => Format::Text,
        LogFormat::Auto => Format::Json,
    }
}

/// Finds out where we are, and makes what scripts expect to be there.
fn prepare(
    invocation: Invocation,
    settings: Settings,
    format: Format,
    outlet: Outlet,
    env: Vec<(OsString, OsString)>,
) -> Result<(World, Policy)> {
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
    let path = environment::search_path(container_path);
    let full_env = full_environment(env, &path, &workdir);
    layout::prepare(&exe, &workdir, is_init)?;
    if !settings.keep_env {
        layout::dump_environment(&full_env)?;
    }
    std::env::set_current_dir("/").context("cannot change to /")?;
    let descriptor_limit = process::raise_descriptor_limit()
        .inspect_err(|error| {
            tracing::warn!(event = "boot.descriptor_limit", error = %error, "the limit of open files cannot be raised");
        })
        .ok();
    let has_terminal = fds::is_terminal(0);
    let policy = Policy::new(&settings, invocation.cmd, has_terminal);
    let console = match format {
        Format::Text => None,
        Format::Json => Some([fds::duplicate(1)?, fds::duplicate(2)?]),
    };
    let world = World {
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
        owned: RefCell::default(),
        foreground: Cell::default(),
        logger_pipes: RefCell::default(),
        reported: RefCell::default(),
    };
    Ok((world, policy))
}

/// This executable's path, under which children call it.
fn executable() -> PathBuf {
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

async fn serve(world: World, policy: Policy, clock: Clock, local: &LocalSet) -> Result<u8> {
    let world = Rc::new(world);
    let children = signal(SignalKind::child()).context("cannot listen for dead children")?;
    let signals = Signals::new(world.has_terminal || fds::is_terminal(1), world.is_init)
        .context("cannot listen for signals")?;
    signals::unblock(&[SIGCHLD]).context("cannot unblock SIGCHLD")?;
    let control = Control::open().context("cannot open the control FIFO")?;
    let (news, reaped) = mpsc::unbounded_channel();
    tokio::task::spawn_local(reaper::serve(Rc::clone(&world), children, news));
    let dispatcher = Dispatcher::new(Rc::clone(&world), clock, policy);
    let own_streams = if world.format == Format::Json {
        let phases = BroadcastStream::new(dispatcher.phases());
        let captures = redirect_own_streams(&world.outlet)?;
        Some(tokio::task::spawn_local(pass_on_own_streams(
            captures, phases,
        )))
    } else {
        None
    };
    let code = dispatcher
        .run(
            Sources {
                signals,
                control,
                reaped,
            },
            local,
        )
        .await;
    if let Some(task) = own_streams {
        // It ends with the last phase; a panic in it has nothing left to break.
        let _ = task.await;
    }
    Ok(code)
}

/// SIGCHLD, the one signal that tokio itself listens for.
const SIGCHLD: i32 = 17;

/// Makes 1 and 2 of this process pipes into the log, so that lines which scripts write to
/// `/proc/1/fd/1` are records like all others, and nothing in this process can block on them.
fn redirect_own_streams(outlet: &Outlet) -> Result<[Capture; 2]> {
    let make = |stream, number| -> Result<Capture> {
        let capture = Capture::new(stream, outlet.clone())?;
        let writer: OwnedFd = capture.writer()?;
        fds::set_nonblocking(&writer, true)?;
        fds::replace(number, writer)?;
        Ok(capture)
    };
    Ok([make(Stream::Stdout, 1)?, make(Stream::Stderr, 2)?])
}

async fn pass_on_own_streams(mut captures: [Capture; 2], mut phases: BroadcastStream<Phase>) {
    let [stdout, stderr] = &mut captures;
    loop {
        tokio::select! {
            biased;
            phase = phases.next() => match phase {
                Some(Ok(Phase::Stopping | Phase::Killing) | Err(_)) => {}
                Some(Ok(Phase::Gone)) | None => break,
            },
            () = stdout.pass_on(CONSOLE, None) => {}
            () = stderr.pass_on(CONSOLE, None) => {}
        }
    }
    stdout.drain(CONSOLE, None).await;
    stderr.drain(CONSOLE, None).await;
}

/// Writes what is left of the log; and if the console took too little, says what is missing.
async fn say_goodbye(outlet: &Outlet, format: Format, spare: Option<Console>) {
    let dropped = outlet.dropped();
    if dropped > 0 {
        let message = format!("{dropped} events of Sixfold were dropped, as nobody read the log");
        outlet.push_output(last_line(format, &message));
    }
    if outlet.flush().await {
        return;
    }
    if let Some(spare) = spare {
        let waiting = outlet.waiting();
        let message = format!(
            "nobody reads standard output: {waiting} log lines are lost, and {dropped} events of Sixfold were dropped"
        );
        // If nobody reads this either, nobody wants to know.
        let _ = spare.write(&last_line(format, &message));
    }
}

fn last_line(format: Format, message: &str) -> Vec<u8> {
    match format {
        Format::Text => format!("sixfold: warning: {message}\n").into_bytes(),
        Format::Json => {
            let mut line = Object::new();
            line.string("timestamp", &timestamp());
            line.string("level", "WARN");
            line.string("message", message);
            line.string("event", "log.lost");
            line.finish()
        }
    }
}
