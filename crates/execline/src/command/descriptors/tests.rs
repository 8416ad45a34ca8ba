//! Tests of what is in `descriptors`.

use super::*;
use crate::command::testing::{list, refusal, refusal_of, said, step};
use crate::step::{Open, OpenFlags, Redirect, Target};

#[test]
fn descriptors_are_changed() {
    let moves = |to, from, copy| Descriptors::Move { to, from, copy };
    for (script, wanted) in [
        ("fdmove 1 99 a b", moves(1, 99, false)),
        ("fdmove -c 1 99 a b", moves(1, 99, true)),
        ("fdmove 4294967295 0 a b", moves(i32::MAX, 0, false)),
        ("fdclose 77 a b", Descriptors::Close(77)),
        ("fdblock 3 a b", Descriptors::Block(3, true)),
        ("fdblock -n 3 a b", Descriptors::Block(3, false)),
        ("fdswap 1 2 a b", Descriptors::Swap(1, 2)),
        ("fdreserve 3 a b", Descriptors::Reserve(3)),
        ("fdreserve 0 a b", Descriptors::Reserve(0)),
        ("piperw 5 6 a b", Descriptors::Pipe { read: 5, write: 6 }),
    ] {
        let wanted = Step::Descriptors(wanted, list(&["a", "b"]));
        assert_eq!(step(script), wanted, "{script}");
    }
}

#[test]
fn pipes_are_planned() {
    for (script, rest_writes, apart) in [
        ("pipeline { a } b", false, false),
        ("pipeline -w { a } b", true, false),
        ("pipeline -wr { a } b", false, false),
        ("pipeline -dw { a } b", true, true),
    ] {
        let wanted = Step::Pipeline {
            child: list(&["a"]),
            rest_writes,
            apart,
            rest: list(&["b"]),
        };
        assert_eq!(step(script), wanted, "{script}");
    }
    for (script, text, apart) in [
        ("heredoc 5 text b", "text", false),
        ("heredoc -d 5 \"\" b", "", true),
    ] {
        let wanted = Step::Heredoc {
            fd: 5,
            text: text.into(),
            apart,
            rest: list(&["b"]),
        };
        assert_eq!(step(script), wanted, "{script}");
    }
}

#[test]
fn wrong_usage_is_refused() {
    for (words, text) in [
        ("fdmove 1 2", "usage"),
        ("fdmove 1", "usage"),
        ("fdmove a 1 b", "usage"),
        ("fdmove -1 1 b", "usage"),
        ("fdmove 4294967296 1 b", "usage"),
        ("fdmove -z 1 2 b", "usage"),
        ("fdclose 1", "usage"),
        ("fdclose", "usage"),
        ("fdclose -1 b", "usage"),
        ("fdblock 1", "usage"),
        ("fdblock -z 1 b", "usage"),
        ("fdswap 1 2", "usage"),
        ("fdswap 1 a b", "usage"),
        ("fdreserve 1", "usage"),
        ("fdreserve a b", "usage"),
        ("fdreserve 4294967296 b", "usage"),
        ("fdreserve 4294967295 b", "100 too many requested fds"),
        ("fdreserve 1048577 b", "100 too many requested fds"),
        ("piperw 1 2", "usage"),
        ("piperw 5 5 b", "usage"),
        ("heredoc 0 a", "usage"),
        ("heredoc a a b", "usage"),
        ("heredoc -1 a b", "usage"),
        ("pipeline", "100 unterminated block"),
        ("pipeline { a }", "100 empty remainder"),
        ("pipeline { } a", "100 empty block"),
        ("pipeline { }", "100 empty block"),
        ("pipeline -x { a } b", "usage"),
        ("redirfd -r 0 f", "usage"),
        ("redirfd -r 0", "usage"),
        ("redirfd -r", "usage"),
        ("redirfd 0 f b", "usage"),
        ("redirfd -nb 0 f b", "usage"),
        ("redirfd -r a f b", "usage"),
        ("redirfd -r \"\" f b", "usage"),
        ("redirfd -r 4294967296 f b", "usage"),
        ("redirfd - 0 f b", "usage"),
        ("redirfd -- -r 0 f b", "usage"),
        ("redirfd --append 0 f b", "usage"),
        ("redirfd -w --no-write 0 f b", "usage"),
        ("redirfd -rz 0 f b", "100 unrecognized short option: z"),
        ("redirfd -r -1 f b", "100 unrecognized short option: 1"),
        (
            "redirfd --update 0 f b",
            "100 unrecognized boolean option: --update",
        ),
        (
            "redirfd --read=3 0 f b",
            "100 unrecognized option with argument: --read=3",
        ),
        ("redirfd --=3 0 f b", "100 invalid option: --=3"),
    ] {
        assert_eq!(refusal(words), text, "{words}");
    }
    // What the table of long options uses for its own purposes is no letter.
    let control = list(&["redirfd", "-\u{1}", "0", "f", "b"]);
    assert_eq!(refusal_of(control), "100 unrecognized short option: \u{1}");
    assert_eq!(said(&too_many()), "100 too many requested fds");
}

#[test]
fn files_are_opened_as_the_letters_say() {
    let plain = Redirect {
        mode: Open::Read,
        nonblocking: false,
        changes_blocking: false,
        to: Target::Fd(0),
        file: b"f".to_vec(),
        rest: list(&["a", "b"]),
    };
    let mode = |mode| Redirect {
        mode,
        ..plain.clone()
    };
    let to = |autoimport| Redirect {
        to: Target::Variable(b"v".to_vec(), autoimport),
        ..plain.clone()
    };
    let blocking = |nonblocking, changes_blocking| Redirect {
        nonblocking,
        changes_blocking,
        ..plain.clone()
    };
    for (options, wanted) in [
        ("-r 0", plain.clone()),
        ("-w 0", mode(Open::Write)),
        ("-u 0", mode(Open::Update)),
        ("-a 0", mode(Open::Append)),
        ("-x 0", mode(Open::Exclusive)),
        ("-x -w 0", mode(Open::Write)),
        ("-wr 0", plain.clone()),
        ("-r -- 0", plain.clone()),
        ("-rE 0", plain.clone()),
        ("-rn 0", blocking(true, false)),
        ("-rnN 0", plain.clone()),
        ("-rb 0", blocking(false, true)),
        ("-rnb 0", blocking(true, true)),
        ("-r --nonblock --switch-block 0", blocking(true, true)),
        ("-rn --block 0", plain.clone()),
        ("-rf v", to(false)),
        ("-rfE v", to(true)),
        ("-rfEe v", to(false)),
        ("-r --open --autoimport v", to(true)),
        ("-rfE --no-autoimport v", to(false)),
        ("--read 0", plain.clone()),
        ("--read --write 0", mode(Open::Update)),
        ("-r --write 0", mode(Open::Update)),
        ("--write --create --trunc 0", mode(Open::Write)),
        ("--append --create --write 0", mode(Open::Append)),
        ("--write --create --excl 0", mode(Open::Exclusive)),
        ("-x --trunc --no-excl 0", mode(Open::Write)),
    ] {
        let script = format!("redirfd {options} f a b");
        assert_eq!(step(&script), Step::Redirect(wanted), "{script}");
    }
}

#[test]
fn long_options_put_other_modes_together() {
    let read = OpenFlags {
        read: true,
        ..OpenFlags::default()
    };
    let write = OpenFlags {
        write: true,
        ..OpenFlags::default()
    };
    for (options, wanted) in [
        ("--write", write),
        ("-a --no-append --no-create", write),
        ("-u --no-read", write),
        (
            "--read --create",
            OpenFlags {
                create: true,
                ..read
            },
        ),
        (
            "-r --append",
            OpenFlags {
                append: true,
                ..read
            },
        ),
        (
            "-r --trunc --no-trunc --excl",
            OpenFlags {
                exclusive: true,
                ..read
            },
        ),
        (
            "-w --no-create",
            OpenFlags {
                truncate: true,
                ..write
            },
        ),
    ] {
        let script = format!("redirfd {options} 0 f a");
        let Step::Redirect(it) = step(&script) else {
            panic!("{script}");
        };
        assert_eq!(it.mode, Open::Flags(wanted), "{script}");
        assert_eq!(it.mode.flags(), wanted);
    }
}
