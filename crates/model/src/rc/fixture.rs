//! Source trees for the tests of this module, written as paths and contents.

use std::path::Path;

use super::*;
use crate::Severity;
use crate::tree::{Entry, File, Tree};

/// Where the image's layer of the tests lies.
pub(super) const IMAGE: &str = "/etc/s6-overlay/s6-rc.d";

pub(super) fn file(content: impl AsRef<[u8]>) -> Entry {
    let content = content.as_ref();
    Entry::File(File {
        mode: 0o644,
        size: content.len() as u64,
        head: content.to_vec(),
    })
}

/// Puts an entry at a path below the tree.
pub(super) fn put(tree: &mut Tree, path: &str, entry: Entry) {
    match path.split_once('/') {
        None => {
            tree.entries.insert(path.into(), entry);
        }
        Some((first, rest)) => {
            let inner = tree
                .entries
                .entry(first.into())
                .or_insert_with(|| Entry::Dir(Tree::default()));
            if let Entry::Dir(inner) = inner {
                put(inner, rest, entry);
            }
        }
    }
}

/// A layer from the lines `PATH`, for an empty file, and `PATH CONTENT`, where `\n`, `\r` and `\t`
/// stand for what they stand for, and a path that ends in a slash is an empty directory.
pub(super) fn layer(origin: Origin, dir: &str, text: &str) -> Layer {
    let mut tree = Tree::default();
    for line in text
        .lines()
        .map(str::trim_start)
        .filter(|it| !it.is_empty())
    {
        let (path, content) = line.split_once(' ').unwrap_or((line, ""));
        let content = content
            .replace("\\n", "\n")
            .replace("\\r", "\r")
            .replace("\\t", "\t");
        match path.strip_suffix('/') {
            Some(path) => put(&mut tree, path, Entry::Dir(Tree::default())),
            None => put(&mut tree, path, file(content)),
        }
    }
    Layer {
        origin,
        dir: dir.into(),
        tree,
    }
}

pub(super) fn image(text: &str) -> Layer {
    layer(Origin::Image, IMAGE, text)
}

/// Takes every text, as the words between blanks.
pub(super) fn any_syntax(text: &[u8]) -> Result<Vec<Vec<u8>>, SyntaxError> {
    Ok(text
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .map(<[u8]>::to_vec)
        .collect())
}

/// The graph of these layers, with the stock ones below, and what is said of them.
pub(super) fn graph_of(layers: &[Layer]) -> (Graph, Vec<Diagnostic>) {
    let mut layers = layers.to_vec();
    layers.push(stock::layer(|_| false));
    read(&layers, &any_syntax)
}

/// The same for one layer of an image.
pub(super) fn graph(text: &str) -> (Graph, Vec<Diagnostic>) {
    graph_of(&[image(text)])
}

/// Each finding as `error: PATH:LINE: ...`, with the image's layer left out of the paths.
pub(super) fn lines(diagnostics: &[Diagnostic]) -> Vec<String> {
    let mut lines: Vec<String> = diagnostics
        .iter()
        .map(|it| {
            let word = match it.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            format!("{word}: {it}").replace(&format!("{IMAGE}/"), "")
        })
        .collect();
    lines.sort();
    lines
}

/// The findings about one layer of an image.
pub(super) fn found(text: &str) -> Vec<String> {
    lines(&graph(text).1)
}

/// The names of the services that the boot starts, in order.
pub(super) fn started(graph: &Graph) -> Vec<&str> {
    let steps = graph.boot().steps;
    steps.iter().map(|step| graph.name(step.id)).collect()
}

pub(super) fn node<'a>(graph: &'a Graph, name: &str) -> &'a Node {
    let id = graph.find(name).unwrap_or_else(|| panic!("no {name}"));
    graph.get(id).unwrap()
}

/// The names that a service waits for.
pub(super) fn needs<'a>(graph: &'a Graph, name: &str) -> Vec<&'a str> {
    let needs = &node(graph, name).needs;
    needs.iter().map(|id| graph.name(*id)).collect()
}

pub(super) fn longrun<'a>(graph: &'a Graph, name: &str) -> &'a definition::Longrun {
    match &node(graph, name).definition.kind {
        Kind::Longrun(longrun) => longrun,
        other @ (Kind::Oneshot(_) | Kind::Bundle(_) | Kind::Unknown) => {
            panic!("{name} is a {}", other.word())
        }
    }
}

pub(super) fn path(text: &str) -> &Path {
    Path::new(text)
}
