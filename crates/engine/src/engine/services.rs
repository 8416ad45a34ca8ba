//! The services in the scan directory: which there are, which are new, and which are gone
//! (s6-svscan).

use sixfold_model::ServiceSpec;

use super::Engine;
use crate::effect::Effect;
use crate::event::Event;
use crate::graph::Kind;
use crate::input::NodeId;
use crate::moment::Moment;
use crate::policy::Role;
use crate::service::Service;

/// What the service that reads everything's last words is called. It is no logger of a service, but
/// is stopped like one (s6-svscan).
pub const CATCH_ALL: &str = "s6-svscan-log";

impl Engine {
    /// Whether services that are found now are wanted.
    pub(super) fn admits_services(&self) -> bool {
        match self.policy.role {
            Role::ScanDirectory { .. } | Role::Service => self.phase.is_alive(),
            Role::Container => {
                let gate = self.gate.and_then(|id| self.graph.get(id));
                match gate.map(|node| &node.kind) {
                    Some(Kind::Gate(gate)) => self.phase.is_alive() && gate.admits(),
                    Some(
                        Kind::Service(_) | Kind::Oneshot(_) | Kind::Sequence(_) | Kind::Cmd(_),
                    )
                    | None => false,
                }
            }
        }
    }

    /// Takes note of what is in the scan directory now: takes in what is new, each service after
    /// its logger, and notes what is no longer there, which runs on until it is pruned.
    pub(super) fn adopt(
        &mut self,
        now: Moment,
        specs: Vec<ServiceSpec>,
        effects: &mut Vec<Effect>,
    ) {
        if !self.admits_services() {
            return;
        }
        if self.policy.role != Role::Service {
            self.graph
                .services_mut()
                .for_each(|known| known.list(false));
        }
        for spec in specs {
            let log = spec.log.clone();
            let is_known = self.see(&spec);
            // A logger that appeared after its service is not connected to it any more.
            let is_log_known = log.as_deref().is_some_and(|log| self.see(log));
            if is_known {
                continue;
            }
            let logger = log.filter(|log| log.has_run && !is_log_known);
            self.take_in(spec, logger, effects);
        }
        if let Some(gate) = self.gate
            && let Some(Kind::Gate(gate)) = self.graph.get_mut(gate).map(|node| &mut node.kind)
        {
            gate.filled();
            if gate.emptied() {
                self.prune(now, true, effects);
            }
        }
    }

    /// Notes that a service is there, if it is known already.
    fn see(&mut self, spec: &ServiceSpec) -> bool {
        let known = self
            .graph
            .services_mut()
            .find(|known| known.spec().is_same(spec));
        match known {
            Some(known) => {
                known.list(true);
                known.reread(spec.clone());
                true
            }
            None => false,
        }
    }

    fn take_in(
        &mut self,
        spec: ServiceSpec,
        logger: Option<Box<ServiceSpec>>,
        effects: &mut Vec<Effect>,
    ) {
        let wanted = if logger.is_some() { 2 } else { 1 };
        if let Role::ScanDirectory { most, .. } = self.policy.role
            && self.graph.services().count().saturating_add(wanted) > most
        {
            effects.push(Effect::Log(Event::TooManyServices { service: spec.name }));
            return;
        }
        // A logger that cannot run reads nothing: its service then writes where all do.
        let before = self.before_services.clone();
        let logger = logger.map(|log| self.add_service(*log, &before, None, effects));
        let needs: Vec<NodeId> = logger.into_iter().chain(before).collect();
        let node = self.add_service(spec, &needs, logger, effects);
        if let Some(gate) = self.gate {
            self.graph.connect(gate, node);
        }
    }

    fn add_service(
        &mut self,
        spec: ServiceSpec,
        needs: &[NodeId],
        logger: Option<NodeId>,
        effects: &mut Vec<Effect>,
    ) -> NodeId {
        let is_logger = spec.name.ends_with("/log") || spec.name == CATCH_ALL;
        let mut service = Service::new(spec.clone(), is_logger, self.policy.wait_for_services);
        // Who supervises one service alone does not come back to it.
        service.list(self.policy.role != Role::Service);
        let node = self.graph.add(Kind::Service(Box::new(service)), needs);
        effects.push(Effect::Adopt {
            node,
            spec: Box::new(spec),
            logger,
        });
        node
    }

    /// Stops what is no longer in the scan directory.
    pub(super) fn prune(&mut self, now: Moment, loggers: bool, effects: &mut Vec<Effect>) {
        if !self.phase.is_alive() || self.policy.role == Role::Service {
            return;
        }
        let gone: Vec<NodeId> = self
            .graph
            .numbered_services()
            .filter(|(_, service)| !service.is_listed())
            .map(|(id, _)| id)
            .collect();
        for id in gone {
            self.with(id, now, effects, |kind, context| {
                if let Kind::Service(service) = kind {
                    service.stop(loggers, context);
                }
            });
        }
    }

    /// Removes the services that nobody will ever ask for again.
    pub(super) fn forget(&mut self, effects: &mut Vec<Effect>) {
        let gone: Vec<NodeId> = self
            .graph
            .numbered_services()
            .filter(|(_, service)| service.is_forgotten())
            .map(|(id, _)| id)
            .collect();
        for id in gone {
            self.graph.remove(id);
            effects.push(Effect::Forget { node: id });
        }
    }
}
