//! Services that announce themselves on a socket (sd_notify(3)): readiness, what they say of themselves,
//! the watchdog, and who is not heard.

use std::time::Duration;

use sixfold_integration_tests::{Finished, Nest, root_available};

const NOTIFIER: &str = env!("CARGO_BIN_EXE_notifier");
const FOR_EVER: &str = "exec sleep 1000";

/// What the tests say of services.
trait Announcing {
    /// A service of services.d that announces itself on a socket.
    fn announcing(self, name: &str, run: &str) -> Self;
    /// A file of a service of s6-rc that is started.
    fn rc(self, name: &str, file: &str, content: &str) -> Self;
}

impl Announcing for Nest {
    fn announcing(self, name: &str, run: &str) -> Self {
        self.service(name, run)
            .service_file(name, "notify", 0o644, "systemd\n")
    }

    fn rc(self, name: &str, file: &str, content: &str) -> Self {
        let sources = "/etc/s6-overlay/s6-rc.d";
        self.file(&format!("{sources}/user/contents.d/{name}"), 0o644, "")
            .file(&format!("{sources}/{name}/{file}"), 0o644, content)
    }
}

/// A machine with the program that says things.
fn nest() -> Nest {
    Nest::new()
        .program("/opt/say", NOTIFIER)
        .env("S6_CMD_WAIT_FOR_SERVICES", "1")
}

/// Asserts that a line holds each of these texts.
fn assert_record(end: &Finished, parts: &[&str]) {
    let lines = end.stdout();
    let found = lines
        .iter()
        .any(|line| parts.iter().all(|part| line.contains(part)));
    assert!(found, "{parts:?};\n{end}");
}

/// Where in the output the first line with this text is.
fn position(end: &Finished, text: &str) -> usize {
    let lines = [end.stdout(), end.stderr()].concat();
    let found = lines.iter().position(|line| line.contains(text));
    found.unwrap_or_else(|| panic!("{text:?} is missing;\n{end}"))
}

#[test]
fn who_needs_a_longrun_starts_when_it_says_that_it_is_ready() {
    if !root_available() {
        return;
    }
    let run = "#!/bin/sh\n/opt/say STATUS=starting; sleep 0.2; echo ready now >&2\n\
               /opt/say READY=1; exec sleep 1000\n";
    let end = nest()
        .rc("slow", "type", "longrun\n")
        .rc("slow", "run", run)
        .rc("slow", "notify", "systemd\n")
        .rc("next", "type", "oneshot\n")
        .rc("next", "up", "/bin/sh -c \"echo next up >&2\"\n")
        .rc("next", "dependencies.d/slow", "")
        .cmd_sh("echo cmd runs >&2")
        .run();
    end.assert_code(0);
    let order = [
        "ready now",
        "slow successfully started",
        "next up",
        "cmd runs",
    ];
    let places = order.map(|text| position(&end, text));
    assert!(places.is_sorted(), "{end}");
}

#[test]
fn the_commands_of_s6_see_it_as_readiness() {
    if !root_available() {
        return;
    }
    let nest = nest()
        .announcing(
            "web",
            "echo waiting >&2; while [ ! -e /run/go ]; do sleep 0.02; done\n\
             /opt/say READY=1; exec sleep 1000",
        )
        .cmd_sh("echo cmd runs; exec sleep 1000")
        .boot();
    nest.wait_line("waiting");
    let ready = ["/command/s6-svstat", "-o", "ready", "/run/service/web"];
    assert_eq!(nest.exec(&ready).stdout(), ["false"]);
    nest.write_file("/run/go", "");
    nest.wait_line("cmd runs");
    assert_eq!(nest.exec(&ready).stdout(), ["true"]);
    let again = [
        "/command/s6-svc",
        "-wR",
        "-T",
        "20000",
        "-r",
        "/run/service/web",
    ];
    nest.exec(&again).assert_code(0).assert_lacks("ignoring");
    assert_eq!(nest.exec(&ready).stdout(), ["true"]);
    nest.terminate().assert_code(0);
}

#[test]
fn what_a_service_says_of_itself_is_in_the_log() {
    if !root_available() {
        return;
    }
    let nest = nest()
        .json()
        .announcing(
            "web",
            "/opt/say 'STATUS=warming up' 'STATUS=warming up' READY=1+STATUS=serving RELOADING=1 \
             READY=1 ERRNO=2\n\
             trap '/opt/say --barrier STOPPING=1; exit 0' TERM; echo all said\n\
             while :; do sleep 1000 & wait $!; done",
        )
        .boot();
    nest.wait_line("all said");
    nest.wait_line("\"event\":\"service.errno\"");
    let end = nest.terminate();
    end.assert_code(0);
    let about = "\"service\":\"web\"";
    for (event, more) in [
        ("service.status", "\"status\":\"warming up\""),
        ("service.status", "\"status\":\"serving\""),
        ("service.reloading", "reloads its configuration"),
        ("service.ready", "service ready again"),
        ("service.errno", "\"errno\":2"),
        ("service.ending", "about to end"),
    ] {
        assert_record(&end, &[&format!("\"event\":\"{event}\""), about, more]);
    }
    assert_eq!(
        end.count("warming up"),
        1,
        "once, as it did not change: {end}"
    );
}

#[test]
fn who_falls_silent_is_ended_and_started_again() {
    if !root_available() {
        return;
    }
    let nest = nest()
        .announcing(
            "hangs",
            "echo hangs starts >&2; /opt/say READY=1 WATCHDOG=1; exec sleep 1000",
        )
        .finish("hangs", "echo hangs ended $1 $2 >&2")
        .service_file("hangs", "timeout-watchdog", 0o644, "300\n")
        .announcing(
            "lives",
            "echo lives with $WATCHDOG_USEC >&2; /opt/say READY=1\n\
             while /opt/say WATCHDOG=1; do sleep 0.05; done",
        )
        .service_file("lives", "timeout-watchdog", 0o644, "2000\n")
        .boot();
    nest.wait_lines("hangs starts", 3);
    let end = nest.terminate();
    end.assert_code(0)
        .assert_has("hangs ended 256 6")
        .assert_has("service has not said WATCHDOG=1 for 300 ms and is ended by SIGABRT")
        .assert_has("lives with 2000000");
    assert_eq!(end.count("lives with"), 1, "{end}");
}

#[test]
fn who_ignores_abrt_is_killed_and_who_asks_for_it_is_ended_at_once() {
    if !root_available() {
        return;
    }
    let nest = nest()
        .announcing(
            "deaf",
            "trap '' ABRT; echo deaf starts >&2; /opt/say READY=1+WATCHDOG_USEC=100000\n\
             while :; do sleep 1000; done",
        )
        .finish("deaf", "echo deaf ended $1 $2 >&2")
        .service_file("deaf", "timeout-kill", 0o644, "200\n")
        .announcing(
            "broken",
            "echo broken starts >&2; /opt/say READY=1 WATCHDOG=trigger; exec sleep 1000",
        )
        .finish("broken", "echo broken ended $1 $2 >&2")
        .boot();
    nest.wait_lines("deaf starts", 2);
    nest.wait_lines("broken starts", 2);
    nest.terminate()
        .assert_code(0)
        .assert_has("deaf ended 256 9")
        .assert_has("service did not end within timeout-kill and is killed")
        .assert_has("broken ended 256 6")
        .assert_has("service said WATCHDOG=trigger and is ended by SIGABRT");
}

/// `slow` needs longer than its limits and says so: until `mute`, which says nothing, has failed to start, and
/// until `deaf` has been killed.
#[test]
fn who_says_in_time_that_it_needs_longer_gets_it() {
    if !root_available() {
        return;
    }
    let until = |file: &str| format!("until [ -e /run/{file} ]; do sleep 0.02; done");
    let slow = format!(
        "#!/bin/sh\n/opt/say EXTEND_TIMEOUT_USEC=60000000\n\
         trap '/opt/say EXTEND_TIMEOUT_USEC=60000000; {}; echo slow ends >&2; exit 0' TERM\n\
         {}; echo slow is ready >&2; /opt/say READY=1\n\
         while :; do sleep 1000 & wait $!; done\n",
        until("killed"),
        until("late"),
    );
    let mut nest = nest()
        .rc("mute", "run", "#!/bin/sh\nexec sleep 1000\n")
        .rc("mute", "finish", "#!/bin/sh\ntouch /run/late\n")
        .rc("slow", "run", &slow)
        .rc("deaf", "type", "longrun\n")
        .rc(
            "deaf",
            "run",
            "#!/bin/sh\ntrap '' TERM; while :; do sleep 1000; done\n",
        )
        .rc("deaf", "finish", "#!/bin/sh\ntouch /run/killed\n")
        .rc("deaf", "timeout-kill", "300\n")
        .cmd_sh("echo cmd runs >&2; exec sleep 1000");
    for name in ["mute", "slow"] {
        nest = nest
            .rc(name, "type", "longrun\n")
            .rc(name, "notify", "systemd\n")
            .rc(name, "timeout-up", "300\n")
            .rc(name, "timeout-down", "250\n")
            .rc(name, "timeout-kill", "250\n")
            .rc(name, "dependencies.d/base", "");
    }
    let nest = nest.boot();
    nest.wait_line("cmd runs");
    let end = nest.terminate();
    end.assert_code(0)
        .assert_has("slow successfully started")
        .assert_has("slow ends")
        .assert_has("slow successfully stopped")
        .assert_lacks("slow failed")
        .assert_lacks("unable to start service slow");
    assert!(
        position(&end, "mute") < position(&end, "slow is ready"),
        "{end}"
    );
}

#[test]
fn strangers_are_not_heard() {
    if !root_available() {
        return;
    }
    let socket = "export NOTIFY_SOCKET=$(echo /run/s6/notify/*)";
    let forged = "STATUS=forged+READY=1+WATCHDOG=trigger";
    let nest = nest()
        .json()
        .announcing(
            "web",
            "while [ ! -e /run/go ]; do sleep 0.02; done; /opt/say READY=1; exec sleep 1000",
        )
        .service(
            "evil",
            &format!("{socket}; /opt/say --barrier {forged}; echo evil spoke; {FOR_EVER}"),
        )
        .service(
            "poor",
            &format!(
                "{socket}; /command/s6-setuidgid nobody /opt/say {forged}; echo poor spoke; {FOR_EVER}"
            ),
        )
        .cmd_sh("echo cmd runs; exec sleep 1000")
        .boot();
    nest.wait_line("evil spoke");
    nest.wait_line("poor spoke");
    let said = format!("{socket}; exec /opt/say --barrier {forged}");
    nest.exec(&["sh", "-c", &said]).assert_code(0);
    let ready = ["/command/s6-svstat", "-o", "ready", "/run/service/web"];
    assert_eq!(nest.exec(&ready).stdout(), ["false"]);
    nest.write_file("/run/go", "");
    nest.wait_line("cmd runs");
    let end = nest.terminate();
    end.assert_code(0)
        .assert_lacks("forged")
        .assert_lacks("service.watchdog");
    assert_eq!(end.count("\"event\":\"notify.refused\""), 1, "{end}");
    assert_record(
        &end,
        &["notify.refused", "\"service\":\"web\"", "\"sender\":"],
    );
}

#[test]
fn another_main_process_is_noted_and_a_strangers_refused() {
    if !root_available() {
        return;
    }
    let nest = nest()
        .json()
        .announcing(
            "web",
            "sleep 1000 & echo child $!; /opt/say MAINPID=$$ MAINPID=$! MAINPID=1 READY=1; wait",
        )
        .cmd_sh("echo cmd runs; exec sleep 1000")
        .boot();
    nest.wait_line("cmd runs");
    let end = nest.terminate();
    end.assert_code(0);
    assert_record(
        &end,
        &["\"event\":\"notify.main_pid\"", "\"service\":\"web\""],
    );
    assert_record(&end, &["notify.main_pid_refused", "\"main_pid\":1"]);
    assert_eq!(end.count("\"event\":\"notify.main_pid"), 2, "{end}");
}

#[test]
fn privileges_may_be_dropped_and_helpers_be_gone() {
    if !root_available() {
        return;
    }
    let drop = "exec /command/s6-setuidgid nobody sh -c";
    nest()
        .announcing("plain", &format!("{drop} '/opt/say READY=1; {FOR_EVER}'"))
        .announcing(
            "left",
            &format!("{drop} '(/opt/say READY=1 &); {FOR_EVER}'"),
        )
        .announcing(
            "apart",
            &format!("{drop} '(setsid /opt/say READY=1 &); {FOR_EVER}'"),
        )
        .announcing("both", &format!("echo >&3; {FOR_EVER}"))
        .service_file("both", "notification-fd", 0o644, "3")
        .logger("plain", "exec cat >/dev/null")
        .service_file("plain", "log/notify", 0o644, "systemd")
        .service_file(
            "plain",
            "log/run",
            0o755,
            "#!/bin/sh\n/opt/say READY=1; exec cat >/dev/null\n",
        )
        .cmd_sh("ls /run/s6/notify | wc -l; stat -c %a /run/s6/notify /run/s6/notify/*")
        .run()
        .assert_code(0)
        .assert_has("5")
        .assert_has("755")
        .assert_has("666");
}

#[test]
fn as_any_user_and_with_a_read_only_root() {
    if !root_available() {
        return;
    }
    let run = format!("/opt/say READY=1; {FOR_EVER}");
    nest()
        .announcing("web", &run)
        .uid(12345)
        .run_options("mode=1777")
        .read_only_root()
        .cmd_sh("echo cmd runs")
        .run()
        .assert_code(0)
        .assert_has("cmd runs");
}

#[test]
fn with_contenv_keeps_the_socket_of_the_service() {
    if !root_available() {
        return;
    }
    let contenv = "#!/usr/bin/with-contenv sh\n";
    let nest = nest()
        .env("FOO", "bar")
        .env("NOTIFY_SOCKET", "/outer")
        .env("WATCHDOG_USEC", "1")
        .env("WATCHDOG_PID", "1")
        .announcing(
            "web",
            &format!(
                "{contenv}echo web: $FOO $NOTIFY_SOCKET $WATCHDOG_USEC, $WATCHDOG_PID.\n\
                 /opt/say READY=1; {FOR_EVER}\n"
            ),
        )
        .service_file("web", "timeout-watchdog", 0o644, "60000")
        .service(
            "other",
            &format!("{contenv}echo other: $FOO $NOTIFY_SOCKET $WATCHDOG_USEC; {FOR_EVER}\n"),
        )
        .service(
            "bare",
            &format!("echo bare: $FOO $NOTIFY_SOCKET.; {FOR_EVER}"),
        )
        .finish("web", "echo finish: $NOTIFY_SOCKET.")
        .boot();
    for line in [
        "web: bar /run/s6/notify/",
        " 60000000, .",
        "other: bar /outer 1",
        "bare: .",
    ] {
        nest.wait_line(line);
    }
    nest.terminate().assert_code(0).assert_has("finish: .");
}

#[test]
fn what_is_said_right_before_the_end_counts() {
    if !root_available() {
        return;
    }
    let nest = nest()
        .json()
        .announcing("short", "exec /opt/say STATUS=brief+READY=1")
        .service_file("short", "down", 0o644, "")
        .boot();
    nest.wait_line("services started");
    nest.exec(&["/command/s6-svc", "-o", "/run/service/short"])
        .assert_code(0);
    nest.wait_line("\"event\":\"service.exited\"");
    let end = nest.terminate();
    assert!(
        position(&end, "\"event\":\"service.ready\"")
            < position(&end, "\"event\":\"service.exited\""),
        "{end}"
    );
    end.assert_has("\"status\":\"brief\"");
}

#[test]
fn a_flood_holds_nobody_up() {
    if !root_available() {
        return;
    }
    let nest = nest()
        .announcing(
            "loud",
            "for i in 1 2 3; do /opt/say --flood WATCHDOG=1 STATUS=$i & done; /opt/say READY=1\n\
             echo loud is up; exec sleep 1000",
        )
        .service("calm", "echo calm is up; exec sleep 1000")
        .boot();
    nest.wait_line("loud is up");
    nest.wait_line("calm is up");
    for (name, count) in [("calm", 2), ("loud", 2)] {
        let place = format!("/run/service/{name}");
        nest.exec(&["/command/s6-svc", "-k", &place]).assert_code(0);
        nest.wait_lines(&format!("{name} is up"), count);
    }
    nest.terminate()
        .assert_code(0)
        .assert_within(Duration::from_millis(2500));
}

#[test]
fn below_s6_svscan_the_socket_is_in_the_service_directory() {
    if !root_available() {
        return;
    }
    let run = "#!/bin/sh\necho socket $NOTIFY_SOCKET\n/opt/say --barrier READY=1 STATUS=fine\n\
               exec sleep 1000\n";
    let nest = nest()
        .entry(&["/command/s6-svscan", "/etc/s6"])
        .file("/etc/s6/web/run", 0o755, run)
        .file("/etc/s6/web/notify", 0o644, "systemd\n")
        .boot();
    nest.wait_line("socket /etc/s6/web/notify-socket");
    nest.exec(&["/command/s6-svwait", "-U", "-t", "20000", "/etc/s6/web"])
        .assert_code(0);
    let end = nest.terminate();
    end.assert_lacks("fine");
}

#[test]
fn another_word_is_an_error_that_says_what_to_do() {
    if !root_available() {
        return;
    }
    let end = nest()
        .service("web", "echo web runs; exec sleep 1000")
        .service_file("web", "notify", 0o644, "sytemd\n")
        .service("idle", "exec sleep 1000")
        .service_file("idle", "timeout-watchdog", 0o644, "500")
        .cmd_sh("echo cmd runs")
        .run();
    end.assert_code(0)
        .assert_lacks("web runs")
        .assert_has("cmd runs")
        .assert_has(
            "web/notify:1: \"sytemd\" is not the word systemd (write the word systemd, or remove the \
             file)",
        )
        .assert_has("idle/timeout-watchdog: no effect");
}
