//! What Sixfold costs, in counts that do not depend on how fast the machine is: system calls for each
//! start, stop, restart and line of the log, memory, threads, descriptors, size. Each is held against
//! `budget.json`, and more than what is recorded there and its slack fails.
//!
//! `SIXFOLD_RECORD_BUDGET=1 cargo test --package sixfold-integration-tests --test budget` records what
//! is measured, on purpose: slack, units and sentences stay as they are.
//!
//! How a number becomes one that does not vary: what is counted lies between two moments at which
//! PID 1 waits with nothing left to do, things happen one by one or so many at once that a turn of the
//! event loop more or less is nothing, and what happens once is taken away by a difference.

use std::fmt::Write as _;
use std::fs;
use std::io::{Write as _, stderr};
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::thread;

use sixfold_integration_tests::budget::{self, Entry, Measured, Verdict};
use sixfold_integration_tests::{binary, repository, root_available, strace_available};

#[path = "budget/booted.rs"]
mod booted;
#[path = "budget/log.rs"]
mod log;
#[path = "budget/services.rs"]
mod services;

fn measure() -> Vec<Measured> {
    let size = fs::metadata(binary()).expect("it was built").len();
    let size = f64::from(u32::try_from(size).expect("an executable is small"));
    // Beside each other, since each waits for a good part of its time.
    let parts = thread::scope(|scope| {
        let parts: [fn() -> Vec<Measured>; 5] = [
            services::of_text_boots,
            services::of_json_boots,
            services::of_orders,
            log::of_lines,
            log::of_blocks,
        ];
        let parts = parts.map(|part| scope.spawn(part));
        parts.map(|part| part.join().unwrap_or_else(|panic| resume_unwind(panic)))
    });
    let mut measured = vec![Measured::of("executable.size", size)];
    measured.extend(parts.into_iter().flatten());
    measured
}

fn budget_file() -> PathBuf {
    repository().join("integration-tests/budget.json")
}

/// Prints all counts, and returns what is worse than the budget, in words that lead to the reason.
fn judge(pairs: &[(&Entry, &Measured)]) -> String {
    let mut worse = String::new();
    let head = ["", "measured", "recorded", "slack"];
    println!(
        "{:24} {:>11} {:>11} {:>8}",
        head[0], head[1], head[2], head[3]
    );
    for (entry, measured) in pairs {
        let (name, unit, value) = (&entry.name, &entry.unit, measured.value);
        let (recorded, slack) = (entry.recorded, entry.slack);
        println!("{name:24} {value:>11} {recorded:>11} {slack:>8} {unit}");
        match entry.verdict(measured) {
            Verdict::Kept => {}
            Verdict::Better => {
                // Past the capture, which hides what a test prints that passes.
                let _ = writeln!(
                    stderr(),
                    "{name} is {value} {unit}, better than the recorded {recorded}: record it, so \
                     that it stays so"
                );
            }
            Verdict::Worse => {
                let _ = write!(
                    worse,
                    "\n{name} is {value} {unit}, {} more than the recorded {recorded} (slack \
                     {slack}).\n    {}\n{}",
                    entry.excess(measured),
                    entry.counts,
                    entry.changes(measured)
                );
            }
        }
    }
    worse
}

#[test]
fn counts_stay_within_the_budget() {
    if !root_available() || !strace_available() {
        return;
    }
    let measured = measure();
    let text = fs::read_to_string(budget_file()).expect("the budget is there");
    let mut entries = budget::parse(&text).unwrap_or_else(|why| panic!("budget.json: {why}"));
    if std::env::var_os("SIXFOLD_RECORD_BUDGET").is_some_and(|value| value == "1") {
        let recorded = budget::record(&entries, &measured);
        entries = recorded.unwrap_or_else(|why| panic!("budget.json: {why}"));
        fs::write(budget_file(), budget::write(&entries)).expect("the budget can be written");
    }
    let pairs = budget::pair(&entries, &measured);
    let pairs = pairs.unwrap_or_else(|why| panic!("budget.json: {why}"));
    let worse = judge(&pairs);
    assert!(
        worse.is_empty(),
        "Sixfold costs more than integration-tests/budget.json allows.\n{worse}\n\
         Where the calls come from: strace --follow-forks --decode-fds=path --attach PID of the \
         container's PID 1.\n\
         If it is worth it: SIXFOLD_RECORD_BUDGET=1 cargo test --package \
         sixfold-integration-tests --test budget"
    );
}
