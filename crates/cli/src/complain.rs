//! How commands fail: one line on standard error in the form that s6's programs use, and the exit
//! codes that scripts look for.

use std::fmt::Display;

/// The exit code of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExitCode(u8);

impl ExitCode {
    /// What was asked for was done.
    pub(crate) const SUCCESS: Self = Self(0);

    /// The number.
    pub(crate) fn number(self) -> u8 {
        self.0
    }
}

impl From<u8> for ExitCode {
    fn from(number: u8) -> Self {
        Self(number)
    }
}

/// A negative answer, or a failure of what was asked for.
pub(crate) const FAILED: u8 = 1;
/// It took too long (s6's convention).
pub(crate) const TIMED_OUT: u8 = 99;
/// Wrong usage, or nobody there to talk to (s6's convention).
pub(crate) const USAGE: u8 = 100;
/// Nobody listens (s6-svc from s6 2.14 on).
pub(crate) const NOT_LISTENING: u8 = 102;
/// The system refused something (s6's convention).
pub(crate) const SYSTEM: u8 = 111;
/// A program is there and cannot be executed.
pub(crate) const NOT_EXECUTABLE: u8 = 126;
/// There is no such program.
pub(crate) const NOT_FOUND: u8 = 127;

/// Prints `NAME: fatal: MESSAGE` and gives the exit code.
pub(crate) fn fatal(name: &str, message: impl Display, code: u8) -> ExitCode {
    print(&format!("{name}: fatal: {message}\n"));
    ExitCode::from(code)
}

/// Prints `NAME: usage: SYNOPSIS` and gives the exit code for it.
pub(crate) fn usage(name: &str, synopsis: &str) -> ExitCode {
    print(&format!("{name}: usage: {synopsis}\n"));
    ExitCode::from(USAGE)
}

/// Prints `NAME: error: MESSAGE`, for one of several things that are wrong.
#[expect(
    clippy::print_stderr,
    reason = "commands talk to people and scripts on standard error"
)]
pub(crate) fn error(name: &str, message: impl Display) {
    eprintln!("{name}: error: {message}");
}

/// Prints `NAME: warning: MESSAGE`.
pub(crate) fn warn(name: &str, message: impl Display) {
    print(&format!("{name}: warning: {message}\n"));
}

/// Prints a line as it is on standard error.
pub(crate) fn line(text: impl Display) {
    print(&format!("{text}\n"));
}

/// Prints `NAME: info: MESSAGE`.
pub(crate) fn info(name: &str, message: impl Display) {
    print(&format!("{name}: info: {message}\n"));
}

/// Prints a line on standard error, in one write: other processes write there too. Who cannot be told
/// cannot be told: the macros of std panic then, and a full disk must not stop a program or PID 1.
fn print(line: &str) {
    use std::io::Write as _;
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Prints a line on standard output. A reader that went away is no reason to fail.
pub(crate) fn say(line: impl Display) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// What an error of the system says, in the words that s6's programs print: without the number.
pub(crate) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
