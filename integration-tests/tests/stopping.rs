//! Stopping: by every signal and every command, from outside and from within, at every moment of
//! the container's life, and always in order.

use std::time::Duration;

use nix::sys::signal::Signal;
use sixfold_integration_tests::{Finished, Nest, root_available};

const IGNORER: &str = env!("CARGO_BIN_EXE_signal-ignorer");
const AT_ONCE: Duration = Duration::from_millis(1500);

/// Every command that stops a container from within. Debian has a `halt` of its own, so these are
/// paths, but for the one that is meant to be found.
const STOP_COMMANDS: [&str; 8] = [
    "s6-svscanctl -t /var/run/s6/services",
    "s6-svscanctl -t /run/service",
    "s6-svscanctl -tb /run/service",
    "/command/s6-svscanctl -t /run/service",
    "/run/s6/basedir/bin/halt",
    "/run/s6/basedir/bin/poweroff",
    "/run/s6/basedir/bin/reboot",
    "/run/s6/basedir/bin/shutdown -h now",
];

fn with_witness() -> Nest {
    Nest::new()
        .service("witness", "echo witness is up; exec sleep 1000")
        .finish("witness", "echo witness finished")
        .cont_finish("10", "echo cont-finish ran")
}

fn assert_orderly(end: &Finished) {
    end.assert_code(0)
        .assert_has("witness finished")
        .assert_has("cont-finish ran")
        .assert_within(AT_ONCE);
}

#[test]
fn every_stop_signal_stops_in_order_with_0() {
    if !root_available() {
        return;
    }
    for signal in [
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
        Signal::SIGPWR,
        Signal::SIGWINCH,
    ] {
        let mut nest = with_witness().boot();
        nest.wait_line("witness is up");
        nest.wait_line("[services.d] done.");
        nest.mark();
        nest.signal(signal);
        assert_orderly(&nest.wait_exit());
    }
}

#[test]
fn winch_with_a_terminal_is_a_resize_and_stops_nothing() {
    if !root_available() {
        return;
    }
    let nest = with_witness()
        .terminal()
        .service("clock", "echo tick; exit 0")
        .boot();
    nest.wait_line("witness is up");
    nest.wait_line("[services.d] done.");
    nest.signal(Signal::SIGWINCH);
    let before = nest.output.lines().len();
    // Services are still restarted a while later.
    let ticks = nest
        .output
        .lines()
        .iter()
        .filter(|line| line.text() == "tick")
        .count();
    nest.wait_lines("tick", ticks + 2);
    assert!(nest.output.lines().len() > before);
    nest.terminate().assert_code(0);
}

#[test]
fn hup_and_alrm_stop_nothing() {
    if !root_available() {
        return;
    }
    let nest = with_witness().service("clock", "echo tick; exit 0").boot();
    nest.wait_line("witness is up");
    nest.wait_line("[services.d] done.");
    nest.signal(Signal::SIGHUP);
    nest.signal(Signal::SIGALRM);
    let ticks = nest
        .output
        .lines()
        .iter()
        .filter(|line| line.text() == "tick")
        .count();
    nest.wait_lines("tick", ticks + 2);
    let end = nest.terminate();
    end.assert_code(0);
    assert_eq!(end.count("witness is up"), 1, "{end}");
}

#[test]
fn every_stop_command_works_from_outside() {
    if !root_available() {
        return;
    }
    for command in STOP_COMMANDS {
        let mut nest = with_witness().boot();
        nest.wait_line("witness is up");
        nest.wait_line("[services.d] done.");
        nest.mark();
        // The stop may come to its last signals before the shell has seen how the command ended.
        let script = format!("trap '' HUP TERM; PATH=/command:$PATH; {command}");
        nest.exec(&["sh", "-c", &script]).assert_code(0);
        assert_orderly(&nest.wait_exit());
    }
}

#[test]
fn every_stop_command_works_from_finish_and_returns_at_once() {
    if !root_available() {
        return;
    }
    for command in STOP_COMMANDS {
        let end = with_witness()
            .service("web", "while [ ! -e /run/go ]; do sleep 0.02; done; exit 3")
            .finish("web", &format!("{command}; echo \"returned $?\""))
            .service("go", "sleep 0.1; : > /run/go; exec sleep 1000")
            .run();
        end.assert_code(0)
            .assert_has("returned 0")
            .assert_has("cont-finish ran");
    }
}

#[test]
fn every_stop_command_works_from_run() {
    if !root_available() {
        return;
    }
    for command in STOP_COMMANDS {
        let end = with_witness()
            .service(
                "web",
                &format!("trap : TERM; {command}; echo \"returned $?\"; exec sleep 1000"),
            )
            .run();
        end.assert_code(0)
            .assert_has("returned 0")
            .assert_has("cont-finish ran");
    }
}

#[test]
fn every_stop_command_works_from_cont_init() {
    if !root_available() {
        return;
    }
    for command in STOP_COMMANDS {
        let end = with_witness()
            .cont_init(
                "10",
                &format!("trap : TERM; {command}; echo \"returned $?\""),
            )
            .run();
        end.assert_code(0).assert_has("returned 0");
    }
}

#[test]
fn every_stop_command_works_from_the_cmd() {
    if !root_available() {
        return;
    }
    for command in STOP_COMMANDS {
        let end = with_witness()
            .env("S6_CMD_WAIT_FOR_SERVICES", "1")
            .cmd_sh(&format!(
                "trap : TERM; PATH=/command:$PATH; {command}; echo \"returned $?\"; exec sleep 1000"
            ))
            .run();
        end.assert_code(0)
            .assert_has("returned 0")
            .assert_has("cont-finish ran");
    }
}

#[test]
fn stopping_twice_from_within_is_one_stop() {
    if !root_available() {
        return;
    }
    let end = with_witness()
        .service("web", "exec sleep 1000")
        .finish(
            "web",
            "s6-svscanctl -t /run/service; /run/s6/basedir/bin/halt",
        )
        .boot();
    end.wait_line("witness is up");
    end.wait_line("[services.d] done.");
    let end = end.terminate();
    end.assert_code(0);
    assert_eq!(end.count("cont-finish ran"), 1, "{end}");
}

#[test]
fn user_of_the_container_may_stop_it_from_within() {
    if !root_available() {
        return;
    }
    for command in ["s6-svscanctl -t /run/service", "/run/s6/basedir/bin/halt"] {
        with_witness()
            .uid(1000)
            .run_options("mode=755,uid=1000,gid=1000")
            .cmd_sh(&format!(
                "trap : TERM; PATH=/command:$PATH; {command}; sleep 1000"
            ))
            .run()
            .assert_code(0)
            .assert_has("cont-finish ran");
    }
}

#[test]
fn foreign_user_may_not_stop_a_container_of_root() {
    if !root_available() {
        return;
    }
    let nest = with_witness().boot();
    nest.wait_line("witness is up");
    let end = nest.exec(&[
        "setpriv",
        "--reuid=12345",
        "--regid=12345",
        "--clear-groups",
        "/run/s6/basedir/bin/halt",
    ]);
    assert_ne!(end.code, Some(0), "{end}");
    assert!(!end.stderr().is_empty(), "it failed in silence");
    nest.terminate().assert_code(0);
}

#[test]
fn svscanctl_without_a_supervisor_fails_with_the_path() {
    if !root_available() {
        return;
    }
    let nest = with_witness().boot();
    nest.wait_line("witness is up");
    let end = nest.exec(&["/command/s6-svscanctl", "-t", "/no/such/dir"]);
    end.assert_has("/no/such/dir");
    assert_ne!(end.code, Some(0), "{end}");
    nest.exec(&["/command/s6-svscanctl", "-Y", "/run/service"])
        .assert_code(100);
    nest.terminate().assert_code(0);
}

#[test]
fn term_is_not_lost_however_early_it_comes() {
    if !root_available() {
        return;
    }
    for _ in 0..8 {
        let nest = with_witness().cont_init("10", "echo init ran").boot();
        // From here PID 1 takes TERM, blocked or caught; before, the kernel drops it for any PID 1.
        nest.wait_until("PID 1 takes TERM", |nest| {
            ["SigBlk", "SigCgt"].iter().any(|field| {
                u64::from_str_radix(&nest.status_field(field), 16)
                    .is_ok_and(|mask| mask & (1 << 14) != 0)
            })
        });
        let end = nest.terminate();
        end.assert_code(0).assert_within(AT_ONCE);
    }
}

#[test]
fn stop_during_a_hung_cont_init_ends_within_the_grace_time() {
    if !root_available() {
        return;
    }
    let nest = with_witness()
        .program("/opt/ignorer", IGNORER)
        .cont_init("10-hangs", "exec /opt/ignorer")
        .env("S6_KILL_GRACETIME", "300")
        .boot();
    nest.wait_line("ignoring");
    nest.terminate()
        .assert_code(0)
        .assert_lacks("witness is up")
        .assert_within(Duration::from_secs(5));
}

#[test]
fn stop_during_a_sleeping_cont_init_ends_at_once() {
    if !root_available() {
        return;
    }
    let nest = with_witness()
        .cont_init("10-sleeps", "echo sleeping; exec sleep 1000")
        .boot();
    nest.wait_line("sleeping");
    nest.terminate()
        .assert_code(0)
        .assert_lacks("witness is up")
        .assert_within(AT_ONCE);
}

#[test]
fn stop_while_the_cmd_waits_for_a_service() {
    if !root_available() {
        return;
    }
    let nest = with_witness()
        .service("never", "echo never is up; exec sleep 1000")
        .service_file("never", "notification-fd", 0o644, "3")
        .env("S6_CMD_WAIT_FOR_SERVICES", "1")
        .cmd_sh("echo cmd ran")
        .boot();
    nest.wait_line("never is up");
    nest.wait_line("witness is up");
    let end = nest.terminate();
    assert_orderly(&end);
    end.assert_lacks("cmd ran");
}

#[test]
fn second_stop_request_kills_now() {
    if !root_available() {
        return;
    }
    let mut nest = Nest::new()
        .program("/opt/ignorer", IGNORER)
        .service("deaf", "exec /opt/ignorer")
        .finish("deaf", "echo deaf finished")
        .env("S6_SERVICES_GRACETIME", "15000")
        .env("S6_KILL_GRACETIME", "15000")
        .boot();
    nest.wait_line("ignoring");
    nest.wait_line("[services.d] done.");
    nest.mark();
    nest.signal(Signal::SIGTERM);
    // A standard signal that is pending is not counted twice: the first must have been taken.
    nest.wait_until("the first was taken", |nest| {
        nest.status_field("ShdPnd")
            .trim_start_matches('0')
            .is_empty()
    });
    nest.signal(Signal::SIGTERM);
    nest.wait_exit()
        .assert_code(0)
        .assert_within(Duration::from_secs(5));
}

#[test]
fn service_that_takes_its_time_is_given_it() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .service(
            "slow",
            "trap 'sleep 0.8; echo saved; exit 0' TERM; echo is-up; while :; do sleep 1000 & wait $!; done",
        )
        .boot();
    nest.wait_line("is-up");
    nest.wait_line("[services.d] done.");
    let end = nest.terminate();
    end.assert_code(0)
        .assert_has("saved")
        .assert_within(Duration::from_millis(2500));
}

#[test]
fn restarted_container_starts_afresh() {
    if !root_available() {
        return;
    }
    // What a previous run left in /run, which may outlive it, is not taken for this run's.
    let nest = with_witness()
        .env("FRESH", "yes")
        .prepare(
            "mkdir -p $root/run/s6/container_environment $root/run/service/stale $root/run/s6-linux-init-container-results\n\
             echo old > $root/run/s6/container_environment/STALE\n\
             printf '#!/bin/sh\\necho stale runs\\nexec sleep 1000\\n' > $root/run/service/stale/run\n\
             chmod 755 $root/run/service/stale/run\n\
             echo 77 > $root/run/s6-linux-init-container-results/exitcode",
        )
        .boot();
    nest.wait_line("witness is up");
    nest.wait_line("[services.d] done.");
    nest.exec(&[
        "/command/with-contenv",
        "sh",
        "-c",
        "echo \"${STALE-none} $FRESH\"",
    ])
    .assert_has("none yes");
    let end = nest.terminate();
    assert_orderly(&end);
    end.assert_lacks("stale runs");
}
