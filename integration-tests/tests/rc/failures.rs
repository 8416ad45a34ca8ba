//! What a failure on the way up leads to.

use std::time::Duration;

use sixfold_integration_tests::{Nest, root_available};

use super::{Services as _, assert_order, says};

fn failing(text: &str) -> Nest {
    Nest::new()
        .oneshot("bad", text, &["base"])
        .oneshot("dependent", &says("echo dependent up >&2"), &["bad"])
        .longrun(
            "server",
            "echo server up >&2; exec sleep 1000",
            &["dependent"],
        )
        .oneshot("other", &says("echo other up >&2"), &["base"])
        .service("legacy", "echo legacy up >&2; exec sleep 1000")
        .cmd_sh("echo cmd runs >&2; exit 3")
}

#[test]
fn what_needs_a_failed_oneshot_does_not_start_and_the_cmd_does() {
    if !root_available() {
        return;
    }
    let end = failing(&says("exit 4")).run();
    end.assert_code(3)
        .assert_has("s6-rc: warning: unable to start service bad: command exited 4")
        .assert_has("other up")
        .assert_has("cmd runs")
        .assert_lacks("dependent up")
        .assert_lacks("server up")
        .assert_lacks("legacy up")
        .assert_lacks("[services.d] starting services");
    let end = failing(&says("kill -9 $$")).run();
    end.assert_has("unable to start service bad: command crashed with signal 9");
}

#[test]
fn a_failure_is_told_or_stops_the_container_as_is_wanted() {
    if !root_available() {
        return;
    }
    let end = failing(&says("exit 4"))
        .env("S6_BEHAVIOUR_IF_STAGE2_FAILS", "1")
        .run();
    end.assert_code(3)
        .assert_has("s6-rc failed to properly bring all the services up!")
        .assert_has("cmd runs");
    let end = failing(&says("exit 4"))
        .env("S6_BEHAVIOUR_IF_STAGE2_FAILS", "2")
        .cont_finish("10", "echo cont-finish runs >&2")
        .run();
    end.assert_code(1)
        .assert_has("other up")
        .assert_has("bad, ")
        .assert_has("cont-finish runs")
        .assert_lacks("cmd runs");
}

#[test]
fn an_error_in_a_bundle_or_in_a_whole_directory_is_a_failure() {
    if !root_available() {
        return;
    }
    let fine = || {
        Nest::new()
            .oneshot("fine", &says("echo fine up >&2"), &["base"])
            .service("legacy", "echo legacy up >&2; exec sleep 1000")
            .cmd_sh("echo cmd runs >&2; exit 3")
    };
    let end = fine().wanted("missing").run();
    end.assert_code(3)
        .assert_has("fine up")
        .assert_has("cmd runs")
        .assert_lacks("legacy up");
    for (nest, what) in [
        (fine().wanted("missing"), "Not up: services.d, user;"),
        (
            fine().env("S6_RUNTIME_BUNDLEDIR", "/none"),
            "Not up: /none;",
        ),
    ] {
        let end = nest.env("S6_BEHAVIOUR_IF_STAGE2_FAILS", "2").run();
        end.assert_code(1)
            .assert_has("fine up")
            .assert_has(what)
            .assert_lacks("cmd runs");
    }
}

#[test]
fn a_oneshot_that_takes_too_long_has_failed() {
    if !root_available() {
        return;
    }
    let end = failing("/bin/sleep 1000")
        .rc("bad", "timeout-up", "200\n")
        .run();
    end.assert_code(3)
        .assert_has("unable to start service bad: command exited 111")
        .assert_has("cmd runs")
        .assert_lacks("dependent up")
        .assert_within(Duration::from_secs(10));
    assert!(end.elapsed >= Duration::from_millis(200), "{end}");
}

#[test]
fn a_longrun_that_is_not_ready_in_time_is_taken_down() {
    if !root_available() {
        return;
    }
    let run = "trap 'echo slow got TERM >&2; exit 0' TERM; echo slow runs >&2; \
               while :; do sleep 1000 & wait $!; done";
    let nest = Nest::new()
        .longrun("slow", run, &["base"])
        .rc("slow", "notification-fd", "3\n")
        .rc("slow", "timeout-up", "300\n")
        .oneshot("next", &says("echo next up >&2"), &["slow"])
        .cmd_sh("echo cmd runs >&2; exec sleep 1000")
        .boot();
    nest.wait_line("cmd runs");
    nest.wait_line("slow got TERM");
    let end = nest.terminate();
    end.assert_lacks("next up");
    assert_order(
        &end,
        &[
            "slow runs",
            "unable to start service slow: command exited 99",
            "cmd runs",
        ],
    );
}

#[test]
fn a_longrun_that_gives_up_has_failed() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .longrun("hopeless", "exit 1", &["base"])
        .rc("hopeless", "notification-fd", "3\n")
        .rc("hopeless", "finish", "#!/bin/sh\nexit 125\n")
        .oneshot("next", &says("echo next up >&2"), &["hopeless"])
        .cmd_sh("echo cmd runs >&2")
        .run();
    end.assert_code(0)
        .assert_has("unable to start service hopeless: command exited 1")
        .assert_lacks("next up")
        .assert_has("cmd runs");
}

#[test]
fn a_longrun_that_dies_is_started_again_and_is_no_failure() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .longrun("dies", "echo dies runs >&2; exit 1", &["base"])
        .cmd_sh("echo cmd runs >&2; exec sleep 1000")
        .boot();
    nest.wait_line("cmd runs");
    nest.wait_lines("dies runs", 2);
    nest.terminate()
        .assert_has("s6-rc: info: service dies successfully started")
        .assert_lacks("unable to start");
}
