//! The kernel layer against the real kernel.
//!
//! No test harness: its threads would get in the way of masks, children and namespaces. Each test
//! is this program again, with one thread, told by `--run NAME` what to do; it fails by panicking.
//! `cargo test --test kernel -- WORD` runs those with WORD in their name.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the lints know tests by their attribute, which needs the harness"
)]

mod descriptors;
mod locks;
mod sandbox;
mod signals;
mod spawn;

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Command, ExitCode};

use sixfold_sys::spawn::{Kit, Plan, Session, Stream};

type Test = (&'static str, fn());

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let tests = [
        spawn::TESTS,
        signals::TESTS,
        descriptors::TESTS,
        locks::TESTS,
        sandbox::TESTS,
    ]
    .concat();
    if let [flag, name] = arguments.as_slice()
        && flag == "--run"
    {
        // What the test run itself was given must not be counted as a leak.
        sixfold_sys::fds::close_others_on_exec();
        let inner = [signals::INNER, sandbox::INNER].concat();
        let found = tests.iter().chain(&inner).find(|(known, _)| known == name);
        found
            .unwrap_or_else(|| panic!("no test is called {name}"))
            .1();
        return ExitCode::SUCCESS;
    }
    let words: Vec<&String> = arguments
        .iter()
        .filter(|word| !word.starts_with('-'))
        .collect();
    let mut failed = Vec::new();
    let mut count = 0;
    for (name, _) in tests {
        if !words.is_empty() && !words.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        count += 1;
        let status = again(name).spawn().unwrap().wait().unwrap();
        println!(
            "test {name} ... {}",
            if status.success() { "ok" } else { "FAILED" }
        );
        if !status.success() {
            failed.push(name);
        }
    }
    println!(
        "\nkernel: {} passed, {} failed {failed:?}",
        count - failed.len(),
        failed.len()
    );
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// This program as the test of that name.
fn again(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--run", name]);
    command
}

/// Whether this is root; if not, says that the test is skipped, which is a failure on CI.
fn have_root() -> bool {
    let root = sixfold_sys::process::euid() == 0;
    if !root {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "needs root, and CI must have it"
        );
        eprintln!("skipped: needs root");
    }
    root
}

/// A plan for `sh -c SCRIPT`, with everything else plain.
fn shell(script: &str) -> Plan {
    Plan {
        program: "/bin/sh".into(),
        arg0: None,
        args: vec!["-c".into(), script.into()],
        env: vec![("PATH".into(), "/usr/bin:/bin".into())],
        stdin: Stream::Null,
        stdout: Stream::Inherit,
        stderr: Stream::Inherit,
        session: Session::Same,
        descriptor_limit: None,
        ignored: sixfold_sys::signals::Ignored::default(),
        extra: None,
    }
}

/// Spawns the plan and returns its pid; the descriptors of the plan are closed then.
fn start(plan: Plan) -> i32 {
    start_with(None, plan)
}

/// The same with a kit.
fn start_with(kit: Option<&Kit>, plan: Plan) -> i32 {
    let spawned = plan.spawn(kit, |mut command| command.spawn().map(|child| child.id()));
    i32::try_from(spawned.unwrap()).unwrap()
}

/// Everything that can be read from a pipe until all its writers have gone.
fn read_all(reader: OwnedFd) -> String {
    let mut text = String::new();
    File::from(reader).read_to_string(&mut text).unwrap();
    text
}

/// Spawns the plan with its stdout in a pipe, waits for its success, returns pid and output.
fn capture(plan: Plan) -> (i32, String) {
    capture_with(None, plan)
}

/// The same with a kit.
fn capture_with(kit: Option<&Kit>, mut plan: Plan) -> (i32, String) {
    let (reader, writer) = sixfold_sys::fds::pipe().unwrap();
    plan.stdout = Stream::Fd(writer);
    let pid = start_with(kit, plan);
    let text = read_all(reader);
    assert_eq!(
        sixfold_sys::wait::wait_for(pid).unwrap(),
        sixfold_sys::wait::Exit::Code(0)
    );
    (pid, text)
}
