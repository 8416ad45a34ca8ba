//! The commands of s6-rc from outside, without a supervisor: what they print, the exit codes, and
//! what is on disk afterwards.

#[path = "rc_tools/bundles.rs"]
mod bundles;
#[path = "rc_tools/commands.rs"]
mod commands;
#[path = "rc_tools/place.rs"]
mod place;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use sixfold_integration_tests::Stream;

use place::Place;

fn mode(path: &Path) -> u32 {
    let found = fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    found.permissions().mode() & 0o7777
}

#[test]
fn every_question_is_answered() {
    let place = Place::sample();
    let compiled = place.compile();
    compiled.assert_code(0);
    assert!(compiled.output.lines().is_empty(), "{compiled}");
    let longruns = "s6rc-oneshot-runner s6rc-fdholder ess lr lready p1 p2 p3";
    let oneshots = "a afterfail b fail indep slow1";
    let bundles = "nest ok pipe";
    let services = format!("{longruns} {oneshots}");
    let all = format!("{services} {bundles}");
    for (words, answer) in [
        ("check", ""),
        ("list longruns", longruns),
        ("list oneshots", oneshots),
        ("list services", &services),
        ("list bundles", bundles),
        ("list all", &all),
        ("type a", "oneshot"),
        ("type lr", "longrun"),
        ("type pipe", "bundle"),
        ("timeout slow1", "500"),
        ("timeout a", "0"),
        ("-d timeout a", "700"),
        ("flags ess", "00000001"),
        ("flags indep", "00000002"),
        ("flags a", "00000000"),
        ("flags s6rc-oneshot-runner", "00000001"),
        ("contents ok", "lr lready a b indep"),
        ("contents nest", "ess lr lready a b indep"),
        ("dependencies lready", "lr"),
        ("dependencies a", "s6rc-oneshot-runner"),
        ("dependencies b lready", "a lr s6rc-oneshot-runner"),
        ("-d dependencies a", "b lr"),
        ("all-dependencies lready", "a lready lr s6rc-oneshot-runner"),
        ("-d all-dependencies a", "b afterfail a lready lr"),
        ("dependencies p1", "p2 s6rc-fdholder"),
        ("pipeline p1", "p1/p2 p2/p3"),
        ("pipeline p3", "p1/p2 p2/p3"),
        ("pipeline lr", ""),
        ("atomics nest p1", "indep b a p1 lready lr ess"),
        ("script a", "echo\0up a\0"),
        ("-d script a", "echo\0down-a\0"),
        ("script b", ""),
        ("script fail", "sh\0-c\0exit 42\0"),
    ] {
        let words: Vec<&str> = words.split(' ').collect();
        let finished = place.ask(&words);
        finished.assert_code(0);
        let found = finished.lines(Stream::Stdout);
        let expected: Vec<&str> = match answer.contains('\0') {
            true => vec![answer],
            false => answer.split_whitespace().collect(),
        };
        assert_eq!(found, expected, "{words:?}");
        assert!(finished.lines(Stream::Stderr).is_empty(), "{finished}");
    }
}

#[test]
fn questions_without_an_answer() {
    let place = Place::sample();
    place.compile().assert_code(0);
    for (words, code, message) in [
        ("type nope", 3, "nope is not a valid identifier in db"),
        ("atomics a nope", 3, "nope is not a valid identifier in db"),
        (
            "-d dependencies nope",
            3,
            "nope is not a valid identifier in db",
        ),
        ("timeout ok", 5, "identifier ok represents a bundle"),
        ("flags ok", 5, "identifier ok represents a bundle"),
        ("script ok", 5, "identifier ok represents a bundle"),
        ("script lr", 5, "identifier lr represents a longrun"),
        ("contents a", 5, "identifier a represents a oneshot"),
        ("pipeline a", 5, "identifier a represents a oneshot"),
    ] {
        let words: Vec<&str> = words.split(' ').collect();
        let finished = place.ask(&words);
        finished.assert_code(code);
        let lines = place.lines(&finished, Stream::Stderr);
        assert_eq!(lines, [format!("s6-rc-db: fatal: {message}")]);
        assert!(finished.lines(Stream::Stdout).is_empty(), "{finished}");
    }
    for words in [
        &["nope"][..],
        &["list"],
        &["list", "nope"],
        &["type"],
        &["-x", "check"],
    ] {
        place
            .ask(words)
            .assert_code(100)
            .assert_has("s6-rc-db: usage: s6-rc-db [ -u | -d ]");
    }
}

#[test]
fn the_live_database_is_the_default() {
    let place = Place::sample();
    place.compile().assert_code(0);
    fs::create_dir(place.path("live")).expect("it is not there");
    symlink("../db", place.path("live/compiled")).expect("it is not there");
    let finished = place.run(&["s6-rc-db", "-l", "@live", "type", "a"]);
    assert_eq!(finished.lines(Stream::Stdout), ["oneshot"]);
    let finished = place.run(&["s6-rc-db", "-b", "-l", "@none", "type", "a"]);
    finished.assert_code(111);
    assert_eq!(
        place.lines(&finished, Stream::Stderr),
        ["s6-rc-db: fatal: unable to open none/compiled/db: No such file or directory"]
    );
}

#[test]
fn what_is_no_database_is_refused() {
    let place = Place::sample();
    place.compile().assert_code(0);
    let path = place.path("db/db");
    let sound = fs::read(&path).expect("it was written");
    for (bytes, why) in [
        (&b"\x01foreign"[..], "not written by this s6-rc-compile"),
        (b"", "not written by this s6-rc-compile"),
        (&sound[..sound.len() - 1], "it ends too early"),
        (
            b"sixfold s6-rc database 2\n",
            "its format has version 2, not 1",
        ),
    ] {
        fs::write(&path, bytes).expect("it can be written");
        for words in [&["check"][..], &["list", "all"]] {
            let finished = place.ask(words);
            finished.assert_code(4);
            assert_eq!(
                place.lines(&finished, Stream::Stderr),
                [format!(
                    "s6-rc-db: fatal: invalid service database in db: {why}"
                )]
            );
        }
    }
}

#[test]
fn service_directories_hold_what_a_supervisor_reads() {
    let place = Place::new();
    place.longrun("x", &[]);
    for (file, content) in [
        ("finish", "#!/bin/sh\n"),
        ("notification-fd", "3\n"),
        ("timeout-kill", "100"),
        ("down-signal", "INT"),
        ("flag-timeout-killpg", ""),
        ("data/check", "#!/bin/sh\n"),
        ("env/VAR", "value"),
        ("template/run", "#!/bin/sh\n"),
        ("log/run", "#!/bin/sh\n"),
        ("down", ""),
        ("nosetsid", ""),
        ("other", ""),
        ("timeout-up", "100"),
    ] {
        place.source(&format!("x/{file}"), content);
    }
    let script = place.path("s/x/data/check");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).expect("it is ours");
    fs::rename(place.path("s/x/run"), place.path("real")).expect("it is there");
    symlink("../../real", place.path("s/x/run")).expect("it was moved");
    place.oneshot("y", "", &[]);
    place.compile().assert_code(0);
    let dir = place.path("db/servicedirs/x");
    let entries = fs::read_dir(&dir).expect("it is there");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("it can be read")
                .file_name()
                .into_string()
                .expect("text")
        })
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "data",
            "down-signal",
            "env",
            "finish",
            "flag-timeout-killpg",
            "instance",
            "instances",
            "notification-fd",
            "run",
            "template",
            "timeout-kill"
        ]
    );
    assert_eq!(mode(&dir.join("run")), 0o755);
    assert_eq!(mode(&dir.join("finish")), 0o755);
    assert_eq!(mode(&dir.join("data/check")), 0o700);
    assert_eq!(mode(&dir.join("down-signal")), 0o644);
    let run = fs::symlink_metadata(dir.join("run")).expect("it is there");
    assert!(run.is_file());
    assert!(!place.path("db/servicedirs/y").exists());
    assert_eq!(mode(&place.path("db")), 0o755);
    assert_eq!(mode(&place.path("db/db")), 0o644);
    assert!(!place.path("db/db.new").exists());
}

#[test]
fn everything_that_is_wrong_is_said_and_the_first_in_the_old_words() {
    let place = Place::new();
    place.oneshot("a", "if { true\n", &["nope"]);
    place.oneshot("b", "", &["c"]);
    place.oneshot("c", "", &["b"]);
    let finished = place.compile();
    finished.assert_code(1);
    assert_eq!(
        place.lines(&finished, Stream::Stderr),
        [
            "s6-rc-compile: error: s/a/up:1: unmatched { in column 4 of this execline command line \
             (correct it, or move it to an executable script, such as \
             /etc/s6-overlay/scripts/a, and let s/a/up hold that path alone)",
            "s6-rc-compile: error: s/a/dependencies.d/nope: a depends on nope, which is not defined \
             (define nope, or rm s/a/dependencies.d/nope)",
            "s6-rc-compile: error: s/b/dependencies.d/c: b waits for itself: b -> c -> b (remove one \
             of s/b/dependencies.d/c, s/c/dependencies.d/b)",
            "s6-rc-compile: fatal: syntax error in s/a/up: unmatched {"
        ]
    );
    assert!(!place.path("db").exists());
}

#[test]
fn traps_of_the_format() {
    let bad_type = Place::new();
    bad_type.longrun("x", &[]);
    bad_type.source("x/type", "longrun ");
    bad_type.assert_refused(1, "invalid s/x/type: must be oneshot, longrun, or bundle");

    let reserved = Place::new();
    reserved.oneshot("s6rc-x", "", &[]);
    reserved.assert_refused(1, "in s: identifier s6rc-x starts with reserved prefix");

    let no_type = Place::new();
    no_type.source("x/run", "");
    no_type.assert_refused(111, "unable to read s/x/type: No such file or directory");

    let cycle = Place::new();
    cycle.oneshot("x", "", &["y"]);
    cycle.oneshot("y", "", &["x"]);
    cycle.assert_refused(
        1,
        "cyclic service dependency reached from y and involving y",
    );

    let unknown = Place::new();
    unknown.oneshot("x", "", &["nope"]);
    unknown.assert_refused(
        1,
        "during dependency resolution for service x: undefined service name nope",
    );

    // The directory wins over a wrong file.
    let both = Place::new();
    both.oneshot("x", "", &["y"]);
    both.oneshot("y", "", &[]);
    both.source("x/dependencies", "nope\n");
    both.compile().assert_code(0);
    let finished = both.ask(&["dependencies", "x"]);
    assert_eq!(finished.lines(Stream::Stdout), ["y", "s6rc-oneshot-runner"]);
}

#[test]
fn several_directories_of_sources() {
    let place = Place::sample();
    place.tree.file("/t/user/type", 0o644, "bundle\n");
    place.tree.file("/t/user/contents.d/lr", 0o644, "");
    let finished = place.run(&[
        "s6-rc-compile",
        "-v2",
        "-h",
        "nobody",
        "-b",
        "--",
        "@db",
        "@s",
        "@t",
    ]);
    finished.assert_code(0);
    assert_eq!(
        place.lines(&finished, Stream::Stderr),
        [
            "s6-rc-compile: info: adding sources from s",
            "s6-rc-compile: info: adding sources from t"
        ]
    );
    let finished = place.ask(&["contents", "user"]);
    assert_eq!(finished.lines(Stream::Stdout), ["lr"]);

    place.tree.file("/t/a/type", 0o644, "oneshot\n");
    place.tree.file("/t/a/up", 0o644, "");
    let finished = place.run(&["s6-rc-compile", "-v0", "@db2", "@s", "@t"]);
    finished.assert_code(1);
    assert_eq!(
        place.lines(&finished, Stream::Stderr),
        [
            "s6-rc-compile: fatal: duplicate service definition: a defined in t is already defined \
             and has type oneshot"
        ]
    );
}

#[test]
fn what_can_go_wrong_besides_the_sources() {
    let place = Place::sample();
    place.compile().assert_code(0);
    let before = fs::read(place.path("db/db")).expect("it was written");
    let finished = place.compile();
    finished.assert_code(111);
    assert_eq!(
        place.lines(&finished, Stream::Stderr),
        ["s6-rc-compile: fatal: unable to mkdir db: File exists"]
    );
    assert_eq!(fs::read(place.path("db/db")).expect("it is there"), before);

    let finished = place.run(&["s6-rc-compile", "@db2", "@s", "@none"]);
    finished.assert_code(111);
    assert_eq!(
        place.lines(&finished, Stream::Stderr),
        ["s6-rc-compile: fatal: unable to opendir none: No such file or directory"]
    );

    place.tree.directory("/empty", 0o755);
    let finished = place.run(&["s6-rc-compile", "@db2", "@empty"]);
    finished.assert_code(0);
    assert_eq!(
        place.lines(&finished, Stream::Stderr),
        ["s6-rc-compile: warning: source empty is empty"]
    );
    let finished = place.run(&["s6-rc-compile", "-v", "0", "@db3", "@empty"]);
    finished.assert_code(0);
    assert!(finished.output.lines().is_empty(), "{finished}");

    for words in [
        &[][..],
        &["@db4"],
        &["-x", "@db4", "@s"],
        &["-v", "much", "@db4", "@s"],
    ] {
        let mut all = vec!["s6-rc-compile"];
        all.extend(words);
        place
            .run(&all)
            .assert_code(100)
            .assert_has("s6-rc-compile: usage: s6-rc-compile [ -v verbosity ]");
    }
}

#[test]
fn a_database_that_cannot_be_finished_is_not_left_behind() {
    let place = Place::new();
    place.longrun("x", &[]);
    place.tree.directory("/s/x/data", 0o755);
    // What no service directory can hold: a socket.
    let _socket = std::os::unix::net::UnixListener::bind(place.path("s/x/data/socket"))
        .expect("the path is short");
    let finished = place.compile();
    finished.assert_code(111);
    assert!(!place.path("db").exists(), "{finished}");
    let lines = place.lines(&finished, Stream::Stderr);
    assert!(
        lines[0]
            .starts_with("s6-rc-compile: fatal: unable to copy s/x/data to db/servicedirs/x/data"),
        "{lines:?}"
    );
}

#[test]
fn there_is_no_format_to_upgrade() {
    let place = Place::new();
    let finished = place.run(&[
        "s6-rc-format-upgrade",
        "-t",
        "5000",
        "-l",
        "/run/s6-rc",
        "/newdb",
    ]);
    finished.assert_code(0);
    assert_eq!(
        finished.lines(Stream::Stderr),
        ["s6-rc-format-upgrade: info: nothing to do: s6-rc databases have one format here"]
    );
    let finished = place.run(&["s6-rc-format-upgrade", "-t", "soon"]);
    finished
        .assert_code(100)
        .assert_has("s6-rc-format-upgrade: usage: ");
}
