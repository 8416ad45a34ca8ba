//! Tests of what is in `script`.

use proptest::prelude::*;

use super::*;
use crate::command::chain::{any_environment, any_words, environment};
use crate::fault::Kind;

/// What becomes of `execlineb` with these words, and the environment: warnings, then words or a
/// fault. The content of a file is its name with `:` for blanks.
fn run(variables: &[(&str, &str)], words: &[&str]) -> (String, Environment) {
    let mut env = environment(variables);
    let mut warnings = Vec::new();
    let words = words.iter().map(|word| Word::from(*word)).collect();
    let planned = Invocation::read(words).and_then(|it| {
        let content = match &it.source {
            Source::Text(text) => text.clone(),
            Source::File(name) => name
                .iter()
                .map(|byte| if *byte == b':' { b' ' } else { *byte })
                .collect(),
        };
        it.plan(&content, &mut env, &mut warnings)
    });
    let mut text = String::new();
    for warning in warnings {
        text.push_str(&format!(
            "warning: {}\n",
            String::from_utf8(warning).unwrap()
        ));
    }
    match planned {
        Ok(Step::Become(words)) => {
            for word in words {
                text.push_str(&format!("<{}>", String::from_utf8(word).unwrap()));
            }
        }
        Ok(other) => panic!("{other:?}"),
        Err(fault) if fault.kind == Kind::Usage => text.push_str("usage"),
        Err(fault) => {
            let said = String::from_utf8(fault.text).unwrap();
            text.push_str(&format!("{said} ({})", fault.code));
        }
    }
    (text, env)
}

fn assert_all(variables: &[(&str, &str)], table: &[(&[&str], &str)]) {
    for (words, wanted) in table {
        assert_eq!(run(variables, words).0, *wanted, "{words:?}");
    }
}

#[test]
fn arguments_are_substituted() {
    assert_all(
        &[],
        &[
            (
                &["-S1", "-c", "p $0 $1 $2 $# $@", "A", "B"],
                "<p><execlineb><A><B><2><A><B>",
            ),
            (
                &["-S1", "p:$0:$1:$@:$#", "A"],
                "<p><p:$0:$1:$@:$#><A><A><1>",
            ),
            (&["-s1", "-c", "echo $# $1 $@", "A", "B"], "<echo><2><A><B>"),
            (&["-S0", "-c", "p x${@}y", "A", "B"], "<p><xAy><xBy>"),
            (&["-S0", "-c", "p x${@}y"], "<p>"),
            (&["-S0", "-c", "$@"], ""),
            (&["-S0", "-c", "$@", "echo", "$1", "$#"], "<echo><$1><$#>"),
            (&["-S0", "-c", "f { $@ } b", "A", "B"], "<f>< A>< B><><b>"),
            (
                &["-S1", "-c", "p \\$1 \\\\$1 \\\\\\\\$1 \"\\\\${1}\"", "A"],
                "<p><A><$1><\\A><${1}>",
            ),
            (
                &["-S1", "-c", "p \"$1 x\" a${1}b $10", "A"],
                "<p><$1 x><aAb><$10>",
            ),
            (
                &["-S0", "-c", "p $00 $01 ${+1} $1", "a"],
                "<p><$00><$01><${+1}><a>",
            ),
            (&["-S 0"], "usage"),
            (&["-S", "0", "-c", "p $1"], "<p><$1>"),
            (&["-S1", "-c", "p $1", "--", "-b"], "<p><-b>"),
            (&["-S1", "-c", "p $1", "-", "-b"], "<p><->"),
            (&["-S01", "-c", "p $1", "b"], "<p><b>"),
            // The last of several options counts.
            (&["-P", "-S1", "-c", "p $1", "A"], "<p><A>"),
            (&["-S1", "-P", "-c", "p $1", "A"], "<p><$1>"),
            (&["-s1", "-S2", "-c", "p $1 $@", "A", "B"], "<p><A><A><B>"),
        ],
    );
    // Nothing of that is seen in the environment.
    let (_, env) = run(&[("1", "old")], &["-S1", "-c", "env", "x", "y"]);
    assert_eq!(env, environment(&[("1", "old")]));
}

#[test]
fn too_few_arguments_are_told() {
    let told = "too few arguments: expecting at least 3 but got 2";
    let substituted = "<p><A><B><><$4><2><A><B>";
    let words = &["-S3", "-c", "p $1 $2 $3 $4 $# $@", "A", "B"][..];
    for (level, wanted) in [
        ("1", format!("warning: {told}\n{substituted}")),
        ("0", substituted.to_owned()),
        ("00", substituted.to_owned()),
        ("2", format!("{told} (100)")),
        ("3", format!("{told} (100)")),
    ] {
        assert_eq!(
            run(&[("EXECLINE_STRICT", level)], words).0,
            wanted,
            "{level}"
        );
    }
    assert_eq!(run(&[], words).0, format!("warning: {told}\n{substituted}"));
    let shifted = &["-s3", "-c", "p $1 $2 $3 $4 $# $@", "A", "B"][..];
    assert_eq!(
        run(&[], shifted).0,
        format!("warning: {told}\n<p><A><B><><$4><2>")
    );
    assert_all(
        &[("EXECLINE_STRICT", "2")],
        &[
            (&["-S1", "-qc", "p $1"], "<p><>"),
            (
                &["-S1", "-wc", "p"],
                "warning: too few arguments: expecting at least 1 but got 0\n<p>",
            ),
            (&["-S1", "-c", ""], ""),
            (
                &["-S1", "-c", "p }"],
                "unmatched } (line 1, column 3) (100)",
            ),
        ],
    );
    let (text, _) = run(&[], &["-S4294967295", "-c", "p $4294967295"]);
    assert!(text.ends_with("<p><>"), "{text}");
}

#[test]
fn arguments_are_variables() {
    let old = [
        ("#", "9"),
        ("1", "old"),
        ("0", "oz"),
        ("2", "two"),
        ("1:1", "older"),
    ];
    for (words, wanted) in [
        (
            &["-c", "env", "x"][..],
            &[
                ("#:1", "9"),
                ("1:1", "old"),
                ("0:1", "oz"),
                ("2:1", "two"),
                ("1:2", "older"),
                ("#", "1"),
                ("0", "execlineb"),
                ("1", "x"),
            ][..],
        ),
        (
            &["env", "x"],
            &[
                ("#:1", "9"),
                ("1:1", "old"),
                ("0:1", "oz"),
                ("2:1", "two"),
                ("1:2", "older"),
                ("#", "1"),
                ("0", "env"),
                ("1", "x"),
            ],
        ),
        (
            &["-p", "-c", "env", "x"],
            &[
                ("#", "1"),
                ("0", "execlineb"),
                ("2", "two"),
                ("1:1", "older"),
                ("1", "x"),
            ],
        ),
        (&["-P", "-c", "env", "x"], &old),
        (
            &["-Pp", "-c", "env"],
            &[
                ("#", "0"),
                ("1", "old"),
                ("0", "execlineb"),
                ("2", "two"),
                ("1:1", "older"),
            ],
        ),
        // A script of nothing changes nothing.
        (&["-c", "# env", "x"], &old),
    ] {
        assert_eq!(run(&old, words).1, environment(wanted), "{words:?}");
    }
    assert_all(&[], &[(&["-c", "p $1 ${#}", "x"], "<p><$1><${#}>")]);
}

#[test]
fn strictness_is_set() {
    for (words, before, wanted) in [
        (&["-qc", "env"][..], Some("1"), None),
        (&["-wc", "env"], None, Some("1")),
        (&["-Wc", "env"], Some("0"), Some("2")),
        (&["-Wwc", "env"], None, Some("1")),
        (&["-wqc", "env"], None, None),
        (&["-c", "env"], Some("2"), Some("2")),
        (&["-c", "env"], Some("x"), None),
        (&["-c", "env"], Some(""), None),
        (&["-c", ""], Some("x"), Some("x")),
        (&["-wc", "env"], Some("x"), Some("1")),
    ] {
        let variables: Vec<_> = before
            .map(|value| (("EXECLINE_STRICT"), value))
            .into_iter()
            .collect();
        let (text, env) = run(&variables, words);
        assert_eq!(
            env.get(strict::NAME),
            wanted.map(str::as_bytes),
            "{words:?} {before:?}"
        );
        let is_told = before.is_some_and(|it| it.parse::<u8>().is_err()) && words == ["-c", "env"];
        assert_eq!(
            text.contains("invalid EXECLINE_STRICT value, unsetting it"),
            is_told
        );
    }
}

#[test]
fn syntax_errors_tell_where() {
    assert_all(
        &[],
        &[
            (&["-c", "a { b"], "unmatched { (line 1, column 3) (100)"),
            (&["-c", "a\n }"], "unmatched } (line 2, column 2) (100)"),
            (&["-c", "a {"], "syntax error (line 1, column 3) (100)"),
            (
                &["a:{:b"],
                "unmatched { in file a:{:b (line 1, column 3) (100)",
            ),
            (&["a:}"], "unmatched } in file a:} (line 1, column 3) (100)"),
            (
                &["-S2", "a:\""],
                "syntax error in file a:\" (line 1, column 3) (100)",
            ),
        ],
    );
    let deep = format!("x {}{}", "{ ".repeat(10_000), "} ".repeat(10_000));
    let wanted = "unable to exec x: Argument list too long (126)";
    assert_eq!(run(&[], &["-c", &deep]).0, wanted);
    let many = ["-S0", "-c", "x ${@}${@}${@}${@}${@}${@}${@}"];
    let args = ["y"; 20];
    assert_eq!(run(&[], &[&many[..], &args].concat()).0, wanted);
}

#[test]
fn the_rest_is_wrong_usage() {
    assert_all(
        &[],
        &[
            (&[], "usage"),
            (&["-P"], "usage"),
            (&["-c"], "usage"),
            (&["-z", "s"], "usage"),
            (&["-S", "x", "s"], "usage"),
            (&["-S", "-1", "s"], "usage"),
            (&["-S1c", "s"], "usage"),
            (&["-P -W", "s"], "usage"),
            (&["--", "s"], "<s>"),
            (&["-PW", "s"], "<s>"),
            (&["-e", "-Pc", "a"], "<a>"),
            (&["-Pca", "b"], "<a>"),
        ],
    );
}

proptest! {
    #[test]
    fn any_words_and_scripts_are_taken(
        words in any_words(),
        script: Vec<u8>,
        mut env in any_environment(),
    ) {
        if let Ok(invocation) = Invocation::read(words) {
            let _ = invocation.plan(&script, &mut env, &mut Vec::new());
        }
    }
}
