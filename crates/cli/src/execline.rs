//! The commands of execline. What each means is decided in the crate of that name; here its steps
//! are carried out, one after the other in this process for as long as the next program is a command
//! of the language too. A process is forked only where the language has one, and a program is
//! executed only where it is none of ours.
//!
//! Not for the daemon: everything here may block.

mod children;
mod descriptors;
mod directories;
mod finder;
mod interpreter;
mod loops;
mod questions;
mod waiting;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use sixfold_execline::{Command, Environment};
use sixfold_sys::environ;

use crate::complain::ExitCode;
use interpreter::Interpreter;

/// The name of the interpreter of scripts.
pub(crate) const EXECLINEB: &str = "execlineb";

/// Runs one command of the language with `args` (without its name), and whatever it becomes.
pub(crate) fn run(command: Command, args: Vec<OsString>) -> ExitCode {
    // The name as it was called, if it was called by its name.
    let called = std::env::args_os().next();
    let called =
        called.filter(|called| Path::new(called).file_name() == Some(command.name.as_ref()));
    let called = called.unwrap_or_else(|| command.name.into()).into_vec();
    let args = args.into_iter().map(OsStringExt::into_vec).collect();
    ExitCode::from(interpreter().begin(command, called, args))
}

fn interpreter() -> Interpreter {
    let variables = environ::entries().into_iter().filter_map(|mut entry| {
        let end = entry.iter().position(|byte| *byte == b'=')?;
        let value = entry.split_off(end).split_off(1);
        Some((entry, value))
    });
    Interpreter::new(Environment::new(variables))
}
