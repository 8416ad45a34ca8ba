//! `s6-rc-bundle`: adds bundles to a compiled database, and takes bundles out of it.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use sixfold_execline::Words;
use sixfold_execline::block::Args;
use sixfold_execline::strict::Strict;
use sixfold_model::rc::database::{BundleChange, BundleError};
use sixfold_protocol::paths::{RC, RC_COMPILED, RC_DATABASE};
use sixfold_sys::lock::{self, Kind};

use super::files;
use crate::complain::{self, ExitCode, FAILED, SYSTEM, USAGE, reason, say};
use crate::options::{Options, WrongUsage};

pub(super) const NAME: &str = "s6-rc-bundle";
const SYNOPSIS: &str = "s6-rc-bundle [ -f ] [ -l live ] [ -c compiled ] [ -b ] command... (use s6-rc-bundle help for more information)";
/// What `help` prints.
const HELP: &str = "\
s6-rc-bundle help
s6-rc-bundle add bundlename contents...
s6-rc-bundle delete bundlenames...
s6-rc-bundle multiple { to-delete } to-add { contents... } ... (execlineb syntax)";
/// Of this file in a compiled database one instance of this command at a time holds the lock.
const LOCK: &str = "lock";
/// A name is not there.
const UNKNOWN: u8 = 3;
/// A name is that of a service.
const NO_BUNDLE: u8 = 5;
/// What s6-rc says when a lock is held.
const EBUSY: i32 = 16;

/// What the command line says.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    compiled: PathBuf,
    is_blocking: bool,
    change: BundleChange,
}

/// The command.
pub(super) fn bundle(args: Vec<OsString>) -> ExitCode {
    match read_order(args) {
        Ok(Some(order)) => carry_out(&order).map_or_else(|code| code, |()| ExitCode::SUCCESS),
        Ok(None) => {
            say(HELP);
            ExitCode::SUCCESS
        }
        Err(code) => code,
    }
}

/// What is to be done; nothing but to print the help, if that was asked for.
fn read_order(args: Vec<OsString>) -> Result<Option<Order>, ExitCode> {
    let usage = |_: WrongUsage| complain::usage(NAME, SYNOPSIS);
    let mut options = Options::new(args, "fl:c:b");
    let (mut live, mut compiled) = (PathBuf::from(RC), None);
    let (mut force, mut is_blocking) = (false, false);
    while let Some(option) = options.next().map_err(usage)? {
        match option.letter {
            b'f' => force = true,
            b'l' => live = option.value.into(),
            b'c' => compiled = Some(PathBuf::from(option.value)),
            _ => is_blocking = true,
        }
    }
    let rest = options.rest();
    let words = rest.iter().map(|word| word.to_string_lossy().into_owned());
    let mut words: Vec<String> = words.collect();
    if words.is_empty() {
        return Err(usage(WrongUsage));
    }
    let command = words.remove(0);
    let (delete, add) = match (command.as_str(), words.len()) {
        ("help", _) => return Ok(None),
        ("add", 2..) => {
            let name = words.remove(0);
            (Vec::new(), vec![(name, words)])
        }
        ("delete", 1..) => (words, Vec::new()),
        ("multiple", 2..) => multiple(words)?,
        _ => return Err(usage(WrongUsage)),
    };
    Ok(Some(Order {
        compiled: compiled.unwrap_or_else(|| live.join(RC_COMPILED)),
        is_blocking,
        change: BundleChange { delete, add, force },
    }))
}

/// Bundles to be taken out, and bundles to be added with what they hold.
type Bundles = (Vec<String>, Vec<(String, Vec<String>)>);

/// The words of `multiple`, in which blocks are as execlineb makes them.
fn multiple(words: Vec<String>) -> Result<Bundles, ExitCode> {
    let wrong = |message: &str| complain::fatal(NAME, message, USAGE);
    let text = |words: Words| {
        let texts = words
            .iter()
            .map(|word| String::from_utf8_lossy(word).into_owned());
        texts.collect::<Vec<_>>()
    };
    let words = words.into_iter().map(String::into_bytes).collect();
    let mut args = Args::new(words, Strict::Unset);
    let unterminated = |_| wrong("unterminated block");
    let delete = text(args.block("").map_err(unterminated)?);
    let mut add = Vec::new();
    while let Some(name) = args.word() {
        if args.is_empty() {
            return Err(wrong("missing bundle contents block"));
        }
        let name = String::from_utf8_lossy(&name).into_owned();
        add.push((name, text(args.block("").map_err(unterminated)?)));
    }
    Ok((delete, add))
}

fn carry_out(order: &Order) -> Result<(), ExitCode> {
    let compiled = &order.compiled;
    let shown = compiled.display();
    // Held until the end of the process.
    let _lock = take_lock(compiled, order.is_blocking).map_err(|error| {
        let message = format!("unable to take lock on {shown}: {}", reason(&error));
        complain::fatal(NAME, message, SYSTEM)
    })?;
    let database = files::read(NAME, compiled)?;
    let changed = database.with_bundles(&order.change).map_err(|error| {
        let (place, code) = match &error {
            BundleError::Exists(_) => (format!(" in database {shown}"), FAILED),
            BundleError::Unknown(_) => (format!(" in database {shown}"), UNKNOWN),
            BundleError::NoBundle(_) => (format!(" for database {shown}"), NO_BUNDLE),
            BundleError::Name(_) => (String::new(), FAILED),
        };
        complain::fatal(NAME, format!("{error}{place}"), code)
    })?;
    files::write(compiled, &changed).map_err(|error| {
        let path = compiled.join(RC_DATABASE);
        let message = format!("unable to write {}: {}", path.display(), reason(&error));
        complain::fatal(NAME, message, SYSTEM)
    })
}

fn take_lock(compiled: &Path, is_blocking: bool) -> io::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let file = options.open(compiled.join(LOCK))?;
    if is_blocking {
        lock::lock(&file, Kind::Exclusive)?;
    } else if !lock::try_lock(&file, Kind::Exclusive)? {
        return Err(io::Error::from_raw_os_error(EBUSY));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(words: &[&str]) -> Result<Option<Order>, u8> {
        read_order(words.iter().map(OsString::from).collect()).map_err(ExitCode::number)
    }

    fn names(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn what_changes_and_where() {
        assert_eq!(order(&["help", "x"]), Ok(None));
        let added = order(&["-l", "/live", "add", "x", "a", "b"])
            .unwrap()
            .unwrap();
        assert_eq!(added.compiled, PathBuf::from("/live/compiled"));
        assert_eq!(added.change.add, [("x".to_owned(), names("a b"))]);
        assert!(!added.is_blocking && !added.change.force);
        let deleted = order(&["-fb", "-cdb", "delete", "x", "y"])
            .unwrap()
            .unwrap();
        assert_eq!(deleted.compiled, PathBuf::from("db"));
        assert_eq!(deleted.change.delete, names("x y"));
        assert!(deleted.is_blocking && deleted.change.force);
        let words = ["multiple", " x", " y", "", "z", " a", " b", "", "w", ""];
        let both = order(&words).unwrap().unwrap();
        assert_eq!(both.compiled, PathBuf::from("/run/s6-rc/compiled"));
        assert_eq!(both.change.delete, names("x y"));
        let add = [("z".to_owned(), names("a b")), ("w".to_owned(), Vec::new())];
        assert_eq!(both.change.add, add);
    }

    #[test]
    fn wrong_usage_is_refused() {
        for words in [
            &[][..],
            &["-x", "help"],
            &["nope", "x", "y"],
            &["add"],
            &["add", "x"],
            &["delete"],
            &["multiple", ""],
            &["multiple", " x", " y"],
            &["multiple", "", "x"],
            &["multiple", "", "x", " a"],
        ] {
            assert_eq!(order(words), Err(USAGE), "{words:?}");
        }
    }
}
