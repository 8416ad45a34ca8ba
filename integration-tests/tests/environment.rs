//! The container's environment: where it is kept, who sees it, and what `with-contenv` and
//! `printcontenv` make of every kind of name and value.

use sixfold_integration_tests::{Finished, Nest, Running, root_available};

/// One service that waits, so that programs can be run inside.
fn boot(nest: Nest) -> Running {
    let nest = nest
        .service("idle", "echo idle is up; exec sleep 1000")
        .boot();
    nest.wait_line("idle is up");
    nest
}

/// The NUL-separated variables that a program printed.
fn variables(end: &Finished) -> Vec<String> {
    let all = end.stdout().join("\n");
    all.split('\0')
        .filter(|variable| !variable.is_empty())
        .map(str::to_owned)
        .collect()
}

fn odd_values() -> Nest {
    Nest::new()
        .env("FOO", "bar baz")
        .env("EMPTY", "")
        .env("MULTI", "a\nb\n")
        .env("LEADING", "  lead")
        .env("LONG", "x".repeat(5000))
        .env("a.b", "dotted")
        .env("X-Y", "dashed")
        .env("EQUALS", "a=b=c")
}

#[test]
fn with_contenv_loads_every_value_unchanged() {
    if !root_available() {
        return;
    }
    let nest = boot(odd_values());
    let end = nest.exec(&["/usr/bin/with-contenv", "env", "-0"]);
    end.assert_code(0);
    let seen = variables(&end);
    for variable in [
        "FOO=bar baz",
        "EMPTY=",
        "MULTI=a\nb\n",
        "LEADING=  lead",
        &format!("LONG={}", "x".repeat(5000)),
        "a.b=dotted",
        "X-Y=dashed",
        "EQUALS=a=b=c",
        "HOME=/root",
    ] {
        assert!(
            seen.iter().any(|is| is == variable),
            "{variable:?} is not in\n{end}"
        );
    }
    nest.terminate().assert_code(0);
}

#[test]
fn with_contenv_replaces_the_callers_environment() {
    if !root_available() {
        return;
    }
    let nest = boot(Nest::new().env("FOO", "from the container"));
    let end = nest.exec(&[
        "env",
        "FOO=from the caller",
        "MINE=1",
        "/command/with-contenv",
        "sh",
        "-c",
        "echo \"$FOO/${MINE-unset}\"",
    ]);
    assert_eq!(end.stdout(), ["from the container/unset"], "{end}");
    nest.terminate().assert_code(0);
}

#[test]
fn with_contenv_works_by_every_path_and_with_a_bare_path() {
    if !root_available() {
        return;
    }
    let nest = boot(Nest::new().env("FOO", "bar"));
    for path in ["/command/with-contenv", "/usr/bin/with-contenv"] {
        nest.exec(&[path, "sh", "-c", "echo \"$FOO\""])
            .assert_code(0)
            .assert_has("bar");
        // No PATH, or one that leads nowhere: the program is looked for in the container's.
        nest.exec(&["env", "-i", path, "sh", "-c", "echo \"$FOO\""])
            .assert_code(0)
            .assert_has("bar");
        nest.exec(&[
            "env",
            "-i",
            "PATH=/nowhere",
            path,
            "sh",
            "-c",
            "echo \"$FOO\"",
        ])
        .assert_code(0)
        .assert_has("bar");
    }
    nest.terminate().assert_code(0);
}

#[test]
fn with_contenv_passes_the_exit_code_and_reports_what_it_cannot_run() {
    if !root_available() {
        return;
    }
    let nest = boot(Nest::new());
    nest.exec(&["/command/with-contenv", "sh", "-c", "exit 17"])
        .assert_code(17);
    nest.exec(&["/command/with-contenv", "no-such-program"])
        .assert_code(127)
        .assert_has("no-such-program");
    nest.exec(&["/command/with-contenv", "/etc/passwd"])
        .assert_code(126)
        .assert_has("/etc/passwd");
    nest.exec(&["/command/with-contenv"]).assert_code(100);
    nest.terminate().assert_code(0);
}

#[test]
fn with_contenv_is_an_interpreter_for_scripts() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .env("FOO", "bar baz")
        .cont_init("10-a", "#!/usr/bin/with-contenv sh\necho \"usr $FOO\"\n")
        .cont_init(
            "20-b",
            "#!/command/with-contenv bash\necho \"command $FOO\"\n",
        )
        .service(
            "web",
            "#!/usr/bin/with-contenv sh\necho \"service $FOO\"\nexec sleep 1000\n",
        )
        .boot();
    nest.wait_line("usr bar baz");
    nest.wait_line("command bar baz");
    nest.wait_line("service bar baz");
    nest.terminate().assert_code(0);
}

#[test]
fn changes_to_the_directory_are_seen_by_later_calls() {
    if !root_available() {
        return;
    }
    let nest = boot(Nest::new().env("GONE", "1").env("FOO", "old"));
    nest.exec(&[
        "sh",
        "-c",
        "cd /var/run/s6/container_environment && rm GONE && printf new > FOO && echo line > NEWLINE && printf '' > BARE",
    ])
    .assert_code(0);
    let end = nest.exec(&[
        "/command/with-contenv",
        "sh",
        "-c",
        "echo \"${GONE-unset} $FOO <$NEWLINE>\"",
    ]);
    assert_eq!(end.stdout(), ["unset new <line>"], "{end}");
    nest.terminate().assert_code(0);
}

#[test]
fn the_directory_is_there_by_both_paths_for_every_user() {
    if !root_available() {
        return;
    }
    let nest = boot(Nest::new().env("FOO", "bar"));
    for path in [
        "/run/s6/container_environment/FOO",
        "/var/run/s6/container_environment/FOO",
    ] {
        assert_eq!(nest.read(path).trim_end_matches('\n'), "bar");
    }
    let end = nest.exec(&["stat", "-c", "%a", "/run/s6/container_environment"]);
    assert_eq!(end.stdout(), ["755"], "{end}");
    nest.exec(&[
        "setpriv",
        "--reuid=12345",
        "--regid=12345",
        "--clear-groups",
        "/command/with-contenv",
        "sh",
        "-c",
        "echo \"$FOO\"",
    ])
    .assert_code(0)
    .assert_has("bar");
    nest.terminate().assert_code(0);
}

#[test]
fn printcontenv_prints_one_variable() {
    if !root_available() {
        return;
    }
    let nest = boot(odd_values());
    for path in ["/command/printcontenv", "/usr/bin/printcontenv"] {
        let end = nest.exec(&["sh", "-c", &format!("printf '<%s>' \"$({path} FOO)\"")]);
        assert_eq!(end.stdout(), ["<bar baz>"], "{end}");
    }
    let end = nest.exec(&[
        "sh",
        "-c",
        "printf '<%s>' \"$(/command/printcontenv MULTI)\"",
    ]);
    assert_eq!(end.stdout(), ["<a", "b>"], "{end}");
    nest.exec(&["/command/printcontenv", "EMPTY"])
        .assert_code(0);
    let missing = nest.exec(&["/command/printcontenv", "NO_SUCH"]);
    missing.assert_code(1);
    assert!(missing.stdout().is_empty(), "{missing}");
    nest.exec(&["/command/printcontenv"]).assert_code(100);
    // A name is not a path.
    nest.exec(&["/command/printcontenv", "../workdir"])
        .assert_code(1);
    nest.terminate().assert_code(0);
}

#[test]
fn service_without_with_contenv_sees_path_only() {
    if !root_available() {
        return;
    }
    // What the shell was given; it adds variables of its own to what it exports.
    let tell = |who: &str| {
        format!("echo \"{who} $(tr '\\0' '\\n' < /proc/$$/environ | cut -d= -f1 | sort | xargs)\"")
    };
    let nest = Nest::new()
        .env("FOO", "bar")
        .cont_init("10", &tell("init sees"))
        .service("web", &format!("{}; exec sleep 1000", tell("service sees")))
        .boot();
    // cont-init scripts may see the name that s6-rc gives its oneshots.
    let init = nest.wait_line("init sees").text();
    assert!(
        init == "init sees PATH" || init == "init sees PATH RC_NAME",
        "{init}"
    );
    let service = nest.wait_line("service sees").text();
    assert_eq!(service, "service sees PATH");
    nest.terminate().assert_code(0);
}

#[test]
fn keep_env_gives_everything_to_everyone_and_dumps_nothing() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .env("FOO", "bar")
        .env("S6_KEEP_ENV", "1")
        .cont_init("10", "echo \"init $FOO\"; printcontenv FOO")
        .service(
            "web",
            "echo \"service $FOO\"; with-contenv sh -c 'echo \"wrapped $FOO\"'; exec sleep 1000",
        )
        .boot();
    nest.wait_line("init bar");
    nest.wait_line("service bar");
    nest.wait_line("wrapped bar");
    assert!(!nest.path("/run/s6/container_environment").exists());
    nest.terminate().assert_code(0);
}

#[test]
fn path_gets_the_directories_of_the_commands() {
    if !root_available() {
        return;
    }
    let path_with = |path: Option<&str>| {
        let nest = match path {
            Some(path) => Nest::new().env("PATH", path),
            None => Nest::new().without_env("PATH"),
        };
        let nest = nest
            .service(
                "web",
                "#!/bin/sh\necho \"path $PATH\"\nexec /bin/sleep 1000\n",
            )
            .boot();
        let line = nest.wait_line("path ").text();
        nest.terminate().assert_code(0);
        line.trim_start_matches("path ").to_owned()
    };
    assert_eq!(
        path_with(Some("/usr/local/bin:/usr/bin")),
        "/command:/bin:/usr/local/bin:/usr/bin"
    );
    assert_eq!(
        path_with(Some("/bin:/command:/usr/bin")),
        "/bin:/command:/usr/bin"
    );
    assert_eq!(path_with(Some("")), "/command:/usr/bin:/bin");
    let unset = path_with(None);
    for directory in ["/command", "/usr/bin", "/bin"] {
        assert!(unset.split(':').any(|is| is == directory), "{unset}");
    }
}

#[test]
fn the_global_path_takes_the_place_of_the_containers() {
    if !root_available() {
        return;
    }
    let tell = |who: &str| format!("#!/bin/sh\necho \"{who} $PATH\"\n");
    let given = "/command:/usr/bin:/bin:/usr/sbin:sbin:/opt/own";
    let nest = Nest::new()
        .env("PATH", "/usr/local/bin")
        .env("S6_GLOBAL_PATH", given)
        .env("S6_STAGE2_HOOK", "/opt/own/hook")
        .file("/opt/own/hook", 0o755, tell("hook"))
        .cont_init("10", &tell("init"))
        .service("web", &tell("web"))
        .cmd(&[
            "/bin/sh",
            "-c",
            "echo \"cmd $PATH\"; exec with-contenv sh -c 'echo \"contenv $PATH\"; exec sleep 1000'",
        ])
        .boot();
    for who in ["hook", "init", "web", "cmd", "contenv"] {
        assert_eq!(
            nest.wait_line(&format!("{who} ")).text(),
            format!("{who} {given}")
        );
    }
    nest.terminate().assert_code(0);
    // The commands are found whatever it says.
    let nest =
        Nest::new()
            .env("S6_GLOBAL_PATH", "/opt/own")
            .cmd(&["sh", "-c", "echo \"cmd $PATH\""]);
    let end = nest.run();
    assert_eq!(
        end.stdout(),
        ["cmd /command:/usr/bin:/bin:/opt/own"],
        "{end}"
    );
}

#[test]
fn programs_in_usr_local_bin_are_found_by_services() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .file(
            "/usr/local/bin/my-tool",
            0o755,
            "#!/bin/sh\necho tool ran\n",
        )
        .service("web", "my-tool; exec sleep 1000")
        .boot();
    nest.wait_line("tool ran");
    nest.terminate().assert_code(0);
}
