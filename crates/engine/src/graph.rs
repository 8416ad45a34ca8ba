//! The nodes of the graph and what depends on what. Nothing here decides: it answers questions.

use crate::cmd::Cmd;
use crate::context::Context;
use crate::gate::Gate;
use crate::input::NodeId;
use crate::moment::Moment;
use crate::oneshot::Oneshot;
use crate::sequence::Sequence;
use crate::service::Service;

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// A long-running program.
    Service(Box<Service>),
    /// A oneshot of s6-rc.
    Oneshot(Box<Oneshot>),
    /// A stage of scripts.
    Sequence(Sequence),
    /// The services.d stage.
    Gate(Gate),
    /// The CMD.
    Cmd(Cmd),
}

impl Kind {
    /// Whether those who depend on it may start.
    pub(crate) fn is_up(&self) -> bool {
        match self {
            Self::Service(service) => service.is_reached() || service.holds_nobody_up(),
            Self::Oneshot(oneshot) => oneshot.is_up(),
            Self::Sequence(sequence) => sequence.is_up(),
            Self::Gate(gate) => gate.is_up(),
            Self::Cmd(_) => false,
        }
    }

    /// Whether it is to be started as soon as what it depends on is up.
    pub(crate) fn is_waiting(&self) -> bool {
        match self {
            Self::Service(service) => service.is_waiting(),
            Self::Oneshot(oneshot) => oneshot.is_waiting(),
            Self::Sequence(sequence) => sequence.is_waiting(),
            Self::Gate(gate) => gate.state() == crate::gate::State::Waiting,
            Self::Cmd(cmd) => cmd.is_waiting(),
        }
    }

    /// Whether boot has to wait for it.
    pub(crate) fn is_pending(&self) -> bool {
        match self {
            Self::Service(service) => service.is_pending(),
            Self::Oneshot(oneshot) => oneshot.is_pending(),
            Self::Sequence(sequence) => sequence.is_pending(),
            Self::Gate(gate) => gate.is_pending(),
            Self::Cmd(_) => false,
        }
    }

    /// Whether what it depends on may be taken down.
    pub(crate) fn is_down(&self) -> bool {
        match self {
            Self::Service(service) => service.is_down() || service.is_late(),
            Self::Oneshot(oneshot) => oneshot.is_down(),
            Self::Sequence(sequence) => sequence.is_down(),
            Self::Gate(gate) => gate.is_closed(),
            Self::Cmd(cmd) => cmd.is_down(),
        }
    }

    /// Whether it is a part of s6-rc, or the services.d stage that waits for s6-rc, and will never be
    /// up.
    pub(crate) fn has_failed(&self) -> bool {
        match self {
            Self::Service(service) => service.has_failed(),
            Self::Oneshot(oneshot) => oneshot.has_failed(),
            Self::Gate(gate) => gate.has_failed(),
            Self::Sequence(sequence) => sequence.is_blocked(),
            Self::Cmd(_) => false,
        }
    }

    /// Something that it needs has failed, so it will never be up.
    pub(crate) fn block(&mut self) {
        match self {
            Self::Service(service) => service.block(),
            Self::Oneshot(oneshot) => oneshot.block(),
            Self::Gate(gate) => gate.block(),
            Self::Sequence(sequence) => sequence.block(),
            Self::Cmd(_) => {}
        }
    }

    /// A change of s6-rc wants it up as soon as what it needs is.
    pub(crate) fn want_up(&mut self) {
        match self {
            Self::Service(service) => service.want_up(),
            Self::Oneshot(oneshot) => oneshot.want_up(),
            Self::Sequence(sequence) => sequence.want_up(),
            Self::Gate(gate) => gate.want_up(),
            Self::Cmd(_) => {}
        }
    }

    /// A change of s6-rc takes it down; it may be brought up again.
    pub(crate) fn take_down(&mut self, context: &mut Context<'_>) {
        match self {
            Self::Service(service) => service.take_down(context),
            Self::Oneshot(oneshot) => oneshot.take_down(context),
            Self::Sequence(sequence) => sequence.take_down(context),
            Self::Gate(gate) => gate.take_down(context),
            Self::Cmd(_) => {}
        }
    }

    /// The change does not want it any more, if it was not begun yet.
    pub(crate) fn want_no_more(&mut self) {
        match self {
            Self::Service(service) => service.want_no_more(),
            Self::Oneshot(oneshot) => oneshot.want_no_more(),
            Self::Sequence(sequence) => sequence.block(),
            Self::Gate(gate) => gate.block(),
            Self::Cmd(_) => {}
        }
    }

    /// Whether it counts as up for s6-rc, or as down; nothing while it moves, or if it is no part of
    /// s6-rc.
    pub(crate) fn rests_up(&self) -> Option<bool> {
        match self {
            Self::Service(service) => service.rests_up(),
            Self::Oneshot(oneshot) => oneshot.rests_up(),
            Self::Sequence(sequence) => sequence.rests_up(),
            Self::Gate(gate) => gate.rests_up(),
            Self::Cmd(_) => None,
        }
    }

    /// The name in messages.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Service(service) => service.name(),
            Self::Oneshot(oneshot) => oneshot.name(),
            Self::Sequence(sequence) => sequence.name(),
            Self::Gate(_) => "services.d",
            Self::Cmd(_) => "cmd",
        }
    }

    /// Does what is due by now.
    pub(crate) fn timer(&mut self, context: &mut Context<'_>) {
        match self {
            Self::Service(service) => service.timer(context),
            Self::Oneshot(oneshot) => oneshot.timer(context),
            Self::Sequence(sequence) => sequence.timer(context),
            Self::Gate(gate) => gate.timer(context),
            Self::Cmd(cmd) => cmd.timer(context),
        }
    }

    /// When there is something due next.
    pub(crate) fn next_timeout(&self) -> Option<Moment> {
        match self {
            Self::Service(service) => service.next_timeout(),
            Self::Oneshot(oneshot) => oneshot.next_timeout(),
            Self::Sequence(sequence) => sequence.next_timeout(),
            Self::Gate(gate) => gate.next_timeout(),
            Self::Cmd(cmd) => cmd.next_timeout(),
        }
    }

    /// Kills whatever runs of it, and starts nothing any more.
    pub(crate) fn kill(&mut self, context: &mut Context<'_>) {
        match self {
            Self::Service(service) => service.kill(context),
            Self::Oneshot(oneshot) => oneshot.kill(context),
            Self::Sequence(sequence) => sequence.kill(context),
            Self::Gate(gate) => gate.close(),
            Self::Cmd(cmd) => cmd.kill(context),
        }
    }
}

/// A node with its edges.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// What it is.
    pub(crate) kind: Kind,
    /// What has to be up before it starts.
    pub(crate) needs: Vec<NodeId>,
    /// What has to be down before it stops.
    pub(crate) needed_by: Vec<NodeId>,
    /// The stop has been passed on to it.
    pub(crate) stop_told: bool,
    /// The stop goes on without it.
    pub(crate) abandoned: bool,
}

/// All nodes. A node keeps its place; the place of one that was removed is taken by a later one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    nodes: Vec<Option<Node>>,
    free: Vec<NodeId>,
    /// Places of nodes that were removed, with the services that needed them. The output of these goes
    /// to whatever the daemon knows by that id, so that it must not be anything else meanwhile.
    held: Vec<(NodeId, Vec<NodeId>)>,
}

impl Graph {
    /// Adds a node that needs `needs`.
    pub(crate) fn add(&mut self, kind: Kind, needs: &[NodeId]) -> NodeId {
        let node = Node {
            kind,
            needs: Vec::new(),
            needed_by: Vec::new(),
            stop_told: false,
            abandoned: false,
        };
        let id = self.free.pop().unwrap_or(NodeId(self.nodes.len()));
        match self.nodes.get_mut(id.0) {
            Some(place) => *place = Some(node),
            None => self.nodes.push(Some(node)),
        }
        for need in needs {
            self.connect(id, *need);
        }
        id
    }

    /// Removes a node; nothing needs it any longer.
    pub(crate) fn remove(&mut self, id: NodeId) {
        let Some(removed) = self.nodes.get_mut(id.0).and_then(Option::take) else {
            return;
        };
        for (_, holders) in &mut self.held {
            holders.retain(|holder| *holder != id);
        }
        let is_service = |id: &NodeId| {
            let node = self.get(*id);
            node.is_some_and(|node| matches!(node.kind, Kind::Service(_)))
        };
        let holders = removed.needed_by.into_iter().filter(is_service);
        self.held.push((id, holders.collect()));
        let (free, held) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|(_, holders)| holders.is_empty());
        self.held = held;
        let free: Vec<(NodeId, Vec<NodeId>)> = free;
        self.free.extend(free.into_iter().map(|(id, _)| id));
        for node in self.nodes.iter_mut().flatten() {
            node.needs.retain(|other| *other != id);
            node.needed_by.retain(|other| *other != id);
        }
    }

    /// `node` needs `need` from now on.
    pub(crate) fn connect(&mut self, node: NodeId, need: NodeId) {
        if let Some(entry) = self.get_mut(node) {
            entry.needs.push(need);
        }
        if let Some(entry) = self.get_mut(need) {
            entry.needed_by.push(node);
        }
    }

    /// `node` does not need `need` any longer.
    pub(crate) fn disconnect(&mut self, node: NodeId, need: NodeId) {
        if let Some(entry) = self.get_mut(node) {
            entry.needs.retain(|other| *other != need);
        }
        if let Some(entry) = self.get_mut(need) {
            entry.needed_by.retain(|other| *other != node);
        }
    }

    /// The node of that id.
    pub(crate) fn get(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.0)?.as_ref()
    }

    /// The node of that id, to change it.
    pub(crate) fn get_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(id.0)?.as_mut()
    }

    /// Every place of a node, in the order in which they were first taken; some may be empty.
    pub(crate) fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes.len()).map(NodeId)
    }

    /// All nodes.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().flatten()
    }

    /// Whether it is to be started as soon as what it depends on is up.
    pub(crate) fn is_waiting(&self, id: NodeId) -> bool {
        self.get(id).is_some_and(|node| node.kind.is_waiting())
    }

    /// Whether everything that `id` needs is up.
    pub(crate) fn may_start(&self, id: NodeId) -> bool {
        self.get(id).is_some_and(|node| {
            node.needs
                .iter()
                .all(|need| self.get(*need).is_some_and(|need| need.kind.is_up()))
        })
    }

    /// Whether something that `id` needs will never be up.
    pub(crate) fn is_blocked(&self, id: NodeId) -> bool {
        self.get(id).is_some_and(|node| {
            node.needs
                .iter()
                .any(|need| self.get(*need).is_some_and(|need| need.kind.has_failed()))
        })
    }

    /// Whether everything that needs `id` is down, or no longer waited for.
    pub(crate) fn may_stop(&self, id: NodeId) -> bool {
        self.get(id).is_some_and(|node| {
            node.needed_by.iter().all(|other| {
                // What counts as up is told to stop first, though nothing of it runs any more.
                let is_due = |node: &Node| node.kind.rests_up() == Some(true) && !node.stop_told;
                self.get(*other)
                    .is_none_or(|node| node.abandoned || node.kind.is_down() && !is_due(node))
            })
        })
    }

    /// Every service.
    pub(crate) fn services(&self) -> impl Iterator<Item = &Service> {
        self.numbered_services().map(|(_, service)| service)
    }

    /// Every service with its id.
    pub(crate) fn numbered_services(&self) -> impl Iterator<Item = (NodeId, &Service)> {
        self.nodes
            .iter()
            .enumerate()
            .filter_map(|(place, node)| match &node.as_ref()?.kind {
                Kind::Service(service) => Some((NodeId(place), service.as_ref())),
                Kind::Oneshot(_) | Kind::Sequence(_) | Kind::Gate(_) | Kind::Cmd(_) => None,
            })
    }

    /// Every service, to change it.
    pub(crate) fn services_mut(&mut self) -> impl Iterator<Item = &mut Service> {
        self.nodes
            .iter_mut()
            .flatten()
            .filter_map(|node| match &mut node.kind {
                Kind::Service(service) => Some(service.as_mut()),
                Kind::Oneshot(_) | Kind::Sequence(_) | Kind::Gate(_) | Kind::Cmd(_) => None,
            })
    }

    /// The service of that id, to change it; nothing, if it is none.
    pub(crate) fn service_mut(&mut self, id: NodeId) -> Option<&mut Service> {
        match &mut self.get_mut(id)?.kind {
            Kind::Service(service) => Some(service),
            Kind::Oneshot(_) | Kind::Sequence(_) | Kind::Gate(_) | Kind::Cmd(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sixfold_model::ServiceSpec;

    use super::*;

    fn service(name: &str) -> Kind {
        let spec = ServiceSpec::new(name, Path::new("/run/service"));
        Kind::Service(Box::new(Service::new(spec, false, false)))
    }

    #[test]
    fn the_place_of_a_reader_is_free_once_nobody_writes_to_it_any_more() {
        let mut graph = Graph::default();
        let gate = graph.add(Kind::Gate(Gate::new()), &[]);
        let reader = graph.add(service("reader"), &[]);
        let other = graph.add(service("other"), &[]);
        let writer = graph.add(service("writer"), &[reader]);
        graph.connect(gate, reader);
        graph.remove(reader);
        graph.remove(reader);
        let next = graph.add(service("next"), &[]);
        assert!(![gate, reader, other, writer].contains(&next));
        graph.remove(other);
        assert_eq!(graph.add(service("again"), &[]), other);
        graph.remove(writer);
        let mut places = [
            graph.add(service("one"), &[]),
            graph.add(service("two"), &[]),
        ];
        places.sort();
        assert_eq!(places, [reader, writer]);
    }
}
