//! `s6-echo`, `s6-cat`, `s6-seq`, `s6-true`, `s6-false`: what prints something, or nothing at all.

use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;

use super::call::{Call, Failure, Outcome, decimal};
use super::stream::{self, Out};
use crate::complain::FAILED;

/// `s6-true`
pub(super) fn yes(_: Call) -> Outcome {
    Ok(0)
}

/// `s6-false`
pub(super) fn no(_: Call) -> Outcome {
    Ok(FAILED)
}

/// `s6-cat`: standard input, whatever the arguments.
pub(super) fn cat(_: Call) -> Outcome {
    Out::new()?.copy(stream::stdin()?)?;
    Ok(0)
}

/// `s6-echo [ -n ] [ -s sep ] args...`: one byte separates the words, which is NUL if it is none.
pub(super) fn echo(mut call: Call) -> Outcome {
    let (given, words) = call.options("ns:")?;
    let (mut ends, mut separator) = (true, b' ');
    for option in given {
        match option.letter {
            b'n' => ends = false,
            _ => separator = option.value.as_bytes().first().copied().unwrap_or(0),
        }
    }
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    let line = words.join(&separator);
    stream::print(&[&line, if ends { b"\n" } else { b"" }])?;
    Ok(0)
}

/// `s6-seq [ -w ] [ -s separator ] limits`: the separator follows the last number too.
pub(super) fn seq(mut call: Call) -> Outcome {
    let (given, limits) = call.options("ws:")?;
    let (mut is_padded, mut separator) = (false, b"\n".to_vec());
    for option in given {
        match option.letter {
            b'w' => is_padded = true,
            _ => separator = option.value.as_bytes().to_vec(),
        }
    }
    if separator.is_empty() {
        separator.push(0);
    }
    let limits: Result<Vec<u32>, Failure> = limits.iter().map(|word| decimal(word)).collect();
    let (first, step, last) = match limits?.as_slice() {
        [last] => (1, 1, *last),
        [first, last] => (*first, 1, *last),
        [first, step, last] => (*first, *step, *last),
        _ => return Err(Failure::Usage),
    };
    let mut out = Out::new()?;
    let width = if is_padded {
        width(first, step, last)
    } else {
        0
    };
    let mut number = (first <= last).then_some(first);
    let mut text = Vec::new();
    while let Some(this) = number {
        text.clear();
        // A vector takes everything.
        let _ = write!(text, "{this:0width$}");
        out.put(&text)?;
        out.put(&separator)?;
        number = this.checked_add(step).filter(|next| *next <= last);
    }
    out.flush()?;
    Ok(0)
}

/// How many digits the largest number has.
fn width(first: u32, step: u32, last: u32) -> usize {
    let room = last.saturating_sub(first);
    let largest = match room.checked_rem(step) {
        Some(beyond) => last - beyond,
        None => first,
    };
    largest.checked_ilog10().unwrap_or(0) as usize + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_wide_as_the_largest_that_is_printed() {
        assert_eq!(width(8, 1, 12), 2);
        assert_eq!(width(1, 3, 11), 2);
        assert_eq!(width(1, 5, 10), 1);
        assert_eq!(width(0, 1, 0), 1);
        assert_eq!(width(7, 0, 100), 1);
    }
}
