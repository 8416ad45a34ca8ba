//! Follows the names in `dependencies` and `contents` to what they mean.

use super::{Edge, Graph, Id, Link};
use crate::Diagnostic;
use crate::rc::definition::{Kind, Reference};
use crate::rc::sources::reserved_prefix;
use crate::text::{nearest, quoted, shell_word};

/// How many unknown names get a suggestion; comparing all with all takes its time.
const MOST_SUGGESTIONS: usize = 200;

/// Adds an edge for every name in `dependencies` and `contents`, and reports those that mean
/// nothing. Whoever names such a thing is broken.
pub(super) fn connect(graph: &mut Graph, diagnostics: &mut Vec<Diagnostic>) {
    let mut unknown = 0;
    for index in 0..graph.nodes.len() {
        let Some(node) = graph.nodes.get(index) else {
            continue;
        };
        let (references, link) = match &node.definition.kind {
            Kind::Oneshot(oneshot) => (&oneshot.dependencies, Link::Dependency),
            Kind::Longrun(longrun) => (&longrun.dependencies, Link::Dependency),
            Kind::Bundle(bundle) => (&bundle.contents, Link::Content),
            Kind::Unknown => continue,
        };
        let mut edges = Vec::with_capacity(references.len());
        let mut is_broken = false;
        for reference in references {
            match graph.find(&reference.name) {
                Some(to) => edges.push(edge(to, link, reference)),
                None => {
                    is_broken = true;
                    unknown += 1;
                    let verb = match link {
                        Link::Dependency | Link::Pipeline => "depends on",
                        Link::Content => "contains",
                    };
                    let suggestion = (unknown <= MOST_SUGGESTIONS)
                        .then(|| suggest(graph, &reference.name))
                        .flatten();
                    diagnostics.push(undefined(node.name(), verb, reference, suggestion));
                }
            }
        }
        if let Some(node) = graph.nodes.get_mut(index) {
            node.edges.extend(edges);
        }
        if is_broken {
            graph.mark_broken(Id(index));
        }
    }
}

/// An edge to `to`, which `reference` names.
pub(super) fn edge(to: Id, link: Link, reference: &Reference) -> Edge {
    Edge {
        to,
        link,
        path: reference.path.clone(),
        line: reference.line,
    }
}

/// The name that may have been meant.
pub(super) fn suggest<'a>(graph: &'a Graph, name: &str) -> Option<&'a str> {
    let limit = match name.len() {
        0..=4 => 1,
        5..=9 => 2,
        _ => 3,
    };
    let names = || graph.names.keys().map(String::as_str);
    // Two letters in the wrong order are two changes, and still the most usual of mistakes.
    let has_same_letters =
        |other: &&str| other.len() == name.len() && sorted(other) == sorted(name);
    nearest(name, names(), limit).or_else(|| nearest(name, names().filter(has_same_letters), 2))
}

fn sorted(name: &str) -> Vec<u8> {
    let mut letters = name.as_bytes().to_vec();
    letters.sort_unstable();
    letters
}

/// The finding that `reference`, which `name` makes, means nothing.
pub(super) fn undefined(
    name: &str,
    verb: &str,
    reference: &Reference,
    suggestion: Option<&str>,
) -> Diagnostic {
    let missing = &reference.name;
    let path = &reference.path;
    if reserved_prefix(missing).is_some() {
        let mut diagnostic = Diagnostic::error(
            path,
            format!("{name} {verb} {missing}, which s6-rc keeps for itself"),
            "remove it: s6-rc adds what a service needs of its own",
        );
        diagnostic.line = reference.line;
        return diagnostic;
    }
    let shown = if missing.chars().any(|c| c.is_control() || c == ' ') {
        quoted(missing.as_bytes())
    } else {
        missing.clone()
    };
    let meant = suggestion.map_or_else(String::new, |meant| format!("; did you mean {meant}"));
    let mend = match (reference.line, suggestion) {
        (None, Some(meant)) => format!(
            "rename it: mv {} {}",
            shell_word(path),
            shell_word(&path.with_file_name(meant))
        ),
        (None, None) => format!("define {shown}, or rm {}", shell_word(path)),
        (Some(_), Some(meant)) => format!("write {meant}, or define {shown}"),
        (Some(_), None) => format!("define {shown}, or remove the line"),
    };
    let message = format!("{name} {verb} {shown}, which is not defined{meant}");
    let mut diagnostic = Diagnostic::error(path, message, mend);
    diagnostic.line = reference.line;
    diagnostic
}
