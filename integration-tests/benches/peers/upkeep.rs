//! What a supervisor is there for: a service that was killed is started again, and services that die at
//! once do not take the processor with them.

use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use sixfold_integration_tests::bench::peers::Peer;
use sixfold_integration_tests::bench::results::Metric;

use crate::Bench;
use crate::life::boot_limit;
use crate::machine::{Machine, STAMPS, milliseconds, now};
use crate::processes;
use crate::trees::Tree;

/// Longer than the second that s6, runit and Sixfold leave between two starts of a service.
const BEYOND_THROTTLE: Duration = Duration::from_millis(1300);
/// How long a restart may take.
const RESTART: Duration = Duration::from_secs(20);
/// How many services there are, of which one is killed.
const SERVICES: usize = 10;

/// Kills a service of each peer, in turn, and waits for its next run.
pub(crate) fn restart(bench: &mut Bench) {
    let case = format!("one of {SERVICES}");
    let scenario = format!("restart, {case}");
    let mut machines: Vec<(Peer, Machine)> = Vec::new();
    for peer in bench.peers.clone().into_iter().filter(|it| it.restarts()) {
        let booted = bench.boot(peer, &Tree::services(SERVICES));
        let ready = booted.and_then(|mut machine| {
            machine.wait_stamps(SERVICES, boot_limit(SERVICES))?;
            machines.push((peer, machine));
            Ok(())
        });
        bench.note(&scenario, peer, ready);
    }
    let rounds = bench.options.rounds;
    for round in 0..rounds {
        eprintln!("peers: {scenario}, round {} of {rounds}", round + 1);
        // What is waited for cannot be seen: it is that a second has passed.
        thread::sleep(BEYOND_THROTTLE);
        for (peer, machine) in &mut machines {
            if bench.has_failed(&scenario, *peer) {
                continue;
            }
            let took = restart_one(machine);
            if let Ok(took) = took {
                bench.add(Metric::Restart, &case, *peer, round, took);
            }
            bench.note(&scenario, *peer, took.map(drop));
        }
    }
}

fn restart_one(machine: &mut Machine) -> Result<f64, String> {
    let before = machine.stamps();
    let services = processes::services(machine.first());
    let victim = services.first().ok_or("no service runs")?;
    let begun = now();
    kill(*victim, Signal::SIGKILL).map_err(|error| format!("kill {victim}: {error}"))?;
    let stamps = machine.wait_stamps(before + 1, RESTART)?;
    let next = stamps.last().copied().unwrap_or(begun);
    Ok(milliseconds(begun, next))
}

/// Boots services that end at once, and looks at what the supervision does for a while.
pub(crate) fn crash(bench: &mut Bench) {
    let (count, window) = if bench.options.quick {
        (10, Duration::from_secs(1))
    } else {
        (100, Duration::from_secs(5))
    };
    let rounds = bench.options.rounds.div_ceil(4);
    let case = format!("{count} services");
    let scenario = format!("crash loop, {case}");
    let tree = Tree {
        run: format!("exec /usr/local/bin/bench-service brief {STAMPS}"),
        ..Tree::services(count)
    };
    for round in 0..rounds {
        for peer in bench.in_turn(round) {
            if !peer.restarts() || bench.has_failed(&scenario, peer) {
                continue;
            }
            eprintln!(
                "peers: {}, {scenario}, round {} of {rounds}",
                peer.name(),
                round + 1
            );
            let measured = crash_one(bench, peer, &tree, window);
            if let Ok((cpu, starts)) = measured {
                bench.add(Metric::CrashCpu, &case, peer, round, cpu);
                bench.add(Metric::CrashStarts, &case, peer, round, starts);
            }
            bench.note(&scenario, peer, measured.map(drop));
        }
    }
}

/// The processor time in milliseconds, and the starts, both of one second.
fn crash_one(
    bench: &Bench,
    peer: Peer,
    tree: &Tree,
    window: Duration,
) -> Result<(f64, f64), String> {
    let mut machine = bench.boot(peer, tree)?;
    machine.wait_stamps(tree.count, boot_limit(tree.count))?;
    // Let the boot pass: it is measured elsewhere.
    thread::sleep(BEYOND_THROTTLE);
    let all = processes::supervision(machine.first());
    let (begun, used, stamps) = (now(), processes::used(&all), machine.stamps());
    thread::sleep(window);
    let seconds = milliseconds(begun, now()) / 1000.0;
    let used = processes::used(&all).saturating_sub(used);
    let starts = u32::try_from(machine.stamps() - stamps).unwrap_or(u32::MAX);
    let cpu = Duration::from_nanos(used).as_secs_f64() * 1000.0;
    Ok((cpu / seconds, f64::from(starts) / seconds))
}
