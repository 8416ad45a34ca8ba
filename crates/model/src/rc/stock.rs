//! The definitions that s6-overlay brings, for images that have none on disk: `top`, `base`,
//! `fix-attrs`, `legacy-cont-init`, `legacy-services`, and the bundles `user` and `user2`.
//!
//! Their command lines are s6-overlay's. They name what is not a file in such an image: the stages
//! of the boot are part of the daemon, which knows these services by their names.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::sources::{Layer, Origin, STOCK, USER_BUNDLES};
use crate::tree::{Entry, File, Tree};

/// The bundle that the boot starts.
pub const TOP: &str = "top";
/// The bundle that comes before an image's own services.
pub const BASE: &str = "base";
/// The oneshot that applies fix-attrs.d.
pub const FIX_ATTRS: &str = "fix-attrs";
/// The oneshot that runs cont-init.d, and cont-finish.d on the way down.
pub const CONT_INIT: &str = "legacy-cont-init";
/// The oneshot that brings up the services of services.d.
pub const SERVICES: &str = "legacy-services";

/// What s6-overlay's own sources hold. A definition that the image has is not among them when
/// `has` says so.
pub fn layer(has: impl Fn(&str) -> bool) -> Layer {
    let scripts = "/package/admin/s6-overlay/etc/s6-rc/scripts";
    let all = [
        (TOP, bundle(&[BASE, "user", SERVICES, "user2"])),
        (BASE, bundle(&[FIX_ATTRS, CONT_INIT])),
        (
            FIX_ATTRS,
            oneshot(&[("up", &format!("{scripts}/fix-attrs"))], &[]),
        ),
        (
            CONT_INIT,
            oneshot(
                &[
                    ("up", &format!("{scripts}/cont-init")),
                    ("down", &format!("{scripts}/cont-finish")),
                ],
                &[FIX_ATTRS],
            ),
        ),
        (
            SERVICES,
            oneshot(
                &[
                    ("up", &format!("{scripts}/services-up")),
                    ("down", &format!("{scripts}/services-down")),
                ],
                &[BASE, "user"],
            ),
        ),
    ];
    let bundles = USER_BUNDLES.map(|name| (name, bundle(&[])));
    let entries = all
        .into_iter()
        .chain(bundles)
        .filter(|(name, _)| !has(name))
        .map(|(name, tree)| (OsString::from(name), Entry::Dir(tree)))
        .collect();
    Layer {
        origin: Origin::Stock,
        dir: PathBuf::from("/").join(STOCK),
        tree: Tree {
            entries,
            identity: None,
        },
    }
}

fn bundle(contents: &[&str]) -> Tree {
    definition("bundle", &[], ("contents.d", contents))
}

fn oneshot(commands: &[(&str, &str)], dependencies: &[&str]) -> Tree {
    definition("oneshot", commands, ("dependencies.d", dependencies))
}

fn definition(kind: &str, files: &[(&str, &str)], list: (&str, &[&str])) -> Tree {
    let (list, names) = list;
    let tree = |entries: BTreeMap<OsString, Entry>| Tree {
        entries,
        identity: None,
    };
    let names = names.iter().map(|name| (OsString::from(*name), file("")));
    let mut entries: BTreeMap<OsString, Entry> = files
        .iter()
        .map(|(name, content)| (OsString::from(*name), file(content)))
        .collect();
    entries.insert("type".into(), file(kind));
    entries.insert(list.into(), Entry::Dir(tree(names.collect())));
    tree(entries)
}

fn file(content: &str) -> Entry {
    Entry::File(File {
        mode: 0o644,
        size: u64::try_from(content.len()).unwrap_or(u64::MAX),
        head: content.as_bytes().to_vec(),
    })
}
