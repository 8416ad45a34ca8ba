//! The services of s6-rc: their nodes, what failed among them, and what that means for boot.

use std::collections::{BTreeMap, BTreeSet};

use sixfold_model::settings::Behaviour;

use super::Engine;
use super::known::Entry;
use crate::definitions::{Definition, Definitions, Nature, Need};
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

    /// The services of s6-rc are known, at boot or in the middle of a change that redefines them.
    pub(super) fn define(
        &mut self,
        now: Moment,
        definitions: &Definitions,
        effects: &mut Vec<Effect>,
    ) {
        if !self.phase.is_alive() {
            return;
        }
        if self.reading == Reading::Asked {
            self.reading = Reading::Done;
            self.take_definitions(now, definitions, true, effects);
        } else if self.awaits_definitions() {
            self.take_definitions(now, definitions, false, effects);
            self.go_on_redefined();
        }
    }

    /// Each becomes a node, or stays the one that it is; what is gone is removed, which is down by now.
    fn take_definitions(
        &mut self,
        now: Moment,
        definitions: &Definitions,
        is_boot: bool,
        effects: &mut Vec<Effect>,
    ) {
        let mut before = self.known.take();
        let kept = self.kept(&before, definitions);
        let mut stay = BTreeMap::new();
        for definition in definitions
            .all
            .iter()
            .filter(|it| kept.contains(it.name.as_str()))
        {
            stay.extend(before.remove_entry(&definition.name));
        }
        self.retire(now, before, effects);
        let mut nodes = Vec::with_capacity(definitions.all.len());
        let mut is_new = Vec::with_capacity(definitions.all.len());
        for definition in &definitions.all {
            let known = stay.get(&definition.name).map(|entry| entry.node);
            let node = match known {
                Some(node) => self.update(node, definition),
                None => self.graph.add(node_of(definition, is_boot), &[]),
            };
            let entry = Entry {
                node,
                reader: reader(definitions, definition).map(str::to_owned),
            };
            self.known.add(definition.name.clone(), entry);
            nodes.push(node);
            is_new.push(known.is_none());
        }
        self.draw_edges(definitions, &nodes);
        self.adopt_longruns(definitions, &nodes, is_new, effects);
    }

    /// The services that stay the nodes that they are: of the same nature as before, and read by the
    /// same service.
    fn kept<'a>(
        &self,
        before: &BTreeMap<String, Entry>,
        definitions: &'a Definitions,
    ) -> BTreeSet<&'a str> {
        let is_same = |definition: &&Definition| {
            let Some(entry) = before.get(&definition.name) else {
                return false;
            };
            let node = self.graph.get(entry.node).map(|node| &node.kind);
            match (&definition.nature, node) {
                (Nature::Oneshot { .. }, Some(Kind::Oneshot(oneshot))) => !oneshot.is_broken(),
                (Nature::Longrun { .. }, Some(Kind::Service(_))) => {
                    entry.reader.as_deref() == reader(definitions, definition)
                }
                (Nature::Oneshot { .. } | Nature::Longrun { .. } | Nature::Broken, _) => false,
            }
        };
        let same = definitions.all.iter().filter(is_same);
        let mut kept: BTreeSet<&str> = same.map(|it| it.name.as_str()).collect();
        // Who writes to a pipe that is made anew is a new one too.
        loop {
            let cut = definitions.all.iter().find(|definition| {
                let reader = reader(definitions, definition);
                kept.contains(definition.name.as_str())
                    && reader.is_some_and(|reader| !kept.contains(reader))
            });
            match cut {
                Some(definition) => kept.remove(definition.name.as_str()),
                None => return kept,
            };
        }
    }

    /// Removes what is no service any more. Longruns are left by their supervisors first.
    fn retire(&mut self, now: Moment, gone: BTreeMap<String, Entry>, effects: &mut Vec<Effect>) {
        for entry in gone.into_values() {
            let is_service = self.with(entry.node, now, effects, |kind, context| match kind {
                Kind::Service(service) => {
                    service.stop(true, context);
                    true
                }
                Kind::Oneshot(_) | Kind::Sequence(_) | Kind::Gate(_) | Kind::Cmd(_) => false,
            });
            if !is_service {
                self.graph.remove(entry.node);
            }
        }
        self.forget(effects);
    }

    /// Its sources say something else now, perhaps.
    fn update(&mut self, id: NodeId, definition: &Definition) -> NodeId {
        let kind = self.graph.get_mut(id).map(|node| &mut node.kind);
        match (kind, &definition.nature) {
            (Some(Kind::Oneshot(oneshot)), Nature::Oneshot { up, down }) => {
                oneshot.redefine(up.clone(), down.clone(), definition.timeouts);
            }
            (Some(Kind::Service(service)), Nature::Longrun { spec, .. }) => {
                service.redefine(spec.as_ref().clone(), definition.timeouts);
            }
            (_, Nature::Oneshot { .. } | Nature::Longrun { .. } | Nature::Broken) => {}
        }
        id
    }

    /// Draws what needs what among the services, and between them and the stages.
    fn draw_edges(&mut self, definitions: &Definitions, nodes: &[NodeId]) {
        for (node, need) in std::mem::take(&mut self.stage_edges) {
            self.graph.disconnect(node, need);
        }
        for node in nodes {
            let needs = self.graph.get(*node).map(|node| node.needs.clone());
            for need in needs.into_iter().flatten() {
                self.graph.disconnect(*node, need);
            }
        }
        let node_of = |need: &Need| match need {
            Need::Service(place) => nodes.get(*place).copied(),
            Need::FixAttrs => self.fix_attrs,
            Need::ContInit => self.cont_init,
            Need::Services => self.gate,
        };
        let mut edges = Vec::new();
        for (node, definition) in nodes.iter().zip(&definitions.all) {
            let needs = definition.needs.iter().filter_map(node_of);
            edges.extend(needs.map(|need| (*node, need)));
        }
        let stages = [
            (self.gate, &definitions.services_need),
            (self.cont_init, &definitions.cont_init_needs),
            (self.fix_attrs, &definitions.fix_attrs_needs),
        ];
        let mut stage_edges = Vec::new();
        for (stage, needs) in stages {
            let Some(stage) = stage else { continue };
            let needs = needs.iter().filter_map(node_of);
            stage_edges.extend(needs.map(|need| (stage, need)));
        }
        let needed = definitions.services_need.iter().filter_map(node_of);
        self.before_services = self.cont_init.into_iter().chain(needed).collect();
        for (node, need) in edges.iter().chain(&stage_edges) {
            self.graph.connect(*node, *need);
        }
        self.stage_edges = stage_edges;
    }

    /// Has the daemon take charge of the new longruns, each after the one that reads what it writes.
    fn adopt_longruns(
        &self,
        definitions: &Definitions,
        nodes: &[NodeId],
        mut is_new: Vec<bool>,
        effects: &mut Vec<Effect>,
    ) {
        for first in 0..nodes.len() {
            // From here to the end of the pipeline, whose end comes first.
            let mut chain = Vec::new();
            let mut next = Some(first);
            while let Some(place) = next
                && let Some(is_left) = is_new.get_mut(place)
                && std::mem::take(is_left)
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

    /// What needs something that has failed will never start, and neither will what needs that: it is
    /// taken out of `waiting`.
    pub(super) fn block_what_cannot_start(&mut self, waiting: &mut Vec<NodeId>) {
        loop {
            let count = waiting.len();
            let is_blocked = |id: &NodeId| self.graph.is_blocked(*id);
            let blocked: Vec<NodeId> = waiting.iter().copied().filter(is_blocked).collect();
            for id in blocked {
                if let Some(node) = self.graph.get_mut(id) {
                    node.kind.block();
                }
            }
            waiting.retain(|id| self.graph.is_waiting(*id));
            if waiting.len() == count {
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

/// The node that a service becomes. At boot it waits for its turn, if the boot starts it.
fn node_of(definition: &Definition, is_boot: bool) -> Kind {
    let name = definition.name.clone();
    let is_wanted = is_boot && definition.is_wanted;
    match &definition.nature {
        Nature::Oneshot { up, down } => {
            let mut oneshot = Oneshot::new(name, up.clone(), down.clone(), definition.timeouts);
            if is_wanted {
                oneshot.want_up();
            }
            Kind::Oneshot(Box::new(oneshot))
        }
        Nature::Longrun { spec, .. } => Kind::Service(Box::new(Service::longrun(
            spec.as_ref().clone(),
            definition.timeouts,
            is_wanted,
        ))),
        Nature::Broken => Kind::Oneshot(Box::new(Oneshot::broken(name))),
    }
}

/// The longrun that reads what a service writes.
fn reader<'a>(definitions: &'a Definitions, definition: &Definition) -> Option<&'a str> {
    match &definition.nature {
        Nature::Longrun {
            reader: Some(place),
            ..
        } => definitions.all.get(*place).map(|it| it.name.as_str()),
        Nature::Longrun { reader: None, .. } | Nature::Oneshot { .. } | Nature::Broken => None,
    }
}
