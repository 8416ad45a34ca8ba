//! In which order services start.

use std::collections::BTreeMap;

use super::{Graph, Id, Standing};

/// A service that is to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which it is.
    pub id: Id,
    /// How many others have to start before it, one after the other, at the least.
    pub level: usize,
}

/// The services that are to start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Each after everything it waits for. What could start at once is in the order in which s6-rc
    /// launches it.
    pub steps: Vec<Step>,
    /// What is wanted and cannot start, in order.
    pub left_out: Vec<Id>,
}

impl Graph {
    /// What the boot starts: all that the bundle `top` pulls in.
    pub fn boot(&self) -> Plan {
        self.plan(self.top())
    }

    /// The order in which `roots`, and everything they pull in, start.
    pub fn plan(&self, roots: impl IntoIterator<Item = Id>) -> Plan {
        let mut plan = Plan::default();
        // How many services each one still waits for.
        let mut waits: BTreeMap<Id, usize> = BTreeMap::new();
        for id in self.closure(roots) {
            let Some(node) = self.get(id).filter(|node| !node.is_bundle()) else {
                continue;
            };
            match node.standing {
                Standing::Sound => {
                    waits.insert(id, node.needs.len());
                }
                Standing::Broken | Standing::Blocked { .. } => plan.left_out.push(id),
            }
        }
        let mut ready: Vec<Id> = waits
            .iter()
            .filter(|(_, waits)| **waits == 0)
            .map(|(id, _)| *id)
            .collect();
        let mut level = 0;
        while !ready.is_empty() {
            // s6-rc launches what is ready from the highest index down.
            ready.sort_unstable_by(|one, other| other.cmp(one));
            let mut next = Vec::new();
            for id in ready {
                plan.steps.push(Step { id, level });
                for user in self.get(id).into_iter().flat_map(|node| &node.needed_by) {
                    if let Some(waits) = waits.get_mut(user) {
                        *waits = waits.saturating_sub(1);
                        if *waits == 0 {
                            next.push(*user);
                        }
                    }
                }
            }
            ready = next;
            level += 1;
        }
        plan
    }
}
