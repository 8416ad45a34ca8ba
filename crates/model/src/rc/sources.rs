//! Source directories of s6-rc, laid over each other file by file.
//!
//! Images add `dependencies.d` and `contents.d` entries to services that another layer defines, the
//! stock ones of s6-overlay among them. So one definition is what all directories of its name hold
//! together: the entries of `.d` directories add up, and of any other file the first layer's counts.
//! Each file keeps the path that it has, for messages. Never interprets a file: `reader` does.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::Diagnostic;
use crate::service_dir::{MAX_NAME, service_name, unusable};
use crate::text::{is_hidden, shell_word};
use crate::tree::{Entry, Tree};

/// Where the definitions of s6-overlay itself lie, with or without a version in the name.
pub const STOCK: &str = "package/admin/s6-overlay/etc/s6-rc/sources";
/// The bundles that an image puts its services into.
pub const USER_BUNDLES: [&str; 2] = ["user", "user2"];
/// What names of definitions must not begin with: s6-rc has services of its own.
const RESERVED: [&str; 2] = ["s6rc-", "s6-rc-"];

/// Whose sources a directory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The image's: `s6-rc.d`.
    Image,
    /// The image's bundles: `user-bundles.d`.
    Bundles,
    /// Those of s6-overlay.
    Stock,
}

/// One directory of sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Whose it is.
    pub origin: Origin,
    /// Where it lies.
    pub dir: PathBuf,
    /// What is in it: the definitions, their files, and the names in their directories.
    pub tree: Tree,
}

/// The directories of the image's sources, below its root: `s6-rc.d` and the bundles, as
/// `S6_RUNTIME_PROFILE` and `S6_RUNTIME_BUNDLEDIR` choose them.
pub fn places(profile: Option<&OsStr>, bundles: Option<&OsStr>) -> (PathBuf, PathBuf) {
    let base = match profile {
        Some(profile) => Path::new("/etc/cont-profile.d")
            .join(profile)
            .join("s6-overlay"),
        None => PathBuf::from("/etc/s6-overlay"),
    };
    let bundles = bundles.map_or_else(|| base.join("user-bundles.d"), PathBuf::from);
    (base.join("s6-rc.d"), bundles)
}

/// What `name` begins with, if that is kept for s6-rc.
pub(crate) fn reserved_prefix(name: &str) -> Option<&'static str> {
    RESERVED.into_iter().find(|prefix| name.starts_with(prefix))
}

/// One directory of a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub(crate) origin: Origin,
    pub(crate) dir: PathBuf,
    pub(crate) tree: &'a Tree,
}

/// All directories of one definition, the one that counts most first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source<'a> {
    pub(crate) name: String,
    pub(crate) places: Vec<Place<'a>>,
    /// It is one of s6-rc's own names, so it is no service.
    pub(crate) is_reserved: bool,
}

impl<'a> Source<'a> {
    /// Every file of that name, the one that counts first.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = (PathBuf, &'a Entry, Origin)> {
        self.places.iter().filter_map(move |place| {
            let entry = place.tree.entries.get(OsStr::new(name))?;
            Some((place.dir.join(name), entry, place.origin))
        })
    }

    /// The file of that name that counts.
    pub(crate) fn file(&self, name: &str) -> Option<(PathBuf, &'a Entry)> {
        self.all(name).next().map(|(path, entry, _)| (path, entry))
    }

    /// Whether there is anything of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        let name = OsStr::new(name);
        let has = |place: &Place<'_>| place.tree.entries.contains_key(name);
        self.places.iter().any(has)
    }

    /// The directory that counts most.
    pub(crate) fn dir(&self) -> PathBuf {
        self.places
            .first()
            .map_or_else(PathBuf::new, |place| place.dir.clone())
    }

    /// Every file name that occurs in its directories, as often as it does, with the directory.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&'a OsStr, &Path)> {
        self.places.iter().flat_map(|place| {
            let names = place.tree.entries.keys();
            names.map(|name| (name.as_os_str(), place.dir.as_path()))
        })
    }

    /// Whether s6-overlay brings it, and nobody else has a hand in it.
    pub(crate) fn is_stock(&self) -> bool {
        self.places
            .iter()
            .all(|place| place.origin == Origin::Stock)
    }
}

/// Every definition that the layers hold, by name, and what is wrong with the layers themselves.
pub(crate) fn merge<'a>(layers: &'a [Layer], diagnostics: &mut Vec<Diagnostic>) -> Vec<Source<'a>> {
    let mut sources: BTreeMap<&str, Source<'a>> = BTreeMap::new();
    for layer in layers {
        for (name, entry) in &layer.tree.entries {
            if is_hidden(name) {
                continue;
            }
            let dir = layer.dir.join(name);
            let tree = match entry {
                Entry::Dir(tree) => tree,
                Entry::File(_) | Entry::Special => continue,
                Entry::Dangling | Entry::Unreadable(_) => {
                    diagnostics.push(unusable(&dir, "definition", entry));
                    continue;
                }
            };
            let Some((name, is_reserved)) = check_name(name, &dir, diagnostics) else {
                continue;
            };
            let source = sources.entry(name).or_insert_with(|| Source {
                name: name.to_owned(),
                places: Vec::new(),
                is_reserved,
            });
            source.places.push(Place {
                origin: layer.origin,
                dir,
                tree,
            });
        }
    }
    for name in USER_BUNDLES {
        if let Some(source) = sources.get(name) {
            diagnostics.extend(ignored_by_overlay(source));
        }
    }
    sources.into_values().collect()
}

/// The name as text, and whether it is reserved; reports what is wrong with it.
fn check_name<'a>(
    name: &'a OsString,
    dir: &Path,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<(&'a str, bool)> {
    let text = match service_name(name, MAX_NAME) {
        Ok(text) => text,
        Err(wrong) => {
            diagnostics.push(Diagnostic::error(
                dir,
                format!("not a name for a service: {wrong}"),
                "rename the directory",
            ));
            return None;
        }
    };
    let reserved = reserved_prefix(text);
    if let Some(prefix) = reserved {
        let rest = text.strip_prefix(prefix).unwrap_or(text);
        let better = dir.with_file_name(if rest.is_empty() { "service" } else { rest });
        diagnostics.push(Diagnostic::error(
            dir,
            format!(
                "{text} begins with {prefix}, which is reserved for the services of s6-rc itself"
            ),
            format!("rename it: mv {} {}", shell_word(dir), shell_word(&better)),
        ));
    }
    Some((text, reserved.is_some()))
}

/// The finding that s6-overlay would not look at a bundle in `user-bundles.d`, because there is one
/// in `s6-rc.d` too. An empty one there is what an installation leaves, and means nothing.
fn ignored_by_overlay(source: &Source<'_>) -> Option<Diagnostic> {
    let contents = |origin: Origin| {
        source
            .all("contents.d")
            .filter(move |(_, _, place)| *place == origin)
            .filter_map(|(path, entry, _)| match entry {
                Entry::Dir(tree) => Some((path, tree)),
                Entry::File(_) | Entry::Special | Entry::Dangling | Entry::Unreadable(_) => None,
            })
    };
    let image = source
        .places
        .iter()
        .find(|place| place.origin == Origin::Image)?;
    contents(Origin::Image).find(|(_, tree)| tree.entries.keys().any(|name| !is_hidden(name)))?;
    let (path, more) = contents(Origin::Bundles).find_map(|(path, tree)| {
        let is_new = |name: &&OsString| {
            let is_known = |(_, known): (_, &Tree)| known.entries.contains_key(*name);
            !is_hidden(name) && !contents(Origin::Image).any(is_known)
        };
        let more: Vec<String> = tree
            .entries
            .keys()
            .filter(is_new)
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        (!more.is_empty()).then_some((path, more))
    })?;
    Some(Diagnostic::warning(
        &path,
        format!(
            "taken together with {}; s6-overlay ignores this directory then, and {} with it",
            image.dir.display(),
            more.join(", ")
        ),
        "keep the bundle in one of the two places",
    ))
}

#[cfg(test)]
#[path = "sources_tests.rs"]
mod tests;
