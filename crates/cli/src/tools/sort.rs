//! `s6-sort`: lines in order.

use std::cmp::Ordering;

use super::call::{Call, Failure, Outcome};
use super::stream::{self, Line, Lines, Out};
use crate::complain::FAILED;

/// How lines are compared.
#[derive(Debug, Clone, Copy, Default)]
struct How {
    without_blanks: bool,
    without_case: bool,
    is_reversed: bool,
}

impl How {
    fn compare(self, one: &[u8], other: &[u8]) -> Ordering {
        let (mut one, mut other) = (one, other);
        if self.without_blanks {
            (one, other) = (after_blanks(one), after_blanks(other));
        }
        let ordering = if self.without_case {
            let lower = |byte: &u8| byte.to_ascii_lowercase();
            one.iter().map(lower).cmp(other.iter().map(lower))
        } else {
            one.cmp(other)
        };
        if self.is_reversed {
            ordering.reverse()
        } else {
            ordering
        }
    }
}

fn after_blanks(line: &[u8]) -> &[u8] {
    let start = line.iter().position(|byte| !matches!(byte, b' ' | b'\t'));
    line.get(start.unwrap_or(line.len())..).unwrap_or_default()
}

/// `s6-sort [ -bcfru0 ]`: byte by byte. Of lines that are the same, `-u` leaves the last one; `-c`
/// prints nothing and fails where the order is another.
pub(super) fn sort(mut call: Call) -> Outcome {
    let (given, _) = call.options("bcfru0")?;
    let (mut how, mut separator) = (How::default(), b'\n');
    let (mut is_check, mut is_unique) = (false, false);
    for option in given {
        match option.letter {
            b'b' => how.without_blanks = true,
            b'c' => is_check = true,
            b'f' => how.without_case = true,
            b'r' => how.is_reversed = true,
            b'u' => is_unique = true,
            _ => separator = b'\0',
        }
    }
    let mut lines = read(separator)?;
    if is_check {
        let is_sorted = lines.is_sorted_by(|one, next| match how.compare(one, next) {
            Ordering::Less => true,
            Ordering::Equal => !is_unique,
            Ordering::Greater => false,
        });
        return Ok(if is_sorted { 0 } else { FAILED });
    }
    arrange(&mut lines, how, is_unique);
    let mut out = Out::new()?;
    for line in &lines {
        out.put(line)?;
        out.put(&[separator])?;
    }
    out.flush()?;
    Ok(0)
}

fn read(separator: u8) -> Result<Vec<Vec<u8>>, Failure> {
    let mut lines = Lines::new(stream::stdin()?, separator);
    let (mut line, mut found) = (Line::default(), Vec::new());
    loop {
        match lines.next(&mut line) {
            Ok(true) => found.push(line.bytes.as_slice().into()),
            Ok(false) => return Ok(found),
            Err(error) => return Err(Failure::unable("read from stdin", &error)),
        }
    }
}

fn arrange(lines: &mut Vec<Vec<u8>>, how: How, is_unique: bool) {
    lines.sort_by(|one, other| how.compare(one, other));
    if is_unique {
        lines.dedup_by(|next, kept| {
            let is_same = how.compare(next, kept) == Ordering::Equal;
            if is_same {
                // The one that goes is the first of the two.
                std::mem::swap(next, kept);
            }
            is_same
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn arranged(text: &str, how: How, is_unique: bool) -> Vec<String> {
        let mut lines: Vec<Vec<u8>> = text.split(',').map(Into::into).collect();
        arrange(&mut lines, how, is_unique);
        let text = |line: Vec<u8>| String::from_utf8(line).unwrap();
        lines.into_iter().map(text).collect()
    }

    #[test]
    fn lines_are_compared_as_asked_for() {
        let plain = How::default();
        assert_eq!(
            arranged("b,a,B,aa, c", plain, false),
            [" c", "B", "a", "aa", "b"]
        );
        let blind = How {
            without_case: true,
            without_blanks: true,
            is_reversed: true,
        };
        assert_eq!(
            arranged("b,a,B,\t c", blind, false),
            ["\t c", "b", "B", "a"]
        );
        assert_eq!(arranged("b,a,B", blind, true), ["B", "a"]);
    }

    proptest! {
        #[test]
        fn sorting_is_what_a_naive_sort_does(
            lines in proptest::collection::vec(proptest::collection::vec(0_u8..4, 0..4), 0..20),
            is_unique: bool,
        ) {
            let mut found = lines.clone();
            arrange(&mut found, How::default(), is_unique);
            let mut naive: Vec<Vec<u8>> = Vec::new();
            for line in lines {
                let at = naive.iter().position(|other| *other > line).unwrap_or(naive.len());
                if !(is_unique && naive.contains(&line)) {
                    naive.insert(at, line);
                }
            }
            prop_assert_eq!(found, naive);
        }
    }
}
