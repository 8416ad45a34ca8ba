//! Where longruns and oneshots run, and with what.

use sixfold_integration_tests::{Nest, root_available};

use super::{SOURCES, Services as _};

const RUN: &str = "echo web is $0 $1 in $(pwd) with [$HOME] and $(cat data/x env/Y) >&2; \
                   : > written; exec sleep 1000";

fn web() -> Nest {
    Nest::new()
        .longrun("web", RUN, &["base"])
        .rc("web", "data/x", "data")
        .rc("web", "env/Y", "env")
        .rc(
            "web",
            "finish",
            "#!/bin/sh\necho web finished with $1 $2 $3 >&2\n",
        )
        .oneshot("script", "/opt/script", &["base"])
        .file("/opt/script", 0o755, "#!/bin/sh\necho script runs >&2\n")
}

fn comes_up(nest: Nest) {
    let nest = nest.boot();
    nest.wait_line("web is ./run web in /run/s6-rc/servicedirs/web with [] and dataenv");
    nest.wait_line("script runs");
    nest.wait_line("service script successfully started");
    nest.wait_file("/run/service/web/written");
    let end = nest.terminate();
    end.assert_code(0)
        .assert_has("web finished with 256 15 web")
        .assert_lacks("not executable")
        .assert_lacks("warning");
}

#[test]
fn a_longrun_runs_in_a_directory_of_its_own() {
    if root_available() {
        comes_up(web());
    }
}

#[test]
fn a_root_that_cannot_be_written_is_no_matter() {
    if root_available() {
        comes_up(web().read_only_root());
    }
}

#[test]
fn a_run_that_is_mounted_noexec_is_no_matter() {
    if root_available() {
        comes_up(web().run_noexec());
        comes_up(web().run_noexec().read_only_root().file(
            "/etc/s6-overlay/s6-rc.d/web/run",
            0o755,
            format!("#!/bin/sh\n{RUN}\n"),
        ));
    }
}

#[test]
fn a_run_with_crlf_line_ends_is_cleaned() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .longrun("web", "echo web runs >&2\r\nexec sleep 1000\r", &["base"])
        .boot();
    nest.wait_line("web runs");
    nest.terminate()
        .assert_code(0)
        .assert_has("/etc/s6-overlay/s6-rc.d/web/run:2: CRLF");
}

#[test]
fn another_user_than_root_has_longruns_too() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .longrun(
            "web",
            "echo web runs as $(id -u) >&2; exec sleep 1000",
            &["base"],
        )
        .uid(1000)
        .run_options("mode=755,uid=1000")
        .boot();
    nest.wait_line("web runs as 1000");
    nest.terminate().assert_code(0);
}

#[test]
fn what_another_user_may_not_read_is_told_as_that() {
    if !root_available() {
        return;
    }
    let script = "#!/bin/sh\necho script runs >&2\n";
    let end = Nest::new()
        .oneshot("typeless", "true\n", &["base"])
        .file(&format!("{SOURCES}/typeless/type"), 0o600, "oneshot\n")
        .oneshot("closed", "/etc/closed\n", &["base"])
        .file("/etc/closed", 0o700, script)
        .oneshot("lazy", "/etc/lazy\n", &["base"])
        .file("/etc/lazy", 0o711, script)
        .longrun("web", "exec sleep 1000", &["base"])
        .file(&format!("{SOURCES}/web/notification-fd"), 0o600, "3\n")
        .uid(1000)
        .run_options("mode=755,uid=1000")
        .cmd_sh("echo cmd runs >&2")
        .run();
    end.assert_code(0)
        .assert_has("/typeless/type: it cannot be read: Permission denied")
        .assert_has("/web/notification-fd: it cannot be read: Permission denied")
        .assert_has("/etc/closed: cannot be read: Permission denied")
        .assert_has("unable to start service closed: command exited 126")
        .assert_lacks("#! line")
        .assert_has("cmd runs");
}

#[test]
fn what_an_earlier_boot_left_is_no_matter() {
    if !root_available() {
        return;
    }
    comes_up(web().prepare(
        "mkdir -p $root/run/s6-rc:s6-rc-init:abcdef/servicedirs/web; \
         ln -s s6-rc:s6-rc-init:abcdef $root/run/s6-rc",
    ));
    comes_up(web().prepare(
        "mkdir -p $root/run/s6-rc/servicedirs/web $root/run/service; \
         : > $root/run/s6-rc/servicedirs/web/run; \
         ln -s /run/s6-rc/servicedirs/web $root/run/service/web",
    ));
}

#[test]
fn a_place_that_is_taken_breaks_one_service_only() {
    if !root_available() {
        return;
    }
    let hook = "#!/bin/sh\nmkdir -p /run/service/web\n";
    let end = web()
        .file("/hook", 0o755, hook)
        .env("S6_STAGE2_HOOK", "/hook")
        .cmd_sh("echo cmd runs >&2")
        .run();
    end.assert_code(0)
        .assert_has("/run/service/web cannot be made")
        .assert_lacks("web is")
        .assert_has("script runs")
        .assert_has("cmd runs");
}

#[test]
fn an_image_without_anything_runs_oneshots_of_execline() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .scratch()
        .without_env("PATH")
        .oneshot(
            "it",
            "foreground { exit 3 } importas code ? exit ${code}\n",
            &["base"],
        )
        .oneshot("if", "if { exit 0 } foreground { } exit 0\n", &["base"])
        .boot();
    nest.wait_line("unable to start service it: command exited 3");
    nest.wait_line("service if successfully started");
    nest.terminate().assert_code(0);
}
