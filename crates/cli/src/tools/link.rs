//! `s6-ln`: links.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::symlink;
use std::path::Path;

use sixfold_sys::files;

use super::call::{Call, Failure, Outcome};
use super::names;

/// What makes a link to the first path at the second.
type Link = fn(&Path, &Path) -> io::Result<()>;

/// How links are made.
struct How {
    link: Link,
    /// What is there is replaced, in one step.
    replaces: bool,
}

/// `s6-ln [ -n ] [ -s ] [ -f ] [ -L ] [ -P ] src... dest`: the exit code is the number of links that
/// could not be made.
pub(super) fn ln(mut call: Call) -> Outcome {
    let (given, words) = call.options("nsfLP")?;
    let is_given = |letter| given.iter().any(|given| given.letter == letter);
    let hard = given
        .iter()
        .rfind(|given| matches!(given.letter, b'L' | b'P'));
    let link: Link = match hard {
        _ if is_given(b's') => |target, path| symlink(target, path),
        Some(given) if given.letter == b'L' => files::link_to_target,
        Some(_) | None => |target, path| fs::hard_link(target, path),
    };
    let how = How {
        link,
        replaces: is_given(b'f'),
    };
    let [sources @ .., last] = words.as_slice() else {
        return Err(Failure::Usage);
    };
    let is_inside = match sources {
        [] => return Err(Failure::Usage),
        [_] => is_directory(last, !is_given(b'n'))?,
        _ => true,
    };
    let mut failures: usize = 0;
    for source in sources {
        let path = if is_inside {
            inside(last, source)
        } else {
            last.clone()
        };
        failures += usize::from(!how.make(&call, source, &path));
    }
    // As exit(3) takes it.
    Ok(u8::try_from(failures % 256).unwrap_or(u8::MAX))
}

/// Whether links are to be made in what is there: in a directory, and with `follows`, in one that a
/// link leads to.
fn is_directory(path: &OsStr, follows: bool) -> Result<bool, Failure> {
    let found = if follows {
        fs::metadata(path)
    } else {
        fs::symlink_metadata(path)
    };
    match found {
        Ok(found) => Ok(found.is_dir()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::unable(
            format_args!("stat {}", path.display()),
            &error,
        )),
    }
}

/// The path in `dir` with the last part of `source`.
fn inside(dir: &OsStr, source: &OsStr) -> OsString {
    let base = names::base(source.as_bytes());
    OsString::from_vec([dir.as_bytes(), b"/", base].concat())
}

impl How {
    /// Makes one link; says so, if it cannot be made.
    fn make(&self, call: &Call, target: &OsStr, path: &OsStr) -> bool {
        let (shown, to) = (path.display(), target.display());
        match (self.link)(target.as_ref(), path.as_ref()) {
            Ok(()) => return true,
            Err(error) if self.replaces && error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => {
                call.warn(format_args!("make a link from {shown} to {to}"), &error);
                return false;
            }
        }
        let fresh = [path.as_bytes(), b":s6-ln:", &names::random(6)].concat();
        let fresh = OsString::from_vec(fresh);
        if let Err(error) = (self.link)(target.as_ref(), fresh.as_ref()) {
            call.warn(format_args!("make a link to {to}"), &error);
            return false;
        }
        let renamed = fs::rename(&fresh, path);
        // Where both were the same file already, rename(2) has left it.
        let _ = fs::remove_file(&fresh);
        if let Err(error) = &renamed {
            call.warn(format_args!("atomically replace {shown}"), error);
        }
        renamed.is_ok()
    }
}
