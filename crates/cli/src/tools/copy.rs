//! `s6-hiercopy`: a copy of a tree with everything that is in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, lchown, symlink};
use std::path::Path;

use sixfold_sys::files;

use super::call::{Call, Failure, Outcome};

/// `s6-hiercopy src dst`: what is in a directory and cannot be copied is left out, with a warning.
pub(super) fn hiercopy(call: Call) -> Outcome {
    let [from, to, ..] = call.args.as_slice() else {
        return Err(Failure::Usage);
    };
    files::set_umask(0);
    copy(&call, from.as_ref(), to.as_ref()).map_err(|error| {
        let what = format_args!("copy hierarchy from {} to {}", from.display(), to.display());
        Failure::unable(what, &error)
    })?;
    Ok(0)
}

/// Copies one file of whatever kind, with its mode and, as far as we may, its owner.
fn copy(call: &Call, from: &Path, to: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(from)?;
    let kind = found.file_type();
    if kind.is_file() {
        copy_content(from, to, found.mode())?;
    } else if kind.is_dir() {
        copy_entries(call, from, to)?;
    } else if kind.is_symlink() {
        symlink(fs::read_link(from)?, to)?;
    } else if kind.is_fifo() || kind.is_socket() || kind.is_char_device() || kind.is_block_device()
    {
        files::make_node(to, found.mode(), found.rdev())?;
    } else {
        return Err(ErrorKind::Unsupported.into());
    }
    // Not everybody may give files away.
    let _ = lchown(to, Some(found.uid()), Some(found.gid()));
    if !kind.is_symlink() {
        files::chmod(to, found.mode())?;
    }
    Ok(())
}

fn copy_content(from: &Path, to: &Path, mode: u32) -> io::Result<()> {
    let mut source = File::open(from)?;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    let mut target = options.mode(mode & 0o7777).open(to)?;
    io::copy(&mut source, &mut target).map(drop)
}

fn copy_entries(call: &Call, from: &Path, to: &Path) -> io::Result<()> {
    // Before anything is made: a copy of a directory into itself has an end.
    let names: io::Result<Vec<_>> = fs::read_dir(from)?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect();
    let names = names?;
    match fs::create_dir(to) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            if !fs::metadata(to)?.is_dir() {
                return Err(io::Error::from_raw_os_error(ENOTDIR));
            }
        }
        Err(error) => return Err(error),
    }
    for name in names {
        let (from, to) = (from.join(&name), to.join(&name));
        match copy(call, &from, &to) {
            // A copy over an earlier one: links and FIFOs are as they were.
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                call.warn(
                    format_args!("copy {} to {}", from.display(), to.display()),
                    &error,
                );
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Not a directory.
const ENOTDIR: i32 = 20;
