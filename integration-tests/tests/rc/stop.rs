//! The way down.

use std::time::Duration;

use sixfold_integration_tests::{Nest, root_available};

use super::{Services as _, assert_order, says};

/// A `run` that takes its time to end, and says so.
fn ends_slowly(name: &str) -> String {
    format!(
        "trap 'sleep 0.1; echo {name} down >&2; exit 0' TERM; echo {name} up >&2; \
         while :; do sleep 1000 & wait $!; done"
    )
}

#[test]
fn services_go_down_before_what_they_need() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .oneshot("one", "", &["base"])
        .rc("one", "down", &says("sleep 0.1; echo one down >&2"))
        .longrun("two", &ends_slowly("two"), &["one"])
        .rc(
            "two",
            "finish",
            "#!/bin/sh\nsleep 0.1; echo two finished >&2\n",
        )
        .oneshot("three", "", &["two"])
        .rc("three", "down", &says("sleep 0.1; echo three down >&2"))
        .service("legacy", &ends_slowly("legacy"))
        .cont_finish("10", "echo cont-finish runs >&2")
        .boot();
    nest.wait_line("two up");
    nest.wait_line("legacy up");
    nest.wait_line("[services.d] done.");
    let end = nest.terminate();
    end.assert_code(0).assert_within(Duration::from_secs(5));
    assert_order(
        &end,
        &[
            "legacy down",
            "s6-rc: info: service three: stopping",
            "three down",
            "s6-rc: info: service three successfully stopped",
            "s6-rc: info: service two: stopping",
            "two down",
            "two finished",
            "s6-rc: info: service two successfully stopped",
            "s6-rc: info: service one: stopping",
            "one down",
            "s6-rc: info: service one successfully stopped",
            "[cont-finish.d] executing container finish scripts...",
            "cont-finish runs",
        ],
    );
}

#[test]
fn what_is_not_related_goes_down_at_once() {
    if !root_available() {
        return;
    }
    let mut nest = Nest::new();
    let meets = |name: &str| {
        format!(
            "mkdir -p /tmp/met; : > /tmp/met/{name}; \
             while set -- /tmp/met/*; [ $# -lt 3 ]; do sleep 0.01; done; echo {name} met >&2"
        )
    };
    for name in ["a", "b", "c"] {
        nest = nest.oneshot(name, "", &["base"]);
        nest = nest.rc(name, "down", &says(&meets(name)));
    }
    let end = nest.cmd(&["true"]).run();
    end.assert_code(0)
        .assert_has("a met")
        .assert_has("b met")
        .assert_has("c met");
}

#[test]
fn the_stop_does_not_wait_longer_than_timeout_down() {
    if !root_available() {
        return;
    }
    let deaf = "trap '' TERM; echo deaf up >&2; while :; do sleep 1000; done";
    let nest = Nest::new()
        .oneshot("hangs", "", &["base"])
        .rc("hangs", "down", "/bin/sleep 1000\n")
        .rc("hangs", "timeout-down", "200\n")
        .longrun("deaf", deaf, &["base"])
        .rc("deaf", "timeout-down", "200\n")
        .cont_finish("10", "echo cont-finish runs >&2")
        .env("S6_KILL_GRACETIME", "200")
        .boot();
    nest.wait_line("deaf up");
    nest.wait_line("[services.d] done.");
    let end = nest.terminate();
    end.assert_code(0)
        .assert_has("s6-rc: warning: unable to stop service hangs: command exited 111")
        .assert_has("s6-rc: warning: unable to stop service deaf: command exited 99")
        .assert_has("cont-finish runs")
        .assert_within(Duration::from_secs(5));
}

#[test]
fn a_failing_down_does_not_hold_up_the_stop() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .oneshot("below", "", &["base"])
        .rc("below", "down", &says("echo below down >&2"))
        .oneshot("bad", "", &["below"])
        .rc("bad", "down", &says("exit 7"))
        .cmd(&["true"])
        .run();
    end.assert_code(0)
        .assert_has("s6-rc: warning: unable to stop service bad: command exited 7")
        .assert_has("[s6-finish] sending all processes the KILL signal");
}

#[test]
fn what_did_not_come_up_is_not_taken_down() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .oneshot("bad", &says("exit 1"), &["base"])
        .rc("bad", "down", &says("echo bad down >&2"))
        .oneshot("next", "", &["bad"])
        .rc("next", "down", &says("echo next down >&2"))
        .cmd(&["true"])
        .run();
    end.assert_code(0)
        .assert_lacks("bad down")
        .assert_lacks("next down");
}

#[test]
fn a_stop_during_the_boot_undoes_what_was_done() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .oneshot("done", &says("echo done up >&2"), &["base"])
        .rc("done", "down", &says("echo done down >&2"))
        .oneshot(
            "hangs",
            &says("echo hangs runs >&2; exec sleep 1000"),
            &["done"],
        )
        .oneshot("later", &says("echo later up >&2"), &["hangs"])
        .cmd_sh("echo cmd runs >&2")
        .boot();
    nest.wait_line("hangs runs");
    let end = nest.terminate();
    end.assert_lacks("later up")
        .assert_lacks("cmd runs")
        .assert_has("done down")
        .assert_within(Duration::from_secs(3));
}
