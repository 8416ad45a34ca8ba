//! What services cost: at boot, while they run, at each start and end, and when all is stopped.

use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use sixfold_integration_tests::Running;
use sixfold_integration_tests::budget::Measured;
use sixfold_integration_tests::calls::{Calls, Tally, difference};

use crate::booted::{Booted, Log, float, of_memory, running};

/// The two numbers of services between whose boots the difference is taken.
const FEW: usize = 10;
const MANY: usize = 110;
/// How many services are restarted, how often each, and that often they are stopped and started.
const SERVICES: usize = 50;
const ROUNDS: usize = 4;
/// Between two starts of a service lies a second; after this time none has to wait for it.
const APART: Duration = Duration::from_millis(1100);
/// How long PID 1 is watched while nothing happens. No event can end that.
const IDLE: Duration = Duration::from_secs(2);

/// The calls by which PID 1 learns that something has happened. How many there are depends on whether
/// a signal finds it at work or asleep: on the kernel, and where much happens at once, on chance.
const OF_WAKING: [&str; 5] = ["epoll_wait", "recvfrom", "rt_sigreturn", "sendto", "waitid"];

/// What services cost where programs inherit the container's streams.
pub(crate) fn of_text_boots() -> Vec<Measured> {
    of_boots("text", Log::Text)
}

/// What they cost where PID 1 reads what programs write.
pub(crate) fn of_json_boots() -> Vec<Measured> {
    of_boots("json", Log::Json)
}

/// What one more service costs at boot, while it runs, and at the end, and what PID 1 has without.
fn of_boots(mode: &str, log: Log) -> Vec<Measured> {
    let named = |name: &str| format!("{mode}.{name}");
    let one = Booted::new(log, 1);
    let threads = one.nest.status_field("Threads");
    let threads = threads.parse().expect("a number of threads");
    let mut measured = vec![
        Measured::of(&named("threads"), threads),
        Measured::of(&named("memory.base"), one.memory()),
    ];
    drop(one);
    let (few, many) = (Booted::new(log, FEW), Booted::new(log, MANY));
    let share = float(MANY - FEW);
    let each = |few: f64, many: f64| (many - few) / share;
    let memory = each(few.memory(), many.memory());
    let descriptors = each(few.descriptors(), many.descriptors());
    let without = few.descriptors() - descriptors * float(FEW);
    let boot = many.seen.since(&few.seen);
    let (_, stop) = apart(&difference(&many.stop(), &few.stop()));
    measured.extend([
        Measured::of(&named("memory.service"), memory),
        Measured::of(&named("descriptors.base"), without),
        Measured::of(&named("descriptors.service"), descriptors),
        Measured::calls(&named("boot.calls"), &boot.own, share),
        Measured::calls(&named("boot.child_calls"), &boot.children, share),
        Measured::calls(&named("stop.calls"), &stop, share),
    ]);
    measured
}

/// What a service costs by itself, one after the other, in a container that else rests.
pub(crate) fn of_orders() -> Vec<Measured> {
    let mut booted = Booted::new(Log::Text, SERVICES);
    thread::sleep(IDLE);
    let idle = booted.phase("it rests", |_| true);
    let down = order_all(&mut booted, b'd', |down| SERVICES - down);
    thread::sleep(APART);
    let up = order_all(&mut booted, b'u', |up| up);
    let before = booted.memory();
    let restarts = restart_all(&mut booted);
    let growth = booted.memory() - before;
    booted.stop();
    let (orders, deaths) = (float(SERVICES), float(SERVICES * ROUNDS));
    let memory = of_memory(&restarts.own);
    let mut measured = vec![
        Measured::calls("idle.calls", &idle.own, 1.0),
        Measured::calls("up.child_calls", &up.children, orders),
        Measured::calls("restart.child_calls", &restarts.children, deaths),
        Measured::calls("restart.memory_calls", &memory, 1.0),
        Measured::of("restart.memory_growth", growth),
    ];
    for (name, calls, share) in [
        ("down", down, orders),
        ("up", up, orders),
        ("restart", restarts, deaths),
    ] {
        let (waking, others) = apart(&calls.own);
        measured.extend([
            Measured::calls(&format!("{name}.calls"), &others, share),
            Measured::calls(&format!("{name}.waking_calls"), &waking, share),
        ]);
    }
    measured
}

/// The calls by which PID 1 learns of something, and the others.
fn apart(tally: &Tally) -> (Tally, Tally) {
    let calls = tally.iter().map(|(name, count)| (name.clone(), *count));
    calls.partition(|(name, _)| OF_WAKING.contains(&name.as_str()))
}

/// Gives all services the same order, each after the one before has obeyed: `left` says how many run
/// when so many were told.
fn order_all(booted: &mut Booted, order: u8, left: impl Fn(usize) -> usize) -> Calls {
    for service in 0..SERVICES {
        booted.order(service, order);
        let left = left(service + 1);
        let obeyed = |nest: &Running| nest.children().len() == left && running(nest).len() == left;
        booted.trace.settle(&booted.nest, "one has obeyed", obeyed);
    }
    booted.phase("all have obeyed", |_| true)
}

/// Kills each service several times, and waits each time until it runs again.
fn restart_all(booted: &mut Booted) -> Calls {
    let mut begun = Instant::now();
    for _ in 0..ROUNDS {
        // The eldest come first, so each is as old as the round before.
        let next = begun + APART;
        thread::sleep(next.saturating_duration_since(Instant::now()));
        for pid in running(&booted.nest) {
            kill(pid, Signal::SIGKILL).expect("a service runs");
            booted.trace.settle(&booted.nest, "it runs again", |nest| {
                let running = running(nest);
                running.len() == SERVICES && !running.contains(&pid)
            });
        }
        begun = Instant::now();
    }
    booted.phase("all run again", |_| true)
}
