//! The commands that ask a supervisor, where there is none, and what they do without one.

use std::fs;
use std::os::unix::fs::symlink;

use sixfold_integration_tests::Stream;

use super::place::Place;

/// A live directory whose scan directory nobody serves.
fn deserted() -> Place {
    let place = Place::sample();
    place.compile().assert_code(0);
    fs::create_dir(place.path("live")).expect("it is not there");
    place.tree.directory("/scan/.s6-svscan", 0o755);
    symlink("../scan", place.path("live/scandir")).expect("it is not there");
    symlink("../db", place.path("live/compiled")).expect("it is not there");
    place
}

#[test]
fn wrong_usage() {
    let place = Place::new();
    for words in [&["s6-rc"][..], &["s6-rc", "-x", "list"], &["s6-rc", "-l"]] {
        place
            .run(words)
            .assert_code(100)
            .assert_has("s6-rc: usage: s6-rc [ -v verbosity ]");
    }
    for (words, message) in [
        (
            &["s6-rc", "nope"][..],
            "s6-rc: fatal: unknown command: nope",
        ),
        (
            &["s6-rc", "-v", "much", "list"],
            "s6-rc: fatal: verbosity must be an unsigned integer",
        ),
        (
            &["s6-rc", "-n", "-1", "change"],
            "s6-rc: fatal: dry-run must be an unsigned integer",
        ),
        (
            &["s6-rc-init", "scan"],
            "s6-rc-init: fatal: scandir must be an absolute path",
        ),
        (
            &["s6-rc-init", "-l", "live", "/scan"],
            "s6-rc-init: fatal: livedir must be an absolute path",
        ),
        (
            &["s6-rc-init", "-c", "db", "/scan"],
            "s6-rc-init: fatal: bootdb must be an absolute path",
        ),
        (
            &["s6-rc-init", "-c", "/db", "-p", "a/b", "/scan"],
            "s6-rc-init: fatal: prefix cannot contain a / or a newline",
        ),
        (
            &["s6-rc-update", "db"],
            "s6-rc-update: fatal: db is not an absolute path",
        ),
    ] {
        let finished = place.run(words);
        finished.assert_code(100);
        assert_eq!(finished.lines(Stream::Stderr), [message], "{finished}");
    }
    for command in ["s6-rc-init", "s6-rc-update", "s6-rc-dryrun"] {
        place
            .run(&[command])
            .assert_code(100)
            .assert_has(&format!("{command}: usage: {command} ["));
    }
}

#[test]
fn help_needs_nobody() {
    let place = Place::new();
    place
        .run(&["s6-rc", "-l", "@none", "help"])
        .assert_code(0)
        .assert_has("s6-rc [ -l live ] diff");
}

#[test]
fn no_live_directory() {
    let place = Place::new();
    for words in [
        "list",
        "-a list",
        "-d listall x",
        "diff",
        "change x",
        "-v3 change x",
        "-n 0 change x",
        "stop x",
        "reload x",
        "-b list",
    ] {
        let mut all = vec!["s6-rc", "-l", "@none"];
        all.extend(words.split(' '));
        let finished = place.run(&all);
        finished.assert_code(111);
        assert_eq!(
            finished.lines(Stream::Stderr),
            ["s6-rc: fatal: unable to take locks: No such file or directory"],
            "{words}"
        );
    }
    let finished = place.run(&["s6-rc-update", "-l", "@none", "/db"]);
    finished.assert_code(111);
    assert_eq!(
        finished.lines(Stream::Stderr),
        ["s6-rc-update: fatal: unable to take locks: No such file or directory"]
    );
}

#[test]
fn a_live_directory_that_nobody_serves() {
    let place = deserted();
    let message = "unable to take locks: nobody listens at live/scandir/.s6-svscan/requests: \
                   No such file or directory (this live directory is served by Sixfold's /init and \
                   s6-svscan alone: start one of them around the scan directory that live/scandir \
                   leads to, and then s6-rc-init)";
    for words in [&["list"][..], &["diff"], &["change", "ok"]] {
        let mut all = vec!["s6-rc", "-l", "@live"];
        all.extend(words);
        let finished = place.run(&all);
        finished.assert_code(111);
        let lines = place.lines(&finished, Stream::Stderr);
        assert_eq!(lines, [format!("s6-rc: fatal: {message}")]);
    }
    let finished = place.run(&["s6-rc-update", "-l", "@live", "@db"]);
    finished.assert_code(111);
    let lines = place.lines(&finished, Stream::Stderr);
    assert_eq!(lines, [format!("s6-rc-update: fatal: {message}")]);
}

#[test]
fn a_scan_directory_that_nobody_serves() {
    let place = deserted();
    for (scan, code, message) in [
        ("@scan", 100, "s6-svscan is not running on scan"),
        ("@s", 100, "s6-svscan is not running on s"),
        (
            "@none",
            111,
            "unable to check none: No such file or directory",
        ),
    ] {
        let finished = place.run(&["s6-rc-init", "-l", "@live2", "-c", "@db", scan]);
        finished.assert_code(code);
        let lines = place.lines(&finished, Stream::Stderr);
        assert_eq!(lines, [format!("s6-rc-init: fatal: {message}")]);
        assert!(!place.path("live2").exists());
    }
}

#[test]
fn a_dry_run_shows_its_words() {
    let place = Place::new();
    let words = ["s6-rc-dryrun", "-t", "0", "--", "s6-svc", "-uwU", "a b"];
    let finished = place.run(&words);
    finished.assert_code(0);
    assert_eq!(
        finished.lines(Stream::Stdout),
        ["s6-rc-dryrun: s6-svc -uwU a b"]
    );
    let silent = place.run(&["s6-rc-dryrun", "-v0", "-t1", "x"]);
    silent.assert_code(0);
    assert!(silent.output.lines().is_empty(), "{silent}");
    place
        .run(&["s6-rc-dryrun", "-t", "soon", "x"])
        .assert_code(100);
}
