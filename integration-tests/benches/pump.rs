//! How long an order to a service takes while others write as fast as they can: the log must not hold up
//! supervision.
//!
//! `cargo bench --package sixfold-integration-tests --bench pump`. One service is taken down and brought
//! up again and again, first in peace, then beside twenty services that flood the log. Fails when the
//! median of the second is more than 15 ms above that of the first: both orders together are some ten
//! turns of the event loop, each of which may do a piece of the log. Needs root.

use std::process::ExitCode;
use std::time::Duration;

use sixfold_integration_tests::{Finished, Nest, Stream};

const FLOODER: &str = env!("CARGO_BIN_EXE_log-flooder");
const FLOODERS: usize = 20;
const ROUNDS: usize = 100;
/// How much longer both orders may take, at the median.
const WANTED: Duration = Duration::from_millis(15);

/// The times of all orders, in the microseconds that a script inside has measured.
fn times(flooders: usize) -> Vec<Duration> {
    let orders = format!(
        "#!/bin/bash\n\
         for i in $(seq {ROUNDS}); do\n\
         begun=${{EPOCHREALTIME/./}}\n\
         /command/s6-svc -wd -d /run/service/one\n\
         /command/s6-svc -wu -u /run/service/one\n\
         echo took $((${{EPOCHREALTIME/./}} - begun)) >&2\n\
         done\n"
    );
    let mut nest = Nest::new()
        .json()
        .under(&["/bin/bash", "-c", "\"$@\" > >(cat > /dev/null)", "outer"])
        .program("/opt/flooder", FLOODER)
        .file("/orders", 0o755, orders)
        .service("one", "exec sleep 1000");
    for number in 0..flooders {
        nest = nest.service(&format!("flood-{number}"), "exec /opt/flooder forever");
    }
    let nest = nest.boot();
    nest.wait_file("/run/service/one/supervise/status");
    nest.wait_until("everything runs", |nest| {
        nest.named("flooder").len() == flooders && !nest.named("sleep").is_empty()
    });
    let done: Finished = nest.exec(&["/orders"]);
    done.assert_code(0);
    let lines = done.lines(Stream::Stderr);
    let numbers = lines
        .iter()
        .filter_map(|line| line.strip_prefix("took ")?.parse().ok());
    let mut times: Vec<Duration> = numbers.map(Duration::from_micros).collect();
    assert_eq!(times.len(), ROUNDS, "{done}");
    times.sort_unstable();
    times
}

fn main() -> ExitCode {
    let (idle, flooded) = (times(0), times(FLOODERS));
    println!("taken down and brought up {ROUNDS} times: median, 99 %, longest");
    for (what, times) in [
        ("in peace", &idle),
        ("beside 20 that flood the log", &flooded),
    ] {
        let at = |percent: usize| times[(ROUNDS * percent / 100).min(ROUNDS - 1)];
        println!("  {what:30} {:?} {:?} {:?}", at(50), at(99), at(100));
    }
    let middle = ROUNDS / 2;
    if flooded[middle] > idle[middle] + WANTED {
        println!("an order should not take {WANTED:?} longer for it");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
