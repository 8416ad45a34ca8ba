//! How a tool is called, and how it ends.

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::io;
use std::os::unix::ffi::OsStrExt as _;

use crate::complain::{self, ExitCode, SYSTEM, USAGE, reason};
use crate::exec;
use crate::options::{Given, Options, WrongUsage, number};

/// A tool.
pub(crate) type Run = fn(Call) -> Outcome;

/// How a tool ends: with an exit code of its own, or with what kept it from its work.
pub(crate) type Outcome = Result<u8, Failure>;

/// What keeps a tool from its work.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It was called in a wrong way.
    Usage,
    /// This is said, and the exit code given.
    Fatal(String, u8),
}

impl Failure {
    /// The system refused `what`.
    pub(crate) fn unable(what: impl Display, error: &io::Error) -> Self {
        Self::Fatal(format!("unable to {what}: {}", reason(error)), SYSTEM)
    }

    /// Reports it in the name of a command.
    pub(crate) fn report(self, name: &str) -> ExitCode {
        match self {
            Self::Usage => complain::fatal(name, "wrong usage", USAGE),
            Self::Fatal(message, code) => complain::fatal(name, message, code),
        }
    }

    /// Nobody takes what is printed.
    pub(crate) fn of_output(error: &io::Error) -> Self {
        Self::unable("write to stdout", error)
    }
}

impl From<WrongUsage> for Failure {
    fn from(_: WrongUsage) -> Self {
        Self::Usage
    }
}

/// What a tool was called with.
pub(crate) struct Call {
    /// The name it goes by.
    pub(crate) name: &'static str,
    /// The words after it.
    pub(crate) args: Vec<OsString>,
}

impl Call {
    /// The options, of which `letters` are those there are, and the words after them.
    pub(crate) fn options(
        &mut self,
        letters: &'static str,
    ) -> Result<(Vec<Given>, Vec<OsString>), Failure> {
        let mut options = Options::new(std::mem::take(&mut self.args), letters);
        let mut given = Vec::new();
        while let Some(option) = options.next()? {
            given.push(option);
        }
        Ok((given, options.rest()))
    }

    /// Warns that something could not be done.
    pub(crate) fn warn(&self, what: impl Display, error: &io::Error) {
        complain::warn(
            self.name,
            format_args!("unable to {what}: {}", reason(error)),
        );
    }

    /// Becomes the program that `words` name.
    pub(crate) fn becomes(&self, words: &[OsString]) -> Outcome {
        Ok(exec::words(self.name, words).number())
    }
}

/// The first of the words; wrong usage without one.
pub(crate) fn first(words: &[OsString]) -> Result<&OsString, Failure> {
    words.first().ok_or(Failure::Usage)
}

/// The number that a word is in decimal digits; wrong usage if it is none.
pub(crate) fn decimal<T: std::str::FromStr>(word: &OsStr) -> Result<T, Failure> {
    number(word).ok_or(Failure::Usage)
}

/// The mode that a word is in octal digits; wrong usage if it is none.
pub(crate) fn octal(word: &OsStr) -> Result<u32, Failure> {
    let is_octal = |digit: &u8| matches!(digit, b'0'..=b'7');
    let text = word
        .to_str()
        .filter(|_| word.as_bytes().iter().all(is_octal));
    text.and_then(|text| u32::from_str_radix(text, 8).ok())
        .ok_or(Failure::Usage)
}

/// Runs the tool called `name`, and reports how it has failed.
pub(crate) fn finish(
    name: &'static str,
    synopsis: &str,
    run: Run,
    args: Vec<OsString>,
) -> ExitCode {
    match run(Call { name, args }) {
        Ok(code) => ExitCode::from(code),
        Err(Failure::Usage) => complain::usage(name, synopsis),
        Err(failure @ Failure::Fatal(..)) => failure.report(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal_and_nothing_else() {
        assert_eq!(octal(OsStr::new("02755")), Ok(0o2755));
        for wrong in ["", "8", "u+x", "7 ", "77777777777777"] {
            assert_eq!(octal(OsStr::new(wrong)), Err(Failure::Usage), "{wrong}");
        }
    }

    #[test]
    fn options_are_taken_from_the_front() {
        let mut call = Call {
            name: "s6-echo",
            args: ["-n", "-s", "x", "a", "-n"].map(OsString::from).to_vec(),
        };
        let (given, rest) = call.options("ns:").unwrap();
        let letters: Vec<u8> = given.iter().map(|given| given.letter).collect();
        assert_eq!((letters.as_slice(), rest.len()), (&b"ns"[..], 2));
    }
}
