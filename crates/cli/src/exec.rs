//! The last act of commands that change something about their process and become another program.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

use sixfold_sys::{environ, files};

use crate::complain::{self, ExitCode, NOT_EXECUTABLE, NOT_FOUND, reason};

/// No such file or directory; permission denied. Errors that std makes have words of their own.
const ENOENT: i32 = 2;
const EACCES: i32 = 13;

/// Where is looked when the environment has no PATH.
const DEFAULT_PATH: &[u8] = b"/usr/bin:/bin";

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

/// Becomes what `command` says, with what that changes in this process's environment. The program is
/// looked for in our own PATH: another one is for those that come after. Returns as [`words`] does.
pub(crate) fn this(name: &str, command: Command) -> ExitCode {
    this_from(name, std::env::var_os("PATH"), command)
}

/// The same for a program that is looked for in `path`.
pub(crate) fn this_from(name: &str, path: Option<OsString>, command: Command) -> ExitCode {
    // Not by std, which would set SIGPIPE to its default and give a file that is no program to a shell.
    let error = match execute(&command, path) {
        Ok(never) => match never {},
        Err(error) => error,
    };
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

fn execute(command: &Command, path: Option<OsString>) -> io::Result<std::convert::Infallible> {
    let program = command.get_program().as_bytes();
    let file = if program.contains(&b'/') {
        program.to_vec()
    } else {
        search(program, path.as_deref().map(OsStr::as_bytes))?
    };
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.as_bytes().to_vec()).collect();
    let changes: Vec<_> = command.get_envs().collect();
    let name = |entry: &[u8]| entry.iter().position(|byte| *byte == b'=');
    let kept = environ::entries().into_iter().filter(|entry| {
        let name = name(entry).and_then(|end| entry.get(..end));
        name.is_none_or(|name| {
            !changes
                .iter()
                .any(|(changed, _)| changed.as_bytes() == name)
        })
    });
    let set = changes.iter().filter_map(|(name, value)| {
        let entry = [name.as_bytes(), b"=", (*value)?.as_bytes()];
        Some(entry.concat())
    });
    sixfold_sys::exec::exec(&file, &words, kept.chain(set))
}

/// The first file called `name` in the directories of `path` that can be executed; `None` is an
/// environment without a PATH (execline.md D0.2).
///
/// # Errors
/// ENOENT, or the reason why nothing that was found can be executed.
pub(crate) fn search(name: &[u8], path: Option<&[u8]>) -> io::Result<Vec<u8>> {
    let path = path.unwrap_or(DEFAULT_PATH);
    let mut refused = None;
    for dir in path
        .split(|byte| *byte == b':')
        .filter(|dir| !dir.is_empty())
    {
        let file = [dir, b"/", name].concat();
        let place = Path::new(OsStr::from_bytes(&file));
        match fs::metadata(place) {
            Ok(found) if found.is_file() && files::is_executable(place) => return Ok(file),
            // No name leads to the directory itself.
            Ok(_) => refused = Some(io::Error::from_raw_os_error(EACCES)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.unwrap_or_else(|| io::Error::from_raw_os_error(ENOENT)))
}
