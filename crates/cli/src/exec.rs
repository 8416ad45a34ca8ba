//! The last act of commands that change something about their process and become another program.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::complain::{self, ExitCode, NOT_EXECUTABLE, NOT_FOUND, reason};

/// Becomes the program that `words` name, with this process's environment. Returns only when that
/// fails: 127 when there is no such program, 126 otherwise, with a message in the name of the
/// command `name`. No words: there is nothing to become, which is success (execline).
pub(crate) fn words(name: &str, words: &[OsString]) -> ExitCode {
    let Some((program, args)) = words.split_first() else {
        return ExitCode::SUCCESS;
    };
    let mut command = Command::new(program);
    command.args(args);
    this(name, command)
}

/// Becomes what `command` says. Returns as [`words`] does.
pub(crate) fn this(name: &str, mut command: Command) -> ExitCode {
    let error = command.exec();
    let program = command.get_program();
    let is_missing = error.kind() == ErrorKind::NotFound;
    let hint = if is_missing && program.as_bytes().contains(&b' ') {
        " (a #! line passes everything after the interpreter as one word; for options use `set` in the script)"
    } else {
        ""
    };
    let message = format!(
        "unable to exec {}: {}{hint}",
        program.display(),
        reason(&error)
    );
    let code = if is_missing {
        NOT_FOUND
    } else {
        NOT_EXECUTABLE
    };
    complain::fatal(name, message, code)
}
