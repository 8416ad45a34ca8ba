//! Tests of what is in `envfile`.

use proptest::prelude::*;

use super::*;
use crate::command::chain::assert_all;

#[test]
fn files_are_read() {
    // Each was given to the original; a name that comes twice has its last value here.
    for (file, wanted) in [
        (&b"A=b"[..], &[(&b"A"[..], &b"b"[..])][..]),
        (&b"A=b\n"[..], &[(&b"A"[..], &b"b"[..])]),
        (&b"  A  =  b  \n"[..], &[(&b"A"[..], &b"b"[..])]),
        (&b"\tA\t=\tb\t\n"[..], &[(&b"A"[..], &b"b"[..])]),
        (&b"A=b # c\n"[..], &[(&b"A"[..], &b"b # c"[..])]),
        (&b"#A=b\nB=c\n"[..], &[(&b"B"[..], &b"c"[..])]),
        (&b"  # x\nB=c"[..], &[(&b"B"[..], &b"c"[..])]),
        (&b"A=#c\n"[..], &[(&b"A"[..], &b"#c"[..])]),
        (&b"A= #c\n"[..], &[(&b"A"[..], &b"#c"[..])]),
        (&b"A=\"q\" #x\n"[..], &[(&b"A"[..], &b"q #x"[..])]),
        (
            &b"A=\"q\\n\\t\\r\\a\\b\\f\\v\\\\\\\"\\'\\?\"\n"[..],
            &[(&b"A"[..], &b"q\n\t\r\x07\x08\x0c\x0b\\\"'?"[..])],
        ),
        (&b"A=\"\\x4142\"\n"[..], &[(&b"A"[..], &b"A42"[..])]),
        (
            &b"A=\"\\101\\1018\\7\\400\"\n"[..],
            &[(&b"A"[..], &b"AA8\x07"[..])],
        ),
        (&b"A=\"\\0\"\n"[..], &[(&b"A"[..], &b""[..])]),
        (&b"A=\"\\08\"\n"[..], &[(&b"A"[..], &b""[..])]),
        (&b"A=\"\\8\""[..], &[(&b"A"[..], &b"8"[..])]),
        (&b"A=\"\\x00\""[..], &[(&b"A"[..], &b""[..])]),
        (&b"A=\"\\z\""[..], &[(&b"A"[..], &b"z"[..])]),
        (&b"A=a\\\n  b\n"[..], &[(&b"A"[..], &b"a  b"[..])]),
        (&b"A=a\\\nb\n"[..], &[(&b"A"[..], &b"ab"[..])]),
        (&b"A=\"a\\\nb\"\n"[..], &[(&b"A"[..], &b"ab"[..])]),
        (&b"A=a\\ b\n"[..], &[(&b"A"[..], &b"a b"[..])]),
        (&b"A=a\\\\b\n"[..], &[(&b"A"[..], &b"a\\b"[..])]),
        (&b"A=a\\\"b\n"[..], &[(&b"A"[..], &b"a\"b"[..])]),
        (&b"A=a\\ \n"[..], &[(&b"A"[..], &b"a "[..])]),
        (&b"A=a \\\n"[..], &[(&b"A"[..], &b"a "[..])]),
        (&b"A=a \\  \n"[..], &[(&b"A"[..], &b"a  "[..])]),
        (&b"A='q'\n"[..], &[(&b"A"[..], &b"'q'"[..])]),
        (&b"A=a=b=c\n"[..], &[(&b"A"[..], &b"a=b=c"[..])]),
        (&b"1a.b-c=d\n"[..], &[(&b"1a.b-c"[..], &b"d"[..])]),
        (&b"A=\n"[..], &[(&b"A"[..], &b""[..])]),
        (&b"A="[..], &[(&b"A"[..], &b""[..])]),
        (
            &b"A=\nB=c"[..],
            &[(&b"A"[..], &b""[..]), (&b"B"[..], &b"c"[..])],
        ),
        (&b"A=\"  x  \"  \n"[..], &[(&b"A"[..], &b"  x  "[..])]),
        (&b"A=x\"y z\"w\n"[..], &[(&b"A"[..], &b"xy zw"[..])]),
        (&b"A=\"a\"\"b\"\n"[..], &[(&b"A"[..], &b"ab"[..])]),
        (&b"A=\\\nb\n"[..], &[(&b"A"[..], &b"b"[..])]),
        (&b"A= \\\n b\n"[..], &[(&b"A"[..], &b" b"[..])]),
        (&b"A=b\r\n"[..], &[(&b"A"[..], &b"b"[..])]),
        (
            &b"A=b\r\nB=c\r\n"[..],
            &[(&b"A"[..], &b"b"[..]), (&b"B"[..], &b"c"[..])],
        ),
        (&b"A=b\x00c\n"[..], &[(&b"A"[..], &b"b"[..])]),
        (&b"A=b\x0bc\x0c\n"[..], &[(&b"A"[..], &b"b\x0bc"[..])]),
        (&b"\x0bA=b\n"[..], &[(&b"\x0bA"[..], &b"b"[..])]),
        (&b"\r\nA=b\n"[..], &[(&b"A"[..], &b"b"[..])]),
        (&b"A\r=b\n"[..], &[(&b"A"[..], &b"b"[..])]),
        (&b"A=b\nA=c\n"[..], &[(&b"A"[..], &b"c"[..])]),
        (&b"#c\\\nA=b\n"[..], &[(&b"A"[..], &b"b"[..])]),
        (&b"# \"x\nA=b\n"[..], &[(&b"A"[..], &b"b"[..])]),
        (&b"A#b=c\n"[..], &[(&b"A#b"[..], &b"c"[..])]),
        (&b"A=b#c\n"[..], &[(&b"A"[..], &b"b#c"[..])]),
        (&b"A#=c\n"[..], &[(&b"A#"[..], &b"c"[..])]),
        (&b"#"[..], &[]),
        (&b"  "[..], &[]),
        (&b""[..], &[]),
        (&b"A = \"b\" \n"[..], &[(&b"A"[..], &b"b"[..])]),
        (&b"A= \"b \"  c  \n"[..], &[(&b"A"[..], &b"b   c"[..])]),
        (&b"A=a  b\n"[..], &[(&b"A"[..], &b"a  b"[..])]),
        (&b"A=a \\\n  \n"[..], &[(&b"A"[..], &b"a "[..])]),
        (&b"A=a\" \"\n"[..], &[(&b"A"[..], &b"a "[..])]),
        (&b"A=\" \"\n"[..], &[(&b"A"[..], &b" "[..])]),
        (&b"A=\\ \n"[..], &[(&b"A"[..], &b" "[..])]),
        (&b"A=\\ x\n"[..], &[(&b"A"[..], &b" x"[..])]),
        (&b"A=\\\t\n"[..], &[(&b"A"[..], &b"\t"[..])]),
        (&b"A=\\\r\n"[..], &[(&b"A"[..], &b"\r"[..])]),
        (&b"A=x\\\r\n"[..], &[(&b"A"[..], &b"x\r"[..])]),
        (
            &b"\xc3\xa4=\xc3\xb6\n"[..],
            &[(&b"\xc3\xa4"[..], &b"\xc3\xb6"[..])],
        ),
        (&b"A=\\\n"[..], &[(&b"A"[..], &b""[..])]),
        (
            &b"A=\\\n\nB=c\n"[..],
            &[(&b"A"[..], &b""[..]), (&b"B"[..], &b"c"[..])],
        ),
        (&b"A=\"\\12x\""[..], &[(&b"A"[..], &b"\nx"[..])]),
        (&b"A=\"\\1234\""[..], &[(&b"A"[..], &b"S4"[..])]),
        (&b"A=\"\\xfF\""[..], &[(&b"A"[..], &b"\xff"[..])]),
        (&b"A=\"\\e\""[..], &[(&b"A"[..], &b"e"[..])]),
        (
            &b"A=a;b\nC=d"[..],
            &[(&b"A"[..], &b"a;b"[..]), (&b"C"[..], &b"d"[..])],
        ),
        (&b"A=$B\n"[..], &[(&b"A"[..], &b"$B"[..])]),
        (&b"a:b=c\n"[..], &[(&b"a:b"[..], &b"c"[..])]),
        (&b"A=b\\\n"[..], &[(&b"A"[..], &b"b"[..])]),
        (
            &b"A=b \\\n\nC=d"[..],
            &[(&b"A"[..], &b"b "[..]), (&b"C"[..], &b"d"[..])],
        ),
        (&b"A ="[..], &[(&b"A"[..], &b""[..])]),
        (&b"A = "[..], &[(&b"A"[..], &b""[..])]),
        (
            &b"A= \nB=c"[..],
            &[(&b"A"[..], &b""[..]), (&b"B"[..], &b"c"[..])],
        ),
        (&b"A=\x00\n"[..], &[(&b"A"[..], &b""[..])]),
        (&b"\x00"[..], &[]),
        (&b"\x00A=b\n"[..], &[]),
        (&b"A=b\x00\nB=c\n"[..], &[(&b"A"[..], &b"b"[..])]),
        (&b"A=\x0cb\n"[..], &[(&b"A"[..], &b"b"[..])]),
        (&b"A=b \x0c c\n"[..], &[(&b"A"[..], &b"b \x0c c"[..])]),
        (&b"A=\"\\\t\\ \"\n"[..], &[(&b"A"[..], &b"\t "[..])]),
        (&b"A=\"\t\r\x0c\"\n"[..], &[(&b"A"[..], &b"\t\r\x0c"[..])]),
        (&b"A=b\x0b \n"[..], &[(&b"A"[..], &b"b\x0b"[..])]),
    ] {
        let mut read = parse(file).unwrap();
        read.reverse();
        let mut names = Vec::new();
        read.retain(|(name, _)| {
            let is_new = !names.contains(name);
            names.push(name.clone());
            is_new
        });
        read.reverse();
        let wanted: Vec<(Word, Word)> = wanted
            .iter()
            .map(|(name, value)| (name.to_vec(), value.to_vec()))
            .collect();
        assert_eq!(read, wanted, "{}", file.escape_ascii());
    }
}

#[test]
fn errors_have_a_line() {
    for (file, line) in [
        (&b"A=\"\\x41\\x4\"\n"[..], 1),
        (&b"A=\"\\x\"\n"[..], 1),
        (&b"A=\"a\nb\"\n"[..], 1),
        (&b"A=\"a"[..], 1),
        (&b"A=a\\"[..], 1),
        (&b"A=b\\c\n"[..], 1),
        (&b"export A=c\n"[..], 1),
        (&b"A B=c\n"[..], 1),
        (&b"A\n"[..], 1),
        (&b"A\nB=c\n"[..], 1),
        (&b"=b\n"[..], 1),
        (&b" =b\n"[..], 1),
        (&b"A=a\"b\n"[..], 1),
        (&b"\"A\"=b\n"[..], 1),
        (&b"A\\=b\n"[..], 1),
        (&b"A\\\n=b\n"[..], 1),
        (&b"A \\\n=b\n"[..], 1),
        (&b"A\x00=b\n"[..], 1),
        (&b"\n\n\nA\n"[..], 4),
        (&b"A=b\\\nc\nB\n"[..], 3),
        (&b"A=\"b\\\nc\"\nB\n"[..], 3),
        (&b"A=\"b\nc\"\nB\n"[..], 1),
        (&b"A=\"\\\n"[..], 2),
        (&b"A=b\""[..], 1),
        (&b"A=\"\\1"[..], 1),
        (&b"A=\"\\x4"[..], 1),
        (&b"A=\"\\377\\xff\\xFG\""[..], 1),
        (&b"A=1\n B=2\n  C\n"[..], 3),
        (&b"A=\"\\\"\n"[..], 1),
        (&b"A=\\'\n"[..], 1),
        (&b"A=\\#b\n"[..], 1),
        (&b"\\A=b"[..], 1),
        (&b"A=\\=\n"[..], 1),
        (&b"\\\nA=b\n"[..], 1),
        (&b"  \\\nA=b\n"[..], 1),
        (&b"\\ A=b\n"[..], 1),
        (&b"A b\n"[..], 1),
        (&b"A \"b\"=c\n"[..], 1),
        (&b"A\"b\"=c\n"[..], 1),
        (&b"A=b\nB"[..], 2),
        (&b"A "[..], 1),
        (&b"A=\"\x00\"\n"[..], 1),
        (&b"A=\\\x0b\n"[..], 1),
        (&b"A=\"\\\r\n\""[..], 1),
        (&b"A'B=c\n"[..], 1),
        (&b"A=b\\\nc\\\nd\nE\n"[..], 4),
    ] {
        assert_eq!(parse(file), Err(line), "{}", file.escape_ascii());
    }
}

#[test]
fn what_an_escape_puts_behind_a_nul_is_lost() {
    let wanted = vec![(b"A".to_vec(), b"x".to_vec())];
    assert_eq!(parse(b"A=\"x\\0B=c\""), Ok(wanted));
}

#[test]
fn envfile_asks_for_a_file() {
    let read = |file: &str, may_be_missing| {
        let step = Step::EnvFile {
            file: file.into(),
            may_be_missing,
            rest: vec![b"echo".to_vec()],
        };
        format!("{step:?}")
    };
    assert_all(
        &[],
        &[
            ("envfile f echo", &read("f", false)),
            ("envfile - echo", &read("-", false)),
            ("envfile -I f echo", &read("f", true)),
            ("envfile -Ii f echo", &read("f", false)),
            ("envfile -i -I -- -f echo", &read("-f", true)),
            ("envfile f", USAGE),
            ("envfile", USAGE),
            ("envfile -z f echo", USAGE),
        ],
    );
    const USAGE: &str = "envfile: usage: envfile [ -i | -I ] file prog... (100)";
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_inside(bytes: Vec<u8>) {
        if let Err(line) = parse(&bytes) {
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
            prop_assert!((1..=lines).contains(&line));
        }
    }

    #[test]
    fn likely_bytes_give_variables_that_can_be(text in "([AB= \t\"\\\\#\n\r'x07]|=){0,40}") {
        for (name, value) in parse(text.as_bytes()).unwrap_or_default() {
            prop_assert!(!name.is_empty() && !name.contains(&b'='));
            prop_assert!(!value.contains(&0));
        }
    }

    #[test]
    fn quoted_values_come_back(value in "[^\0]{0,12}") {
        let quoted = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let file = format!("A = \"{quoted}\" \n");
        let wanted = vec![(b"A".to_vec(), value.into_bytes())];
        prop_assert_eq!(parse(file.as_bytes()), Ok(wanted));
    }
}
