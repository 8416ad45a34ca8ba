//! Each way in which a script can be right or wrong, and the findings.

use super::*;
use crate::Severity;
use elf::tests::header;
use proptest::prelude::*;

const PATH: &str = "/etc/services.d/web/run";

fn inspected(mode: u32, head: &[u8]) -> Inspection {
    let file = File {
        mode,
        size: head.len() as u64,
        head: head.to_vec(),
    };
    inspect(Path::new(PATH), &file)
}

fn through(words: &[&str]) -> Option<Launch> {
    Some(Launch::Through(words.iter().map(OsString::from).collect()))
}

fn cleaned(words: &[&str]) -> Option<Launch> {
    Some(Launch::ThroughCleaned(
        words.iter().map(OsString::from).collect(),
    ))
}

/// The one finding.
fn finding(inspection: &Inspection) -> &Diagnostic {
    let [diagnostic] = inspection.diagnostics.as_slice() else {
        panic!("{:?}", inspection.diagnostics);
    };
    diagnostic
}

#[test]
fn a_sound_script_is_left_to_the_kernel() {
    for (head, interpreter) in [
        (&b"#!/bin/sh\nexec sleep 1\n"[..], "/bin/sh"),
        (
            b"#! \t /usr/bin/with-contenv \t sh",
            "/usr/bin/with-contenv",
        ),
        (b"#!/usr/bin/env sh\necho 'a\rb'\n", "/usr/bin/env"),
        (b"#!/bin/sh\nexit 0\n\0payload\r\n", "/bin/sh"),
    ] {
        let inspection = inspected(0o755, head);
        assert_eq!(inspection.launch, Some(Launch::Direct), "{head:?}");
        assert_eq!(inspection.interpreter, Some(interpreter.into()));
        assert_eq!(inspection.diagnostics, Vec::new());
    }
}

#[test]
fn what_may_be_executed_and_not_read_is_left_to_the_kernel() {
    let file = File {
        mode: 0o711,
        size: 40,
        head: Vec::new(),
    };
    let inspection = inspect(Path::new(PATH), &file);
    assert_eq!(inspection.launch, Some(Launch::Direct));
    assert_eq!(inspection.interpreter, None);
    assert_eq!(inspection.diagnostics, Vec::new());
}

#[test]
fn the_first_line_is_split_as_the_kernel_does() {
    for (head, words) in [
        (&b"#!/bin/sh"[..], &["/bin/sh"][..]),
        (b"#!/bin/sh \t \n", &["/bin/sh"]),
        (b"#!  /bin/bash -e \n", &["/bin/bash", "-e"]),
        (
            b"#!/usr/bin/with-contenv  bash -e  -u\t\n",
            &["/usr/bin/with-contenv", "bash -e  -u"],
        ),
        (b"#!/bin/sh\0junk\n", &["/bin/sh"]),
        (
            b"#!\t/command/execlineb\t-P\n",
            &["/command/execlineb", "-P"],
        ),
    ] {
        assert_eq!(inspected(0o644, head).launch, through(words), "{head:?}");
    }
    let long = format!("/{}", "x".repeat(1000));
    let head = format!("#!{long} y\n");
    assert_eq!(inspected(0, head.as_bytes()).launch, through(&[&long, "y"]));
}

#[test]
fn without_execute_permission_the_interpreter_is_run() {
    let inspection = inspected(0o644, b"#!/usr/bin/env python3\n");
    assert_eq!(inspection.launch, through(&["/usr/bin/env", "python3"]));
    assert_eq!(
        finding(&inspection).mend,
        "chmod +x /etc/services.d/web/run"
    );
    assert_eq!(finding(&inspection).severity, Severity::Warning);
    assert_eq!(inspected(0o100, b"#!/x\n").launch, Some(Launch::Direct));
}

#[test]
fn crlf_line_ends_are_cleaned() {
    let inspection = inspected(0o755, b"#!/usr/bin/with-contenv sh\r\nexec true\r\n");
    assert_eq!(inspection.launch, cleaned(&["/usr/bin/with-contenv", "sh"]));
    assert_eq!(inspection.interpreter, Some("/usr/bin/with-contenv".into()));
    assert_eq!(
        finding(&inspection).to_string(),
        "/etc/services.d/web/run:1: CRLF line end; run without the carriage returns (save it \
         with LF line ends: sed -i 's/\\r$//' /etc/services.d/web/run)"
    );
    let later = inspected(0o755, b"#!/bin/sh\ntrue\nfalse\r\n");
    assert_eq!(later.launch, cleaned(&["/bin/sh"]));
    assert_eq!(finding(&later).line, Some(3));
    assert_eq!(
        inspected(0o755, b"#!/bin/sh -e \r").launch,
        cleaned(&["/bin/sh", "-e"])
    );
}

#[test]
fn without_a_first_line_the_shell_runs_it() {
    for head in [
        &b"exec sleep 1\n"[..],
        b"",
        b"#!\nx",
        b"#! \t\n",
        b"# !/bin/x\n",
    ] {
        let inspection = inspected(0o755, head);
        assert_eq!(inspection.launch, through(&["/bin/sh"]), "{head:?}");
        assert_eq!(inspection.interpreter, Some("/bin/sh".into()));
        assert!(finding(&inspection).mend.starts_with("add #!/bin/sh "));
        assert_eq!(finding(&inspection).line, Some(1));
    }
}

#[test]
fn everything_that_is_wrong_is_said() {
    let inspection = inspected(0o600, b"exec true\r\n");
    assert_eq!(inspection.launch, cleaned(&["/bin/sh"]));
    let messages: Vec<_> = inspection
        .diagnostics
        .iter()
        .map(|d| d.message.split(';').next().unwrap())
        .collect();
    assert_eq!(messages, ["not executable", "CRLF line end", "no #! line"]);
}

#[test]
fn a_byte_order_mark_is_seen_through() {
    let inspection = inspected(0o755, b"\xef\xbb\xbf#!/bin/bash\necho\n");
    assert_eq!(inspection.launch, through(&["/bin/bash"]));
    assert!(finding(&inspection).message.contains("byte order mark"));
    let unmarked = inspected(0o755, b"\xef\xbb\xbfecho\n");
    assert!(finding(&unmarked).message.starts_with("no #! line"));
}

#[test]
fn a_relative_interpreter_is_kept_and_reported() {
    let inspection = inspected(0o755, b"#!sh -e\n");
    assert_eq!(inspection.launch, Some(Launch::Direct));
    assert_eq!(inspection.interpreter, Some("sh".into()));
    assert!(finding(&inspection).message.contains("interpreter sh "));
    let relative = inspected(0o644, b"#!sh\n");
    assert_eq!(relative.launch, through(&["sh"]));
}

#[test]
fn programs() {
    let (class, own, foreign) = match elf::HOST {
        "x86_64" => (2, 62, 183),
        "aarch64" => (2, 183, 62),
        "riscv64" => (2, 243, 62),
        "arm" => (1, 40, 62),
        "x86" => (1, 3, 183),
        other => panic!("no test for {other}"),
    };
    let native = inspected(0o755, &header(class, own));
    assert_eq!(native.launch, Some(Launch::Direct));
    assert_eq!(native.interpreter, None);
    assert_eq!(native.diagnostics, Vec::new());

    let wrong = inspected(0o755, &header(2, foreign));
    assert_eq!(wrong.launch, None);
    let message = &finding(&wrong).message;
    assert!(
        message.starts_with("wrong architecture: built for "),
        "{message}"
    );
    assert!(message.ends_with(&format!("this machine is {}", elf::HOST)));
    assert_eq!(finding(&wrong).severity, Severity::Error);

    let without_bit = inspected(0o644, &header(class, own));
    assert_eq!(without_bit.launch, None);
    assert_eq!(finding(&without_bit).severity, Severity::Error);
    assert!(finding(&without_bit).mend.starts_with("chmod +x "));
    assert_eq!(inspected(0o644, &header(2, foreign)).diagnostics.len(), 2);

    assert_eq!(
        inspected(0o755, b"\x7fELF\x02").launch,
        Some(Launch::Direct)
    );
}

#[test]
fn other_binaries_are_refused() {
    for head in [&b"MZ\x90\0\x03\0"[..], b"\0", b"\xca\xfe\xba\xbe\0\0"] {
        let inspection = inspected(0o755, head);
        assert_eq!(inspection.launch, None);
        assert_eq!(finding(&inspection).severity, Severity::Error);
        assert!(finding(&inspection).message.starts_with("neither a script"));
    }
    let mut late = vec![b'x'; TEXT_PROBE];
    late.push(0);
    assert_eq!(inspected(0o755, &late).launch, through(&["/bin/sh"]));
}

#[test]
fn a_missing_interpreter_is_named() {
    let diagnostic = missing_interpreter(Path::new(PATH), Path::new("/bin/bash"));
    assert_eq!(
        diagnostic.to_string(),
        "/etc/services.d/web/run:1: the interpreter /bin/bash does not exist (install /bin/bash \
         in the image, or correct the first line of /etc/services.d/web/run)"
    );
}

#[test]
fn cleaning() {
    for (content, clean) in [
        (&b"a\r\nb\r\n"[..], &b"a\nb\n"[..]),
        (b"a\r\r\nb", b"a\nb"),
        (b"a\rb\n", b"a\rb\n"),
        (b"a\r", b"a\r"),
        (b"\r\n", b"\n"),
        (b"", b""),
        (b"a\r\n\0\r\n", b"a\n\0\r\n"),
    ] {
        assert_eq!(without_carriage_returns(content), clean, "{content:?}");
    }
}

/// Bytes that are likely to make a script, a program or nearly one.
fn script_like() -> impl Strategy<Value = Vec<u8>> {
    let start = prop_oneof![
        Just(b"#!".to_vec()),
        Just(b"\x7fELF".to_vec()),
        Just(b"\xef\xbb\xbf#!".to_vec()),
        Just(Vec::new()),
    ];
    let byte = prop_oneof![prop::sample::select(b"/ \t\r\n\0a".to_vec()), any::<u8>()];
    (start, prop::collection::vec(byte, 0..60)).prop_map(|(mut start, rest)| {
        start.extend(rest);
        start
    })
}

proptest! {
    #[test]
    fn any_file_is_started_or_refused_with_an_error(mode in 0_u32..0o10000, head in script_like()) {
        let inspection = inspected(mode, &head);
        let refused = inspection.diagnostics.iter().any(|d| d.severity == Severity::Error);
        prop_assert_eq!(inspection.launch.is_none(), refused);
        match inspection.launch {
            Some(Launch::Direct) => prop_assert!(mode & 0o111 != 0),
            Some(Launch::Through(words) | Launch::ThroughCleaned(words)) => {
                prop_assert!(!inspection.diagnostics.is_empty());
                prop_assert!((1..=2).contains(&words.len()));
                prop_assert_eq!(words.first().map(PathBuf::from), inspection.interpreter);
                for word in words {
                    let word = word.as_bytes();
                    prop_assert!(!word.iter().any(|byte| matches!(byte, 0 | b'\n')));
                }
            }
            None => {}
        }
    }

    #[test]
    fn a_cleaned_file_needs_no_cleaning(content in script_like()) {
        let once = without_carriage_returns(&content);
        prop_assert_eq!(&without_carriage_returns(&once), &once);
        let text = once.split(|&byte| byte == 0).next().unwrap();
        prop_assert!(!text.windows(2).any(|pair| pair == b"\r\n"));
        let kept = |bytes: &[u8]| bytes.iter().filter(|&&b| b != b'\r').count();
        prop_assert_eq!(kept(&once), kept(&content));
    }
}
