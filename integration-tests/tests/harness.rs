//! The harness itself, with `/bin/sh` as PID 1: what it reports is what happened. Needs no binary,
//! so a failure here is the harness's and not Sixfold's.

use std::time::Duration;

use nix::sys::signal::Signal;
use sixfold_integration_tests::{Nest, root_available};

fn shell(text: &str) -> Nest {
    Nest::new()
        .without_install()
        .entry(&["/bin/sh", "-c", text])
}

#[test]
fn exit_code_and_both_streams_come_through() {
    if !root_available() {
        return;
    }
    let end = shell("echo to-out; echo to-err >&2; printf unfinished; exit 7").run();
    end.assert_code(7);
    assert_eq!(end.stdout(), ["to-out", "unfinished"], "{end}");
    assert_eq!(end.stderr(), ["to-err"], "{end}");
}

#[test]
fn environment_is_exactly_what_was_given() {
    if !root_available() {
        return;
    }
    // No shell: it would drop a name it cannot use.
    let end = Nest::new()
        .without_install()
        .entry(&["/bin/cat", "/proc/self/environ"])
        .without_env("HOME")
        .without_env("SIXFOLD_LOG_FORMAT")
        .env("a.b", "two\nlines")
        .env("EMPTY", "")
        .run();
    let all = end.stdout().join("\n");
    assert!(all.starts_with("PATH=/"), "{end}");
    assert!(all.ends_with("\0a.b=two\nlines\0EMPTY=\0"), "{end}");
    assert!(!all.contains("HOME=") && !all.contains("NEST_"), "{end}");
}

#[test]
fn signals_reach_pid_1_and_lines_can_be_waited_for() {
    if !root_available() {
        return;
    }
    let nest =
        shell("trap 'echo got; exit 3' TERM; echo ready; while :; do sleep 1000 & wait; done");
    let nest = nest.boot();
    nest.wait_line("ready");
    nest.terminate()
        .assert_code(3)
        .assert_has("got")
        .assert_within(Duration::from_secs(5));
}

#[test]
fn roots_are_as_ordered() {
    if !root_available() {
        return;
    }
    shell("id -u; id -G; pwd; touch /etc/x || echo read-only; touch /run/x && echo writable")
        .uid(12345)
        .workdir("/srv")
        .read_only_root()
        .run_options("mode=1777,noexec")
        .run()
        .assert_code(0)
        .assert_has("12345")
        .assert_has("/srv")
        .assert_has("read-only")
        .assert_has("writable");
}

#[test]
fn processes_can_be_seen_and_entered() {
    if !root_available() {
        return;
    }
    let nest = shell("sleep 1000 & echo started; wait").boot();
    nest.wait_line("started");
    nest.wait_until("the sleeper runs", |nest| nest.named("sleep").len() == 1);
    let inside = nest.exec(&["sh", "-c", "echo $$; cat /proc/1/comm; exit 9"]);
    inside.assert_code(9).assert_has("sh");
    nest.write_file("/run/there", "text");
    assert_eq!(nest.read("/run/there"), "text");
    assert_eq!(nest.named("sh").len(), 1);
    nest.signal(Signal::SIGKILL);
    // What unshare(1) makes of its child's death by a signal differs by version; never success.
    let end = nest.wait_exit();
    assert_ne!(end.code, Some(0), "{end}");
}

#[test]
fn terminal_is_the_controlling_one() {
    if !root_available() {
        return;
    }
    // A read that starts just after the signal came would wait for ever: it turns instead.
    let mut nest = shell("trap 'echo interrupted; exit 4' INT; tty; echo asked; read answer; echo \"<$answer>\"; echo again; while :; do sleep 0.05; done")
        .terminal()
        .boot();
    nest.wait_line("/dev/pts/");
    nest.wait_line("asked");
    nest.write(b"hello\n");
    nest.wait_line("<hello>");
    nest.wait_line("again");
    nest.write(b"\x03");
    nest.wait_exit().assert_code(4).assert_has("interrupted");
}

#[test]
fn terminal_can_be_resized() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .without_install()
        .entry(&["/bin/bash", "-c"])
        .cmd(&["trap 'stty size; exit 0' WINCH; echo trap set; while :; do sleep 0.05; done"])
        .terminal()
        .boot();
    nest.wait_line("trap set");
    nest.resize(41, 97);
    nest.wait_exit().assert_code(0).assert_has("41 97");
}

#[test]
fn links_are_taken_as_the_nest_takes_them() {
    if !root_available() {
        return;
    }
    let nest =
        shell("echo inside > /run/file; ln -s /run /tmp/link; echo ready; sleep 1000; true").boot();
    nest.wait_line("ready");
    assert_eq!(nest.read("/tmp/link/file"), "inside\n");
    assert_eq!(nest.read("/var/run/file"), "inside\n");
}

#[test]
fn entry_under_another_pid_1_is_found() {
    if !root_available() {
        return;
    }
    let nest = shell("trap 'exit 5' TERM; echo \"pid $$\"; while :; do sleep 1000 & wait; done")
        .under(&["/usr/bin/env", "sh", "-c", "\"$@\"; exit $?", "outer"])
        .boot();
    let line = nest.wait_line("pid ").text();
    assert_ne!(line, "pid 1");
    nest.terminate().assert_code(5);
}
