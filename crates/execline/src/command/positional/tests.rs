//! Tests of what is in `positional`.

use crate::command::chain::{assert_all, run};
use crate::{Step, Word};

/// The positional variables and those of `elgetopt` after a script.
fn frame(variables: &[(&str, &str)], script: &str) -> String {
    let ran = run(variables, script);
    assert!(ran.text.ends_with("<echo>"), "{script}: {}", ran.text);
    let mut frame: Vec<String> = ran
        .env
        .iter()
        .map(|(name, value)| {
            let text = [name, b"=", value].concat();
            String::from_utf8(text).unwrap()
        })
        .filter(|variable| !variable.starts_with("EXECLINE_STRICT"))
        .collect();
    frame.sort();
    frame.join(",")
}

/// A frame of these arguments.
fn of<'a>(args: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    const NAMES: [&str; 13] = [
        "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12",
    ];
    let mut frame = vec![("#", NAMES[args.len()]), ("0", "z")];
    frame.extend(NAMES.iter().skip(1).copied().zip(args.iter().copied()));
    frame
}

#[test]
fn dollarat_prints_the_arguments() {
    for (script, wanted) in [
        ("dollarat", "a\nb c\n\n"),
        ("dollarat -n", "a\nb c\n"),
        ("dollarat -0", "a\0b c\0\0"),
        ("dollarat -0n", "a\0b c\0"),
        ("dollarat -d xy", "axb cxx"),
        ("dollarat -d \"\"", "1:a,3:b c,0:,"),
        ("dollarat -n -d \"\"", "1:a,3:b c,0:,"),
        ("dollarat -0 -d \"\"", "1:a,3:b c,0:,"),
        ("dollarat -d \"\" -0", "a\0b c\0\0"),
        ("dollarat ignored", "a\nb c\n\n"),
        ("export \"#\" 1 dollarat", "a\n"),
        ("export \"#\" 0 dollarat", ""),
        ("export \"#\" 0 dollarat -n", ""),
    ] {
        let wanted = Step::Print(Word::from(wanted), 0);
        let text = run(&of(&["a", "b c", ""]), script).text;
        assert_eq!(text, format!("{wanted:?}"), "{script}");
    }
    assert_all(
        &of(&["a"]),
        &[
            (
                "unexport \"#\" dollarat",
                "dollarat: fatal: # not set (100)",
            ),
            ("unexport 1 dollarat", "dollarat: fatal: 1 not set (100)"),
            (
                "export \"#\" 4294967295 dollarat",
                "dollarat: fatal: 2 not set (100)",
            ),
            (
                "export \"#\" x dollarat",
                "dollarat: fatal: invalid $# (100)",
            ),
            (
                "export \"#\" \"\" dollarat",
                "dollarat: fatal: invalid $# (100)",
            ),
            (
                "export \"#\" 4294967296 dollarat",
                "dollarat: fatal: invalid $# (100)",
            ),
            (
                "dollarat -z",
                "dollarat: usage: dollarat [ -n ] [ -0 | -d delimchar ] (100)",
            ),
        ],
    );
}

#[test]
fn elgetopt_takes_options_off() {
    for (options, args, wanted) in [
        (
            "ab:",
            &["-abX", "p", "q"][..],
            "#=2,0=z,1=p,2=q,ELGETOPT_a=1,ELGETOPT_b=X",
        ),
        (
            "ab:",
            &["-a", "-b", "X", "p"],
            "#=1,0=z,1=p,ELGETOPT_a=1,ELGETOPT_b=X",
        ),
        (
            "ab:",
            &["-a", "--", "-b", "X"],
            "#=2,0=z,1=-b,2=X,ELGETOPT_a=1",
        ),
        ("ab:", &["-a", "-", "-b"], "#=2,0=z,1=-,2=-b,ELGETOPT_a=1"),
        ("ab:", &["p", "-a"], "#=2,0=z,1=p,2=-a"),
        (
            "ab:",
            &["-a", "-a", "-b", "1", "-b2"],
            "#=0,0=z,ELGETOPT_a=1,ELGETOPT_b=2",
        ),
        ("ab:", &["-b", ""], "#=0,0=z,ELGETOPT_b="),
        ("ab:", &[], "#=0,0=z"),
        (
            "-D def ab:",
            &["-a", "-b", "1"],
            "#=0,0=z,ELGETOPT_a=def,ELGETOPT_b=1",
        ),
        ("-D \"\" ab:", &["-a"], "#=0,0=z,ELGETOPT_a="),
        (
            "ab::c",
            &["-b", "x", "-c"],
            "#=0,0=z,ELGETOPT_b=x,ELGETOPT_c=1",
        ),
        ("\"\"", &["x", "-c"], "#=2,0=z,1=x,2=-c"),
        ("=a", &["-="], "#=0,0=z,ELGETOPT_==1"),
        ("-- -a", &["--", "x"], "#=1,0=z,1=x"),
        (":ab:", &["-b"], "#=0,0=z,ELGETOPT_:=1"),
    ] {
        let script = format!("elgetopt {options} echo");
        assert_eq!(frame(&of(args), &script), wanted, "{options} {args:?}");
    }
    for (options, args, wanted) in [
        ("ab:", &["-b"][..], "z: option requires an argument (1)"),
        ("ab:", &["-z"], "z: illegal option (1)"),
        ("ab:", &["-az"], "z: illegal option (1)"),
        (":ab:", &["-z"], "z: illegal option (1)"),
        ("ab", &["--all"], "z: illegal option (1)"),
        ("ab:", &["-:"], "z: illegal option (1)"),
        ("a?", &["-?"], "z: illegal option (1)"),
        ("a", &["-a="], "z: illegal option (1)"),
    ] {
        let script = format!("elgetopt {options} echo");
        assert_eq!(run(&of(args), &script).text, wanted, "{options} {args:?}");
    }
    assert_all(
        &of(&["x"]),
        &[
            (
                "export 0 \"\" export 1 -z elgetopt a echo",
                ": illegal option (1)",
            ),
            (
                "unexport \"#\" elgetopt a echo",
                "elgetopt: fatal: # not set (100)",
            ),
            (
                "unexport 0 elgetopt a echo",
                "elgetopt: fatal: 0 not set (100)",
            ),
            (
                "unexport 1 elgetopt a echo",
                "elgetopt: fatal: 1 not set (100)",
            ),
            (
                "export \"#\" x elgetopt a echo",
                "elgetopt: fatal: invalid $# (100)",
            ),
            (
                "export \"#\" 5 elgetopt a echo",
                "elgetopt: fatal: 2 not set (100)",
            ),
            ("elgetopt a", USAGE),
            ("elgetopt", USAGE),
            ("elgetopt -z a b", USAGE),
        ],
    );
    const USAGE: &str = "elgetopt: usage: elgetopt [ -D default ] optstring prog... (100)";
}

#[test]
fn elgetopt_saves_what_was_there() {
    let variables = [
        ("#", "2"),
        ("0", "z"),
        ("1", "-b"),
        ("2", "1"),
        ("3", "beyond"),
        ("ELGETOPT_a", "old"),
        ("ELGETOPT_a:1", "older"),
    ];
    assert_eq!(
        frame(&variables, "elgetopt ab: echo"),
        "#=0,0=z,3=beyond,ELGETOPT_a:1=old,ELGETOPT_a:2=older,ELGETOPT_b=1"
    );
}

#[test]
fn shift_drops_arguments() {
    let frame_of = of(&["a", "b", "c"]);
    for (script, wanted) in [
        ("shift echo", "#=2,0=z,1=b,2=c"),
        ("shift -n 2 echo", "#=1,0=z,1=c"),
        ("shift -n 3 echo", "#=0,0=z"),
        ("shift -n 4 echo", "#=0,0=z"),
        ("shift -n 4294967295 echo", "#=0,0=z"),
        ("shift -n 0 echo", "#=3,0=z,1=a,2=b,3=c"),
        ("shift -b 0 echo", "#=3,0=z,1=a,2=b,3=c"),
        ("export \"#\" 1 shift echo", "#=0,0=z,2=b,3=c"),
        ("export \"#\" 4 shift echo", "#=3,0=z,1=b,2=c"),
        ("unexport 1 shift echo", "#=2,0=z,1=b,2=c"),
        ("unexport 2 shift echo", "#=2,0=z,2=c"),
        ("unexport 0 shift echo", "#=2,1=b,2=c"),
        ("export EXECLINE_STRICT 0 shift -n 4 echo", "#=0,0=z"),
    ] {
        assert_eq!(frame(&frame_of, script), wanted, "{script}");
    }
    let blocks = of(&["x", " a", " b", "", "c", "d", "", "e"]);
    for (script, wanted) in [
        ("shift -b 1 echo", "#=4,0=z,1=c,2=d,3=,4=e"),
        ("shift -b 1 -n 1 echo", "#=4,0=z,1=c,2=d,3=,4=e"),
        ("shift -b 2 -n 1 echo", "#=1,0=z,1=e"),
        ("shift -b 2 echo", "#=1,0=z,1=e"),
        ("shift -n 3 -b 1 echo", "#=4,0=z,1=c,2=d,3=,4=e"),
    ] {
        assert_eq!(frame(&blocks, script), wanted, "{script}");
    }
    assert_all(
        &blocks,
        &[
            (
                "shift -b 3 echo",
                "shift: fatal: unable to shift block : too few arguments (2) (100)",
            ),
            (
                "shift -n 9 -b 2 echo",
                "shift: fatal: unable to shift block : too few arguments (0) (100)",
            ),
            (
                "unexport 2 shift -b 1 echo",
                "shift: fatal: 2 not set (100)",
            ),
            ("unexport \"#\" shift echo", "shift: fatal: # not set (100)"),
            (
                "export \"#\" x shift echo",
                "shift: fatal: invalid $# (100)",
            ),
            ("shift", USAGE),
            ("shift -n 1", USAGE),
            ("shift -n x echo", USAGE),
            ("shift -b x echo", USAGE),
            ("shift -n -1 echo", USAGE),
        ],
    );
    const USAGE: &str = "shift: usage: shift [ -n arg# ] [ -b block# ] prog... (100)";
}

#[test]
fn shift_may_be_strict() {
    for (level, args, script, wanted) in [
        (
            "1",
            &["a"][..],
            "shift -n 2 echo",
            "shift: warning: unable to shift 2 arguments: got 1\n<echo>",
        ),
        (
            "2",
            &["a"],
            "shift -n 2 echo",
            "shift: fatal: unable to shift 2 arguments: got 1 (100)",
        ),
        (
            "2",
            &[],
            "shift echo",
            "shift: fatal: unable to shift 1 arguments: got 0 (100)",
        ),
        (
            "1",
            &["a", "b", ""],
            "shift -b 1 echo",
            "shift: warning: unquoted positional a at block 0 position 1\n\
             shift: warning: unquoted positional b at block 0 position 1\n<echo>",
        ),
        (
            "2",
            &[" a", "", "b", ""],
            "shift -b 2 echo",
            "shift: fatal: unquoted positional b at block 1 position 1 (100)",
        ),
    ] {
        let mut variables = of(args);
        variables.push(("EXECLINE_STRICT", level));
        assert_eq!(run(&variables, script).text, wanted, "{level} {script}");
    }
}

#[test]
fn runblock_runs_a_block_of_the_arguments() {
    let two = of(&[
        " echo", " a", "", " print", " <%s>", "  x", " ", "", "rest", "",
    ]);
    assert_all(
        &two,
        &[
            ("runblock 1", "<echo><a>"),
            ("runblock 2", "<print><<%s>>< x><>"),
            ("runblock -r 1", "< print>< <%s>><  x>< ><><rest><>"),
            ("runblock 1 pre fix", "<pre><fix><echo><a>"),
            ("runblock 3", "<rest>"),
            ("runblock 4", "runblock: fatal: too few arguments (100)"),
            ("runblock -r 2 printf", "<printf><rest><>"),
            (
                "runblock -r 0 printf",
                "<printf>< echo>< a><>< print>< <%s>><  x>< ><><rest><>",
            ),
            ("runblock -n 1 1", "<a>"),
            ("runblock -n 8 1", "<rest>"),
            (
                "runblock -n 10 1",
                "runblock: fatal: too few arguments (100)",
            ),
            ("runblock -n 10 -r 0", ""),
            ("runblock -n 4294967295 -r 0", ""),
            ("runblock -n 11 -r 0 x", ""),
            ("runblock -n 9 -r 0 x", "<x><>"),
            ("unexport 2 runblock 1", "runblock: fatal: 2 not set (100)"),
            (
                "unexport 9 runblock -r 1",
                "runblock: fatal: 9 not set (100)",
            ),
            (
                "unexport \"#\" runblock 1",
                "runblock: fatal: # not set (100)",
            ),
            (
                "export \"#\" x runblock 1",
                "runblock: fatal: invalid $# (100)",
            ),
            (
                "export \"#\" 2 runblock 1",
                "runblock: fatal: too few arguments (100)",
            ),
            ("export \"#\" 2 export 1 \"\" runblock 1", ""),
            ("runblock 0", USAGE),
            ("runblock x", USAGE),
            ("runblock", USAGE),
            ("runblock -n x 1", USAGE),
            ("runblock -z 1", USAGE),
        ],
    );
    const USAGE: &str = "runblock: usage: runblock [ -P ] [ -n argshift ] [ -r ] n cmd... (100)";
}

#[test]
fn runblock_pops_the_frame() {
    let variables = [
        ("#", "2"),
        ("0", "z"),
        ("1", " echo"),
        ("2", ""),
        ("1:1", "old"),
        ("A", "x"),
    ];
    for (script, wanted) in [
        ("runblock 1", "1=old,A=x"),
        ("runblock -P 1", "#=2,0=z,1:1=old,1= echo,2=,A=x"),
    ] {
        assert_eq!(frame(&variables, script), wanted, "{script}");
    }
}

#[test]
fn runblock_may_be_strict() {
    let mut variables = of(&["x", "", "a", " b", "c", ""]);
    variables.push(("EXECLINE_STRICT", "1"));
    assert_eq!(
        run(&variables, "runblock 2").text,
        "runblock: warning: unquoted positional x at block 1 position 1\n\
         runblock: warning: unquoted positional a at block 2 position 1\n\
         runblock: warning: unquoted positional c at block 2 position 3\n<a><b><c>"
    );
    variables.pop();
    variables.push(("EXECLINE_STRICT", "2"));
    assert_eq!(
        run(&variables, "runblock 2").text,
        "runblock: fatal: unquoted positional x at block 1 position 1 (100)"
    );
}
