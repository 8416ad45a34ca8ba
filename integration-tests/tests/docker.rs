//! The same in real containers: the sample's image, every death, every way to stop, and the places
//! that only a container engine makes.

use std::time::Duration;

use sixfold_integration_tests::{
    Container, Finished, Image, Tree, build_sample, docker_available, sample_tree,
};

const PLAIN_SERVICE: &str = env!("CARGO_BIN_EXE_plain-service");
/// Below the grace time of 3000 ms, above what the engine itself takes.
const AT_ONCE: Duration = Duration::from_millis(2500);
const TEXT: [&str; 2] = ["--env", "SIXFOLD_LOG_FORMAT=text"];
const LAST_LINES: [&str; 4] = [
    "[cont-finish.d] executing container finish scripts...",
    "[cont-finish.d] done.",
    "[s6-finish] sending all processes the TERM signal.",
    "[s6-finish] sending all processes the KILL signal and exiting.",
];

fn run_sample(options: &[&str]) -> Container {
    let mut all = TEXT.to_vec();
    all.extend(options);
    let container = Container::run(&all, build_sample(), &[]);
    wait_for_boot(&container);
    container
}

fn wait_for_boot(container: &Container) {
    container.wait_line("starting service1");
    container.wait_line("starting service2");
    container.wait_line("[services.d] done.");
    // `exec` comes after `echo`: the servers have taken the scripts' places when they are listed.
    const ASK: &str = "until pgrep -x python3 && pgrep -x sleep; do sleep 0.05; done";
    container
        .exec(&["timeout", "15", "sh", "-c", ASK])
        .assert_code(0);
}

fn assert_orderly_stop(end: &Finished, code1: &str, code2: &str) {
    // With a terminal all is one stream, and python may then say what it serves.
    let lines: Vec<String> = end.output.lines().iter().map(|line| line.text()).collect();
    let begin = lines
        .iter()
        .position(|line| line.contains(" exited. code="))
        .unwrap_or_else(|| panic!("no service exited;\n{end}"));
    let stop = &lines[begin..];
    assert_eq!(stop.len(), 6, "{end}");
    let mut exits = stop[..2].to_vec();
    exits.sort();
    let one = format!("service1 exited. code={code1}");
    let two = format!("service2 exited. code={code2}");
    assert_eq!(exits, [one, two], "{end}");
    assert_eq!(stop[2..], LAST_LINES, "{end}");
    end.assert_code(0).assert_within(AT_ONCE);
}

#[test]
fn kill_term_stops_the_sample_with_the_exact_words() {
    if !docker_available() {
        return;
    }
    let mut container = run_sample(&[]);
    container.kill("TERM");
    assert_orderly_stop(&container.wait_exit(), "256", "256");
}

#[test]
fn stop_stops_the_sample_with_the_exact_words() {
    if !docker_available() {
        return;
    }
    let mut container = run_sample(&[]);
    container.stop();
    assert_orderly_stop(&container.wait_exit(), "256", "256");
}

#[test]
fn other_stop_signals_do_the_same() {
    if !docker_available() {
        return;
    }
    for signal in ["INT", "QUIT", "USR1", "USR2", "PWR", "WINCH"] {
        let mut container = run_sample(&[]);
        container.kill(signal);
        assert_orderly_stop(&container.wait_exit(), "256", "256");
    }
}

#[test]
fn stop_signal_of_the_image_is_honoured() {
    if !docker_available() {
        return;
    }
    let mut container = run_sample(&["--stop-signal", "QUIT"]);
    container.stop();
    assert_orderly_stop(&container.wait_exit(), "256", "256");
}

#[test]
fn each_death_of_a_service_stops_the_container() {
    if !docker_available() {
        return;
    }
    for (program, signal) in [
        ("python3", "KILL"),
        ("python3", "TERM"),
        ("sleep", "KILL"),
        ("sleep", "TERM"),
    ] {
        let mut container = run_sample(&[]);
        container.mark();
        // What Docker says of one that the stop has ended depends on who is first; that it did its
        // deed shows in how the container ends.
        container.exec(&["pkill", &format!("-{signal}"), "-x", program]);
        assert_orderly_stop(&container.wait_exit(), "256", "256");
    }
}

#[test]
fn service_that_exits_1_stops_the_container() {
    if !docker_available() {
        return;
    }
    let tree = Tree::new();
    tree.copy_of(&sample_tree());
    tree.file(
        "/etc/services.d/service2/run",
        0o755,
        "#!/usr/bin/with-contenv sh\necho >&2 \"starting service2\"\nsleep 1\nexit 1\n",
    );
    let image = Image::over_base(&tree);
    let container = Container::run(&TEXT, image.name(), &[]);
    container.wait_line("starting service1");
    let end = container.wait_exit();
    end.assert_code(0)
        .assert_has("service1 exited. code=256")
        .assert_has("service2 exited. code=1")
        .assert_has("[s6-finish] sending all processes the KILL signal and exiting.");
}

#[test]
fn server_answers_on_its_port() {
    if !docker_available() {
        return;
    }
    let mut container = run_sample(&["--env", "PORT=9090"]);
    const ASK: &str = "
import time, urllib.request
for attempt in range(200):
    try:
        print(urllib.request.urlopen('http://127.0.0.1:9090/', timeout=5).status)
        break
    except OSError:
        time.sleep(0.05)
";
    container
        .exec(&["python3", "-c", ASK])
        .assert_code(0)
        .assert_has("200");
    container.stop();
    container.wait_exit().assert_code(0);
}

#[test]
fn second_boot_of_the_same_container_works() {
    if !docker_available() {
        return;
    }
    let mut container = run_sample(&[]);
    container.stop();
    container.wait_exit().assert_code(0);
    let name = container.name().to_owned();
    let start = sixfold_integration_tests::run_to_end("docker", &["start", &name]);
    start.assert_code(0);
    container.follow_again();
    container.wait_lines("starting service1", 2);
    container.wait_lines("starting service2", 2);
    container.wait_lines("[services.d] done.", 2);
    container.stop();
    container.wait_exit().assert_code(0);
}

#[test]
fn with_a_terminal_auto_is_text() {
    if !docker_available() {
        return;
    }
    let mut container = Container::run(&["--tty"], build_sample(), &[]);
    wait_for_boot(&container);
    container.stop();
    assert_orderly_stop(&container.wait_exit(), "256", "256");
}

#[test]
fn without_a_terminal_auto_is_json_on_stdout() {
    if !docker_available() {
        return;
    }
    let mut container = Container::run(&[], build_sample(), &[]);
    container.wait_line("starting service1");
    container.wait_line("starting service2");
    container.stop();
    let end = container.wait_exit();
    end.assert_code(0);
    for line in end.stdout() {
        let object: Result<serde_json::Value, _> = serde_json::from_str(&line);
        assert!(object.is_ok_and(|object| object.is_object()), "{line:?}");
    }
}

#[test]
fn under_docker_init_it_is_not_pid_1_and_works() {
    if !docker_available() {
        return;
    }
    let mut container = run_sample(&["--init"]);
    container.stop();
    assert_orderly_stop(&container.wait_exit(), "256", "256");
}

#[test]
fn in_a_shared_pid_namespace_it_works() {
    if !docker_available() {
        return;
    }
    let mut first = run_sample(&[]);
    let share = format!("container:{}", first.name());
    let mut options = TEXT.to_vec();
    options.extend(["--pid", &share]);
    let mut second = Container::run(&options, build_sample(), &[]);
    second.wait_line("[services.d] done.");
    second.stop();
    second.wait_exit().assert_code(0);
    // The neighbour was not part of the final TERM and KILL.
    first.exec(&["true"]).assert_code(0);
    first.stop();
    first.wait_exit().assert_code(0);
}

#[test]
fn as_any_user_with_a_tmpfs_on_run() {
    if !docker_available() {
        return;
    }
    for (user, run) in [
        ("1000:1000", "/run:uid=1000"),
        ("12345:54321", "/run:exec,uid=12345"),
    ] {
        let mut container = run_sample(&["--user", user, "--tmpfs", run]);
        container.stop();
        assert_orderly_stop(&container.wait_exit(), "256", "256");
    }
}

#[test]
fn as_any_user_in_the_image_as_it_is() {
    if !docker_available() {
        return;
    }
    for options in [
        &["--user", "1000:1000"][..],
        &[
            "--user",
            "12345:54321",
            "--security-opt",
            "no-new-privileges",
        ],
        &["--user", "nobody"],
    ] {
        let mut container = run_sample(options);
        container.stop();
        assert_orderly_stop(&container.wait_exit(), "256", "256");
    }
}

#[test]
fn as_a_user_without_a_writable_run_it_says_how_to_mend_it() {
    if !docker_available() {
        return;
    }
    let mut options = TEXT.to_vec();
    options.extend(["--user", "12345:54321", "--tmpfs", "/run"]);
    let end = Container::run(&options, build_sample(), &[]).wait_exit();
    assert_ne!(end.code, Some(0), "{end}");
    end.assert_has("/run")
        .assert_has("tmpfs")
        .assert_has("uid=12345");
}

#[test]
fn with_a_read_only_root_and_dockers_noexec_run() {
    if !docker_available() {
        return;
    }
    // Docker's default for --tmpfs is noexec.
    for run in ["/run", "/run:exec"] {
        let mut container = run_sample(&["--read-only", "--tmpfs", run]);
        container.stop();
        assert_orderly_stop(&container.wait_exit(), "256", "256");
    }
}

#[test]
fn with_no_new_privileges_and_no_capabilities() {
    if !docker_available() {
        return;
    }
    let mut container = run_sample(&["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]);
    container.stop();
    assert_orderly_stop(&container.wait_exit(), "256", "256");
}

#[test]
fn on_scratch_with_the_binary_alone() {
    if !docker_available() {
        return;
    }
    let tree = Tree::new();
    tree.program("/etc/services.d/plain/run", PLAIN_SERVICE);
    tree.program("/etc/services.d/plain/finish", PLAIN_SERVICE);
    let image = Image::over_scratch(&tree);
    let mut container = Container::run(&TEXT, image.name(), &[]);
    container.wait_line("plain service runs");
    container.wait_line("[services.d] done.");
    container.stop();
    container
        .wait_exit()
        .assert_code(0)
        .assert_has("plain service finished: 256 15 plain")
        .assert_within(AT_ONCE);
}

#[test]
fn cmd_gives_its_code_its_directory_and_its_environment() {
    if !docker_available() {
        return;
    }
    let mut options = TEXT.to_vec();
    options.extend([
        "--workdir",
        "/srv",
        "--env",
        "FOO=bar baz",
        "--env",
        "EMPTY=",
    ]);
    let cmd = ["sh", "-c", "echo \"$PWD/$FOO/${EMPTY-unset}\"; exit 43"];
    let end = Container::run(&options, build_sample(), &cmd).wait_exit();
    end.assert_code(43).assert_has("/srv/bar baz/");
}

#[test]
fn with_contenv_works_from_exec() {
    if !docker_available() {
        return;
    }
    let mut container = run_sample(&["--env", "FOO=bar baz"]);
    for words in [
        ["/command/with-contenv", "printenv", "FOO"],
        ["with-contenv", "printenv", "FOO"],
    ] {
        container.exec(&words).assert_code(0).assert_has("bar baz");
    }
    container
        .exec(&["printcontenv", "FOO"])
        .assert_code(0)
        .assert_has("bar baz");
    container.stop();
    container.wait_exit().assert_code(0);
}

#[test]
fn halt_from_exec_stops_it() {
    if !docker_available() {
        return;
    }
    for command in ["halt", "poweroff", "reboot"] {
        let mut container = run_sample(&[]);
        container.mark();
        container
            .exec(&[&format!("/run/s6/basedir/bin/{command}")])
            .assert_code(0);
        assert_orderly_stop(&container.wait_exit(), "256", "256");
    }
}

#[test]
fn image_that_had_s6_overlays_files_is_taken_over() {
    if !docker_available() {
        return;
    }
    let tree = Tree::new();
    tree.copy_of(&sample_tree());
    // The installation comes last, as in an image that is moved over from s6-overlay.
    tree.file("/usr/bin/s6-svscanctl", 0o755, "#!/bin/sh\necho theirs\n");
    tree.file("/etc/s6-overlay/s6-rc.d/user/type", 0o644, "bundle\n");
    let image = Image::over_base_with(&tree, "RUN [\"/command/sixfold\", \"install\"]");
    let mut container = Container::run(&TEXT, image.name(), &[]);
    wait_for_boot(&container);
    container.stop();
    let end = container.wait_exit();
    end.assert_code(0).assert_lacks("theirs");
}

/// A service that logs by syslog as another user, and a script that does so at the end.
fn image_with_syslog() -> Image {
    let tree = Tree::new();
    tree.file(
        "/etc/services.d/app/run",
        0o755,
        "#!/bin/sh\ns6-setuidgid nobody logger --id=7 -p daemon.err -t app it broke\nexec sleep 1000\n",
    );
    tree.file(
        "/etc/cont-finish.d/bye",
        0o755,
        "#!/bin/sh\nlogger -p authpriv.info -t bye last words\n",
    );
    Image::over_base(&tree)
}

#[test]
fn syslog_becomes_records() {
    if !docker_available() {
        return;
    }
    let image = image_with_syslog();
    for place in [&[][..], &["--read-only", "--tmpfs", "/run"]] {
        let mut options = vec!["--env", "SIXFOLD_SYSLOG=1"];
        options.extend(place);
        let mut container = Container::run(&options, image.name(), &[]);
        container.wait_line("it broke");
        container.stop();
        let end = container.wait_exit();
        end.assert_code(0).assert_lacks("cannot be");
        let records: Vec<serde_json::Value> = end
            .stdout()
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(|record: &serde_json::Value| record["service"] == "syslog")
            .collect();
        let of = |name: &str| {
            records
                .iter()
                .map(|it| it[name].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(of("message"), ["it broke", "last words"], "{end}");
        assert_eq!(of("program"), ["app", "bye"], "{end}");
        assert_eq!(of("facility"), ["daemon", "authpriv"], "{end}");
        assert_eq!(of("severity"), ["err", "info"], "{end}");
        assert_eq!(records[0]["pid"], 7, "{end}");
        assert_eq!(records[0]["level"], "ERROR", "{end}");
    }
}

#[test]
fn syslog_is_kept_in_directories_in_text_mode() {
    if !docker_available() {
        return;
    }
    let image = image_with_syslog();
    for place in [
        &[][..],
        &["--read-only", "--tmpfs", "/run", "--tmpfs", "/var/log"],
    ] {
        let mut options = TEXT.to_vec();
        options.extend(["--env", "SIXFOLD_SYSLOG=1"]);
        options.extend(place);
        let mut container = Container::run(&options, image.name(), &[]);
        container.wait_line("[services.d] done.");
        const ASK: &str = "cd /var/log/syslogd; until grep -q broke daemon/current errors/current everything/current; do sleep 0.05; done; cat errors/current; stat -c %a secure";
        let end = container.exec(&["timeout", "15", "sh", "-c", ASK]);
        end.assert_code(0)
            .assert_has("daemon.err: ")
            .assert_has(" app[7]: it broke");
        end.assert_has("2750");
        container.stop();
        let end = container.wait_exit();
        end.assert_code(0)
            .assert_lacks("broke")
            .assert_lacks("cannot be");
        if place.is_empty() {
            let from = format!("{}:/var/log/syslogd/secure/current", container.name());
            let copied = sixfold_integration_tests::run_to_end("docker", &["cp", &from, "-"]);
            copied.assert_code(0).assert_has("authpriv.info: ");
            copied.assert_has("bye: last words");
        }
    }
}

#[test]
fn syslog_that_cannot_be_says_how_to_mend_it() {
    if !docker_available() {
        return;
    }
    let image = image_with_syslog();
    for (place, mend) in [
        (&["--user", "1000:1000"][..], "start the container as root"),
        (
            &["--user", "1000", "--read-only", "--tmpfs", "/run:uid=1000"],
            "start the container as root",
        ),
        (
            &["--read-only", "--tmpfs", "/run"],
            "docker run --tmpfs /var/log",
        ),
    ] {
        let mut options = TEXT.to_vec();
        options.extend(["--env", "SIXFOLD_SYSLOG=1"]);
        options.extend(place);
        let container = Container::run(&options, image.name(), &["echo", "cmd runs"]);
        let end = container.wait_exit();
        end.assert_code(0).assert_has("cmd runs");
        assert_eq!(end.count("cannot be "), 1, "{end}");
        assert_eq!(end.count(mend), 1, "{end}");
    }
}
