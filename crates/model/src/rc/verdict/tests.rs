//! One case for each thing that s6-rc-compile refuses, with its words.

use super::super::fixture::{any_syntax, layer};
use super::*;
use crate::rc::{Origin, SyntaxError, read};
use crate::tree::Entry;

fn of(layers: &[Layer]) -> Option<Verdict> {
    // Enough of the language for the tests: a brace that is not closed, and one that is not opened.
    let syntax = |text: &[u8]| match text {
        b"if { true" => Err(SyntaxError {
            line: 1,
            column: 4,
            message: "unmatched {".to_owned(),
        }),
        b"\"" => Err(SyntaxError {
            line: 1,
            column: 1,
            message: "syntax error".to_owned(),
        }),
        _ => any_syntax(text),
    };
    let (graph, diagnostics) = read(layers, &syntax);
    verdict(layers, &graph, &diagnostics, &syntax)
}

fn said(text: &str) -> Option<(String, Cause)> {
    of(&[layer(Origin::Image, "s", text)]).map(|it| (it.message, it.cause))
}

#[test]
fn what_is_wrong_with_files() {
    let longrun = "x/type longrun\n x/run\n";
    let oneshot = "x/type oneshot\n x/up\n";
    for (text, cause, message) in [
        (
            "x/type longrun \\n\n x/run",
            Cause::Sources,
            "invalid s/x/type: must be oneshot, longrun, or bundle",
        ),
        (
            "x/type longrun\\r\\n\n x/run",
            Cause::Sources,
            "invalid s/x/type: must be oneshot, longrun, or bundle",
        ),
        (
            "x/type",
            Cause::Sources,
            "invalid s/x/type: must be oneshot, longrun, or bundle",
        ),
        (
            "x/run",
            Cause::System,
            "unable to read s/x/type: No such file or directory",
        ),
        (
            "user/contents.d/a",
            Cause::System,
            "unable to read s/user/type: No such file or directory",
        ),
        (
            "x/type/",
            Cause::System,
            "unable to read s/x/type: Is a directory",
        ),
        (
            "s6rc-x/type oneshot\n s6rc-x/up",
            Cause::Sources,
            "in s: identifier s6rc-x starts with reserved prefix",
        ),
        (
            "x/type longrun",
            Cause::Sources,
            "unable to find a run script in s/x/run",
        ),
        (
            "x/type longrun\n x/run/",
            Cause::Sources,
            "s/x/run is not a regular file",
        ),
        (
            "x/type oneshot",
            Cause::System,
            "unable to open s/x/up: No such file or directory",
        ),
        (
            "x/type oneshot\n x/up if { true",
            Cause::Sources,
            "syntax error in s/x/up: unmatched {",
        ),
        (
            "x/type oneshot\n x/up\n x/down \"",
            Cause::Sources,
            "syntax error in s/x/down",
        ),
        (
            "x/type bundle",
            Cause::System,
            "unable to open s/x/contents: No such file or directory",
        ),
        (
            &format!("{oneshot} x/timeout-up soon"),
            Cause::Sources,
            "invalid s/x/timeout-up",
        ),
        (
            &format!("{longrun} x/timeout-down -1"),
            Cause::Sources,
            "invalid s/x/timeout-down",
        ),
        (
            &format!("{longrun} x/timeout-kill soon"),
            Cause::System,
            "invalid s/x/timeout-kill",
        ),
        (
            &format!("{longrun} x/notify s6"),
            Cause::System,
            "invalid s/x/notify",
        ),
        (
            &format!("{longrun} x/notification-fd 3\n x/lock-fd 3"),
            Cause::Sources,
            "longrun x has the same value for notification-fd and lock-fd",
        ),
        (
            &format!("{longrun} x/producer-for a\\nb\\n"),
            Cause::Sources,
            "s/x/producer-for should only contain one service name",
        ),
    ] {
        assert_eq!(said(text), Some((message.to_owned(), cause)), "{text}");
    }
}

#[test]
fn what_is_wrong_with_names() {
    let two = "x/type longrun\n x/run\n y/type longrun\n y/run\n z/type oneshot\n z/up\n";
    for (text, message) in [
        (
            "x/dependencies.d/nope",
            "during dependency resolution for service x: undefined service name nope",
        ),
        (
            "b/type bundle\n b/contents.d/nope",
            "during resolution of bundle b: undefined service name nope",
        ),
        (
            "x/dependencies.d/y\n y/dependencies.d/x",
            "cyclic service dependency reached from y and involving y",
        ),
        (
            "x/dependencies.d/y\n y/dependencies.d/x\n z/dependencies.d/x\n z/dependencies.d/y",
            "cyclic service dependency reached from z and involving y",
        ),
        (
            "z/dependencies.d/b\n b/type bundle\n b/contents.d/z",
            "cyclic service dependency reached from z and involving z",
        ),
        (
            "g/type bundle\n g/contents.d/g",
            "cyclic bundle definition: resolution of g encountered a cycle involving g",
        ),
        (
            "f/type bundle\n f/contents.d/g\n g/type bundle\n g/contents.d/h\n h/type bundle\n
             h/contents.d/g",
            "cyclic bundle definition: resolution of f encountered a cycle involving g",
        ),
        (
            "x/producer-for y",
            "longrun service x declares being a producer for a service named y that does not declare it back",
        ),
        (
            "x/consumer-for y",
            "longrun service x declares being the consumer for a service named y that does not declare it back",
        ),
        (
            "x/producer-for z",
            "longrun service x declares being a producer for a service named z of type oneshot",
        ),
        (
            "x/producer-for nope",
            "longrun service x declares being a producer for a service named nope of type unknown",
        ),
        (
            "x/producer-for y\n y/consumer-for x\n y/pipeline-name z",
            "duplicate service definition: z defined in s is already defined and has type oneshot",
        ),
        (
            "x/producer-for y\n y/consumer-for x\n y/pipeline-name s6rc-p",
            "in s: identifier s6rc-p starts with reserved prefix",
        ),
    ] {
        let said = said(&format!("{two}{text}"));
        assert_eq!(said, Some((message.to_owned(), Cause::Sources)), "{text}");
    }
}

#[test]
fn two_directories_of_one_name_are_refused() {
    let first = layer(Origin::Image, "s", "x/type oneshot\n x/up");
    let second = layer(Origin::Image, "t", "x/type oneshot\n x/up");
    let verdict = of(&[first, second]).map(|it| it.message);
    let message =
        "duplicate service definition: x defined in t is already defined and has type oneshot";
    assert_eq!(verdict.as_deref(), Some(message));
}

#[test]
fn the_first_thing_that_is_wrong_counts() {
    let text = "b/type bundle\n b/contents.d/nope\n a/type oneshot\n a/up\n a/timeout-up x\n
                c/type oneshot";
    assert_eq!(
        said(text).map(|it| it.0).as_deref(),
        Some("invalid s/a/timeout-up")
    );
}

#[test]
fn what_is_wrong_for_us_alone_is_said_in_our_words() {
    let text = "a/type oneshot\n a/up\n b/type oneshot\n b/up\n b/dependencies a\\r\\n";
    let (message, cause) = said(text).unwrap();
    assert_eq!(cause, Cause::Sources);
    assert!(
        message.starts_with("s/b/dependencies:1: CRLF line end"),
        "{message}"
    );
    let mut sources = layer(Origin::Image, "s", "");
    sources.tree.entries.insert("x".into(), Entry::Dangling);
    assert_eq!(
        of(&[sources]).map(|it| it.message).as_deref(),
        Some("unable to stat s/x: No such file or directory")
    );
}

#[test]
fn sound_sources_are_taken() {
    let text = "
        a/type oneshot\\n\n a/up echo\n a/timeout-up 100
        p/type longrun\n p/run\n p/producer-for c\\n\n p/dependencies.d/a\n p/notification-fd 3
        c/type longrun\n c/run\n c/consumer-for p\\n\n c/pipeline-name pipe
        all/type bundle\n all/contents.d/pipe\n all/contents.d/a
        empty/type bundle\n empty/contents.d/
        file\n .hidden/type x
    ";
    assert_eq!(said(text), None);
    assert_eq!(said(""), None);
}

#[test]
fn depth_is_no_matter() {
    let mut text = String::new();
    for index in 0..3000 {
        let next = (index + 1) % 3000;
        text += &format!("n{index}/type oneshot\n n{index}/up\n n{index}/dependencies.d/n{next}\n");
    }
    let (message, _) = said(&text).unwrap();
    assert!(message.starts_with("cyclic service dependency reached from n999 and"));
}
