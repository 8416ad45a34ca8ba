//! What the words of commands have in common: options with a synopsis, descriptors, lists of codes.

use crate::block::Args;
use crate::options::{Given, Options, WrongUsage, number};
use crate::{Fault, Word};

/// The next option of a command with this synopsis.
///
/// # Errors
/// The usage.
pub(super) fn next_option(
    options: &mut Options,
    synopsis: &'static str,
) -> Result<Option<Given>, Fault> {
    let next = options.next_option();
    next.map_err(|WrongUsage| Fault::usage(synopsis))
}

/// The next word of a command that needs one more.
///
/// # Errors
/// The usage.
pub(super) fn next_word(args: &mut Args, synopsis: &'static str) -> Result<Word, Fault> {
    args.word().ok_or_else(|| Fault::usage(synopsis))
}

/// The descriptor that a word names; numbers beyond what a descriptor can be stand for the highest
/// one, which is never open.
pub(super) fn descriptor(word: &[u8]) -> Option<i32> {
    let fd: u32 = number(word)?;
    Some(i32::try_from(fd).unwrap_or(i32::MAX))
}

/// The exit codes in a list, up to the first thing that is neither a number nor a separator. Numbers
/// that are no exit code are left out: nothing ever exits so. `None` when it begins with no number.
pub(super) fn codes(list: &[u8]) -> Option<Vec<u8>> {
    let mut codes = Vec::new();
    let mut rest = list;
    loop {
        let (digits, behind) = split_while(rest, u8::is_ascii_digit);
        if digits.is_empty() {
            break;
        }
        codes.extend(number::<u8>(digits));
        let (separators, behind) = split_while(behind, |byte| b",:; \t\r\n".contains(byte));
        rest = if separators.is_empty() { &[] } else { behind };
    }
    list.first()
        .is_some_and(u8::is_ascii_digit)
        .then_some(codes)
}

/// The longest beginning whose bytes are all wanted, and what is behind it.
pub(super) fn split_while(bytes: &[u8], wanted: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| !wanted(byte));
    bytes.split_at(end.unwrap_or(bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_codes_end_at_the_first_thing_that_is_none() {
        for (list, wanted) in [
            ("1", Some(vec![1])),
            ("1,2:3;4 5\t6\r7\n8", Some(vec![1, 2, 3, 4, 5, 6, 7, 8])),
            ("1,,2", Some(vec![1, 2])),
            ("1,", Some(vec![1])),
            ("1,a,2", Some(vec![1])),
            ("1x,3", Some(vec![1])),
            ("255,256,4294967299,3", Some(vec![255, 3])),
            ("256", Some(vec![])),
            ("007", Some(vec![7])),
            ("", None),
            (",1", None),
            ("a", None),
            ("-1", None),
        ] {
            assert_eq!(codes(list.as_bytes()), wanted, "{list}");
        }
    }

    #[test]
    fn descriptors_are_decimal_numbers_of_32_bits() {
        for (word, wanted) in [
            ("0", Some(0)),
            ("007", Some(7)),
            ("2147483647", Some(i32::MAX)),
            ("4294967295", Some(i32::MAX)),
            ("4294967296", None),
            ("-1", None),
            ("+1", None),
            (" 1", None),
            ("0x1", None),
            ("", None),
        ] {
            assert_eq!(descriptor(word.as_bytes()), wanted, "{word}");
        }
    }
}
