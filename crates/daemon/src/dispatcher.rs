//! The loop at the heart of the daemon: whatever happens becomes one input at a time; the engine
//! decides; the effects are carried out in order.

use std::collections::{HashMap, VecDeque};
use std::os::fd::OwnedFd;
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::time::Duration;

use sixfold_engine::{Engine, Exit, Input, NodeId, Policy, Role, RunId, SpawnFailure, Work};
use sixfold_model::{ServiceSpec, Signal};
use sixfold_protocol::scan_control::LISTEN;
use sixfold_sys::{memory, signals};
use tokio::io::unix::AsyncFd;
use tokio::sync::{broadcast, mpsc};
use tokio::task::{JoinSet, LocalSet};

use crate::charge::Charge;
use crate::clock::Clock;
use crate::control::{self, Control};
use crate::exit_code::ExitCode;
use crate::phase::Phase;
use crate::requests::Asked;
use crate::signals::Signals;
use crate::unit::{Order, Unit};
use crate::watch;
use crate::world::World;
use requests::Client;
use turns::Fresh;

mod effects;
mod requests;
mod services;
mod turns;

/// How many phases can be on their way to a slow task.
const PHASES: usize = 8;

/// How many inputs are handled before what happened meanwhile is looked for.
const TURN: usize = 16;

/// How a process counts as ended whose unit was lost.
const LOST: Exit = Exit::Code(111);

/// How long after a boot the last of its work is done.
const SETTLED: Duration = Duration::from_millis(300);

/// The dispatcher's state.
pub(crate) struct Dispatcher {
    world: Rc<World>,
    clock: Clock,
    engine: Engine,
    exit_code: ExitCode,
    /// The exit code of s6-supervise for not being given charge of its one directory.
    refusal: Option<u8>,
    phases: broadcast::Sender<Phase>,
    reports: mpsc::UnboundedSender<Input>,
    inbox: mpsc::UnboundedReceiver<Input>,
    units: HashMap<NodeId, Seat>,
    /// What the daemon knows of each service.
    services: HashMap<NodeId, Supervised>,
    tasks: JoinSet<()>,
    /// Where the commands of s6-rc ask, and what they ask.
    asking: mpsc::UnboundedSender<Asked>,
    requests: mpsc::UnboundedReceiver<Asked>,
    is_listening: bool,
    /// Who asked for the change at work.
    client: Option<Client>,
    /// What waits for it.
    waiting: VecDeque<Asked>,
    /// What the services will be, once those are down that have to be.
    fresh: Option<Fresh>,
    is_over: bool,
}

/// A unit, as the dispatcher knows it.
struct Seat {
    orders: futures_channel::mpsc::UnboundedSender<Order>,
    /// The run that was ordered and has not ended yet, with its process once that is known.
    live: Option<(RunId, Option<i32>)>,
}

/// A service, as the dispatcher knows it.
struct Supervised {
    spec: ServiceSpec,
    /// What its directory is called in the scan directory now.
    called: String,
    /// The service that reads its standard output: its logger, or what follows it in a pipeline.
    reader: Option<NodeId>,
    /// Its directory, while it is in our charge.
    charge: Option<Rc<Charge>>,
}

/// Where inputs come from beside the units.
pub(crate) struct Sources {
    /// Signals.
    pub(crate) signals: Signals,
    /// Control commands to the scan directory, if there is one.
    pub(crate) control: Option<Control>,
    /// Reaped orphans.
    pub(crate) reaped: mpsc::UnboundedReceiver<usize>,
    /// What has to come to its end before the engine is told the first inputs.
    pub(crate) awaited: Option<AsyncFd<OwnedFd>>,
}

/// Code and heap that only a boot needs are worth as much as all the rest; the last of it is used a
/// moment after the boot, by what was started then. The one time that anything is done unasked.
async fn give_back_what_the_boot_needed() {
    tokio::time::sleep(SETTLED).await;
    if let Err(error) = memory::give_back() {
        tracing::debug!(
            event = "memory.kept",
            error = %error,
            "the memory that the boot needed cannot be given back"
        );
    }
}

impl Dispatcher {
    /// A dispatcher at the beginning of the container's life.
    pub(crate) fn new(world: Rc<World>, clock: Clock, policy: Policy) -> Self {
        let (reports, inbox) = mpsc::unbounded_channel();
        let (asking, requests) = mpsc::unbounded_channel();
        Self {
            world,
            clock,
            engine: Engine::new(policy),
            exit_code: ExitCode::default(),
            refusal: None,
            phases: broadcast::channel(PHASES).0,
            reports,
            inbox,
            units: HashMap::new(),
            services: HashMap::new(),
            tasks: JoinSet::new(),
            asking,
            requests,
            is_listening: false,
            client: None,
            waiting: VecDeque::new(),
            fresh: None,
            is_over: false,
        }
    }

    /// A receiver for the phases, for tasks that are no units.
    pub(crate) fn phases(&self) -> broadcast::Receiver<Phase> {
        self.phases.subscribe()
    }

    /// Runs everything from the `first` inputs to the end, and returns the exit code. Signals are heard
    /// before what is awaited has come to its end, too.
    pub(crate) async fn run(
        mut self,
        mut first: Vec<Input>,
        mut sources: Sources,
        local: &LocalSet,
    ) -> u8 {
        if self.world.role == Role::Container {
            self.listen_for_requests();
        }
        if sources.awaited.is_none() {
            for input in std::mem::take(&mut first) {
                self.survive(input, local);
            }
        }
        let mut handled = 0_usize;
        let mut has_settled = false;
        while !self.is_over {
            // The event loop looks for what has happened outside when all tasks wait, and else only
            // now and then: it is given the chance between a few inputs, however many there are.
            if handled >= TURN {
                handled = 0;
                tokio::task::yield_now().await;
            }
            let timeout = self.engine.next_timeout().map(|at| self.clock.instant(at));
            let inputs = tokio::select! {
                biased;
                signal = sources.signals.next() => match signal {
                    Ok(inputs) => inputs,
                    Err(error) => {
                        tracing::error!(event = "signals.failed", error = %error, "signals cannot be read");
                        Vec::new()
                    }
                },
                () = sleep_until(timeout) => vec![Input::Timer],
                Some(input) = self.inbox.recv() => vec![input],
                Some(_) = sources.reaped.recv() => self.census(),
                Some(asked) = self.requests.recv() => self.asked(asked),
                Some(ended) = self.tasks.join_next() => self.unit_ended(ended, local),
                () = watch::over(&mut sources.awaited) => std::mem::take(&mut first),
                // Last: somebody may write there without end.
                bytes = control::heard(sources.control.as_ref()) => match bytes {
                    Ok(bytes) => {
                        if bytes.contains(&LISTEN) {
                            self.listen_for_requests();
                        }
                        control::scan_inputs(&bytes)
                    }
                    Err(error) => {
                        tracing::error!(event = "control.failed", error = %error, "the control FIFO cannot be read");
                        Vec::new()
                    }
                },
            };
            for input in inputs {
                handled = handled.saturating_add(1);
                self.survive(input, local);
            }
            for input in self.asked_before() {
                self.survive(input, local);
            }
            if !has_settled && self.engine.is_running() {
                has_settled = true;
                local.spawn_local(give_back_what_the_boot_needed());
            }
        }
        self.finish().await;
        match self.world.role {
            Role::Container => self.exit_code.read(),
            // That one of its services has another supervisor is that service's misfortune alone.
            Role::ScanDirectory { .. } => 0,
            Role::Service => self.refusal.unwrap_or_default(),
        }
    }

    /// As [`Dispatcher::handle`], but a panic, which only a bug can cause, costs this one input and
    /// not the container. What the input has changed by then stays: the engine's machines change
    /// their state in single assignments.
    fn survive(&mut self, input: Input, local: &LocalSet) {
        let answer = if let Input::Control { node, .. } = input {
            Some((node, Order::Obeyed))
        } else if let Input::Pulse { node, .. } | Input::Ready { node, .. } = input {
            Some((node, Order::Heeded))
        } else {
            None
        };
        let handled = panic::catch_unwind(AssertUnwindSafe(|| self.handle(input, local)));
        if let Some((node, order)) = answer {
            self.order(node, order);
        }
        if handled.is_err() {
            tracing::error!(
                event = "dispatcher.panicked",
                "a bug in Sixfold: handling an input panicked"
            );
        }
    }

    /// Hands one input to the engine, and to the effects' answers, until nothing is left to do.
    fn handle(&mut self, input: Input, local: &LocalSet) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for reread in self.reread_before(&input) {
                inputs.extend(self.step(reread, local));
            }
            let is_end = matches!(input, Input::Exited { .. });
            inputs.extend(self.step(input, local));
            if is_end {
                inputs.extend(self.census());
            }
        }
    }

    /// Hands one input to the engine, and returns the answers to its effects.
    fn step(&mut self, input: Input, local: &LocalSet) -> Vec<Input> {
        self.note(&input);
        let mut effects = Vec::new();
        self.engine.handle(self.clock.now(), input, &mut effects);
        let effects = effects.into_iter();
        effects
            .filter_map(|effect| self.apply(effect, local))
            .collect()
    }

    /// Keeps in mind which process each unit has, in case the unit is lost.
    fn note(&mut self, input: &Input) {
        match input {
            Input::Spawned { node, run, pid } => {
                if let Some(seat) = self.units.get_mut(node) {
                    seat.live = Some((*run, Some(*pid)));
                }
            }
            Input::Exited { node, .. } | Input::SpawnFailed { node, .. } => {
                if let Some(seat) = self.units.get_mut(node) {
                    seat.live = None;
                }
            }
            Input::Boot
            | Input::Timer
            | Input::StopSignal { .. }
            | Input::Stop { .. }
            | Input::Abort
            | Input::Rescan
            | Input::Prune { .. }
            | Input::Supervised { .. }
            | Input::Refused { .. }
            | Input::Reread { .. }
            | Input::Control { .. }
            | Input::ControlAll { .. }
            | Input::Listed { .. }
            | Input::Definitions(_)
            | Input::Change { .. }
            | Input::AbortChange
            | Input::Services { .. }
            | Input::Ready { .. }
            | Input::Pulse { .. }
            | Input::Census { .. } => {}
        }
    }

    /// A node's unit, which is made when it is first needed.
    fn unit(&mut self, node: NodeId, name: &str, local: &LocalSet) -> &mut Seat {
        let (world, reports) = (&self.world, &self.reports);
        let (services, phases, tasks) = (&self.services, &self.phases, &mut self.tasks);
        self.units.entry(node).or_insert_with(|| {
            let reader = services.get(&node).and_then(|service| service.reader);
            let (orders, receiver) = futures_channel::mpsc::unbounded();
            let (world, reports) = (Rc::clone(world), reports.clone());
            let unit = Unit::new(world, node, name.to_owned(), reader, reports);
            let served = Box::new(unit).serve(receiver, phases.subscribe());
            tasks.spawn_local_on(served, local);
            Seat { orders, live: None }
        })
    }

    fn order(&self, node: NodeId, order: Order) {
        if let Some(seat) = self.units.get(&node) {
            // A unit that is gone has no process either.
            let _ = seat.orders.unbounded_send(order);
        }
    }

    fn spawn(&mut self, node: NodeId, run: RunId, work: Work, local: &LocalSet) -> Option<Input> {
        let place = self.place(node).map(Box::new);
        let name = match (&place, &work) {
            (Some(place), _) => place.spec.name.clone(),
            (None, Work::Step { listing, .. }) => listing.label().to_owned(),
            (None, Work::Oneshot { service, .. }) => service.clone(),
            (None, Work::Cmd { .. } | Work::Run | Work::Finish { .. }) => "cmd".to_owned(),
        };
        let seat = self.unit(node, &name, local);
        seat.live = Some((run, None));
        match seat
            .orders
            .unbounded_send(Order::Spawn { run, work, place })
        {
            Ok(()) => None,
            Err(_) => Some(Input::SpawnFailed {
                node,
                run,
                failure: SpawnFailure::NotRunnable,
            }),
        }
    }

    /// A unit ended before its time, which only a panic can do to it. What it ran has lost its
    /// owner: it is killed, left to the reaper, and counts as ended, so that the engine starts it
    /// again in a new unit.
    fn unit_ended(
        &mut self,
        ended: Result<(), tokio::task::JoinError>,
        local: &LocalSet,
    ) -> Vec<Input> {
        if let Err(error) = ended {
            tracing::error!(event = "unit.panicked", error = %error, "a bug in Sixfold: the task of a service panicked");
        }
        let lost: Vec<NodeId> = self
            .units
            .iter()
            .filter(|(_, seat)| seat.orders.is_closed())
            .map(|(node, _)| *node)
            .collect();
        let mut inputs = Vec::new();
        for node in lost {
            let live = self.units.remove(&node).and_then(|seat| seat.live);
            // The FIFO has gone with the unit: it is opened anew.
            self.listen_again(node, local);
            let Some((run, pid)) = live else {
                continue;
            };
            if let Some(pid) = pid {
                let _ = signals::send(pid, Signal::KILL.number());
                self.world.owned.borrow_mut().remove(&pid);
            }
            inputs.push(Input::Exited {
                node,
                run,
                exit: LOST,
            });
        }
        inputs
    }

    /// Lets every task pass on what it still has.
    async fn finish(&mut self) {
        // A console that has been stuck gets one more chance, for them too.
        self.world.outlet.flush().await;
        let _ = self.phases.send(Phase::Gone);
        self.units.clear();
        while self.tasks.join_next().await.is_some() {}
    }
}

async fn sleep_until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
