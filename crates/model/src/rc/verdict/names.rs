//! What s6-rc-compile says of the names in definitions, when all of them are read: of pipelines, then
//! of bundles, then of dependencies.

use std::path::Path;

use super::files::duplicate;
use crate::rc::definition::{Kind, Longrun, Reference};
use crate::rc::graph::{Graph, Id, Link, Node};
use crate::rc::sources::reserved_prefix;

/// The first thing that is wrong with what names mean.
pub(super) fn verdict(graph: &Graph) -> Option<String> {
    let nodes = || graph.nodes().map(|(_, node)| node);
    nodes()
        .find_map(|node| pipes(graph, node))
        .or_else(|| nodes().find_map(|node| pipeline_name(graph, node)))
        .or_else(|| {
            nodes().find_map(|node| match &node.definition.kind {
                Kind::Bundle(bundle) => undefined(graph, &bundle.contents)
                    .map(|missing| format!("during resolution of bundle {}: {missing}", node.name())),
                Kind::Longrun(_) | Kind::Oneshot(_) | Kind::Unknown => None,
            })
        })
        .or_else(|| {
            let (root, member) = cycle(graph, false, |node| {
                let contents = node.edges.iter().filter(|edge| edge.link == Link::Content);
                contents.map(|edge| edge.to).collect()
            })?;
            Some(format!(
                "cyclic bundle definition: resolution of {root} encountered a cycle involving {member}"
            ))
        })
        .or_else(|| {
            nodes().find_map(|node| {
                let dependencies = match &node.definition.kind {
                    Kind::Longrun(longrun) => &longrun.dependencies,
                    Kind::Oneshot(oneshot) => &oneshot.dependencies,
                    Kind::Bundle(_) | Kind::Unknown => return None,
                };
                let missing = undefined(graph, dependencies)?;
                let name = node.name();
                Some(format!(
                    "during dependency resolution for service {name}: {missing}"
                ))
            })
        })
        .or_else(|| {
            // It begins with the last service, and looks at the last of the dependencies first.
            let (root, member) = cycle(graph, true, |node| node.needs.clone())?;
            Some(format!(
                "cyclic service dependency reached from {root} and involving {member}"
            ))
        })
}

/// What is said of the first of these names that means nothing.
fn undefined(graph: &Graph, references: &[Reference]) -> Option<String> {
    let missing = references
        .iter()
        .find(|reference| graph.find(&reference.name).is_none())?;
    Some(format!("undefined service name {}", missing.name))
}

fn longrun(node: &Node) -> Option<&Longrun> {
    match &node.definition.kind {
        Kind::Longrun(longrun) => Some(longrun),
        Kind::Oneshot(_) | Kind::Bundle(_) | Kind::Unknown => None,
    }
}

/// One end of a pipe, as its longrun declares it.
struct End<'a> {
    /// The other end.
    other: &'a Reference,
    /// What the longrun says that it is.
    role: &'static str,
    /// Whether a longrun declares to be the other end for the one of that name.
    answers: fn(&Longrun, &str) -> bool,
}

/// What is said of the pipes of a longrun.
fn pipes(graph: &Graph, node: &Node) -> Option<String> {
    let own = longrun(node)?;
    let producer = own.producer_for.iter().map(|other| End {
        other,
        role: "a producer",
        answers: |other, name| other.consumer_for.iter().any(|it| it.name == name),
    });
    let consumer = own.consumer_for.iter().map(|other| End {
        other,
        role: "the consumer",
        answers: |other, name| other.producer_for.iter().any(|it| it.name == name),
    });
    producer.chain(consumer).find_map(|end| {
        let name = &end.other.name;
        let other = graph.find(name).and_then(|id| graph.get(id));
        let what = match other.map(|other| (longrun(other), other)) {
            Some((Some(other), _)) if (end.answers)(other, node.name()) => return None,
            Some((Some(_), _)) => "that does not declare it back".to_owned(),
            Some((None, other)) => format!("of type {}", other.definition.kind.word()),
            None => "of type unknown".to_owned(),
        };
        Some(format!(
            "longrun service {} declares being {} for a service named {name} {what}",
            node.name(),
            end.role
        ))
    })
}

/// What is said of the name that a longrun gives to its pipeline.
fn pipeline_name(graph: &Graph, node: &Node) -> Option<String> {
    let own = longrun(node)?;
    let reference = own.pipeline_name.as_ref()?;
    if own.producer_for.is_some() || own.consumer_for.is_empty() {
        return None;
    }
    let source = node.definition.source.parent().unwrap_or(Path::new(""));
    let name = &reference.name;
    if reserved_prefix(name).is_some() {
        return Some(format!(
            "in {}: identifier {name} starts with reserved prefix",
            source.display()
        ));
    }
    let other = graph.find(name).and_then(|id| graph.get(id))?;
    // The bundle that this very file makes is no other.
    let is_other = other.definition.source != reference.path;
    is_other.then(|| duplicate(name, source, other.definition.kind.word()).message)
}

/// Where a walk in depth has been.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    Never,
    /// It is on the way from the root to where the walk is.
    Open,
    Done,
}

/// A node from which a walk in depth came into a cycle, and the first of the cycle that it met
/// again. `from_last` tells that it takes nodes, and what they lead to, from their end.
fn cycle(
    graph: &Graph,
    from_last: bool,
    next: impl Fn(&Node) -> Vec<Id>,
) -> Option<(String, String)> {
    let mut visits = vec![Visit::Never; graph.len()];
    let mut roots: Vec<Id> = graph.nodes().map(|(id, _)| id).collect();
    if !from_last {
        roots.reverse();
    }
    // What is to be visited is taken from the end of each list.
    let targets = |id: Id| {
        let mut targets = graph.get(id).map(&next).unwrap_or_default();
        if !from_last {
            targets.reverse();
        }
        targets
    };
    while let Some(root) = roots.pop() {
        let mut way: Vec<(Id, Vec<Id>)> = Vec::new();
        let mut to = Some(root);
        loop {
            if let Some(id) = to {
                let visit = visits.get_mut(id.index())?;
                match visit {
                    Visit::Open => {
                        let names = (graph.name(root), graph.name(id));
                        return Some((names.0.to_owned(), names.1.to_owned()));
                    }
                    Visit::Done => {}
                    Visit::Never => {
                        *visit = Visit::Open;
                        way.push((id, targets(id)));
                    }
                }
            }
            let Some((id, left)) = way.last_mut() else {
                break;
            };
            to = left.pop();
            if to.is_none() {
                let done = *id;
                if let Some(visit) = visits.get_mut(done.index()) {
                    *visit = Visit::Done;
                }
                way.pop();
            }
        }
    }
    None
}
