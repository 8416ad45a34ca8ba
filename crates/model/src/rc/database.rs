//! A compiled database: a resolved graph in the form that `s6-rc-db` asks, and the bytes it has on
//! disk.
//!
//! It holds what can be started. A service that is broken or needs something broken is not in it,
//! and bundles are flattened to the services they hold. The numbering is s6-rc's: its own two
//! longruns, the other longruns by name, the oneshots by name. Every value keeps the rules that
//! `check` states, whether it came from a graph or from bytes; nothing here recurses.
//!
//! Called from the commands of s6-rc, the engine and the boot.

mod bundles;
mod change;
mod check;
mod difference;
mod format;
mod query;
mod turn;

use std::collections::BTreeMap;

use super::definition::{Kind, Timeouts};
use super::graph::{Graph, Id, Link, Node};
use super::sources::reserved_prefix;

pub use bundles::{BundleChange, BundleError};
pub use change::{Course, Wish};
pub use check::Fault;
pub use difference::{Change, Difference, Part};
pub use format::ReadError;
pub use query::{QueryError, Selection, Type};
pub use turn::{Present, Turn};

/// The longrun that runs the oneshots in s6-rc, and that all of them depend on.
pub const ONESHOT_RUNNER: &str = "s6rc-oneshot-runner";
/// The longrun that holds the pipes in s6-rc, and that all parts of pipelines depend on.
pub const FDHOLDER: &str = "s6rc-fdholder";
/// The longruns that every database has, in their order.
const IMPLICIT: [&str; 2] = [ONESHOT_RUNNER, FDHOLDER];

/// A direction in which the dependencies of a service can be followed, and a service be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To what a service needs, and up.
    Up,
    /// To what needs a service, and down.
    Down,
}

impl Way {
    /// The other one.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// A compiled database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Every service, in s6-rc's order.
    services: Vec<Service>,
    /// The services that each bundle stands for, in order.
    bundles: BTreeMap<String, Vec<usize>>,
    /// Where each service is in `services`.
    names: BTreeMap<String, usize>,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Service {
    name: String,
    essential: bool,
    recommended: bool,
    /// How long it may take to be up and down, in milliseconds; 0 is without limit.
    timeout_up: u64,
    timeout_down: u64,
    action: Action,
    /// What it needs, in order: s6-rc's own longruns are among it, unless this is not in a database
    /// yet.
    needs: Vec<usize>,
    /// What needs it, in order.
    needed_by: Vec<usize>,
}

/// What a service does.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Action {
    Longrun {
        /// The longrun that reads what this one writes.
        consumer: Option<usize>,
    },
    Oneshot {
        up: Vec<Vec<u8>>,
        down: Vec<Vec<u8>>,
    },
}

impl Action {
    fn is_oneshot(&self) -> bool {
        match self {
            Self::Oneshot { .. } => true,
            Self::Longrun { .. } => false,
        }
    }

    fn consumer(&self) -> Option<usize> {
        match self {
            Self::Longrun { consumer } => *consumer,
            Self::Oneshot { .. } => None,
        }
    }
}

impl Database {
    /// What of `graph` can be started.
    pub fn of(graph: &Graph) -> Self {
        // Where each node of the graph is in the database; both have the same order.
        let mut places: BTreeMap<Id, usize> = BTreeMap::new();
        for (id, node) in graph.nodes() {
            if is_service(node) {
                places.insert(id, IMPLICIT.len() + places.len());
            }
        }
        let placed = |ids: &[Id]| -> Vec<usize> {
            ids.iter()
                .filter_map(|id| places.get(id).copied())
                .collect()
        };
        let mut services = Vec::with_capacity(places.len());
        let mut bundles = BTreeMap::new();
        for (id, node) in graph.nodes() {
            if places.contains_key(&id) {
                services.extend(service(node, placed(&node.needs), &places));
            } else if node.is_bundle() && reserved_prefix(node.name()).is_none() {
                bundles.insert(node.name().to_owned(), placed(&graph.atomics(id)));
            }
        }
        Self::new(services, bundles)
    }

    /// The database of these services and bundles, to whose services s6-rc's own are added. Numbers
    /// count as if these were there already.
    fn new(services: Vec<Service>, bundles: BTreeMap<String, Vec<usize>>) -> Self {
        let own = IMPLICIT.into_iter().enumerate().map(|(index, name)| {
            let mut own = Service::own(name);
            own.needed_by = users_of_own(index, &services);
            own
        });
        let mut all: Vec<Service> = own.collect();
        all.extend(services);
        for (own, _) in IMPLICIT.iter().enumerate().rev() {
            let users = all.get(own).map(|own| own.needed_by.clone());
            for user in users.into_iter().flatten() {
                if let Some(service) = all.get_mut(user) {
                    service.needs.insert(0, own);
                }
            }
        }
        for index in IMPLICIT.len()..all.len() {
            let needs = all.get(index).map(|service| service.needs.clone());
            for need in needs.into_iter().flatten() {
                if let Some(needed) = all.get_mut(need).filter(|_| need >= IMPLICIT.len()) {
                    needed.needed_by.push(index);
                }
            }
        }
        let names = all
            .iter()
            .enumerate()
            .map(|(index, service)| (service.name.clone(), index))
            .collect();
        Self {
            services: all,
            bundles,
            names,
        }
    }

    /// The services but s6-rc's own.
    fn authored(&self) -> &[Service] {
        self.services.get(IMPLICIT.len()..).unwrap_or_default()
    }
}

impl Service {
    /// One of s6-rc's own longruns, which `s6-rc -d` does not stop.
    fn own(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            essential: true,
            recommended: false,
            timeout_up: 0,
            timeout_down: 0,
            action: Action::Longrun { consumer: None },
            needs: Vec::new(),
            needed_by: Vec::new(),
        }
    }

    /// What its author said that it needs, and what its pipe asks for.
    fn authored_needs(&self) -> impl Iterator<Item = usize> {
        let needs = self.needs.iter().copied();
        needs.filter(|need| *need >= IMPLICIT.len())
    }
}

/// Whether a node of a graph becomes a service of a database.
fn is_service(node: &Node) -> bool {
    let is_atomic = match node.definition.kind {
        Kind::Longrun(_) | Kind::Oneshot(_) => true,
        Kind::Bundle(_) | Kind::Unknown => false,
    };
    is_atomic && node.is_sound() && reserved_prefix(node.name()).is_none()
}

/// The service that a node becomes.
fn service(node: &Node, needs: Vec<usize>, places: &BTreeMap<Id, usize>) -> Option<Service> {
    let (timeouts, action) = match &node.definition.kind {
        Kind::Longrun(longrun) => {
            let mut pipes = node.edges.iter().filter(|edge| edge.link == Link::Pipeline);
            let consumer = pipes.find_map(|edge| places.get(&edge.to).copied());
            (longrun.timeouts, Action::Longrun { consumer })
        }
        Kind::Oneshot(oneshot) => {
            let words = oneshot.down.as_ref().map(|down| down.words.clone());
            let action = Action::Oneshot {
                up: oneshot.up.words.clone(),
                down: words.unwrap_or_default(),
            };
            (oneshot.timeouts, action)
        }
        Kind::Bundle(_) | Kind::Unknown => return None,
    };
    let (timeout_up, timeout_down) = milliseconds(timeouts);
    Some(Service {
        name: node.name().to_owned(),
        essential: node.essential,
        recommended: node.recommended,
        timeout_up,
        timeout_down,
        action,
        needs,
        needed_by: Vec::new(),
    })
}

fn milliseconds(timeouts: Timeouts) -> (u64, u64) {
    let number = |limit: Option<std::time::Duration>| {
        limit.map_or(0, |limit| {
            u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)
        })
    };
    (number(timeouts.up), number(timeouts.down))
}

/// The numbers of the services that depend on s6-rc's own longrun of number `own`.
fn users_of_own(own: usize, services: &[Service]) -> Vec<usize> {
    let mut is_piped = vec![false; services.len()];
    for (index, service) in services.iter().enumerate() {
        let Some(consumer) = service.action.consumer() else {
            continue;
        };
        for part in [Some(index), consumer.checked_sub(IMPLICIT.len())] {
            if let Some(is_piped) = part.and_then(|part| is_piped.get_mut(part)) {
                *is_piped = true;
            }
        }
    }
    let numbered = services.iter().zip(is_piped).enumerate();
    numbered
        .filter(|(_, (service, is_piped))| {
            if own == 0 {
                service.action.is_oneshot()
            } else {
                *is_piped
            }
        })
        .map(|(index, _)| IMPLICIT.len() + index)
        .collect()
}

#[cfg(test)]
mod tests;
