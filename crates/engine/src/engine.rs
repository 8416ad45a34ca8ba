//! The engine itself: one input in, effects out.

use sixfold_model::settings::Behaviour;
use sixfold_model::{ServiceSpec, Signal};

use crate::cmd::Cmd;
use crate::effect::{Effect, Listing};
use crate::event::{Cause, Event};
use crate::gate::Gate;
use crate::graph::{Context, Graph, Kind};
use crate::input::{Exit, Input, NodeId, Origin, RunId};
use crate::moment::Moment;
use crate::policy::Policy;
use crate::sequence::{Outcome, Sequence};
use crate::service::Service;
use crate::shutdown::{CENSUS_INTERVAL, Grace, Phase, UNKILLABLE_AFTER};

/// The supervisor of one container.
#[derive(Debug)]
pub struct Engine {
    policy: Policy,
    graph: Graph,
    phase: Phase,
    booted: Moment,
    gate: Option<NodeId>,
    cont_init: Option<NodeId>,
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
            booted: Moment::START,
            gate: None,
            cont_init: None,
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
            Input::Boot => self.boot(now),
            Input::Timer => self.timer(now, effects),
            Input::StopSignal { signal, origin } => self.stop_signal(now, signal, origin, effects),
            Input::Stop => self.stop(now, Cause::Command, effects),
            Input::Rescan => {
                if self.phase.is_alive() && self.admits_services() {
                    effects.push(Effect::Rescan);
                }
            }
            Input::Listed { node, steps } => {
                let outcome = self.with(node, now, effects, |kind, context| match kind {
                    Kind::Sequence(sequence) => sequence.listed(steps, context),
                    Kind::Service(_) | Kind::Gate(_) | Kind::Cmd(_) => Outcome::Fine,
                });
                self.conclude(now, outcome, effects);
            }
            Input::Services { specs } => self.adopt(specs, effects),
            Input::Spawned { node, run, pid } => {
                self.with(node, now, effects, |kind, context| match kind {
                    Kind::Service(service) => service.spawned(run, pid, context),
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
                    Kind::Sequence(sequence) => {
                        Ended::Stage(sequence.spawn_failed(run, failure, context))
                    }
                    Kind::Cmd(cmd) => Ended::cmd(cmd.spawn_failed(run, failure, context)),
                    Kind::Gate(_) => Ended::Nothing,
                });
                self.follow(now, outcome, effects);
            }
            Input::Ready { node, run } => {
                self.with(node, now, effects, |kind, context| match kind {
                    Kind::Service(service) => service.ready(run, context),
                    Kind::Sequence(_) | Kind::Gate(_) | Kind::Cmd(_) => {}
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

    /// Whether the end has come; nothing is done after it.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Every service: its name and what it is doing.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.graph.services()
    }

    fn boot(&mut self, now: Moment) {
        if !self.phase.is_alive() || self.graph.nodes().next().is_some() {
            return;
        }
        self.booted = now;
        let mut last = None;
        if self.policy.has_hook {
            let hook = Kind::Sequence(Sequence::new(Listing::Hook, None));
            last = Some(self.graph.add(hook, &[]));
        }
        let fix_attrs = Kind::Sequence(Sequence::new(Listing::FixAttrs, None));
        let fix_attrs = self.graph.add(fix_attrs, last.as_slice());
        let cont_init = Sequence::new(Listing::ContInit, Some(Listing::ContFinish));
        let cont_init = self.graph.add(Kind::Sequence(cont_init), &[fix_attrs]);
        let gate = self.graph.add(Kind::Gate(Gate::new()), &[cont_init]);
        self.cont_init = Some(cont_init);
        self.gate = Some(gate);
        if !self.policy.cmd.is_empty() {
            let cmd = Cmd::new(self.policy.cmd.clone(), self.policy.cmd_has_terminal);
            self.cmd = Some(self.graph.add(Kind::Cmd(cmd), &[gate]));
        }
        self.phase = Phase::Booting {
            until: self.policy.boot_maxtime.map(|max| now.after(max)),
        };
    }

    fn admits_services(&self) -> bool {
        match self
            .gate
            .and_then(|id| self.graph.get(id))
            .map(|node| &node.kind)
        {
            Some(Kind::Gate(gate)) => gate.admits(),
            Some(Kind::Service(_) | Kind::Sequence(_) | Kind::Cmd(_)) | None => false,
        }
    }

    /// Takes in services that are not known by their name yet, each after its logger.
    fn adopt(&mut self, specs: Vec<ServiceSpec>, effects: &mut Vec<Effect>) {
        let (Some(gate), Some(cont_init)) = (self.gate, self.cont_init) else {
            return;
        };
        if !self.admits_services() {
            return;
        }
        for spec in specs {
            if self.graph.services().any(|known| known.name() == spec.name) {
                continue;
            }
            // A logger that cannot run reads nothing: its service then writes where all do.
            let logger = spec
                .log
                .as_deref()
                .filter(|log| log.has_run)
                .map(|log| self.add_service(log.clone(), &[cont_init], None, effects));
            let needs: Vec<NodeId> = logger.into_iter().chain([cont_init]).collect();
            let node = self.add_service(spec, &needs, logger, effects);
            self.graph.connect(gate, node);
        }
        if let Some(Kind::Gate(gate)) = self.graph.get_mut(gate).map(|node| &mut node.kind) {
            gate.filled();
        }
    }

    fn add_service(
        &mut self,
        spec: ServiceSpec,
        needs: &[NodeId],
        logger: Option<NodeId>,
        effects: &mut Vec<Effect>,
    ) -> NodeId {
        let is_logger = spec.name.ends_with("/log");
        let mut service = Service::new(spec.clone(), is_logger, self.policy.wait_for_services);
        if !spec.down {
            service.wake();
        }
        let node = self.graph.add(Kind::Service(Box::new(service)), needs);
        effects.push(Effect::Adopt {
            node,
            spec: Box::new(spec),
            logger,
        });
        node
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
            Outcome::Fatal(code) => {
                if self.phase.is_alive() {
                    effects.push(Effect::RecordExitCode(code));
                    self.stop(now, Cause::BootFailed, effects);
                }
            }
        }
    }

    fn stop_signal(
        &mut self,
        now: Moment,
        signal: Signal,
        origin: Origin,
        effects: &mut Vec<Effect>,
    ) {
        if self.policy.cmd_receives_signals
            && self.phase.is_alive()
            && let Some(cmd) = self.cmd.filter(|cmd| self.is_running_cmd(*cmd))
        {
            self.with(cmd, now, effects, |kind, context| {
                if let Kind::Cmd(cmd) = kind {
                    cmd.forward(signal, context);
                }
            });
            return;
        }
        match origin {
            Origin::Inside => {}
            Origin::Outside => {
                self.stop_signals = self.stop_signals.saturating_add(1);
                if self.stop_signals > 1 && !self.phase.is_alive() {
                    self.kill_now(now, effects);
                    return;
                }
            }
        }
        self.stop(now, Cause::Signal { signal, origin }, effects);
    }

    fn is_running_cmd(&self, id: NodeId) -> bool {
        match self.graph.get(id).map(|node| &node.kind) {
            Some(Kind::Cmd(cmd)) => cmd.is_running(),
            Some(Kind::Service(_) | Kind::Sequence(_) | Kind::Gate(_)) | None => false,
        }
    }

    fn stop(&mut self, now: Moment, cause: Cause, effects: &mut Vec<Effect>) {
        if !self.phase.is_alive() {
            return;
        }
        effects.push(Effect::Log(Event::StopRequested(cause)));
        self.phase = Phase::Stopping {
            grace: Grace::NotBegun,
        };
        // What waits for something will not get it now; only what was begun has to be undone.
        self.pass_on_stop(now, effects);
    }

    /// Tells every node to stop that nothing needs any longer.
    fn pass_on_stop(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let grace = self.policy.kill_gracetime;
        let services_gracetime = self.policy.services_gracetime;
        loop {
            let mut told = false;
            for id in self.graph.ids() {
                let due = self.graph.get(id).is_some_and(|node| !node.stop_told)
                    && self.graph.may_stop(id);
                if !due {
                    continue;
                }
                told = true;
                if let Some(node) = self.graph.get_mut(id) {
                    node.stop_told = true;
                }
                let is_service = self.with(id, now, effects, |kind, context| match kind {
                    Kind::Service(service) => {
                        service.stop(context);
                        true
                    }
                    Kind::Sequence(sequence) => {
                        sequence.stop(grace, context);
                        false
                    }
                    Kind::Gate(gate) => {
                        gate.close();
                        false
                    }
                    Kind::Cmd(cmd) => {
                        cmd.stop(grace, context);
                        false
                    }
                });
                // The grace time of the services begins when the first of them is told.
                let not_begun = Phase::Stopping {
                    grace: Grace::NotBegun,
                };
                if is_service && self.phase == not_begun {
                    let grace = services_gracetime.map(|grace| Grace::Until(now.after(grace)));
                    self.phase = Phase::Stopping {
                        grace: grace.unwrap_or(Grace::Unlimited),
                    };
                }
            }
            if !told {
                return;
            }
        }
    }

    /// Starts what may start, opens the gate, ends boot, passes on the stop: whatever follows from
    /// the present states without anything new happening.
    fn settle(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        match self.phase {
            Phase::Booting { .. } | Phase::Running => self.start_what_may(now, effects),
            Phase::Stopping { .. } => {
                self.pass_on_stop(now, effects);
                let over = self
                    .graph
                    .nodes()
                    .all(|node| node.stop_told && (node.abandoned || node.kind.is_down()));
                if over {
                    self.terminate(now, effects);
                }
            }
            Phase::Terminating { .. } | Phase::Killing { .. } | Phase::Over => {}
        }
    }

    fn start_what_may(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        for id in self.graph.ids() {
            let waits = self
                .graph
                .get(id)
                .is_some_and(|node| node.kind.is_waiting());
            if !waits || Some(id) == self.cmd || !self.graph.may_start(id) {
                continue;
            }
            self.with(id, now, effects, |kind, context| match kind {
                Kind::Service(service) => service.start(context),
                Kind::Sequence(sequence) => sequence.start(context),
                Kind::Gate(gate) => gate.start(context),
                Kind::Cmd(_) => {}
            });
        }
        self.look_at_gate(now, effects);
        if let Phase::Booting { .. } = self.phase
            && !self.graph.nodes().any(|node| node.kind.is_pending())
        {
            self.phase = Phase::Running;
            if let Some(cmd) = self.cmd {
                self.with(cmd, now, effects, |kind, context| {
                    if let Kind::Cmd(cmd) = kind {
                        cmd.start(context);
                    }
                });
            }
        }
    }

    fn look_at_gate(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let Some(id) = self.gate else {
            return;
        };
        let pending = self.graph.services().any(Service::is_pending);
        let count = self.graph.services().count();
        let booted = self.booted;
        self.with(id, now, effects, |kind, context| {
            if let Kind::Gate(gate) = kind {
                gate.look(pending, count, booted, context);
            }
        });
    }

    fn timer(&mut self, now: Moment, effects: &mut Vec<Effect>) {
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

    fn boot_timed_out(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        self.phase = Phase::Booting { until: None };
        let waiting = self.names(|kind| kind.is_pending());
        let fatal = self.policy.behaviour == Behaviour::Stop;
        effects.push(Effect::Log(Event::BootTimedOut { waiting, fatal }));
        let grace = self.policy.kill_gracetime;
        for id in self.graph.ids() {
            self.with(id, now, effects, |kind, context| match kind {
                Kind::Sequence(sequence) => sequence.give_up(grace, context),
                // Services that are on their way go on; nobody waits for them any more.
                Kind::Service(service) => service.give_up(),
                Kind::Gate(gate) => {
                    if gate.state() == crate::gate::State::Waiting {
                        gate.close();
                    }
                }
                Kind::Cmd(_) => {}
            });
        }
        if fatal {
            // The exit code of s6-rc for a timeout (spec overlay 1.7, step 7).
            effects.push(Effect::RecordExitCode(2));
            self.stop(now, Cause::BootFailed, effects);
        }
    }

    /// The grace time of the services is over: the stop goes on without those that are left.
    fn leave_behind(&mut self, effects: &mut Vec<Effect>) {
        self.phase = Phase::Stopping { grace: Grace::Over };
        let mut services = Vec::new();
        for id in self.graph.ids() {
            if let Some(node) = self.graph.get_mut(id)
                && matches!(node.kind, Kind::Service(_))
                && !node.kind.is_down()
            {
                node.abandoned = true;
                services.push(node.kind.name().to_owned());
            }
        }
        if !services.is_empty() {
            effects.push(Effect::Log(Event::GraceExpired { services }));
        }
    }

    fn terminate(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        effects.push(Effect::Log(Event::FinalTerm));
        effects.push(Effect::SignalAll(Signal::TERM));
        effects.push(Effect::SignalAll(Signal::CONT));
        let kill_at = now.after(self.policy.kill_gracetime);
        self.phase = Phase::Terminating {
            kill_at,
            look_at: now.after(CENSUS_INTERVAL),
        };
        effects.push(Effect::Census);
    }

    fn final_kill(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        effects.push(Effect::Log(Event::FinalKill));
        self.phase = Phase::Killing {
            until: now.after(UNKILLABLE_AFTER),
            look_at: now.after(CENSUS_INTERVAL),
        };
        for id in self.graph.ids() {
            self.with(id, now, effects, |kind, context| kind.kill(context));
        }
        effects.push(Effect::SignalAll(Signal::KILL));
        effects.push(Effect::Census);
    }

    fn kill_now(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        if !self.phase.is_killing() {
            effects.push(Effect::Log(Event::KillRequested));
            self.final_kill(now, effects);
        }
    }

    fn census(&mut self, now: Moment, left: bool, effects: &mut Vec<Effect>) {
        match (&mut self.phase, left) {
            (Phase::Terminating { .. }, false) => self.final_kill(now, effects),
            (Phase::Killing { .. }, false) => self.end(effects),
            (Phase::Terminating { look_at, .. } | Phase::Killing { look_at, .. }, true) => {
                *look_at = now.after(CENSUS_INTERVAL);
            }
            (Phase::Booting { .. } | Phase::Running | Phase::Stopping { .. } | Phase::Over, _) => {}
        }
    }

    fn end(&mut self, effects: &mut Vec<Effect>) {
        self.phase = Phase::Over;
        if self.policy.sync_disks {
            effects.push(Effect::Sync);
        }
        effects.push(Effect::Exit);
    }

    fn names(&self, wanted: impl Fn(&Kind) -> bool) -> Vec<String> {
        self.graph
            .nodes()
            .filter(|node| wanted(&node.kind))
            .map(|node| node.kind.name().to_owned())
            .collect()
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
