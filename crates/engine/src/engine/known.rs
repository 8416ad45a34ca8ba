//! Which node each service of s6-rc is, by its name. The stages of boot have the names that s6-overlay
//! gives them.

use std::collections::BTreeMap;

use crate::input::NodeId;

/// The services of s6-rc.
#[derive(Debug, Default)]
pub(super) struct Known {
    services: BTreeMap<String, Entry>,
    stages: Vec<(&'static str, NodeId)>,
}

/// One service.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its node.
    pub(super) node: NodeId,
    /// The longrun that reads what it writes.
    pub(super) reader: Option<String>,
}

impl Known {
    /// Notes a stage of boot.
    pub(super) fn add_stage(&mut self, name: &'static str, node: NodeId) {
        self.stages.push((name, node));
    }

    /// Notes a service, in the place of what had its name before.
    pub(super) fn add(&mut self, name: String, entry: Entry) {
        self.services.insert(name, entry);
    }

    /// Forgets every service, and gives what was known.
    pub(super) fn take(&mut self) -> BTreeMap<String, Entry> {
        std::mem::take(&mut self.services)
    }

    /// Every service and stage.
    pub(super) fn names(&self) -> impl Iterator<Item = (&str, NodeId)> {
        let services = self.services.iter();
        let services = services.map(|(name, entry)| (name.as_str(), entry.node));
        services.chain(self.stages.iter().copied())
    }

    /// Those of these names.
    pub(super) fn nodes(&self, names: &[String]) -> impl Iterator<Item = NodeId> {
        names.iter().filter_map(|name| {
            let stages = || self.stages.iter();
            let stage = || stages().find(|(stage, _)| stage == name);
            let service = self.services.get(name).map(|entry| entry.node);
            service.or_else(|| stage().map(|(_, node)| *node))
        })
    }

    /// The name of a stage of boot; nothing, if the node is none.
    pub(super) fn stage_name(&self, node: NodeId) -> Option<&str> {
        let mut stages = self.stages.iter();
        stages.find_map(|(name, id)| (*id == node).then_some(*name))
    }

    /// The name of a node.
    pub(super) fn name_of(&self, node: NodeId) -> Option<&str> {
        let mut names = self.names();
        names.find_map(|(name, id)| (id == node).then_some(name))
    }
}
