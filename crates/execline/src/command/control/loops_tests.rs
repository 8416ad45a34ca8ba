//! Tests of what is in `loops`.

use super::*;
use crate::command::capture::Splitter;
use crate::command::testing::{env, list, not_spawned, said, step};

fn a_loop(source: Source, body: &[&str]) -> Loop {
    Loop {
        source,
        at_once: None,
        breaks: Breaks::default(),
        var: b"i".to_vec(),
        autoimport: false,
        body: list(body),
    }
}

fn breaks(codes: &[u8], inverted: bool) -> Breaks {
    Breaks {
        codes: codes.to_vec(),
        inverted,
    }
}

#[test]
fn loops_have_values_and_codes_that_end_them() {
    let values = || Source::Values(list(&["a", "b"]));
    let plain = a_loop(values(), &["c"]);
    for (options, wanted) in [
        ("", plain.clone()),
        (
            "-E",
            Loop {
                autoimport: true,
                ..plain.clone()
            },
        ),
        ("-Ee", plain.clone()),
        (
            "-p",
            Loop {
                at_once: Some(10_000),
                ..plain.clone()
            },
        ),
        (
            "-P 4",
            Loop {
                at_once: Some(4),
                ..plain.clone()
            },
        ),
        ("-P 0", plain.clone()),
        ("-pP1", plain.clone()),
        (
            "-p -x 1",
            Loop {
                at_once: Some(10_000),
                ..plain.clone()
            },
        ),
        (
            "-x 1,137",
            Loop {
                breaks: breaks(&[1, 137], false),
                ..plain.clone()
            },
        ),
        (
            "-o 0,1",
            Loop {
                breaks: breaks(&[0, 1], true),
                ..plain.clone()
            },
        ),
        (
            "-x 1 -o 2",
            Loop {
                breaks: breaks(&[2], true),
                ..plain.clone()
            },
        ),
        (
            "-o 2 -x 1",
            Loop {
                breaks: breaks(&[1], false),
                ..plain.clone()
            },
        ),
        (
            "-x 3 -x 1",
            Loop {
                breaks: breaks(&[1], false),
                ..plain.clone()
            },
        ),
    ] {
        let script = format!("forx {options} i {{ a b }} c");
        assert_eq!(step(&script), Step::Loop(wanted), "{script}");
    }
    assert_eq!(step("forx i { a b }"), Step::Become(list(&[])));
    let none = a_loop(Source::Values(list(&[])), &["c"]);
    assert_eq!(step("forx i { } c"), Step::Loop(none));
}

#[test]
fn loops_that_read_have_a_splitter() {
    use crate::command::capture::Separation;

    let how = |delimiters: &str, keeps_delimiters, skips_empty| Separation {
        delimiters: delimiters.into(),
        keeps_delimiters,
        skips_empty,
    };
    for (options, separation) in [
        ("", how("\n", false, false)),
        ("-N", how("\n", true, false)),
        ("-Nn", how("\n", false, false)),
        ("-C", how("\n", false, true)),
        ("-Cc", how("\n", false, false)),
        ("-0", how("\0", false, false)),
        ("-d \" :\"", how(" :", false, false)),
        ("-d \"\"", how("", false, false)),
        ("-0 -d :", how(":", false, false)),
        ("-d : -0", how("\0", false, false)),
    ] {
        let splitter = Splitter::new(separation);
        let script = format!("forstdin {options} i c d");
        let wanted = a_loop(Source::Input(splitter.clone()), &["c", "d"]);
        assert_eq!(step(&script), Step::Loop(wanted), "{script}");
        let script = format!("forbacktickx {options} i {{ a b }} c d");
        let source = Source::Output(list(&["a", "b"]), splitter);
        assert_eq!(
            step(&script),
            Step::Loop(a_loop(source, &["c", "d"])),
            "{script}"
        );
    }
}

#[test]
fn the_child_of_a_loop_gets_the_value() {
    for (options, words) in [
        ("", &["c", "$i"][..]),
        ("-E", &["importas", "-ui", "--", "i", "i", "c", "$i"]),
    ] {
        let Step::Loop(it) = step(&format!("forx {options} i {{ a }} c $i")) else {
            panic!();
        };
        let child = it.child(&env(&[("A", "1"), ("i", "2")]), b"v");
        assert_eq!(child, (list(words), env(&[("A", "1"), ("i", "v")])));
    }
}

#[test]
fn codes_end_loops() {
    for (it, ended, wanted) in [
        (breaks(&[], false), Ended::Code(0), None),
        (breaks(&[], false), Ended::Signal(9), None),
        (breaks(&[], true), Ended::Code(0), Some(0)),
        (breaks(&[2], false), Ended::Code(2), Some(2)),
        (breaks(&[2], false), Ended::Code(1), None),
        (breaks(&[1], true), Ended::Code(1), None),
        (breaks(&[1], true), Ended::Code(2), Some(2)),
        (breaks(&[137], false), Ended::Signal(9), Some(137)),
        (breaks(&[200], false), Ended::Code(200), None),
        (breaks(&[128], false), Ended::Code(200), Some(128)),
    ] {
        assert_eq!(it.breaks(ended), wanted, "{it:?} {ended:?}");
    }
}

#[test]
fn loopwhilex_goes_on_as_it_is_told() {
    for (options, wanted) in [
        ("", breaks(&[0], true)),
        ("-n", breaks(&[0], false)),
        ("-x 3", breaks(&[3], false)),
        ("-o 0,1", breaks(&[0, 1], true)),
        ("-n -x 3", breaks(&[3], true)),
        ("-o 0 -n", breaks(&[0], false)),
        ("-x 256", breaks(&[], false)),
    ] {
        let wanted = LoopWhile {
            body: list(&["a", " b", ""]),
            breaks: wanted,
        };
        let script = format!("loopwhilex {options} a {{ b }}");
        assert_eq!(step(&script), Step::LoopWhile(wanted), "{script}");
    }
    let Step::LoopWhile(it) = step("loopwhilex { a }") else {
        panic!();
    };
    let fault = it.not_spawned(not_spawned(" a", true));
    assert_eq!(
        said(&fault),
        "111 unable to spawn  a: name begins with a space, are you trying to spawn a block as your loop body?"
    );
    let fault = it.not_spawned(not_spawned("a", true));
    assert_eq!(
        said(&fault),
        "111 unable to spawn a: No such file or directory"
    );
}
