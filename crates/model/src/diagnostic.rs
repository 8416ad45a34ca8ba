//! What is wrong with an input, and how to mend it: the one form in which every reader of this
//! crate reports. Never logged here; the daemon prints it.

use std::fmt;
use std::path::{Path, PathBuf};

/// How much a diagnostic matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The thing works, with a stated interpretation or default.
    Warning,
    /// The thing does not work; what needs it is not started.
    Error,
}

/// One finding: where it is, what was found, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// Whether the thing still works.
    pub severity: Severity,
    /// The file or directory, or `None` when the finding is about an environment variable.
    pub path: Option<PathBuf>,
    /// The line in the file, counted from 1.
    pub line: Option<u32>,
    /// What was found: a lower-case sentence without a full stop.
    pub message: String,
    /// What to do about it, in the imperative; a command where there is one.
    pub mend: String,
}

impl Diagnostic {
    /// A finding that stops the thing from working.
    pub fn error(path: &Path, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(Severity::Error, Some(path.to_owned()), message, mend)
    }

    /// A finding that the thing survives.
    pub fn warning(path: &Path, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(Severity::Warning, Some(path.to_owned()), message, mend)
    }

    /// A finding about an environment variable, which has no file.
    pub fn variable(message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(Severity::Warning, None, message, mend)
    }

    /// The same finding, at `line` (counted from 1).
    #[must_use]
    pub fn at_line(mut self, line: u32) -> Self {
        self.line = Some(line);
        self
    }

    fn new(
        severity: Severity,
        path: Option<PathBuf>,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            path,
            line: None,
            message: message.into(),
            mend: mend.into(),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{}", path.display())?;
            if let Some(line) = self.line {
                write!(f, ":{line}")?;
            }
            f.write_str(": ")?;
        }
        write!(f, "{} ({})", self.message, self.mend)
    }
}
