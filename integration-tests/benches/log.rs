//! How much `s6-log` takes beside Debian's, and how much memory it needs for a gigabyte.
//!
//! `cargo bench --package sixfold-integration-tests --bench log`. Fails when stamped lines are not
//! taken at twice Debian's speed, when the memory grows beyond its bound, and when the original is
//! missing. `/dev/shm` is where all of it lies: a disk would be measured otherwise.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use sixfold_integration_tests::binary;
use tempfile::TempDir;

/// How many times as fast ours has to be with stamped lines.
const WANTED: f64 = 2.0;
/// What is read for each measurement, in bytes.
const INPUT: usize = 100 << 20;
/// How often.
const ROUNDS: usize = 3;
/// What is taken at length, in bytes, and how much memory may be resident then, in KiB.
const SOAK: usize = 1 << 30;
const MEMORY: u64 = 8 << 10;
const DEBIAN: &str = "/usr/bin/s6-log";

const SCRIPTS: [&[&str]; 4] = [
    &["t", "n3", "s1000000"],
    &["T", "n3", "s1000000"],
    &["n3", "s1000000"],
    &["-", "+7", "t", "n3", "s1000000"],
];

fn main() -> ExitCode {
    if !Path::new(DEBIAN).exists() {
        eprintln!("the Debian package s6 is missing: there is nothing to compare with");
        return ExitCode::FAILURE;
    }
    let dir = TempDir::with_prefix_in("sixfold-bench-", "/dev/shm").unwrap();
    let ours = dir.path().join("s6-log");
    symlink(binary(), &ours).unwrap();
    let text = lines(INPUT);
    let input = dir.path().join("input");
    fs::write(&input, &text).unwrap();
    let mut is_met = true;
    println!("| script | Debian's | ours | times as fast |");
    println!("| --- | --- | --- | --- |");
    for script in SCRIPTS {
        let (mut theirs, mut own) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            theirs.push(time(Path::new(DEBIAN), script, &input, dir.path()));
            own.push(time(&ours, script, &input, dir.path()));
        }
        let (theirs, own) = (speed(theirs), speed(own));
        let ratio = own / theirs;
        is_met &= ratio >= WANTED || !script.contains(&"t");
        println!(
            "| {} | {theirs:.0} MB/s | {own:.0} MB/s | {ratio:.1} |",
            script.join(" ")
        );
    }
    let memory = soak(&ours, text.as_bytes(), dir.path());
    println!("\nresident after a gigabyte: {memory} KiB at most");
    is_met &= memory <= MEMORY;
    if is_met {
        ExitCode::SUCCESS
    } else {
        eprintln!("less than {WANTED} times as fast, or more than {MEMORY} KiB");
        ExitCode::FAILURE
    }
}

/// Lines such as programs write, together at least this long.
fn lines(length: usize) -> String {
    let mut text = String::with_capacity(length + 200);
    let mut number = 0_usize;
    while text.len() < length {
        let filling = "x".repeat(20 + number.wrapping_mul(7919) % 140);
        writeln!(text, "line {number} {filling}").unwrap();
        number += 1;
    }
    text
}

fn command(program: &Path, script: &[&str], dir: &Path) -> (Command, PathBuf) {
    let log = dir.join("log");
    let _ = fs::remove_dir_all(&log);
    let mut command = Command::new(program);
    command.arg("--").args(script).arg(&log);
    (command, log)
}

/// How long it takes to read all of the input.
fn time(program: &Path, script: &[&str], input: &Path, dir: &Path) -> Duration {
    let (mut command, _log) = command(program, script, dir);
    command.stdin(File::open(input).unwrap());
    let start = Instant::now();
    assert!(command.status().unwrap().success());
    start.elapsed()
}

/// The speed of the median, in megabytes a second.
fn speed(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    let input = u32::try_from(INPUT).unwrap();
    f64::from(input) / 1e6 / times[times.len() / 2].as_secs_f64()
}

/// The most that was resident while a gigabyte came through a pipe, in KiB.
fn soak(program: &Path, text: &[u8], dir: &Path) -> u64 {
    let (mut command, log) = command(program, SCRIPTS[0], dir);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for _ in 0..SOAK.div_ceil(text.len()) {
        stdin.write_all(text).unwrap();
    }
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    // n3 and s1000000: three kept, one current, and what a block is beyond.
    let files = fs::read_dir(log).unwrap();
    let size: u64 = files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!(size < 4_200_000, "{size} bytes are kept");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap()
}
