//! `s6-chmod`, `s6-chown`, `s6-rename`, `s6-rmrf`: what changes files that are there.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use sixfold_sys::files;

use super::call::{Call, Failure, Outcome, decimal, first, octal};
use crate::complain::USAGE;
use crate::options::number;

/// `s6-chmod mode file`: what follows is not looked at.
pub(super) fn chmod(call: Call) -> Outcome {
    let [mode, file, ..] = call.args.as_slice() else {
        return Err(Failure::Usage);
    };
    let file = Path::new(file);
    files::chmod(file, octal(mode)?).map_err(|error| {
        Failure::unable(format_args!("change mode of {}", file.display()), &error)
    })?;
    Ok(0)
}

/// `s6-chown [ -U ] [ -u uid ] [ -g gid ] file`: with `-U`, the ids in the environment.
pub(super) fn chown(mut call: Call) -> Outcome {
    let (given, words) = call.options("Uu:g:")?;
    let (mut uid, mut gid) = (None, None);
    for option in given {
        match option.letter {
            b'u' => uid = Some(decimal(&option.value)?),
            b'g' => gid = Some(decimal(&option.value)?),
            _ => {
                uid = Some(of_environment("UID")?);
                gid = Some(of_environment("GID")?);
            }
        }
    }
    let file = Path::new(first(&words)?);
    files::chown(file, uid, gid)
        .map_err(|error| Failure::unable(format_args!("chown {}", file.display()), &error))?;
    Ok(0)
}

fn of_environment(name: &str) -> Result<u32, Failure> {
    let value = env::var_os(name);
    let value = value.ok_or_else(|| Failure::Fatal(format!("{name} not set"), USAGE))?;
    number(&value).ok_or_else(|| Failure::Fatal(format!("invalid ${name}"), USAGE))
}

/// `s6-rename old new`
pub(super) fn rename(call: Call) -> Outcome {
    let [old, new, ..] = call.args.as_slice() else {
        return Err(Failure::Usage);
    };
    fs::rename(old, new).map_err(|error| {
        let what = format_args!("rename {} to {}", old.display(), new.display());
        Failure::unable(what, &error)
    })?;
    Ok(0)
}

/// `s6-rmrf file ...`
pub(super) fn rmrf(call: Call) -> Outcome {
    first(&call.args)?;
    for file in &call.args {
        remove(file.as_ref()).map_err(|error| not_removed(file, &error))?;
    }
    Ok(0)
}

fn not_removed(file: &OsString, error: &io::Error) -> Failure {
    Failure::unable(format_args!("remove {}", file.display()), error)
}

/// Removes a file, or a directory with everything in it; what is not there is gone already.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let removed = fs::symlink_metadata(path).and_then(|found| {
        if found.is_dir() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        }
    });
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
