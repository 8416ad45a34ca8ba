//! What runs inside the machines of the benchmark `peers`. Its first word says what it is:
//!
//! ```text
//! launch FILE PROGRAM [WORD...]   appends the time to FILE and becomes PROGRAM
//! service FILE                    appends the time to FILE and waits for a signal
//! brief FILE                      appends the time to FILE and ends
//! flood FILE GATE BYTES           waits until the fifo GATE is opened, writes BYTES of lines to standard
//!                                 output, and waits; appends the time to FILE before and after
//! limit DIR                       starts DIR/*/run one after the other, by posix_spawn and nothing else;
//!                                 at TERM it sends TERM to all and ends when all have ended
//! ```
//!
//! A time is one line: the monotonic clock in nanoseconds, in 20 digits, by one write. Lines of several
//! processes stand in FILE one after the other, and its size tells how many there are.

use std::fs::{File, OpenOptions};
use std::io::{Write, stdout};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, wait, waitpid};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;
use sixfold_integration_tests::bench::flood::block as flood_block;

fn main() -> ExitCode {
    // Before anything else: this is the instruction that the benchmark waits for.
    let begun = now();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["launch", file, program, rest @ ..] => {
            stamp(file, now());
            let error = Command::new(program).args(rest).exec();
            eprintln!("cannot execute {program}: {error}");
            return ExitCode::from(127);
        }
        ["service", file] => {
            stamp(file, begun);
            wait_for_ever();
        }
        ["brief", file] => stamp(file, begun),
        ["flood", file, gate, bytes] => {
            let bytes = bytes.parse().expect("a number of bytes");
            drop(File::open(gate).expect("the gate is there"));
            stamp(file, now());
            flood(bytes);
            stamp(file, now());
            wait_for_ever();
        }
        ["limit", dir] => limit(Path::new(dir)),
        _ => {
            eprintln!("usage: bench-helper launch|service|brief|flood|limit ...");
            return ExitCode::from(100);
        }
    }
    ExitCode::SUCCESS
}

fn now() -> i64 {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("the clock can be read");
    time.tv_sec() * 1_000_000_000 + time.tv_nsec()
}

fn stamp(file: &str, time: i64) {
    let mut file = OpenOptions::new()
        .append(true)
        .open(file)
        .expect("the file of times is there");
    let line = format!("{time:020}\n");
    let written = file.write(line.as_bytes()).expect("it can be written");
    assert_eq!(written, line.len(), "a line is one write");
}

fn wait_for_ever() -> ! {
    loop {
        std::thread::park();
    }
}

fn flood(bytes: usize) {
    let block = flood_block();
    let mut out = stdout().lock();
    let mut left = bytes;
    while left > 0 {
        let part = &block[..left.min(block.len())];
        if out.write_all(part).is_err() {
            return;
        }
        left -= part.len();
    }
    let _ = out.write_all(b"\n");
    let _ = out.flush();
}

fn limit(dir: &Path) {
    // As PID 1 it would otherwise never see a TERM; blocked, it waits to be asked for.
    let mut stop = SigSet::empty();
    stop.add(Signal::SIGTERM);
    let mut scripts: Vec<_> = std::fs::read_dir(dir)
        .expect("the services are there")
        .map(|entry| entry.expect("the directory can be read").path().join("run"))
        .collect();
    scripts.sort_unstable();
    for script in scripts {
        drop(Command::new(script).spawn().expect("a process can be had"));
    }
    stop.add(Signal::SIGCHLD);
    stop.thread_block().expect("signals can be blocked");
    // Until then, whoever ends is only reaped.
    while stop.wait().expect("signals can be waited for") != Signal::SIGTERM {
        let nobody = Ok(WaitStatus::StillAlive);
        while ![nobody, Err(Errno::ECHILD)].contains(&waitpid(None, Some(WaitPidFlag::WNOHANG))) {}
    }
    let _ = kill(Pid::from_raw(-1), Signal::SIGTERM);
    while wait() != Err(Errno::ECHILD) {}
}
