//! `s6-update-symlinks`: one tree of links to the files of several.
//!
//! As long as a directory comes from one source, it is a link to it. Where a second source has a
//! directory of the same name, the link becomes a directory with a link for each entry, and what the
//! second has replaces what the first has.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::call::{Call, Failure, Outcome};
use super::change::remove;
use super::names::random;
use crate::complain::USAGE;

/// Why a source could not be added.
enum Trouble {
    System(io::Error),
    /// This is a directory in the tree, and no directory in the source.
    Conflict(PathBuf, PathBuf),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// `s6-update-symlinks /destdir /srcdir [ /srcdir ... ]`: the new tree takes the place of the old one
/// in one step, where that is a link or not there.
pub(super) fn update_symlinks(call: Call) -> Outcome {
    let [target, sources @ ..] = call.args.as_slice() else {
        return Err(Failure::Usage);
    };
    let is_absolute = |word: &OsString| word.as_bytes().starts_with(b"/");
    if sources.is_empty() || !call.args.iter().all(is_absolute) {
        return Err(Failure::Usage);
    }
    let end = target.as_bytes().iter().rposition(|byte| *byte != b'/');
    let Some(target) = end.and_then(|end| target.as_bytes().get(..=end)) else {
        let message = "unable to replace root directory".to_owned();
        return Err(Failure::Fatal(message, USAGE));
    };
    let beside = |kind: &[u8]| {
        let name = [target, b":s6-update-symlinks-", kind, b":", &random(8)].concat();
        PathBuf::from(OsString::from_vec(name))
    };
    let (fresh, target) = (beside(b"new"), Path::new(OsStr::from_bytes(target)));
    for source in sources {
        let source = Path::new(source);
        add(source, &fresh).map_err(|trouble| {
            discard(&fresh);
            match trouble {
                Trouble::System(error) => Failure::Fatal(
                    format!(
                        "error processing {}: {}",
                        source.display(),
                        crate::complain::reason(&error)
                    ),
                    crate::complain::SYSTEM,
                ),
                Trouble::Conflict(path, source) => Failure::Fatal(
                    format!(
                        "destination {} conflicts with source {}",
                        path.display(),
                        source.display()
                    ),
                    USAGE,
                ),
            }
        })?;
    }
    if fs::rename(&fresh, target).is_ok() {
        return Ok(0);
    }
    // A directory is not replaced by a link, nor one that is not empty by another.
    let unable = |from: &Path, to: &Path, error: &io::Error| {
        discard(&fresh);
        let what = format_args!("rename {} to {}", from.display(), to.display());
        Failure::unable(what, error)
    };
    let old = beside(b"old");
    fs::rename(target, &old).map_err(|error| unable(target, &old, &error))?;
    fs::rename(&fresh, target).map_err(|error| {
        // Back to what there was.
        let _ = fs::rename(&old, target);
        unable(&fresh, target, &error)
    })?;
    if let Err(error) = remove(&old) {
        call.warn(
            format_args!("remove old directory {}", old.display()),
            &error,
        );
    }
    Ok(0)
}

fn discard(path: &Path) {
    // The failure that led here is the one to tell.
    let _ = remove(path);
}

/// Adds `source` to the tree at `path`; says whether nothing of what `path` had is left.
fn add(source: &Path, path: &Path) -> Result<bool, Trouble> {
    match symlink(source, path) {
        Ok(()) => return Ok(false),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.into()),
    }
    let Some(there) = entries(path)? else {
        // A link to a file.
        fs::remove_file(path)?;
        symlink(source, path)?;
        return Ok(true);
    };
    if let Ok(earlier) = fs::read_link(path) {
        fs::remove_file(path)?;
        fs::create_dir(path)?;
        for name in &there {
            symlink(earlier.join(name), path.join(name))?;
        }
    }
    let Some(names) = entries(source)? else {
        return Err(Trouble::Conflict(path.to_owned(), source.to_owned()));
    };
    let mut is_replaced = names.len() == there.len();
    for name in &names {
        is_replaced &= add(&source.join(name), &path.join(name))?;
    }
    if is_replaced {
        remove(path)?;
        symlink(source, path)?;
    }
    Ok(is_replaced)
}

/// The names in a directory; nothing, if it is none.
fn entries(path: &Path) -> io::Result<Option<Vec<OsString>>> {
    match fs::read_dir(path) {
        Ok(entries) => entries
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<io::Result<_>>()
            .map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(None),
        Err(error) => Err(error),
    }
}
