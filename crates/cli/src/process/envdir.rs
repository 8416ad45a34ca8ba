//! `s6-envdir` and `justc-envdir`: variables from the files of a directory (s6-envdir(1)).

use std::ffi::{CString, NulError, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use super::command;
use crate::complain::{self, ExitCode, SYSTEM, reason};
use crate::exec;
use crate::options::{Options, WrongUsage};

pub(super) const ENVDIR: &str = "s6-envdir";
const SYNOPSIS: &str = "s6-envdir [ -I | -i ] [ -n ] [ -f ] [ -L ] [ -c nullchar ] dir prog...";
pub(super) const JUSTC_ENVDIR: &str = "justc-envdir";
/// Is a directory.
const EISDIR: i32 = 21;
/// Invalid argument.
const EINVAL: i32 = 22;
/// How much of a file counts, unless `-L` says all.
const CLAMP: usize = 4095;

/// How files become values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct How {
    /// `-n`: blanks at the end stay.
    keeps_blanks: bool,
    /// `-f`: all lines, not only the first.
    verbatim: bool,
    /// `-L`: of any length.
    unlimited: bool,
    /// `-c`: what NUL becomes.
    null: u8,
}

/// `s6-envdir [ -I | -i ] [ -n ] [ -f ] [ -L ] [ -c nullchar ] dir prog...`
pub(super) fn envdir(args: Vec<OsString>) -> ExitCode {
    let read = || -> Result<_, WrongUsage> {
        let mut options = Options::new(args, "IinfLc:");
        let mut how = How {
            keeps_blanks: false,
            verbatim: false,
            unlimited: false,
            null: b'\n',
        };
        let mut insists = true;
        while let Some(option) = options.next()? {
            match option.letter {
                b'I' => insists = false,
                b'i' => insists = true,
                b'n' => how.keeps_blanks = true,
                b'f' => how.verbatim = true,
                b'L' => how.unlimited = true,
                _ => how.null = option.value.as_bytes().first().copied().unwrap_or_default(),
            }
        }
        Ok((how, insists, options.rest()))
    };
    let Ok((how, insists, rest)) = read() else {
        return complain::usage(ENVDIR, SYNOPSIS);
    };
    match rest.split_first() {
        Some((dir, words)) if !words.is_empty() => run(ENVDIR, Path::new(dir), words, how, insists),
        Some(_) | None => complain::usage(ENVDIR, SYNOPSIS),
    }
}

/// `justc-envdir dir prog...`, of s6-overlay v2: whole files, but for one newline at the end.
pub(super) fn justc_envdir(args: Vec<OsString>) -> ExitCode {
    let how = How {
        keeps_blanks: false,
        verbatim: true,
        unlimited: true,
        null: b'\n',
    };
    match args.split_first() {
        Some((dir, words)) if !words.is_empty() => {
            run(JUSTC_ENVDIR, Path::new(dir), words, how, true)
        }
        Some(_) | None => complain::usage(JUSTC_ENVDIR, "justc-envdir dir prog..."),
    }
}

fn run(name: &str, dir: &Path, words: &[OsString], how: How, insists: bool) -> ExitCode {
    let variables = match variables(dir, how) {
        Ok(variables) => variables,
        Err(error) if error.kind() == ErrorKind::NotFound && !insists => Vec::new(),
        Err(error) => {
            let message = format!("unable to envdir {}: {}", dir.display(), reason(&error));
            return complain::fatal(name, message, SYSTEM);
        }
    };
    let mut command = command(words);
    for (name, value) in variables {
        match value {
            Some(value) => command.set(name, value),
            None => command.remove(name),
        }
    }
    exec::this(name, command.build())
}

/// The variables to set, and those without a value, to unset.
fn variables(dir: &Path, how: How) -> io::Result<Vec<(OsString, Option<OsString>)>> {
    let mut variables = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        if name.as_bytes().starts_with(b".") || name.as_bytes().contains(&b'=') {
            continue;
        }
        let content = content(&dir.join(&name))?;
        let value = value(&content, how).map_err(|_| io::Error::from_raw_os_error(EINVAL))?;
        variables.push((name, value));
    }
    Ok(variables)
}

/// What is in a file. Only what can be read to an end is one.
fn content(path: &Path) -> io::Result<Vec<u8>> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::Error::from_raw_os_error(EISDIR)),
        Ok(found) if !found.is_file() => Err(io::Error::new(
            ErrorKind::InvalidInput,
            format!("{} is not a regular file", path.display()),
        )),
        Ok(_) => fs::read(path),
        // A link to nothing is not a missing directory, which may be allowed.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(io::Error::other("Identifier removed"))
        }
        Err(error) => Err(error),
    }
}

/// The value of a variable; none for an empty file, which unsets it. An error if there is NUL in it.
fn value(content: &[u8], how: How) -> Result<Option<OsString>, NulError> {
    if content.is_empty() {
        return Ok(None);
    }
    let clamp = if how.unlimited { usize::MAX } else { CLAMP };
    let content = content.get(..clamp).unwrap_or(content);
    let text = if how.verbatim {
        match content.strip_suffix(b"\n") {
            Some(text) if !how.keeps_blanks => text,
            Some(_) | None => content,
        }
    } else {
        let end = content.iter().position(|byte| *byte == b'\n');
        let end = match end {
            Some(end) => end,
            // s6-envdir finds no line where no newline ends it, when it reads without a limit and
            // looks for blanks.
            None if how.unlimited && !how.keeps_blanks => 0,
            None => content.len(),
        };
        content.get(..end).unwrap_or_default()
    };
    let text = if how.keeps_blanks || how.verbatim {
        text
    } else {
        trim_end(text)
    };
    let value = text
        .iter()
        .map(|byte| if *byte == 0 { how.null } else { *byte });
    let value = CString::new(value.collect::<Vec<u8>>())?;
    Ok(Some(OsString::from_vec(value.into_bytes())))
}

fn trim_end(text: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r');
    let end = text
        .iter()
        .rposition(|byte| !is_blank(byte))
        .map_or(0, |last| last + 1);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: How = How {
        keeps_blanks: false,
        verbatim: false,
        unlimited: false,
        null: b'\n',
    };

    fn shown(content: &[u8], how: How) -> Option<String> {
        let value = value(content, how).unwrap();
        value.map(|value| value.to_string_lossy().into_owned())
    }

    #[test]
    fn one_line_without_blanks_at_its_end_is_a_value() {
        let read = |content: &[u8]| shown(content, PLAIN);
        assert_eq!(read(b"v \t\r\nsecond\n").as_deref(), Some("v"));
        assert_eq!(read(b""), None);
        assert_eq!(read(b"\n").as_deref(), Some(""));
        assert_eq!(read(b" lead").as_deref(), Some(" lead"));
        assert_eq!(read(b"x\0y").as_deref(), Some("x\ny"));
        assert_eq!(read(&[b'x'; 5000]).map(|value| value.len()), Some(4095));
    }

    #[test]
    fn options_change_what_is_a_value() {
        let blanks = How {
            keeps_blanks: true,
            ..PLAIN
        };
        assert_eq!(shown(b"v \n", blanks).as_deref(), Some("v "));
        let verbatim = How {
            verbatim: true,
            ..PLAIN
        };
        assert_eq!(shown(b"a\nb\n", verbatim).as_deref(), Some("a\nb"));
        assert_eq!(shown(b"a \n\n", verbatim).as_deref(), Some("a \n"));
        let both = How {
            keeps_blanks: true,
            ..verbatim
        };
        assert_eq!(shown(b"a\n", both).as_deref(), Some("a\n"));
        let null = How {
            null: b'_',
            ..PLAIN
        };
        assert_eq!(shown(b"x\0y", null).as_deref(), Some("x_y"));
        let unlimited = How {
            unlimited: true,
            ..PLAIN
        };
        assert_eq!(shown(b"no newline", unlimited).as_deref(), Some(""));
        let blanks = How {
            keeps_blanks: true,
            ..unlimited
        };
        assert_eq!(shown(b"no newline", blanks).as_deref(), Some("no newline"));
        assert!(value(b"x\0y", How { null: 0, ..PLAIN }).is_err());
        let long = [&[b'x'; 5000][..], b"\n"].concat();
        assert_eq!(shown(&long, unlimited).map(|value| value.len()), Some(5000));
    }

    #[test]
    fn what_is_no_file_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("A"), "a").unwrap();
        fs::write(dir.path().join(".B"), "b").unwrap();
        fs::write(dir.path().join("C=D"), "c").unwrap();
        assert_eq!(
            variables(dir.path(), PLAIN).unwrap(),
            [("A".into(), Some("a".into()))]
        );
        fs::create_dir(dir.path().join("sub")).unwrap();
        let error = variables(dir.path(), PLAIN).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IsADirectory);
        fs::remove_dir(dir.path().join("sub")).unwrap();
        std::os::unix::fs::symlink("/nowhere", dir.path().join("link")).unwrap();
        let error = variables(dir.path(), PLAIN).unwrap_err();
        assert_eq!(error.to_string(), "Identifier removed");
        let missing = variables(Path::new("/no/such"), PLAIN).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }
}
