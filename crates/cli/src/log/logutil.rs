//! The loggers of s6-overlay: `logutil-service`, which images call in a service's `log/run`, and
//! `logutil-newfifo` (overlay.md 7.4).
//!
//! The script is that of `S6_LOGGING_SCRIPT`, or else s6-overlay's. The logger runs as nobody, if it can
//! be anybody else than who it is, and becomes `s6-log`.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use sixfold_model::environment;
use sixfold_model::settings::LOGGING_SCRIPT;
use sixfold_protocol::paths::CONTAINER_ENVIRONMENT;
use sixfold_sys::users::Database;
use sixfold_sys::{fds, fifo, files, process};

use super::command;
use crate::complain::{self, ExitCode, FAILED, SYSTEM, USAGE, reason};
use crate::exec;
use crate::options::{Options, WrongUsage};
use crate::process::identity::Identity;

pub(super) const SERVICE: &str = "logutil-service";
pub(super) const MAIN: &str = "logutil-service-main";
pub(super) const NEWFIFO: &str = "logutil-newfifo";
const SERVICE_SYNOPSIS: &str = "logutil-service [ -f fifo ] logdir";
const NEWFIFO_SYNOPSIS: &str = "logutil-newfifo [ -m mode ] [ -o owner ] fifo";
const SCRIPT: &str = "S6_LOGGING_SCRIPT";
/// Who a logger runs as, and the numbers for it where there is no such user (s6-overlay v3).
const NOBODY: &str = "nobody";
const NOBODY_ID: u32 = 65_534;
/// The mode of a FIFO that nobody else says anything about.
const FIFO_MODE: u32 = 0o600;

/// `logutil-service [ -f FIFO ] DIR`
pub(super) fn service(args: Vec<OsString>) -> ExitCode {
    let mut options = Options::new(args, "f:");
    let mut fifo = None;
    loop {
        match options.next() {
            Ok(Some(option)) => fifo = Some(PathBuf::from(option.value)),
            Ok(None) => break,
            Err(WrongUsage) => return complain::usage(SERVICE, SERVICE_SYNOPSIS),
        }
    }
    let Some(dir) = options.rest().into_iter().next() else {
        // In silence, as the script of s6-overlay.
        return ExitCode::from(FAILED);
    };
    if let Some(fifo) = fifo
        && let Err(code) = read_from(&fifo)
    {
        return code;
    }
    become_logger(dir)
}

/// Has standard input be a FIFO, and never come to its end.
fn read_from(path: &Path) -> Result<(), ExitCode> {
    let replaced = fifo::open_reader(path).and_then(|reader| {
        fds::set_nonblocking(&reader, false)?;
        fds::replace(0, reader)
    });
    replaced.map_err(|error| {
        let message = format!("unable to open {}: {}", path.display(), reason(&error));
        complain::fatal(SERVICE, message, SYSTEM)
    })
}

fn become_logger(dir: OsString) -> ExitCode {
    // Before there is nothing left that may be read.
    let own = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/proc/self/exe"));
    let words = script();
    if process::euid() == 0
        && let Err(code) = nobody().apply(SERVICE)
    {
        return code;
    }
    let mut logger = Command::new(own);
    logger.arg(command::NAME).args(["-b", "--"]).args(words);
    for (name, _) in std::env::vars_os() {
        logger.env_remove(name);
    }
    logger.arg(dir);
    exec::this(SERVICE, logger)
}

/// The words of the script, but for the directory.
fn script() -> Vec<OsString> {
    let file = Path::new(CONTAINER_ENVIRONMENT).join(SCRIPT);
    let value = match fs::read(file) {
        Ok(content) => environment::loaded(&content),
        Err(_) => std::env::var_os(SCRIPT),
    };
    let value = value.unwrap_or_default();
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n');
    let words = value
        .as_bytes()
        .split(is_blank)
        .filter(|word| !word.is_empty());
    let words: Vec<OsString> = words
        .map(|word| OsStr::from_bytes(word).to_owned())
        .collect();
    if words.is_empty() {
        LOGGING_SCRIPT.map(OsString::from).to_vec()
    } else {
        words
    }
}

fn nobody() -> Identity {
    let users = Database::load(Path::new("/")).ok();
    let found = users.and_then(|users| users.user(NOBODY));
    let (uid, gid) = found.map_or((NOBODY_ID, NOBODY_ID), |user| (user.uid, user.gid));
    Identity {
        uid,
        gid,
        groups: Some(Vec::new()),
    }
}

/// `logutil-newfifo [ -m MODE ] [ -o OWNER ] FIFO`
pub(super) fn newfifo(args: Vec<OsString>) -> ExitCode {
    let usage = || complain::usage(NEWFIFO, NEWFIFO_SYNOPSIS);
    let mut options = Options::new(args, "m:o:");
    let (mut mode, mut owner) = (FIFO_MODE, None);
    loop {
        match options.next() {
            Ok(Some(option)) if option.letter == b'm' => match octal(&option.value) {
                Some(value) => mode = value,
                None => return usage(),
            },
            Ok(Some(option)) => owner = Some(option.value),
            Ok(None) => break,
            Err(WrongUsage) => return usage(),
        }
    }
    let Some(path) = options.rest().into_iter().next().map(PathBuf::from) else {
        return usage();
    };
    let failed = |what: &str, error: &std::io::Error| {
        let message = format!("unable to {what} {}: {}", path.display(), reason(error));
        complain::fatal(NEWFIFO, message, SYSTEM)
    };
    match fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return failed("unlink", &error),
        Ok(()) | Err(_) => {}
    }
    if let Err(error) = fifo::make(&path, mode) {
        return failed("mkfifo", &error);
    }
    let Some(owner) = owner else {
        return ExitCode::SUCCESS;
    };
    let users = Database::load(Path::new("/")).ok();
    let user = users.and_then(|users| users.user(&owner.to_string_lossy()));
    let Some(user) = user else {
        let message = format!("unknown user: {}", owner.display());
        return complain::fatal(NEWFIFO, message, FAILED);
    };
    match files::chown(&path, Some(user.uid), Some(user.gid)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed("chown", &error),
    }
}

fn octal(value: &OsStr) -> Option<u32> {
    let text = value.to_str()?;
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| *mode <= 0o7777)
}

/// `logutil-service-main DIR`
pub(super) fn main(args: Vec<OsString>) -> ExitCode {
    match args.into_iter().next() {
        Some(dir) => become_logger(dir),
        None => complain::fatal(MAIN, "too few arguments", USAGE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal() {
        assert_eq!(octal(OsStr::new("0622")), Some(0o622));
        assert_eq!(octal(OsStr::new("8")), None);
        assert_eq!(octal(OsStr::new("17777")), None);
    }
}
