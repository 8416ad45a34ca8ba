//! Tests of what is in `signal`.

use super::*;
use crate::Environment;
use crate::command::testing::{env, list, refusal, said, step};

fn waits(pids: &[i32], first: bool, timeout: Option<u32>, strict: bool) -> Step {
    Step::Wait(Wait::Block {
        pids: pids.to_vec(),
        first,
        timeout,
        strict,
        rest: list(&["a"]),
    })
}

#[test]
fn wait_has_two_forms() {
    for (script, wanted) in [
        ("wait { } a", waits(&[], false, None, false)),
        ("wait { 1 2 } a", waits(&[1, 2], false, None, false)),
        ("wait -r { 1 } a", waits(&[1], false, Some(0), false)),
        ("wait -ir { 1 } a", waits(&[1], false, Some(0), true)),
        ("wait -iI { 1 } a", waits(&[1], false, None, false)),
        ("wait -t 100 { 1 } a", waits(&[1], false, Some(100), false)),
        ("wait -t100 -r { 1 } a", waits(&[1], false, Some(0), false)),
        (
            "wait --timeout=7 --insist { } a",
            waits(&[], false, Some(7), true),
        ),
        ("wait -o { 1 } a", waits(&[1], true, None, false)),
        ("wait -oa { 1 } a", waits(&[1], false, None, false)),
        (
            "wait { 0 -1 3000000000 } a",
            waits(&[i32::MAX; 3], false, None, false),
        ),
        ("wait", Step::Wait(Wait::Plain(vec![], None, false))),
        ("wait 1 2", Step::Wait(Wait::Plain(vec![1, 2], None, false))),
        (
            "wait -- -1",
            Step::Wait(Wait::Plain(vec![i32::MAX], None, false)),
        ),
        (
            "wait -it 5 1",
            Step::Wait(Wait::Plain(vec![1], Some(5), true)),
        ),
        (
            "wait -o 1",
            Step::Wait(Wait::PlainFirst(vec![1], None, false)),
        ),
    ] {
        assert_eq!(step(script), wanted, "{script}");
    }
    assert_eq!(
        said(&Wait::timed_out()),
        "99 unable to wait: Connection timed out"
    );
    let mut told = env(&[("?", "old")]);
    Wait::tell_first(&mut told, Some((7, Ended::Signal(9))));
    assert_eq!(told, env(&[("?", "137"), ("!", "7")]));
    Wait::tell_first(&mut told, None);
    assert_eq!(told, Environment::default());
}

#[test]
fn traps_are_read() {
    let wanted = Trap {
        handlers: vec![
            (15, list(&["a", " b", ""])),
            (1, list(&[])),
            (64, list(&["c"])),
        ],
        default: Some(list(&["d"])),
        passes_on: true,
        rest: list(&["e"]),
    };
    let script = "trap -x { sigTerm { a { b } } 1 { } default { d } 64 { c } } e";
    assert_eq!(step(script), Step::Trap(wanted));
    let Step::Trap(it) = step("trap { 0 { d } } e") else {
        panic!();
    };
    assert_eq!((it.handlers, it.default), (vec![], Some(list(&["d"]))));
}

#[test]
fn wrong_traps_are_refused() {
    for (script, text) in [
        ("trap", "usage"),
        ("trap -z { } a", "usage"),
        ("trap a", "100 unterminated block"),
        ("trap { } a", "100 empty block"),
        ("trap { }", "100 empty block"),
        ("trap { TERM { a } }", "usage"),
        ("trap { foo { } }", "usage"),
        (
            "trap { TERM } a",
            "100 unterminated internal block for directive TERM",
        ),
        (
            "trap { TERM b } a",
            "100 unterminated internal block for directive TERM",
        ),
        (
            "trap { KILL b } a",
            "100 unterminated internal block for directive KILL",
        ),
        (
            "trap { TERM { b } HUP } a",
            "100 unterminated internal block for directive HUP",
        ),
        ("trap { { b } } a", "100 unrecognized directive:  b"),
        ("trap { foo { b } } a", "100 unrecognized directive: foo"),
        ("trap { foo b } a", "100 unrecognized directive: foo"),
        (
            "trap { timeout { b } } a",
            "100 unrecognized directive: timeout",
        ),
        (
            "trap { 4294967311 { b } } a",
            "100 unrecognized directive: 4294967311",
        ),
        (
            "trap { TERM { b } TERM { c } } a",
            "100 duplicate directive: TERM",
        ),
        (
            "trap { TERM { b } 15 { c } } a",
            "100 duplicate directive: 15",
        ),
        (
            "trap { IOT { b } ABRT { c } } a",
            "100 duplicate directive: ABRT",
        ),
        (
            "trap { default { b } default { c } } a",
            "100 duplicate directive: default",
        ),
        ("trap { kill { b } } a", "100 SIGKILL (9) cannot be trapped"),
        ("trap { 19 { b } } a", "100 SIGSTOP (19) cannot be trapped"),
        (
            "trap { SIGCLD { b } } a",
            "100 SIGCHLD (17) cannot be trapped",
        ),
        ("trap { 32 { b } } a", "100 SIG??? (32) cannot be trapped"),
        ("trap { 65 { b } } a", "100 SIG??? (65) cannot be trapped"),
        (
            "trap { 4294967295 { b } } a",
            "100 SIG??? (4294967295) cannot be trapped",
        ),
    ] {
        assert_eq!(refusal(script), text, "{script}");
    }
}
