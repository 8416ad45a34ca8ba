//! The way up: what waits for what, and what waits for nothing.

use std::time::Duration;

use sixfold_integration_tests::{Nest, root_available};

use super::{Services as _, assert_order, says};

#[test]
fn services_come_up_after_what_they_need() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .cont_init("10", "echo cont-init runs >&2")
        .oneshot("one", &says("sleep 0.1; echo one up >&2"), &["base"])
        .longrun("two", "echo two up >&2; exec sleep 1000", &["one"])
        .oneshot("three", &says("echo three up >&2"), &["two"])
        .service("legacy", "echo legacy up >&2; exec sleep 1000")
        .cmd_sh("echo cmd runs >&2")
        .run();
    end.assert_code(0);
    assert_order(
        &end,
        &[
            "cont-init runs",
            "[cont-init.d] done.",
            "s6-rc: info: service one: starting",
            "one up",
            "s6-rc: info: service one successfully started",
            "s6-rc: info: service two: starting",
            "s6-rc: info: service two successfully started",
            "s6-rc: info: service three: starting",
            "s6-rc: info: service three successfully started",
            "[services.d] starting services",
            "[services.d] done.",
            "cmd runs",
        ],
    );
    assert_order(&end, &["one up", "three up", "cmd runs"]);
}

/// Shell text that ends when `count` services are at this place at the same time.
fn meets(name: &str, count: usize) -> String {
    format!(
        "mkdir -p /tmp/met; : > /tmp/met/{name}; \
         while set -- /tmp/met/*; [ $# -lt {count} ]; do sleep 0.01; done; echo {name} met >&2"
    )
}

#[test]
fn what_does_not_wait_for_anything_starts_at_once() {
    if !root_available() {
        return;
    }
    let longrun = format!("{}; exec sleep 1000", meets("e", 5));
    let mut nest = Nest::new()
        .cont_init("10", &meets("d", 5))
        .longrun("e", &longrun, &[]);
    for name in ["a", "b", "c"] {
        nest = nest.oneshot(name, &says(&meets(name, 5)), &[]);
    }
    let end = nest.cmd_sh("echo cmd runs >&2").run();
    end.assert_code(0);
    for name in ["a", "b", "c", "d"] {
        assert_order(&end, &[&format!("{name} met"), "cmd runs"]);
    }
}

#[test]
fn a_bundle_is_all_that_it_holds() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .rc("group", "type", "bundle\n")
        .rc("group", "contents.d/first", "")
        .rc("group", "contents.d/second", "")
        .oneshot("last", &says("echo last up >&2"), &["group"]);
    let mut nest = nest.needs("first", &["base"]).needs("second", &["base"]);
    for name in ["first", "second"] {
        // They are in no bundle that boot starts, and are needed all the same.
        nest = nest.rc(name, "type", "oneshot");
        nest = nest.rc(name, "up", &says(&format!("sleep 0.1; echo {name} up >&2")));
    }
    let end = nest.cmd(&["true"]).run();
    end.assert_code(0);
    assert_order(&end, &["first up", "last up"]);
    assert_order(&end, &["second up", "last up"]);
}

#[test]
fn readiness_is_waited_for_where_it_is_announced() {
    if !root_available() {
        return;
    }
    let run = "sleep 0.2; echo ready now >&2; echo >&3; exec sleep 1000";
    let end = Nest::new()
        .longrun("slow", run, &["base"])
        .rc("slow", "notification-fd", "3\n")
        .oneshot("next", &says("echo next up >&2"), &["slow"])
        .service("legacy", "echo legacy up >&2; exec sleep 1000")
        .cmd_sh("echo cmd runs >&2")
        .run();
    end.assert_code(0);
    assert_order(&end, &["ready now", "next up", "cmd runs"]);
    assert_order(
        &end,
        &["slow: starting", "ready now", "slow successfully started"],
    );
    assert_order(&end, &["ready now", "[services.d] starting services"]);
}

#[test]
fn services_are_found_in_both_places_for_bundles() {
    if !root_available() {
        return;
    }
    let bundles = "/etc/s6-overlay/user-bundles.d";
    let nest = Nest::new()
        .rc("new", "type", "oneshot\n")
        .rc("new", "up", &says("echo new up >&2"))
        .rc("late", "type", "oneshot\n")
        .rc("late", "up", &says("echo late up >&2"))
        .needs("late", &["legacy-services"])
        .needs("new", &["base"])
        .file(&format!("{bundles}/user/type"), 0o644, "bundle\n")
        .file(&format!("{bundles}/user/contents.d/new"), 0o644, "")
        .file(&format!("{bundles}/user2/type"), 0o644, "bundle\n")
        .file(&format!("{bundles}/user2/contents.d/late"), 0o644, "");
    let end = nest.cmd_sh("echo cmd runs >&2").run();
    end.assert_code(0);
    let texts = ["new up", "[services.d] done.", "late up", "cmd runs"];
    assert_order(&end, &texts);

    // The older place, where `type` may be missing.
    let end = Nest::new()
        .oneshot("old", &says("echo old up >&2"), &["base"])
        .rc("user2", "contents.d/.gitkeep", "")
        .rc("user2", "contents.d/late", "")
        .rc("late", "type", "oneshot\n")
        .rc("late", "up", &says("echo late up >&2"))
        .needs("late", &["legacy-services"])
        .cmd_sh("echo cmd runs >&2")
        .run();
    end.assert_code(0);
    let texts = ["old up", "[services.d] done.", "late up", "cmd runs"];
    assert_order(&end, &texts);
}

#[test]
fn a_directory_of_bundles_can_be_chosen() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .rc("chosen", "type", "oneshot\n")
        .rc("chosen", "up", &says("echo chosen up >&2"))
        .oneshot("other", &says("echo other up >&2"), &["base"])
        .file("/opt/bundles/user2/type", 0o644, "bundle\n")
        .file("/opt/bundles/user2/contents.d/chosen", 0o644, "")
        .env("S6_RUNTIME_BUNDLEDIR", "/opt/bundles")
        .cmd(&["true"])
        .run();
    end.assert_code(0)
        .assert_has("chosen up")
        .assert_has("other up");
}

#[test]
fn the_hook_may_add_a_service() {
    if !root_available() {
        return;
    }
    let hook = "#!/bin/sh\nd=/etc/s6-overlay/s6-rc.d\nmkdir -p $d/added $d/user/contents.d\n\
                echo oneshot > $d/added/type\necho /bin/echo added up > $d/added/up\n\
                : > $d/user/contents.d/added\n";
    let end = Nest::new()
        .file("/hook", 0o755, hook)
        .env("S6_STAGE2_HOOK", "/hook")
        .cmd(&["true"])
        .run();
    end.assert_code(0).assert_has("added up");
}

#[test]
fn a_broken_definition_leaves_the_rest_up() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .rc("typeless", "up", "true\n")
        .wanted("typeless")
        .oneshot("lost", &says("echo lost up >&2"), &["nosuch"])
        .oneshot("unmatched", "if { true\n", &[])
        .longrun(
            "sound",
            "echo sound up >&2; echo >&3; exec sleep 1000",
            &["base"],
        )
        .rc("sound", "notification-fd", "3\n")
        .oneshot("after", &says("echo after up >&2"), &["base", "sound"])
        .cmd_sh("echo cmd runs >&2")
        .run();
    end.assert_code(0)
        .assert_has("s6-rc.d/typeless")
        .assert_has("nosuch")
        .assert_has("s6-rc.d/unmatched/up")
        .assert_has("sound up")
        .assert_lacks("lost up")
        .assert_has("after up")
        .assert_has("cmd runs");
}

#[test]
fn the_boot_is_limited_by_the_time_for_services() {
    if !root_available() {
        return;
    }
    let nest = |behaviour: &str| {
        Nest::new()
            .longrun("never", "echo never runs >&2; exec sleep 1000", &["base"])
            .rc("never", "notification-fd", "3\n")
            .oneshot("hangs", "/bin/sleep 1000", &["base"])
            .oneshot("blocked", &says("echo blocked up >&2"), &["never"])
            .env("S6_CMD_WAIT_FOR_SERVICES_MAXTIME", "300")
            .env("S6_BEHAVIOUR_IF_STAGE2_FAILS", behaviour)
            .cmd_sh("echo cmd runs >&2")
            .run()
    };
    let end = nest("0");
    end.assert_code(0)
        .assert_has("never runs")
        .assert_lacks("blocked up")
        .assert_has("cmd runs")
        .assert_within(Duration::from_secs(10));
    assert!(end.elapsed >= Duration::from_millis(300), "{end}");
    nest("2").assert_code(2).assert_lacks("cmd runs");
}

#[test]
fn events_are_records_in_json() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .json()
        .oneshot("speaks", "/bin/echo words of a oneshot", &["base"])
        .oneshot("fails", &says("exit 4"), &["base"])
        .longrun("web", "exec sleep 1000", &["base"])
        .cmd(&["true"])
        .run();
    end.assert_code(0);
    let lines = end.stdout();
    let has = |parts: &[&str]| {
        let found = lines
            .iter()
            .any(|line| parts.iter().all(|part| line.contains(part)));
        assert!(found, "{parts:?};\n{end}");
    };
    has(&["\"event\":\"rc.starting\"", "\"service\":\"speaks\""]);
    has(&[
        "\"service\":\"speaks\"",
        "words of a oneshot",
        "\"stream\":\"stdout\"",
    ]);
    has(&["\"event\":\"rc.started\"", "\"service\":\"speaks\""]);
    has(&[
        "\"event\":\"rc.failed\"",
        "\"service\":\"fails\"",
        "\"exit_code\":4",
    ]);
    has(&["\"event\":\"service.started\"", "\"service\":\"web\""]);
    has(&["\"event\":\"rc.stopping\"", "\"service\":\"web\""]);
    has(&["\"event\":\"rc.stopped\"", "\"service\":\"web\""]);
}
