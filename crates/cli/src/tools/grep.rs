//! `s6-grep`: the lines of standard input that match.

use std::os::unix::ffi::OsStrExt as _;

use sixfold_sys::regex::{Kind, Regex};

use super::call::{Call, Failure, Outcome, first};
use super::stream;
use crate::complain::{FAILED, SYSTEM};

/// What is looked for in a line.
enum Pattern {
    Expression(Regex),
    Text(Vec<u8>),
    /// In lower case.
    TextWithoutCase(Vec<u8>),
}

impl Pattern {
    fn is_in(&self, line: &[u8]) -> bool {
        match self {
            Self::Expression(regex) => regex.is_match(line),
            Self::Text(text) => contains(line, text),
            Self::TextWithoutCase(text) => contains(&line.to_ascii_lowercase(), text),
        }
    }
}

fn contains(line: &[u8], text: &[u8]) -> bool {
    text.is_empty() || line.windows(text.len()).any(|part| part == text)
}

/// `s6-grep [ -E | -F ] [ -i ] [ -c ] [ -n ] [ -q ] [ -v ] pattern`: reads to the end in any case, so
/// that who writes is not killed.
pub(super) fn grep(mut call: Call) -> Outcome {
    let (given, words) = call.options("EFicnqv")?;
    let is_given = |letter| given.iter().any(|given| given.letter == letter);
    let text = first(&words)?.as_bytes();
    let pattern = match (is_given(b'F'), is_given(b'i')) {
        (true, false) => Pattern::Text(text.to_vec()),
        (true, true) => Pattern::TextWithoutCase(text.to_ascii_lowercase()),
        (false, insensitive) => {
            let kind = Kind {
                basic: !is_given(b'E'),
                insensitive,
            };
            let regex = Regex::new(text, kind).map_err(|why| {
                let message = format!("unable to compile regular expression: {why}");
                Failure::Fatal(message, SYSTEM)
            })?;
            Pattern::Expression(regex)
        }
    };
    let is_inverse = is_given(b'v');
    let (is_counted, is_numbered) = (is_given(b'c'), is_given(b'n'));
    let is_quiet = is_given(b'q');
    let (mut count, mut number) = (0_usize, 0_usize);
    stream::filter(|line, out| {
        number += 1;
        if pattern.is_in(&line.bytes) == is_inverse {
            return Ok(());
        }
        count += 1;
        if is_quiet || is_counted {
            return Ok(());
        }
        if is_numbered {
            out.put(format!("{number}:").as_bytes())?;
        }
        out.put(&line.bytes)?;
        out.put(b"\n")
    })?;
    if is_counted && !is_quiet {
        stream::print(&[count.to_string().as_bytes(), b"\n"])?;
    }
    Ok(if count > 0 { 0 } else { FAILED })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found() {
        assert!(contains(b"abc", b"bc") && contains(b"", b"") && !contains(b"ab", b"abc"));
        assert!(Pattern::TextWithoutCase(b"b\xff".to_vec()).is_in(b"aB\xff"));
        assert!(!Pattern::Text(b"b".to_vec()).is_in(b"aB"));
    }
}
