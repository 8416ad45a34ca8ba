//! Where it runs: not as PID 1, as any user, with a read-only root, with `/run` noexec, with no
//! shell in the image; and what it says where it cannot.

use std::time::Duration;

use sixfold_integration_tests::{Finished, Nest, root_available};

const PLAIN_SERVICE: &str = env!("CARGO_BIN_EXE_plain-service");
const AT_ONCE: Duration = Duration::from_millis(1500);
/// Runs the rest of its words as a child, as `docker run --init` does, and passes the code on.
const OUTER: [&str; 4] = ["/bin/sh", "-c", "\"$@\"; exit $?", "outer"];

fn whole() -> Nest {
    Nest::new()
        .env("FOO", "bar")
        .cont_init("10", "#!/usr/bin/with-contenv sh\necho \"init $FOO\"\n")
        .service(
            "web",
            "#!/usr/bin/with-contenv sh\necho \"web $FOO $(id -u)\"\nexec sleep 1000\n",
        )
        .finish("web", "echo \"web finished $1\"")
        .cont_finish("10", "echo bye")
}

fn boot_and_stop(nest: Nest) -> Finished {
    let nest = nest.boot();
    nest.wait_line("init bar");
    nest.wait_line("web bar");
    nest.wait_line("[services.d] done.");
    let end = nest.terminate();
    end.assert_code(0)
        .assert_has("web finished 256")
        .assert_has("bye")
        .assert_within(AT_ONCE);
    end
}

#[test]
fn as_pid_1() {
    if !root_available() {
        return;
    }
    boot_and_stop(whole()).assert_lacks("subreaper");
}

/// As an `/init` that an image has made after s6-overlay's does at its end.
#[test]
fn by_the_parts_that_s6_overlays_init_is_made_of() {
    if !root_available() {
        return;
    }
    let libexec = "/package/admin/s6-overlay-3.2.0.0/libexec";
    let preinit = format!(" {libexec}/preinit");
    let stage0 = format!("{libexec}/stage0");
    let end = whole()
        .entry(&["s6-overlay-suexec", &preinit, "", &stage0])
        .cmd_sh("echo cmd of $FOO; exit 7")
        .run();
    end.assert_code(7)
        .assert_has("init bar")
        .assert_has("cmd of bar")
        .assert_lacks("subreaper");
    let own_init = "#!/bin/sh -e\nchmod u-s /command/s6-overlay-suexec\n\
                    /package/admin/s6-overlay/libexec/preinit\n\
                    exec /package/admin/s6-overlay/libexec/stage0 \"$@\"\n";
    whole()
        .file("/own-init", 0o755, own_init)
        .entry(&["/bin/sh", "/own-init"])
        .cmd_sh("exit 8")
        .run()
        .assert_code(8)
        .assert_has("init bar")
        .assert_lacks("subreaper");
    Nest::new()
        .entry(&["s6-overlay-suexec", &preinit, "", "/bin/true"])
        .run()
        .assert_code(100);
}

#[test]
fn not_as_pid_1_with_one_info_line() {
    if !root_available() {
        return;
    }
    let end = boot_and_stop(whole().under(&OUTER));
    let told = end
        .stderr()
        .iter()
        .filter(|line| line.to_lowercase().contains("pid 1"))
        .count();
    assert_eq!(told, 1, "{end}");
}

#[test]
fn not_as_pid_1_it_adopts_orphans() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .under(&OUTER)
        .service("web", "(setsid sleep 777 &); exec tail -f /dev/null")
        .boot();
    nest.wait_until("the orphan belongs to the supervisor", |nest| {
        let ids = nest.status_field("NSpid");
        let own = ids
            .split_whitespace()
            .last()
            .and_then(|pid| pid.parse().ok());
        nest.named("sleep")
            .iter()
            .any(|orphan| Some(orphan.parent) == own)
    });
    nest.terminate().assert_code(0).assert_within(AT_ONCE);
}

#[test]
fn not_as_pid_1_it_leaves_its_neighbours_alone() {
    if !root_available() {
        return;
    }
    let outer =
        "sleep 777 & \"$@\"; code=$?; kill -0 $! && echo neighbour lives; kill $!; exit $code";
    boot_and_stop(whole().under(&["/bin/sh", "-c", outer, "outer"])).assert_has("neighbour lives");
}

#[test]
fn not_as_pid_1_the_cmds_code_is_its_own() {
    if !root_available() {
        return;
    }
    Nest::new()
        .under(&OUTER)
        .cmd_sh("exit 19")
        .run()
        .assert_code(19);
}

#[test]
fn as_a_user_that_owns_run() {
    if !root_available() {
        return;
    }
    boot_and_stop(whole().uid(1000).run_options("mode=755,uid=1000,gid=1000"))
        .assert_has("web bar 1000");
}

#[test]
fn as_a_user_who_is_not_in_passwd() {
    if !root_available() {
        return;
    }
    boot_and_stop(
        whole()
            .uid(12345)
            .run_options("mode=755,uid=12345,gid=12345"),
    )
    .assert_has("web bar 12345");
}

#[test]
fn as_a_user_with_a_sticky_run() {
    if !root_available() {
        return;
    }
    boot_and_stop(whole().uid(12345).run_options("mode=1777")).assert_has("web bar 12345");
}

#[test]
fn with_a_read_only_root() {
    if !root_available() {
        return;
    }
    boot_and_stop(whole().read_only_root());
    boot_and_stop(whole().read_only_root().env("S6_READ_ONLY_ROOT", "1"));
}

#[test]
fn with_a_read_only_root_as_a_user() {
    if !root_available() {
        return;
    }
    boot_and_stop(whole().read_only_root().uid(12345).run_options("mode=1777"));
}

#[test]
fn with_run_mounted_noexec() {
    if !root_available() {
        return;
    }
    boot_and_stop(whole().run_noexec());
}

#[test]
fn with_run_noexec_and_a_read_only_root() {
    if !root_available() {
        return;
    }
    boot_and_stop(whole().run_noexec().read_only_root());
}

#[test]
fn with_run_noexec_halt_still_works() {
    if !root_available() {
        return;
    }
    // The commands below /run are links out of it.
    Nest::new()
        .run_noexec()
        .cmd_sh("trap : TERM; /run/s6/basedir/bin/halt; echo \"returned $?\"; exec sleep 1000")
        .run()
        .assert_code(0)
        .assert_has("returned 0");
}

#[test]
fn on_scratch_without_a_shell() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .scratch()
        .without_env("PATH")
        .program("/etc/services.d/plain/run", PLAIN_SERVICE)
        .program("/etc/services.d/plain/finish", PLAIN_SERVICE)
        .boot();
    nest.wait_line("plain service runs");
    nest.wait_line("[services.d] done.");
    nest.terminate()
        .assert_code(0)
        .assert_has("plain service finished: 256 15 plain")
        .assert_within(AT_ONCE);
}

#[test]
fn on_scratch_the_cmd_needs_no_shell() {
    if !root_available() {
        return;
    }
    Nest::new()
        .scratch()
        .program("/tool", PLAIN_SERVICE)
        .cmd(&["/tool", "two", "words"])
        .run()
        .assert_code(0)
        .assert_has("plain service finished: two words");
}

#[test]
fn run_that_cannot_be_written_is_reported_with_the_mend() {
    if !root_available() {
        return;
    }
    let end = whole().run_options("ro,mode=755").run();
    assert_ne!(end.code, Some(0), "{end}");
    let text = end.stderr().join("\n").to_lowercase();
    assert!(text.contains("/run") && text.contains("tmpfs"), "{end}");
    end.assert_lacks("panicked");
}

#[test]
fn run_of_another_user_is_reported_with_the_mend() {
    if !root_available() {
        return;
    }
    let end = whole().uid(1000).run_options("mode=755").run();
    assert_ne!(end.code, Some(0), "{end}");
    let text = end.stderr().join("\n").to_lowercase();
    assert!(text.contains("/run") && text.contains("tmpfs"), "{end}");
}

#[test]
fn extra_descriptors_do_not_reach_services() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .under(&["/bin/bash", "-c", "exec 9</etc/passwd; \"$@\"; exit $?", "outer"])
        .service(
            "web",
            "#!/usr/bin/python3 -u\nimport os, time\n\
             print('fds', sorted(int(n) for n in os.listdir('/proc/self/fd'))[:-1])\ntime.sleep(1000)\n",
        )
        .boot();
    nest.wait_line("fds [0, 1, 2]");
    nest.terminate().assert_code(0);
}

#[test]
fn closed_standard_streams_are_survived() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .under(&["/bin/sh", "-c", "\"$@\" <&- >&-; exit $?", "outer"])
        .service("web", "echo is-up >&2; exec sleep 1000")
        .boot();
    nest.wait_line("is-up");
    nest.terminate().assert_code(0);
}

#[test]
fn a_second_init_leaves_the_first_ones_state_alone() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .service("web", "echo up; exec sleep 1000")
        .env("FOO", "bar")
        .boot();
    nest.wait_line("up");
    let second = nest.exec(&["/init", "true"]);
    second.assert_code(100);
    second.assert_has("another init");
    nest.exec(&["/command/with-contenv", "sh", "-c", "test $FOO = bar"])
        .assert_code(0);
    nest.terminate().assert_code(0);
}
