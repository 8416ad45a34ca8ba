//! Graphs of numbers: deep ones, and random ones held against a naive solver.

use super::cycles::cyclic;
use super::*;
use crate::rc::definition::{Bundle, Oneshot, Reference};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Definitions `n0`, `n1`, ... that need or hold those of the given numbers, and a bundle `top` of
/// all.
fn numbered(nodes: &[(bool, Vec<usize>)]) -> Vec<Definition> {
    let references = |targets: &mut dyn Iterator<Item = usize>| {
        targets
            .map(|target| Reference {
                name: format!("n{target:05}"),
                path: format!("d/{target}").into(),
                line: None,
            })
            .collect()
    };
    let definition = |name: String, kind| Definition {
        source: name.clone().into(),
        name,
        kind,
        essential: false,
        recommended: false,
        is_stock: false,
        is_broken: false,
    };
    let all = Kind::Bundle(Bundle {
        contents: references(&mut (0..nodes.len())),
        is_pipeline: false,
    });
    nodes
        .iter()
        .enumerate()
        .map(|(index, (is_bundle, targets))| {
            let targets: Vec<Reference> = references(&mut targets.iter().copied());
            let kind = if *is_bundle {
                Kind::Bundle(Bundle {
                    contents: targets,
                    is_pipeline: false,
                })
            } else {
                Kind::Oneshot(Oneshot {
                    dependencies: targets,
                    ..Oneshot::default()
                })
            };
            definition(format!("n{index:05}"), kind)
        })
        .chain([definition("top".into(), all)])
        .collect()
}

fn resolved(nodes: &[(bool, Vec<usize>)]) -> (Graph, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let graph = Graph::resolve(numbered(nodes), &mut diagnostics);
    (graph, diagnostics)
}

#[test]
fn depth_is_no_matter() {
    let chain: Vec<_> = (0..10_000_usize)
        .map(|index| (false, index.checked_sub(1).into_iter().collect()))
        .collect();
    let (graph, diagnostics) = resolved(&chain);
    assert_eq!(diagnostics, Vec::new());
    let steps = graph.boot().steps;
    assert_eq!(steps.len(), 10_000);
    assert_eq!(steps.last().unwrap().level, 9_999);

    let circle: Vec<_> = (0..10_000_usize)
        .map(|index| (false, vec![(index + 1) % 10_000]))
        .collect();
    let (graph, diagnostics) = resolved(&circle);
    assert_eq!(diagnostics.len(), 1);
    assert!(graph.boot().steps.is_empty());

    let mut bundles: Vec<_> = (0..10_000_usize)
        .map(|index| (true, vec![index + 1]))
        .collect();
    bundles.push((false, Vec::new()));
    let (graph, diagnostics) = resolved(&bundles);
    assert_eq!(diagnostics, Vec::new());
    let first = graph.find("n00000").unwrap();
    assert_eq!(graph.atomics(first), [graph.find("n10000").unwrap()]);
}

/// Which of the numbers each one leads to in any number of steps, one row of bits for each.
fn reachable(targets: &[Vec<usize>]) -> Vec<Vec<u64>> {
    let words = targets.len().div_ceil(64);
    let mut rows: Vec<Vec<u64>> = targets
        .iter()
        .map(|targets| {
            let mut row = vec![0; words];
            for target in targets {
                row[target / 64] |= 1 << (target % 64);
            }
            row
        })
        .collect();
    for middle in 0..rows.len() {
        let through = rows[middle].clone();
        for row in &mut rows {
            if row[middle / 64] >> (middle % 64) & 1 == 1 {
                for (word, more) in row.iter_mut().zip(&through) {
                    *word |= more;
                }
            }
        }
    }
    rows
}

fn is_set(row: &[u64], index: usize) -> bool {
    row[index / 64] >> (index % 64) & 1 == 1
}

/// Holds a graph against what the naive solver says of the same nodes.
fn compare(nodes: &[(bool, Vec<usize>)]) {
    let (graph, _) = resolved(nodes);
    let id = |index: usize| graph.find(&format!("n{index:05}")).unwrap();
    let node = |index: usize| graph.get(id(index)).unwrap();
    let number = |id: Id| graph.name(id)[1..].parse::<usize>().unwrap();
    let count = nodes.len();

    // Bundles in bundles, and services that wait for each other, without what bundles do alone.
    let bundles: Vec<Vec<usize>> = nodes
        .iter()
        .map(|(is_bundle, targets)| {
            let inner = targets
                .iter()
                .copied()
                .filter(|it| *is_bundle && nodes[*it].0);
            inner.collect()
        })
        .collect();
    let within = reachable(&bundles);
    let holds_itself = |index: usize| is_set(&within[index], index);
    let in_one =
        |one: usize, other: usize| is_set(&within[one], other) && is_set(&within[other], one);
    let rest: Vec<Vec<usize>> = nodes
        .iter()
        .enumerate()
        .map(|(index, (_, targets))| {
            let kept = targets.iter().copied().filter(|it| !in_one(index, *it));
            kept.collect()
        })
        .collect();
    let leads_to = reachable(&rest);
    let everything: Vec<Vec<usize>> = nodes.iter().map(|(_, targets)| targets.clone()).collect();
    let leads_anyhow = reachable(&everything);
    let is_broken = |index: usize| {
        if nodes[index].0 {
            holds_itself(index)
        } else {
            is_set(&leads_to[index], index)
        }
    };
    for (index, leads) in leads_anyhow.iter().enumerate() {
        let is_blocked = (0..count).any(|it| is_broken(it) && is_set(leads, it));
        match &node(index).standing {
            Standing::Broken => assert!(is_broken(index), "{index}"),
            Standing::Blocked { by } => {
                assert!(is_blocked && !is_broken(index), "{index}");
                let by = number(graph.find(by).unwrap());
                assert!(is_broken(by) && is_set(leads, by), "{index} by {by}");
            }
            Standing::Sound => assert!(!is_broken(index) && !is_blocked, "{index}"),
        }
    }

    // The same sets of services that wait for each other.
    let sets: BTreeSet<Vec<usize>> = cyclic(&rest).into_iter().collect();
    let mut naive = BTreeSet::new();
    for index in (0..count).filter(|index| is_set(&leads_to[*index], *index)) {
        let set = (0..count)
            .filter(|other| is_set(&leads_to[index], *other) && is_set(&leads_to[*other], index));
        naive.insert(set.collect::<Vec<_>>());
    }
    assert_eq!(sets, naive);

    // What each waits for: what it names, and what is in that, but never beyond a service.
    let held: Vec<Vec<usize>> = nodes
        .iter()
        .map(|(is_bundle, targets)| {
            if *is_bundle {
                targets.clone()
            } else {
                Vec::new()
            }
        })
        .collect();
    let holds = reachable(&held);
    for (index, (is_bundle, targets)) in nodes.iter().enumerate() {
        let waits: BTreeSet<usize> = (0..count)
            .filter(|it| !*is_bundle && !nodes[*it].0)
            .filter(|it| {
                targets.contains(it) || targets.iter().any(|target| is_set(&holds[*target], *it))
            })
            .collect();
        let found: BTreeSet<usize> = node(index).needs.iter().map(|it| number(*it)).collect();
        assert_eq!(found, waits, "{index}");
        for need in &node(index).needs {
            assert!(graph.get(*need).unwrap().needed_by.contains(&id(index)));
        }
    }

    // Every sound service starts once, after all it waits for.
    let plan = graph.boot();
    let mut up = BTreeSet::new();
    for step in &plan.steps {
        let node = graph.get(step.id).unwrap();
        assert!(node.is_sound());
        assert!(node.needs.iter().all(|need| up.contains(need)));
        assert!(up.insert(step.id));
    }
    let sound = graph
        .nodes()
        .filter(|(_, it)| it.is_sound() && !it.is_bundle());
    assert_eq!(up, sound.map(|(id, _)| id).collect());
}

/// Nodes of which few lead back, so that there are long chains and some cycles.
fn random_nodes(most: usize) -> impl Strategy<Value = Vec<(bool, Vec<usize>)>> {
    (1..most).prop_flat_map(|count| {
        let node = (
            prop::bool::weighted(0.2),
            prop::collection::vec((0..count, prop::bool::weighted(0.02)), 0..4),
        );
        prop::collection::vec(node, count).prop_map(|nodes| {
            nodes
                .into_iter()
                .enumerate()
                .map(|(index, (is_bundle, targets))| {
                    let targets: BTreeSet<usize> = targets
                        .into_iter()
                        .filter(|(target, is_free)| *is_free || *target < index)
                        .map(|(target, _)| target)
                        .collect();
                    (is_bundle, targets.into_iter().collect())
                })
                .collect()
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn small_graphs_are_as_the_naive_solver_says(nodes in random_nodes(30)) {
        compare(&nodes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn large_graphs_are_as_the_naive_solver_says(nodes in random_nodes(2_000)) {
        compare(&nodes);
    }
}
