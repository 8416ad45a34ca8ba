//! `sixfold run TREE [-- CMD]`: the README's first command. It boots a tree on the machine one sits
//! at, passes its output and exit code through, and leaves the machine as it was.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sixfold_integration_tests::{
    DEADLINE, Process, Streams, Tree, binary, root_available, sample_tree,
};

/// `sixfold run` in namespaces of its own, so that the sample's port is free and a failed test
/// leaves nothing behind.
fn run(tree: &Path, words: &[&str], streams: Streams) -> Process {
    let mut command = Command::new("unshare");
    command
        .args([
            "--net",
            "--pid",
            "--mount-proc",
            "--fork",
            "--kill-child",
            "--",
        ])
        .arg(binary())
        .arg("run")
        .arg(tree)
        .args(words)
        .env("SIXFOLD_LOG_FORMAT", "text");
    Process::spawn(command, streams)
}

/// The process that runs `sixfold run`: unshare's child.
fn inner(process: &Process) -> Pid {
    let outer = process.pid();
    let children = fs::read_to_string(format!("/proc/{outer}/task/{outer}/children"));
    let children = children.unwrap_or_default();
    let child = children
        .split_whitespace()
        .next()
        .expect("unshare has a child");
    Pid::from_raw(child.parse().expect("a pid"))
}

fn script_tree(path: &str, text: &str) -> Tree {
    let tree = Tree::new();
    tree.file(path, 0o755, text);
    tree
}

fn assert_sample_stopped(end: &sixfold_integration_tests::Finished) {
    end.assert_code(0)
        .assert_has("service1 exited. code=256")
        .assert_has("service2 exited. code=256")
        .assert_has("[cont-finish.d] done.")
        .assert_has("[s6-finish] sending all processes the KILL signal and exiting.")
        .assert_within(Duration::from_millis(1500));
}

#[test]
fn sample_boots_and_int_stops_it_in_order() {
    if !root_available() {
        return;
    }
    let mut process = run(&sample_tree(), &[], Streams::Pipes);
    process.wait_line("starting service1");
    process.wait_line("starting service2");
    process.wait_line("[services.d] done.");
    process.mark();
    kill(inner(&process), Signal::SIGINT).expect("it runs");
    assert_sample_stopped(&process.wait_exit());
}

#[test]
fn ctrl_c_on_the_terminal_stops_it_in_order() {
    if !root_available() {
        return;
    }
    let mut process = run(&sample_tree(), &[], Streams::Terminal);
    process.wait_line("starting service1");
    process.wait_line("starting service2");
    process.wait_line("[services.d] done.");
    process.mark();
    process.write(b"\x03");
    assert_sample_stopped(&process.wait_exit());
}

#[test]
fn term_stops_it_too() {
    if !root_available() {
        return;
    }
    let mut process = run(&sample_tree(), &[], Streams::Pipes);
    process.wait_line("starting service1");
    process.wait_line("starting service2");
    process.wait_line("[services.d] done.");
    process.mark();
    kill(inner(&process), Signal::SIGTERM).expect("it runs");
    assert_sample_stopped(&process.wait_exit());
}

#[test]
fn cmds_code_and_streams_are_passed_through() {
    if !root_available() {
        return;
    }
    let tree = script_tree("/etc/cont-init.d/10", "#!/bin/sh\necho init ran\n");
    let words = ["--", "sh", "-c", "echo out; echo err >&2; exit 37"];
    let end = run(tree.path().as_path(), &words, Streams::Pipes).wait_exit();
    end.assert_code(37).assert_has("init ran");
    assert!(end.stdout().contains(&"out".to_owned()), "{end}");
    assert!(end.stderr().contains(&"err".to_owned()), "{end}");
}

#[test]
fn cmd_killed_by_a_signal_is_128_and_the_signal() {
    if !root_available() {
        return;
    }
    let tree = Tree::new();
    let words = ["--", "sh", "-c", "kill -9 $$"];
    run(tree.path().as_path(), &words, Streams::Pipes)
        .wait_exit()
        .assert_code(137);
}

#[test]
fn cmd_has_the_stdin() {
    if !root_available() {
        return;
    }
    let tree = Tree::new();
    let mut process = run(tree.path().as_path(), &["--", "cat"], Streams::Feed);
    process.write(b"through\n");
    process.wait_line("through");
    process.close_input();
    process.wait_exit().assert_code(0);
}

#[test]
fn tree_and_machine_are_left_as_they_were() {
    if !root_available() {
        return;
    }
    let tree = script_tree(
        "/etc/cont-init.d/10",
        "#!/bin/sh\ntouch /etc/made-inside /opt/made-inside\n",
    );
    let words = [
        "--",
        "sh",
        "-c",
        "test -e /etc/made-inside && test -x /command/with-contenv && echo inside",
    ];
    run(tree.path().as_path(), &words, Streams::Pipes)
        .wait_exit()
        .assert_code(0)
        .assert_has("inside");
    assert!(!Path::new("/etc/made-inside").exists());
    assert!(!Path::new("/opt/made-inside").exists());
    let left: Vec<_> = fs::read_dir(tree.path())
        .expect("the tree is there")
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert_eq!(left, ["etc"]);
}

#[test]
fn processes_of_the_machine_are_not_seen_inside() {
    if !root_available() {
        return;
    }
    let tree = Tree::new();
    let words = [
        "--",
        "sh",
        "-c",
        "cat /proc/1/comm; ls /proc | grep -c '^[0-9]'",
    ];
    let end = run(tree.path().as_path(), &words, Streams::Pipes).wait_exit();
    end.assert_code(0);
    let lines = end.stdout();
    let count: usize = lines[1].parse().expect("a number");
    assert!(count < 8, "{end}");
}

#[test]
fn tree_that_is_not_there_is_named() {
    if !root_available() {
        return;
    }
    let end = run(Path::new("/no/such/tree"), &[], Streams::Pipes).wait_exit();
    assert_ne!(end.code, Some(0), "{end}");
    end.assert_has("/no/such/tree");
}

#[test]
fn without_root_it_works_or_says_what_is_missing() {
    if !root_available() {
        return;
    }
    // Where another user can reach both: the build directory may be private.
    let tree = script_tree("/etc/cont-init.d/10", "#!/bin/sh\necho init ran\n");
    tree.program("/sixfold", binary());
    let own = tree.path();
    let open = own.parent().expect("it has one");
    let chmod = Command::new("chmod").arg("755").arg(open).status();
    assert!(chmod.expect("chmod can be run").success());
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=12345", "--regid=12345", "--clear-groups", "--"])
        .arg(own.join("sixfold"))
        .arg("run")
        .arg(&own)
        .args(["--", "sh", "-c", "exit 21"])
        .env("SIXFOLD_LOG_FORMAT", "text");
    let end = Process::spawn(command, Streams::Pipes).wait_exit_within(DEADLINE);
    if end.code == Some(21) {
        end.assert_has("init ran");
    } else {
        let text = end.stderr().join("\n").to_lowercase();
        assert!(text.contains("root") && text.contains("namespace"), "{end}");
        end.assert_lacks("panicked");
    }
}
