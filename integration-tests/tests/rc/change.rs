//! `s6-rc` in a running container.

use sixfold_integration_tests::{Finished, Nest, Running, Stream, root_available};

use super::{Services as _, assert_order, says};

/// A container with services that the boot starts, and others that it does not.
fn booted() -> Running {
    let nest = Nest::new()
        .oneshot("prepare", &says("echo prepare up >&2"), &["base"])
        .rc("prepare", "down", &says("echo prepare down >&2"))
        .longrun("web", "echo web runs >&2; exec sleep 1000", &["prepare"])
        .rc("extra", "type", "longrun\n")
        .rc(
            "extra",
            "run",
            "#!/bin/sh\necho extra runs >&2\nexec sleep 1000\n",
        )
        .needs("extra", &["tool"])
        .rc("tool", "type", "oneshot\n")
        .rc("tool", "up", &says("echo tool up"))
        .rc("tool", "down", &says("echo tool down"))
        .rc("bad", "type", "oneshot\n")
        .rc("bad", "up", &says("exit 3"))
        .rc("set", "type", "bundle\n")
        .rc("set", "contents.d/extra", "")
        .cmd_sh("echo cmd runs >&2; exec sleep 1000")
        .boot();
    nest.wait_line("cmd runs");
    nest
}

fn s6_rc(nest: &Running, words: &[&str]) -> Finished {
    nest.exec(&[&["/command/s6-rc"], words].concat())
}

#[test]
fn what_is_up_is_listed_with_the_stages_of_boot() {
    if !root_available() {
        return;
    }
    let nest = booted();
    let listed = s6_rc(&nest, &["-a", "list"]);
    listed.assert_code(0);
    assert_eq!(
        listed.lines(Stream::Stdout),
        [
            "s6rc-oneshot-runner",
            "web",
            "fix-attrs",
            "legacy-cont-init",
            "legacy-services",
            "prepare"
        ]
    );
    let down = s6_rc(&nest, &["-da", "list"]);
    assert_eq!(
        down.lines(Stream::Stdout),
        ["s6rc-fdholder", "extra", "bad", "tool"]
    );
    let deep = s6_rc(&nest, &["listall", "set"]);
    assert_eq!(
        deep.lines(Stream::Stdout),
        ["s6rc-oneshot-runner", "extra", "tool"]
    );
    s6_rc(&nest, &["list", "nope"])
        .assert_code(3)
        .assert_has("s6-rc: fatal: nope is not a recognized identifier in /run/s6-rc/resolve.cdb");
    nest.terminate().assert_code(0);
}

#[test]
fn services_come_up_and_go_down_with_what_they_need() {
    if !root_available() {
        return;
    }
    let nest = booted();
    let up = s6_rc(&nest, &["-v2", "-u", "change", "set"]);
    up.assert_code(0);
    // The scripts of oneshots write to who asked.
    assert_eq!(up.lines(Stream::Stdout), ["tool up"]);
    assert_order(
        &up,
        &[
            "s6-rc: info: service tool: starting",
            "s6-rc: info: service tool successfully started",
            "s6-rc: info: service extra: starting",
            "s6-rc: info: service extra successfully started",
        ],
    );
    nest.wait_line("extra runs");
    nest.exec(&["/command/s6-svstat", "/run/service/extra"])
        .assert_has("up (pid ")
        .assert_lacks("normally down");
    let down = s6_rc(&nest, &["-v2", "stop", "tool"]);
    down.assert_code(0);
    assert_eq!(down.lines(Stream::Stdout), ["tool down"]);
    assert_order(&down, &["extra successfully stopped", "tool: stopping"]);
    nest.exec(&["/command/s6-svstat", "/run/service/extra"])
        .assert_has("down (signal SIGTERM)");
    // Quiet unless asked.
    let quiet = s6_rc(&nest, &["change", "extra"]);
    quiet.assert_code(0);
    assert_eq!(quiet.lines(Stream::Stderr), [""; 0]);
    let end = nest.terminate();
    // What came up by hand is taken down in order, too, and its script writes to the log.
    assert_order(
        &end,
        &[
            "service extra successfully stopped",
            "service tool: stopping",
        ],
    );
    end.assert_code(0)
        .assert_has("tool down")
        .assert_has("prepare down");
}

#[test]
fn failures_have_the_exit_codes_of_s6_rc() {
    if !root_available() {
        return;
    }
    let nest = booted();
    s6_rc(&nest, &["change", "bad"])
        .assert_code(1)
        .assert_has("s6-rc: warning: unable to start service bad: command exited 3");
    s6_rc(&nest, &["-v0", "change", "bad"])
        .assert_code(1)
        .assert_lacks("unable");
    s6_rc(&nest, &["frob"]).assert_code(100);
    s6_rc(&nest, &["-l", "/run/nope", "list"])
        .assert_code(111)
        .assert_has("s6-rc: fatal: unable to take locks: No such file or directory");
    nest.terminate().assert_code(0);
}

#[test]
fn a_longrun_that_was_stopped_behind_its_back_differs() {
    if !root_available() {
        return;
    }
    let nest = booted();
    s6_rc(&nest, &["diff"]).assert_code(0);
    nest.exec(&["/command/s6-svc", "-wD", "-d", "/run/service/web"])
        .assert_code(0);
    let differs = s6_rc(&nest, &["diff"]);
    differs.assert_code(1);
    assert_eq!(differs.lines(Stream::Stdout), ["-web"]);
    nest.exec(&["/command/s6-svc", "-wu", "-u", "/run/service/extra"])
        .assert_code(0);
    let differs = s6_rc(&nest, &["diff"]);
    assert_eq!(differs.lines(Stream::Stdout), ["+extra", "-web"]);
    nest.terminate().assert_code(0);
}

#[test]
fn a_bundle_that_somebody_adds_is_known_at_once() {
    if !root_available() {
        return;
    }
    let nest = booted();
    nest.exec(&["/command/s6-rc-bundle", "add", "mine", "tool", "web"])
        .assert_code(0);
    assert_eq!(
        s6_rc(&nest, &["list", "mine"]).lines(Stream::Stdout),
        ["web", "tool"]
    );
    s6_rc(&nest, &["change", "mine"])
        .assert_code(0)
        .assert_has("tool up");
    nest.terminate().assert_code(0);
}

#[test]
fn boot_holds_the_lock_and_who_blocks_waits_for_it() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .oneshot(
            "slow",
            &says("s6-rc list user; echo code $? >&2; echo waits >&2; read line < /gate"),
            &["base"],
        )
        .prepare("mkfifo \"$root/gate\"")
        .rc("tool", "type", "oneshot\n")
        .rc("tool", "up", &says("echo tool up >&2"))
        .cmd_sh("exec sleep 1000")
        .boot();
    nest.wait_line("s6-rc: fatal: unable to take locks: Device or resource busy");
    nest.wait_line("code 111");
    nest.wait_line("waits");
    let waits = nest.start(&[
        "sh",
        "-c",
        "echo asked >&2; exec /command/s6-rc -b change tool",
    ]);
    waits.wait_line("asked");
    nest.exec(&["sh", "-c", "echo go > /gate"]).assert_code(0);
    waits.wait_exit().assert_code(0).assert_has("tool up");
    nest.terminate().assert_code(0);
}

#[test]
fn the_stages_of_boot_go_down_and_come_up_too() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .longrun("web", "echo web runs >&2; exec sleep 1000", &["base"])
        .service("legacy", "echo legacy runs >&2; exec sleep 1000")
        .cont_init("10-it", "#!/bin/sh\necho init runs >&2\n")
        .cont_finish("10-it", "#!/bin/sh\necho finish runs >&2\n")
        .cmd_sh("echo cmd runs >&2; exec sleep 1000")
        .boot();
    nest.wait_line("cmd runs");
    nest.wait_line("legacy runs");
    // services.d needs what the user bundle holds.
    let down = s6_rc(&nest, &["-v2", "-d", "change", "web"]);
    down.assert_code(0);
    assert_order(
        &down,
        &[
            "s6-rc: info: service legacy-services: stopping",
            "s6-rc: info: service legacy-services successfully stopped",
            "s6-rc: info: service web: stopping",
            "s6-rc: info: service web successfully stopped",
        ],
    );
    assert!(nest.path("/run/service/legacy").symlink_metadata().is_err());
    s6_rc(&nest, &["-d", "change", "legacy-cont-init"]).assert_code(0);
    nest.wait_line("finish runs");
    let up = s6_rc(&nest, &["-v2", "-u", "change", "top"]);
    up.assert_code(0);
    assert_order(
        &up,
        &[
            "legacy-cont-init successfully started",
            "web successfully started",
            "legacy-services: starting",
            "legacy-services successfully started",
        ],
    );
    nest.wait_lines("init runs", 2);
    nest.wait_lines("legacy runs", 2);
    let end = nest.terminate();
    assert_eq!(end.count("finish runs"), 2, "{end}");
    end.assert_code(0);
}
