//! Reading a directory into the value that the model interprets. It never fails: what cannot be
//! read becomes an entry that says so.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sixfold_model::tree::{self, Entry, HEAD_LIMIT, Tree};

/// How deep services.d is read: service, `log`, and the files in it.
pub(crate) const SERVICES_DEPTH: usize = 3;
/// How much of a file a directory's snapshot carries: enough for the one line of a number file.
/// Scripts are read when they are started; holding thousands of them would make PID 1 large, and
/// with it every fork slow.
const SMALL_HEAD: usize = 512;
/// How much of a program is read: more than its header.
const PROGRAM_HEAD: usize = 4096;

/// The directory at `path`, `depth` levels deep, with the first bytes of the files below its first
/// level. `None` if there is no such directory.
pub(crate) fn directory(path: &Path, depth: usize) -> io::Result<Option<Tree>> {
    match read_tree(path, depth, 0) {
        Ok(tree) => Ok(Some(tree)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The file at `path`, links followed: all of a script that can matter, the header of a program.
pub(crate) fn file(path: &Path) -> io::Result<tree::File> {
    let mut found = read_file(path, PROGRAM_HEAD)?;
    if found.head.len() == PROGRAM_HEAD && !found.head.starts_with(b"\x7fELF") {
        found = read_file(path, HEAD_LIMIT)?;
    }
    Ok(found)
}

fn read_file(path: &Path, limit: usize) -> io::Result<tree::File> {
    // FIFOs and devices are refused before they are opened: opening one could block.
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ));
    }
    let mut head = Vec::new();
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    if limit > 0 {
        match File::open(path) {
            Ok(file) => {
                file.take(limit).read_to_end(&mut head)?;
            }
            // A program that may be executed and not read is none of our business.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            Err(error) => return Err(error),
        }
    }
    Ok(tree::File {
        mode: metadata.permissions().mode() & 0o7777,
        size: metadata.len(),
        head,
    })
}

fn read_tree(path: &Path, depth: usize, head: usize) -> io::Result<Tree> {
    let mut tree = Tree::default();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        tree.entries
            .insert(entry.file_name(), read_entry(&entry.path(), depth, head));
    }
    Ok(tree)
}

fn read_entry(path: &Path, depth: usize, head: usize) -> Entry {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Entry::Dangling,
        Err(error) => return Entry::Unreadable(error.to_string()),
    };
    if metadata.is_file() {
        return match read_file(path, head) {
            Ok(file) => Entry::File(file),
            Err(error) => Entry::Unreadable(error.to_string()),
        };
    }
    if !metadata.is_dir() {
        return Entry::Special;
    }
    match depth.checked_sub(1) {
        None | Some(0) => Entry::Dir(Tree::default()),
        Some(depth) => match read_tree(path, depth, SMALL_HEAD) {
            Ok(tree) => Entry::Dir(tree),
            Err(error) => Entry::Unreadable(error.to_string()),
        },
    }
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;
