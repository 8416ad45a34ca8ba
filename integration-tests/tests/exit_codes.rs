//! The container's exit code: who may set it, by which file, and what a failure during boot makes
//! of it.

use std::time::Duration;

use sixfold_integration_tests::{Nest, root_available};

const EXITCODE: &str = "/run/s6-linux-init-container-results/exitcode";
const STAGE2_EXITED: &str = "/var/run/s6/env-stage3/S6_STAGE2_EXITED";

fn idle() -> Nest {
    Nest::new().service("idle", "echo is-up; exec sleep 1000")
}

#[test]
fn exitcode_file_is_there_from_the_start_and_holds_0() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .cont_init("10", &format!("echo \"holds $(cat {EXITCODE})\""))
        .service("idle", "echo is-up; exec sleep 1000")
        .boot();
    nest.wait_line("holds 0");
    nest.wait_line("is-up");
    assert_eq!(nest.read(EXITCODE), "0\n");
    nest.terminate().assert_code(0);
}

#[test]
fn exitcode_file_is_the_code_of_a_stop_by_signal() {
    if !root_available() {
        return;
    }
    for (content, code) in [
        ("7", 7),
        ("42\n", 42),
        ("300\n", 44),
        ("007", 7),
        ("7\n8\n", 7),
        ("", 0),
    ] {
        let nest = idle().boot();
        nest.wait_line("is-up");
        nest.write_file(EXITCODE, content);
        let end = nest.terminate();
        assert_eq!(end.code, Some(code), "for {content:?}\n{end}");
    }
}

#[test]
fn exitcode_file_without_a_number_is_100_and_said() {
    if !root_available() {
        return;
    }
    let nest = idle().boot();
    nest.wait_line("is-up");
    nest.write_file(EXITCODE, "abc\n");
    nest.terminate().assert_code(100).assert_has("exitcode");
}

#[test]
fn stage2_exited_is_the_code_too() {
    if !root_available() {
        return;
    }
    let nest = idle().boot();
    nest.wait_line("is-up");
    nest.exec(&["sh", "-c", &format!("printf 9 > {STAGE2_EXITED}")])
        .assert_code(0);
    nest.terminate().assert_code(9);
}

#[test]
fn finish_that_follows_the_readme_sets_the_code_and_halts() {
    if !root_available() {
        return;
    }
    let finish = format!(
        "if [ \"$1\" -eq 256 ]; then code=$((128 + $2)); else code=$1; fi\n\
         echo \"$code\" > {EXITCODE}\nexec /run/s6/basedir/bin/halt"
    );
    for (run, code) in [("exit 42", 42), ("kill -9 $$", 137), ("kill -15 $$", 143)] {
        Nest::new()
            .service("web", run)
            .finish("web", &finish)
            .run()
            .assert_code(code);
    }
}

#[test]
fn finish_that_follows_v2_sets_the_code_and_stops() {
    if !root_available() {
        return;
    }
    Nest::new()
        .service("web", "exit 5")
        .finish(
            "web",
            &format!(
                "printf %s \"$1\" > {STAGE2_EXITED}\nexec s6-svscanctl -t /var/run/s6/services"
            ),
        )
        .run()
        .assert_code(5);
}

#[test]
fn cont_finish_may_still_set_it() {
    if !root_available() {
        return;
    }
    let nest = idle()
        .cont_finish("10", &format!("echo 11 > {EXITCODE}"))
        .boot();
    nest.wait_line("is-up");
    nest.terminate().assert_code(11);
}

#[test]
fn cont_finish_sees_the_stage_2_code() {
    if !root_available() {
        return;
    }
    Nest::new()
        .cont_finish("10", "echo \"stage2 $S6_STAGE2_EXITED\"")
        .cmd_sh("exit 6")
        .run()
        .assert_code(6)
        .assert_has("stage2 6");
}

#[test]
fn failing_cont_finish_does_not_matter() {
    if !root_available() {
        return;
    }
    let nest = idle().cont_finish("10", "exit 9").boot();
    nest.wait_line("is-up");
    nest.terminate().assert_code(0);
}

#[test]
fn code_of_the_cmd_replaces_an_earlier_one() {
    if !root_available() {
        return;
    }
    Nest::new()
        .cmd_sh(&format!("echo 9 > {EXITCODE}; exit 3"))
        .run()
        .assert_code(3);
}

fn failing_cont_init(behaviour: &str) -> Nest {
    Nest::new()
        .cont_init("10-ok", "echo ten ran")
        .cont_init("20-fail", "exit 7")
        .cont_init("30-after", "echo thirty ran")
        .service("web", "echo web ran; exec sleep 1000")
        .cont_finish("10", "echo finish ran")
        .env("S6_BEHAVIOUR_IF_STAGE2_FAILS", behaviour)
        .env("S6_CMD_WAIT_FOR_SERVICES", "1")
        .cmd_sh("echo cmd ran")
}

#[test]
fn behaviour_0_goes_on_after_a_failing_cont_init() {
    if !root_available() {
        return;
    }
    let end = failing_cont_init("0").run();
    end.assert_code(0);
    for text in ["ten ran", "20-fail: exited 7.", "thirty ran", "cmd ran"] {
        end.assert_has(text);
    }
}

#[test]
fn behaviour_1_warns_and_goes_on() {
    if !root_available() {
        return;
    }
    let end = failing_cont_init("1").run();
    end.assert_code(0);
    for text in ["thirty ran", "cmd ran"] {
        end.assert_has(text);
    }
    assert!(
        end.stderr().iter().any(|line| line.contains("20-fail")
            && !line.starts_with("[cont-init.d]")
            || line.contains("warning")),
        "no warning;\n{end}"
    );
}

#[test]
fn behaviour_2_stops_with_1_before_services_and_cmd() {
    if !root_available() {
        return;
    }
    let end = failing_cont_init("2").run();
    end.assert_code(1)
        .assert_lacks("web ran")
        .assert_lacks("cmd ran")
        .assert_has("20-fail")
        .assert_within(Duration::from_secs(5));
}
