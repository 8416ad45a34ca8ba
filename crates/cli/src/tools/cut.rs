//! `s6-cut`: parts of lines.

use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;

use super::call::{Call, Failure, Outcome};
use super::stream::{self, Line, Lines, Out};
use crate::complain::USAGE;

/// Places from one to another, counted from 1; without an end, to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: usize,
    to: Option<usize>,
}

/// What is printed of a line.
struct Cut {
    /// In order, and apart from each other.
    spans: Vec<Span>,
    /// What separates fields; without, bytes are counted.
    delimiter: Option<u8>,
    /// Whether a line without the delimiter is printed where the first field is not wanted.
    keeps_whole: bool,
}

/// `s6-cut [ -b list | -c list | -f list ] [ -d delim ] [ -n ] [ -s ] [ file... ]`: `-n` changes nothing.
pub(super) fn cut(mut call: Call) -> Outcome {
    let (given, files) = call.options("nsb:c:f:d:")?;
    let (mut list, mut delimiter, mut keeps_whole) = (None, b'\t', true);
    for option in given {
        match option.letter {
            b'n' => {}
            b's' => keeps_whole = false,
            b'd' => delimiter = option.value.as_bytes().first().copied().unwrap_or(0),
            letter => {
                let spans = spans(option.value.as_bytes()).ok_or_else(|| {
                    let list = option.value.display();
                    Failure::Fatal(format!("invalid list argument: {list}"), USAGE)
                })?;
                if list.replace((letter == b'f', spans)).is_some() {
                    return Err(Failure::Usage);
                }
            }
        }
    }
    let (is_of_fields, spans) = list.ok_or(Failure::Usage)?;
    if spans.is_empty() {
        return Err(Failure::Usage);
    }
    let cut = Cut {
        spans: apart(spans),
        delimiter: is_of_fields.then_some(delimiter),
        keeps_whole,
    };
    let mut out = Out::new()?;
    if files.is_empty() {
        cut.file(stream::stdin()?, "stdin", &mut out)?;
    }
    for name in &files {
        let shown = name.display().to_string();
        cut.file(stream::open(name)?, &shown, &mut out)?;
    }
    out.flush()?;
    Ok(0)
}

impl Cut {
    fn file(&self, file: File, name: &str, out: &mut Out) -> Result<(), Failure> {
        let mut lines = Lines::new(file, b'\n');
        let (mut line, mut kept) = (Line::default(), Vec::new());
        loop {
            lines.answer(out)?;
            let is_there = lines.next(&mut line);
            let failed = |error| Failure::unable(format_args!("cut {name}"), &error);
            if !is_there.map_err(failed)? {
                return Ok(());
            }
            kept.clear();
            if self.of_line(&line.bytes, &mut kept) {
                out.put(&kept)?;
                out.put(if line.is_ended { b"\n" } else { b"" })?;
            }
        }
    }

    /// Adds what is wanted of a line to `kept`; says whether there is a line to print.
    fn of_line(&self, line: &[u8], kept: &mut Vec<u8>) -> bool {
        let Some(delimiter) = self.delimiter else {
            for span in &self.spans {
                let end = span.to.unwrap_or(line.len()).min(line.len());
                kept.extend_from_slice(line.get(span.from - 1..end).unwrap_or_default());
            }
            return true;
        };
        let first = self.spans.first().map_or(1, |span| span.from);
        if !line.contains(&delimiter) && first > 1 {
            kept.extend_from_slice(if self.keeps_whole { line } else { b"" });
            return self.keeps_whole;
        }
        for (at, field) in line.split(|byte| *byte == delimiter).enumerate() {
            let at = at + 1;
            let is_wanted = |span: &Span| span.from <= at && span.to.is_none_or(|to| at <= to);
            if self.spans.iter().any(is_wanted) {
                if at > first {
                    kept.push(delimiter);
                }
                kept.extend_from_slice(field);
            }
        }
        true
    }
}

/// Reads a list such as `1,3-5 7-`; `None` if it is none.
fn spans(list: &[u8]) -> Option<Vec<Span>> {
    let mut spans = Vec::new();
    let mut rest = list;
    while !rest.is_empty() {
        let (from, is_range) = match rest.strip_prefix(b"-") {
            Some(after) => {
                rest = after;
                (1, true)
            }
            None => {
                let from = digits(&mut rest).filter(|from| *from > 0)?;
                let after = rest.strip_prefix(b"-");
                rest = after.unwrap_or(rest);
                (from, after.is_some())
            }
        };
        let to = match is_range {
            true => digits(&mut rest),
            false => Some(from),
        };
        if to.is_some_and(|to| to < from) {
            return None;
        }
        spans.push(Span { from, to });
        rest = match rest {
            [] => rest,
            [b',' | b' ' | b'\t', rest @ ..] => rest,
            _ => return None,
        };
    }
    Some(spans)
}

/// Takes the number that the text begins with.
fn digits(text: &mut &[u8]) -> Option<usize> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit());
    let (digits, rest) = text.split_at_checked(end.unwrap_or(text.len()))?;
    *text = rest;
    // More than there can be is as many as there can be.
    let number = digits.iter().fold(0_usize, |number, digit| {
        let digit = usize::from(digit - b'0');
        number.saturating_mul(10).saturating_add(digit)
    });
    (!digits.is_empty()).then_some(number)
}

/// The same places in order, none of them twice.
fn apart(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| span.from);
    let mut apart: Vec<Span> = Vec::new();
    for span in spans {
        match apart.last_mut() {
            Some(last) if last.to.is_none_or(|to| span.from <= to) => {
                last.to = last.to.zip(span.to).map(|(one, other)| one.max(other));
            }
            Some(_) | None => apart.push(span),
        }
    }
    apart
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(list: &str, delimiter: Option<u8>, line: &[u8]) -> Option<Vec<u8>> {
        let cut = Cut {
            spans: apart(spans(list.as_bytes()).unwrap()),
            delimiter,
            keeps_whole: false,
        };
        let mut kept = Vec::new();
        cut.of_line(line, &mut kept).then_some(kept)
    }

    #[test]
    fn lists_are_read() {
        let read = |list: &str| {
            let spans = spans(list.as_bytes())?;
            Some(spans.iter().map(|span| (span.from, span.to)).collect())
        };
        assert_eq!(read(""), Some(vec![]));
        assert_eq!(read("3,1-2,"), Some(vec![(3, Some(3)), (1, Some(2))]));
        assert_eq!(read("-2 5-"), Some(vec![(1, Some(2)), (5, None)]));
        assert_eq!(read("-"), Some(vec![(1, None)]));
        for wrong in ["0", "a", "2-1", ",1", "1;2", "1--2", "1,,2", "-0"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn fields_and_bytes_are_found() {
        let some = |text: &str| Some(text.as_bytes().to_vec());
        assert_eq!(cut("1,3-", Some(b':'), b"a:b:c:d"), some("a:c:d"));
        assert_eq!(cut("2", Some(b':'), b"a"), None);
        assert_eq!(cut("1", Some(b':'), b"a"), some("a"));
        assert_eq!(cut("9", Some(b':'), b"a:b"), some(""));
        assert_eq!(cut("2-3,3-4", None, b"abcde"), some("bcd"));
        assert_eq!(cut("1-2,2-", None, b"abc"), some("abc"));
        assert_eq!(cut("7", None, b"abc"), some(""));
    }

    proptest! {
        #[test]
        fn bytes_are_those_that_some_span_has(
            ranges in proptest::collection::vec((1_usize..12, 0_usize..12, any::<bool>()), 1..5),
            line in proptest::collection::vec(any::<u8>(), 0..16),
        ) {
            let words: Vec<String> = ranges
                .iter()
                .map(|(from, more, is_open)| match is_open {
                    true => format!("{from}-"),
                    false => format!("{from}-{}", from + more),
                })
                .collect();
            let is_in = |at: usize| {
                ranges.iter().any(|(from, more, is_open)| at >= *from && (*is_open || at <= from + more))
            };
            let naive: Vec<u8> = line
                .iter()
                .enumerate()
                .filter_map(|(at, byte)| is_in(at + 1).then_some(*byte))
                .collect();
            prop_assert_eq!(cut(&words.join(","), None, &line), Some(naive));
        }

        #[test]
        fn fields_are_those_that_some_span_has(
            wanted in proptest::collection::btree_set(1_usize..6, 1..4),
            fields in proptest::collection::vec("[ab]{0,2}", 2..6),
        ) {
            let list: Vec<String> = wanted.iter().map(ToString::to_string).collect();
            let naive: Vec<&str> = wanted
                .iter()
                .filter_map(|at| fields.get(at - 1).map(String::as_str))
                .collect();
            let found = cut(&list.join(" "), Some(b':'), fields.join(":").as_bytes());
            prop_assert_eq!(found, Some(naive.join(":").into_bytes()));
        }
    }
}
