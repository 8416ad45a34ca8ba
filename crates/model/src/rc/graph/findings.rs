//! What is allowed, and seldom meant: definitions that nothing starts, and services that do not wait
//! for the stages before them.

use std::path::PathBuf;

use super::{Graph, Id, Node, Standing};
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
        let entry = user_contents(graph).join(name);
        let mend = format!(
            "touch {}, or start it by hand: s6-rc -u change {name}",
            shell_word(&entry)
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

/// Where an image lists what is to start.
fn user_contents(graph: &Graph) -> PathBuf {
    graph
        .find("user")
        .and_then(|id| graph.get(id))
        .filter(|node| !node.definition.is_stock)
        .map_or_else(
            || "/etc/s6-overlay/s6-rc.d/user".into(),
            |node| node.definition.source.clone(),
        )
        .join("contents.d")
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
        let entry = node.definition.source.join("dependencies.d").join(BASE);
        let directory = node.definition.source.join("dependencies.d");
        diagnostics.push(Diagnostic::warning(
            &node.definition.source,
            format!(
                "{name} does not depend on {BASE}: it starts while the scripts of cont-init.d still run"
            ),
            format!(
                "mkdir -p {} && touch {}",
                shell_word(&directory),
                shell_word(&entry)
            ),
        ));
    }
}
