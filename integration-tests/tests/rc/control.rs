//! Longruns under the commands of s6.

use sixfold_integration_tests::{Nest, Running, root_available};

use super::{Services as _, assert_order, says};

fn booted() -> Running {
    let nest = Nest::new()
        .longrun("web", "echo web runs >&2; exec sleep 1000", &["base"])
        .service("legacy", "echo legacy runs >&2; exec sleep 1000")
        .boot();
    nest.wait_line("web runs");
    nest.wait_line("legacy runs");
    nest.wait_line("[services.d] done.");
    nest
}

#[test]
fn a_longrun_obeys_and_tells_what_it_does() {
    if !root_available() {
        return;
    }
    let nest = booted();
    let stat = || nest.exec(&["/command/s6-svstat", "/run/service/web"]);
    stat()
        .assert_code(0)
        .assert_has("up (pid ")
        .assert_lacks("normally down");
    nest.exec(&["/command/s6-svc", "-wD", "-d", "/run/service/web"])
        .assert_code(0);
    stat().assert_has("down (signal SIGTERM)");
    nest.exec(&["/command/s6-svc", "-u", "/run/s6-rc/servicedirs/web"])
        .assert_code(0);
    nest.wait_lines("web runs", 2);
    nest.exec(&["/command/s6-svc", "-r", "/run/service/web"])
        .assert_code(0);
    nest.wait_lines("web runs", 3);
    nest.exec(&["/command/s6-svwait", "-u", "/run/service/web"])
        .assert_code(0);
    nest.terminate().assert_code(0);
}

#[test]
fn a_rescan_does_not_take_a_longrun_for_a_new_service() {
    if !root_available() {
        return;
    }
    let nest = booted();
    let made = "mkdir /run/service/new && printf '#!/bin/sh\\necho new runs >&2\\nexec sleep 1000\\n' \
                > /run/service/new/run && chmod +x /run/service/new/run";
    nest.exec(&["sh", "-c", made]).assert_code(0);
    nest.exec(&["/command/s6-svscanctl", "-an", "/run/service"])
        .assert_code(0);
    nest.wait_line("new runs");
    nest.exec(&["/command/s6-svstat", "/run/service/web"])
        .assert_code(0)
        .assert_has("up (pid ");
    let end = nest.terminate();
    end.assert_code(0)
        .assert_lacks("already running")
        .assert_lacks("another instance");
    assert_eq!(end.count("web runs"), 1, "{end}");
}

#[test]
fn a_service_of_the_same_name_in_services_d_is_not_started() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .longrun("web", "echo web runs >&2; exec sleep 1000", &["base"])
        .service("web", "echo other runs >&2; exec sleep 1000")
        .cmd(&["true"])
        .run();
    end.assert_code(0)
        .assert_has("/etc/services.d/web: not started: there is a service of s6-rc")
        .assert_lacks("other runs");
}

#[test]
fn what_boot_does_not_start_is_supervised_and_down() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .rc("extra", "type", "longrun\n")
        .rc(
            "extra",
            "run",
            "#!/bin/sh\necho extra runs >&2\nexec sleep 1000\n",
        )
        .cmd_sh("echo cmd runs >&2; exec sleep 1000")
        .boot();
    nest.wait_line("cmd runs");
    assert!(nest.path("/run/s6-rc/servicedirs/extra/down").exists());
    nest.exec(&["/command/s6-svstat", "/run/service/extra"])
        .assert_code(0)
        .assert_has("down (not started yet)")
        .assert_lacks("normally up");
    nest.exec(&["/command/s6-svc", "-wu", "-u", "/run/service/extra"])
        .assert_code(0);
    nest.wait_line("extra runs");
    nest.terminate().assert_code(0);
}

#[test]
fn a_longrun_that_ends_for_good_during_boot_holds_nothing_up() {
    if !root_available() {
        return;
    }
    // As images switch a service off: its run script has itself told to be down, or its finish
    // script exits 125.
    let end = Nest::new()
        .longrun("off", "s6-svc -d .; exit 0", &["base"])
        .longrun("never", "exit 0", &["base"])
        .rc("never", "finish", "#!/bin/sh\nexit 125\n")
        .oneshot("slow", &says("sleep 0.5"), &["base"])
        .oneshot("last", &says("echo last up >&2"), &["off", "never", "slow"])
        .service("legacy", "echo legacy up >&2; exec sleep 1000")
        .cmd_sh("echo cmd runs >&2")
        .run();
    end.assert_code(0);
    assert_order(
        &end,
        &["last up", "[services.d] starting services", "cmd runs"],
    );
}
