//! The CMD: when it runs, with what environment, directory, input and terminal, and what its end
//! makes of the container.

use std::time::Duration;

use nix::sys::signal::Signal;
use sixfold_integration_tests::{Nest, root_available};

#[test]
fn its_exit_code_is_the_containers() {
    if !root_available() {
        return;
    }
    for code in [0, 1, 42, 125, 255] {
        Nest::new()
            .cmd_sh(&format!("exit {code}"))
            .run()
            .assert_code(code);
    }
}

#[test]
fn death_by_a_signal_is_128_and_the_signal() {
    if !root_available() {
        return;
    }
    // 35 is a real-time signal, which naive decoders lose.
    for (signal, code) in [("KILL", 137), ("TERM", 143), ("SEGV", 139), ("35", 163)] {
        Nest::new()
            .cmd_sh(&format!("ulimit -c 0; kill -{signal} $$; sleep 1000"))
            .run()
            .assert_code(code);
    }
}

#[test]
fn what_is_not_found_is_127_and_named() {
    if !root_available() {
        return;
    }
    Nest::new()
        .cmd(&["no-such-program"])
        .run()
        .assert_code(127)
        .assert_has("no-such-program");
    Nest::new()
        .cmd(&["/no/such/program"])
        .run()
        .assert_code(127)
        .assert_has("/no/such/program");
}

#[test]
fn what_cannot_be_executed_is_126_and_named() {
    if !root_available() {
        return;
    }
    Nest::new()
        .cmd(&["/etc/passwd"])
        .run()
        .assert_code(126)
        .assert_has("/etc/passwd");
    Nest::new().cmd(&["/etc"]).run().assert_code(126);
}

#[test]
fn words_reach_it_unchanged() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .cmd(&[
            "printf", "<%s>\n", "a b", "", "$HOME", "*", "it's", "\"q\"", "-x", "l1\nl2",
        ])
        .run();
    end.assert_code(0);
    let expected = [
        "<a b>", "<>", "<$HOME>", "<*>", "<it's>", "<\"q\">", "<-x>", "<l1", "l2>",
    ];
    assert_eq!(end.stdout(), expected, "{end}");
}

#[test]
fn option_like_first_word_is_the_program_to_run() {
    if !root_available() {
        return;
    }
    Nest::new()
        .file("/usr/local/bin/-odd", 0o755, "#!/bin/sh\necho odd \"$1\"\n")
        .cmd(&["-odd", "--help"])
        .run()
        .assert_code(0)
        .assert_has("odd --help");
}

#[test]
fn runs_in_the_working_directory() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .directory("/srv/two words", 0o755)
        .workdir("/srv/two words")
        .cmd(&["/bin/pwd"])
        .run();
    assert_eq!(end.stdout(), ["/srv/two words"], "{end}");
}

#[test]
fn has_the_whole_environment() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .env("FOO", "bar baz")
        .env("EMPTY", "")
        .env("MULTI", "a\nb\n")
        .env("LEADING", "  lead")
        .env("a.b", "odd")
        .env("X-Y", "odder")
        .cmd(&["env", "-0"])
        .run();
    end.assert_code(0);
    let all = format!("\0{}", end.stdout().join("\n"));
    for variable in [
        "FOO=bar baz",
        "EMPTY=",
        "MULTI=a\nb\n",
        "LEADING=  lead",
        "a.b=odd",
        "X-Y=odder",
        "HOME=/root",
    ] {
        assert!(
            all.contains(&format!("\0{variable}\0")),
            "{variable:?} in\n{end}"
        );
    }
}

#[test]
fn sees_what_cont_init_put_into_the_environment() {
    if !root_available() {
        return;
    }
    Nest::new()
        .cont_init("10", "printf added > /run/s6/container_environment/ADDED")
        .cmd_sh("echo \"value $ADDED\"")
        .run()
        .assert_code(0)
        .assert_has("value added");
}

#[test]
fn has_the_containers_stdin() {
    if !root_available() {
        return;
    }
    let mut nest = Nest::new().feed().cmd(&["cat"]).boot();
    nest.write(b"through\n");
    nest.wait_line("through");
    nest.close_input();
    nest.wait_exit().assert_code(0);
}

#[test]
fn services_and_scripts_leave_its_stdin_alone() {
    if !root_available() {
        return;
    }
    let mut nest = Nest::new()
        .feed()
        .service(
            "reader",
            "read -r line && echo \"stolen: $line\"; exec sleep 1000",
        )
        .cmd(&["cat"])
        .boot();
    nest.write(b"mine\n");
    nest.wait_line("mine");
    nest.close_input();
    nest.wait_exit().assert_code(0).assert_lacks("stolen");
}

#[test]
fn runs_after_boot_and_services_stop_after_it() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .cont_init("10", "echo init")
        .service("web", "exec sleep 1000")
        .finish("web", "echo service finished")
        .cont_finish("10", "echo bye")
        .cmd_sh("echo cmd")
        .run();
    end.assert_code(0);
    assert_eq!(
        end.stdout(),
        ["init", "cmd", "service finished", "bye"],
        "{end}"
    );
}

#[test]
fn its_end_stops_everything_at_once() {
    if !root_available() {
        return;
    }
    let mut nest = Nest::new()
        .service("web", "exec sleep 1000")
        .feed()
        .cmd(&["cat"])
        .boot();
    nest.write(b"is-up\n");
    nest.wait_line("is-up");
    nest.mark();
    nest.close_input();
    nest.wait_exit()
        .assert_code(0)
        .assert_within(Duration::from_secs(1));
}

#[test]
fn cmd_arg0_is_put_before_it() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .env("S6_CMD_ARG0", "echo prefix")
        .cmd(&["a", "b c"])
        .run();
    end.assert_code(0);
    assert_eq!(end.stdout(), ["prefix a b c"], "{end}");
}

#[test]
fn cmd_arg0_alone_runs_nothing() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .env("S6_CMD_ARG0", "echo prefix")
        .service("web", "echo is-up; exec sleep 1000")
        .boot();
    nest.wait_line("is-up");
    nest.wait_line("[services.d] done.");
    nest.terminate().assert_code(0).assert_lacks("prefix");
}

#[test]
fn waits_for_services_that_announce_readiness() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .service(
            "slow",
            "sleep 0.5; echo slow is ready; echo >&3; exec sleep 1000",
        )
        .service_file("slow", "notification-fd", 0o644, "3")
        .service("plain", "exec sleep 1000")
        .service("asleep", "exec sleep 1000")
        .service_file("asleep", "down", 0o644, "")
        .env("S6_CMD_WAIT_FOR_SERVICES", "1")
        .cmd_sh("echo cmd")
        .run();
    end.assert_code(0);
    assert_eq!(end.stdout(), ["slow is ready", "cmd"], "{end}");
}

#[test]
fn does_not_wait_for_services_unless_told() {
    if !root_available() {
        return;
    }
    Nest::new()
        .service("never", "exec sleep 1000")
        .service_file("never", "notification-fd", 0o644, "3")
        .cmd_sh("echo cmd")
        .run()
        .assert_code(0)
        .assert_has("cmd");
}

#[test]
fn waiting_ends_at_the_maxtime_and_it_runs_all_the_same() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .service("never", "exec sleep 1000")
        .service_file("never", "notification-fd", 0o644, "3")
        .env("S6_CMD_WAIT_FOR_SERVICES", "1")
        .env("S6_CMD_WAIT_FOR_SERVICES_MAXTIME", "500")
        .cmd_sh("echo cmd")
        .run();
    end.assert_code(0).assert_has("cmd").assert_has("never");
    assert!(end.elapsed >= Duration::from_millis(500), "{end}");
}

#[test]
fn waiting_in_vain_with_behaviour_2_exits_2() {
    if !root_available() {
        return;
    }
    Nest::new()
        .service("never", "exec sleep 1000")
        .service_file("never", "notification-fd", 0o644, "3")
        .env("S6_CMD_WAIT_FOR_SERVICES", "1")
        .env("S6_CMD_WAIT_FOR_SERVICES_MAXTIME", "300")
        .env("S6_BEHAVIOUR_IF_STAGE2_FAILS", "2")
        .cmd_sh("echo cmd runs")
        .run()
        .assert_code(2)
        .assert_lacks("cmd runs");
}

#[test]
fn receives_the_stop_signals_when_told() {
    if !root_available() {
        return;
    }
    for (signal, name) in [
        (Signal::SIGTERM, "TERM"),
        (Signal::SIGINT, "INT"),
        (Signal::SIGQUIT, "QUIT"),
        (Signal::SIGUSR1, "USR1"),
        (Signal::SIGUSR2, "USR2"),
        (Signal::SIGWINCH, "WINCH"),
    ] {
        let nest = Nest::new()
            .env("S6_CMD_RECEIVE_SIGNALS", "1")
            .service("web", "exec sleep 1000")
            .cmd(&[
                "bash",
                "-c",
                &format!("trap 'echo got; exit 9' {name}; echo trap set; while :; do sleep 1000 & wait $!; done"),
            ])
            .boot();
        nest.wait_line("trap set");
        nest.signal(signal);
        nest.wait_exit().assert_code(9).assert_has("got");
    }
}

#[test]
fn without_receive_signals_a_stop_is_0_whatever_it_exits() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        // No child: one that is just being forked would swallow TERM in the shell's own handler.
        .cmd_sh("mkfifo /run/f; exec 3<>/run/f; trap 'exit 9' TERM; echo trap set; read x <&3")
        .boot();
    nest.wait_line("trap set");
    nest.terminate()
        .assert_code(0)
        .assert_within(Duration::from_secs(1));
}

#[test]
fn interactive_bash_has_job_control() {
    if !root_available() {
        return;
    }
    let mut nest = Nest::new()
        .terminal()
        .env("PS1", "prompt> ")
        .env("TERM", "dumb")
        .service("web", "exec sleep 99999999")
        .cmd(&["bash", "--norc", "--noprofile", "-i"])
        .boot();
    nest.wait_text("prompt> ");
    nest.write(b"sleep 1234\n");
    nest.wait_until("the foreground job runs", |nest| {
        nest.named("sleep").len() == 2
    });
    // Ctrl-Z, bg, fg, Ctrl-C: the shell owns the terminal and its jobs have groups of their own.
    nest.write(b"\x1a");
    nest.wait_text("Stopped");
    nest.write(b"jobs; echo jobs=$(jobs | wc -l)\n");
    nest.wait_line("jobs=1");
    nest.write(b"fg\n");
    nest.wait_until("the job runs again", |nest| {
        nest.named("sleep")
            .iter()
            .all(|process| process.state != 'T')
    });
    nest.write(b"\x03");
    nest.wait_until("the job is gone", |nest| nest.named("sleep").len() == 1);
    nest.write(b"echo code=$?; exit 23\n");
    nest.wait_line("code=130");
    let end = nest.wait_exit();
    end.assert_code(23)
        .assert_lacks("no job control")
        .assert_lacks("cannot set terminal process group");
}

#[test]
fn its_terminal_can_be_resized() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .terminal()
        .cmd(&[
            "bash",
            "-c",
            "trap 'stty size; exit 0' WINCH; echo trap set; while :; do sleep 0.05; done",
        ])
        .boot();
    nest.wait_line("trap set");
    nest.resize(41, 97);
    nest.wait_exit().assert_code(0).assert_has("41 97");
}

#[test]
fn ctrl_c_ends_a_foreground_program_with_130() {
    if !root_available() {
        return;
    }
    let mut nest = Nest::new().terminal().cmd(&["sleep", "1000"]).boot();
    nest.wait_until("it runs", |nest| nest.named("sleep").len() == 1);
    nest.write(b"\x03");
    nest.wait_exit().assert_code(130);
}

#[test]
fn ctrl_z_does_not_leave_a_dead_terminal() {
    if !root_available() {
        return;
    }
    let mut nest = Nest::new().terminal().cmd(&["sleep", "1000"]).boot();
    nest.wait_until("it runs", |nest| nest.named("sleep").len() == 1);
    // Nobody could resume what ^Z stops, so it goes on; and ^C still reaches it.
    nest.write(b"\x1a");
    nest.wait_text("^Z");
    nest.write(b"\x03");
    nest.wait_exit().assert_code(130);
}

#[test]
fn ctrl_c_without_cmd_stops_in_order() {
    if !root_available() {
        return;
    }
    let mut nest = Nest::new()
        .terminal()
        .service("web", "echo is-up; exec sleep 1000")
        .finish("web", "echo web finished")
        .boot();
    nest.wait_line("is-up");
    nest.wait_line("[services.d] done.");
    nest.write(b"\x03");
    nest.wait_exit().assert_code(0).assert_has("web finished");
}
