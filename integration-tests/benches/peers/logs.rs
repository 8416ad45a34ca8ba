//! What the output of services costs: the services write as fast as it is taken from them, and the
//! supervision and the loggers have their processor time counted. The container's output is a pipe that
//! this program empties, as an engine does; log directories are in memory, where no disk is measured.

use std::fs::OpenOptions;
use std::io::{Read as _, pipe};
use std::os::unix::fs::OpenOptionsExt as _;
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use sixfold_integration_tests::bench::flood;
use sixfold_integration_tests::bench::peers::Logger;
use sixfold_integration_tests::bench::results::Metric;

use crate::Bench;
use crate::image::said;
use crate::life::boot_limit;
use crate::machine::{GATE, Machine, STAMPS, milliseconds};
use crate::processes;
use crate::trees::Tree;

/// How long all of it may take to be taken in.
const FLOOD: Duration = Duration::from_secs(120);
/// Less processor time than this is none: it does not depend on the amount.
const NOTHING: f64 = 0.002;

/// What came of a flood.
struct Flood {
    /// In seconds, from the first byte to the last.
    took: f64,
    /// The processor time, in seconds.
    cpu: f64,
    /// In MB.
    size: f64,
    /// In thousands.
    lines: f64,
}

/// Floods each logger, from one service and from twenty.
pub(crate) fn run(bench: &mut Bench) {
    let total = if bench.options.quick {
        8 << 20
    } else {
        128 << 20
    };
    let rounds = bench.options.rounds.div_ceil(3);
    for (count, case) in [(1, "1 service"), (20, "20 services")] {
        let scenario = format!("logs, {case}");
        for round in 0..rounds {
            eprintln!("peers: {scenario}, round {} of {rounds}", round + 1);
            for logger in Logger::ALL {
                let peer = logger.peer();
                let name = logger.name();
                let mut failures = bench.results.failures.iter();
                let has_failed = failures.any(|it| it.scenario == scenario && it.peer == name);
                if !bench.peers.contains(&peer) || has_failed {
                    continue;
                }
                match flood(bench, logger, count, total / count) {
                    Ok(flood) => add(bench, case, name, round, &flood),
                    Err(reason) => {
                        eprintln!("peers: {name}, {scenario}: {reason}");
                        bench.results.fail(&scenario, name, reason);
                    }
                }
            }
        }
    }
}

fn add(bench: &mut Bench, case: &str, name: &str, round: usize, flood: &Flood) {
    let mut add = |metric, value| bench.results.add(metric, case, name, round, value);
    add(Metric::LogRate, flood.size / flood.took);
    add(Metric::LogLines, flood.lines / flood.took);
    if flood.cpu < NOTHING {
        add(Metric::LogCpu, 0.0);
    } else {
        add(Metric::LogCore, flood.size / flood.cpu);
        add(Metric::LogCpu, flood.cpu / flood.size * 1000.0);
    }
}

fn tree(logger: Logger, count: usize, bytes: usize) -> Tree {
    let log = match logger {
        Logger::Json | Logger::Text => None,
        Logger::Cat => Some("exec cat"),
        Logger::OwnS6Log | Logger::S6Log => Some("exec s6-log t n3 s1000000 /tmp/$$"),
        Logger::Svlogd => Some(
            "mkdir /tmp/$$\nprintf 's1000000\\nn3\\n' > /tmp/$$/config\nexec svlogd -tt /tmp/$$",
        ),
    };
    Tree {
        run: format!("exec /usr/local/bin/bench-service flood {STAMPS} {GATE} {bytes}"),
        log: log.map(str::to_owned),
        ..Tree::services(count)
    }
}

fn flood(bench: &Bench, logger: Logger, count: usize, bytes: usize) -> Result<Flood, String> {
    let (mut reader, writer) = pipe().map_err(|error| format!("no pipe: {error}"))?;
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 20];
        while let Ok(1..) = reader.read(&mut buffer) {}
    });
    let tree = tree(logger, count, bytes);
    let mut machine = bench.boot_with(logger.peer(), &tree, writer.into())?;
    wait_ready(&machine, count)?;
    let all = processes::supervision(machine.first());
    let used = processes::used(&all);
    let gate = open_gate(&machine)?;
    let stamps = machine.wait_stamps(2 * count, FLOOD)?;
    machine.wait_calm(Duration::from_secs(5));
    drop(gate);
    let used = processes::used(&all).saturating_sub(used);
    let first = stamps.iter().copied().min().unwrap_or_default();
    let last = stamps.iter().copied().max().unwrap_or_default();
    let whole = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    Ok(Flood {
        took: milliseconds(first, last) / 1000.0,
        cpu: Duration::from_nanos(used).as_secs_f64(),
        size: whole(bytes * count) / 1e6,
        lines: whole(flood::lines(bytes) * count) / 1000.0,
    })
}

/// Waits until all services wait at the gate and the loggers have begun.
fn wait_ready(machine: &Machine, count: usize) -> Result<(), String> {
    let limit = boot_limit(count);
    let until = Instant::now() + limit;
    while processes::services(machine.first()).len() < count {
        if Instant::now() > until {
            return Err(machine.report(&format!("the services do not run after {limit:?}")));
        }
        thread::sleep(Duration::from_millis(10));
    }
    machine.wait_calm(Duration::from_secs(5));
    Ok(())
}

/// Opens the fifo that all wait for; it has to stay open for those that come late.
fn open_gate(machine: &Machine) -> Result<std::fs::File, String> {
    let path = machine.files().join("gate");
    // Without it, this would wait for ever where nobody waits at the other side.
    OpenOptions::new()
        .write(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(&path)
        .map_err(said(&path))
}
