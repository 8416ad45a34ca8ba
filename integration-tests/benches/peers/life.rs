//! The life of a machine: how long its boot takes, what it holds while it runs, how long its stop takes.
//! One machine gives all three. Peers take turns within each round, so that what disturbs one disturbs
//! its neighbours too.

use std::thread;
use std::time::Duration;

use nix::unistd::Pid;
use sixfold_integration_tests::bench::options::Part;
use sixfold_integration_tests::bench::peers::Peer;
use sixfold_integration_tests::bench::results::Metric;

use crate::Bench;
use crate::machine::milliseconds;
use crate::processes;
use crate::trees::{Shape, Tree};

/// How long a stop may take: s6-overlay gives 3 s to services and 3 s to all that is left.
const STOP: Duration = Duration::from_secs(30);
/// How long a machine is waited for to come to rest after its boot.
const REST: Duration = Duration::from_secs(5);
/// How long after that its memory is looked at.
const SETTLED: Duration = Duration::from_secs(1);

/// A number of services, or another task for a boot.
struct Case {
    name: String,
    tree: Tree,
    rounds: usize,
    /// Whether memory and stop are measured, too.
    is_whole: bool,
}

/// Boots, measures and stops each peer in each case.
pub(crate) fn run(bench: &mut Bench) {
    for case in cases(bench) {
        for round in 0..case.rounds {
            eprintln!(
                "peers: boot of {}, round {} of {}",
                case.name,
                round + 1,
                case.rounds
            );
            for peer in bench.in_turn(round) {
                let scenario = format!("boot, {}", case.name);
                if takes_part(peer, &case) && !bench.has_failed(&scenario, peer) {
                    let lived = live(bench, &case, peer, round);
                    bench.note(&scenario, peer, lived);
                }
            }
        }
    }
}

fn cases(bench: &Bench) -> Vec<Case> {
    let rounds = bench.options.rounds;
    let few = rounds.div_ceil(3);
    let mut counts = vec![(1, rounds), (10, rounds)];
    if !bench.options.quick {
        counts.extend([(100, rounds), (1000, few)]);
    }
    let mut cases: Vec<Case> = counts
        .into_iter()
        .map(|(count, rounds)| Case {
            name: count.to_string(),
            tree: Tree::services(count),
            rounds,
            is_whole: true,
        })
        .collect();
    if !bench.wants(Part::Boot) {
        return cases;
    }
    let mut scripts = Tree::services(1);
    scripts.scripts = 20;
    let shaped = |shape| Tree {
        shape,
        ..Tree::services(if bench.options.quick { 20 } else { 100 })
    };
    for (name, tree) in [
        ("1, after 20 scripts", scripts),
        ("100 in a chain", shaped(Shape::Chain)),
        ("100 in a fan", shaped(Shape::Fan)),
    ] {
        cases.push(Case {
            name: name.replace("100", &tree.count.to_string()),
            tree,
            rounds: few,
            is_whole: false,
        });
    }
    cases
}

fn takes_part(peer: Peer, case: &Case) -> bool {
    if case.tree.scripts > 0 || case.tree.shape != Shape::Flat {
        return peer.has_stages();
    }
    peer.has_services() || case.tree.count == 1
}

fn live(bench: &mut Bench, case: &Case, peer: Peer, round: usize) -> Result<(), String> {
    let count = case.tree.count;
    let mut machine = bench.boot(peer, &case.tree)?;
    let stamps = machine.wait_stamps(count, boot_limit(count))?;
    let begun = machine.started()?;
    let last = stamps.iter().copied().max().unwrap_or(begun);
    if bench.wants(Part::Boot) {
        let took = milliseconds(begun, last);
        bench.add(Metric::Boot, &case.name, peer, round, took);
    }
    if !case.is_whole || !(bench.wants(Part::Memory) || bench.wants(Part::Stop)) {
        return Ok(());
    }
    machine.wait_calm(REST);
    let all = processes::supervision(machine.first());
    if bench.wants(Part::Boot) {
        let cpu = Duration::from_nanos(processes::used(&all)).as_secs_f64() * 1000.0;
        bench.add(Metric::BootCpu, &case.name, peer, round, cpu);
    }
    if bench.wants(Part::Memory) && peer != Peer::Limit {
        // What counts is what a container holds while it runs, not what its boot has left for a moment.
        thread::sleep(SETTLED);
        remember(bench, &all, &case.name, peer, round)?;
    }
    if bench.wants(Part::Stop) {
        let took = machine.stop(STOP)?;
        bench.add(Metric::Stop, &case.name, peer, round, took);
    }
    Ok(())
}

fn remember(
    bench: &mut Bench,
    all: &[Pid],
    case: &str,
    peer: Peer,
    round: usize,
) -> Result<(), String> {
    let held = processes::holdings(all)?;
    for (metric, value) in [
        (Metric::Pss, held.pss),
        (Metric::PrivateDirty, held.private_dirty),
        (Metric::Processes, held.processes),
        (Metric::Threads, held.threads),
        (Metric::Descriptors, held.descriptors),
    ] {
        bench.add(metric, case, peer, round, f64::from(value));
    }
    Ok(())
}

/// How long a boot of so many services may take: far above what any peer needs.
pub(crate) fn boot_limit(count: usize) -> Duration {
    Duration::from_secs(20) + Duration::from_millis(60) * u32::try_from(count).unwrap_or(u32::MAX)
}
