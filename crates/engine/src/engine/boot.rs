//! The way up: the graph of the container, what may start, and the end of boot.

use sixfold_model::rc::stock;
use sixfold_model::settings::Behaviour;

use super::Engine;
use super::rc::Reading;
use crate::cmd::Cmd;
use crate::effect::Effect;
use crate::event::{Cause, Event};
use crate::gate::Gate;
use crate::graph::Kind;
use crate::input::{Listing, NodeId};
use crate::moment::Moment;
use crate::policy::Role;
use crate::sequence::Sequence;
use crate::service::Service;
use crate::shutdown::Phase;

impl Engine {
    pub(super) fn boot(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        if !self.phase.is_alive() || self.is_booted {
            return;
        }
        self.is_booted = true;
        self.booted = now;
        match self.policy.role {
            Role::Container => self.boot_container(now),
            Role::ScanDirectory { .. } => {
                self.phase = Phase::Running;
                self.rescan(now, effects);
            }
            Role::Service => self.phase = Phase::Running,
        }
    }

    /// Reads the scan directory, and again after the time for that.
    pub(super) fn rescan(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        if !self.admits_services() || self.policy.role == Role::Service {
            return;
        }
        if let Role::ScanDirectory { rescan, .. } = self.policy.role {
            self.rescan_at = rescan.map(|interval| now.after(interval));
        }
        effects.push(Effect::Rescan);
    }

    fn boot_container(&mut self, now: Moment) {
        if self.policy.has_hook {
            let hook = Kind::Sequence(Sequence::new(Listing::Hook, None));
            self.hook = Some(self.graph.add(hook, &[]));
        }
        if self.policy.has_definitions {
            self.reading = Reading::Wanted;
        }
        let fix_attrs = Kind::Sequence(Sequence::new(Listing::FixAttrs, None));
        let fix_attrs = self.graph.add(fix_attrs, self.hook.as_slice());
        self.fix_attrs = Some(fix_attrs);
        let cont_init = Sequence::new(Listing::ContInit, Some(Listing::ContFinish));
        let cont_init = self.graph.add(Kind::Sequence(cont_init), &[fix_attrs]);
        let gate = self.graph.add(Kind::Gate(Gate::new()), &[cont_init]);
        self.known.add_stage(stock::FIX_ATTRS, fix_attrs);
        self.known.add_stage(stock::CONT_INIT, cont_init);
        self.known.add_stage(stock::SERVICES, gate);
        self.cont_init = Some(cont_init);
        self.before_services = vec![cont_init];
        self.gate = Some(gate);
        if !self.policy.cmd.is_empty() {
            let cmd = Cmd::new(self.policy.cmd.clone(), self.policy.cmd_has_terminal);
            self.cmd = Some(self.graph.add(Kind::Cmd(cmd), &[gate]));
        }
        self.phase = Phase::Booting {
            until: self.policy.boot_maxtime.map(|max| now.after(max)),
        };
    }

    pub(super) fn start_what_may(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        self.read_definitions(effects);
        // What has nothing to do is up at once, and then more may start.
        while self.start_some(now, effects) {}
        if let Phase::Booting { .. } = self.phase
            && self.reading == Reading::Done
            && !self.graph.nodes().any(|node| node.kind.is_pending())
        {
            if !self.is_complete(now, effects) {
                return;
            }
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

    /// Starts what may start now. Whether that may have let more start.
    fn start_some(&mut self, now: Moment, effects: &mut Vec<Effect>) -> bool {
        let mut waiting = self.what_waits();
        self.block_what_cannot_start(&mut waiting);
        let is_up = |engine: &Self, id| engine.graph.get(id).is_some_and(|it| it.kind.is_up());
        let gate_was_up = self.gate.is_some_and(|gate| is_up(self, gate));
        let mut is_news = false;
        for id in self.in_order_of_starts(waiting) {
            // The stages may need what is not known yet.
            let is_stage = [self.fix_attrs, self.cont_init, self.gate].contains(&Some(id));
            let is_early = self.reading != Reading::Done && is_stage;
            if is_early || !self.graph.may_start(id) {
                continue;
            }
            self.with(id, now, effects, |kind, context| match kind {
                Kind::Service(service) => service.start(context),
                Kind::Oneshot(oneshot) => oneshot.start(context),
                Kind::Sequence(sequence) => sequence.start(context),
                Kind::Gate(gate) => gate.start(context),
                Kind::Cmd(_) => {}
            });
            is_news |= is_up(self, id);
        }
        self.look_at_gate(now, effects);
        is_news || self.gate.is_some_and(|gate| is_up(self, gate)) != gate_was_up
    }

    /// What is to be started as soon as it may be. The CMD waits for the whole of the boot.
    fn what_waits(&self) -> Vec<NodeId> {
        let waits = |id: &NodeId| Some(*id) != self.cmd && self.graph.is_waiting(*id);
        self.graph.ids().filter(waits).collect()
    }

    /// These nodes in the order in which they start if nothing else tells them apart. s6-rc begins with
    /// the last of its services.
    fn in_order_of_starts(&self, nodes: Vec<NodeId>) -> Vec<NodeId> {
        let is_rc = |id: &NodeId| match self.graph.get(*id).map(|node| &node.kind) {
            Some(Kind::Service(service)) => service.is_longrun(),
            Some(Kind::Oneshot(_)) => true,
            Some(Kind::Sequence(_) | Kind::Gate(_) | Kind::Cmd(_)) | None => false,
        };
        let (mut order, others): (Vec<NodeId>, Vec<NodeId>) = nodes.into_iter().partition(is_rc);
        order.reverse();
        order.extend(others);
        order
    }

    pub(super) fn look_at_gate(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let looks = |kind: &Kind| matches!(kind, Kind::Gate(gate) if gate.is_filling() || gate.is_closing());
        let Some(id) = self.gate else {
            return;
        };
        if !self.graph.get(id).is_some_and(|node| looks(&node.kind)) {
            return;
        }
        let services = || self.graph.services().filter(|it| !it.is_longrun());
        let pending = services().any(Service::is_pending);
        let count = services().count();
        let is_emptied = services().all(Service::is_listed);
        let booted = self.booted;
        self.with(id, now, effects, |kind, context| {
            if let Kind::Gate(gate) = kind {
                if gate.is_closing() && is_emptied {
                    gate.close();
                }
                gate.look(pending, count, booted, context);
            }
        });
    }

    pub(super) fn boot_timed_out(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        self.phase = Phase::Booting { until: None };
        self.give_up_definitions();
        let waiting = self.names(|kind| kind.is_pending());
        let fatal = self.policy.behaviour == Behaviour::Stop;
        effects.push(Effect::Log(Event::BootTimedOut { waiting, fatal }));
        let grace = self.policy.kill_gracetime;
        for id in self.graph.ids() {
            self.with(id, now, effects, |kind, context| match kind {
                Kind::Sequence(sequence) => sequence.give_up(grace, context),
                // Services that are on their way go on; nobody waits for them any more.
                Kind::Service(service) => service.give_up(context),
                Kind::Oneshot(oneshot) => oneshot.give_up(context),
                Kind::Gate(gate) => {
                    if gate.state() == crate::gate::State::Waiting {
                        gate.close();
                    }
                }
                Kind::Cmd(_) => {}
            });
        }
        if fatal {
            // The exit code of s6-rc for a timeout (s6-overlay v3, rc.init).
            effects.push(Effect::RecordExitCode(2));
            self.stop(now, Cause::BootFailed, effects);
        }
    }

    pub(super) fn names(&self, wanted: impl Fn(&Kind) -> bool) -> Vec<String> {
        self.graph
            .nodes()
            .filter(|node| wanted(&node.kind))
            .map(|node| node.kind.name().to_owned())
            .collect()
    }
}
