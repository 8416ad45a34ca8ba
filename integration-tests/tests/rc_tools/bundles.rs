//! `s6-rc-bundle` on a compiled database.

use std::fs;

use sixfold_integration_tests::{Finished, Stream};

use super::place::Place;

fn compiled() -> Place {
    let place = Place::sample();
    place.compile().assert_code(0);
    place
}

fn change(place: &Place, words: &[&str]) -> Finished {
    let mut all = vec!["s6-rc-bundle", "-c", "@db"];
    all.extend(words);
    place.run(&all)
}

fn contents(place: &Place, name: &str) -> Vec<String> {
    let finished = place.ask(&["contents", name]);
    finished.assert_code(0);
    finished.lines(Stream::Stdout)
}

#[test]
fn bundles_are_added_and_taken_out() {
    let place = compiled();
    let done = change(&place, &["add", "new", "pipe", "a"]);
    done.assert_code(0);
    assert!(done.output.lines().is_empty(), "{done}");
    assert_eq!(contents(&place, "new"), ["p1", "p2", "p3", "a"]);
    change(&place, &["-f", "add", "new", "lr"]).assert_code(0);
    assert_eq!(contents(&place, "new"), ["lr"]);
    change(&place, &["delete", "new", "nest"]).assert_code(0);
    let bundles = place.ask(&["list", "bundles"]);
    assert_eq!(bundles.lines(Stream::Stdout), ["ok", "pipe"]);
    let words = ["multiple", " ok", "", "x", " a", " ok", "", "y", ""];
    change(&place, &words).assert_code(0);
    let bundles = place.ask(&["list", "bundles"]);
    assert_eq!(bundles.lines(Stream::Stdout), ["pipe", "x", "y"]);
    assert_eq!(contents(&place, "x"), ["lr", "lready", "a", "b", "indep"]);
    assert!(contents(&place, "y").is_empty());
    assert!(!place.path("db/db.new").exists());
    // What belongs to the services is as it was.
    let needs = place.ask(&["all-dependencies", "lready"]);
    assert_eq!(
        needs.lines(Stream::Stdout),
        ["a", "lready", "lr", "s6rc-oneshot-runner"]
    );
}

#[test]
fn the_live_database_is_changed_unless_another_is_named() {
    let place = compiled();
    fs::create_dir(place.path("live")).expect("it is not there");
    fs::rename(place.path("db"), place.path("live/compiled")).expect("it is there");
    let done = place.run(&["s6-rc-bundle", "-b", "-l", "@live", "add", "x", "a"]);
    done.assert_code(0);
    let type_of = place.run(&["s6-rc-db", "-l", "@live", "type", "x"]);
    assert_eq!(type_of.lines(Stream::Stdout), ["bundle"]);
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let place = compiled();
    let before = fs::read(place.path("db/db")).expect("it was written");
    for (words, code, message) in [
        ("add ok a", 1, "identifier ok already exists in database db"),
        ("add lr a", 1, "identifier lr already exists in database db"),
        (
            "-f add lr a",
            5,
            "identifier lr does not represent a bundle for database db",
        ),
        (
            "add new a nope",
            3,
            "identifier nope does not exist in database db",
        ),
        (
            "delete ok nope",
            3,
            "identifier nope does not exist in database db",
        ),
        (
            "delete ok lr",
            5,
            "identifier lr does not represent a bundle for database db",
        ),
        (
            "add s6rc-x a",
            1,
            "\"s6rc-x\" cannot be the name of a bundle",
        ),
        ("multiple a", 100, "unterminated block"),
    ] {
        let mut words: Vec<&str> = words.split(' ').collect();
        if words.first() == Some(&"multiple") {
            words.push("b");
        }
        let finished = change(&place, &words);
        finished.assert_code(code);
        let lines = place.lines(&finished, Stream::Stderr);
        assert_eq!(lines, [format!("s6-rc-bundle: fatal: {message}")]);
        let after = fs::read(place.path("db/db")).expect("it is there");
        assert_eq!(after, before, "{words:?}");
    }
    for words in [&[][..], &["add", "x"], &["nope", "x", "y"], &["-x"]] {
        change(&place, words)
            .assert_code(100)
            .assert_has("s6-rc-bundle: usage: s6-rc-bundle [ -f ]");
    }
    change(&place, &["help"])
        .assert_code(0)
        .assert_has("s6-rc-bundle add bundlename contents...");
    let none = place.run(&["s6-rc-bundle", "-c", "@none", "delete", "x"]);
    none.assert_code(111);
    assert_eq!(
        place.lines(&none, Stream::Stderr),
        ["s6-rc-bundle: fatal: unable to take lock on none: No such file or directory"]
    );
    fs::write(place.path("db/db"), "foreign").expect("it can be written");
    change(&place, &["delete", "ok"])
        .assert_code(4)
        .assert_has("s6-rc-bundle: fatal: invalid service database in ");
}
