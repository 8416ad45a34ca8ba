//! The regular expressions of scripts: extended ones of POSIX, by the C library.

use sixfold_model::logging::Matcher;
use sixfold_sys::regex::{Kind, Regex};

/// A regular expression.
#[derive(Debug)]
pub struct Expression(Regex);

impl Expression {
    /// Reads its text; `None` for what is none.
    #[must_use]
    pub fn new(text: &[u8]) -> Option<Self> {
        Regex::new(text, Kind::default()).ok().map(Self)
    }
}

impl Matcher for Expression {
    fn is_match(&self, line: &[u8]) -> bool {
        self.0.is_match_in_place(line)
    }
}
