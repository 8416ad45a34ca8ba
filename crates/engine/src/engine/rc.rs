//! The services of s6-rc: their nodes, what failed among them, and what that means for boot.

use sixfold_model::settings::Behaviour;

use super::Engine;
use crate::definitions::{Definitions, Nature, Need};
use crate::effect::Effect;
use crate::event::{Cause, Event};
use crate::graph::Kind;
use crate::input::NodeId;
use crate::moment::Moment;
use crate::oneshot::Oneshot;
use crate::service::Service;

/// Whether the services of s6-rc are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// They are to be asked for, once the hook that may change them is over.
    Wanted,
    /// The daemon was asked.
    Asked,
    /// They are known, or there are none.
    Done,
}

impl Engine {
    /// Asks for the services of s6-rc, when it is time.
    pub(super) fn read_definitions(&mut self, effects: &mut Vec<Effect>) {
        let is_hook_over = self.hook.is_none_or(|hook| {
            let hook = self.graph.get(hook);
            hook.is_some_and(|hook| hook.kind.is_up())
        });
        if self.reading == Reading::Wanted && is_hook_over {
            self.reading = Reading::Asked;
            effects.push(Effect::ListDefinitions);
        }
    }

    /// Boot took too long before they were even asked for: they are not started.
    pub(super) fn give_up_definitions(&mut self) {
        self.reading = Reading::Done;
    }

    /// The services of s6-rc are known: each becomes a node.
    pub(super) fn define(&mut self, definitions: Definitions, effects: &mut Vec<Effect>) {
        if self.reading != Reading::Asked || !self.phase.is_alive() {
            return;
        }
        self.reading = Reading::Done;
        let nodes: Vec<NodeId> = definitions
            .all
            .iter()
            .map(|definition| {
                let name = definition.name.clone();
                let kind = match &definition.nature {
                    Nature::Oneshot { up, down } => Kind::Oneshot(Box::new(Oneshot::new(
                        name,
                        up.clone(),
                        down.clone(),
                        definition.timeouts,
                    ))),
                    Nature::Longrun { spec, .. } => Kind::Service(Box::new(Service::longrun(
                        spec.as_ref().clone(),
                        definition.timeouts,
                    ))),
                    Nature::Broken => Kind::Oneshot(Box::new(Oneshot::broken(name))),
                };
                self.graph.add(kind, &[])
            })
            .collect();
        let node_of = |need: &Need| match need {
            Need::Service(place) => nodes.get(*place).copied(),
            Need::FixAttrs => self.fix_attrs,
            Need::ContInit => self.cont_init,
            Need::Services => self.gate,
        };
        let mut edges = Vec::new();
        for (node, definition) in nodes.iter().zip(&definitions.all) {
            edges.extend(definition.needs.iter().map(|need| (*node, node_of(need))));
        }
        let stages = [
            (self.gate, &definitions.services_need),
            (self.cont_init, &definitions.cont_init_needs),
            (self.fix_attrs, &definitions.fix_attrs_needs),
        ];
        for (stage, needs) in stages {
            let Some(stage) = stage else { continue };
            edges.extend(needs.iter().map(|need| (stage, node_of(need))));
        }
        let before: Vec<NodeId> = definitions
            .services_need
            .iter()
            .filter_map(node_of)
            .collect();
        self.before_services.extend(before);
        for (node, need) in edges {
            if let Some(need) = need {
                self.graph.connect(node, need);
            }
        }
        self.adopt_longruns(&definitions, &nodes, effects);
    }

    /// Has the daemon take charge of the longruns, each after the one that reads what it writes.
    fn adopt_longruns(
        &self,
        definitions: &Definitions,
        nodes: &[NodeId],
        effects: &mut Vec<Effect>,
    ) {
        let mut is_adopted = vec![false; nodes.len()];
        for first in 0..nodes.len() {
            // From here to the end of the pipeline, whose end comes first.
            let mut chain = Vec::new();
            let mut next = Some(first);
            while let Some(place) = next
                && let Some(adopted) = is_adopted.get_mut(place)
                && !std::mem::replace(adopted, true)
            {
                chain.push(place);
                next = match definitions.all.get(place).map(|it| &it.nature) {
                    Some(Nature::Longrun { reader, .. }) => *reader,
                    Some(Nature::Oneshot { .. } | Nature::Broken) | None => None,
                };
            }
            for place in chain.into_iter().rev() {
                let definition = definitions.all.get(place);
                if let Some(Nature::Longrun { spec, reader }) = definition.map(|it| &it.nature)
                    && let Some(node) = nodes.get(place)
                {
                    effects.push(Effect::Adopt {
                        node: *node,
                        spec: spec.clone(),
                        logger: reader.and_then(|reader| nodes.get(reader).copied()),
                    });
                }
            }
        }
    }

    /// What needs something that has failed will never start, and neither will what needs that.
    pub(super) fn block_what_cannot_start(&mut self) {
        loop {
            let mut blocked = Vec::new();
            for id in self.graph.ids() {
                let waits = self
                    .graph
                    .get(id)
                    .is_some_and(|node| node.kind.is_waiting());
                if waits && Some(id) != self.cmd && self.graph.is_blocked(id) {
                    blocked.push(id);
                }
            }
            let mut is_news = false;
            for id in blocked {
                if let Some(node) = self.graph.get_mut(id) {
                    node.kind.block();
                    is_news |= !node.kind.is_waiting();
                }
            }
            if !is_news {
                return;
            }
        }
    }

    /// At the end of boot: says what of s6-rc is not up, and stops the container if it has to. Whether
    /// boot may go on.
    pub(super) fn is_complete(&mut self, now: Moment, effects: &mut Vec<Effect>) -> bool {
        let services = self.names(Kind::has_failed);
        if services.is_empty() || self.policy.behaviour == Behaviour::Continue {
            return true;
        }
        let fatal = self.policy.behaviour == Behaviour::Stop;
        effects.push(Effect::Log(Event::RcIncomplete { services, fatal }));
        if fatal {
            // The exit code of s6-rc for services that failed (s6-overlay v3, rc.init).
            effects.push(Effect::RecordExitCode(1));
            self.stop(now, Cause::BootFailed, effects);
        }
        !fatal
    }
}
