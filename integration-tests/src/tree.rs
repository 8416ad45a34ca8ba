//! A service tree on the host's disk, file by file: what an image's Dockerfile would COPY. Built
//! by [`crate::Nest`] and [`crate::Image`], which lay it over a root.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A temporary directory that holds the tree below `root/`.
#[derive(Debug)]
pub struct Tree {
    dir: TempDir,
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl Tree {
    /// An empty tree.
    ///
    /// # Panics
    ///
    /// When no temporary directory can be had.
    pub fn new() -> Self {
        let dir = TempDir::with_prefix("sixfold-tree-").expect("a temporary directory can be had");
        let tree = Self { dir };
        make_dir(&tree.path());
        tree
    }

    /// The directory that stands for `/`.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    /// A file at the absolute `path`, with directories (0755) as needed.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    pub fn file(&self, path: &str, mode: u32, content: impl AsRef<[u8]>) {
        let host = self.host_path(path);
        fs::write(&host, content).unwrap_or_else(|error| panic!("{path}: {error}"));
        set_mode(&host, mode);
    }

    /// A directory at the absolute `path`.
    ///
    /// # Panics
    ///
    /// When it cannot be made.
    pub fn directory(&self, path: &str, mode: u32) {
        let host = self.host_path(path);
        make_dir(&host);
        set_mode(&host, mode);
    }

    /// A symbolic link at the absolute `path` to `target`.
    ///
    /// # Panics
    ///
    /// When it cannot be made.
    pub fn link(&self, path: &str, target: &str) {
        symlink(target, self.host_path(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// A copy of the executable at `host` as the absolute `path`, mode 0755.
    ///
    /// # Panics
    ///
    /// When it cannot be copied.
    pub fn program(&self, path: &str, host: impl AsRef<Path>) {
        let to = self.host_path(path);
        fs::copy(host, &to).unwrap_or_else(|error| panic!("{path}: {error}"));
        set_mode(&to, 0o755);
    }

    /// Everything below the directory `from`, with its modes.
    ///
    /// # Panics
    ///
    /// When it cannot be read or copied.
    pub fn copy_of(&self, from: &Path) {
        copy_below(from, &self.path());
    }

    fn host_path(&self, path: &str) -> PathBuf {
        let relative = path
            .strip_prefix('/')
            .expect("paths of a tree are absolute");
        let host = self.path().join(relative);
        make_dir(host.parent().expect("it is below the tree's root"));
        host
    }
}

/// The path inside a root of service `name`'s `file`.
pub(crate) fn in_service(name: &str, file: &str) -> String {
    format!("/etc/services.d/{name}/{file}")
}

/// A file that begins with `#!` is a script and gets its mode; text without it is given `/bin/sh`.
pub(crate) fn script(text: &str) -> String {
    if text.starts_with("#!") {
        text.to_owned()
    } else {
        format!("#!/bin/sh\n{text}\n")
    }
}

fn copy_below(from: &Path, to: &Path) {
    let entries = fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    for entry in entries {
        let entry = entry.expect("the directory can be read");
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            make_dir(&target);
            copy_below(&source, &target);
        } else {
            // Copies the mode too.
            fs::copy(&source, &target)
                .unwrap_or_else(|error| panic!("{}: {error}", source.display()));
        }
    }
}

fn make_dir(path: &Path) {
    // Level by level, so that the umask of whoever runs the tests does not matter.
    if path.is_dir() {
        return;
    }
    if let Some(parent) = path.parent() {
        make_dir(parent);
    }
    fs::create_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    set_mode(path, 0o755);
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
