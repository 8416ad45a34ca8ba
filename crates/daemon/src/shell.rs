//! The shell around the engine: the console and the log, the event loop, and what runs in it. The
//! same for a container, a scan directory and a single service.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use anyhow::{Context as _, Result};
use sixfold_engine::{Input, Policy};
use sixfold_model::settings::LogFormat;
use sixfold_sys::fds::Console;
use sixfold_sys::{fds, memory, signals};
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
use crate::reaper;
use crate::record::{Object, Stream, timestamp};
use crate::signals::Signals;
use crate::subscriber::{self, Format};
use crate::world::World;
use crate::{syslog, watch};

/// The name under which lines are logged that are written to PID 1's own streams, as scripts do
/// through `/proc/1/fd/1`.
const CONSOLE: &str = "console";

/// How events are logged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Log {
    /// As what.
    pub(crate) format: Format,
    /// `S6_VERBOSITY`, 0 to 5.
    pub(crate) verbosity: u8,
    /// What text begins with.
    pub(crate) name: &'static str,
}

/// What there is to supervise, and by what rules.
pub(crate) struct Prepared {
    /// What every part needs to know.
    pub(crate) world: World,
    /// The rules.
    pub(crate) policy: Policy,
    /// The scan directory's lock and FIFO, if there is one.
    pub(crate) control: Option<(File, Control)>,
    /// What the engine is told first.
    pub(crate) first: Vec<Input>,
    /// What has to come to its end before the engine is told that.
    pub(crate) awaited: Option<OwnedFd>,
}

/// Runs what `prepare` prepares to its end, and returns the exit code. `prepare` is called inside
/// the event loop, where things can be listened to; an exit code instead of something prepared ends
/// everything, and has been explained.
pub(crate) fn run(
    clock: Clock,
    log: Log,
    prepare: impl FnOnce(Outlet) -> Result<Prepared, u8>,
) -> Result<u8> {
    memory::keep_together();
    let Log {
        format, verbosity, ..
    } = log;
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
        outlet.be_text();
        outlet.write_through(fds::console(2).context("cannot use the console")?);
    }
    subscriber::install(outlet.clone(), format, verbosity, log.name);

    let runtime = tokio::runtime::Builder::new_current_thread()
        // What happens outside is looked for after each turn, however much is written to the log.
        .event_interval(1)
        .enable_io()
        .enable_time()
        .build()
        .context("cannot start the event loop")?;
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        let pump = tokio::task::spawn_local(outlet.clone().pump(console));
        let code = match prepare(outlet.clone()) {
            Ok(prepared) => serve(prepared, clock, &local).await,
            Err(code) => Ok(code),
        };
        say_goodbye(&outlet, format, spare).await;
        pump.abort();
        code
    })
}

/// The format that is wanted: text on a terminal, if nothing else is said.
pub(crate) fn format(wanted: LogFormat) -> Format {
    match wanted {
        LogFormat::Json => Format::Json,
        LogFormat::Text => Format::Text,
        LogFormat::Auto if fds::is_terminal(1) => Format::Text,
        LogFormat::Auto => Format::Json,
    }
}

async fn serve(prepared: Prepared, clock: Clock, local: &LocalSet) -> Result<u8> {
    let Prepared {
        world,
        policy,
        control,
        first,
        awaited,
    } = prepared;
    let world = Rc::new(world);
    let children = signal(SignalKind::child()).context("cannot listen for dead children")?;
    let has_terminal = world.has_terminal || fds::is_terminal(1);
    let signals =
        Signals::new(Rc::clone(&world), has_terminal).context("cannot listen for signals")?;
    signals::unblock(&[SIGCHLD]).context("cannot unblock SIGCHLD")?;
    // The scan directory's lock lasts as long as we do.
    let (_lock, control) = control.unzip();
    let (news, reaped) = mpsc::unbounded_channel();
    tokio::task::spawn_local(reaper::serve(Rc::clone(&world), children, news));
    let dispatcher = Dispatcher::new(Rc::clone(&world), clock, policy);
    if world.catches_all() {
        let logged = world.outlet.clone().serve_catch_all(Rc::clone(&world));
        tokio::task::spawn_local(logged);
    }
    syslog::start(&world, clock);
    let own_streams = if world.format == Format::Json || world.catches_all() {
        let phases = BroadcastStream::new(dispatcher.phases());
        let captures = redirect_own_streams(&world.outlet)?;
        Some(tokio::task::spawn_local(pass_on_own_streams(
            captures, phases,
        )))
    } else {
        None
    };
    // What cannot be waited for, such as a file, has its end at once.
    let awaited = awaited.and_then(|fd| watch::readable(fd).ok());
    if awaited.is_some() {
        tracing::info!(
            event = "boot.waiting",
            text = "sixfold: info: waiting for S6_WAIT_FOR_CLOSING_FD",
            "waiting until the descriptor of S6_WAIT_FOR_CLOSING_FD is closed"
        );
    }
    let code = dispatcher
        .run(
            first,
            Sources {
                signals,
                control,
                reaped,
                awaited,
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
    outlet.close_loggers();
    let dropped = outlet.dropped();
    if dropped > 0 {
        let message = format!("{dropped} events of Sixfold were dropped, as nobody read the log");
        outlet.push_output(&last_line(format, &message));
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
