//! The loop at the heart of the daemon: whatever happens becomes one input at a time; the engine
//! decides; the effects are carried out in order.

use std::collections::{HashMap, VecDeque};
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;

use sixfold_engine::{
    Effect, Engine, Event, Exit, Input, NodeId, Policy, RunId, SpawnFailure, Work,
};
use sixfold_model::{ServiceSpec, Signal};
use sixfold_sys::{fds, process, signals};
use tokio::sync::{broadcast, mpsc};
use tokio::task::{JoinSet, LocalSet};

use crate::clock::Clock;
use crate::control::Control;
use crate::exit_code::ExitCode;
use crate::phase::Phase;
use crate::signals::Signals;
use crate::unit::{Order, Unit};
use crate::world::{LoggerPipe, World};
use crate::{listing, report};

/// How many phases can be on their way to a slow task.
const PHASES: usize = 8;

/// How a process counts as ended whose unit was lost.
const LOST: Exit = Exit::Code(111);

/// The dispatcher's state.
pub(crate) struct Dispatcher {
    world: Rc<World>,
    clock: Clock,
    engine: Engine,
    exit_code: ExitCode,
    phases: broadcast::Sender<Phase>,
    reports: mpsc::UnboundedSender<Input>,
    inbox: mpsc::UnboundedReceiver<Input>,
    units: HashMap<NodeId, Seat>,
    /// What a unit is made from, should it have to be made again.
    specs: HashMap<NodeId, (ServiceSpec, Option<NodeId>)>,
    tasks: JoinSet<()>,
    is_over: bool,
}

/// A unit, as the dispatcher knows it.
struct Seat {
    orders: mpsc::UnboundedSender<Order>,
    /// The run that was ordered and has not ended yet, with its process once that is known.
    live: Option<(RunId, Option<i32>)>,
}

/// Where inputs come from beside the units.
pub(crate) struct Sources {
    /// Signals.
    pub(crate) signals: Signals,
    /// Control commands.
    pub(crate) control: Control,
    /// Reaped orphans.
    pub(crate) reaped: mpsc::UnboundedReceiver<usize>,
}

impl Dispatcher {
    /// A dispatcher at the beginning of the container's life.
    pub(crate) fn new(world: Rc<World>, clock: Clock, policy: Policy) -> Self {
        let (reports, inbox) = mpsc::unbounded_channel();
        Self {
            world,
            clock,
            engine: Engine::new(policy),
            exit_code: ExitCode::default(),
            phases: broadcast::channel(PHASES).0,
            reports,
            inbox,
            units: HashMap::new(),
            specs: HashMap::new(),
            tasks: JoinSet::new(),
            is_over: false,
        }
    }

    /// A receiver for the phases, for tasks that are no units.
    pub(crate) fn phases(&self) -> broadcast::Receiver<Phase> {
        self.phases.subscribe()
    }

    /// Runs the container from boot to the end, and returns its exit code.
    pub(crate) async fn run(mut self, mut sources: Sources, local: &LocalSet) -> u8 {
        self.handle(Input::Boot, local);
        while !self.is_over {
            let timeout = self.engine.next_timeout().map(|at| self.clock.instant(at));
            let inputs = tokio::select! {
                biased;
                signal = sources.signals.next() => match signal {
                    Ok(input) => vec![input],
                    Err(error) => {
                        tracing::error!(event = "signals.failed", error = %error, "signals cannot be read");
                        Vec::new()
                    }
                },
                commands = sources.control.next() => match commands {
                    Ok(inputs) => inputs,
                    Err(error) => {
                        tracing::error!(event = "control.failed", error = %error, "the control FIFO cannot be read");
                        Vec::new()
                    }
                },
                () = sleep_until(timeout) => vec![Input::Timer],
                Some(input) = self.inbox.recv() => vec![input],
                Some(_) = sources.reaped.recv() => self.census(),
                Some(ended) = self.tasks.join_next() => self.unit_ended(ended),
            };
            for input in inputs {
                self.survive(input, local);
            }
        }
        self.finish().await;
        self.exit_code.read()
    }

    /// As [`Dispatcher::handle`], but a panic, which only a bug can cause, costs this one input and
    /// not the container. What the input has changed by then stays: the engine's machines change
    /// their state in single assignments.
    fn survive(&mut self, input: Input, local: &LocalSet) {
        let handled = panic::catch_unwind(AssertUnwindSafe(|| self.handle(input, local)));
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
            let is_end = matches!(input, Input::Exited { .. });
            self.note(&input);
            let mut effects = Vec::new();
            self.engine.handle(self.clock.now(), input, &mut effects);
            for effect in effects {
                inputs.extend(self.apply(effect, local));
            }
            if is_end {
                inputs.extend(self.census());
            }
        }
    }

    /// Whether anything is left, if the engine wants to know.
    fn census(&self) -> Vec<Input> {
        if self.engine.counts_processes() {
            vec![Input::Census {
                left: self.is_anyone_left(),
            }]
        } else {
            Vec::new()
        }
    }

    fn is_anyone_left(&self) -> bool {
        if self.world.is_init {
            signals::anyone_left()
        } else {
            process::descendants().is_ok_and(|all| !all.is_empty())
        }
    }

    fn apply(&mut self, effect: Effect, local: &LocalSet) -> Option<Input> {
        match effect {
            Effect::Adopt { node, spec, logger } => {
                self.adopt(node, *spec, logger);
                None
            }
            Effect::Spawn { node, run, work } => {
                let seat = self.unit(node, &work, local);
                seat.live = Some((run, None));
                match seat.orders.send(Order::Spawn { run, work }) {
                    Ok(()) => None,
                    Err(_) => Some(Input::SpawnFailed {
                        node,
                        run,
                        failure: SpawnFailure::NotRunnable,
                    }),
                }
            }
            Effect::Signal {
                node,
                run,
                signal,
                target,
            } => {
                if let Some(seat) = self.units.get(&node) {
                    // A unit that is gone has no process either.
                    let _ = seat.orders.send(Order::Signal {
                        run,
                        signal,
                        target,
                    });
                }
                None
            }
            Effect::CloseInput { node } => {
                if let Some(pipe) = self.world.logger_pipes.borrow_mut().get_mut(&node) {
                    pipe.writer = None;
                }
                None
            }
            Effect::List { node, listing } => Some(Input::Listed {
                node,
                steps: listing::steps(&self.world, listing),
            }),
            Effect::ListServices => Some(Input::Services {
                specs: listing::services(&self.world),
            }),
            Effect::Rescan => Some(Input::Services {
                specs: listing::scanned(&self.world),
            }),
            Effect::SignalAll(signal) => {
                self.signal_all(signal);
                None
            }
            Effect::Census => Some(Input::Census {
                left: self.is_anyone_left(),
            }),
            Effect::RecordExitCode(code) => {
                self.exit_code.record(code);
                None
            }
            Effect::Sync => {
                process::sync();
                None
            }
            Effect::Log(event) => {
                self.announce(&event);
                report::report(&event);
                None
            }
            Effect::Exit => {
                self.is_over = true;
                None
            }
        }
    }

    fn announce(&self, event: &Event) {
        let phase = if matches!(event, Event::StopRequested(_)) {
            Phase::Stopping
        } else if matches!(event, Event::FinalKill) {
            Phase::Killing
        } else {
            return;
        };
        // Without a single task there is nobody to tell.
        let _ = self.phases.send(phase);
    }

    fn adopt(&mut self, node: NodeId, spec: ServiceSpec, logger: Option<NodeId>) {
        if spec.name.ends_with("/log") {
            match fds::pipe() {
                Ok((reader, writer)) => {
                    let pipe = LoggerPipe {
                        reader: Rc::new(reader),
                        writer: Some(Rc::new(writer)),
                    };
                    self.world.logger_pipes.borrow_mut().insert(node, pipe);
                }
                Err(error) => tracing::error!(
                    event = "logger.failed",
                    service = spec.name.as_str(),
                    error = %error,
                    mend = "raise the limit of open files (docker run --ulimit nofile=...)",
                    "no pipe could be made between a service and its logger"
                ),
            }
        }
        self.specs.insert(node, (spec, logger));
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
            | Input::Stop
            | Input::Rescan
            | Input::Listed { .. }
            | Input::Services { .. }
            | Input::Ready { .. }
            | Input::Census { .. } => {}
        }
    }

    /// A node's unit, which is made when it is first needed.
    fn unit(&mut self, node: NodeId, work: &Work, local: &LocalSet) -> &mut Seat {
        let (world, reports) = (&self.world, &self.reports);
        let (specs, phases, tasks) = (&self.specs, &self.phases, &mut self.tasks);
        self.units.entry(node).or_insert_with(|| {
            let (spec, logger) = specs.get(&node).cloned().unzip();
            let name = match (&spec, work) {
                (Some(spec), _) => spec.name.clone(),
                (None, Work::Step { listing, .. }) => listing.label().to_owned(),
                (None, Work::Cmd { .. } | Work::Run | Work::Finish { .. }) => "cmd".to_owned(),
            };
            let (orders, receiver) = mpsc::unbounded_channel();
            let (world, reports) = (Rc::clone(world), reports.clone());
            let unit = Unit::new(world, node, name, spec, logger.flatten(), reports);
            let served = unit.serve(receiver, phases.subscribe());
            tasks.spawn_local_on(served, local);
            Seat { orders, live: None }
        })
    }

    /// A unit ended before its time, which only a panic can do to it. What it ran has lost its
    /// owner: it is killed, left to the reaper, and counts as ended, so that the engine starts it
    /// again in a new unit.
    fn unit_ended(&mut self, ended: Result<(), tokio::task::JoinError>) -> Vec<Input> {
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
            let Some((run, pid)) = self.units.remove(&node).and_then(|seat| seat.live) else {
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

    /// As PID 1, everything in the namespace; else only what descends from us, as the namespace is
    /// not ours.
    fn signal_all(&self, signal: Signal) {
        if self.world.is_init {
            // Nobody being left is an error too, to kill(2).
            if let Err(error) = signals::send_all(signal.number())
                && self.is_anyone_left()
            {
                tracing::warn!(event = "signal.failed", error = %error, "not every process could be signalled");
            }
            return;
        }
        for pid in process::descendants().unwrap_or_default() {
            // It may be gone by now.
            let _ = signals::send(pid, signal.number());
        }
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
