//! What is done while nothing happens. All peers are looked at during the same seconds: first from outside,
//! by what the kernel counts, then with strace, which must be told to look at each process.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sixfold_integration_tests::bench::peers::Peer;
use sixfold_integration_tests::bench::results::Metric;
use sixfold_integration_tests::bench::trace;

use crate::Bench;
use crate::life::boot_limit;
use crate::machine::{Machine, program};
use crate::processes;
use crate::trees::Tree;

/// A process that is attached to has its waiting interrupted, and begins it anew: that is not its own.
const ATTACHING: Duration = Duration::from_secs(2);
/// How long strace may take to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A peer at rest.
struct Subject {
    peer: Peer,
    case: String,
    machine: Machine,
    processes: Vec<Pid>,
}

/// Boots all peers and watches them.
pub(crate) fn run(bench: &mut Bench) {
    let (count, window) = if bench.options.quick {
        (10, Duration::from_secs(1))
    } else {
        (100, Duration::from_secs(10))
    };
    eprintln!("peers: idle, {count} services");
    let subjects = at_rest(bench, count);
    let looked: Vec<(u64, u64)> = subjects.iter().map(look).collect();
    thread::sleep(window);
    let per_10_seconds = 10.0 / window.as_secs_f64();
    for (subject, before) in subjects.iter().zip(looked) {
        let after = look(subject);
        let microseconds =
            Duration::from_nanos(after.0.saturating_sub(before.0)).as_secs_f64() * 1e6;
        let switches = u32::try_from(after.1.saturating_sub(before.1)).unwrap_or(u32::MAX);
        let (case, peer) = (&subject.case, subject.peer);
        bench.add(
            Metric::IdleCpu,
            case,
            peer,
            0,
            microseconds * per_10_seconds,
        );
        let switches = f64::from(switches) * per_10_seconds;
        bench.add(Metric::IdleSwitches, case, peer, 0, switches);
    }
    if program("strace").is_err() {
        return;
    }
    let traces: Vec<_> = subjects.iter().map(attach).collect();
    thread::sleep(ATTACHING);
    let begun = since_epoch();
    thread::sleep(window);
    let ended = since_epoch();
    for (subject, trace) in subjects.iter().zip(traces) {
        let counted = trace.and_then(|trace| {
            detach(trace)?;
            let file = subject.machine.files().join("trace");
            let text = fs::read_to_string(&file).map_err(|error| format!("the trace: {error}"))?;
            Ok(trace::calls(&text, begun, ended))
        });
        if let Ok(count) = counted {
            let count = f64::from(count) * per_10_seconds;
            bench.add(Metric::IdleCalls, &subject.case, subject.peer, 0, count);
        }
        bench.note("idle, system calls", subject.peer, counted.map(drop));
    }
}

fn at_rest(bench: &mut Bench, count: usize) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for peer in bench.peers.clone() {
        let count = if peer.has_services() { count } else { 1 };
        let booted = bench.boot(peer, &Tree::services(count));
        let ready = booted.and_then(|mut machine| {
            machine.wait_stamps(count, boot_limit(count))?;
            subjects.push(Subject {
                peer,
                case: "in 10 s".to_owned(),
                processes: Vec::new(),
                machine,
            });
            Ok(())
        });
        bench.note("idle", peer, ready);
    }
    for subject in &mut subjects {
        subject.machine.wait_calm(Duration::from_secs(10));
        subject.processes = processes::supervision(subject.machine.first());
    }
    subjects
}

/// The processor time in nanoseconds, and the context switches.
fn look(subject: &Subject) -> (u64, u64) {
    let all = &subject.processes;
    (processes::used(all), processes::switches(all))
}

fn attach(subject: &Subject) -> Result<Child, String> {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "strace", "-f", "-ttt", "-q", "-o"]);
    command.arg(subject.machine.files().join("trace"));
    for pid in &subject.processes {
        command.args(["-p", &pid.to_string()]);
    }
    command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot run strace: {error}"))
}

fn detach(mut trace: Child) -> Result<(), String> {
    if let Ok(Some(status)) = trace.try_wait() {
        return Err(format!("strace ended too soon: {status}"));
    }
    let pid = Pid::from_raw(i32::try_from(trace.id()).expect("a pid fits"));
    let _ = kill(pid, Signal::SIGINT);
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if trace.try_wait().is_ok_and(|status| status.is_some()) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(10));
    }
    let _ = trace.kill();
    let _ = trace.wait();
    Err("strace did not end".to_owned())
}

fn since_epoch() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}
