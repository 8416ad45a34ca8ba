//! Connects producers with consumers, and makes the bundles that pipelines have.
//!
//! A producer writes to its consumer through a pipe that outlives both, so it starts after the
//! consumer. Each side has to name the other. The last consumer may name the pipeline.

use std::collections::BTreeSet;

use super::links::{edge, suggest, undefined};
use super::{Graph, Id, Link, Node};
use crate::Diagnostic;
use crate::rc::definition::{Bundle, Definition, Kind, Longrun, Reference};
use crate::rc::sources::reserved_prefix;
use crate::text::shell_word;

/// Adds the edges and bundles of all pipelines, and reports what does not fit together.
pub(super) fn connect(graph: &mut Graph, diagnostics: &mut Vec<Diagnostic>) {
    for index in 0..graph.nodes.len() {
        let Some(longrun) = longrun(graph, Id(index)) else {
            continue;
        };
        let (mut edges, mut is_broken) = (Vec::new(), false);
        let name = graph.name(Id(index));
        if let Some(reference) = &longrun.producer_for {
            match partner(graph, name, reference, Side::Producer) {
                Ok(to) => edges.push(edge(to, Link::Pipeline, reference)),
                Err(diagnostic) => {
                    is_broken = true;
                    diagnostics.push(diagnostic);
                }
            }
        }
        for reference in &longrun.consumer_for {
            if let Err(diagnostic) = partner(graph, name, reference, Side::Consumer) {
                is_broken = true;
                diagnostics.push(diagnostic);
            }
        }
        if let Some(node) = graph.nodes.get_mut(index) {
            node.edges.extend(edges);
        }
        if is_broken {
            graph.mark_broken(Id(index));
        }
    }
    name_pipelines(graph, diagnostics);
}

fn longrun(graph: &Graph, id: Id) -> Option<&Longrun> {
    match &graph.get(id)?.definition.kind {
        Kind::Longrun(longrun) => Some(longrun),
        Kind::Oneshot(_) | Kind::Bundle(_) | Kind::Unknown => None,
    }
}

/// Which end of a pipe a longrun declares to be.
#[derive(Clone, Copy)]
enum Side {
    Producer,
    Consumer,
}

/// The other end that `reference` names, or what is wrong with it.
fn partner(graph: &Graph, name: &str, reference: &Reference, side: Side) -> Result<Id, Diagnostic> {
    let (role, verb, back) = match side {
        Side::Producer => ("producer", "is a producer for", "consumer-for"),
        Side::Consumer => ("consumer", "is a consumer for", "producer-for"),
    };
    let error = |message: String, mend: String| {
        let mut diagnostic = Diagnostic::error(&reference.path, message, mend);
        diagnostic.line = reference.line;
        diagnostic
    };
    let other = &reference.name;
    let Some(id) = graph.find(other) else {
        let suggestion = suggest(graph, other);
        return Err(undefined(name, verb, reference, suggestion));
    };
    let Some(node) = graph.get(id) else {
        return Err(undefined(name, verb, reference, None));
    };
    let Kind::Longrun(longrun) = &node.definition.kind else {
        return Err(error(
            format!(
                "{name} {verb} {other}, which is of type {} and not a longrun",
                node.definition.kind.word()
            ),
            format!("name a longrun, or remove {}", shell_word(&reference.path)),
        ));
    };
    let is_declared_back = match side {
        Side::Producer => longrun.consumer_for.iter().any(|it| it.name == name),
        Side::Consumer => longrun.producer_for.iter().any(|it| it.name == name),
    };
    if is_declared_back {
        return Ok(id);
    }
    let file = node.definition.source.join(back);
    let mend = match (side, &longrun.producer_for) {
        (Side::Consumer, Some(elsewhere)) => format!(
            "a longrun has one consumer: correct {}, or remove {other} here",
            shell_word(&elsewhere.path)
        ),
        (Side::Consumer, None) | (Side::Producer, _) => {
            format!("add the line {name} to {}", shell_word(&file))
        }
    };
    Err(error(
        format!("{name} declares that it is a {role} for {other}, which does not declare it back"),
        mend,
    ))
}

/// Makes the bundle of each pipeline that has a name.
fn name_pipelines(graph: &mut Graph, diagnostics: &mut Vec<Diagnostic>) {
    for index in 0..graph.nodes.len() {
        let Some(longrun) = longrun(graph, Id(index)) else {
            continue;
        };
        let Some(reference) = longrun.pipeline_name.clone() else {
            continue;
        };
        let owner = graph.name(Id(index)).to_owned();
        let report = |message: String, mend: String, is_error: bool| {
            let mut diagnostic = if is_error {
                Diagnostic::error(&reference.path, message, mend)
            } else {
                Diagnostic::warning(&reference.path, message, mend)
            };
            diagnostic.line = reference.line;
            diagnostic
        };
        if longrun.producer_for.is_some() || longrun.consumer_for.is_empty() {
            diagnostics.push(report(
                format!("no effect: {owner} is not the last consumer of a pipeline"),
                "move it to the directory of the last consumer, or remove it".to_owned(),
                false,
            ));
            continue;
        }
        let name = &reference.name;
        if reserved_prefix(name).is_some() || graph.find(name).is_some() {
            let why = match graph.find(name).and_then(|id| graph.get(id)) {
                Some(node) => format!(
                    "which is the name of the {} {} too",
                    node.definition.kind.word(),
                    node.definition.source.display()
                ),
                None => "which begins with a prefix that s6-rc keeps for itself".to_owned(),
            };
            diagnostics.push(report(
                format!("the pipeline of {owner} is called {name}, {why}"),
                "give the pipeline another name".to_owned(),
                true,
            ));
            graph.mark_broken(Id(index));
            continue;
        }
        let contents = parts(graph, Id(index))
            .into_iter()
            .map(|id| Reference {
                name: graph.name(id).to_owned(),
                ..reference.clone()
            })
            .collect();
        let id = Id(graph.nodes.len());
        graph.nodes.push(Node::new(Definition {
            name: name.clone(),
            source: reference.path.clone(),
            kind: Kind::Bundle(Bundle {
                contents,
                is_pipeline: true,
            }),
            essential: false,
            recommended: false,
            is_stock: false,
            is_broken: false,
        }));
        graph.names.insert(name.clone(), id);
    }
}

/// The last consumer and all that write to it, through others too.
fn parts(graph: &Graph, last: Id) -> BTreeSet<Id> {
    let mut parts = BTreeSet::new();
    let mut stack = vec![last];
    while let Some(id) = stack.pop() {
        if parts.insert(id) {
            let producers = longrun(graph, id).map(|longrun| longrun.consumer_for.as_slice());
            let producers = producers.unwrap_or_default().iter();
            stack.extend(producers.filter_map(|producer| {
                let id = graph.find(&producer.name)?;
                longrun(graph, id).map(|_| id)
            }));
        }
    }
    parts
}
