//! The engine itself: one input in, effects out.

mod boot;
mod change;
mod known;
mod rc;
mod services;
mod stop;

use crate::context::Context;
use crate::effect::Effect;
use crate::event::{Cause, Event};
use crate::graph::{Graph, Kind};
use crate::input::{Exit, Input, NodeId, RunId};
use crate::moment::Moment;
use crate::policy::{Policy, Role};
use crate::sequence::Outcome;
use crate::service::Service;
use crate::shutdown::{CENSUS_INTERVAL, Grace, Phase};
use change::Change;
use known::Known;
use rc::Reading;

pub use services::CATCH_ALL;

/// The supervisor of one container.
#[derive(Debug)]
pub struct Engine {
    policy: Policy,
    graph: Graph,
    phase: Phase,
    is_booted: bool,
    booted: Moment,
    /// When the scan directory is read again without being asked.
    rescan_at: Option<Moment>,
    /// The stop asks loggers to end too.
    signal_loggers: bool,
    gate: Option<NodeId>,
    hook: Option<NodeId>,
    fix_attrs: Option<NodeId>,
    cont_init: Option<NodeId>,
    reading: Reading,
    /// The services of s6-rc.
    known: Known,
    /// What stages need of them.
    stage_edges: Vec<(NodeId, NodeId)>,
    /// What is being changed among them.
    change: Option<Change>,
    /// What services of services.d need, but for their loggers.
    before_services: Vec<NodeId>,
    cmd: Option<NodeId>,
    last_run: u64,
    /// Stop signals from outside so far.
    stop_signals: u32,
}

impl Engine {
    /// An engine for a container with these rules. It does nothing before [`Input::Boot`].
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            graph: Graph::default(),
            phase: Phase::Booting { until: None },
            is_booted: false,
            booted: Moment::START,
            rescan_at: None,
            signal_loggers: false,
            gate: None,
            hook: None,
            fix_attrs: None,
            cont_init: None,
            reading: Reading::Done,
            known: Known::default(),
            stage_edges: Vec::new(),
            change: None,
            before_services: Vec::new(),
            cmd: None,
            last_run: 0,
            stop_signals: 0,
        }
    }

    /// Takes one input, which happened at `now`, and appends what has to be done about it.
    /// `now` never goes back from one call to the next. Late, repeated or unexpected inputs are
    /// harmless.
    pub fn handle(&mut self, now: Moment, input: Input, effects: &mut Vec<Effect>) {
        if self.is_over() {
            return;
        }
        match input {
            Input::Boot => self.boot(now, effects),
            Input::Timer => self.timer(now, effects),
            Input::StopSignal { signal, origin } => self.stop_signal(now, signal, origin, effects),
            Input::Stop { loggers } => {
                self.signal_loggers |= loggers;
                self.stop(now, Cause::Command, effects);
            }
            Input::Abort => self.abort(now, effects),
            Input::Rescan => self.rescan(now, effects),
            Input::Prune { loggers } => self.prune(now, loggers, effects),
            Input::Listed { node, steps } => {
                let outcome = self.with(node, now, effects, |kind, context| match kind {
                    Kind::Sequence(sequence) => sequence.listed(steps, context),
                    Kind::Service(_) | Kind::Oneshot(_) | Kind::Gate(_) | Kind::Cmd(_) => {
                        Outcome::Fine
                    }
                });
                self.conclude(now, outcome, effects);
            }
            Input::Definitions(definitions) => self.define(now, &definitions, effects),
            Input::Change {
                stop,
                start,
                redefine,
                timeout,
            } => self.change(now, &stop, start, redefine, timeout),
            Input::AbortChange => self.abort_change(now, effects),
            Input::Services { specs } => self.adopt(now, specs, effects),
            Input::Supervised { node, spec } => {
                self.with_service(node, now, effects, |service, context| {
                    service.supervised(*spec, context);
                });
            }
            Input::Refused { node } => {
                self.with_service(node, now, effects, Service::refused);
            }
            Input::Reread { node, spec } => {
                if let Some(service) = self.graph.service_mut(node) {
                    service.reread(*spec);
                }
            }
            Input::ControlAll { command } => {
                for node in self.graph.ids() {
                    self.with_service(node, now, effects, |service, context| {
                        service.obey(command, context);
                    });
                }
            }
            Input::Control { node, command } => {
                self.with_service(node, now, effects, |service, context| {
                    service.obey(command, context);
                });
            }
            Input::Spawned { node, run, pid } => {
                self.with(node, now, effects, |kind, context| match kind {
                    Kind::Service(service) => service.spawned(run, pid, context),
                    Kind::Oneshot(oneshot) => oneshot.spawned(run, context),
                    Kind::Sequence(sequence) => sequence.spawned(run, pid, context),
                    Kind::Cmd(cmd) => cmd.spawned(run, pid, context),
                    Kind::Gate(_) => {}
                });
            }
            Input::SpawnFailed { node, run, failure } => {
                let outcome = self.with(node, now, effects, |kind, context| match kind {
                    Kind::Service(service) => {
                        service.spawn_failed(run, context);
                        Ended::Nothing
                    }
                    Kind::Oneshot(oneshot) => {
                        oneshot.spawn_failed(run, failure, context);
                        Ended::Nothing
                    }
                    Kind::Sequence(sequence) => {
                        Ended::Stage(sequence.spawn_failed(run, failure, context))
                    }
                    Kind::Cmd(cmd) => Ended::cmd(cmd.spawn_failed(run, failure, context)),
                    Kind::Gate(_) => Ended::Nothing,
                });
                self.follow(now, outcome, effects);
            }
            Input::Ready { node, run } => {
                self.with_service(node, now, effects, |service, context| {
                    service.ready(run, context);
                });
            }
            Input::Pulse { node, run, pulse } => {
                self.with_service(node, now, effects, |service, context| {
                    service.pulse(run, pulse, context);
                });
            }
            Input::Exited { node, run, exit } => self.exited(now, node, run, exit, effects),
            Input::Census { left } => self.census(now, left, effects),
        }
        self.settle(now, effects);
    }

    /// The moment at which [`Input::Timer`] is due, if there is one.
    pub fn next_timeout(&self) -> Option<Moment> {
        if self.is_over() {
            return None;
        }
        self.graph
            .nodes()
            .filter_map(|node| node.kind.next_timeout())
            .chain(self.phase.next_timeout())
            .chain(self.change.as_ref().and_then(Change::next_timeout))
            .chain(self.rescan_at.filter(|_| self.phase.is_alive()))
            .min()
    }

    /// Whether the end of any process, orphans too, is of interest: the daemon then answers each
    /// with a census.
    pub fn counts_processes(&self) -> bool {
        match self.phase {
            Phase::Terminating { .. } | Phase::Killing { .. } => true,
            Phase::Booting { .. } | Phase::Running | Phase::Stopping { .. } | Phase::Over => false,
        }
    }

    /// Whether the boot is over, and no stop has been asked for yet.
    pub fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running)
    }

    /// Whether no stop has been asked for yet.
    pub fn is_alive(&self) -> bool {
        self.phase.is_alive()
    }

    /// Whether the end has come; nothing is done after it.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Every service: its name and what it is doing.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.graph.services()
    }

    fn exited(
        &mut self,
        now: Moment,
        node: NodeId,
        run: RunId,
        exit: Exit,
        effects: &mut Vec<Effect>,
    ) {
        let ended = self.with(node, now, effects, |kind, context| match kind {
            Kind::Service(service) => {
                service.exited(run, exit, context);
                Ended::Nothing
            }
            Kind::Oneshot(oneshot) => {
                oneshot.exited(run, exit, context);
                Ended::Nothing
            }
            Kind::Sequence(sequence) => Ended::Stage(sequence.exited(run, exit, context)),
            Kind::Cmd(cmd) => Ended::cmd(cmd.exited(run, exit, context)),
            Kind::Gate(_) => Ended::Nothing,
        });
        self.follow(now, ended, effects);
    }

    fn follow(&mut self, now: Moment, ended: Ended, effects: &mut Vec<Effect>) {
        match ended {
            Ended::Nothing => {}
            Ended::Stage(outcome) => self.conclude(now, outcome, effects),
            Ended::Cmd(code) => {
                // A CMD that ends by itself while the container already stops changes nothing.
                if self.phase.is_alive() {
                    effects.push(Effect::RecordExitCode(code));
                    self.stop(now, Cause::CmdEnded, effects);
                }
            }
        }
    }

    fn conclude(&mut self, now: Moment, outcome: Outcome, effects: &mut Vec<Effect>) {
        match outcome {
            Outcome::Fine => {}
            // Only a boot ends with it: s6-rc, which somebody called, has an exit code of its own.
            Outcome::Fatal(_) if self.phase == Phase::Running => {}
            Outcome::Fatal(code) => {
                if self.phase.is_alive() {
                    effects.push(Effect::RecordExitCode(code));
                    self.stop(now, Cause::BootFailed, effects);
                }
            }
        }
    }

    /// Starts what may start, opens the gate, ends boot, passes on the stop: whatever follows from
    /// the present states without anything new happening.
    fn settle(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        match self.phase {
            Phase::Booting { .. } | Phase::Running => {
                self.forget(effects);
                if self.policy.role == Role::Service && self.is_served() {
                    self.end(effects);
                    return;
                }
                self.start_what_may(now, effects);
                while self.carry_on_change(now, effects) {
                    self.start_what_may(now, effects);
                }
            }
            Phase::Stopping { .. } => {
                self.pass_on_stop(now, effects);
                let over = self
                    .graph
                    .nodes()
                    .all(|node| node.stop_told && (node.abandoned || node.kind.is_down()));
                if over {
                    self.graph_is_down(now, effects);
                }
            }
            Phase::Terminating { .. } | Phase::Killing { .. } | Phase::Over => {}
        }
    }

    /// Whether the one service was there and is gone.
    fn is_served(&self) -> bool {
        self.graph.ids().next().is_some() && self.graph.services().next().is_none()
    }

    fn timer(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        if self.rescan_at.is_some_and(|at| at <= now) {
            self.rescan(now, effects);
        }
        self.cut_change(now, effects);
        for id in self.graph.ids() {
            let due = self
                .graph
                .get(id)
                .and_then(|node| node.kind.next_timeout())
                .is_some_and(|at| at <= now);
            if due {
                self.with(id, now, effects, |kind, context| kind.timer(context));
            }
        }
        match self.phase {
            Phase::Booting { until: Some(until) } if until <= now => {
                self.boot_timed_out(now, effects);
            }
            Phase::Stopping {
                grace: Grace::Until(until),
            } if until <= now => self.leave_behind(effects),
            Phase::Terminating { kill_at, .. } if kill_at <= now => self.final_kill(now, effects),
            Phase::Killing { until, .. } if until <= now => {
                effects.push(Effect::Log(Event::Unkillable));
                self.end(effects);
            }
            Phase::Terminating {
                ref mut look_at, ..
            }
            | Phase::Killing {
                ref mut look_at, ..
            } if *look_at <= now => {
                *look_at = now.after(CENSUS_INTERVAL);
                effects.push(Effect::Census);
            }
            Phase::Booting { .. }
            | Phase::Running
            | Phase::Stopping { .. }
            | Phase::Terminating { .. }
            | Phase::Killing { .. }
            | Phase::Over => {}
        }
    }

    /// Lets a service act; nothing, if the node is none.
    fn with_service(
        &mut self,
        id: NodeId,
        now: Moment,
        effects: &mut Vec<Effect>,
        act: impl FnOnce(&mut Service, &mut Context<'_>),
    ) {
        self.with(id, now, effects, |kind, context| match kind {
            Kind::Service(service) => act(service, context),
            Kind::Oneshot(_) | Kind::Sequence(_) | Kind::Gate(_) | Kind::Cmd(_) => {}
        });
    }

    /// Lets the machine of one node act.
    fn with<T: Default>(
        &mut self,
        id: NodeId,
        now: Moment,
        effects: &mut Vec<Effect>,
        act: impl FnOnce(&mut Kind, &mut Context<'_>) -> T,
    ) -> T {
        let killing = self.phase.is_killing();
        let mut context = Context {
            node: id,
            now,
            rules: &self.policy,
            killing,
            last_run: &mut self.last_run,
            effects,
        };
        match self.graph.get_mut(id) {
            Some(node) => act(&mut node.kind, &mut context),
            None => T::default(),
        }
    }
}

/// What an ended process means beyond its node.
#[derive(Default)]
enum Ended {
    /// Nothing.
    #[default]
    Nothing,
    /// A stage may have failed.
    Stage(Outcome),
    /// The CMD ended by itself, with this code.
    Cmd(i32),
}

impl Ended {
    fn cmd(code: Option<i32>) -> Self {
        code.map_or(Self::Nothing, Self::Cmd)
    }
}
