//! Tests of what is in `capture`.

use proptest::prelude::*;

use super::*;
use crate::command::testing::{env, exited, killed, list, not_spawned, refusal, said, step};

/// The value of the variable, `?`, the words that follow and the warnings; faults as text.
type Told = Result<(Option<String>, Option<String>, String, usize), String>;

fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

fn told(next: Result<Step, Fault>, env: &Environment, warnings: &[Word]) -> Told {
    let Step::Become(words) = next.map_err(|fault| said(&fault))? else {
        panic!();
    };
    let value = |name: &[u8]| env.get(name).map(text);
    Ok((
        value(b"x"),
        value(b"?"),
        text(&words.join(&b' ')),
        warnings.len(),
    ))
}

fn captured(options: &str, output: &str, outcome: Outcome) -> Told {
    let Step::Capture(child, after) = step(&format!("backtick {options} x {{ a }} b")) else {
        panic!();
    };
    assert_eq!(child, list(&["a"]));
    let mut env = env(&[("x", "old")]);
    let mut warnings = Vec::new();
    let next = after.resume(&mut env, &mut warnings, output.into(), outcome);
    assert!(
        warnings
            .iter()
            .all(|text| *text == NUL_IN_OUTPUT.as_bytes())
    );
    told(next, &env, &warnings)
}

fn value(value: &str, number: Option<&str>, warnings: usize) -> Told {
    let number = number.map(str::to_owned);
    Ok((Some(value.to_owned()), number, "b".to_owned(), warnings))
}

fn removed(number: &str, warnings: usize) -> Told {
    Ok((None, Some(number.to_owned()), "b".to_owned(), warnings))
}

fn fault(text: &str) -> Told {
    Err(text.to_owned())
}

#[test]
fn output_is_captured_as_the_options_say() {
    let failed = || fault("3 child process exited non-zero");
    let crashed = || fault("137 child process crashed");
    let nul = || fault("124 child process output contained a null character");
    for (options, output, outcome, wanted) in [
        ("", "v\n\n", exited(0), value("v\n", None, 0)),
        ("-i", "v\n", exited(0), value("v", None, 0)),
        ("-N", "v\n", exited(0), value("v\n", None, 0)),
        ("-Nn", "v\n", exited(0), value("v", None, 0)),
        ("", "", exited(0), value("", None, 0)),
        ("-I", "v\n", exited(0), value("v", Some("0"), 0)),
        ("-x", "v\n", exited(0), value("v", Some("0"), 0)),
        ("-D d", "v\n", exited(0), value("v", Some("0"), 0)),
        ("", "v\n", exited(3), failed()),
        ("-i", "v\0\n", exited(3), failed()),
        (
            "",
            "v\n",
            exited(200),
            fault("128 child process exited non-zero"),
        ),
        ("-I", "v\n", exited(3), value("v", Some("3"), 0)),
        ("-I", "v\n", exited(200), value("v", Some("200"), 0)),
        ("-x", "v\n", exited(3), removed("3", 0)),
        ("-D d", "v\n", exited(3), value("d", Some("3"), 0)),
        ("", "v\n", killed(9), crashed()),
        ("-i", "v\n", killed(9), crashed()),
        ("-I", "v\n", killed(9), value("v", Some("265"), 0)),
        ("-x", "v\n", killed(9), removed("265", 0)),
        ("-D d", "v\n", killed(9), value("d", Some("265"), 0)),
        ("", "v\0w\n", exited(0), nul()),
        ("-i", "\0", exited(0), nul()),
        ("-I", "v\0w\n", exited(0), value("v", Some("0"), 0)),
        ("-I", "v\n\0w\n", exited(0), value("v", Some("0"), 0)),
        ("-IN", "v\n\0w\n", exited(0), value("v\n", Some("0"), 0)),
        ("-x", "v\0w\n", exited(0), removed("0", 1)),
        ("-D d", "v\0w\n", exited(0), value("d", Some("0"), 1)),
        ("-D d", "v\0w\n", exited(3), value("d", Some("3"), 0)),
        ("-D \"d\n\"", "v\n", exited(3), value("d\n", Some("3"), 0)),
        ("-x -I", "v\n", exited(3), value("v", Some("3"), 0)),
        ("-I -x", "v\n", exited(3), removed("3", 0)),
        ("-I -D d", "v\n", exited(3), value("d", Some("3"), 0)),
        ("-D d -i", "v\n", exited(3), failed()),
    ] {
        let got = captured(options, output, outcome.clone());
        assert_eq!(got, wanted, "{options} {output:?} {outcome:?}");
    }
    for options in ["", "-i", "-I", "-x", "-D d"] {
        let got = captured(options, "", not_spawned("a", true));
        let wanted = fault("111 unable to spawn a: No such file or directory");
        assert_eq!(got, wanted, "{options}");
    }
}

#[test]
fn scripts_from_before_2_8_go_on_after_a_failure() {
    for (options, outcome, wanted) in [
        ("", exited(3), value("v", None, 0)),
        ("", killed(9), value("v", None, 0)),
        ("-i", exited(3), fault("3 child process exited non-zero")),
        ("-D d", exited(3), value("d", Some("3"), 0)),
    ] {
        let Step::Capture(_, after) = step(&format!("backtick {options} x {{ a }} b")) else {
            panic!();
        };
        let mut env = Environment::default();
        let mut warnings = Vec::new();
        let after = after.lenient();
        let next = after.resume(&mut env, &mut warnings, b"v\n\0w\n".to_vec(), outcome);
        assert_eq!(told(next, &env, &warnings), wanted, "{options}");
    }
}

#[test]
fn what_was_captured_is_substituted_on_request() {
    let imports = "importas  -ui  --";
    for (options, code, words) in [
        ("-E", 0, format!("multisubstitute  {imports}  x  x  b")),
        (
            "-IE",
            0,
            format!("multisubstitute  {imports}  x  x  {imports}  ?  ?  b"),
        ),
        ("-xE", 1, format!("multisubstitute  {imports}  ?  ?  b")),
        ("-Ee", 0, "b".to_owned()),
    ] {
        let (_, _, got, _) = captured(options, "v", exited(code)).unwrap();
        assert_eq!(got, words, "{options}");
    }
}

#[test]
fn input_is_captured_as_the_options_say() {
    let nul = || fault("1 stdin contained a null character");
    let none = || Ok((None, None, "b".to_owned(), 0));
    for (options, input, wanted) in [
        ("", "v\n\n", value("v\n", None, 0)),
        ("-N", "v\n", value("v\n", None, 0)),
        ("-Nn", "v\n", value("v", None, 0)),
        ("", "", value("", None, 0)),
        ("-I", "v\n", value("v", None, 0)),
        ("-i", "v\n", value("v", None, 0)),
        ("-D d", "v\n", value("v", None, 0)),
        ("-D d", "", value("", None, 0)),
        ("", "v\0w\n", value("v", None, 0)),
        ("-i", "v\0w\n", nul()),
        ("-I", "v\0w\n", none()),
        ("-D d", "v\0w\n", value("d", None, 1)),
        ("-D d -i", "\0", nul()),
        ("-i -D d", "\0", nul()),
        ("-I -D d", "\0", none()),
        ("-D d -I", "\0", none()),
        ("-i -I", "\0", none()),
        ("-I -i", "\0", nul()),
    ] {
        let Step::ReadInput(after) = step(&format!("withstdinas {options} x b")) else {
            panic!();
        };
        let mut env = env(&[("x", "old")]);
        let mut warnings = Vec::new();
        let next = after.resume(&mut env, &mut warnings, input.into());
        assert_eq!(told(next, &env, &warnings), wanted, "{options} {input:?}");
    }
    let Step::ReadInput(after) = step("withstdinas -E x b") else {
        panic!();
    };
    let next = after.resume(&mut Environment::default(), &mut Vec::new(), b"v".to_vec());
    let words = ["importas", "-ui", "--", "x", "x", "b"];
    assert_eq!(next, Ok(Step::Become(list(&words))));
    assert!(matches!(step("withstdinas x"), Step::ReadInput(it) if it.rest.is_empty()));
}

#[test]
fn wrong_usage_is_refused() {
    for (script, text) in [
        ("backtick", "usage"),
        ("backtick x", "usage"),
        ("backtick =", "usage"),
        ("backtick -z x { a } b", "usage"),
        ("backtick -D", "usage"),
        ("backtick x a", "100 unterminated block"),
        ("backtick = { }", "100 invalid variable name"),
        ("backtick \"\" { a } b", "100 invalid variable name"),
        ("backtick x { } b", "100 empty block"),
        ("backtick x { }", "100 empty block"),
        (
            "backtick x { a }",
            "100 the command line after the block must not be empty",
        ),
        ("withstdinas", "usage"),
        ("withstdinas -x x b", "usage"),
        ("withstdinas a=b", "100 invalid variable name"),
        ("withstdinas \"\" b", "100 invalid variable name"),
    ] {
        assert_eq!(refusal(script), text, "{script}");
    }
}

/// The values of a stream that comes in such pieces, and what is wrong behind them.
fn split(how: &Separation, pieces: &[&[u8]]) -> (Words, Option<Fault>) {
    let mut splitter = Splitter::new(how.clone());
    let mut values = Words::new();
    for piece in pieces {
        match splitter.feed(piece) {
            Ok(more) => values.extend(more),
            Err(fault) => return (values, Some(fault)),
        }
    }
    match splitter.finish() {
        Ok(last) => {
            values.extend(last);
            (values, None)
        }
        Err(fault) => (values, Some(fault)),
    }
}

fn separation(delimiters: &str, options: &str) -> Separation {
    Separation {
        delimiters: delimiters.into(),
        keeps_delimiters: options.contains('N'),
        skips_empty: options.contains('C'),
    }
}

#[test]
fn streams_are_cut_at_delimiters() {
    for (delimiters, options, stream, wanted) in [
        ("\n", "", "a\nb", &["a"][..]),
        ("\n", "N", "a\nb", &["a\n", "b"]),
        ("\n", "N", "a\nb\n", &["a\n", "b\n"]),
        (
            "\n",
            "",
            "\n\na\n\n\nb\n\n",
            &["", "", "a", "", "", "b", ""],
        ),
        ("\n", "C", "\n\na\n\n\nb\n\n", &["a", "b"]),
        ("\n", "CN", "\n\na\n\n\nb\n\n", &["a\n", "b\n"]),
        ("\n", "N", "\na\n", &["\n", "a\n"]),
        ("\n", "", "\n", &[""]),
        ("\n", "C", "\n", &[]),
        ("\n", "CN", "\n", &[]),
        ("\n", "", "a", &[]),
        ("\n", "N", "", &[]),
        ("\n", "", "a\0b\n", &["a"]),
        ("\n", "N", "a\0b\nc\n", &["a", "c\n"]),
        ("\0", "", "a\0b\0c", &["a", "b"]),
        ("\0", "N", "a\0b", &["a", "b"]),
        (":,", "", "a:b,c:", &["a", "b", "c"]),
        (":,", "N", "a:b,c:", &["a:", "b,", "c:"]),
        (":,", "C", "a:,b,c:", &["a", "b", "c"]),
        (" \n", "", "a b c\n", &["a", "b", "c"]),
    ] {
        let got = split(&separation(delimiters, options), &[stream.as_bytes()]);
        assert_eq!(
            got,
            (list(wanted), None),
            "{delimiters:?} {options} {stream:?}"
        );
    }
}

#[test]
fn streams_of_netstrings_are_read() {
    let pipe = Some("111 unable to netstring_get: Broken pipe");
    let protocol = Some("111 unable to netstring_get: Protocol error");
    for (stream, wanted, wrong) in [
        ("", &[][..], None),
        ("1:a,2:bc,", &["a", "bc"], None),
        ("0:,00:,01:a,", &["", "", "a"], None),
        ("3:a\0b,", &["a"], None),
        ("1:a,2:bc", &["a"], pipe),
        ("1:a,2:b", &["a"], pipe),
        ("1:a,2:bc,\n", &["a", "bc"], pipe),
        ("1:a,x", &["a"], pipe),
        ("1a", &[], pipe),
        ("1a:", &[], protocol),
        (":,", &[], protocol),
        ("-1:a,", &[], protocol),
        ("2:abc,1:d,", &[], protocol),
        ("1:a;1:b,", &[], protocol),
        ("99999999999999999999999:a,", &[], protocol),
        ("18446744073709551616:", &[], protocol),
        ("99999999999:a,", &[], pipe),
    ] {
        let (values, fault) = split(&separation("", "CN"), &[stream.as_bytes()]);
        let fault = fault.as_ref().map(said);
        assert_eq!(
            (values, fault.as_deref()),
            (list(wanted), wrong),
            "{stream:?}"
        );
    }
}

#[test]
fn no_value_grows_without_bound() {
    let long = vec![b'a'; 1024 * 1024];
    for (delimiters, stream) in [
        ("\n", [&long[..], &long, b"\n"]),
        ("", [&b"1048576:"[..], &long, b","]),
    ] {
        let (values, fault) = split(&separation(delimiters, ""), &stream);
        assert_eq!((values.len(), fault), (1, None));
        assert!(
            values
                .iter()
                .all(|value| (200_000..400_000).contains(&value.len()))
        );
    }
}

proptest! {
    #[test]
    fn streams_are_the_same_in_any_pieces(
        pieces in prop::collection::vec("[a:,12\n\u{0}]{0,5}", 0..8),
        delimiters in prop::sample::select(&["\n", "", ":,", "\0"][..]),
        options in prop::sample::select(&["", "N", "C", "CN"][..]),
    ) {
        let how = separation(delimiters, options);
        let whole: String = pieces.concat();
        let pieces: Vec<&[u8]> = pieces.iter().map(String::as_bytes).collect();
        let bytes: Vec<&[u8]> = whole.as_bytes().chunks(1).collect();
        let wanted = split(&how, &[whole.as_bytes()]);
        prop_assert_eq!(split(&how, &pieces), wanted.clone());
        prop_assert_eq!(split(&how, &bytes), wanted);
    }

    #[test]
    fn netstrings_come_back(values in prop::collection::vec("[a:,12]{0,12}", 0..8)) {
        let stream: String = values.iter().map(|it| format!("{}:{it},", it.len())).collect();
        let wanted: Words = values.iter().map(|it| it.as_bytes().to_vec()).collect();
        prop_assert_eq!(split(&separation("", ""), &[stream.as_bytes()]), (wanted, None));
    }
}
