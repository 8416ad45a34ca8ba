//! The boot and its counterpart: fix-attrs.d, cont-init.d, services.d, cont-finish.d;
//! their order and what each prints.

use std::time::Duration;

use sixfold_integration_tests::{Finished, Nest, root_available};

const IGNORER: &str = env!("CARGO_BIN_EXE_signal-ignorer");

/// Asserts that lines with these texts came on stderr in this order.
fn assert_order(end: &Finished, texts: &[&str]) {
    let lines = end.stderr();
    let mut from = 0;
    for text in texts {
        let found = lines[from..].iter().position(|line| line.contains(text));
        from += 1 + found.unwrap_or_else(|| panic!("{text:?} is missing or too early;\n{end}"));
    }
}

#[test]
fn stages_run_in_order_within_their_brackets() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .fix_attrs("10-tmp", "/tmp false root 1777 1777\n")
        .cont_init("10-first", "echo first >&2")
        .cont_init("20-second", "echo second >&2; exit 3")
        .service("web", "echo web up >&2; exec sleep 1000")
        .finish("web", "echo web down >&2")
        .cont_finish("10-bye", "echo bye >&2; exit 4")
        .boot();
    nest.wait_line("web up");
    nest.wait_line("[services.d] done.");
    let end = nest.terminate();
    end.assert_code(0);
    assert_order(
        &end,
        &[
            "[fix-attrs.d] applying ownership & permissions fixes...",
            "[fix-attrs.d] 10-tmp: applying... ",
            "[fix-attrs.d] 10-tmp: exited 0.",
            "[fix-attrs.d] done.",
            "[cont-init.d] executing container initialization scripts...",
            "[cont-init.d] 10-first: executing... ",
            "first",
            "[cont-init.d] 10-first: exited 0.",
            "[cont-init.d] 20-second: executing... ",
            "second",
            "[cont-init.d] 20-second: exited 3.",
            "[cont-init.d] done.",
            "[services.d] starting services",
            "web down",
            "[cont-finish.d] executing container finish scripts...",
            "[cont-finish.d] 10-bye: executing... ",
            "bye",
            "[cont-finish.d] 10-bye: exited 4.",
            "[cont-finish.d] done.",
            "[s6-finish] sending all processes the TERM signal.",
            "[s6-finish] sending all processes the KILL signal and exiting.",
        ],
    );
}

#[test]
fn cont_init_runs_in_bytewise_order_and_skips_hidden_names() {
    if !root_available() {
        return;
    }
    let mut nest = Nest::new().cont_init(".hidden", "echo ran hidden");
    for name in ["zz", "a-f", "A-e", "10-d", "05-c", "01-b", "00-a", "9-x"] {
        nest = nest.cont_init(name, &format!("echo ran {name}"));
    }
    let end = nest.cmd(&["true"]).run();
    let ran: Vec<String> = end
        .stdout()
        .iter()
        .filter_map(|line| line.strip_prefix("ran ").map(str::to_owned))
        .collect();
    let order = ["00-a", "01-b", "05-c", "10-d", "9-x", "A-e", "a-f", "zz"];
    assert_eq!(ran, order, "{end}");
}

#[test]
fn cont_init_runs_one_at_a_time() {
    if !root_available() {
        return;
    }
    let script = "echo begin; sleep 0.1; echo end";
    let end = Nest::new()
        .cont_init("1", script)
        .cont_init("2", script)
        .cont_init("3", script)
        .cmd(&["true"])
        .run();
    let pairs = ["begin", "end", "begin", "end", "begin", "end"];
    assert_eq!(end.stdout(), pairs, "{end}");
}

#[test]
fn services_written_by_cont_init_are_started() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .cont_init(
            "10-make",
            "mkdir -p /etc/services.d/made && \
             printf '#!/bin/sh\\necho made runs\\nexec sleep 1000\\n' > /etc/services.d/made/run && \
             chmod 755 /etc/services.d/made/run",
        )
        .boot();
    nest.wait_line("made runs");
    nest.terminate().assert_code(0);
}

#[test]
fn cont_finish_is_limited_by_kill_finish_maxtime() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .cont_finish("10-hangs", "echo hanging; exec sleep 1000")
        .cont_finish("20-next", "echo next ran")
        .service("idle", "echo is-up; exec sleep 1000")
        .env("S6_KILL_FINISH_MAXTIME", "400")
        .boot();
    nest.wait_line("is-up");
    let end = nest.terminate();
    end.assert_code(0)
        .assert_has("hanging")
        .assert_has("next ran")
        .assert_within(Duration::from_secs(4));
    assert!(end.elapsed >= Duration::from_millis(400), "{end}");
}

#[test]
fn services_are_down_before_cont_finish_runs() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .service(
            "slow",
            "trap 'sleep 0.3; echo slow ends; exit 0' TERM; echo is-up; while :; do sleep 1000 & wait $!; done",
        )
        .finish("slow", "echo slow finished")
        .cont_finish("10", "echo cont-finish runs")
        .boot();
    nest.wait_line("is-up");
    let end = nest.terminate();
    end.assert_code(0);
    let tail: Vec<String> = end
        .stdout()
        .into_iter()
        .filter(|line| line != "is-up")
        .collect();
    assert_eq!(
        tail,
        ["slow ends", "slow finished", "cont-finish runs"],
        "{end}"
    );
}

#[test]
fn services_gracetime_is_an_upper_bound() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .program("/opt/ignorer", IGNORER)
        .service("deaf", "exec /opt/ignorer")
        .env("S6_SERVICES_GRACETIME", "300")
        .env("S6_KILL_GRACETIME", "300")
        .boot();
    nest.wait_line("ignoring");
    let end = nest.terminate();
    end.assert_code(0).assert_within(Duration::from_secs(4));
    assert!(end.elapsed >= Duration::from_millis(300), "{end}");
}

#[test]
fn orphan_that_ignores_term_is_killed_at_the_end() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .program("/opt/ignorer", IGNORER)
        .cont_init("10-leave", "setsid /opt/ignorer & exit 0")
        .env("S6_KILL_GRACETIME", "300")
        .boot();
    nest.wait_line("ignoring");
    nest.wait_line("[services.d] done.");
    nest.terminate()
        .assert_code(0)
        .assert_within(Duration::from_secs(3));
}

#[test]
fn orphan_that_obeys_term_ends_the_stop_at_once() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .cont_init("10-leave", "setsid sleep 1000 & exit 0")
        .boot();
    nest.wait_line("[services.d] done.");
    nest.wait_until("the orphan runs", |nest| nest.named("sleep").len() == 1);
    nest.terminate()
        .assert_code(0)
        .assert_within(Duration::from_secs(1));
}

#[test]
fn runtime_profile_takes_the_place_of_etc() {
    if !root_available() {
        return;
    }
    Nest::new()
        .cont_init("10", "echo from etc")
        .file(
            "/etc/cont-profile.d/dev/cont-init.d/10",
            0o755,
            "#!/bin/sh\necho from profile\n",
        )
        .env("S6_RUNTIME_PROFILE", "dev")
        .cmd(&["true"])
        .run()
        .assert_code(0)
        .assert_has("from profile")
        .assert_lacks("from etc");
}

#[test]
fn verbosity_0_leaves_only_what_scripts_print() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .cont_init("10", "echo script speaks >&2")
        .env("S6_VERBOSITY", "0")
        .cmd_sh("echo cmd speaks")
        .run();
    end.assert_code(0);
    assert_eq!(end.stdout(), ["cmd speaks"], "{end}");
    assert_eq!(end.stderr(), ["script speaks"], "{end}");
}
