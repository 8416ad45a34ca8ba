//! What is done with a value before it is put into words: crunching, chomping and splitting, and
//! netstrings (execline.md D2.3).

use crate::fault::code;
use crate::options::Given;
use crate::{Fault, Word, Words};

/// How a value becomes words. The default is a value as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transform {
    /// `-C`: of consecutive delimiters only the first is kept.
    pub crunch: bool,
    /// `-n`: a delimiter at the end is removed; with `split`, a last word without one is dropped.
    pub chomp: bool,
    /// `-s`: the value is cut into words at each delimiter.
    pub split: bool,
    /// `-d`: the bytes that delimit. None at all: with `split` the value is a sequence of netstrings,
    /// else it stays as it is.
    pub delimiters: Word,
}

impl Default for Transform {
    fn default() -> Self {
        Self {
            crunch: false,
            chomp: false,
            split: false,
            delimiters: b" \n\r\t".to_vec(),
        }
    }
}

impl Transform {
    /// Takes an option that is one of `C`, `c`, `n`, `N`, `s` and `d:`; gives whether it was.
    pub fn option(&mut self, given: &Given) -> bool {
        match given.letter {
            b'C' => self.crunch = true,
            b'c' => self.crunch = false,
            b'n' => self.chomp = true,
            b'N' => self.chomp = false,
            b's' => self.split = true,
            b'd' => self.delimiters.clone_from(&given.value),
            _ => return false,
        }
        true
    }

    /// The words that `value` becomes: one, unless it is split.
    ///
    /// # Errors
    /// [`not_netstrings`].
    pub fn apply(&self, mut value: Word) -> Result<Words, Fault> {
        if self.delimiters.is_empty() {
            return if self.split {
                netstrings(&value).ok_or_else(not_netstrings)
            } else {
                Ok(vec![value])
            };
        }
        if self.crunch {
            let mut follows = false;
            value.retain(|byte| {
                let delimits = self.delimits(*byte);
                let kept = !(delimits && follows);
                follows = delimits;
                kept
            });
        }
        let chomps = self.chomp && value.last().is_some_and(|byte| self.delimits(*byte));
        if chomps {
            value.pop();
        }
        if !self.split {
            return Ok(vec![value]);
        }
        let mut words: Words = value
            .split(|byte| self.delimits(*byte))
            .map(<[u8]>::to_vec)
            .collect();
        // What follows the last delimiter is no word if it is empty, nor if every word has to have a
        // delimiter behind it.
        if words.last().is_some_and(Vec::is_empty) || (self.chomp && !chomps) {
            words.pop();
        }
        Ok(words)
    }

    fn delimits(&self, byte: u8) -> bool {
        self.delimiters.contains(&byte)
    }
}

/// The words that a sequence of netstrings is; `None` if it is none.
#[must_use]
pub fn netstrings(mut bytes: &[u8]) -> Option<Words> {
    let mut words = Words::new();
    while !bytes.is_empty() {
        let colon = bytes.iter().position(|byte| *byte == b':')?;
        let (length, rest) = bytes.split_at(colon);
        let length: u32 = crate::options::number(length)?;
        let (word, rest) = rest
            .get(1..)?
            .split_at_checked(usize::try_from(length).ok()?)?;
        bytes = rest.strip_prefix(b",")?;
        words.push(word.to_vec());
    }
    Some(words)
}

/// `word` as a netstring.
#[must_use]
pub fn netstring(word: &[u8]) -> Word {
    let length = format!("{}:", word.len());
    [length.as_bytes(), word, b","].concat()
}

/// A value that should be netstrings is none, in the words of the original.
#[must_use]
pub fn not_netstrings() -> Fault {
    let text = "unable to complete exlsn function: Invalid argument";
    Fault::fatal(text, code::SYSTEM)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The words of `value` under options as they are written for `define`.
    fn apply(options: &[&str], value: &str) -> Result<Vec<String>, Fault> {
        let mut transform = Transform::default();
        for option in options {
            let (letter, value) = option.as_bytes().split_first().unwrap();
            assert!(transform.option(&Given {
                letter: *letter,
                value: value.to_vec(),
            }));
        }
        let words = transform.apply(value.into())?;
        Ok(words
            .into_iter()
            .map(|word| String::from_utf8(word).unwrap())
            .collect())
    }

    #[test]
    fn values_become_words() {
        for (options, value, wanted) in [
            (&[][..], "", &[""][..]),
            (&[], " a  b\n", &[" a  b\n"]),
            (&["s"], "a b c", &["a", "b", "c"]),
            (&["s"], "a b c ", &["a", "b", "c"]),
            (&["s"], "b c  ", &["b", "c", ""]),
            (&["s"], " a  b", &["", "a", "", "b"]),
            (&["s", "C"], " a  b  ", &["", "a", "b"]),
            (&["s", "d:"], ":", &[""]),
            (&["s"], "", &[]),
            (&["n", "s", "d:"], "a:b", &["a"]),
            (&["n", "s", "d:"], "a:b:", &["a", "b"]),
            (&["n", "s"], "b c  ", &["b", "c"]),
            (&["n", "s"], "\n\n", &[""]),
            (&["n", "s"], "\n", &[]),
            (&["n", "s"], "b", &[]),
            (&["C", "n", "s"], "\n\n", &[]),
            (&["C", "n", "s"], "b c  ", &["b", "c"]),
            (&["n"], "ab\n\n", &["ab\n"]),
            (&["n"], "\n", &[""]),
            (&["n"], "", &[""]),
            (&["C", "n"], "ab\n\n", &["ab"]),
            (&["C"], "a \n\t b\n\t", &["a b\n"]),
            (&["C", "dab"], "xabay", &["xay"]),
            (&["C", "c"], "a  b", &["a  b"]),
            (&["n", "N", "s"], "b c", &["b", "c"]),
            (&["s", "d: "], "a: b c", &["a", "", "b", "c"]),
            (&["s", "d"], "1:a,3:b c,0:,", &["a", "b c", ""]),
            (&["s", "d"], "01:a,003:b,c,", &["a", "b,c"]),
            (&["s", "d"], "", &[]),
            (&["C", "n", "d"], "1:a  ", &["1:a  "]),
        ] {
            let wanted = wanted.iter().map(ToString::to_string).collect();
            assert_eq!(apply(options, value), Ok(wanted), "{options:?} {value:?}");
        }
    }

    #[test]
    fn what_is_no_netstring_is_refused() {
        for value in [
            "1:a",
            "1:a,x",
            ":,",
            "a",
            "1",
            "1:",
            "2:a,",
            " 1:a,",
            "-1:a,",
            "4294967297:a,",
            "18446744073709551617:a,",
        ] {
            let fault = apply(&["s", "n", "d"], value).unwrap_err();
            assert_eq!(fault, not_netstrings(), "{value}");
            assert_eq!(fault.code, 111);
        }
    }

    #[test]
    fn other_options_are_left_alone() {
        let mut transform = Transform::default();
        let given = Given {
            letter: b'u',
            value: Word::new(),
        };
        assert!(!transform.option(&given));
        assert_eq!(transform, Transform::default());
    }

    proptest! {
        #[test]
        fn netstrings_come_back(words in prop::collection::vec(any::<Word>(), 0..8)) {
            let encoded: Word = words.iter().flat_map(|word| netstring(word)).collect();
            prop_assert_eq!(netstrings(&encoded), Some(words));
        }

        #[test]
        fn any_bytes_are_netstrings_or_not(bytes: Word) {
            let _ = netstrings(&bytes);
        }

        #[test]
        fn splitting_loses_nothing_but_delimiters(value in "[ab ,]{0,20}", chomp: bool, crunch: bool) {
            let transform = Transform { split: true, chomp, crunch, delimiters: b" ,".to_vec() };
            let words = transform.apply(value.clone().into()).unwrap();
            let left: Word = value.bytes().filter(|byte| !b" ,".contains(byte)).collect();
            let joined = words.concat();
            prop_assert!(left.starts_with(&joined));
            prop_assert!(chomp || joined == left);
        }
    }
}
