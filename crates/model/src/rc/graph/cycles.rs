//! Finds what waits for itself: bundles that hold themselves, and services whose dependencies lead
//! back to them.
//!
//! Nothing here recurses: a chain may be as long as the image makes it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Edge, Graph, Id};
use crate::Diagnostic;
use crate::text::shell_word;

/// How many cycles are printed for services that are in several together. After that many the
/// report says how many services are left.
const MOST_PRINTED: usize = 10;

/// Marks what is in a cycle as broken, and reports whole cycles, so many that each service in one
/// is seen.
pub(super) fn mark(graph: &mut Graph, diagnostics: &mut Vec<Diagnostic>) {
    let is_bundle: Vec<bool> = graph.nodes.iter().map(super::Node::is_bundle).collect();
    let leads_to_bundle = |to: &usize| is_bundle.get(*to).copied().unwrap_or_default();
    let mut adjacency: Vec<Vec<usize>> = graph
        .nodes
        .iter()
        .map(|node| node.edges.iter().map(|edge| edge.to.0).collect())
        .collect();
    let among_bundles: Vec<Vec<usize>> = adjacency
        .iter()
        .zip(&is_bundle)
        .map(|(targets, is_bundle)| {
            let targets = targets.iter().copied().filter(leads_to_bundle);
            targets.filter(|_| *is_bundle).collect()
        })
        .collect();

    for members in cyclic(&among_bundles) {
        report(graph, &among_bundles, &members, true, diagnostics);
        let members: BTreeSet<usize> = members.into_iter().collect();
        for member in &members {
            graph.mark_broken(Id(*member));
            // The services in such bundles are not in a cycle because of it.
            if let Some(targets) = adjacency.get_mut(*member) {
                targets.retain(|target| !members.contains(target));
            }
        }
    }
    for members in cyclic(&adjacency) {
        report(graph, &adjacency, &members, false, diagnostics);
        for member in members {
            if !is_bundle.get(member).copied().unwrap_or_default() {
                graph.mark_broken(Id(member));
            }
        }
    }
}

/// Marks `index`; whether it was marked before. What is outside counts as marked.
pub(super) fn mark_seen(seen: &mut [bool], index: usize) -> bool {
    seen.get_mut(index)
        .is_none_or(|seen| std::mem::replace(seen, true))
}

/// The sets of nodes that lead to each other, each in order, of two nodes or of one that leads to
/// itself.
pub(super) fn cyclic(adjacency: &[Vec<usize>]) -> Vec<Vec<usize>> {
    // Kosaraju: what is reached backwards from the node that was left last leads there too.
    let mut reversed: Vec<Vec<usize>> = vec![Vec::new(); adjacency.len()];
    for (from, targets) in adjacency.iter().enumerate() {
        for to in targets {
            if let Some(sources) = reversed.get_mut(*to) {
                sources.push(from);
            }
        }
    }
    let mut seen = vec![false; adjacency.len()];
    let mut sets = Vec::new();
    for root in left(adjacency).into_iter().rev() {
        let mut set = Vec::new();
        let mut stack = vec![root];
        while let Some(node) = stack.pop() {
            if !mark_seen(&mut seen, node) {
                set.push(node);
                stack.extend(reversed.get(node).into_iter().flatten());
            }
        }
        let leads_to_itself = |node: &usize| {
            adjacency
                .get(*node)
                .is_some_and(|targets| targets.contains(node))
        };
        if set.len() > 1 || set.first().is_some_and(leads_to_itself) {
            set.sort_unstable();
            sets.push(set);
        }
    }
    sets.sort_unstable();
    sets
}

/// The nodes in the order in which a walk in depth leaves them.
fn left(adjacency: &[Vec<usize>]) -> Vec<usize> {
    let mut seen = vec![false; adjacency.len()];
    let mut order = Vec::with_capacity(adjacency.len());
    for root in 0..adjacency.len() {
        if mark_seen(&mut seen, root) {
            continue;
        }
        let mut stack = vec![(root, 0_usize)];
        while let Some((node, next)) = stack.last_mut() {
            match adjacency.get(*node).and_then(|targets| targets.get(*next)) {
                Some(target) => {
                    *next += 1;
                    if !mark_seen(&mut seen, *target) {
                        stack.push((*target, 0));
                    }
                }
                None => {
                    order.push(*node);
                    stack.pop();
                }
            }
        }
    }
    order
}

/// The shortest way from `start` back to it within `members`, with `start` once.
fn shortest(adjacency: &[Vec<usize>], start: usize, members: &BTreeSet<usize>) -> Vec<usize> {
    let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for to in adjacency.get(node).into_iter().flatten() {
            if *to == start {
                let mut way = vec![node];
                let mut last = node;
                while let Some(before) = came_from.get(&last) {
                    way.push(*before);
                    last = *before;
                }
                way.reverse();
                return way;
            }
            if members.contains(to) && !came_from.contains_key(to) {
                came_from.insert(*to, node);
                queue.push_back(*to);
            }
        }
    }
    Vec::new()
}

/// Reports cycles among `members` until each of them was in one.
fn report(
    graph: &Graph,
    adjacency: &[Vec<usize>],
    members: &[usize],
    of_bundles: bool,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let inside: BTreeSet<usize> = members.iter().copied().collect();
    let mut left = inside.clone();
    for _ in 0..MOST_PRINTED {
        let Some(start) = left.first().copied() else {
            return;
        };
        let cycle = shortest(adjacency, start, &inside);
        left.remove(&start);
        for node in &cycle {
            left.remove(node);
        }
        diagnostics.extend(describe(graph, &cycle, of_bundles));
    }
    let name = |index: &usize| graph.name(Id(*index)).to_owned();
    let rest: Vec<String> = left.iter().take(MOST_PRINTED).map(name).collect();
    if let Some(node) = left.first().and_then(|first| graph.get(Id(*first))) {
        diagnostics.push(Diagnostic::error(
            &node.definition.source,
            format!(
                "{} more are in cycles with these: {}{}",
                left.len(),
                rest.join(", "),
                if rest.len() < left.len() { ", ..." } else { "" }
            ),
            "mend the others first, and check again",
        ));
    }
}

/// The finding about one cycle, with what is written in each step of it.
fn describe(graph: &Graph, cycle: &[usize], of_bundles: bool) -> Option<Diagnostic> {
    let next = cycle.iter().cycle().skip(1);
    let steps: Vec<(&Edge, String)> = cycle
        .iter()
        .zip(next)
        .filter_map(|(from, to)| {
            let node = graph.get(Id(*from))?;
            let edge = node.edges.iter().find(|edge| edge.to.0 == *to)?;
            let place = match edge.line {
                Some(line) => format!("line {line} of {}", shell_word(&edge.path)),
                None => shell_word(&edge.path),
            };
            Some((edge, place))
        })
        .collect();
    let (first, _) = steps.first()?;
    let names: Vec<&str> = cycle
        .iter()
        .chain(cycle.first())
        .map(|index| graph.name(Id(*index)))
        .collect();
    let start = names.first()?;
    let way = names.join(" -> ");
    let message = if of_bundles {
        format!("bundle {start} contains itself: {way}")
    } else {
        format!("{start} waits for itself: {way}")
    };
    let places: Vec<String> = steps.iter().map(|(_, place)| place.clone()).collect();
    let mend = match places.as_slice() {
        [one] => format!("remove {one}"),
        _ => format!("remove one of {}", places.join(", ")),
    };
    let mut diagnostic = Diagnostic::error(&first.path, message, mend);
    diagnostic.line = first.line;
    Some(diagnostic)
}
