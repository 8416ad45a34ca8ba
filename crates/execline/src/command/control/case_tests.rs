//! Tests of what is in `case`.

use super::*;
use crate::Environment;
use crate::command::testing::{env, list, said, step, words};

#[test]
fn case_reads_its_options_and_branches() {
    let plain = Case {
        value: b"v".to_vec(),
        branches: vec![
            (b"a".to_vec(), list(&["b", " c", ""])),
            (b"".to_vec(), list(&[])),
        ],
        is_shell: false,
        basic: false,
        insensitive: false,
        numbered: false,
        rest: list(&["d"]),
    };
    for (options, wanted) in [
        ("", plain.clone()),
        (
            "-s",
            Case {
                is_shell: true,
                ..plain.clone()
            },
        ),
        ("-sS", plain.clone()),
        (
            "-e",
            Case {
                basic: true,
                ..plain.clone()
            },
        ),
        ("-eE", plain.clone()),
        (
            "-i",
            Case {
                insensitive: true,
                ..plain.clone()
            },
        ),
        (
            "-N",
            Case {
                numbered: true,
                ..plain.clone()
            },
        ),
        ("-Nn", plain.clone()),
    ] {
        let script = format!("case {options} v {{ a {{ b {{ c }} }} \"\" {{ }} }} d");
        assert_eq!(step(&script), Step::Case(wanted), "{script}");
    }
    assert!(matches!(step("case v { }"), Step::Case(it) if it.rest.is_empty()));
    // A block where a pattern should be is taken for a pattern, as in the original.
    let Step::Case(it) = step("case v { { a } b { c } }") else {
        panic!();
    };
    assert_eq!(it.branches.first(), Some(&(b" a".to_vec(), list(&[]))));
}

/// What a `case` comes to when a pattern holds that is the value itself, and `(` is none.
fn chosen(script: &str) -> (Result<Step, String>, Environment, Vec<Word>) {
    let Step::Case(it) = step(script) else {
        panic!("{script}");
    };
    let expression = if it.is_shell {
        it.value.clone()
    } else {
        Case::expression(&it.value)
    };
    let mut env = Environment::default();
    let mut warnings = Vec::new();
    let next = it.choose(&mut env, &mut warnings, |pattern| {
        if pattern.contains(&b'(') {
            return Err("Unmatched (".to_owned());
        }
        let groups = || vec![Some(b"x".to_vec()), None];
        Ok((pattern == expression).then(groups))
    });
    (next.map_err(|fault| said(&fault)), env, warnings)
}

#[test]
fn the_first_branch_that_matches_is_chosen() {
    let set = env(&[("#", "2"), ("0", "b"), ("1", "x"), ("2", "")]);
    let no_env = Environment::default();
    for (script, next, vars) in [
        ("case b { a { x } b { y } b { z } } d", &["y"][..], &no_env),
        ("case -N b { a { x } b { y } } d", &["y"], &set),
        ("case -N c { a { x } b { y } } d", &["d"], &no_env),
        ("case -sN b { a { x } b { y } } d", &["y"], &no_env),
        ("case c { a { x } }", &[], &no_env),
        ("case b { b { y } \"(\" { z } } d", &["y"], &no_env),
    ] {
        let wanted = (Ok(Step::Become(list(next))), vars.clone(), vec![]);
        assert_eq!(chosen(script), wanted, "{script}");
    }
}

#[test]
fn wrong_patterns_are_told() {
    let (next, ..) = chosen("case b { \"(\" { z } b { y } } d");
    let text = "100 unable to regcomp \"^($\": Unmatched (";
    assert_eq!(next, Err(text.to_owned()));
    let (next, _, warnings) = chosen("case -s b { \"(\" { z } b { y } } d");
    assert_eq!(next, Ok(Step::Become(words("y"))));
    assert_eq!(warnings, list(&["invalid fnmatch pattern: ("]));
}
