//! Where `posix-cd` goes (cd(1p)).

use super::POSIX_CD;
use crate::fault::{code, joined};
use crate::step::PosixCd;
use crate::{Environment, Fault, Word};

/// A directory to change to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// What is to be given to chdir(2).
    pub path: Word,
    /// What it is called if that fails: `unable to chdir to X`.
    pub operand: Word,
    /// The new value of `PWD`; `None` with `-P`: it is asked of the system afterwards.
    logical: Option<Word>,
    /// The directory is printed.
    is_told: bool,
}

impl Destination {
    /// Sets `PWD` and `OLDPWD` in `env`, when the directory was changed. `before` and `after` are what
    /// the system said and says that it is. Gives the line that is to be printed, if any.
    #[must_use]
    pub fn arrived(self, env: &mut Environment, before: &[u8], after: &[u8]) -> Option<Word> {
        let here = self.logical.unwrap_or_else(|| after.to_vec());
        let line = self.is_told.then(|| joined(&[&here, b"\n"]));
        env.set(*b"OLDPWD", before);
        env.set(*b"PWD", here);
        line
    }
}

/// Where a `posix-cd` goes. `here` is the working directory. `look` is asked whether a path leads to
/// a directory, links followed, and says why not in the system's words.
///
/// # Errors
/// The usage (100) for an empty operand, and for `$HOME` or `$OLDPWD` that are unset or empty; `unable
/// to canonicalize X: problem with Y: REASON` (111) where `..` follows something that is no directory.
pub fn destination(
    cd: &PosixCd,
    env: &Environment,
    here: &[u8],
    look: &dyn Fn(&[u8]) -> Result<(), String>,
) -> Result<Destination, Fault> {
    let mut is_told = false;
    let operand = match cd.dir.as_deref() {
        None => env.get(b"HOME"),
        Some(b"-") => {
            is_told = true;
            env.get(b"OLDPWD")
        }
        Some(dir) => Some(dir),
    };
    let operand = operand
        .filter(|operand| !operand.is_empty())
        .ok_or_else(|| Fault::usage(POSIX_CD))?;
    let mut path = operand.to_vec();
    if let Some((found, prefix)) = in_cdpath(operand, env, look) {
        is_told |= !prefix.is_empty();
        path = found;
    }
    let logical = if cd.physical {
        None
    } else {
        let start = env.get(b"PWD").filter(|pwd| pwd.starts_with(b"/"));
        if !path.starts_with(b"/") {
            path = joined(&[start.unwrap_or(here), b"/", &path]);
        }
        path = without_dots(&path, look)?;
        Some(path.clone())
    };
    Ok(Destination {
        path,
        operand: operand.to_vec(),
        logical,
        is_told,
    })
}

/// The first directory of `CDPATH` in which the operand is a directory, as the path to that and the
/// part of `CDPATH`. An operand that says itself where it is is not looked for.
fn in_cdpath<'a>(
    operand: &[u8],
    env: &'a Environment,
    look: &dyn Fn(&[u8]) -> Result<(), String>,
) -> Option<(Word, &'a [u8])> {
    let first = operand.split(|byte| *byte == b'/').next()?;
    if matches!(first, b"" | b"." | b"..") {
        return None;
    }
    let prefixes = env.get(b"CDPATH")?.split(|byte| *byte == b':');
    let mut found = prefixes.map(|prefix| {
        let path = match prefix {
            [] => joined(&[b"./", operand]),
            [.., b'/'] => joined(&[prefix, operand]),
            _ => joined(&[prefix, b"/", operand]),
        };
        (path, prefix)
    });
    found.find(|(path, _)| look(path).is_ok())
}

/// An absolute path without `.`, `..` and doubled slashes. What is before a `..` has to be a
/// directory.
fn without_dots(path: &[u8], look: &dyn Fn(&[u8]) -> Result<(), String>) -> Result<Word, Fault> {
    let mut plain = Word::new();
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => {
                let Some(parent) = plain.iter().rposition(|byte| *byte == b'/') else {
                    continue;
                };
                look(&plain).map_err(|reason| {
                    let reason = reason.as_bytes();
                    let parts: [&[u8]; 6] = [
                        b"unable to canonicalize ",
                        path,
                        b": problem with ",
                        &plain,
                        b": ",
                        reason,
                    ];
                    Fault::fatal(joined(&parts), code::SYSTEM)
                })?;
                plain.truncate(parent);
            }
            name => {
                plain.push(b'/');
                plain.extend_from_slice(name);
            }
        }
    }
    if plain.is_empty() {
        plain.push(b'/');
    }
    Ok(plain)
}
