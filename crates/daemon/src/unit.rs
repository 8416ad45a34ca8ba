//! One task for each node that has processes: it owns the `tokio::process::Child`, the pipes that
//! the process writes to, and the descriptor and the socket on which it announces itself.
//!
//! A unit takes orders from the dispatcher on a channel of its own and reports on the shared one.
//! It decides nothing. It always waits for its child, whatever else it does, so that no status is
//! ever left for somebody else; and it signals only while the child has not been waited for, so
//! that a signal can never reach a stranger who got the number.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::process::ExitStatus;
use std::rc::Rc;

use sixfold_engine::{Exit, Input, NodeId, RunId, SpawnFailure, Target, Work};
use sixfold_model::Signal;
use sixfold_sys::spawn;
use sixfold_sys::{signals, wait};
use tokio::io::unix::AsyncFd;
use tokio::process::Child;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::mpsc::UnboundedSender;
use tokio_stream::StreamExt as _;

use crate::capture::Capture;
use crate::control::{self, Control};
use crate::launch::{self, Place};
use crate::phase::Phase;
use crate::refusal;
use crate::watch;
use crate::world::World;
use news::{News, news, notification};
use notify::{Announcements, Datagram, Socket};
use streams::is_on_terminal;

mod news;
mod notify;
mod sender;
mod streams;

/// What the dispatcher wants of a unit.
#[derive(Debug)]
pub(crate) enum Order {
    /// Start a process.
    Spawn {
        /// The run that reports name.
        run: RunId,
        /// What.
        work: Work,
        /// The service's directory as it is now, where it is a service.
        place: Option<Box<Place>>,
    },
    /// Listen to the FIFO of a service's supervisor from now on, or, with nothing, no longer.
    Listen(Option<OwnedFd>),
    /// An order that came through the FIFO was obeyed.
    Obeyed,
    /// One thing that a service announced was heard.
    Heeded,
    /// Send a signal to the process of that run, if it is still there.
    Signal {
        /// The run.
        run: RunId,
        /// The signal.
        signal: Signal,
        /// Who gets it.
        target: Target,
    },
}

/// Where a unit's orders come from. Not tokio's channel: that one has room for thirty-two from the
/// start, as much memory as the rest of the unit.
pub(crate) type Orders = futures_channel::mpsc::UnboundedReceiver<Order>;

/// A task's state.
pub(crate) struct Unit {
    world: Rc<World>,
    node: NodeId,
    /// The name in the log.
    name: String,
    /// The service that reads its standard output.
    reader: Option<NodeId>,
    reports: UnboundedSender<Input>,
    /// What the service's supervisor is told by.
    control: Option<Control>,
    /// How many orders that came through it wait to be obeyed. Until then no more are read: who
    /// writes without end fills the FIFO, and not our memory.
    unobeyed: usize,
    running: Option<Running>,
    /// What the process says on its socket, if it has one.
    announcements: Option<Box<Announcements>>,
    stdout: Option<Capture>,
    stderr: Option<Capture>,
    /// The process that was started last, to whom what is written is attributed.
    last_pid: Option<i32>,
}

/// A live process.
struct Running {
    run: RunId,
    pid: i32,
    child: Child,
    readiness: Option<AsyncFd<OwnedFd>>,
}

impl Unit {
    /// A unit without a process.
    pub(crate) fn new(
        world: Rc<World>,
        node: NodeId,
        name: String,
        reader: Option<NodeId>,
        reports: UnboundedSender<Input>,
    ) -> Self {
        Self {
            world,
            node,
            name,
            reader,
            reports,
            control: None,
            unobeyed: 0,
            running: None,
            announcements: None,
            stdout: None,
            stderr: None,
            last_pid: None,
        }
    }

    /// Obeys orders until the dispatcher is gone or says that everything is.
    pub(crate) async fn serve(
        mut self: Box<Self>,
        mut orders: Orders,
        mut phases: broadcast::Receiver<Phase>,
    ) {
        loop {
            let heeded = self.control.as_ref().filter(|_| self.unobeyed == 0);
            tokio::select! {
                biased;
                phase = phases.recv() => match phase {
                    Ok(Phase::Stopping | Phase::Killing) | Err(RecvError::Lagged(_)) => {}
                    Ok(Phase::Gone) | Err(RecvError::Closed) => break,
                },
                order = orders.next() => match order {
                    Some(order) => self.obey(order),
                    None => break,
                },
                bytes = control::heard(heeded) => self.pass_on_orders(bytes),
                news = news(&mut self.running) => match news {
                    // Rare, and much: not a part of what every unit keeps.
                    News::Ended(status) => Box::pin(self.ended(status)).await,
                    News::Ready => self.announce(),
                },
                said = said(
                    self.announcements.as_deref(),
                    output(&mut self.stdout, &mut self.stderr, &self.name, self.last_pid),
                ) => {
                    if let Some(datagram) = said {
                        self.take_in(datagram);
                        // One, and it is the turn of others: somebody may write without end.
                        tokio::task::yield_now().await;
                    }
                }
            }
        }
        // What was ordered before the end is done all the same: a last signal, for one.
        while let Ok(order) = orders.try_recv() {
            self.obey(order);
        }
        Box::pin(self.drain()).await;
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Listen(fifo) => self.listen(fifo),
            Order::Obeyed => self.unobeyed = self.unobeyed.saturating_sub(1),
            Order::Heeded => {
                if let Some(announcements) = &mut self.announcements {
                    announcements.heeded();
                }
            }
            Order::Spawn { run, work, place } => {
                let place = place.map(|place| place.now());
                let report = match self.spawn(run, &work, place.as_ref()) {
                    Ok(pid) => Input::Spawned {
                        node: self.node,
                        run,
                        pid,
                    },
                    Err(failure) => Input::SpawnFailed {
                        node: self.node,
                        run,
                        failure,
                    },
                };
                self.report(report);
            }
            Order::Signal {
                run,
                signal,
                target,
            } => self.signal(run, signal, target),
        }
    }

    fn listen(&mut self, fifo: Option<OwnedFd>) {
        self.control = fifo.and_then(|fifo| {
            Control::new(fifo)
                .inspect_err(|error| {
                    tracing::error!(
                        event = "control.failed",
                        service = self.name.as_str(),
                        error = %error,
                        mend = "raise the limit of open files (docker run --ulimit nofile=...)",
                        "orders to a service cannot be listened for"
                    );
                })
                .ok()
        });
    }

    /// Reports the orders that came through the FIFO, one by one.
    fn pass_on_orders(&mut self, bytes: io::Result<Vec<u8>>) {
        match bytes {
            Ok(bytes) => {
                for command in bytes.into_iter().filter_map(control::command) {
                    self.unobeyed = self.unobeyed.saturating_add(1);
                    self.report(Input::Control {
                        node: self.node,
                        command,
                    });
                }
            }
            Err(error) => {
                tracing::error!(
                    event = "control.failed",
                    service = self.name.as_str(),
                    error = %error,
                    "orders to a service can no longer be read"
                );
                self.control = None;
            }
        }
    }

    fn spawn(
        &mut self,
        run: RunId,
        work: &Work,
        place: Option<&Place>,
    ) -> Result<i32, SpawnFailure> {
        let notification = notification(work, place).map_err(|error| self.no_descriptor(&error))?;
        let (reader, writer) = notification.unzip();
        let streams = self
            .streams(work, writer)
            .map_err(|error| self.no_descriptor(&error))?;
        let (mut plan, dir) = launch::plan(&self.world, place, work, streams)?;
        let socket = Socket::of(&self.world, self.node, work, place)?;
        if let (Some(socket), Some(place)) = (&socket, place) {
            launch::notify::tell(&mut plan, socket.path(), place.spec.watchdog);
        }
        let program = plan.program.clone();
        let is_apart = *work == Work::Run && place.is_some_and(|it| it.spec.new_pid_namespace);
        let start = || launch::start(&self.world, plan, &dir);
        let child = if is_apart {
            spawn::in_new_pid_namespace(start)
        } else {
            start()
        }
        .map_err(|error| {
            let why = place.filter(|_| is_apart).map(|place| &place.spec);
            match why.and_then(|spec| refusal::of_namespace(spec, &error)) {
                Some(diagnostic) => {
                    self.world.report(&[diagnostic]);
                    SpawnFailure::NotRunnable
                }
                None => self.not_started(&program, &error),
            }
        })?;
        // A child without an id has been waited for, which nobody has done yet.
        let pid = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .unwrap_or_default();
        self.world.owned.borrow_mut().insert(pid);
        self.last_pid = Some(pid);
        if is_on_terminal(&self.world, work) {
            self.world.foreground.set(Some(pid));
        }
        self.announcements = socket.map(|socket| Box::new(Announcements::new(socket, run, pid)));
        let readiness = reader.and_then(|reader| watch::readable(reader).ok());
        self.running = Some(Running {
            run,
            pid,
            child,
            readiness,
        });
        Ok(pid)
    }

    fn signal(&self, run: RunId, signal: Signal, target: Target) {
        let Some(running) = self.running.as_ref().filter(|running| running.run == run) else {
            return;
        };
        let sent = match target {
            Target::Process => signals::send(running.pid, signal.number()),
            Target::Group => signals::send_group(running.pid, signal.number()),
        };
        if let Err(error) = sent {
            tracing::warn!(
                event = "signal.failed",
                service = self.name.as_str(),
                pid = running.pid,
                signal = %signal,
                error = %error,
                "a signal could not be sent"
            );
        }
    }

    fn announce(&mut self) {
        if let Some(running) = &self.running {
            self.report(Input::Ready {
                node: self.node,
                run: running.run,
            });
        }
    }

    async fn ended(&mut self, status: io::Result<ExitStatus>) {
        let Some(running) = self.running.take() else {
            return;
        };
        self.world.owned.borrow_mut().remove(&running.pid);
        if self.world.foreground.get() == Some(running.pid) {
            self.world.foreground.set(None);
        }
        // Its last words come before the news of its death.
        self.take_in_last_words();
        self.drain().await;
        let exit = match status.map(wait::Exit::from) {
            Ok(wait::Exit::Code(code)) => Exit::Code(code),
            Ok(wait::Exit::Signal(signal)) => Exit::Signal(signal),
            Err(error) => {
                tracing::error!(
                    event = "wait.failed",
                    service = self.name.as_str(),
                    pid = running.pid,
                    error = %error,
                    "the exit status of a process is lost; it counts as 111"
                );
                Exit::Code(111)
            }
        };
        self.report(Input::Exited {
            node: self.node,
            run: running.run,
            exit,
        });
    }

    async fn drain(&mut self) {
        for capture in [&mut self.stdout, &mut self.stderr].into_iter().flatten() {
            capture.drain(&self.name, self.last_pid).await;
        }
    }

    fn report(&self, input: Input) {
        // The dispatcher outlives its units; if it does not, nobody is left to tell.
        let _ = self.reports.send(input);
    }

    fn no_descriptor(&self, error: &io::Error) -> SpawnFailure {
        let mend = refusal::of_system(error).unwrap_or("see pipe(2) for what this error means");
        tracing::error!(
            event = "spawn.failed",
            service = self.name.as_str(),
            error = %error,
            mend,
            "no pipe could be made for a new process"
        );
        SpawnFailure::NotRunnable
    }

    fn not_started(&self, program: &OsStr, error: &io::Error) -> SpawnFailure {
        launch::explain(&self.world, program);
        let (failure, diagnostic) = refusal::of_program(program, &self.world.path, error);
        self.world.report(&[diagnostic]);
        failure
    }
}

/// What the process says on its socket; nothing, when it wrote something instead. Neither starves the
/// other.
async fn said(
    announcements: Option<&Announcements>,
    output: impl Future<Output = ()>,
) -> Option<io::Result<Datagram>> {
    tokio::select! {
        datagram = notify::heard(announcements) => Some(datagram),
        () = output => None,
    }
}

/// What the process writes to either stream. Neither starves the other.
async fn output(
    stdout: &mut Option<Capture>,
    stderr: &mut Option<Capture>,
    name: &str,
    pid: Option<i32>,
) {
    let written = tokio::select! {
        () = written(stdout.as_ref()) => stdout,
        () = written(stderr.as_ref()) => stderr,
    };
    if let Some(capture) = written {
        capture.pass_on(name, pid).await;
    }
}

/// Until the process has written something; for ever, while there is no pipe.
async fn written(capture: Option<&Capture>) {
    match capture {
        Some(capture) => capture.written().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
#[path = "unit_tests.rs"]
mod tests;
