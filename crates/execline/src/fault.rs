//! Why a command ends before it has done its work, and what it says on the way.

use crate::Word;

/// The usual exit codes (execline(7), exit codes).
pub mod code {
    /// A negative answer.
    pub const FAILED: u8 = 1;
    /// It took too long.
    pub const TIMED_OUT: u8 = 99;
    /// Wrong usage, a syntax error, an unset variable.
    pub const USAGE: u8 = 100;
    /// Something that cannot be.
    pub const INTERNAL: u8 = 101;
    /// The system refused something, or a child could not be spawned.
    pub const SYSTEM: u8 = 111;
    /// The child of `backtick` wrote a NUL.
    pub const NUL: u8 = 124;
    /// A program is there and cannot be executed.
    pub const NOT_EXECUTABLE: u8 = 126;
    /// There is no such program.
    pub const NOT_FOUND: u8 = 127;
}

/// The end of a command that could not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind of line is printed.
    pub kind: Kind,
    /// The line, after the command's name and the kind.
    pub text: Word,
    /// The exit code.
    pub code: u8,
    /// Warnings that are due before it.
    pub warnings: Vec<Word>,
}

/// What kind of line is printed (`PROG: KIND: text`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `fatal`
    Fatal,
    /// `usage`: the text is the synopsis.
    Usage,
    /// The text as it stands, without a command's name before it (getopt(3) speaks so).
    Plain,
}

impl Fault {
    /// `PROG: fatal: TEXT`.
    pub fn fatal(text: impl Into<Word>, code: u8) -> Self {
        Self {
            kind: Kind::Fatal,
            text: text.into(),
            code,
            warnings: Vec::new(),
        }
    }

    /// Wrong usage in a way that has words of its own: exit code 100.
    pub fn wrong(text: impl Into<Word>) -> Self {
        Self::fatal(text, code::USAGE)
    }

    /// `PROG: usage: SYNOPSIS`, exit code 100.
    pub fn usage(synopsis: &str) -> Self {
        Self {
            kind: Kind::Usage,
            text: synopsis.into(),
            code: code::USAGE,
            warnings: Vec::new(),
        }
    }

    /// `PROG: fatal: NAME not set`, exit code 100.
    pub fn not_set(name: &[u8]) -> Self {
        Self::wrong(joined(&[name, b" not set"]))
    }

    /// `unable to exec PROGRAM: Argument list too long`: what execve(2) says about words that are
    /// more than it takes.
    pub fn too_long(program: &[u8]) -> Self {
        let text = [b"unable to exec ", program, b": Argument list too long"];
        Self::fatal(joined(&text), code::NOT_EXECUTABLE)
    }
}

/// The parts, one after the other: texts may hold words that are no UTF-8.
pub fn joined(parts: &[&[u8]]) -> Word {
    parts.concat()
}
