//! Reading the sources of s6-rc from an image, which may lie below another directory than `/`: an
//! image is checked where it is built.
//!
//! Scripts are not read, and of the directories of names only the names: an image has hundreds of
//! them, and a boot should not ask for each what it is. Never fails: what cannot be read becomes a
//! finding, or an entry that says so.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry};
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

use sixfold_execline::lexer::{self, Script};
use sixfold_model::rc::sources::{STOCK, places};
use sixfold_model::rc::{Layer, Origin, SyntaxError, stock};
use sixfold_model::tree::{Entry, File, HEAD_LIMIT, Tree};
use sixfold_model::{Diagnostic, Settings};

use crate::snapshot::{self, SMALL_HEAD};

/// How many symbolic links one path may lead through, as for the kernel.
const MOST_LINKS: usize = 40;

/// Every layer of sources of the image at `root`, the one that counts most first, and what is wrong
/// with the directories themselves. What s6-overlay brings is there even where it is not installed.
pub fn layers(root: &Path, settings: &Settings) -> (Vec<Layer>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let mut layers = Vec::new();
    let (image, bundles) = places(
        settings.runtime_profile.as_deref(),
        settings.runtime_bundledir.as_deref(),
    );
    let asked_for = settings.runtime_bundledir.is_some();
    for (origin, dir, must_exist) in [
        (Origin::Image, image, false),
        (Origin::Bundles, bundles, asked_for),
        (Origin::Stock, stock_place(root), false),
    ] {
        let shown = below(root, &dir);
        match definitions(root, &dir) {
            Ok(tree) => layers.push(Layer {
                origin,
                dir: shown,
                tree,
            }),
            Err(error) if error.kind() == ErrorKind::NotFound && !must_exist => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                diagnostics.push(Diagnostic::error(
                    &shown,
                    "S6_RUNTIME_BUNDLEDIR names this directory, and there is none",
                    "make it with a directory user in it, or leave the variable unset",
                ));
            }
            Err(error) => diagnostics.push(Diagnostic::error(
                &shown,
                format!("cannot be read: {error}"),
                "make it a directory that this user may read",
            )),
        }
    }
    let is_complete = |name: &str| {
        layers
            .iter()
            .filter(|layer| layer.origin == Origin::Stock)
            .any(|layer| match layer.tree.entries.get(OsStr::new(name)) {
                Some(Entry::Dir(tree)) => tree.entries.contains_key(OsStr::new("type")),
                Some(Entry::File(_) | Entry::Special | Entry::Dangling | Entry::Unreadable(_))
                | None => false,
            })
    };
    let stock = stock::layer(is_complete);
    layers.push(stock);
    (layers, diagnostics)
}

/// Reads a command line of execline, as s6-rc does when it compiles.
///
/// # Errors
/// What is wrong with it, and where.
pub fn command_syntax(text: &[u8]) -> Result<Vec<Vec<u8>>, SyntaxError> {
    match lexer::read(text) {
        Ok(Script::Words(words)) => Ok(words),
        Ok(Script::TooLong(_)) => Err(SyntaxError {
            line: 1,
            column: 1,
            message: "longer than any command line may be".to_owned(),
        }),
        Err(error) => Err(SyntaxError {
            line: u32::try_from(error.line).unwrap_or(u32::MAX),
            column: u32::try_from(error.column).unwrap_or(u32::MAX),
            message: error.kind.text().to_owned(),
        }),
    }
}

/// `path` of the image at `root`, as this process sees it, links not followed.
pub fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// The same with all links followed as they will be when `root` is `/`.
pub fn resolve(root: &Path, path: &Path) -> PathBuf {
    if root == Path::new("/") {
        return path.to_owned();
    }
    let mut inside = PathBuf::new();
    let mut left = parts(path);
    let mut links = 0;
    while let Some(part) = left.pop() {
        if part == ".." {
            inside.pop();
            continue;
        }
        let next = inside.join(&part);
        match fs::read_link(root.join(&next)) {
            Ok(target) if links < MOST_LINKS => {
                links += 1;
                if target.is_absolute() {
                    inside = PathBuf::new();
                }
                left.append(&mut parts(&target));
            }
            Ok(_) | Err(_) => inside = next,
        }
    }
    root.join(inside)
}

/// The names in a path, the last one first.
fn parts(path: &Path) -> Vec<OsString> {
    path.components()
        .rev()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
        })
        .collect()
}

/// Where s6-overlay's own sources lie: its directory may have a version in its name, and the link
/// without one may be missing.
fn stock_place(root: &Path) -> PathBuf {
    let usual = Path::new("/").join(STOCK);
    if resolve(root, &usual).is_dir() {
        return usual;
    }
    let packages = Path::new("/package/admin");
    let Ok(entries) = fs::read_dir(resolve(root, packages)) else {
        return usual;
    };
    entries
        .filter_map(|entry| entry.ok().map(|entry| entry.file_name()))
        .filter(|name| name.as_encoded_bytes().starts_with(b"s6-overlay-"))
        .map(|name| packages.join(name).join("etc/s6-rc/sources"))
        .filter(|place| resolve(root, place).is_dir())
        .max()
        .unwrap_or(usual)
}

/// A directory of definitions, in the image at `root`.
///
/// # Errors
/// When the directory itself cannot be read; what in it cannot be is an entry that says so.
pub fn definitions(root: &Path, dir: &Path) -> io::Result<Tree> {
    let mut tree = Tree::default();
    for entry in fs::read_dir(resolve(root, dir))? {
        let entry = entry?;
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let place = place(root, dir, &entry);
        let mut found = snapshot::listed(&entry, &place, 0);
        if matches!(found, Entry::Dir(_)) {
            found = snapshot::entry_of(definition(root, &dir.join(&name), &place));
        }
        tree.entries.insert(name, found);
    }
    Ok(tree)
}

/// Where what an entry of the image's directory `dir` leads to is, as this process sees it: only links have
/// to be looked into.
fn place(root: &Path, dir: &Path, entry: &DirEntry) -> PathBuf {
    match entry.file_type() {
        Ok(kind) if !kind.is_symlink() => entry.path(),
        Ok(_) | Err(_) => resolve(root, &dir.join(entry.file_name())),
    }
}

/// The definition in the image's directory `dir`, which this process sees at `seen`.
fn definition(root: &Path, dir: &Path, seen: &Path) -> io::Result<Tree> {
    let mut tree = Tree::default();
    for entry in fs::read_dir(seen)? {
        let entry = entry?;
        let name = entry.file_name();
        let path = place(root, dir, &entry);
        let mut found = snapshot::listed(&entry, &path, head(&name));
        if matches!(found, Entry::Dir(_)) && (name == "dependencies.d" || name == "contents.d") {
            found = snapshot::entry_of(names(&path));
        }
        tree.entries.insert(name, found);
    }
    Ok(tree)
}

/// How much of a file is read.
fn head(name: &OsStr) -> usize {
    match name.as_encoded_bytes() {
        b"up" | b"down" | b"reload" | b"dependencies" | b"contents" | b"producer-for"
        | b"consumer-for" | b"pipeline-name" => HEAD_LIMIT,
        b"type" | b"notification-fd" | b"notify" | b"timeout-watchdog" | b"lock-fd"
        | b"timeout-up" | b"timeout-down" | b"timeout-kill" | b"timeout-finish"
        | b"max-death-tally" | b"down-signal" | b"reload-signal" => SMALL_HEAD,
        _ => 0,
    }
}

/// A directory of which the names count, and nothing else.
fn names(path: &Path) -> io::Result<Tree> {
    let mut tree = Tree::default();
    for entry in fs::read_dir(path)? {
        let file = File {
            mode: 0,
            size: 0,
            head: Vec::new(),
        };
        tree.entries.insert(entry?.file_name(), Entry::File(file));
    }
    Ok(tree)
}

#[cfg(test)]
#[path = "sources_tests.rs"]
mod tests;
