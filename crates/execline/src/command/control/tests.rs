//! Tests of what is in `control`.

use super::*;
use crate::Environment;
use crate::command::testing::{
    env, exited, killed, list, not_spawned, plan_words, refusal, refusal_of, said, step,
};

/// What follows on a child that ended so, the value of `?`, and the warnings; faults as text.
fn after(script: &str, outcome: Outcome) -> (String, Option<String>, Vec<String>) {
    let text = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
    let Step::Run(_, after) = step(script) else {
        panic!("{script}");
    };
    let mut env = Environment::default();
    let mut warnings = Vec::new();
    let next = match after.resume(&mut env, &mut warnings, outcome) {
        Ok(Step::Become(words)) => text(&words.join(&b' ')),
        Ok(Step::Exit(code)) => format!("exit {code}"),
        Ok(Step::Run(words, AfterRun::Foreground(rest))) => {
            format!(
                "run {} then {}",
                text(&words.join(&b' ')),
                text(&rest.join(&b' '))
            )
        }
        Ok(other) => panic!("{other:?}"),
        Err(fault) => said(&fault),
    };
    let warnings = warnings.iter().map(|word| text(word)).collect();
    (next, env.get(b"?").map(text), warnings)
}

#[test]
fn children_are_waited_for() {
    for (script, child) in [
        ("foreground { a b } c", &["a", "b"][..]),
        ("foreground { } c", &[]),
        ("foreground { a }", &["a"]),
        ("if { a { b } } c", &["a", " b", ""]),
        ("if { } c", &[]),
        ("ifelse { a } { b } c", &["a"]),
        ("ifte { a } { b } c d", &["c", "d"]),
        ("ifte { } { } c", &["c"]),
        ("ifthenelse { a } { b } { c } d", &["a"]),
        ("ifthenelse { } { } { }", &[]),
    ] {
        let Step::Run(words, _) = step(script) else {
            panic!("{script}");
        };
        assert_eq!(words, list(child), "{script}");
    }
}

#[test]
fn foreground_tells_how_a_child_ended_and_goes_on() {
    let missing = "unable to spawn a: No such file or directory";
    let denied = "unable to spawn a: Permission denied";
    for (outcome, number, warning) in [
        (exited(0), "0", None),
        (exited(200), "200", None),
        (killed(9), "265", None),
        (not_spawned("a", true), "127", Some(missing)),
        (not_spawned("a", false), "126", Some(denied)),
    ] {
        let warnings: Vec<String> = warning.into_iter().map(str::to_owned).collect();
        let wanted = ("c".to_owned(), Some(number.to_owned()), warnings);
        assert_eq!(after("foreground { a } c", outcome), wanted);
    }
}

#[test]
fn conditions_are_judged() {
    let crashed = "137 child crashed with signal 9";
    let missing = "111 unable to spawn a: No such file or directory";
    let block = "111 unable to spawn  a: name begins with a space, are you trying to spawn a block as your command-if?";
    let no_block = "111 unable to spawn  a: No such file or directory";
    for (script, outcome, wanted) in [
        ("if { a } c", exited(0), "c"),
        ("if { a } c", exited(3), "exit 3"),
        ("if { a } c", exited(200), "exit 128"),
        ("if { a } c", killed(9), crashed),
        ("if { a } c", not_spawned("a", true), missing),
        ("if { a } c", not_spawned(" a", true), no_block),
        ("if -n { a } c", exited(0), "exit 1"),
        ("if -n { a } c", exited(3), "c"),
        ("if -n { a } c", killed(9), crashed),
        ("if -nt { a } c", exited(0), "exit 0"),
        ("if -n -x 5 { a } c", exited(0), "exit 5"),
        ("if -nx5 { a } c", exited(0), "exit 5"),
        ("if -x 255 { a } c", exited(1), "exit 255"),
        ("if -t -x 3 { a } c", exited(1), "exit 3"),
        ("if -x 3 -t { a } c", exited(1), "exit 0"),
        ("if -t { a } c", killed(9), crashed),
        ("if -X { a } c", killed(9), "exit 137"),
        ("if -tX { a } c", killed(9), "exit 0"),
        ("if -nX { a } c", killed(9), "c"),
        ("if -Xt { a } c", not_spawned("a", true), missing),
        ("if { a }", exited(0), ""),
        ("ifelse { a } { b } c", exited(0), "b"),
        ("ifelse { a } { b } c", exited(1), "c"),
        ("ifelse -n { a } { b } c", exited(0), "c"),
        ("ifelse -n { a } { b } c", exited(1), "b"),
        ("ifelse { a } { b } c", killed(9), crashed),
        ("ifelse -X { a } { b } c", killed(9), "c"),
        ("ifelse -nX { a } { b } c", killed(9), "b"),
        ("ifelse { a } { b }", exited(1), ""),
        ("ifelse { a } { } c", exited(0), ""),
        ("ifelse { a } { b } c", not_spawned("a", true), missing),
        ("ifelse { a } { b } c", not_spawned(" a", true), no_block),
        ("ifte { b } { c } a", exited(0), "b"),
        ("ifte { b } { c } a", exited(1), "c"),
        ("ifte -n { b } { c } a", exited(0), "c"),
        ("ifte -X { b } { c } a", killed(9), "c"),
        ("ifte { b } { c } a", killed(9), crashed),
        ("ifte { b } { } a", exited(1), ""),
        ("ifte { b } { c } a", not_spawned("a", true), missing),
        ("ifte { b } { c } a", not_spawned(" a", true), block),
        ("ifthenelse { a } { b } { c } d", exited(0), "run b then d"),
        ("ifthenelse { a } { b } { c } d", exited(9), "run c then d"),
        ("ifthenelse { a } { b } { c }", exited(9), "run c then "),
        (
            "ifthenelse -s { a } { b } { c } d",
            exited(0),
            "run b then d",
        ),
        ("ifthenelse { a } { b } { c } d", killed(9), crashed),
        (
            "ifthenelse -X { a } { b } { c } d",
            killed(9),
            "run c then d",
        ),
        (
            "ifthenelse { a } { b } { c } d",
            not_spawned("a", true),
            missing,
        ),
    ] {
        let (next, number, warnings) = after(script, outcome.clone());
        assert_eq!(next, wanted, "{script} {outcome:?}");
        assert_eq!((number, warnings), (None, vec![]), "{script} {outcome:?}");
    }
}

#[test]
fn wrong_usage_is_refused() {
    for (script, text) in [
        ("background -x { a } b", "usage"),
        ("background { } b", "100 empty block"),
        ("if -z { a } b", "usage"),
        ("if -x", "usage"),
        ("if -x a { a } b", "usage"),
        ("if -x \"\" { a } b", "usage"),
        ("if -x 256 { a } b", "100 invalid exit code"),
        ("if -x 4294967299 { a } b", "100 invalid exit code"),
        ("if", "100 unterminated block"),
        ("foreground", "100 unterminated block"),
        ("foreground a", "100 unterminated block"),
        ("background", "100 unterminated block"),
        ("ifelse", "100 unterminated if block"),
        ("ifelse a", "100 unterminated if block"),
        ("ifelse -x { a } { b }", "usage"),
        ("ifelse { a }", "100 then block required"),
        ("ifelse { a } b", "100 unterminated then block"),
        ("ifte a", "100 unterminated then block"),
        ("ifte { a }", "100 else block required"),
        ("ifte { a } b", "100 unterminated else block"),
        ("ifte { a } { b }", "100 empty command-if"),
        ("ifthenelse a", "100 unterminated if block"),
        ("ifthenelse { a }", "100 then block required"),
        ("ifthenelse { a } b", "100 unterminated then block"),
        ("ifthenelse { a } { b }", "100 unterminated else block"),
        ("ifthenelse { a } { b } c", "100 unterminated else block"),
        ("ifthenelse -n { a } { b } { c }", "usage"),
        ("forx", "usage"),
        ("forx i", "usage"),
        ("forx i a", "100 unterminated block"),
        ("forx = { a } b", "100 invalid variable name"),
        ("forx \"\" { a } b", "100 invalid variable name"),
        ("forx -x a i { a } b", "usage"),
        ("forx -x \"\" i { a } b", "usage"),
        ("forx -P a i { a } b", "usage"),
        ("forx -P 4294967296 i { a } b", "usage"),
        ("forx -N i { a } b", "usage"),
        ("forstdin i", "usage"),
        ("forstdin a=b c", "100 invalid variable name"),
        ("forstdin -o , i c", "usage"),
        ("forbacktickx i", "usage"),
        ("forbacktickx i { }", "100 empty block"),
        ("forbacktickx i { a }", "usage"),
        ("forbacktickx i a", "100 unterminated block"),
        ("forbacktickx = { a } b", "100 invalid variable name"),
        ("loopwhilex", "usage"),
        ("loopwhilex -x a b", "usage"),
        ("loopwhilex -z b", "usage"),
        ("case a", "usage"),
        ("case -z a { }", "usage"),
        ("case a b", "100 unterminated case block"),
        ("case b { a }", "100 malformed case block"),
        ("case b { a { c } b }", "100 malformed case block"),
        ("case b { a b }", "100 unterminated regex block"),
        ("wait a", "usage"),
        ("wait { a } b", "usage"),
        ("wait { \" 2\" } b", "usage"),
        ("wait -t a", "usage"),
        ("wait -t", "usage"),
        ("wait -z", "100 unrecognized short option: z"),
        ("wait --zz", "100 unrecognized boolean option: --zz"),
        ("wait 4294967297", "usage"),
    ] {
        assert_eq!(refusal(script), text, "{script}");
    }
    let double = list(&["ifte", " a", "", " b"]);
    assert_eq!(refusal_of(double), "100 unterminated else block");
}

#[test]
fn a_background_child_may_be_made_apart() {
    for (script, wanted_apart) in [
        ("background { a b } c", false),
        ("background -d { a b } c", true),
    ] {
        let wanted = Step::Background {
            child: list(&["a", "b"]),
            apart: wanted_apart,
            rest: list(&["c"]),
        };
        assert_eq!(step(script), wanted, "{script}");
    }
}

#[test]
fn blocks_in_blocks_are_counted_on_for_warnings() {
    for (words, warnings) in [
        (
            &["case", "b", " a", " echo", " ", " b", "echo", " ", ""][..],
            &[
                "unquoted argument echo at block 1 position 4",
                "unquoted argument echo at block 2 position 0",
                "unquoted argument echo at block 3 position 0",
            ][..],
        ),
        (
            &["trap", "TERM", "  a", " ", "HUP", " b", " ", "", "c"],
            &[
                "unquoted argument TERM at block 1 position 0",
                "unquoted argument HUP at block 1 position 3",
                "unquoted argument b at block 3 position 0",
            ],
        ),
        (
            &["ifelse", "a", "", " b", "c", "", "d"],
            &[
                "unquoted argument a at block 1 position 0",
                "unquoted argument c at block 2 position 1",
            ],
        ),
    ] {
        let mut env = env(&[("EXECLINE_STRICT", "1")]);
        let (step, said) = plan_words(list(words), &mut env);
        assert!(step.is_ok(), "{words:?}");
        assert_eq!(said, list(warnings), "{words:?}");
    }
}
