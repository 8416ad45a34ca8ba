//! A storm of processes whose parents end before them: PID 1 has to take the status of each.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use sixfold_integration_tests::bench::peers::Peer;
use sixfold_integration_tests::bench::results::Metric;

use crate::Bench;
use crate::life::boot_limit;
use crate::machine::{milliseconds, now};
use crate::processes;
use crate::trees::Tree;

/// How long a storm may last.
const STORM: Duration = Duration::from_secs(300);
/// How often the processes are counted.
const GLANCE: Duration = Duration::from_millis(5);

/// Sends a storm to each peer.
pub(crate) fn run(bench: &mut Bench) {
    let count = if bench.options.quick { 200 } else { 20_000 };
    let rounds = bench.options.rounds.div_ceil(9);
    let case = format!("{count} orphans");
    for round in 0..rounds {
        for peer in bench.in_turn(round) {
            if bench.has_failed(&case, peer) {
                continue;
            }
            eprintln!(
                "peers: {}, {case}, round {} of {rounds}",
                peer.name(),
                round + 1
            );
            let measured = storm(bench, peer, count);
            if let Ok((took, cpu)) = measured {
                bench.add(Metric::Orphans, &case, peer, round, took);
                bench.add(Metric::OrphansCpu, &case, peer, round, cpu);
            }
            bench.note(&case, peer, measured.map(drop));
        }
    }
}

/// How long it took until none was left, and the supervision's processor time, both in milliseconds.
fn storm(bench: &Bench, peer: Peer, count: usize) -> Result<(f64, f64), String> {
    let mut machine = bench.boot(peer, &Tree::services(1))?;
    machine.wait_stamps(1, boot_limit(1))?;
    machine.wait_calm(Duration::from_secs(5));
    let first = machine.first();
    let all = processes::supervision(first);
    let (before, used, begun) = (processes::count(first), processes::used(&all), now());
    let until = Instant::now() + STORM;
    // From outside, so that the orphans go to PID 1 and not to a service's supervisor.
    let mut maker = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "nsenter"])
        .arg(format!("--target={first}"))
        .args(["--mount", "--pid", "--root", "--wd", "--"])
        .args(["/usr/local/bin/orphan-maker", &count.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot run setpriv: {error}"))?;
    let result = loop {
        let is_made = maker.try_wait().map_err(|error| error.to_string())?;
        let left = processes::count(first);
        match is_made {
            Some(status) if !status.success() => break Err(format!("orphan-maker: {status}")),
            Some(_) if left <= before => break Ok(milliseconds(begun, now())),
            Some(_) | None => {}
        }
        if Instant::now() > until {
            let more = left.saturating_sub(before);
            break Err(machine.report(&format!("{more} are left after {STORM:?}")));
        }
        thread::sleep(GLANCE);
    };
    let _ = maker.kill();
    let _ = maker.wait();
    let used = processes::used(&all).saturating_sub(used);
    Ok((result?, Duration::from_nanos(used).as_secs_f64() * 1000.0))
}
