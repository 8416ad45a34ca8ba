//! The graph as text for people, and as JSON for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};
use sixfold_model::rc::graph::Link;
use sixfold_model::rc::{Graph, Id, Kind, Node, Standing};

use super::Up;

/// How far lines are indented at the most; a chain of services can be long.
const DEEPEST: usize = 20;

/// In the order of the start, each line indented by how many come before it in a row.
pub(super) fn text(graph: &Graph, up: &Up) -> String {
    let plan = graph.boot();
    let mut text = String::new();
    for step in &plan.steps {
        let Some(node) = graph.get(step.id) else {
            continue;
        };
        let indent = "  ".repeat(step.level.min(DEEPEST));
        let state = up.as_ref().map_or("", |up| {
            if up.contains(node.name()) {
                ", up"
            } else {
                ", down"
            }
        });
        let _ = write!(text, "{indent}{} ({}{state})", shown(node), kind(node));
        let waits = linked(graph, node, &[Link::Dependency, Link::Pipeline]);
        if !waits.is_empty() {
            let _ = write!(text, " after {}", waits.join(", "));
        }
        text.push('\n');
    }
    let mut left_out = plan
        .left_out
        .iter()
        .filter_map(|id| graph.get(*id))
        .peekable();
    if left_out.peek().is_some() {
        text.push_str("\nwould not start:\n");
        for node in left_out {
            let _ = match &node.standing {
                Standing::Blocked { by } => {
                    writeln!(text, "  {} ({}): needs {by}", shown(node), kind(node))
                }
                Standing::Broken | Standing::Sound => {
                    writeln!(text, "  {} ({}): broken", shown(node), kind(node))
                }
            };
        }
    }
    let pulled_in = graph.closure(graph.top());
    let unused =
        |(id, node): &(Id, &Node)| !node.is_bundle() && pulled_in.binary_search(id).is_err();
    let unused = graph.nodes().filter(unused).map(|(_, node)| {
        let is_up = up.as_ref().is_some_and(|up| up.contains(node.name()));
        let state = if is_up { " (up)" } else { "" };
        format!("{}{state}", shown(node))
    });
    let unused: Vec<String> = unused.collect();
    if !unused.is_empty() {
        let _ = write!(text, "\nnot started by the boot: {}\n", unused.join(", "));
    }
    text.push_str("\nbundles:\n");
    for (_, node) in graph.nodes().filter(|(_, node)| node.is_bundle()) {
        let held = linked(graph, node, &[Link::Content]);
        let held = if held.is_empty() {
            "nothing".to_owned()
        } else {
            held.join(", ")
        };
        let _ = writeln!(text, "  {}: {held}", shown(node));
    }
    text
}

/// One object with all nodes and the order of the start.
pub(super) fn json(graph: &Graph, up: &Up) -> String {
    let plan = graph.boot();
    let levels: BTreeMap<Id, usize> = plan
        .steps
        .iter()
        .map(|step| (step.id, step.level))
        .collect();
    let names =
        |ids: &[Id]| -> Vec<String> { ids.iter().map(|id| graph.name(*id).to_owned()).collect() };
    let nodes: Vec<Value> = graph
        .nodes()
        .map(|(id, node)| {
            let (standing, by) = match &node.standing {
                Standing::Sound => ("sound", None),
                Standing::Broken => ("broken", None),
                Standing::Blocked { by } => ("blocked", Some(by)),
            };
            let mut value = json!({
                "name": node.name(),
                "type": kind(node),
                "source": node.definition.source.to_string_lossy(),
                "standing": standing,
                "blocked_by": by,
                "essential": node.essential,
                "recommended": node.recommended,
            });
            let more = if node.is_bundle() {
                json!({ "contents": edges(graph, node, Link::Content) })
            } else {
                json!({
                    "dependencies": edges(graph, node, Link::Dependency),
                    "producer_for": edges(graph, node, Link::Pipeline).first(),
                    "waits_for": names(&node.needs),
                    "level": levels.get(&id),
                    "up": up.as_ref().map(|up| up.contains(node.name())),
                })
            };
            if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
                value.extend(more);
            }
            value
        })
        .collect();
    let order: Vec<Id> = plan.steps.iter().map(|step| step.id).collect();
    json!({
        "nodes": nodes,
        "start_order": names(&order),
        "left_out": names(&plan.left_out),
    })
    .to_string()
}

fn kind(node: &Node) -> &'static str {
    match &node.definition.kind {
        Kind::Bundle(bundle) if bundle.is_pipeline => "pipeline",
        Kind::Oneshot(_) | Kind::Longrun(_) | Kind::Bundle(_) | Kind::Unknown => {
            node.definition.kind.word()
        }
    }
}

/// A name in a line of text: nothing in it does anything to a terminal.
fn shown(node: &Node) -> String {
    node.name().escape_debug().to_string()
}

fn edges(graph: &Graph, node: &Node, link: Link) -> Vec<String> {
    let edges = node.edges.iter().filter(|edge| edge.link == link);
    edges.map(|edge| graph.name(edge.to).to_owned()).collect()
}

/// The names that a node leads to in one of these ways, for a line of text.
fn linked(graph: &Graph, node: &Node, links: &[Link]) -> Vec<String> {
    let edges = node.edges.iter().filter(|edge| links.contains(&edge.link));
    let nodes = edges.filter_map(|edge| graph.get(edge.to));
    nodes.map(shown).collect()
}
