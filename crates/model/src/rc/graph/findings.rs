//! What is allowed, and seldom meant: definitions that nothing starts, and services that do not wait
//! for the stages before them.

use super::{Graph, Id, Link, Node, Standing};
use crate::Diagnostic;
use crate::rc::definition::Kind;
use crate::rc::sources::reserved_prefix;
use crate::rc::stock::BASE;
use crate::text::shell_word;

/// Reports what nobody can have meant.
pub(super) fn report(graph: &Graph, diagnostics: &mut Vec<Diagnostic>) {
    let Some(top) = graph.top() else {
        return;
    };
    let started = graph.reached([top]);
    let is_started = |id: Id| started.get(id.index()).copied().unwrap_or_default();
    report_unused(graph, &is_started, diagnostics);
    report_without_base(graph, &is_started, diagnostics);
}

/// Reports what the boot does not start. What a bundle holds that is reported itself, or what such
/// a thing needs, is not reported again.
fn report_unused(
    graph: &Graph,
    is_started: &impl Fn(Id) -> bool,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut has_user = vec![false; graph.len()];
    for (_, node) in graph.nodes() {
        let of_implied = is_implied(node);
        for edge in node.edges.iter().filter(|_| !of_implied) {
            super::cycles::mark_seen(&mut has_user, edge.to.index());
        }
    }
    for (id, node) in graph.nodes() {
        let is_root = !has_user.get(id.index()).copied().unwrap_or_default();
        if is_started(id)
            || node.definition.is_stock
            || is_implied(node)
            || !is_root
            // Nobody knows what it is, or it must have another name first.
            || matches!(node.definition.kind, Kind::Unknown)
            || reserved_prefix(node.name()).is_some()
        {
            continue;
        }
        let name = node.name();
        let mend = format!(
            "{}, or start it by hand: s6-rc -u change {name}",
            addition_to_user(graph, node)
        );
        let message = if node.is_bundle() {
            format!("nothing starts bundle {name}: no other bundle holds it")
        } else {
            format!(
                "nothing starts {} {name}: no bundle holds it, and no service needs it",
                node.definition.kind.word()
            )
        };
        let source = &node.definition.source;
        diagnostics.push(Diagnostic::warning(source, message, mend));
    }
}

/// What makes the boot start `node`.
fn addition_to_user(graph: &Graph, node: &Node) -> String {
    let user = graph.find("user").and_then(|id| graph.get(id));
    match user.filter(|user| !user.definition.is_stock) {
        Some(user) => addition(user, Link::Content, "contents.d", node.name()),
        None => {
            let contents = node
                .definition
                .source
                .with_file_name("user")
                .join("contents.d");
            format!(
                "mkdir -p {} && touch {}",
                shell_word(&contents),
                shell_word(&contents.join(node.name()))
            )
        }
    }
}

/// What adds `name` to a list of `node`: to the file of names where it has one, since a
/// directory beside it would count alone.
fn addition(node: &Node, link: Link, directory: &str, name: &str) -> String {
    let mut edges = node
        .edges
        .iter()
        .filter(|edge| edge.link == link)
        .peekable();
    let is_empty = edges.peek().is_none();
    let in_file = edges.find(|edge| edge.line.is_some());
    let directory = node.definition.source.join(directory);
    let touch = format!("touch {}", shell_word(&directory.join(name)));
    match in_file {
        Some(edge) => format!("add the line {name} to {}", shell_word(&edge.path)),
        None if is_empty => format!("mkdir -p {} && {touch}", shell_word(&directory)),
        None => touch,
    }
}

/// Whether it is a bundle that only the name of a pipeline makes.
fn is_implied(node: &Node) -> bool {
    match &node.definition.kind {
        Kind::Bundle(bundle) => bundle.is_pipeline,
        Kind::Oneshot(_) | Kind::Longrun(_) | Kind::Unknown => false,
    }
}

/// Reports the services that start while fix-attrs.d and cont-init.d still run. What needs such a
/// service is not reported again: it will wait once that one does.
fn report_without_base(
    graph: &Graph,
    is_started: &impl Fn(Id) -> bool,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let Some(base) = graph.find(BASE) else {
        return;
    };
    // What comes before the base, or is in it, cannot wait for it.
    let before = graph.reached([base]);
    let stages = graph.atomics(base);
    for (id, node) in graph.nodes() {
        let is_before = before.get(id.index()).copied().unwrap_or_default();
        if !is_started(id)
            || is_before
            || node.is_bundle()
            || node.definition.is_stock
            || node.standing == Standing::Broken
            || node.edges.iter().any(|edge| edge.to == base)
            // What it needs waits for the base, or is reported itself, unless that comes before.
            || node
                .needs
                .iter()
                .any(|need| !before.get(need.index()).copied().unwrap_or_default())
        {
            continue;
        }
        let reached = match node.needs.as_slice() {
            [] => Vec::new(),
            needs => graph.reached(needs.iter().copied()),
        };
        let is_behind = |id: &Id| reached.get(id.index()).copied().unwrap_or_default();
        if stages.iter().all(is_behind) {
            continue;
        }
        let name = node.name();
        diagnostics.push(Diagnostic::warning(
            &node.definition.source,
            format!(
                "{name} does not depend on {BASE}: it starts while the scripts of cont-init.d still run"
            ),
            addition(node, Link::Dependency, "dependencies.d", BASE),
        ));
    }
}
