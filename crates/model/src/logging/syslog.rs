//! Lines of syslog, as `ucspilogd` and `s6-socklog` write them (s6.md B4, F79): the number that such
//! a line begins with is put into words.

/// The facilities by number; what has no name is `unknown`, as s6 has it.
const FACILITIES: [&str; 25] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "unknown", "unknown", "unknown", "unknown", "local0", "local1", "local2", "local3",
    "local4", "local5", "local6", "local7", "mark",
];
/// The priorities by number.
const PRIORITIES: [&str; 8] = [
    "emerg", "alert", "crit", "err", "warn", "notice", "info", "debug",
];

/// What the number `<N>` at the beginning of a line stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The part of the system.
    pub facility: &'static str,
    /// How urgent it is.
    pub priority: &'static str,
}

/// What a line begins with, and the rest of it. Without a number in angle brackets there is nothing
/// to be told.
#[must_use]
pub fn origin(line: &[u8]) -> (Option<Origin>, &[u8]) {
    let plain = (None, line);
    let Some(inner) = line.strip_prefix(b"<") else {
        return plain;
    };
    let length = inner
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (digits, rest) = inner.split_at(length);
    let number = std::str::from_utf8(digits).ok();
    let number: Option<u32> = number.and_then(|digits| digits.parse().ok());
    let (Some(number), Some(rest)) = (number, rest.strip_prefix(b">")) else {
        return plain;
    };
    let facility = usize::try_from(number / 8).ok();
    let facility = facility.and_then(|facility| FACILITIES.get(facility));
    let priority = usize::try_from(number % 8).ok();
    let priority = priority.and_then(|priority| PRIORITIES.get(priority));
    let origin = Origin {
        facility: facility.unwrap_or(&"unknown"),
        priority: priority.unwrap_or(&"unknown"),
    };
    (Some(origin), rest)
}

/// Appends `facility.priority: ` and the rest of a line to `out`; the line as it is where it tells of
/// no origin.
pub fn translate(line: &[u8], out: &mut Vec<u8>) {
    let (origin, rest) = origin(line);
    if let Some(Origin { facility, priority }) = origin {
        for part in [facility, ".", priority, ": "] {
            out.extend_from_slice(part.as_bytes());
        }
    }
    out.extend_from_slice(rest);
}

/// What the rest of a line is made of: who says it, and what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// The program.
    pub program: Option<&'a [u8]>,
    /// Its process id, as it says itself.
    pub pid: Option<u32>,
    /// What it says.
    pub text: &'a [u8],
}

/// The parts of what follows the number: in the form that syslog(3) sends (RFC 3164), or in that of
/// RFC 5424. What is in neither form is all text.
#[must_use]
pub fn message(rest: &[u8]) -> Message<'_> {
    structured(rest).unwrap_or_else(|| {
        let rest = after_time(rest);
        tagged(rest).unwrap_or(Message {
            program: None,
            pid: None,
            text: rest,
        })
    })
}

/// `1 TIME HOST PROGRAM PID ID DATA TEXT`, where `-` stands for nothing.
fn structured(rest: &[u8]) -> Option<Message<'_>> {
    let mut words = rest.splitn(7, |byte| *byte == b' ');
    if words.next()? != b"1" {
        return None;
    }
    let (_time, _host) = (words.next()?, words.next()?);
    let (program, pid, _id) = (words.next()?, words.next()?, words.next()?);
    let rest = words.next()?;
    let text = match rest.strip_prefix(b"- ") {
        Some(text) => text,
        None if rest == b"-" => b"",
        // Data in brackets is a part of what is said.
        None => rest,
    };
    Some(Message {
        program: (program != b"-").then_some(program),
        pid: number(pid),
        text: text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text),
    })
}

/// What comes after `Mmm dd hh:mm:ss `, if that is there.
fn after_time(rest: &[u8]) -> &[u8] {
    const SHAPE: &[u8] = b"aaa dd dd:dd:dd ";
    let Some((time, after)) = rest.split_at_checked(SHAPE.len()) else {
        return rest;
    };
    let fits = time.iter().zip(SHAPE).all(|(byte, shape)| match shape {
        b'a' => byte.is_ascii_alphabetic(),
        b'd' => byte.is_ascii_digit() || *byte == b' ',
        same => byte == same,
    });
    if fits { after } else { rest }
}

/// `PROGRAM: TEXT` or `PROGRAM[PID]: TEXT`.
fn tagged(rest: &[u8]) -> Option<Message<'_>> {
    let is_end = |byte: &u8| matches!(byte, b':' | b'[' | b' ');
    let end = rest.iter().position(is_end).filter(|end| *end > 0)?;
    let (program, after) = rest.split_at(end);
    let (pid, after) = match after.strip_prefix(b"[") {
        Some(inside) => {
            let end = inside.iter().position(|byte| *byte == b']')?;
            let (pid, after) = inside.split_at(end);
            (Some(number(pid)?), after.get(1..)?)
        }
        None => (None, after),
    };
    let text = after.strip_prefix(b":")?;
    Some(Message {
        program: Some(program),
        pid,
        text: text.strip_prefix(b" ").unwrap_or(text),
    })
}

fn number(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The TAI64N label that a line begins with, the space behind it included, and the rest of the line.
#[must_use]
pub fn label(line: &[u8]) -> (&[u8], &[u8]) {
    let is_label = |head: &[u8]| match head {
        [b'@', digits @ .., b' '] => digits.iter().all(u8::is_ascii_hexdigit),
        _ => false,
    };
    match line.split_at_checked(26) {
        Some((head, rest)) if is_label(head) => (head, rest),
        Some(_) | None => (b"", line),
    }
}

/// Makes one line of a datagram: ends of lines behind it go, those in it become `~`.
pub fn flatten(datagram: &mut Vec<u8>) {
    let is_end = |byte: &u8| matches!(byte, b'\n' | 0);
    let length = datagram.iter().rposition(|byte| !is_end(byte));
    datagram.truncate(length.map_or(0, |last| last + 1));
    for byte in datagram.iter_mut().filter(|byte| is_end(byte)) {
        *byte = b'~';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(line: &str) -> String {
        let mut out = Vec::new();
        translate(line.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_become_words() {
        for (line, expected) in [
            ("<13>hello", "user.notice: hello"),
            ("<0>", "kern.emerg: "),
            ("<191>b", "local7.debug: b"),
            ("<192>c", "mark.emerg: c"),
            ("<96>x", "unknown.emerg: x"),
            ("<999>x", "unknown.debug: x"),
            ("<>d", "<>d"),
            ("<13e", "<13e"),
            ("<-1>x", "<-1>x"),
            ("<1234567890123>f", "<1234567890123>f"),
            (" <13>x", " <13>x"),
            ("<13> <14>y", "user.notice:  <14>y"),
            ("", ""),
        ] {
            assert_eq!(translated(line), expected);
        }
    }

    #[test]
    fn who_says_it_is_told_apart_from_what() {
        let parts = |line: &'static str| {
            let message = message(line.as_bytes());
            let text = |bytes: &'static [u8]| std::str::from_utf8(bytes).unwrap();
            (message.program.map(text), message.pid, text(message.text))
        };
        for (line, expected) in [
            (
                "Nov 26 12:00:00 cron[17]: hello: you",
                (Some("cron"), Some(17), "hello: you"),
            ),
            ("Nov  6 12:00:00 cron: hello", (Some("cron"), None, "hello")),
            ("su: hello", (Some("su"), None, "hello")),
            ("hello you", (None, None, "hello you")),
            ("cron[x]: hello", (None, None, "cron[x]: hello")),
            ("cron[17 hello", (None, None, "cron[17 hello")),
            (": hello", (None, None, ": hello")),
            ("Nov 26 12:00:00 ", (None, None, "")),
            (
                "1 2026-11-26T12:00:00Z host app 7 ID1 - hello",
                (Some("app"), Some(7), "hello"),
            ),
            (
                "1 - - - - - [a b=\"c\"] hello",
                (None, None, "[a b=\"c\"] hello"),
            ),
            ("1 - - app - - -", (Some("app"), None, "")),
            ("1 is no version", (None, None, "1 is no version")),
            ("", (None, None, "")),
        ] {
            assert_eq!(parts(line), expected, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_message(line: Vec<u8>) {
            let found = message(&line);
            proptest::prop_assert!(line.ends_with(found.text));
        }
    }

    #[test]
    fn a_label_is_kept_before_everything() {
        let line = b"@400000006b0472db3534b048 <30>d";
        let (head, rest) = label(line);
        assert_eq!((head.len(), rest), (26, &b"<30>d"[..]));
        for line in [&b"@400000006b0472db3534b048<13>x"[..], b"@4 x", b"plain"] {
            assert_eq!(label(line), (&b""[..], line));
        }
    }

    #[test]
    fn a_datagram_is_one_line() {
        let flat = |datagram: &[u8]| {
            let mut datagram = datagram.to_vec();
            flatten(&mut datagram);
            datagram
        };
        assert_eq!(flat(b"plain\nmore\n"), b"plain~more");
        assert_eq!(flat(b"a\0b\0\n\0"), b"a~b");
        assert_eq!(flat(b"\n"), b"");
        assert_eq!(flat(b""), b"");
    }
}
