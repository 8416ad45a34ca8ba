//! All services and bundles together: what each name means, what waits for what, and what of it
//! cannot start.
//!
//! Bundles stay nodes of the graph; what a service waits for is also there with them resolved. No
//! function recurses, and each looks at a node and an edge a bounded number of times, but for what
//! bundles in bundles add when they are resolved.

mod cycles;
mod findings;
mod links;
mod pipelines;
mod plan;

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::definition::{Definition, Kind};
use super::stock::TOP;
use crate::Diagnostic;

pub use plan::{Plan, Step};

/// One node of one graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(usize);

impl Id {
    /// Its place in [`Graph::nodes`].
    pub fn index(self) -> usize {
        self.0
    }
}

/// Whether something can start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It can. Of a bundle: all it holds can.
    Sound,
    /// It has an error of its own.
    Broken,
    /// It needs something broken. Of a bundle: it holds such a thing; the rest of it can start.
    Blocked {
        /// The name of what is broken.
        by: String,
    },
}

/// Why one node leads to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link {
    /// It depends on it.
    Dependency,
    /// It is a bundle that holds it.
    Content,
    /// It writes to it: a producer starts after its consumer.
    Pipeline,
}

/// A way from one node to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Where it leads.
    pub to: Id,
    /// What it means.
    pub link: Link,
    /// The file that says so.
    pub path: PathBuf,
    /// The line in it, where it has lines.
    pub line: Option<u32>,
}

/// A service or bundle among the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it says of itself.
    pub definition: Definition,
    /// Whether it can start.
    pub standing: Standing,
    /// It, or a bundle that holds it, has `flag-essential`.
    pub essential: bool,
    /// It, or a bundle that holds it, has `flag-recommended`.
    pub recommended: bool,
    /// What it names, as written, without what there is not.
    pub edges: Vec<Edge>,
    /// The services it waits for, bundles resolved, in order; a bundle waits for nothing.
    pub needs: Vec<Id>,
    /// The services that wait for it, in order.
    pub needed_by: Vec<Id>,
}

impl Node {
    fn new(definition: Definition) -> Self {
        Self {
            standing: if definition.is_broken {
                Standing::Broken
            } else {
                Standing::Sound
            },
            essential: definition.essential,
            recommended: definition.recommended,
            definition,
            edges: Vec::new(),
            needs: Vec::new(),
            needed_by: Vec::new(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.definition.name
    }

    /// Whether it is a set of others and nothing itself.
    pub fn is_bundle(&self) -> bool {
        match self.definition.kind {
            Kind::Bundle(_) => true,
            Kind::Oneshot(_) | Kind::Longrun(_) | Kind::Unknown => false,
        }
    }

    /// Whether it can start.
    pub fn is_sound(&self) -> bool {
        self.standing == Standing::Sound
    }
}

/// Every definition, resolved. The default is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    names: BTreeMap<String, Id>,
}

impl Graph {
    /// Resolves `definitions`, whose names must differ, and reports everything that is wrong among
    /// them.
    pub fn resolve(mut definitions: Vec<Definition>, diagnostics: &mut Vec<Diagnostic>) -> Self {
        // s6-rc lists in this order, and starts from its end.
        definitions.sort_by(|one, other| {
            (rank(&one.kind), &one.name).cmp(&(rank(&other.kind), &other.name))
        });
        let nodes: Vec<Node> = definitions.into_iter().map(Node::new).collect();
        let names = nodes
            .iter()
            .enumerate()
            .map(|(index, node)| (node.name().to_owned(), Id(index)))
            .collect();
        let mut graph = Self { nodes, names };
        pipelines::connect(&mut graph, diagnostics);
        links::connect(&mut graph, diagnostics);
        cycles::mark(&mut graph, diagnostics);
        graph.flatten();
        graph.spread_flags();
        graph.mark_blocked();
        findings::report(&graph, diagnostics);
        graph
    }

    /// Every node: longruns by name, oneshots by name, definitions of no known type, bundles. This
    /// is the order in which s6-rc lists services.
    pub fn nodes(&self) -> impl Iterator<Item = (Id, &Node)> {
        self.nodes
            .iter()
            .enumerate()
            .map(|(index, node)| (Id(index), node))
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The node called `name`.
    pub fn find(&self, name: &str) -> Option<Id> {
        self.names.get(name).copied()
    }

    /// The node of that id; `None` for an id of another graph.
    pub fn get(&self, id: Id) -> Option<&Node> {
        self.nodes.get(id.0)
    }

    /// The name of a node; empty for an id of another graph.
    pub fn name(&self, id: Id) -> &str {
        self.get(id).map_or("", Node::name)
    }

    /// The bundle that the boot starts.
    pub fn top(&self) -> Option<Id> {
        self.find(TOP)
    }

    /// The services that `id` stands for: those in a bundle and in the bundles of it, or itself; in
    /// order.
    pub fn atomics(&self, id: Id) -> Vec<Id> {
        let mut seen = vec![false; self.nodes.len()];
        let mut found = Vec::new();
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            let Some(node) = self.get(id) else {
                continue;
            };
            if cycles::mark_seen(&mut seen, id.0) {
                continue;
            }
            if node.is_bundle() {
                stack.extend(node.edges.iter().map(|edge| edge.to));
            } else {
                found.push(id);
            }
        }
        found.sort_unstable();
        found
    }

    /// Everything that `roots` pull in: themselves, what they hold and depend on, and so on; in
    /// order. Bundles are among it.
    pub fn closure(&self, roots: impl IntoIterator<Item = Id>) -> Vec<Id> {
        self.reached(roots)
            .into_iter()
            .enumerate()
            .filter(|(_, reached)| *reached)
            .map(|(index, _)| Id(index))
            .collect()
    }

    /// The same as a mark on each node.
    fn reached(&self, roots: impl IntoIterator<Item = Id>) -> Vec<bool> {
        let mut seen = vec![false; self.nodes.len()];
        let mut stack: Vec<Id> = roots.into_iter().collect();
        while let Some(id) = stack.pop() {
            if !cycles::mark_seen(&mut seen, id.0)
                && let Some(node) = self.get(id)
            {
                stack.extend(node.edges.iter().map(|edge| edge.to));
            }
        }
        seen
    }

    /// Fills in what each service waits for, and what waits for it.
    fn flatten(&mut self) {
        // The last service whose walk came by a bundle or service.
        let mut visitor: Vec<Option<usize>> = vec![None; self.nodes.len()];
        let mut all = Vec::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            let mut needs = Vec::new();
            if !node.is_bundle() {
                let mut stack: Vec<Id> = node.edges.iter().map(|edge| edge.to).collect();
                while let Some(id) = stack.pop() {
                    let (Some(seen), Some(node)) = (visitor.get_mut(id.0), self.nodes.get(id.0))
                    else {
                        continue;
                    };
                    if seen.replace(index) == Some(index) {
                        continue;
                    }
                    if node.is_bundle() {
                        stack.extend(node.edges.iter().map(|edge| edge.to));
                    } else {
                        needs.push(id);
                    }
                }
                needs.sort_unstable();
            }
            all.push(needs);
        }
        for (index, needs) in all.into_iter().enumerate() {
            for id in &needs {
                if let Some(node) = self.nodes.get_mut(id.0) {
                    node.needed_by.push(Id(index));
                }
            }
            if let Some(node) = self.nodes.get_mut(index) {
                node.needs = needs;
            }
        }
    }

    /// Gives the flags of bundles to what they hold.
    fn spread_flags(&mut self) {
        let flags: [fn(&mut Node) -> &mut bool; 2] =
            [|node| &mut node.essential, |node| &mut node.recommended];
        for flag in flags {
            let mut stack = Vec::new();
            for (index, node) in self.nodes.iter_mut().enumerate() {
                if *flag(node) && node.is_bundle() {
                    stack.push(Id(index));
                }
            }
            while let Some(id) = stack.pop() {
                let held: Vec<Id> = self
                    .get(id)
                    .map(|node| node.edges.iter().map(|edge| edge.to).collect())
                    .unwrap_or_default();
                for id in held {
                    if let Some(node) = self.nodes.get_mut(id.0)
                        && !std::mem::replace(flag(node), true)
                        && node.is_bundle()
                    {
                        stack.push(id);
                    }
                }
            }
        }
    }

    /// Marks everything that needs something broken.
    fn mark_blocked(&mut self) {
        let mut users: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            for edge in &node.edges {
                if let Some(users) = users.get_mut(edge.to.0) {
                    users.push(index);
                }
            }
        }
        for index in 0..self.nodes.len() {
            let Some(node) = self.nodes.get(index) else {
                continue;
            };
            if node.standing != Standing::Broken {
                continue;
            }
            let by = node.name().to_owned();
            let mut stack = vec![index];
            while let Some(index) = stack.pop() {
                for user in users.get(index).into_iter().flatten() {
                    if let Some(node) = self.nodes.get_mut(*user)
                        && node.standing == Standing::Sound
                    {
                        node.standing = Standing::Blocked { by: by.clone() };
                        stack.push(*user);
                    }
                }
            }
        }
    }

    fn mark_broken(&mut self, id: Id) {
        if let Some(node) = self.nodes.get_mut(id.0) {
            node.standing = Standing::Broken;
        }
    }
}

/// Where a kind stands in the order of s6-rc.
fn rank(kind: &Kind) -> u8 {
    match kind {
        Kind::Longrun(_) => 0,
        Kind::Oneshot(_) => 1,
        Kind::Unknown => 2,
        Kind::Bundle(_) => 3,
    }
}

#[cfg(test)]
mod solver_tests;
#[cfg(test)]
mod tests;
