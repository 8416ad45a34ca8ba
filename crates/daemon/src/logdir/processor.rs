//! The processor of a log directory: a command that makes of a full file the one that is kept (s6.md
//! B5.2).

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Child, Command};

use sixfold_model::logging::Processor;
use sixfold_sys::spawn;

use super::ProcessorFiles;

/// The name of the interpreter of execline.
const EXECLINEB: &str = "execlineb";
/// Our own interpreter, whatever the PATH leads to.
const SELF: &str = "/proc/self/exe";
/// The numbers under which it has its state, and leaves one.
const STATE: i32 = 4;
const NEW_STATE: i32 = 5;

/// Starts it in the log directory at `path`.
///
/// # Errors
/// EAGAIN, ENOMEM, EMFILE; what execve(2) reports of the interpreter.
pub(super) fn start(
    processor: &Processor,
    path: &Path,
    files: ProcessorFiles,
) -> io::Result<Child> {
    let mut command = match processor {
        Processor::Execline(line) => interpreter(&[SELF, EXECLINEB, "-Pc"], line),
        Processor::Shell(line) => interpreter(&["/bin/sh", "-c"], line),
    };
    command
        .current_dir(path)
        .stdin(files.previous)
        .stdout(files.processed);
    let numbered = vec![(files.state, STATE), (files.new_state, NEW_STATE)];
    spawn::with_descriptors(&mut command, numbered)?;
    spawn::with_empty_mask(&mut command);
    command.spawn()
}

fn interpreter(words: &[&str], line: &[u8]) -> Command {
    let mut words = words.iter();
    let mut command = Command::new(words.next().copied().unwrap_or_default());
    command.args(words).arg(OsStr::from_bytes(line));
    command
}
