//! Command lines that are execline, and texts that only a shell understands.

use super::*;
use proptest::prelude::*;

/// The one error in a text, as line and message.
fn error(text: &str) -> (u32, String) {
    let signs = signs(text.as_bytes());
    assert_eq!(signs.len(), 1, "{text}: {signs:?}");
    assert!(signs[0].is_error, "{text}: {signs:?}");
    (signs[0].line, signs[0].message.clone())
}

#[test]
fn shell_is_an_error() {
    for (text, line, start) in [
        (
            "if [ -f /x ]; then\n  rm /x\nfi\n",
            1,
            "\"if\" without a block",
        ),
        ("#!/bin/sh\nif [ -f x ]; then", 2, "\"if\" without a block"),
        ("#!/bin/bash\nset -e\nmkdir /x\n", 2, "\"set\" is shell"),
        ("source /env\n", 1, "\"source\" is shell"),
        (". /env\n", 1, "\".\" is shell"),
        ("for x in a b; do echo $x; done", 1, "\"for\" is shell"),
        (
            "while true; do sleep 1; done",
            1,
            "\"while\" without a block",
        ),
        ("trap 'x' TERM\n", 1, "\"trap\" without a block"),
        ("FOO=bar run\n", 1, "\"FOO=bar\" assigns"),
        ("export FOO=bar\nrun", 1, "export of execline"),
        (
            "start() {\n echo\n}\nstart",
            1,
            "\"start()\" begins a function",
        ),
        ("start () { echo }\n", 1, "\"start\" begins a function"),
        ("mkdir /a && mkdir /b", 1, "\"&&\" is shell"),
        ("mkdir /a\nchown x /a || true", 2, "\"||\" is shell"),
        ("cat /a | sort", 1, "\"|\" is shell"),
        ("mkdir /a; mkdir /b", 1, "\"/a;\" is shell"),
        ("mkdir /a ; mkdir /b", 1, "\";\" is shell"),
        ("run &\n", 1, "\"&\" is shell"),
        ("echo hi > /tmp/x", 1, "\">\" is shell"),
        ("echo hi >/tmp/x", 1, "\">/tmp/x\" is shell"),
        ("run 2>&1", 1, "\"2>&1\" is shell"),
        ("run &>/dev/null", 1, "\"&>/dev/null\" is shell"),
        ("run </dev/null", 1, "\"</dev/null\" is shell"),
        ("echo $(date)", 1, "\"$(date)\" is shell"),
        ("echo `date`", 1, "\"`date`\" is shell"),
        ("[ -f /x ]\nthen", 2, "\"then\" is shell"),
        ("[[ -f /x ]]", 1, "\"[[\" is shell"),
        ("sh -c 'echo hi'", 1, "single quotes do not quote"),
    ] {
        let (found, message) = error(text);
        assert!(message.starts_with(start), "{text}: {message}");
        assert_eq!(found, line, "{text}");
    }
}

#[test]
fn doubts_are_warnings() {
    for (text, line, start) in [
        ("/run.sh $HOME", 1, "\"$HOME\" is not replaced"),
        ("/run.sh \"a ${HOME}\"", 1, "\"a ${HOME}\" is not replaced"),
        (
            "mkdir /a\nchown x /a\n",
            2,
            "the lines are one command line: \"chown\" is an argument of \"mkdir\"",
        ),
        (
            "#!/bin/sh\n\necho a\n/b\n",
            4,
            "the lines are one command line",
        ),
        ("/a.sh\n/b.sh", 2, "the lines are one command line"),
    ] {
        let signs = signs(text.as_bytes());
        assert_eq!(signs.len(), 1, "{text}: {signs:?}");
        assert!(!signs[0].is_error, "{text}");
        assert!(signs[0].message.starts_with(start), "{text}: {signs:?}");
        assert_eq!(signs[0].line, line, "{text}");
    }
}

#[test]
fn execline_is_let_alone() {
    for text in [
        "",
        "\n\n# if [ -f x ]; then\n",
        "/etc/s6-overlay/scripts/init",
        "#!/bin/sh\nexec /etc/s6-overlay/scripts/init\n",
        "if { test -f /x } /run",
        "if -n { test -f /x }\n/run\n",
        "ifelse { test -f /x } { /a } /b",
        "foreground { echo hi }\nexit 0",
        "sh -c \"if [ -f /x ]; then rm /x; fi\"",
        "sh -c \"echo $HOME\"",
        "bash -ec \"a | b > c\"",
        "find /x -name a -exec rm {} ;",
        "find /x -exec rm {} \\;",
        "importas H HOME\n/run $H",
        "backtick -E X { date }\n/run ${X}",
        "export FOO bar\n/run",
        "redirfd -w 1 /x\necho hi",
        "cd /app\n/run",
        "s6-setuidgid app\n/run.sh",
        "\"&&\"",
        "\\&\\&",
        "echo it's",
        "/run a=b",
        "/run\n  --then",
        "echo then",
        "case -s $x { a { b } }".replace("$x", "x").as_str(),
    ] {
        assert_eq!(signs(text.as_bytes()), Vec::new(), "{text}");
    }
}

#[test]
fn lines_are_counted_through_quotes_and_escapes() {
    assert_eq!(error("echo \"a\nb\" \\\n c\n&& d").0, 4);
}

proptest! {
    #[test]
    fn no_text_is_too_much(text: Vec<u8>) {
        let lines = text.iter().filter(|byte| **byte == b'\n').count() + 1;
        for sign in signs(&text) {
            prop_assert!(sign.line as usize <= lines);
        }
    }

    #[test]
    fn nor_one_of_what_matters(text in "[a;&|>'\"\\\\$ \n{}#(=)if.]{0,30}") {
        signs(text.as_bytes());
    }
}
