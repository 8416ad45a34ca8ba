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
