//! Tests of what is in `directives`.

use crate::command::chain::{assert_all, run};

#[test]
fn multisubstitute_does_all_at_once() {
    let variables = [
        ("#", "1"),
        ("0", "zero"),
        ("1", "a"),
        ("A", "q"),
        ("W", "a b"),
    ];
    assert_all(
        &variables,
        &[
            (
                "multisubstitute { define x ${y} define y 2 } echo ${x}",
                "<echo><${y}>",
            ),
            (
                "multisubstitute { importas -u A A importas B A } echo $A $B",
                "<echo><q><q>",
            ),
            (
                "multisubstitute { importas -uS A importas -i B A } echo $A $B",
                "<echo><q><q>",
            ),
            (
                "multisubstitute { importas -s -D \"1 2\" x NOPE } echo $x",
                "<echo><1><2>",
            ),
            ("multisubstitute { importas x NOPE } echo 1 $x", "<echo><1>"),
            (
                "multisubstitute { elglob -d , x g* elglob y no* } echo $x $y",
                "<echo><g1,g 2,><no*>",
            ),
            (
                "multisubstitute { elgetpositionals -P3 define x y } echo $1 $2 $3 ${x}",
                "<echo><a><><><y>",
            ),
            (
                "multisubstitute { elgetpositionals define 2 y } echo $1 $2 $@",
                "<echo><a><y><a>",
            ),
            (
                "multisubstitute { multidefine -r \"a b c\" { x y } } echo ${x} ${y}",
                "<echo><a><b><c>",
            ),
            (
                "multisubstitute { multidefine a { \"\" y } define z \"\" } echo ${y} $z",
                "<echo><><>",
            ),
            (
                "multisubstitute { define -- x y define - z } echo ${x} $-",
                "<echo><y><z>",
            ),
            ("multisubstitute { } echo $x", "<echo><$x>"),
            ("multisubstitute define x y \"\" echo ${x}", "<echo><y>"),
        ],
    );
    assert_eq!(
        run(&variables, "multisubstitute { importas -u x A } echo")
            .env
            .get(b"A"),
        None
    );
    for (directives, wanted) in [
        ("foo a b", "syntax error: unrecognized directive foo (100)"),
        (
            "{ define a b }",
            "syntax error: unrecognized directive  define (100)",
        ),
        (
            "import A",
            "syntax error: unrecognized directive import (100)",
        ),
        ("define a", "syntax error at directive define (100)"),
        ("define -z a b", "syntax error at directive define (100)"),
        ("importas a", "syntax error at directive importas (100)"),
        ("elglob a", "syntax error at directive elglob (100)"),
        (
            "elgetpositionals -z",
            "syntax error at directive elgetpositionals (100)",
        ),
        (
            "elgetpositionals -P",
            "syntax error at directive elgetpositionals (100)",
        ),
        (
            "multidefine a",
            "syntax error at directive multidefine (100)",
        ),
        (
            "multidefine a x y",
            "syntax error at directive multidefine (100)",
        ),
        (
            "define a b define a c",
            "wrong key for directive define (100)",
        ),
        ("define \"\" b", "wrong key for directive define (100)"),
        ("importas \"\" b", "wrong key for directive importas (100)"),
        (
            "define x y importas -i x NOPE",
            "wrong key for directive importas (100)",
        ),
        ("elglob \"\" x", "wrong key for directive elglob (100)"),
        (
            "multidefine \"a b\" { x y x }",
            "wrong key for directive multidefine (100)",
        ),
        (
            "elgetpositionals elgetpositionals",
            "wrong key for directive elgetpositionals (100)",
        ),
        (
            "elgetpositionals define @ y",
            "wrong key for directive define (100)",
        ),
        (
            "elgetpositionals -P 3 define 3 y",
            "wrong key for directive define (100)",
        ),
        (
            "define 3 y elgetpositionals -P 3",
            "wrong key for directive elgetpositionals (100)",
        ),
        ("importas -i a NOPE define x", "NOPE not set (100)"),
        (
            "define -s -d \"\" a 1:a",
            "unable to run directive define: Invalid argument (111)",
        ),
        (
            "multidefine -d \"\" 1 { x }",
            "unable to run directive multidefine: Invalid argument (111)",
        ),
        (
            "elglob a denied",
            "unable to run directive elglob: Permission denied (111)",
        ),
        (
            "multidefine a { }",
            "unknown error with directive multidefine (111)",
        ),
    ] {
        let script = format!("multisubstitute {{ {directives} }} echo");
        let wanted = format!("multisubstitute: fatal: {wanted}");
        assert_eq!(run(&variables, &script).text, wanted, "{directives}");
    }
    assert_all(
        &[],
        &[
            (
                "multisubstitute { elgetpositionals } echo",
                "multisubstitute: fatal: wrong key for directive elgetpositionals (100)",
            ),
            ("multisubstitute", USAGE),
            ("multisubstitute { foo }", USAGE),
            (
                "multisubstitute foo",
                "multisubstitute: fatal: unterminated block (100)",
            ),
        ],
    );
    const USAGE: &str = "multisubstitute: usage: multisubstitute { directives } prog... (100)";
}

#[test]
fn blocks_of_directives_are_counted_on() {
    assert_all(
        &[("EXECLINE_STRICT", "1")],
        &[(
            "multisubstitute { multidefine a \" x\" \" \\ y\" \"\" multidefine a z \"\" } echo $x",
            "multisubstitute: warning: unquoted argument z at block 3 position 0\n<echo><a>",
        )],
    );
}
