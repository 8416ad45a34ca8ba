//! The working directory and the umask.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use sixfold_execline::command::process::{apply_mode, destination, format_mask};
use sixfold_execline::fault::joined;
use sixfold_execline::step::{PosixCd, PosixUmask};
use sixfold_execline::{Step, Word, Words};
use sixfold_sys::files;

use super::interpreter::{Interpreter, Next, fatal, print, told};
use crate::complain::reason;

/// `cd`
pub(super) fn change(speaker: &str, dir: &[u8], rest: Words) -> Next {
    enter(speaker, dir, dir)?;
    Ok(Step::Become(rest))
}

/// `posix-cd`
pub(super) fn posix_change(interpreter: &mut Interpreter, speaker: &str, it: PosixCd) -> Next {
    let before = here(speaker)?;
    let look = |dir: &[u8]| match fs::metadata(Path::new(OsStr::from_bytes(dir))) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(reason(&std::io::ErrorKind::NotADirectory.into())),
        Err(error) => Err(reason(&error)),
    };
    let goal = told(speaker, destination(&it, &interpreter.env, &before, &look))?;
    enter(speaker, &goal.path, &goal.operand)?;
    let line = goal.arrived(&mut interpreter.env, &before, &here(speaker)?);
    if let Some(line) = line {
        print(&line).map_err(|error| fatal(speaker, b"write to stdout", &error))?;
    }
    Ok(Step::Become(it.rest))
}

/// `posix-umask`
pub(super) fn posix_umask(speaker: &str, it: PosixUmask) -> Next {
    let mask = files::umask();
    match it.mask {
        Some(mode) => files::set_umask(told(speaker, apply_mode(&mode, mask))?),
        None => {
            let line = joined(&[&format_mask(mask, it.symbolic), b"\n"]);
            print(&line).map_err(|error| fatal(speaker, b"write to stdout", &error))?;
        }
    }
    Ok(Step::Become(it.rest))
}

/// The working directory, as the system knows it.
pub(super) fn here(speaker: &str) -> Result<Word, u8> {
    match std::env::current_dir() {
        Ok(dir) => Ok(dir.into_os_string().into_vec()),
        Err(error) => Err(fatal(speaker, b"getcwd", &error)),
    }
}

/// Goes to a directory, which is called `name` if that fails.
fn enter(speaker: &str, dir: &[u8], name: &[u8]) -> Result<(), u8> {
    std::env::set_current_dir(OsStr::from_bytes(dir)).map_err(|error| {
        let what = joined(&[b"chdir to ", name]);
        fatal(speaker, &what, &error)
    })
}
