//! Makes orphans for PID 1 to reap: each is a process whose parent ends before it. Used by the
//! tests of reaping, as a service's `run` or as the CMD.
//!
//! usage: orphan-maker COUNT
//!
//! Prints `made COUNT orphans` when the last has been started, and exits 0.

use std::process::{Command, ExitCode, Stdio};

/// So many orphans per parent: the parent ends after its batch and leaves them all at once.
const BATCH: u32 = 50;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let own = std::env::current_exe().expect("/proc is mounted");
    let run = |words: &[&str]| {
        let mut command = Command::new(&own);
        command.args(words).stdin(Stdio::null());
        command
    };
    match (arguments.next().as_deref(), arguments.next()) {
        // An orphan: ends at once, with a status of its own that nobody asked for.
        (Some("orphan"), None) => return ExitCode::from(7),
        (Some("parent"), Some(count)) => {
            let count: u32 = count.parse().expect("a number");
            for _ in 0..count {
                // Not waited for: that is the point.
                drop(run(&["orphan"]).spawn().expect("an orphan can be made"));
            }
        }
        (Some(count), None) => {
            let count: u32 = count.parse().expect("a number");
            let mut left = count;
            while left > 0 {
                let batch = left.min(BATCH);
                let parent = run(&["parent", &batch.to_string()]).status();
                assert!(parent.expect("a parent can be made").success());
                left -= batch;
            }
            println!("made {count} orphans");
        }
        _ => {
            eprintln!("usage: orphan-maker COUNT");
            return ExitCode::from(100);
        }
    }
    ExitCode::SUCCESS
}
