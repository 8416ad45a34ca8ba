//! Single definitions: every file, and everything that can be wrong with one.

use super::super::fixture::*;
use crate::rc::{Kind, Standing};
use crate::tree::{Entry, File};
use crate::{Signal, rc};
use std::time::Duration;

/// The findings about one more file of a sound longrun that is started.
fn longrun_with(more: &str) -> Vec<String> {
    found(&format!(
        "web/type longrun\n web/run x\n web/dependencies.d/base\n user/contents.d/web\n {more}"
    ))
}

/// The same for a oneshot.
fn oneshot_with(more: &str) -> Vec<String> {
    found(&format!(
        "init/type oneshot\n init/up x\n init/dependencies.d/base\n user/contents.d/init\n {more}"
    ))
}

#[test]
fn every_file_of_a_longrun() {
    let (graph, diagnostics) = graph(
        "web/type longrun\\n
         web/run x
         web/finish x
         web/notification-fd 3\\n
         web/notify systemd\\n
         web/timeout-watchdog 4000\\n
         web/lock-fd 5\\n
         web/timeout-up 1000\\n
         web/timeout-down 0\\n
         web/timeout-kill 2000\\n
         web/timeout-finish 3000\\n
         web/max-death-tally 9\\n
         web/down-signal SIGQUIT\\n
         web/reload-signal USR1
         web/flag-newpidns
         web/flag-timeout-killpg
         web/flag-essential
         web/flag-recommended
         web/data/check x
         web/env/A x
         web/template/run x
         web/dependencies.d/base
         user/contents.d/web",
    );
    assert_eq!(lines(&diagnostics), Vec::<String>::new());
    let web = longrun(&graph, "web");
    let service = &web.service;
    assert_eq!(service.name, "web");
    assert_eq!(service.source, path("/etc/s6-overlay/s6-rc.d/web"));
    assert!(service.has_run && service.has_finish);
    assert_eq!(service.notification_fd, Some(3));
    assert!(service.notify);
    assert_eq!(service.watchdog, Some(Duration::from_secs(4)));
    assert_eq!(service.lock_fd, Some(5));
    assert_eq!(service.timeout_kill, Some(Duration::from_secs(2)));
    assert_eq!(service.timeout_finish, Some(Duration::from_secs(3)));
    assert_eq!(service.max_death_tally, 9);
    assert_eq!(service.down_signal, Signal::QUIT);
    assert_eq!(service.reload_signal, Signal::parse("USR1").unwrap());
    assert!(service.new_pid_namespace && service.kills_group);
    assert_eq!(web.timeouts.up, Some(Duration::from_secs(1)));
    assert_eq!(web.timeouts.down, None);
    let files: Vec<_> = web
        .files
        .keys()
        .map(|name| name.to_str().unwrap())
        .collect();
    assert_eq!(
        files,
        [
            "data",
            "down-signal",
            "env",
            "finish",
            "flag-newpidns",
            "flag-timeout-killpg",
            "lock-fd",
            "max-death-tally",
            "notification-fd",
            "notify",
            "reload-signal",
            "run",
            "template",
            "timeout-finish",
            "timeout-kill",
            "timeout-watchdog"
        ]
    );
    let node = node(&graph, "web");
    assert!(node.essential && node.recommended);
}

#[test]
fn files_of_a_longrun_may_lie_in_two_layers() {
    let layers = [
        layer(
            rc::Origin::Image,
            "/one",
            "web/finish x\n web/notification-fd no",
        ),
        layer(
            rc::Origin::Image,
            "/two",
            "web/type longrun\n web/run x\n web/finish x",
        ),
    ];
    let (graph, diagnostics) = rc::read(&layers, &any_syntax);
    let web = longrun(&graph, "web");
    assert_eq!(web.service.source, path("/two/web"), "where run lies");
    assert_eq!(
        web.files["run".as_ref() as &std::ffi::OsStr],
        path("/two/web/run")
    );
    assert_eq!(
        web.files["finish".as_ref() as &std::ffi::OsStr],
        path("/one/web/finish")
    );
    assert_eq!(
        lines(&diagnostics),
        [
            "error: /one/web/notification-fd:1: \"no\" is not a descriptor from 1 to 1000000 (write \
             a descriptor from 1 to 1000000, or remove the file)"
        ]
    );
}

#[test]
fn every_file_of_a_oneshot() {
    let (graph, diagnostics) = graph(
        "init/type oneshot
         init/up /up now
         init/down /down
         init/reload /reload
         init/timeout-up 5
         init/timeout-down 6
         init/dependencies base\\n  # comment\\n\\n \\tlegacy-cont-init\\n
         user/contents init\\n",
    );
    assert_eq!(lines(&diagnostics), Vec::<String>::new());
    let Kind::Oneshot(init) = &node(&graph, "init").definition.kind else {
        panic!("no oneshot");
    };
    assert_eq!(init.up.words, [&b"/up"[..], b"now"]);
    assert_eq!(init.down.as_ref().unwrap().words, [b"/down"]);
    assert_eq!(init.reload.as_ref().unwrap().words, [b"/reload"]);
    assert_eq!(init.timeouts.up, Some(Duration::from_millis(5)));
    assert_eq!(init.timeouts.down, Some(Duration::from_millis(6)));
    let written: Vec<_> = init
        .dependencies
        .iter()
        .map(|it| (it.name.as_str(), it.line))
        .collect();
    assert_eq!(written, [("base", Some(1)), ("legacy-cont-init", Some(4))]);
}

#[test]
fn types_that_are_wrong() {
    for (content, finding) in [
        (
            "longrun \\n",
            "the type is \"longrun \" and must be oneshot, longrun or bundle, with one newline at the most; did you mean longrun (echo longrun > x/type)",
        ),
        (
            "longrun\\n\\n",
            "the type is \"longrun\\n\" and must be oneshot, longrun or bundle, with one newline at the most; did you mean longrun (echo longrun > x/type)",
        ),
        (
            "Oneshot\\n",
            "the type is \"Oneshot\" and must be oneshot, longrun or bundle, with one newline at the most; did you mean oneshot (echo oneshot > x/type)",
        ),
        (
            "bundel\\n",
            "the type is \"bundel\" and must be oneshot, longrun or bundle, with one newline at the most; did you mean bundle (echo bundle > x/type)",
        ),
        (
            "",
            "the type is \"\" and must be oneshot, longrun or bundle, with one newline at the most (echo oneshot > x/type)",
        ),
        (
            "service\\n",
            "the type is \"service\" and must be oneshot, longrun or bundle, with one newline at the most (echo oneshot > x/type)",
        ),
        (
            "longrun\\r\\n",
            "CRLF line end: the type is \"longrun\\r\" and not longrun (save it with LF line ends: sed -i 's/\\r$//' x/type)",
        ),
    ] {
        let found = found(&format!("x/type {content}\n x/up x"));
        assert_eq!(found, [format!("error: x/type:1: {finding}")], "{content}");
    }
}

#[test]
fn types_that_are_missing() {
    for (files, finding) in [
        ("x/up y", "x has no type file (echo oneshot > x/type)"),
        ("x/run y", "x has no type file (echo longrun > x/type)"),
        ("x/contents.d/", "x has no type file (echo bundle > x/type)"),
        ("x/contents", "x has no type file (echo bundle > x/type)"),
        (
            "x/dependencies.d/base",
            "x has no type file: it adds dependencies to something that is not there (define x, or \
             remove the directory)",
        ),
        (
            "x/",
            "x has no type file (write oneshot, longrun or bundle to x/type, or remove the directory)",
        ),
    ] {
        assert_eq!(found(files), [format!("error: x: {finding}")], "{files}");
    }
    let found = found("x/type/");
    assert_eq!(
        found,
        [
            "error: x/type: it is a directory and must be a file (make it a file that holds \
             oneshot, longrun or bundle)"
        ]
    );
}

#[test]
fn what_is_missing_for_the_type() {
    assert_eq!(
        found("user/contents.d/x\n x/type longrun\n x/dependencies.d/base"),
        [
            "error: x: service x has no run file (add an executable script x/run, or remove the \
             directory)"
        ]
    );
    assert_eq!(
        found("user/contents.d/x\n x/type oneshot\n x/dependencies.d/base"),
        [
            "error: x: oneshot x has no up file (write the path of a script to x/up, or leave that \
             file empty)"
        ]
    );
    assert_eq!(
        found("user/contents.d/x\n x/type bundle"),
        [
            "error: x: bundle x has no contents.d (mkdir x/contents.d and put an empty file into it \
             for each service)"
        ]
    );
    assert_eq!(
        found("user/contents.d/x\n x/type bundle\n x/contents.d/"),
        Vec::<String>::new()
    );
}

#[test]
fn a_word_that_means_nothing_is_an_error() {
    assert_eq!(longrun_with("web/notify systemd\\n"), Vec::<String>::new());
    assert_eq!(
        longrun_with("web/notify s6\\n"),
        [
            "error: web/notify:1: \"s6\" is not the word systemd (write the word systemd, or remove \
             the file)"
        ]
    );
    assert_eq!(
        oneshot_with("init/notify systemd\\n"),
        ["warning: init/notify: no effect: init is a oneshot (remove it, or correct the type)"]
    );
}

#[test]
fn numbers_that_are_none() {
    let milliseconds = "a number of milliseconds in decimal digits";
    for (file, must) in [
        ("timeout-up", milliseconds),
        ("timeout-down", milliseconds),
        ("timeout-kill", milliseconds),
        ("timeout-finish", milliseconds),
        ("timeout-watchdog", milliseconds),
        ("notification-fd", "a descriptor from 1 to 1000000"),
        ("lock-fd", "a descriptor from 1 to 1000000"),
        ("max-death-tally", "a number from 0 to 4096"),
    ] {
        assert_eq!(
            longrun_with(&format!("web/{file} 5s\\n")),
            [format!(
                "error: web/{file}:1: \"5s\" is not {must} (write {must}, or remove the file)"
            )]
        );
        assert_eq!(
            longrun_with(&format!("web/{file}/")),
            [format!(
                "error: web/{file}: it is a directory and must be a file (make it a file that holds \
                 {must})"
            )]
        );
    }
    assert_eq!(
        longrun_with("web/down-signal NONE"),
        [
            "warning: web/down-signal:1: \"NONE\" is not a signal's name or number; taken as TERM \
             (write a signal's name or number, or remove the file)"
        ]
    );
    assert_eq!(
        oneshot_with("init/timeout-up -1"),
        [format!(
            "error: init/timeout-up:1: \"-1\" is not {milliseconds} (write {milliseconds}, or \
             remove the file)"
        )]
    );
    assert_eq!(
        longrun_with("web/timeout-up 5\\r\\n"),
        [
            "warning: web/timeout-up:1: CRLF line end; read without the carriage return (save it \
             with LF line ends: sed -i 's/\\r$//' web/timeout-up)"
        ]
    );
}

#[test]
fn descriptors_that_do_not_go_together() {
    assert_eq!(
        longrun_with("web/notification-fd 3\n web/lock-fd 3"),
        [
            "error: web/lock-fd: service web is not started: notification-fd and lock-fd are the \
             same (give one of them another number)"
        ]
    );
    assert_eq!(
        longrun_with("web/notification-fd 2\\n"),
        [
            "warning: web/notification-fd:1: notification-fd is 2, the standard error of the \
             service: the first line that it writes makes it ready (take 3 or more, unless that is \
             meant)"
        ]
    );
    assert_eq!(
        longrun_with("web/lock-fd 1\\n"),
        [
            "warning: web/lock-fd:1: lock-fd is 1, the standard output of the service: it writes \
             into the lock (take 3 or more, unless that is meant)"
        ]
    );
}

#[test]
fn lists_of_names_that_are_wrong() {
    assert_eq!(
        oneshot_with("init/dependencies fix-attrs\\nlegacy-cont-init\\n"),
        [
            "warning: init/dependencies: not read, because there is init/dependencies.d; fix-attrs, \
             legacy-cont-init counts for nothing here (add what is missing to init/dependencies.d, \
             and remove the file)"
        ]
    );
    assert_eq!(
        oneshot_with("init/dependencies base\\n"),
        Vec::<String>::new()
    );
    let in_file = |content: &str| {
        found(&format!(
            "init/type oneshot\n init/up x\n init/dependencies {content}\n user/contents.d/init"
        ))
    };
    assert_eq!(
        in_file("base\\r\\nfix-attrs\\r\\n"),
        [
            "error: init/dependencies:1: CRLF line end, which is part of the name \"base\\r\" (save \
             it with LF line ends: sed -i 's/\\r$//' init/dependencies)"
        ]
    );
    assert_eq!(
        in_file("fix-attrs\\nbase \\n"),
        [
            "error: init/dependencies:2: blanks at the end are part of the name \"base \" (remove \
             them: sed -i 's/[ \\t]*$//' init/dependencies)"
        ]
    );
    assert_eq!(
        oneshot_with("a/type oneshot\n a/up\n a/dependencies.d x"),
        [
            "error: a/dependencies.d: it is a file and must be a directory (make it a directory \
             that holds an empty file for each name)",
            "warning: a: nothing starts oneshot a: no bundle holds it, and no service needs it \
             (touch user/contents.d/a, or start it by hand: s6-rc -u change a)"
        ]
    );
    assert_eq!(
        longrun_with("web/consumer-for/"),
        [
            "error: web/consumer-for: it is a directory and must be a file (make it a file with a \
             name in each line)"
        ]
    );
    assert_eq!(
        longrun_with("web/producer-for a\\nb\\n")[1],
        "error: web/producer-for:2: it names 2 services and may name one (leave one line in it)"
    );
    assert_eq!(
        longrun_with("web/pipeline-name \\n"),
        ["error: web/pipeline-name: it names nothing (write a name to it, or remove it)"]
    );
}

#[test]
fn files_without_effect() {
    let useless = |file: &str, name: &str, kind: &str| {
        format!(
            "warning: {name}/{file}: no effect: {name} is {kind} (remove it, or correct the type)"
        )
    };
    for file in ["contents.d", "up"] {
        assert_eq!(
            longrun_with(&format!("web/{file}")),
            [useless(file, "web", "a longrun")]
        );
    }
    for file in [
        "contents",
        "producer-for",
        "consumer-for",
        "pipeline-name",
        "notification-fd",
    ] {
        assert_eq!(
            oneshot_with(&format!("init/{file}")),
            [useless(file, "init", "a oneshot")]
        );
    }
    assert_eq!(
        oneshot_with("init/run x\n init/finish x"),
        Vec::<String>::new()
    );
    for file in ["dependencies.d/base", "run", "up"] {
        let shown = file.split('/').next().unwrap();
        assert_eq!(
            longrun_with(&format!("user/{file}")),
            [useless(shown, "user", "a bundle")]
        );
    }
    assert_eq!(
        longrun_with("web/log/run x"),
        [
            "warning: web/log: no effect: a longrun of s6-rc has no logger of its own (define the \
             logger as a longrun with consumer-for, and name it in web/producer-for)"
        ]
    );
}

#[test]
fn names_of_files_that_are_misspelt() {
    assert_eq!(
        longrun_with("web/notification_fd 3"),
        [
            "warning: web/notification_fd: no file of that name means anything; did you mean \
             notification-fd (rename it: mv web/notification_fd web/notification-fd)"
        ]
    );
    assert_eq!(
        oneshot_with("init/dependancies.d/x"),
        Vec::<String>::new(),
        "the right one is there too"
    );
    let found =
        found("init/type oneshot\n init/up\n init/dependancies.d/base\n user/contents.d/init");
    assert!(
        found[0].contains("did you mean dependencies.d"),
        "{found:?}"
    );
    assert!(
        found[1].contains("init does not depend on base"),
        "{found:?}"
    );
}

#[test]
fn command_lines_that_cannot_be_read() {
    for (entry, finding) in [
        (
            Entry::Dir(crate::tree::Tree::default()),
            "it is a directory and must be a file",
        ),
        (
            Entry::Dangling,
            "it is a link that leads nowhere and must be a file",
        ),
        (
            Entry::Unreadable("no".into()),
            "it cannot be read: no and must be a file",
        ),
        (
            Entry::File(File {
                mode: 0o644,
                size: 70_000,
                head: vec![b'x'; 10],
            }),
            "it has 70000 bytes, of which only 10 could be read",
        ),
    ] {
        let mut layer =
            image("init/type oneshot\n init/dependencies.d/base\n user/contents.d/init");
        put(&mut layer.tree, "init/up", entry);
        let (graph, diagnostics) = graph_of(&[layer]);
        let found = lines(&diagnostics);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with(&format!("error: init/up: {finding}")),
            "{found:?}"
        );
        assert_eq!(node(&graph, "init").standing, Standing::Broken);
    }
}

#[test]
fn doubts_about_a_command_line_leave_it_sound() {
    let (graph, diagnostics) = graph(
        "init/type oneshot\n init/up /run.sh $HOME\n init/dependencies.d/base\n user/contents.d/init",
    );
    assert_eq!(diagnostics.len(), 1);
    assert_eq!(diagnostics[0].severity, crate::Severity::Warning);
    assert!(node(&graph, "init").is_sound());
}
