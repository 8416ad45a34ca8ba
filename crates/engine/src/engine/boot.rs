//! The way up: the graph of the container, the services in it, and the end of boot.

use sixfold_model::ServiceSpec;
use sixfold_model::settings::Behaviour;

use super::Engine;
use crate::cmd::Cmd;
use crate::effect::Effect;
use crate::event::{Cause, Event};
use crate::gate::Gate;
use crate::graph::Kind;
use crate::input::{Listing, NodeId};
use crate::moment::Moment;
use crate::sequence::Sequence;
use crate::service::Service;
use crate::shutdown::Phase;

impl Engine {
    pub(super) fn boot(&mut self, now: Moment) {
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

    pub(super) fn admits_services(&self) -> bool {
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
    pub(super) fn adopt(&mut self, specs: Vec<ServiceSpec>, effects: &mut Vec<Effect>) {
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

    pub(super) fn add_service(
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

    pub(super) fn start_what_may(&mut self, now: Moment, effects: &mut Vec<Effect>) {
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

    pub(super) fn look_at_gate(&mut self, now: Moment, effects: &mut Vec<Effect>) {
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

    pub(super) fn boot_timed_out(&mut self, now: Moment, effects: &mut Vec<Effect>) {
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
