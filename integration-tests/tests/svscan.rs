//! `s6-svscan` and `s6-supervise` as the entry point of an image: `ENTRYPOINT ["s6-svscan", "/etc/s6"]`.

use std::time::Duration;

use nix::sys::signal::Signal;
use sixfold_integration_tests::{Nest, root_available};

const ORPHAN_MAKER: &str = env!("CARGO_BIN_EXE_orphan-maker");
const AT_ONCE: Duration = Duration::from_millis(1500);

fn scanning() -> Nest {
    Nest::new()
        .entry(&["/command/s6-svscan", "/etc/s6"])
        .file(
            "/etc/s6/web/run",
            0o755,
            "#!/bin/sh\necho \"web runs with $FOO\"\nexec sleep 1000\n",
        )
        .file(
            "/etc/s6/.s6-svscan/finish",
            0o755,
            "#!/bin/sh\necho \"all over $$\"\nexit 3\n",
        )
        .env("FOO", "bar")
}

#[test]
fn as_pid_1_it_supervises_and_becomes_its_finish_script() {
    if !root_available() {
        return;
    }
    let nest = scanning().boot();
    nest.wait_line("web runs with bar");
    let end = nest.terminate();
    end.assert_code(3)
        .assert_has("all over 1")
        .assert_lacks("[services.d]")
        .assert_within(AT_ONCE);
}

#[test]
fn it_is_as_silent_as_s6_svscan() {
    if !root_available() {
        return;
    }
    let nest = scanning().boot();
    nest.wait_line("web runs");
    let done = nest.exec(&["/command/s6-svc", "-wr", "-k", "/etc/s6/web"]);
    done.assert_code(0);
    nest.wait_lines("web runs", 2);
    let end = nest.terminate();
    let own: Vec<_> = end.stderr();
    assert!(own.is_empty(), "{end}");
}

#[test]
fn its_log_is_json_when_that_is_asked_for() {
    if !root_available() {
        return;
    }
    let nest = scanning().json().boot();
    nest.wait_line("\"event\":\"service.started\"");
    nest.wait_line("\"message\":\"web runs with bar\"");
    nest.exec(&["/command/s6-svscanctl", "-t", "/etc/s6"])
        .assert_asked();
    let end = nest.wait_exit();
    // The finish script is a program of its own, with the streams that s6-svscan was given.
    end.assert_code(3)
        .assert_has("\"event\":\"shutdown.requested\"")
        .assert_has("all over 1");
}

#[test]
fn as_pid_1_it_reaps_what_is_nobodys() {
    if !root_available() {
        return;
    }
    let nest = scanning()
        .program("/etc/s6/orphans/maker", ORPHAN_MAKER)
        .file(
            "/etc/s6/orphans/run",
            0o755,
            "#!/bin/sh\n./maker 50\necho made\nexec sleep 1000\n",
        )
        .boot();
    nest.wait_line("made");
    nest.wait_until("no zombie is left", |nest| {
        nest.processes().iter().all(|process| process.state != 'Z')
    });
    nest.terminate().assert_code(3);
}

/// On one processor, and with the supervision always last in line for it: what wakes a client is the
/// last that was done for a long time.
#[test]
fn a_supervisor_that_says_it_has_left_has_left() {
    if !root_available() {
        return;
    }
    let nest = scanning()
        .under(&["/usr/bin/taskset", "-c", "0", "/usr/bin/chrt", "-i", "0"])
        .file("/srv/extra/run", 0o755, "#!/bin/sh\nexec sleep 1000\n")
        .file(
            "/srv/try",
            0o755,
            "#!/bin/sh\nPATH=/command:$PATH\nfor i in 1 2 3 4 5 6 7 8 9 10; do\n\
             s6-svlink /etc/s6 /srv/extra\ns6-svunlink /etc/s6 extra\n\
             s6-svok /srv/extra && echo still there\ndone\necho tried\n",
        )
        .boot();
    nest.wait_line("web runs");
    let tried = nest.exec(&["/usr/bin/taskset", "-c", "0", "/srv/try"]);
    tried.assert_code(0);
    assert_eq!(tried.stdout(), ["tried"], "{tried}");
    nest.terminate().assert_code(3);
}

#[test]
fn a_signal_can_be_diverted() {
    if !root_available() {
        return;
    }
    let nest = scanning()
        .file(
            "/etc/s6/.s6-svscan/SIGUSR1",
            0o755,
            "#!/bin/sh\necho diverted\nexec /command/s6-svscanctl -t .\n",
        )
        .boot();
    nest.wait_line("web runs");
    nest.signal(Signal::SIGUSR1);
    nest.wait_line("diverted");
    nest.wait_exit().assert_code(3).assert_has("all over");
}

#[test]
fn a_single_service_can_be_the_entry_point() {
    if !root_available() {
        return;
    }
    let nest = scanning()
        .entry(&["/command/s6-supervise", "/etc/s6/web"])
        .boot();
    nest.wait_line("web runs with bar");
    nest.terminate().assert_code(0).assert_within(AT_ONCE);
}

#[test]
fn a_thousand_services_come_and_go() {
    if !root_available() {
        return;
    }
    let script = "#!/bin/sh\n\
        for i in $(seq 990); do mkdir /etc/s6/s$i; cp /etc/s6/web/run /etc/s6/s$i/run; done\n\
        /command/s6-svscanctl -a /etc/s6\n\
        until /command/s6-svwait -u -t 30000 /etc/s6/s*; do :; done 2> /dev/null\n\
        echo \"up $(pgrep -c -x sleep)\"\n\
        mkdir /gone; mv /etc/s6/s* /gone\n\
        /command/s6-svscanctl -an /etc/s6\n\
        while pgrep -P 1 -f 'sleep 1000' | sed -n 2p | grep -q .; do :; done\n\
        echo pruned\n";
    let nest = scanning().file("/many", 0o755, script).boot();
    nest.wait_line("web runs");
    // It starts thousands of processes itself, on whatever machine this is.
    let done = nest
        .start(&["/many"])
        .wait_exit_within(Duration::from_secs(90));
    done.assert_has("up 991").assert_has("pruned");
    nest.terminate().assert_code(3);
}
