//! Options as the commands of execline and s6 take them: single letters that may be joined, values
//! that may be joined to their letter, long names where a command has them. The first word that is
//! no option ends them, and so does `--`; a lone `-` is a word (execline.md D0.3).

use crate::{Word, Words};

/// One option that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its letter.
    pub letter: u8,
    /// Its value; empty for an option that takes none.
    pub value: Word,
}

/// Something was given that is no option of the command, or an option without its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongUsage;

/// What is left of a command's arguments.
#[derive(Debug)]
pub struct Options<I = std::vec::IntoIter<Word>> {
    args: I,
    /// The first word that is no option.
    operand: Option<Word>,
    /// What is left of joined letters.
    joined: Word,
    letters: &'static str,
    long: &'static [(&'static str, u8)],
    is_lenient: bool,
}

impl Options {
    /// The options in `args` (without the command's name). `letters` are those the command has, each
    /// followed by a colon if it takes a value, as for getopt(3).
    #[must_use]
    pub fn new(args: Words, letters: &'static str) -> Self {
        Self::with_long(args, letters, &[])
    }

    /// The same with long names (`--name`, `--name=value`, `--name value`), each for a letter.
    #[must_use]
    pub fn with_long(
        args: Words,
        letters: &'static str,
        long: &'static [(&'static str, u8)],
    ) -> Self {
        Self {
            long,
            ..Self::of(args.into_iter(), letters)
        }
    }

    /// The same as [`Options::new`], where letters that the command does not have are given too, as
    /// without a value, and `--name` is letters.
    #[must_use]
    pub fn lenient(args: Words, letters: &'static str) -> Self {
        Self {
            is_lenient: true,
            ..Self::new(args, letters)
        }
    }
}

impl<I: Iterator<Item = Word>> Options<I> {
    /// The options that `args` begins with: no more words are taken from it than that, and the
    /// [operand](Options::operand) behind them.
    #[must_use]
    pub fn of(args: I, letters: &'static str) -> Self {
        Self {
            args,
            operand: None,
            joined: Word::new(),
            letters,
            long: &[],
            is_lenient: false,
        }
    }

    /// The next option; `None` when there is no further.
    ///
    /// # Errors
    /// When the next word is an option that the command has not, or one without its value.
    pub fn next_option(&mut self) -> Result<Option<Given>, WrongUsage> {
        if self.joined.is_empty() {
            let Some(word) = self.args.next() else {
                return Ok(None);
            };
            match word.as_slice() {
                b"--" => return Ok(None),
                [b'-', b'-', name @ ..] if !self.is_lenient => return self.long(name).map(Some),
                [b'-', letters @ ..] if !letters.is_empty() => self.joined = letters.to_vec(),
                _ => {
                    self.operand = Some(word);
                    return Ok(None);
                }
            }
        }
        let letter = self.joined.remove(0);
        let value = if self.takes_value(letter)? {
            let joined = std::mem::take(&mut self.joined);
            if joined.is_empty() {
                self.args.next().ok_or(WrongUsage)?
            } else {
                joined
            }
        } else {
            Word::new()
        };
        Ok(Some(Given { letter, value }))
    }

    /// The words after the options. To be called when [`Options::next_option`] has given `None`.
    #[must_use]
    pub fn rest(self) -> Words {
        self.operand.into_iter().chain(self.args).collect()
    }

    /// The word that ended the options, unless it was `--`.
    #[must_use]
    pub fn operand(self) -> Option<Word> {
        self.operand
    }

    fn long(&mut self, name: &[u8]) -> Result<Given, WrongUsage> {
        let (name, value) = match name.iter().position(|byte| *byte == b'=') {
            Some(at) => {
                let (name, value) = name.split_at(at);
                (name, value.get(1..))
            }
            None => (name, None),
        };
        let letter = self
            .long
            .iter()
            .find(|(long, _)| long.as_bytes() == name)
            .map(|(_, letter)| *letter)
            .ok_or(WrongUsage)?;
        let value = match (self.takes_value(letter)?, value) {
            (true, Some(value)) => value.to_vec(),
            (true, None) => self.args.next().ok_or(WrongUsage)?,
            (false, None) => Word::new(),
            (false, Some(_)) => return Err(WrongUsage),
        };
        Ok(Given { letter, value })
    }

    fn takes_value(&self, letter: u8) -> Result<bool, WrongUsage> {
        let letters = self.letters.as_bytes();
        let at = letters
            .iter()
            .position(|known| *known == letter && letter != b':');
        let at = match at {
            None if self.is_lenient => return Ok(false),
            at => at.ok_or(WrongUsage)?,
        };
        Ok(letters.get(at.saturating_add(1)) == Some(&b':'))
    }
}

/// The number that a value is in decimal digits, and nothing else; `None` for what is none.
pub fn number<T: std::str::FromStr>(value: &[u8]) -> Option<T> {
    let is_decimal = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(value).ok()?;
    is_decimal.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Words {
        words.iter().map(|word| Word::from(*word)).collect()
    }

    /// The options as text, and the rest.
    fn read(args: &[&str]) -> Result<(Vec<String>, Words), WrongUsage> {
        let mut options =
            Options::with_long(words(args), "abT:t:", &[("timeout", b't'), ("all", b'a')]);
        let mut found = Vec::new();
        while let Some(given) = options.next_option()? {
            let value = String::from_utf8(given.value).unwrap();
            found.push(format!("{}{value}", char::from(given.letter)));
        }
        Ok((found, options.rest()))
    }

    #[test]
    fn letters_and_values_may_be_joined() {
        for (args, found, rest) in [
            (&["-a", "-b", "x"][..], &["a", "b"][..], &["x"][..]),
            (&["-abT5", "x"], &["a", "b", "T5"], &["x"]),
            (&["-T", "5", "x"], &["T5"], &["x"]),
            (&["-T", "-a"], &["T-a"], &[]),
            (&["x", "-a"], &[], &["x", "-a"]),
            (&["-a", "--", "-b"], &["a"], &["-b"]),
            (&["-", "-a"], &[], &["-", "-a"]),
            (&["--timeout=3", "--all"], &["t3", "a"], &[]),
            (&["--timeout", "3", "x"], &["t3"], &["x"]),
            (&[], &[], &[]),
        ] {
            let (letters, words) = read(args).unwrap();
            assert_eq!(letters, found, "{args:?}");
            assert_eq!(words, self::words(rest), "{args:?}");
        }
    }

    #[test]
    fn what_the_command_does_not_have_is_wrong() {
        for args in [
            &["-z"][..],
            &["-az"],
            &["-T"],
            &["-:"],
            &["--nothing"],
            &["--all=1"],
            &["--timeout"],
        ] {
            assert_eq!(read(args), Err(WrongUsage), "{args:?}");
        }
    }

    #[test]
    fn numbers_are_decimal_digits_alone() {
        assert_eq!(number::<u32>(b"0012"), Some(12));
        for wrong in ["", "-1", "+1", "1x", " 1", "4294967296"] {
            assert_eq!(number::<u32>(wrong.as_bytes()), None, "{wrong:?}");
        }
    }
}
