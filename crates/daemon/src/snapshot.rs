//! Reading a directory into the value that the model interprets. It never fails: what cannot be
//! read becomes an entry that says so.

use std::ffi::OsStr;
use std::fs::{self, DirEntry, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sixfold_model::tree::{self, Entry, HEAD_LIMIT, Identity, Tree};
use sixfold_sys::directory::Directory;
use sixfold_sys::files;

/// How much of a file a directory's snapshot carries: enough for the one line of a number file.
/// Scripts are read when they are started; holding thousands of them would make PID 1 large, and
/// with it every fork slow.
pub(crate) const SMALL_HEAD: usize = 512;
/// How much of a program is read: more than its header.
const PROGRAM_HEAD: usize = 4096;

/// What is in the directory at `path`; of its directories and files only that they are there.
/// `None` if there is no such directory.
///
/// # Errors
/// What the system says when it cannot be read.
pub fn directory(path: &Path) -> io::Result<Option<Tree>> {
    let mut tree = Tree::default();
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        tree.entries
            .insert(entry.file_name(), listed(&entry, &entry.path(), 0));
    }
    Ok(Some(tree))
}

/// The file at `path`, links followed: all of a script that can matter, the header of a program, and
/// nothing of what this user may execute and not read.
///
/// # Errors
/// What the system says when it cannot be read, or that it is no file.
pub fn file(path: &Path) -> io::Result<tree::File> {
    let found = read_file(path, PROGRAM_HEAD).or_else(|error| {
        // The contents of a program that may be executed all the same are none of our business.
        if error.kind() == io::ErrorKind::PermissionDenied && files::is_executable(path) {
            return read_file(path, 0);
        }
        Err(error)
    });
    let mut found = found?;
    if found.head.len() == PROGRAM_HEAD && !found.head.starts_with(b"\x7fELF") {
        found = read_file(path, HEAD_LIMIT)?;
    }
    Ok(found)
}

/// A service directory as far as its supervisor reads it: its files, and those of `log`. What is in
/// its other directories is no concern of a supervisor's, and can be much.
pub(crate) fn service(path: &Path) -> io::Result<Tree> {
    service_in(&Directory::open(path)?)
}

/// The same of a directory that is held open.
pub(crate) fn service_in(directory: &Directory) -> io::Result<Tree> {
    let mut tree = supervised(directory)?;
    if let Some(log @ Entry::Dir(_)) = tree.entries.get_mut(OsStr::new("log")) {
        *log = entry_of(directory.open_dir("log").and_then(|it| supervised(&it)));
    }
    Ok(tree)
}

/// Every service directory in the directory at `path`, links followed, by name. `None` if there is
/// no such directory.
///
/// # Errors
/// What the system says when it cannot be read.
pub fn services(path: &Path) -> io::Result<Option<Tree>> {
    let Some(mut tree) = directory(path)? else {
        return Ok(None);
    };
    for (name, entry) in &mut tree.entries {
        if !name.as_encoded_bytes().starts_with(b".") && matches!(entry, Entry::Dir(_)) {
            *entry = entry_of(service(&path.join(name)));
        }
    }
    Ok(Some(tree))
}

pub(crate) fn entry_of(tree: io::Result<Tree>) -> Entry {
    tree.map_or_else(|error| Entry::Unreadable(error.to_string()), Entry::Dir)
}

/// A service directory without its logger.
fn supervised(directory: &Directory) -> io::Result<Tree> {
    let (device, inode) = directory.identity()?;
    let mut tree = Tree {
        identity: Some(Identity { device, inode }),
        ..Tree::default()
    };
    for listed in directory.list()? {
        let entry = if listed.is_dir {
            Entry::Dir(Tree::default())
        } else {
            entry_in(directory, &listed.name)
        };
        tree.entries.insert(listed.name, entry);
    }
    Ok(tree)
}

/// What `name` in a service directory leads to.
fn entry_in(directory: &Directory, name: &OsStr) -> Entry {
    let found = match directory.find(name) {
        Ok(Some(found)) => found,
        Ok(None) => return Entry::Dangling,
        Err(error) => return Entry::Unreadable(error.to_string()),
    };
    if !found.is_file {
        return if found.is_dir {
            Entry::Dir(Tree::default())
        } else {
            Entry::Special
        };
    }
    let head = if is_script(name) {
        Ok(Vec::new())
    } else {
        directory.read(name, SMALL_HEAD as u64)
    };
    match head {
        Ok(head) => Entry::File(tree::File {
            mode: found.mode,
            size: found.size,
            head,
        }),
        Err(error) => Entry::Unreadable(error.to_string()),
    }
}

/// Whether a file of a service directory is a script, which is read when it is started.
fn is_script(name: &OsStr) -> bool {
    name == "run" || name == "finish"
}

fn read_file(path: &Path, limit: usize) -> io::Result<tree::File> {
    read_known(path, &fs::metadata(path)?, limit)
}

/// The file at `path`, of which that is known.
fn read_known(path: &Path, metadata: &Metadata, limit: usize) -> io::Result<tree::File> {
    // FIFOs and devices are refused before they are opened: opening one could block.
    if !metadata.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ));
    }
    let mut head = Vec::new();
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    if limit > 0 {
        File::open(path)?.take(limit).read_to_end(&mut head)?;
    }
    Ok(tree::File {
        mode: metadata.permissions().mode() & 0o7777,
        size: metadata.len(),
        head,
    })
}

/// What a directory lists, which is at `path`. The listing itself says which are directories.
pub(crate) fn listed(entry: &DirEntry, path: &Path, head: usize) -> Entry {
    match entry.file_type() {
        Ok(kind) if kind.is_dir() => Entry::Dir(Tree::default()),
        Ok(_) | Err(_) => read_entry(path, head),
    }
}

fn read_entry(path: &Path, head: usize) -> Entry {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Entry::Dangling,
        Err(error) => return Entry::Unreadable(error.to_string()),
    };
    if metadata.is_file() {
        return match read_known(path, &metadata, head) {
            Ok(file) => Entry::File(file),
            Err(error) => Entry::Unreadable(error.to_string()),
        };
    }
    if metadata.is_dir() {
        Entry::Dir(Tree::default())
    } else {
        Entry::Special
    }
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;
