//! `s6-basename`, `s6-dirname`, `s6-linkname`, `s6-ls`, `s6-uniquename`: names of files.

use std::ffi::OsString;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use sixfold_protocol::Tai64n;
use sixfold_sys::{process, system};

use super::call::{Call, Failure, Outcome, decimal, first};
use super::stream::{self, Out};

/// `s6-basename [ -n ] file [ suffix ]`
pub(super) fn basename(mut call: Call) -> Outcome {
    let (given, words) = call.options("n")?;
    let mut base = base(first(&words)?.as_bytes());
    if let Some(suffix) = words.get(1) {
        // A name is not made empty.
        let cut = base.strip_suffix(suffix.as_bytes());
        base = cut.filter(|cut| !cut.is_empty()).unwrap_or(base);
    }
    print(base, given.is_empty())
}

/// `s6-dirname [ -n ] file`
pub(super) fn dirname(mut call: Call) -> Outcome {
    let (given, words) = call.options("n")?;
    print(dir(first(&words)?.as_bytes()), given.is_empty())
}

/// `s6-linkname [ -n ] [ -f ] link`: where the link leads, or with `-f` the path without any links.
pub(super) fn linkname(mut call: Call) -> Outcome {
    let (given, words) = call.options("nf")?;
    let path = Path::new(first(&words)?);
    let is_given = |letter| given.iter().any(|given| given.letter == letter);
    let target = if is_given(b'f') {
        fs::canonicalize(path)
    } else {
        fs::read_link(path)
    };
    let target = target
        .map_err(|error| Failure::unable(format_args!("resolve {}", path.display()), &error))?;
    print(target.as_os_str().as_bytes(), !is_given(b'n'))
}

fn print(name: &[u8], ends: bool) -> Outcome {
    stream::print(&[name, if ends { b"\n" } else { b"" }])?;
    Ok(0)
}

/// The last part of a path; `/` of the root, and a dot of nothing.
pub(super) fn base(path: &[u8]) -> &[u8] {
    let path = match without_slashes(path) {
        Ok(path) => path,
        Err(root) => return root,
    };
    let start = path.iter().rposition(|byte| *byte == b'/');
    start.and_then(|at| path.get(at + 1..)).unwrap_or(path)
}

/// A path without its last part and one slash before that; a dot if there is none.
fn dir(path: &[u8]) -> &[u8] {
    let path = match without_slashes(path) {
        Ok(path) => path,
        Err(root) => return root,
    };
    match path.iter().rposition(|byte| *byte == b'/') {
        None => b".",
        Some(0) => b"/",
        Some(at) => path.get(..at).unwrap_or_default(),
    }
}

/// A path without slashes at its end; or what the root, or nothing, is called.
fn without_slashes(path: &[u8]) -> Result<&[u8], &[u8]> {
    if path.is_empty() {
        return Err(b".");
    }
    let end = path.iter().rposition(|byte| *byte != b'/');
    end.and_then(|at| path.get(..=at)).ok_or(b"/")
}

/// `s6-ls [ -0 ] [ -a | -A ] [ -x exclude ] dir`: in the order in which the names are there. With
/// `-a`, those that begin with a dot too; with `-A`, also `.` and `..`.
pub(super) fn ls(mut call: Call) -> Outcome {
    let (given, words) = call.options("0aAx:")?;
    let (mut separator, mut shown, mut left_out) = (b"\n", b'n', None);
    for option in given {
        match option.letter {
            b'0' => separator = b"\0",
            b'x' => left_out = Some(option.value),
            letter => shown = letter,
        }
    }
    let dir = Path::new(first(&words)?);
    let failed = |error| Failure::unable(format_args!("open directory {}", dir.display()), &error);
    let itself = [".", ".."].map(|name| Ok(OsString::from(name)));
    let names = fs::read_dir(dir).map_err(failed)?;
    let names = names.map(|entry| entry.map(|entry| entry.file_name()));
    let mut out = Out::new()?;
    for name in itself.into_iter().filter(|_| shown == b'A').chain(names) {
        let name = name.map_err(failed)?;
        let is_hidden = shown == b'n' && name.as_bytes().starts_with(b".");
        if !is_hidden && left_out.as_ref() != Some(&name) {
            out.put(name.as_bytes())?;
            out.put(separator)?;
        }
    }
    out.flush()?;
    Ok(0)
}

/// `s6-uniquename [ -n randomlen ] prefix`
pub(super) fn uniquename(mut call: Call) -> Outcome {
    let (given, words) = call.options("n:")?;
    let mut length = 8;
    for option in given {
        length = decimal(&option.value)?;
    }
    let host = system::hostname();
    let host = host.map_err(|error| Failure::unable("make unique name", &error))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = Tai64n::from_unix(now.unwrap_or_default()).label();
    let mut tail = format!(":@{now}:{}:", process::own_pid()).into_bytes();
    tail.extend_from_slice(host.as_bytes());
    if length > 0 {
        tail.push(b':');
        tail.extend(random(length));
    }
    print(&[first(&words)?.as_bytes(), &tail].concat(), true)
}

/// This many letters and digits that nobody can foresee.
pub(super) fn random(length: usize) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let state = RandomState::new();
    let digit = |at: usize| {
        let [byte, ..] = state.hash_one(at).to_ne_bytes();
        DIGITS.get(usize::from(byte % 64)).copied()
    };
    (0..length).filter_map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart() {
        for (path, wanted_dir, wanted_base) in [
            ("", ".", "."),
            ("/", "/", "/"),
            ("///", "/", "/"),
            ("a", ".", "a"),
            ("a//", ".", "a"),
            ("/a", "/", "a"),
            ("a/b", "a", "b"),
            ("a//b/", "a/", "b"),
            ("/a/b/c", "/a/b", "c"),
        ] {
            assert_eq!(dir(path.as_bytes()), wanted_dir.as_bytes(), "{path}");
            assert_eq!(base(path.as_bytes()), wanted_base.as_bytes(), "{path}");
        }
    }

    #[test]
    fn names_differ() {
        assert_eq!(random(100).len(), 100);
        assert_ne!(random(8), random(8));
    }
}
