//! Tests of what is in `substitute`.

use crate::command::chain::{assert_all, run};

#[test]
fn define_puts_a_value_in() {
    assert_all(
        &[],
        &[
            ("define x v echo $xy ${x}y $x\\ y", "<echo><$xy><vy><$x y>"),
            (
                "define x \"a b\" echo $x ${x}y z$x",
                "<echo><a b><a by><za b>",
            ),
            ("define a { x y } echo $a", "< y><><echo>< x>"),
            ("define x ${y} define y 2 echo ${x}", "<echo><2>"),
            ("define x \"\\$y\" define y 3 echo $x", "<echo><3>"),
            (
                "define x \"a\\\\${y}\" define y 2 echo ${x}",
                "<echo><a${y}>",
            ),
            ("define x - echo $x", "<echo><->"),
            ("define x -s echo $x", "<echo><-s>"),
            ("define -s -- x \"a b\" echo $x", "<echo><a><b>"),
            ("define -sd a x bacad echo $x", "<echo><b><c><d>"),
            ("define -ns -d: x a:b echo $x", "<echo><a>"),
            (
                "define -s x \"a b\" define -s y \"1 2\" echo ${x}-${y}",
                "<echo><a-1><a-2><b-1><b-2>",
            ),
            (
                "define x v echo { $x { $x } } $x",
                "<echo>< v><  v>< ><><v>",
            ),
            ("define -s x \"a b\" echo { $x }", "<echo>< a>< b><>"),
            ("define x v", ""),
            ("define -s x \"\" $x", ""),
            ("define a$ y echo $a$ ${a$}", "<echo><$a$><${a$}>"),
            (
                "define \"\" y echo",
                "define: fatal: bad substitution key (111)",
            ),
            (
                "define -s -d \"\" \"\" 1 echo",
                "define: fatal: bad substitution key (111)",
            ),
            (
                "define -s -d \"\" x 1:a echo",
                "define: fatal: unable to complete exlsn function: Invalid argument (111)",
            ),
            ("define x", USAGE),
            ("define", USAGE),
            ("define -z x y", USAGE),
            ("define --long x y", USAGE),
            ("define -d", USAGE),
        ],
    );
    const USAGE: &str = "define: usage: define [ -N | -n ] [ -s ] [ -C | -c ] [ -d delim ] \
                         key value prog... (100)";
}

#[test]
fn importas_takes_a_variable() {
    assert_all(
        &[("A", "q"), ("E", ""), ("W", "a b"), ("N", "1:a")],
        &[
            ("importas x A echo $x", "<echo><q>"),
            ("importas x NOPE echo pre${x}post end", "<echo><end>"),
            ("importas A NOPE $A", ""),
            (
                "importas -D dflt x NOPE echo [${x}] end",
                "<echo><[dflt]><end>",
            ),
            (
                "importas -s -D \"a b\" x NOPE echo [${x}] end",
                "<echo><[a]><[b]><end>",
            ),
            ("importas -s -n -D \"a b\" x NOPE echo $x", "<echo><a>"),
            ("importas -D \"\" x NOPE echo $x", "<echo><>"),
            ("importas -D d x E echo $x", "<echo><>"),
            ("importas -s E E echo [${E}] end", "<echo><end>"),
            (
                "importas -i x NOPE echo",
                "importas: fatal: NOPE not set (100)",
            ),
            (
                "importas -i -D d x NOPE echo",
                "importas: fatal: NOPE not set (100)",
            ),
            (
                "importas -ui x NOPE echo",
                "importas: fatal: NOPE not set (100)",
            ),
            (
                "importas -i x A=q echo",
                "importas: fatal: A=q not set (100)",
            ),
            ("importas -u A A importas B A echo ${A} 2${B}", "<echo><q>"),
            ("importas -u x NOPE echo 1", "<echo><1>"),
            ("importas -S A echo $A", "<echo><q>"),
            ("importas -S A", ""),
            ("importas -Ss W echo $W", "<echo><a><b>"),
            ("importas x A", ""),
            (
                "importas \"\" A echo",
                "importas: fatal: bad substitution key (111)",
            ),
            (
                "importas -i \"\" NOPE",
                "importas: fatal: bad substitution key (111)",
            ),
            (
                "importas -s -d \"\" x N echo",
                "importas: fatal: unable to complete exlsn function: Invalid argument (111)",
            ),
            ("import A echo $A", "<echo><q>"),
            ("import -u A import A echo 1$A", "<echo><1q>"),
            ("import -D d NOPE echo $NOPE", "<echo><d>"),
            ("import -i NOPE echo", "import: fatal: NOPE not set (100)"),
        ],
    );
    for script in [
        "importas",
        "importas A",
        "importas -S",
        "importas -q A A",
        "import",
    ] {
        let text = run(&[], script).text;
        assert!(text.contains(": usage: import"), "{text}");
    }
    assert_eq!(
        run(&[("A", "q")], "importas -u A A echo").env.get(b"A"),
        None
    );
    assert_eq!(
        run(&[("A", "q")], "importas -u \"\" A echo").env.get(b"A"),
        Some(&b"q"[..])
    );
}

#[test]
fn multidefine_cuts_a_value() {
    assert_all(
        &[],
        &[
            ("multidefine \"a b c d\" { x y } echo $x $y", "<echo><a><b>"),
            (
                "multidefine -r \"a b c d\" { x y } echo ${x} [${y}]",
                "<echo><a><[b]><[c]><[d]>",
            ),
            ("multidefine a { x y } echo ${x} [${y}]", "<echo><a><[]>"),
            ("multidefine -0 a { x y } echo ${x} [${y}]", "<echo><a>"),
            (
                "multidefine -d: a:b:c { x \"\" z } echo $x $z",
                "<echo><a><c>",
            ),
            (
                "multidefine -r \"a b c\" { \"\" x } echo $x",
                "<echo><b><c>",
            ),
            (
                "multidefine -r \"a b c\" { x \"\" } echo $x",
                "<echo><a><b>",
            ),
            (
                "multidefine -r \"a b c d\" { x \"\" y \"\" } echo $x ${y}",
                "<echo><a><c>",
            ),
            ("multidefine -r \"a b c d\" { \"\" } echo $x", "<echo><$x>"),
            ("multidefine -r a { x y } echo 1 $x ${y}", "<echo><1><a><>"),
            ("multidefine -r0 a { x y } echo 1 $x ${y}", "<echo><1><a>"),
            (
                "multidefine -r0 \"a b\" { x y z } echo $x ${y} ${z}",
                "<echo><a><b>",
            ),
            ("multidefine -r \"\" { x } echo 1 $x", "<echo><1><>"),
            (
                "multidefine -d \"\" 1:a,1:b, { x y } echo $x ${y}",
                "<echo><a><b>",
            ),
            ("multidefine -n \"a b\" { x y } echo $x ${y}", "<echo><a><>"),
            (
                "multidefine -C \" a  b \" { x y z } echo $x ${y} $z",
                "<echo><><a><b>",
            ),
            ("multidefine \"a b\" { \"\" \"\" } echo $x", "<echo><$x>"),
            ("multidefine \"a b\" { x }", ""),
            ("multidefine a b \"\" echo $b", "<echo><a>"),
            (
                "multidefine a { } echo",
                "multidefine: fatal: empty block (100)",
            ),
            (
                "multidefine a { x x } echo",
                "multidefine: fatal: bad substitution key (111)",
            ),
            (
                "multidefine -d \"\" 1 { x x } echo",
                "multidefine: fatal: unable to complete exlsn function: Invalid argument (111)",
            ),
            ("multidefine", USAGE),
            ("multidefine a", USAGE),
            ("multidefine a x y", USAGE),
            ("multidefine -s a { x } y", USAGE),
        ],
    );
    assert_all(
        &[("EXECLINE_STRICT", "1")],
        &[(
            "multidefine a b \"\" echo",
            "multidefine: warning: unquoted argument b at block 1 position 0\n<echo>",
        )],
    );
    assert_all(
        &[("EXECLINE_STRICT", "2")],
        &[(
            "multidefine a b \"\" echo",
            "multidefine: fatal: unquoted argument b at block 1 position 0 (100)",
        )],
    );
    const USAGE: &str = "multidefine: usage: multidefine [ -0 ] [ -r ] [ -N | -n ] [ -C | -c ] \
                         [ -d delim ] value { vars... } prog... (100)";
}

#[test]
fn elglob_asks_for_paths() {
    assert_all(
        &[],
        &[
            ("elglob x g* echo $x", "<echo><g1><g 2>"),
            ("elglob x no* echo $x", "<echo><no*>"),
            ("elglob -0 x no* echo 1 $x", "<echo><1>"),
            ("elglob x \"\" echo $x", "<echo><>"),
            ("elglob -d , x g* echo $x", "<echo><g1,g 2,>"),
            ("elglob -n -d ,; x g* echo $x", "<echo><g1,g 2>"),
            ("elglob -n x g* echo $x", "<echo><g1><g 2>"),
            ("elglob -d \"\" -n x g* echo $x", "<echo><2:g1,3:g 2,>"),
            ("elglob -d , x no* echo $x", "<echo><no*,>"),
            ("elglob -nd , x no* echo $x", "<echo><no*>"),
            ("elglob -0d , x no* echo $x", "<echo><>"),
            ("elglob -0nd , x no* echo $x", "<echo><>"),
            ("elglob -d \"\" x no* echo $x", "<echo><3:no*,>"),
            ("elglob -0d \"\" x no* echo $x", "<echo><>"),
            ("elglob x g*", ""),
            (
                "elglob \"\" g* echo",
                "elglob: fatal: bad substitution key (111)",
            ),
            (
                "elglob -w x denied echo",
                "elglob: fatal: unable to complete exlsn function: Permission denied (111)",
            ),
            ("elglob x", USAGE),
            ("elglob -z x g*", USAGE),
        ],
    );
    const USAGE: &str = "elglob: usage: elglob [ -v ] [ -w ] [ -s ] [ -m ] [ -e ] [ -0 ] [ -n ] \
                         [ -d delim ] key pattern prog... (100)";
}

#[test]
fn the_options_of_elglob_reach_the_search() {
    use super::{Found, Glob, elglob};
    use crate::{Environment, Word, Words, command::Scope};
    for (options, wanted) in [
        ("", [false; 5]),
        ("-v", [true, false, false, false, false]),
        ("-w", [false, true, false, false, false]),
        ("-s", [false, false, true, false, false]),
        ("-m", [false, false, false, true, false]),
        ("-e", [false, false, false, false, true]),
        ("-vwsme", [true; 5]),
    ] {
        let search = |glob: &Glob| {
            let Glob {
                pattern,
                verbose,
                strict,
                sorted,
                marks,
                no_escape,
            } = glob;
            assert_eq!(pattern, b"p");
            assert_eq!(
                [*verbose, *strict, *sorted, *marks, *no_escape],
                wanted,
                "{options}"
            );
            Ok(Words::new())
        };
        let mut scope = Scope {
            env: &mut Environment::default(),
            warnings: &mut Vec::new(),
            glob: &search,
        };
        let words = [options, "x", "p"].map(Word::from).into_iter();
        let mut args = scope.args(words.filter(|word| !word.is_empty()).collect());
        elglob(&mut args, &mut Found::default(), &mut scope).unwrap();
    }
}

#[test]
fn elgetpositionals_takes_the_frame() {
    let frame = [
        ("#", "2"),
        ("0", "zero"),
        ("1", "a"),
        ("2", "b"),
        ("3", "old"),
    ];
    assert_all(
        &frame,
        &[
            (
                "elgetpositionals echo $# $0 $1 $2 $3 $@",
                "<echo><2><zero><a><b><$3><a><b>",
            ),
            (
                "elgetpositionals -P3 echo $# $2 $3 $4 $@",
                "<echo><2><b><><$4><a><b>",
            ),
            ("elgetpositionals -P 1 echo $2 $3", "<echo><b><$3>"),
            ("elgetpositionals -P4000000000 echo $4000000000", "<echo><>"),
            ("elgetpositionals echo { $@ }", "<echo>< a>< b><>"),
            ("elgetpositionals", ""),
            ("elgetpositionals -P x echo", USAGE),
            ("elgetpositionals -P -1 echo", USAGE),
            ("unexport 1 elgetpositionals echo", BAD),
            ("unexport 0 elgetpositionals echo", BAD),
            ("unexport 2 elgetpositionals -P 2 echo", BAD),
            ("export \"#\" x elgetpositionals echo", BAD),
            ("export \"#\" \"\" elgetpositionals echo", BAD),
            ("export \"#\" 4294967295 elgetpositionals echo", BAD),
            (
                "export \"#\" 01 elgetpositionals echo $# $1 $2",
                "<echo><01><a><$2>",
            ),
            (
                "export \"#\" 0 elgetpositionals echo $# $1 $@",
                "<echo><0><$1>",
            ),
        ],
    );
    assert_eq!(run(&[], "elgetpositionals echo").text, BAD);
    let told = "too few arguments: expected at least 3 but got 2";
    for (level, wanted) in [
        ("0", "<echo><>".to_owned()),
        ("1", format!("elgetpositionals: warning: {told}\n<echo><>")),
        ("2", format!("elgetpositionals: fatal: {told} (100)")),
    ] {
        let variables = [&frame[..], &[("EXECLINE_STRICT", level)]].concat();
        let ran = run(&variables, "elgetpositionals -P3 echo $3");
        assert_eq!(ran.text, wanted);
    }
    const BAD: &str = "elgetpositionals: fatal: bad substitution key (111)";
    const USAGE: &str = "elgetpositionals: usage: elgetpositionals [ -P num ] prog... (100)";
}
