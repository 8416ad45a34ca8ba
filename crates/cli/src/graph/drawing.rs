//! The graph as text for programs that draw: Mermaid and Graphviz.
//!
//! Nodes are called by their numbers; names are only labels, so that no name can be taken for
//! something of the language.

use std::fmt::Write as _;

use sixfold_model::rc::graph::Link;
use sixfold_model::rc::{Graph, Kind, Node, Standing};

use super::Up;

/// For Mermaid.
pub(super) fn mermaid(graph: &Graph, up: &Up) -> String {
    // What is waited for is drawn above what waits.
    let mut text = String::from("flowchart BT\n");
    for (id, node) in graph.nodes() {
        let label = mermaid_label(node.name());
        let number = id.index();
        let _ = match &node.definition.kind {
            Kind::Longrun(_) => writeln!(text, "  n{number}[\"{label}\"]"),
            Kind::Oneshot(_) => writeln!(text, "  n{number}([\"{label}\"])"),
            Kind::Bundle(_) => writeln!(text, "  n{number}{{{{\"{label}\"}}}}"),
            Kind::Unknown => writeln!(text, "  n{number}>\"{label}\"]"),
        };
    }
    for (id, node) in graph.nodes() {
        for edge in &node.edges {
            let arrow = match edge.link {
                Link::Dependency => "-->",
                Link::Content => "-.->",
                Link::Pipeline => "==>",
            };
            let _ = writeln!(text, "  n{} {arrow} n{}", id.index(), edge.to.index());
        }
    }
    let _ = writeln!(text, "  classDef broken stroke:#c00,color:#c00");
    let _ = writeln!(text, "  classDef blocked stroke:#c00,stroke-dasharray:4");
    let _ = writeln!(text, "  classDef up fill:#cfc,color:#000");
    for (id, node) in graph.nodes() {
        if let Some(class) = class(node, up) {
            let _ = writeln!(text, "  class n{} {class}", id.index());
        }
    }
    text
}

/// For Graphviz.
pub(super) fn dot(graph: &Graph, up: &Up) -> String {
    let mut text = String::from("digraph services {\n  rankdir=BT;\n");
    for (id, node) in graph.nodes() {
        let shape = match &node.definition.kind {
            Kind::Longrun(_) => "box",
            Kind::Oneshot(_) => "oval",
            Kind::Bundle(_) => "hexagon",
            Kind::Unknown => "octagon",
        };
        let style = match class(node, up) {
            Some("blocked") => ", color=red, style=dashed",
            Some("up") => ", style=filled, fillcolor=palegreen",
            Some(_) => ", color=red, fontcolor=red",
            None => "",
        };
        let label = dot_label(node.name());
        let _ = writeln!(
            text,
            "  n{} [label=\"{label}\", shape={shape}{style}];",
            id.index()
        );
    }
    for (id, node) in graph.nodes() {
        for edge in &node.edges {
            let style = match edge.link {
                Link::Dependency => "",
                Link::Content => " [style=dotted]",
                Link::Pipeline => " [style=bold]",
            };
            let _ = writeln!(text, "  n{} -> n{}{style};", id.index(), edge.to.index());
        }
    }
    text.push_str("}\n");
    text
}

/// What sets a node apart, if anything does.
fn class(node: &Node, up: &Up) -> Option<&'static str> {
    match node.standing {
        Standing::Sound => {
            let is_up = up.as_ref().is_some_and(|up| up.contains(node.name()));
            is_up.then_some("up")
        }
        Standing::Broken => Some("broken"),
        Standing::Blocked { .. } => Some("blocked"),
    }
}

/// A name between the quotes of a label, where Mermaid takes HTML and Markdown.
fn mermaid_label(name: &str) -> String {
    let mut label = String::new();
    for character in name.chars() {
        if character.is_alphanumeric() || "-_.@ ".contains(character) {
            label.push(character);
        } else {
            let _ = write!(label, "#{};", u32::from(character));
        }
    }
    label
}

/// A name between the quotes of a label, where a backslash has a meaning.
fn dot_label(name: &str) -> String {
    let mut label = String::new();
    for character in name.chars() {
        match character {
            '"' | '\\' => {
                label.push('\\');
                label.push(character);
            }
            // Anything else can stand for itself, but would break the line.
            control if control.is_control() => {
                let _ = write!(label, "\\\\u{{{:x}}}", u32::from(control));
            }
            other => label.push(other),
        }
    }
    // An ampersand begins an entity of HTML.
    label.replace('&', "&amp;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cannot_leave_their_quotes() {
        assert_eq!(mermaid_label("svc-nginx@1.2"), "svc-nginx@1.2");
        assert_eq!(mermaid_label("a\"]<b>#`"), "a#34;#93;#60;b#62;#35;#96;");
        assert_eq!(dot_label("a\"\\N&amp;\t"), "a\\\"\\\\N&amp;amp;\\\\u{9}");
        assert_eq!(dot_label("größe"), "größe");
    }
}
