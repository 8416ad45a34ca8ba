//! `sixfold reload`: what the sources say now is applied, and what is the same is not touched.

use sixfold_integration_tests::{Finished, Nest, Running, Stream, root_available};

use super::{SOURCES, Services as _, assert_order, says};

/// A container with two services in a row, one beside them, and one that the boot does not start.
fn booted() -> Running {
    let nest = Nest::new()
        .oneshot("prepare", &says("echo prepare up >&2"), &["base"])
        .longrun("api", "echo api runs >&2; exec sleep 1000", &["prepare"])
        .longrun("web", "echo web runs >&2; exec sleep 1000", &["api"])
        .longrun("other", "echo other runs >&2; exec sleep 1000", &["base"])
        .rc("extra", "type", "longrun\n")
        .rc("extra", "run", "#!/bin/sh\nexec sleep 1000\n")
        .cmd_sh("echo cmd runs >&2; exec sleep 1000")
        .boot();
    nest.wait_line("cmd runs");
    for name in ["api", "web", "other"] {
        nest.wait_line(&format!("{name} runs"));
    }
    nest
}

fn reload(nest: &Running, words: &[&str]) -> Finished {
    nest.exec(&[&["/command/sixfold", "reload"], words].concat())
}

fn source(nest: &Running, file: &str, content: &str) {
    let path = format!("{SOURCES}/{file}");
    let (dir, _) = path.rsplit_once('/').unwrap();
    nest.exec(&["mkdir", "-p", dir]).assert_code(0);
    let text = format!("cat > {path} << 'END'\n{content}\nEND");
    nest.exec(&["sh", "-c", &text]).assert_code(0);
}

fn pid(nest: &Running, name: &str) -> String {
    let stat = nest.exec(&["/command/s6-svstat", "-p", &format!("/run/service/{name}")]);
    stat.assert_code(0).stdout().concat()
}

#[test]
fn nothing_is_touched_where_nothing_differs() {
    if !root_available() {
        return;
    }
    let nest = booted();
    let before = pid(&nest, "web");
    let same = reload(&nest, &[]);
    same.assert_code(0);
    assert_eq!(same.lines(Stream::Stdout), ["nothing differs"]);
    assert_eq!(pid(&nest, "web"), before);
    nest.terminate().assert_code(0);
}

#[test]
fn a_script_that_changed_restarts_its_service_and_what_needs_it() {
    if !root_available() {
        return;
    }
    let nest = booted();
    let other = pid(&nest, "other");
    let web = pid(&nest, "web");
    source(
        &nest,
        "api/run",
        "#!/bin/sh\necho api is new >&2\nexec sleep 1000",
    );
    // First it is only told.
    let told = reload(&nest, &["--dry-run"]);
    told.assert_code(0);
    assert_eq!(
        told.lines(Stream::Stdout),
        [
            "~ api: run",
            "would stop web",
            "would stop api",
            "would start api",
            "would start web",
        ]
    );
    assert_eq!(pid(&nest, "web"), web);
    let done = reload(&nest, &[]);
    done.assert_code(0);
    assert_eq!(
        done.lines(Stream::Stdout),
        [
            "~ api: run",
            "stop web",
            "stop api",
            "start api",
            "start web"
        ]
    );
    nest.wait_line("api is new");
    nest.wait_lines("web runs", 2);
    assert_eq!(pid(&nest, "other"), other);
    assert_ne!(pid(&nest, "web"), web);
    let same = reload(&nest, &[]);
    assert_eq!(same.lines(Stream::Stdout), ["nothing differs"]);
    nest.terminate().assert_code(0);
}

#[test]
fn what_is_new_starts_and_what_is_gone_is_gone() {
    if !root_available() {
        return;
    }
    let nest = booted();
    let (api, web) = (pid(&nest, "api"), pid(&nest, "web"));
    source(&nest, "fresh/type", "longrun");
    source(
        &nest,
        "fresh/run",
        "#!/bin/sh\necho fresh runs >&2\nexec sleep 1000",
    );
    source(&nest, "fresh/dependencies.d/api", "");
    source(&nest, "user/contents.d/fresh", "");
    let gone = format!("rm -r {SOURCES}/other {SOURCES}/user/contents.d/other");
    nest.exec(&["sh", "-c", &gone]).assert_code(0);
    let done = reload(&nest, &[]);
    done.assert_code(0);
    assert_eq!(
        done.lines(Stream::Stdout),
        [
            "+ fresh",
            "- other",
            "~ user: contents",
            "stop other",
            "start fresh",
        ]
    );
    nest.wait_line("fresh runs");
    assert_eq!((pid(&nest, "api"), pid(&nest, "web")), (api, web));
    let is_left = |path: &str| nest.path(path).symlink_metadata().is_ok();
    assert!(!is_left("/run/service/other"));
    assert!(!is_left("/run/s6-rc/servicedirs/other"));
    nest.exec(&["/command/s6-rc-db", "type", "fresh"])
        .assert_has("longrun");
    let end = nest.terminate();
    // The stop knows of the new one, and of what it needs.
    assert_order(
        &end,
        &["fresh successfully stopped", "api successfully stopped"],
    );
    end.assert_code(0);
}

#[test]
fn what_somebody_moved_by_hand_stays_as_it_is() {
    if !root_available() {
        return;
    }
    let nest = booted();
    let s6_rc = |words: &[&str]| nest.exec(&[&["/command/s6-rc"], words].concat());
    s6_rc(&["stop", "other"]).assert_code(0);
    s6_rc(&["start", "extra"]).assert_code(0);
    let extra = pid(&nest, "extra");
    source(&nest, "api/timeout-up", "5000");
    source(&nest, "api/finish", "#!/bin/sh\necho api finished >&2");
    let api = pid(&nest, "api");
    let done = reload(&nest, &[]);
    done.assert_code(0);
    // Neither takes effect before the next time that it is needed, and without a restart.
    assert_eq!(done.lines(Stream::Stdout), ["~ api: finish, timeouts"]);
    assert_eq!((pid(&nest, "api"), pid(&nest, "extra")), (api, extra));
    nest.exec(&["/command/s6-svstat", "/run/service/other"])
        .assert_has("down (signal SIGTERM)");
    nest.terminate().assert_code(0).assert_has("api finished");
}

#[test]
fn a_mistake_that_would_lose_a_service_changes_nothing() {
    if !root_available() {
        return;
    }
    let nest = booted();
    let web = pid(&nest, "web");
    source(&nest, "api/type", "longrum");
    source(
        &nest,
        "other/run",
        "#!/bin/sh\necho other is new >&2\nexec sleep 1000",
    );
    let refused = reload(&nest, &[]);
    refused
        .assert_code(1)
        .assert_has(&format!("{SOURCES}/api/type"))
        .assert_has("nothing was changed, as these would be lost: api, legacy-services, web;");
    assert_eq!(refused.lines(Stream::Stdout), [""; 0]);
    assert_eq!(pid(&nest, "web"), web);
    source(&nest, "api/type", "longrun");
    reload(&nest, &[]).assert_code(0);
    nest.wait_line("other is new");
    assert_eq!(pid(&nest, "web"), web);
    nest.terminate().assert_code(0);
}

#[test]
fn a_reload_goes_on_when_who_asked_for_it_goes_away() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .longrun(
            "slow",
            "trap 'read line < /gate; exit' TERM; echo slow runs >&2; while :; do sleep 1000 & wait; done",
            &["base"],
        )
        .prepare("mkfifo \"$root/gate\"")
        .cmd_sh("echo cmd runs >&2; exec sleep 1000")
        .boot();
    nest.wait_line("slow runs");
    nest.wait_line("cmd runs");
    source(
        &nest,
        "slow/run",
        "#!/bin/sh\necho slow is new >&2\nexec sleep 1000",
    );
    let client = nest.start(&["/command/sixfold", "reload"]);
    client.wait_line("stop slow");
    nest.exec(&["pkill", "-KILL", "-f", "sixfold reload"])
        .assert_code(0);
    client.wait_exit();
    nest.exec(&["sh", "-c", "echo go > /gate"]).assert_code(0);
    nest.wait_line("slow is new");
    nest.terminate().assert_code(0);
}

#[test]
fn what_failed_at_boot_is_tried_again_once_it_is_mended() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .oneshot("bad", &says("exit 3"), &["base"])
        .longrun("web", "echo web runs >&2; exec sleep 1000", &["bad"])
        .service("legacy", "echo legacy runs >&2; exec sleep 1000")
        .env("S6_BEHAVIOUR_IF_STAGE2_FAILS", "0")
        .cmd_sh("echo cmd runs >&2; exec sleep 1000")
        .boot();
    nest.wait_line("cmd runs");
    source(&nest, "bad/up", &says("exit 0"));
    let done = reload(&nest, &[]);
    done.assert_code(0);
    assert_eq!(
        done.lines(Stream::Stdout),
        [
            "~ bad: up",
            "start bad",
            "start web",
            "start legacy-services"
        ]
    );
    nest.wait_line("web runs");
    // What waited for it is a part of the boot, which is made good.
    nest.wait_line("legacy runs");
    nest.terminate().assert_code(0);
}

#[test]
fn a_service_may_become_something_else() {
    if !root_available() {
        return;
    }
    let nest = booted();
    source(&nest, "other/type", "oneshot");
    source(&nest, "other/up", &says("echo other is a oneshot >&2"));
    source(&nest, "prepare/up", &says("echo prepare again >&2"));
    nest.exec(&["rm", &format!("{SOURCES}/other/run")])
        .assert_code(0);
    let done = reload(&nest, &[]);
    done.assert_code(0)
        .assert_has("~ other: type")
        .assert_has("~ prepare: up");
    nest.wait_line("other is a oneshot");
    nest.wait_line("prepare again");
    nest.wait_lines("web runs", 2);
    assert!(nest.path("/run/service/other").symlink_metadata().is_err());
    nest.exec(&["/command/s6-rc", "-a", "list"])
        .assert_has("other");
    nest.terminate().assert_code(0);
}
