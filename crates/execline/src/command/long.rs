//! Options of the newer kind (execline.md D0.3): what is wrong with them is said in words of its own
//! instead of the synopsis.

use crate::fault::joined;
use crate::options::Given;
use crate::{Fault, Word, Words};

/// What is left of a command's arguments.
pub(super) struct LongOptions {
    args: std::vec::IntoIter<Word>,
    /// The first word that is no option.
    operand: Option<Word>,
    /// What is left of joined letters.
    joined: Word,
    how: &'static Known,
}

/// The options that a command has.
pub(super) struct Known {
    /// Letters without a value.
    pub(super) flags: &'static [u8],
    /// Letters with a value.
    pub(super) valued: &'static [u8],
    /// Long names, each with the letter that it stands for; that may be one that cannot be given.
    pub(super) names: &'static [(&'static str, u8)],
    /// The synopsis, for what has no words of its own.
    pub(super) synopsis: &'static str,
}

impl LongOptions {
    /// The options in `args` (without the command's name).
    pub(super) fn new(args: Words, how: &'static Known) -> Self {
        Self {
            args: args.into_iter(),
            operand: None,
            joined: Word::new(),
            how,
        }
    }

    /// The next option; `None` when there is no further.
    ///
    /// # Errors
    /// An option that the command has not, or one without its value.
    pub(super) fn next_option(&mut self) -> Result<Option<Given>, Fault> {
        if self.joined.is_empty() {
            let Some(word) = self.args.next() else {
                return Ok(None);
            };
            match word.as_slice() {
                b"--" => return Ok(None),
                [b'-', b'-', name @ ..] => return self.long(&word, name).map(Some),
                [b'-', letters @ ..] if !letters.is_empty() => self.joined = letters.to_vec(),
                _ => {
                    self.operand = Some(word);
                    return Ok(None);
                }
            }
        }
        let letter = self.joined.remove(0);
        if self.how.flags.contains(&letter) {
            let value = Word::new();
            return Ok(Some(Given { letter, value }));
        }
        if !self.how.valued.contains(&letter) {
            let text = joined(&[b"unrecognized short option: ", &[letter]]);
            return Err(Fault::wrong(text));
        }
        let mut value = std::mem::take(&mut self.joined);
        if value.is_empty() {
            let next = self.args.next();
            value = next.ok_or_else(|| Fault::usage(self.how.synopsis))?;
        }
        Ok(Some(Given { letter, value }))
    }

    /// The words after the options. To be called when [`LongOptions::next_option`] has given `None`.
    pub(super) fn rest(self) -> Words {
        self.operand.into_iter().chain(self.args).collect()
    }

    fn long(&self, word: &[u8], name: &[u8]) -> Result<Given, Fault> {
        let equals = name.iter().position(|byte| *byte == b'=');
        let (name, value) = name.split_at(equals.unwrap_or(name.len()));
        let wrong = |what: &[u8]| Fault::wrong(joined(&[what, word]));
        if name.is_empty() {
            return Err(wrong(b"invalid option: "));
        }
        let known = self.how.names.iter().find(|(it, _)| it.as_bytes() == name);
        let letter = known.map(|(_, letter)| *letter);
        let takes_value = letter.is_some_and(|letter| self.how.valued.contains(&letter));
        match (letter, value.split_first()) {
            (Some(letter), None) if !takes_value => Ok(Given {
                letter,
                value: Word::new(),
            }),
            (Some(letter), Some((_, value))) if takes_value => Ok(Given {
                letter,
                value: value.to_vec(),
            }),
            (_, None) => Err(wrong(b"unrecognized boolean option: ")),
            (_, Some(_)) => Err(wrong(b"unrecognized option with argument: ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Known = Known {
        flags: b"ab",
        valued: b"t",
        names: &[("all", b'a'), ("only-long", b'1'), ("time", b't')],
        synopsis: "it",
    };

    fn read(words: &[&str]) -> Result<(String, Vec<String>), String> {
        let text = |word: Word| String::from_utf8(word).unwrap();
        let args = words.iter().map(|word| Word::from(*word)).collect();
        let mut options = LongOptions::new(args, &KNOWN);
        let mut given = String::new();
        loop {
            match options.next_option() {
                Ok(Some(option)) => {
                    given.push(char::from(option.letter));
                    given.push_str(&text(option.value));
                }
                Ok(None) => break,
                Err(fault) => return Err(text(fault.text)),
            }
        }
        Ok((given, options.rest().into_iter().map(text).collect()))
    }

    #[test]
    fn options_end_at_the_first_word_that_is_none() {
        for (words, given, rest) in [
            (&["-ab", "x", "-a"][..], "ab", &["x", "-a"][..]),
            (&["-a", "--", "-b"], "a", &["-b"]),
            (&["-b", "-", "-a"], "b", &["-", "-a"]),
            (&["-at5", "-t", "-6"], "at5t-6", &[]),
            (&["--all", "--time=5", "--only-long"], "at51", &[]),
            (&["--time=", "x"], "t", &["x"]),
            (&["", "-a"], "", &["", "-a"]),
        ] {
            let rest = rest.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(read(words), Ok((given.to_owned(), rest)), "{words:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (words, text) in [
            (&["-ac"][..], "unrecognized short option: c"),
            (&["-a=3"], "unrecognized short option: ="),
            (&["-1"], "unrecognized short option: 1"),
            (&["--nope"], "unrecognized boolean option: --nope"),
            (&["--time"], "unrecognized boolean option: --time"),
            (&["--all=3"], "unrecognized option with argument: --all=3"),
            (&["--no=3"], "unrecognized option with argument: --no=3"),
            (&["--=3"], "invalid option: --=3"),
            (&["-t"], "it"),
        ] {
            assert_eq!(read(words), Err(text.to_owned()), "{words:?}");
        }
    }
}
