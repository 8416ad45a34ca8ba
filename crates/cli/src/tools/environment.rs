//! `s6-env`, `s6-printenv`, `s6-dumpenv`: the environment as a whole.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process::Command;

use sixfold_execline::transform::netstring;
use sixfold_sys::environ;

use super::call::{Call, Failure, Outcome, first, octal};
use super::stream::Out;
use crate::exec;

/// The name and the value of an entry, if it has both.
fn split(entry: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = entry.iter().position(|byte| *byte == b'=')?;
    Some((entry.get(..at)?, entry.get(at + 1..)?))
}

/// `s6-env [ -i ] [ name=value... ] prog...`: without a program, prints what it would have had.
pub(super) fn env(mut call: Call) -> Outcome {
    let (given, words) = call.options("i")?;
    let is_empty = !given.is_empty();
    let is_change = |word: &&OsString| word.as_bytes().contains(&b'=');
    let count = words.iter().take_while(is_change).count();
    let (changes, words) = words.split_at_checked(count).unwrap_or_default();
    let changes: Vec<_> = changes
        .iter()
        .filter_map(|change| split(change.as_bytes()))
        .collect();
    let entries = environ::entries();
    let Some((program, args)) = words.split_first() else {
        let is_changed = |name: &[u8]| changes.iter().any(|(changed, _)| *changed == name);
        let kept = entries
            .into_iter()
            .filter(|entry| !is_empty && !split(entry).is_some_and(|(name, _)| is_changed(name)));
        // Of a name given twice, the last value counts.
        let last = changes.iter().enumerate().filter(|(at, (name, _))| {
            let later = changes.get(at + 1..).unwrap_or_default();
            !later.iter().any(|(other, _)| other == name)
        });
        let set = last.map(|(_, (name, value))| [name, &b"="[..], value].concat());
        return print(kept.chain(set), b"\n", true);
    };
    let mut command = Command::new(program);
    command.args(args);
    if is_empty {
        for (name, _) in entries.iter().filter_map(|entry| split(entry)) {
            command.env_remove(OsStr::from_bytes(name));
        }
    }
    for (name, value) in changes {
        command.env(OsStr::from_bytes(name), OsStr::from_bytes(value));
    }
    Ok(exec::this(call.name, command).number())
}

/// `s6-printenv [ -n ] [ -0 | -d delimchar ]`: an empty delimiter means netstrings.
pub(super) fn printenv(mut call: Call) -> Outcome {
    let (given, _) = call.options("nd:0")?;
    let (mut ends, mut delimiter, mut is_zero) = (true, Some(b'\n'), false);
    for option in given {
        match option.letter {
            b'n' => ends = false,
            b'0' => is_zero = true,
            _ => delimiter = option.value.as_bytes().first().copied(),
        }
    }
    let entries = environ::entries().into_iter();
    match delimiter.filter(|_| !is_zero).or(is_zero.then_some(0)) {
        Some(delimiter) => print(entries, &[delimiter], ends),
        None => print(entries.map(|entry| netstring(&entry)), b"", ends),
    }
}

fn print(entries: impl Iterator<Item = Vec<u8>>, delimiter: &[u8], ends: bool) -> Outcome {
    let mut out = Out::new()?;
    let mut entries = entries.peekable();
    while let Some(entry) = entries.next() {
        out.put(&entry)?;
        if ends || entries.peek().is_some() {
            out.put(delimiter)?;
        }
    }
    out.flush()?;
    Ok(0)
}

/// `s6-dumpenv [ -N | -n ] [ -m mode ] envdir`: a file for each variable, each replaced in one step.
pub(super) fn dumpenv(mut call: Call) -> Outcome {
    let (given, words) = call.options("nNm:")?;
    let (mut mode, mut ends) = (0o755, false);
    for option in given {
        match option.letter {
            b'm' => mode = octal(&option.value)?,
            letter => ends = letter == b'N',
        }
    }
    let dir = Path::new(first(&words)?);
    make(dir, mode)
        .map_err(|error| Failure::unable(format_args!("mkdir {}", dir.display()), &error))?;
    for entry in environ::entries() {
        let Some((name, value)) = split(&entry) else {
            continue;
        };
        let path = dir.join(OsStr::from_bytes(name));
        let content = [value, if ends { b"\n" } else { b"" }].concat();
        write(dir, name, &content)
            .map_err(|error| Failure::unable(format_args!("open {}", path.display()), &error))?;
    }
    Ok(0)
}

/// Makes the directory, unless it is there.
fn make(dir: &Path, mode: u32) -> io::Result<()> {
    match DirBuilder::new().mode(mode).create(dir) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(io::Error::from_raw_os_error(ENOTDIR))
        }
        result => result,
    }
}

/// Not a directory.
const ENOTDIR: i32 = 20;

/// Writes one file, under another name first. A name with a slash in it must not lead out of the
/// directory.
fn write(dir: &Path, name: &[u8], content: &[u8]) -> io::Result<()> {
    if name.contains(&b'/') {
        return Err(io::Error::from_raw_os_error(ENOENT));
    }
    let path = dir.join(OsStr::from_bytes(name));
    let fresh = dir.join(OsString::from_vec([name, b"=.tmp"].concat()));
    fs::write(&fresh, content)?;
    fs::rename(&fresh, path).inspect_err(|_| drop(fs::remove_file(&fresh)))
}

/// No such file or directory.
const ENOENT: i32 = 2;
