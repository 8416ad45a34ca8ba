//! The small readings that several modules share: quoting what was found, numbers, first lines.
//!
//! Never decides what a wrong value leads to: that is the business of the module that asks.
//! Called from `settings`, `exit_code`, `script`, `service_dir`, `fix_attrs` and `rc`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// How many characters of a wrong value a message repeats.
const QUOTED_LIMIT: usize = 40;

/// The longest time that is taken from a file or variable: a century, which no container sees the
/// end of and which can still be added to any point in time.
pub(crate) const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// `bytes` for a message: in double quotes, invalid UTF-8 replaced, control characters escaped,
/// cut after 40 characters with an ellipsis.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut characters = text.chars();
    let start: String = characters.by_ref().take(QUOTED_LIMIT).collect();
    let rest = if characters.next().is_some() {
        "..."
    } else {
        ""
    };
    format!("\"{}{rest}\"", start.escape_debug())
}

/// `path` as one word of a shell command that a person may copy.
pub(crate) fn shell_word(path: &Path) -> String {
    let text = path.as_os_str().to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// The command that turns the CRLF line ends of `path` into LF.
pub(crate) fn line_end_mend(path: &Path) -> String {
    format!(
        "save it with LF line ends: sed -i 's/\\r$//' {}",
        shell_word(path)
    )
}

/// The bytes before the first newline, or all of them.
pub(crate) fn first_line(content: &[u8]) -> &[u8] {
    content.split(|&byte| byte == b'\n').next().unwrap_or(&[])
}

/// `line` without the spaces, tabs and carriage returns at its end.
pub(crate) fn trim_end(line: &[u8]) -> &[u8] {
    let end = line
        .iter()
        .rposition(|byte| !matches!(byte, b' ' | b'\t' | b'\r'))
        .map_or(0, |last| last + 1);
    line.get(..end).unwrap_or(line)
}

/// The value of `digits` when they are one or more ASCII digits and nothing else; what is too
/// large for 64 bits is taken as the largest number. Leading zeros do not make it octal.
pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, byte| {
        byte.is_ascii_digit().then(|| {
            value
                .saturating_mul(10)
                .saturating_add(u64::from(byte - b'0'))
        })
    })
}

/// `number` milliseconds, at most [`LONGEST`].
pub(crate) fn milliseconds(number: u64) -> Duration {
    Duration::from_millis(number).min(LONGEST)
}

/// `number` milliseconds, at most [`LONGEST`]; 0 is without limit, as everywhere in s6.
pub(crate) fn limit(number: u64) -> Option<Duration> {
    (number != 0).then(|| milliseconds(number))
}

/// Whether a directory entry of that name is hidden.
pub(crate) fn is_hidden(name: &OsStr) -> bool {
    name.as_bytes().first() == Some(&b'.')
}

/// The one of `known` that `name` is most likely a misspelling of: it takes `limit` changes at the
/// most.
pub(crate) fn nearest<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
    limit: usize,
) -> Option<&'a str> {
    known
        .into_iter()
        .map(|known| (distance(name, known, limit), known))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// How many bytes have to be added, removed or replaced to make `b` of `a` (Levenshtein); one more
/// than `limit` when that is not enough.
fn distance(a: &str, b: &str, limit: usize) -> usize {
    let beyond = limit.saturating_add(1);
    if a.len().abs_diff(b.len()) > limit {
        return beyond;
    }
    // One row of the table: the distance of what was read of `a` from each prefix of `b`.
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (read, byte) in a.bytes().enumerate() {
        let mut diagonal = read;
        let mut left = read + 1;
        let mut next = vec![left];
        for (above, other) in row.iter().skip(1).zip(b.bytes()) {
            left = (diagonal + usize::from(byte != other))
                .min(above + 1)
                .min(left + 1);
            next.push(left);
            diagonal = *above;
        }
        if next.iter().all(|distance| *distance > limit) {
            return beyond;
        }
        row = next;
    }
    row.last().copied().unwrap_or_default().min(beyond)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quoting_cuts_and_escapes() {
        assert_eq!(quoted(b"yes"), "\"yes\"");
        assert_eq!(quoted(b"a\n\"b\xff"), "\"a\\n\\\"b\u{fffd}\"");
        assert_eq!(quoted(&[b'x'; 40]), format!("\"{}\"", "x".repeat(40)));
        assert_eq!(quoted(&[b'x'; 41]), format!("\"{}...\"", "x".repeat(40)));
    }

    #[test]
    fn shell_words() {
        assert_eq!(shell_word(Path::new("/etc/a-b.d/1")), "/etc/a-b.d/1");
        assert_eq!(shell_word(Path::new("/etc/my app")), "'/etc/my app'");
        assert_eq!(shell_word(Path::new("it's")), "'it'\\''s'");
        assert_eq!(shell_word(Path::new("")), "''");
    }

    #[test]
    fn misspellings() {
        let known = ["init-nginx", "svc-nginx", "base"];
        for (name, meant) in [
            ("svc-nginx", Some("svc-nginx")),
            ("svc-ngnix", Some("svc-nginx")),
            ("svcnginx", Some("svc-nginx")),
            ("bass", Some("base")),
            ("init-php", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known, 2), meant, "{name}");
        }
    }

    #[test]
    fn distances() {
        let distance = |a, b| distance(a, b, 3);
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(distance("abc", "axc"), 1);
        assert_eq!(distance("abc", "ac"), 1);
        assert_eq!(distance("abc", "xabc"), 1);
        assert_eq!(distance("abcd", "badc"), 3);
        assert_eq!(distance("", "ab"), 2);
        assert_eq!(distance("ab", ""), 2);
        assert_eq!(distance("", ""), 0);
        assert_eq!(distance("abcdefgh", "hgfedcba"), 4);
        assert_eq!(distance("a", "abcdefgh"), 4);
    }

    #[test]
    fn numbers() {
        assert_eq!(decimal(b"0"), Some(0));
        assert_eq!(decimal(b"0010"), Some(10));
        assert_eq!(decimal(b"99999999999999999999999"), Some(u64::MAX));
        for wrong in [&b""[..], b"-1", b"+1", b" 1", b"1 ", b"0x1", b"1\0"] {
            assert_eq!(decimal(wrong), None, "{wrong:?}");
        }
        assert_eq!(milliseconds(1500), Duration::from_millis(1500));
        assert_eq!(milliseconds(u64::MAX), LONGEST);
        assert_eq!(limit(0), None);
        assert_eq!(limit(1), Some(Duration::from_millis(1)));
    }

    #[test]
    fn lines() {
        assert_eq!(first_line(b"a\nb"), b"a");
        assert_eq!(first_line(b""), b"");
        assert_eq!(trim_end(b" a \t\r"), b" a");
        assert_eq!(trim_end(b" \t"), b"");
    }

    proptest! {
        #[test]
        fn decimal_agrees_with_the_number(number: u64, zeros in 0_usize..30) {
            let text = format!("{}{number}", "0".repeat(zeros));
            prop_assert_eq!(decimal(text.as_bytes()), Some(number));
        }

        #[test]
        fn distance_is_symmetric(a in "[a-c]{0,8}", b in "[a-c]{0,8}", limit in 0_usize..9) {
            prop_assert_eq!(distance(&a, &b, limit), distance(&b, &a, limit));
            prop_assert_eq!(distance(&a, &b, limit) == 0, a == b);
            prop_assert_eq!(distance(&a, &b, limit), distance(&a, &b, 9).min(limit + 1));
        }

        #[test]
        fn any_bytes_can_be_quoted(bytes: Vec<u8>) {
            let text = quoted(&bytes);
            prop_assert!(text.starts_with('"') && text.ends_with('"'));
            prop_assert!(!text.contains('\n'));
            let _ = (decimal(&bytes), trim_end(first_line(&bytes)));
        }
    }
}
