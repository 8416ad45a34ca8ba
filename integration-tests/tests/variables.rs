//! The S6_ variables: a value that makes no sense is reported once with the value, what it must be
//! and the default taken; former names are reported too; good values are silent.

use std::time::Duration;

use sixfold_integration_tests::{Finished, Nest, root_available};

fn run_with(name: &str, value: &str) -> Finished {
    let end = Nest::new()
        .env(name, value)
        .service("web", "exec sleep 1000")
        .cmd(&["true"])
        .run();
    end.assert_code(0);
    end
}

#[test]
fn values_that_make_no_sense_are_reported_once() {
    if !root_available() {
        return;
    }
    for (name, value, default) in [
        ("S6_KILL_GRACETIME", "soon", "3000"),
        ("S6_SERVICES_GRACETIME", "-5", "3000"),
        ("S6_VERBOSITY", "loud", "2"),
        ("S6_BEHAVIOUR_IF_STAGE2_FAILS", "stop", "0"),
        ("S6_KILL_FINISH_MAXTIME", "1s", ""),
        ("S6_CMD_WAIT_FOR_SERVICES", "maybe", "0"),
        ("S6_CMD_WAIT_FOR_SERVICES_MAXTIME", "never", "0"),
        ("S6_CMD_RECEIVE_SIGNALS", "perhaps", "0"),
        ("S6_KILL_GRACETIME", "99999999999999999999999", "3000"),
        ("SIXFOLD_LOG_FORMAT", "xml", "auto"),
    ] {
        let end = run_with(name, value);
        let all = end.output.lines();
        let reports: Vec<String> = all
            .iter()
            .map(|line| line.text())
            .filter(|line| line.contains(name) && line.contains(value))
            .collect();
        assert_eq!(reports.len(), 1, "{name}={value}\n{end}");
        assert!(
            reports[0].contains(default),
            "{default:?} is not in {reports:?}"
        );
    }
}

#[test]
fn good_values_are_silent() {
    if !root_available() {
        return;
    }
    for (name, value) in [
        ("S6_KILL_GRACETIME", "0"),
        ("S6_KILL_GRACETIME", "500"),
        ("S6_SERVICES_GRACETIME", "1000"),
        ("S6_VERBOSITY", "5"),
        ("S6_BEHAVIOUR_IF_STAGE2_FAILS", "2"),
        ("S6_KILL_FINISH_MAXTIME", "5000"),
        ("S6_CMD_WAIT_FOR_SERVICES", "1"),
        ("S6_CMD_WAIT_FOR_SERVICES_MAXTIME", "30000"),
        ("S6_FIX_ATTRS_HIDDEN", "1"),
        ("S6_READ_ONLY_ROOT", "1"),
        ("S6_LOGGING", "0"),
    ] {
        run_with(name, value).assert_lacks(name);
    }
}

#[test]
fn former_names_are_reported() {
    if !root_available() {
        return;
    }
    let end = run_with("S6_USE_CATCHALL_LOGGER", "1");
    assert_eq!(end.count("did you mean S6_LOGGING"), 1, "{end}");
}

/// A container that inherits descriptor 7, a pipe whose other end somebody holds who has written to it
/// and closes it when there is a file `/run/go`.
fn with_a_gate() -> Nest {
    Nest::new()
        .prepare(
            "mkfifo \"$root/run/gate\"
            ( exec > \"$root/run/gate\"
              echo words
              until [ -e \"$root/run/go\" ]; do sleep 0.02; done ) &
            exec 7< \"$root/run/gate\"",
        )
        .env("S6_WAIT_FOR_CLOSING_FD", "7")
        .service(
            "web",
            "ls /proc/self/fd | xargs echo web has; exec sleep 1000",
        )
}

#[test]
fn nothing_starts_before_the_descriptor_is_closed() {
    if !root_available() {
        return;
    }
    let nest = with_a_gate().boot();
    nest.wait_line("waiting for S6_WAIT_FOR_CLOSING_FD");
    assert_eq!(nest.children().len(), 1, "the one at the gate alone");
    nest.write_file("/run/go", "");
    let web = nest.wait_line("web has").text();
    assert_eq!(web, "web has 0 1 2 3", "ls has 3 itself");
    let end = nest.terminate();
    end.assert_code(0);
    let lines: Vec<String> = end.output.lines().iter().map(|line| line.text()).collect();
    assert!(
        lines[0].contains("waiting for S6_WAIT_FOR_CLOSING_FD"),
        "{end}"
    );
    assert!(lines[1].starts_with("[fix-attrs.d]"), "{end}");
}

#[test]
fn a_stop_does_not_wait_for_the_descriptor() {
    if !root_available() {
        return;
    }
    let nest = with_a_gate().boot();
    nest.wait_line("waiting for S6_WAIT_FOR_CLOSING_FD");
    let end = nest.terminate();
    end.assert_code(0)
        .assert_lacks("[fix-attrs.d]")
        .assert_within(Duration::from_secs(2));
}

#[test]
fn a_descriptor_that_is_not_open_is_not_waited_for() {
    if !root_available() {
        return;
    }
    let end = run_with("S6_WAIT_FOR_CLOSING_FD", "9");
    assert_eq!(end.count("S6_WAIT_FOR_CLOSING_FD is 9"), 1, "{end}");
    assert_eq!(
        run_with("S6_WAIT_FOR_CLOSING_FD", "0").count("CLOSING_FD"),
        0
    );
    // A file has its end at once; standard input is none that may be meant.
    let nest = Nest::new()
        .prepare("exec 7< /dev/null")
        .env("S6_WAIT_FOR_CLOSING_FD", "7");
    nest.cmd(&["true"])
        .run()
        .assert_code(0)
        .assert_lacks("CLOSING_FD");
    let end = run_with("S6_WAIT_FOR_CLOSING_FD", "2");
    assert_eq!(end.count("S6_WAIT_FOR_CLOSING_FD is"), 1, "{end}");
}

#[test]
fn kill_gracetime_bounds_the_last_phase() {
    if !root_available() {
        return;
    }
    let ignorer = env!("CARGO_BIN_EXE_signal-ignorer");
    let nest = Nest::new()
        .program("/opt/ignorer", ignorer)
        .cont_init("10", "setsid /opt/ignorer & exit 0")
        .env("S6_KILL_GRACETIME", "800")
        .boot();
    nest.wait_line("ignoring");
    nest.wait_line("[services.d] done.");
    let end = nest.terminate();
    end.assert_code(0)
        .assert_within(Duration::from_millis(2800));
    assert!(end.elapsed >= Duration::from_millis(800), "{end}");
}

#[test]
fn stage2_hook_runs_before_everything() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .file("/opt/hook", 0o755, "#!/bin/sh\necho \"hook ran $1\"\n")
        .cont_init("10", "echo init ran")
        .env("S6_STAGE2_HOOK", "/opt/hook word")
        .cmd_sh("echo cmd ran")
        .run();
    end.assert_code(0);
    assert_eq!(
        end.stdout(),
        ["hook ran word", "init ran", "cmd ran"],
        "{end}"
    );
}

#[test]
fn failing_hook_stops_with_its_code_under_behaviour_2() {
    if !root_available() {
        return;
    }
    let hook = |behaviour: &str| {
        Nest::new()
            .file("/opt/hook", 0o755, "#!/bin/sh\nexit 3\n")
            .env("S6_STAGE2_HOOK", "/opt/hook")
            .env("S6_BEHAVIOUR_IF_STAGE2_FAILS", behaviour)
            .cmd_sh("echo cmd ran")
            .run()
    };
    hook("0").assert_code(0).assert_has("cmd ran");
    hook("2").assert_code(3).assert_lacks("cmd ran");
}
