//! What is wrong with a tree is said so that a person can mend it: the file, what it has, what to
//! do; all of it, not the first alone; and the rest of the tree runs.

use std::time::Duration;

use sixfold_integration_tests::{Finished, Nest, root_available};

/// The first line of stderr that contains every one of `words`, in any case.
fn report(end: &Finished, words: &[&str]) -> String {
    end.stderr()
        .into_iter()
        .find(|line| {
            let line = line.to_lowercase();
            words.iter().all(|word| line.contains(&word.to_lowercase()))
        })
        .unwrap_or_else(|| panic!("no line has all of {words:?};\n{end}"))
}

/// Boots `nest` beside a healthy service, waits for `text`, and stops it.
fn run_until(nest: Nest, text: &str) -> Finished {
    let nest = nest
        .service("healthy", "echo healthy runs; exec sleep 1000")
        .boot();
    nest.wait_line("healthy runs");
    nest.wait_line(text);
    let end = nest.terminate();
    end.assert_code(0);
    end
}

#[test]
fn crlf_script_runs_with_a_warning() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .file(
            "/etc/cont-init.d/10-dos",
            0o755,
            "#!/bin/sh\r\necho dos init ran\r\n",
        )
        .service_file("dos", "run", 0o755, "#!/bin/sh\r\nexec sleep 1000\r\n");
    let end = run_until(nest, "dos init ran");
    report(&end, &["/etc/cont-init.d/10-dos", "crlf"]);
    report(&end, &["services.d/dos/run", "crlf"]);
}

#[test]
fn script_without_shebang_runs_in_sh_with_a_warning() {
    if !root_available() {
        return;
    }
    let nest =
        Nest::new().service_file("bare", "run", 0o755, "echo \"bare ran\"\nexec sleep 1000\n");
    let end = run_until(nest, "bare ran");
    report(&end, &["services.d/bare/run", "/bin/sh"]);
}

#[test]
fn missing_interpreter_is_named() {
    if !root_available() {
        return;
    }
    let nest = Nest::new().service_file("lost", "run", 0o755, "#!/opt/no/such-shell -e\necho x\n");
    let end = run_until(nest, "/opt/no/such-shell");
    report(&end, &["services.d/lost/run", "/opt/no/such-shell"]);
}

#[test]
fn missing_exec_bit_is_survived_and_the_chmod_named() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .file(
            "/etc/cont-init.d/10-plain",
            0o644,
            "#!/bin/bash\necho \"plain init ran ${BASH_VERSION:+in bash}\"\n",
        )
        .service_file(
            "plain",
            "run",
            0o644,
            "#!/bin/sh\necho plain run ran\nexec sleep 1000\n",
        )
        .service_file(
            "plain",
            "finish",
            0o644,
            "#!/bin/sh\necho plain finish ran\n",
        );
    let end = run_until(nest, "plain run ran");
    end.assert_has("plain init ran in bash")
        .assert_has("plain finish ran");
    report(&end, &["/etc/cont-init.d/10-plain", "chmod"]);
    report(&end, &["services.d/plain/run", "chmod"]);
    report(&end, &["services.d/plain/finish", "chmod"]);
}

#[test]
fn service_without_run_is_reported() {
    if !root_available() {
        return;
    }
    let nest = Nest::new().service_file("hollow", "finish", 0o755, "#!/bin/sh\n");
    let end = run_until(nest, "hollow");
    report(&end, &["services.d/hollow", "run"]);
}

#[test]
fn program_for_another_architecture_is_reported() {
    if !root_available() {
        return;
    }
    // An ELF header for AArch64 and nothing after it.
    let mut elf = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0];
    elf.resize(16, 0);
    elf.extend_from_slice(&[2, 0, 183, 0, 1, 0, 0, 0]);
    elf.resize(64, 0);
    let nest = Nest::new().service_file("foreign", "run", 0o755, elf);
    let end = run_until(nest, "foreign");
    report(&end, &["services.d/foreign/run", "architecture"]);
}

#[test]
fn crash_loop_gives_one_summarising_line() {
    if !root_available() {
        return;
    }
    let nest = Nest::new().service("flappy", "echo tick; exit 1").boot();
    nest.wait_lines("tick", 7);
    let end = nest.terminate();
    let lines: Vec<String> = end
        .stderr()
        .into_iter()
        .filter(|line| line.contains("flappy"))
        .collect();
    assert!(
        (1..=2).contains(&lines.len()),
        "{} lines about it: {lines:?}\n{end}",
        lines.len()
    );
}

#[test]
fn every_error_is_reported_not_the_first_alone() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .service_file("a-hollow", "finish", 0o755, "#!/bin/sh\n")
        .service_file("b-lost", "run", 0o755, "#!/opt/no/such-shell\n")
        .service_file("c-plain", "run", 0o644, "#!/bin/sh\nexec sleep 1000\n")
        .service("d-number", "exec sleep 1000")
        .service_file("d-number", "notification-fd", 0o644, "three\n")
        .service("e-number", "exec sleep 1000")
        .service_file("e-number", "timeout-kill", 0o644, "soon\n")
        .service("f-signal", "exec sleep 1000")
        .service_file("f-signal", "down-signal", 0o644, "SIGNOPE\n");
    let end = run_until(nest, "[services.d] done.");
    report(&end, &["a-hollow"]);
    report(&end, &["b-lost", "/opt/no/such-shell"]);
    report(&end, &["c-plain", "chmod"]);
    report(&end, &["d-number/notification-fd", "three"]);
    report(&end, &["e-number/timeout-kill", "soon"]);
    report(&end, &["f-signal/down-signal", "SIGNOPE"]);
}

#[test]
fn errors_are_json_objects_in_json() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .json()
        .service_file(
            "plain",
            "run",
            0o644,
            "#!/bin/sh\necho plain ran\nexec sleep 1000\n",
        )
        .boot();
    nest.wait_line("plain ran");
    let end = nest.terminate();
    let found = end.stdout().iter().any(|line| {
        serde_json::from_str::<serde_json::Value>(line).is_ok_and(|object| {
            object["level"]
                .as_str()
                .is_some_and(|level| level.to_lowercase().starts_with("warn"))
                && object.to_string().contains("chmod")
        })
    });
    assert!(found, "{end}");
}

#[test]
fn directory_among_cont_init_scripts_is_survived() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .file("/etc/cont-init.d/10-dir/file", 0o644, "")
        .cont_init("20-after", "echo after ran");
    run_until(nest, "after ran");
}

#[test]
fn dangling_link_in_services_d_stops_no_other_service() {
    if !root_available() {
        return;
    }
    let nest = Nest::new().link("/etc/services.d/dangling", "../nowhere");
    let end = run_until(nest, "[services.d] done.");
    report(&end, &["dangling"]);
    end.assert_within(Duration::from_secs(2));
}

#[test]
fn cmd_without_interpreter_is_named_and_127() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .file("/opt/tool", 0o755, "#!/opt/no/such-shell\n")
        .cmd(&["/opt/tool"])
        .run();
    end.assert_code(127);
    report(&end, &["/opt/tool", "/opt/no/such-shell"]);
}
