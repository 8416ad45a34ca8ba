//! Copies a tree into a root that is not `/` yet.
//!
//! Must never leave that root: a link there, such as `/var/run` to `/run`, is followed as if the
//! root were `/` already, otherwise it would lead to the host's files. Called from [`super::root`].

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use super::Failure;
use crate::files;

/// As many links as the kernel follows in one path (path_resolution(7)).
const MOST_LINKS: u32 = 40;

/// Copies directories, regular files and symbolic links from `tree` into `root`. Files and links
/// replace what is there; a directory goes into the one that is there, also through a link, and
/// keeps that one's mode. Everything belongs to the caller. Sockets, devices and FIFOs are left out.
pub(super) fn lay(tree: &Path, root: &Path) -> Result<(), Failure> {
    lay_dir(tree, root, root)
}

fn lay_dir(from: &Path, to: &Path, root: &Path) -> Result<(), Failure> {
    let list = || format!("list {}", from.display());
    for entry in fs::read_dir(from).map_err(Failure::at(list()))? {
        let entry = entry.map_err(Failure::at(list()))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let step = || {
            let inside = target.strip_prefix(root).unwrap_or(&target);
            format!("lay {} over /{}", source.display(), inside.display())
        };
        let kind = entry.file_type().map_err(Failure::at(step()))?;
        if kind.is_dir() {
            let target = directory(&source, &target, root).map_err(Failure::at(step()))?;
            lay_dir(&source, &target, root)?;
        } else if kind.is_symlink() {
            replace_link(&source, &target).map_err(Failure::at(step()))?;
        } else if kind.is_file() {
            replace_file(&source, &target).map_err(Failure::at(step()))?;
        }
    }
    Ok(())
}

/// The directory inside `root` that `target` is, or leads to; made with the mode of `source` if
/// nothing is there.
fn directory(source: &Path, target: &Path, root: &Path) -> io::Result<PathBuf> {
    match fs::symlink_metadata(target) {
        Ok(metadata) if metadata.is_symlink() => {
            let real = resolve(root, target.strip_prefix(root).unwrap_or(target))?;
            if fs::symlink_metadata(&real)?.is_dir() {
                Ok(real)
            } else {
                Err(io::ErrorKind::NotADirectory.into())
            }
        }
        Ok(metadata) if metadata.is_dir() => Ok(target.to_owned()),
        Ok(_file) => Err(io::ErrorKind::NotADirectory.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            files::make_dir(target, fs::metadata(source)?.permissions().mode())?;
            Ok(target.to_owned())
        }
        Err(error) => Err(error),
    }
}

fn replace_link(source: &Path, target: &Path) -> io::Result<()> {
    let to = fs::read_link(source)?;
    remove(target)?;
    std::os::unix::fs::symlink(to, target)
}

/// Removed first, so that the file behind a link stays as it is. fs::copy keeps the mode.
pub(super) fn replace_file(source: &Path, target: &Path) -> io::Result<()> {
    remove(target)?;
    fs::copy(source, target).map(drop)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Where `path` leads with all its links followed as if `root` were `/`. Parts that do not exist
/// are taken as they are.
pub(super) fn resolve(root: &Path, path: &Path) -> io::Result<PathBuf> {
    let mut todo = parts(path);
    let mut done: Vec<OsString> = Vec::new();
    let mut links = 0;
    while let Some(part) = todo.pop_front() {
        if part == ".." {
            done.pop();
            continue;
        }
        done.push(part);
        let here: PathBuf = std::iter::once(root.as_os_str().to_owned())
            .chain(done.clone())
            .collect();
        let Ok(to) = fs::read_link(&here) else {
            continue;
        };
        links += 1;
        if links > MOST_LINKS {
            return Err(io::Error::from_raw_os_error(libc::ELOOP));
        }
        done.pop();
        if to.is_absolute() {
            done.clear();
        }
        let mut next = parts(&to);
        next.append(&mut todo);
        todo = next;
    }
    Ok(std::iter::once(root.as_os_str().to_owned())
        .chain(done)
        .collect())
}

/// The names in a path, `..` included.
fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn inside(root: &Path, path: &str) -> PathBuf {
        resolve(root, Path::new(path))
            .unwrap()
            .strip_prefix(root)
            .unwrap()
            .to_owned()
    }

    #[test]
    fn links_are_followed_inside_the_root_only() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir_all(root.join("var")).unwrap();
        symlink("/run", root.join("var/run")).unwrap();
        symlink("../../../../etc", root.join("var/up")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        assert_eq!(inside(root, "/var/run/s6"), Path::new("run/s6"));
        assert_eq!(inside(root, "var/up/passwd"), Path::new("etc/passwd"));
        assert_eq!(inside(root, "/a/./b/../c"), Path::new("a/c"));
        let error = resolve(root, Path::new("loop")).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ELOOP));
    }

    #[test]
    fn trees_go_over_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let (tree, root) = (dir.path().join("tree"), dir.path().join("root"));
        write(&root.join("usr/bin/old"), "old");
        write(&root.join("etc/kept"), "kept");
        symlink("/usr/bin", root.join("bin")).unwrap();
        symlink("/etc/kept", root.join("etc/link")).unwrap();
        write(&tree.join("bin/new"), "new");
        write(&tree.join("etc/link"), "a file now");
        write(&tree.join("etc/a,b:c\\d/run"), "odd names");
        symlink("run", tree.join("etc/a,b:c\\d/alias")).unwrap();
        files::chmod(&tree.join("bin/new"), 0o751).unwrap();
        lay(&tree, &root).unwrap();
        lay(&tree, &root).unwrap();
        let new = root.join("usr/bin/new");
        assert_eq!(fs::read_to_string(&new).unwrap(), "new");
        assert_eq!(
            fs::metadata(&new).unwrap().permissions().mode() & 0o777,
            0o751
        );
        assert_eq!(fs::read_to_string(root.join("etc/kept")).unwrap(), "kept");
        assert_eq!(
            fs::read_to_string(root.join("etc/link")).unwrap(),
            "a file now"
        );
        assert_eq!(
            fs::read_to_string(root.join("etc/a,b:c\\d/alias")).unwrap(),
            "odd names"
        );
        assert!(root.join("bin").is_symlink());
    }

    #[test]
    fn a_directory_does_not_replace_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let (tree, root) = (dir.path().join("tree"), dir.path().join("root"));
        write(&root.join("etc"), "a file");
        write(&tree.join("etc/x"), "x");
        let failure = lay(&tree, &root).unwrap_err();
        assert_eq!(failure.source.kind(), io::ErrorKind::NotADirectory);
        assert!(failure.step.ends_with("over /etc"), "{}", failure.step);
    }
}
