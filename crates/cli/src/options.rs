//! Options as the commands of s6 take them: those of execline, whose reader this is, with the words
//! that commands have. Called from the commands.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt};

use sixfold_execline::options;

pub(crate) use sixfold_execline::options::WrongUsage;

/// One option that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    /// Its letter.
    pub(crate) letter: u8,
    /// Its value; empty for an option that takes none.
    pub(crate) value: OsString,
}

/// What is left of a command's arguments.
#[derive(Debug)]
pub(crate) struct Options(options::Options);

impl Options {
    /// The options in `args` (without the command's name). `letters` are those the command has, each
    /// followed by a colon if it takes a value, as for getopt(3).
    pub(crate) fn new(args: Vec<OsString>, letters: &'static str) -> Self {
        Self::with_long(args, letters, &[])
    }

    /// The same with long names (`--name`, `--name=value`, `--name value`), each for a letter.
    pub(crate) fn with_long(
        args: Vec<OsString>,
        letters: &'static str,
        long: &'static [(&'static str, u8)],
    ) -> Self {
        let args = args.into_iter().map(OsStringExt::into_vec).collect();
        Self(options::Options::with_long(args, letters, long))
    }

    /// The same, where letters that the command does not have are given too, as without a value, and
    /// `--name` is letters.
    pub(crate) fn lenient(args: Vec<OsString>, letters: &'static str) -> Self {
        let args = args.into_iter().map(OsStringExt::into_vec).collect();
        Self(options::Options::lenient(args, letters))
    }

    /// The next option; `None` when there is no further.
    pub(crate) fn next(&mut self) -> Result<Option<Given>, WrongUsage> {
        let given = self.0.next_option()?;
        Ok(given.map(|given| Given {
            letter: given.letter,
            value: OsString::from_vec(given.value),
        }))
    }

    /// The words after the options. To be called when [`Options::next`] has given `None`.
    pub(crate) fn rest(self) -> Vec<OsString> {
        self.0.rest().into_iter().map(OsString::from_vec).collect()
    }
}

/// The number that a value is in decimal digits, and nothing else; `None` for what is none.
pub(crate) fn number<T: std::str::FromStr>(value: &OsStr) -> Option<T> {
    options::number(value.as_bytes())
}
