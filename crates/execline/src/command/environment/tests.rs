//! Tests of what is in `environment`.

use crate::command::chain::{assert_all, environment, run};

#[test]
fn export_sets_a_variable() {
    assert_all(
        &[],
        &[
            ("export A v importas A A echo $A", "<echo><v>"),
            ("export -- v importas -- x -- echo $x", "<echo><v>"),
            ("export -a v importas -- x -a echo $x", "<echo><v>"),
            ("export \"\" v importas x \"\" echo $x", "<echo><v>"),
            ("export A \"\" importas A A echo $A", "<echo><>"),
            (
                "export = v echo",
                "export: fatal: invalid variable name: = (100)",
            ),
            (
                "export a=b v echo",
                "export: fatal: invalid variable name: a=b (100)",
            ),
            ("export", USAGE),
            ("export A", USAGE),
            ("export A v", USAGE),
            ("export = v", USAGE),
        ],
    );
    const USAGE: &str = "export: usage: export variable value prog... (100)";
}

#[test]
fn unexport_removes_a_variable() {
    assert_all(
        &[("A", "1"), ("-z", "2")],
        &[
            ("unexport A importas A A echo 1 $A", "<echo><1>"),
            ("unexport -z importas x -z echo 1 $x", "<echo><1>"),
            ("unexport NOPE echo", "<echo>"),
            ("unexport \"\" echo", "<echo>"),
            (
                "unexport a=b echo",
                "unexport: fatal: invalid variable name: a=b (100)",
            ),
            ("unexport", USAGE),
            ("unexport A", USAGE),
        ],
    );
    const USAGE: &str = "unexport: usage: unexport variable prog... (100)";
}

#[test]
fn export_array_joins_values() {
    for (script, wanted) in [
        ("export-array v { a \"b c\" \"\" } echo", "1:a,3:b c,0:,"),
        ("export-array -d , v { a \"b,c\" \"\" } echo", "a,b,c,,"),
        ("export-array -d ,; v { a b } echo", "a,b,"),
        ("export-array -d \"\" v { a } echo", "1:a,"),
        ("export-array -d , v a b \"\" echo", "a,b,"),
    ] {
        let ran = run(&[], script);
        assert_eq!(ran.text, "<echo>", "{script}");
        assert_eq!(ran.env.get(b"v"), Some(wanted.as_bytes()), "{script}");
    }
    assert_all(
        &[],
        &[
            (
                "export-array v { } echo",
                "export-array: fatal: empty block (100)",
            ),
            (
                "export-array v { }",
                "export-array: fatal: empty block (100)",
            ),
            (
                "export-array v a",
                "export-array: fatal: unterminated block (100)",
            ),
            (
                "export-array a= { } b",
                "export-array: fatal: invalid variable name: a= (100)",
            ),
            ("export-array v { a }", USAGE),
            ("export-array v", USAGE),
            ("export-array", USAGE),
            ("export-array -0 v { a } echo", USAGE),
        ],
    );
    assert_all(
        &[("EXECLINE_STRICT", "1")],
        &[(
            "export-array v a \"\" echo",
            "export-array: warning: unquoted argument a at block 1 position 0\n<echo>",
        )],
    );
    const USAGE: &str =
        "export-array: usage: export-array [ -d delim ] variable { value-list } prog... (100)";
}

/// Variables whose values are their names.
fn emptied(options: &str, names: &[&str]) -> Vec<String> {
    let variables: Vec<_> = names.iter().map(|name| (*name, *name)).collect();
    let ran = run(&variables, &format!("emptyenv {options} echo"));
    assert_eq!(ran.text, "<echo>", "{options}");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    ran.env
        .iter()
        .map(|(name, value)| {
            if name == value {
                text(name)
            } else {
                format!("{}<{}", text(name), text(value))
            }
        })
        .collect()
}

#[test]
fn emptyenv_empties() {
    let names = [
        "A",
        "PATH",
        "1",
        "LD_LIBRARY_PATH",
        "1:1",
        "ELGETOPT_a",
        "ELGETOPT_a:1",
    ];
    for (options, wanted) in [
        ("", &[][..]),
        ("-p", &["PATH"]),
        ("-l", &["LD_LIBRARY_PATH"]),
        ("-lp", &["PATH", "LD_LIBRARY_PATH"]),
        ("--keep-path", &["PATH"]),
        ("-p --keep-ld-library-path", &["PATH", "LD_LIBRARY_PATH"]),
        ("--", &[]),
        ("-c", &["A", "PATH", "LD_LIBRARY_PATH", "1:1"]),
        ("-pc", &["A", "PATH", "LD_LIBRARY_PATH", "1:1"]),
        ("-Pc", &["A", "PATH", "LD_LIBRARY_PATH", "1:1"]),
        ("--cleanup", &["A", "PATH", "LD_LIBRARY_PATH", "1:1"]),
        (
            "-o",
            &[
                "A",
                "PATH",
                "1",
                "LD_LIBRARY_PATH",
                "1:1",
                "ELGETOPT_a<ELGETOPT_a:1",
            ],
        ),
        (
            "-po",
            &[
                "A",
                "PATH",
                "1",
                "LD_LIBRARY_PATH",
                "1:1",
                "ELGETOPT_a<ELGETOPT_a:1",
            ],
        ),
        (
            "-P",
            &[
                "A",
                "PATH",
                "LD_LIBRARY_PATH",
                "1<1:1",
                "ELGETOPT_a",
                "ELGETOPT_a:1",
            ],
        ),
        (
            "-oP",
            &[
                "A",
                "PATH",
                "LD_LIBRARY_PATH",
                "1<1:1",
                "ELGETOPT_a<ELGETOPT_a:1",
            ],
        ),
    ] {
        assert_eq!(emptied(options, &names), wanted, "{options}");
    }
    assert_all(
        &[],
        &[
            ("emptyenv", USAGE),
            ("emptyenv -p", USAGE),
            (
                "emptyenv -z echo",
                "emptyenv: fatal: unrecognized short option: z (100)",
            ),
            (
                "emptyenv -pz echo",
                "emptyenv: fatal: unrecognized short option: z (100)",
            ),
            (
                "emptyenv --no echo",
                "emptyenv: fatal: unrecognized boolean option: --no (100)",
            ),
            (
                "emptyenv --keep-path=3 echo",
                "emptyenv: fatal: unrecognized option with argument: --keep-path=3 (100)",
            ),
            ("emptyenv - a", "<-><a>"),
            ("emptyenv -- -x", "<-x>"),
        ],
    );
    const USAGE: &str = "emptyenv: usage: emptyenv [ -p | -l | -c | -o | -P ] prog... (100)";
}

#[test]
fn emptyenv_knows_what_is_execlines() {
    let removed = [
        "#",
        "0",
        "1",
        "10",
        "ELGETOPT_a",
        "ELGETOPT_",
        "ELGETOPT_a:1",
        "FD0",
        "FD12",
        "FD01",
        "!",
        "?",
        "EXECLINE_STRICT",
    ];
    let kept = [
        "##",
        "#:1",
        "0x",
        "01",
        "00",
        "0:1",
        "1:2",
        "1a",
        "1:2:3",
        "4294967296",
        "ELGETOPT",
        "FD",
        "FDx",
        "FD1x",
        "FD3:1",
        "!x",
        "?:1",
        "EXECLINE_STRICTx",
        "A",
        "SIGNAL",
    ];
    assert_eq!(emptied("-c", &[&removed[..], &kept[..]].concat()), kept);
}

#[test]
fn emptyenv_pops_what_was_pushed() {
    let names = [
        "#", "##", "#:1", "0", "0:1", "1", "1:2", "1:2:3", "1:0", "2:x", "3:", "A", "A:1", "FD0",
    ];
    assert_eq!(
        emptied("-P", &names),
        [
            "#<#:1", "0<0:1", "1:1<1:2", "1:2:3", "1:0", "2:x", "3:", "A", "A:1", "FD0"
        ]
    );
    let options = [
        "ELGETOPT_a",
        "ELGETOPT_a:1",
        "ELGETOPT_b:2",
        "ELGETOPT_",
        "ELGETOPT",
    ];
    assert_eq!(
        emptied("-o", &options),
        [
            "ELGETOPT_a<ELGETOPT_a:1",
            "ELGETOPT_b:1<ELGETOPT_b:2",
            "ELGETOPT"
        ]
    );
    assert_eq!(run(&[], "emptyenv echo").env, environment(&[]));
}
