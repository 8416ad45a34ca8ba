//! A directory of services.d and every file it may hold: down, notification-fd, the timeouts, the
//! down signal, the logger; and what a service's process is given.

use std::time::Duration;

use nix::sys::signal::Signal;
use sixfold_integration_tests::{Nest, root_available};

const IGNORER: &str = env!("CARGO_BIN_EXE_signal-ignorer");
const FLOODER: &str = env!("CARGO_BIN_EXE_log-flooder");

#[test]
fn service_with_a_down_file_is_not_started() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .service("asleep", "echo asleep runs; exec sleep 1000")
        .service_file("asleep", "down", 0o644, "")
        .service("awake", "echo awake runs; exec sleep 1000")
        .boot();
    nest.wait_line("awake runs");
    nest.wait_line("[services.d] done.");
    nest.terminate().assert_code(0).assert_lacks("asleep runs");
}

#[test]
fn plain_files_and_hidden_directories_in_services_d_are_not_services() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .file("/etc/services.d/README", 0o644, "not a service")
        .service(".hidden", "echo hidden runs; exec sleep 1000")
        .service("seen", "echo seen runs; exec sleep 1000")
        .boot();
    nest.wait_line("seen runs");
    nest.wait_line("[services.d] done.");
    nest.terminate().assert_code(0).assert_lacks("hidden runs");
}

#[test]
fn readiness_is_a_newline_on_the_descriptor_named() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .service(
            "web",
            "echo waiting >&2; while [ ! -e /run/go ]; do sleep 0.02; done\n\
             echo is ready; echo >&3; exec sleep 1000",
        )
        .service_file("web", "notification-fd", 0o644, "3\n")
        .env("S6_CMD_WAIT_FOR_SERVICES", "1")
        .cmd_sh("echo cmd runs")
        .boot();
    nest.wait_line("waiting");
    nest.write_file("/run/go", "");
    let end = nest.wait_exit();
    end.assert_code(0);
    assert_eq!(end.stdout(), ["is ready", "cmd runs"], "{end}");
}

#[test]
fn readiness_on_descriptor_736() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .service(
            "web",
            "#!/bin/bash\necho is ready; echo >&736; exec sleep 1000\n",
        )
        .service_file("web", "notification-fd", 0o644, "736")
        .env("S6_CMD_WAIT_FOR_SERVICES", "1")
        .cmd_sh("echo cmd runs")
        .run();
    end.assert_code(0);
    assert_eq!(end.stdout(), ["is ready", "cmd runs"], "{end}");
}

#[test]
fn finish_is_killed_after_timeout_finish() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .service("web", "echo tick; exit 0")
        .finish("web", "echo finishing; exec sleep 1000")
        .service_file("web", "timeout-finish", 0o644, "300\n")
        .boot();
    let finishing = nest.wait_line("finishing").at;
    let again = nest.wait_lines("tick", 2).at;
    let pause = again - finishing;
    assert!(pause > Duration::from_millis(250), "{pause:?}");
    assert!(pause < Duration::from_secs(4), "{pause:?}");
    // In the stop as well: the grace time (3000 ms) is not what ends it.
    nest.terminate()
        .assert_code(0)
        .assert_within(Duration::from_millis(2500));
}

#[test]
fn run_is_killed_timeout_kill_after_the_down_signal() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .program("/opt/ignorer", IGNORER)
        .service("deaf", "exec /opt/ignorer")
        .finish("deaf", "echo \"deaf finished $1 $2\" >&2")
        .service_file("deaf", "timeout-kill", 0o644, "300")
        .boot();
    nest.wait_line("ignoring");
    nest.terminate()
        .assert_code(0)
        .assert_has("deaf finished 256 9")
        .assert_within(Duration::from_millis(2500));
}

#[test]
fn down_signal_is_sent_in_the_place_of_term() {
    if !root_available() {
        return;
    }
    for (content, name) in [("SIGUSR1\n", "USR1"), ("INT", "INT"), ("12", "USR2")] {
        let run = format!(
            "trap 'echo got TERM; exit 1' TERM; trap 'echo got {name}; exit 0' {name}\n\
             echo is-up; while :; do sleep 1000 & wait $!; done"
        );
        let nest = Nest::new()
            .service("picky", &run)
            .service_file("picky", "down-signal", 0o644, content)
            .boot();
        nest.wait_line("is-up");
        let end = nest.terminate();
        end.assert_code(0)
            .assert_has(&format!("got {name}"))
            .assert_within(Duration::from_millis(2500));
    }
}

#[test]
fn finish_exit_125_ends_the_restarts() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .service("once", "echo once runs; exit 3")
        .finish("once", "echo once finishes; exit 125")
        .service("clock", "echo tick; exit 0")
        .boot();
    nest.wait_line("once finishes");
    // Three restarts of another service that began with it: it had its chance.
    nest.wait_lines("tick", 4);
    let end = nest.terminate();
    end.assert_code(0);
    assert_eq!(end.count("once runs"), 1, "{end}");
}

#[test]
fn logger_gets_every_line_and_the_last_words() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .program("/opt/flooder", FLOODER)
        .service(
            "talk",
            "trap 'echo last words; exit 0' TERM\n\
             /opt/flooder lines 5000; echo flooded >&2\n\
             while :; do sleep 1000 & wait $!; done",
        )
        .logger("talk", "exec cat >> /tmp/talk.log")
        .cont_finish("10-show", "cat /tmp/talk.log")
        .boot();
    nest.wait_line("flooded");
    let end = nest.terminate();
    end.assert_code(0);
    let logged: Vec<String> = end
        .stdout()
        .into_iter()
        .filter(|line| line.starts_with("line ") || line == "last words")
        .collect();
    let mut expected: Vec<String> = (0..5000).map(|line| format!("line {line}")).collect();
    expected.push("last words".to_owned());
    assert_eq!(logged.len(), expected.len(), "the logger lost lines");
    assert_eq!(logged, expected);
}

#[test]
fn logger_that_dies_is_restarted_and_loses_nothing() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .service(
            "talk",
            "n=0; while [ $n -lt 60 ]; do echo number $n; n=$((n+1)); sleep 0.02; done\n\
             echo all said >&2; exec sleep 1000",
        )
        // Each run takes one line and ends: what comes between stays in the pipe.
        .logger(
            "talk",
            "[ -e /run/second ] && exec cat; : > /run/second; read -r line; echo \"$line\"; exit 1",
        )
        .boot();
    nest.wait_line("all said");
    nest.wait_line("number 59");
    let end = nest.terminate();
    end.assert_code(0);
    let numbers: Vec<String> = end
        .stdout()
        .into_iter()
        .filter(|line| line.starts_with("number "))
        .collect();
    let expected: Vec<String> = (0..60).map(|number| format!("number {number}")).collect();
    assert_eq!(numbers, expected);
}

#[test]
fn service_sees_its_directory_its_name_and_an_empty_stdin() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .service(
            "web",
            "echo \"argument $1\"; echo \"stdin $(readlink /proc/self/fd/0)\"; echo \"data $(cat data/file)\"; umask; echo seen; exec sleep 1000",
        )
        .service_file("web", "data/file", 0o644, "from the directory")
        .boot();
    nest.wait_line("seen");
    nest.terminate()
        .assert_has("argument web")
        .assert_has("stdin /dev/null")
        .assert_has("data from the directory")
        .assert_has("0022");
}

#[test]
fn service_has_no_descriptor_but_the_three_and_no_signal_blocked() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .service(
            "web",
            "#!/usr/bin/python3 -u\nimport os, time\n\
             print('fds', sorted(int(n) for n in os.listdir('/proc/self/fd'))[:-1])\n\
             print(''.join(l for l in open('/proc/self/status') if l.startswith('SigBlk')), end='')\n\
             print('seen')\ntime.sleep(1000)\n",
        )
        .boot();
    nest.wait_line("seen");
    nest.terminate()
        .assert_has("fds [0, 1, 2]")
        .assert_has("SigBlk:\t0000000000000000");
}

#[test]
fn hup_rescans_and_starts_what_is_new() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .service("first", "echo first runs; exec sleep 1000")
        .boot();
    nest.wait_line("first runs");
    nest.wait_line("[services.d] done.");
    nest.exec(&[
        "sh",
        "-c",
        "mkdir /run/new && printf '#!/bin/sh\\necho new runs\\nexec sleep 1000\\n' > /run/new/run && \
         chmod 755 /run/new/run && ln -s /run/new /run/service/new",
    ])
    .assert_code(0);
    nest.signal(Signal::SIGHUP);
    nest.wait_line("new runs");
    let end = nest.terminate();
    end.assert_code(0);
    assert_eq!(end.count("first runs"), 1, "{end}");
}
