//! The sources of s6-rc that s6-overlay brings, and the directories in which an image puts its own.
//! Sixfold needs none of them, but Dockerfiles write to them: `touch
//! /etc/s6-overlay/s6-rc.d/user/contents.d/web`, `sed -i ... /package/admin/s6-overlay/...`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use sixfold_model::rc::sources::STOCK;
use sixfold_model::rc::stock;
use sixfold_model::tree::{Entry, Tree};

/// What the `up` and `down` files of the stages name. The stages are a part of PID 1; the files are
/// there for those who look for them.
const SCRIPTS: [&str; 5] = [
    "fix-attrs",
    "cont-init",
    "cont-finish",
    "services-up",
    "services-down",
];

/// What such a file holds.
const NOT_RUN: &str =
    "#!/bin/sh\n# This is a part of Sixfold's init, which does not run this file.\n";
/// What an `/init` of the image's own becomes at its end, if it is made after s6-overlay's.
const STAGE0: &str = "#!/bin/sh\nexec /command/sixfold init \"$@\"\n";

/// Puts them below `root`, but nothing over what is there: an s6-overlay that was installed before has
/// its own.
pub(super) fn put(root: &Path) -> Result<()> {
    let sources = root.join(STOCK);
    let packages = root.join("package/admin");
    if !has_overlay(&packages) {
        write(&sources, &stock::layer(|_| false).tree)?;
        let scripts = sources.with_file_name("scripts");
        let stages = SCRIPTS.map(|name| (name, NOT_RUN));
        let parts = [("preinit", NOT_RUN), ("stage0", STAGE0)];
        put_scripts(&scripts, &stages)?;
        put_scripts(&packages.join("s6-overlay/libexec"), &parts)?;
    }
    let overlay = root.join("etc/s6-overlay");
    if !overlay.join("user-bundles.d").exists() {
        for name in ["user", "user2"] {
            let bundle = overlay.join("s6-rc.d").join(name);
            make(&bundle.join("contents.d"))?;
            let kind = bundle.join("type");
            if !kind.exists() {
                fs::write(&kind, "bundle\n")
                    .with_context(|| format!("cannot write {}", kind.display()))?;
            }
        }
    }
    Ok(())
}

/// Writes executable files, each a name and its content, into `dir`, which is made.
fn put_scripts(dir: &Path, scripts: &[(&str, &str)]) -> Result<()> {
    make(dir)?;
    for (name, text) in scripts {
        let path = dir.join(name);
        fs::write(&path, text)
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o755)))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Whether the sources of an s6-overlay are there, with a version in their path or without.
fn has_overlay(packages: &Path) -> bool {
    let entries = fs::read_dir(packages).into_iter().flatten().flatten();
    entries
        .filter(|entry| {
            entry
                .file_name()
                .as_encoded_bytes()
                .starts_with(b"s6-overlay")
        })
        .any(|entry| entry.path().join("etc/s6-rc/sources").is_dir())
}

/// Writes a tree of small files.
fn write(dir: &Path, tree: &Tree) -> Result<()> {
    make(dir)?;
    for (name, entry) in &tree.entries {
        let path = dir.join(name);
        match entry {
            Entry::Dir(tree) => write(&path, tree)?,
            Entry::File(file) => fs::write(&path, &file.head)
                .with_context(|| format!("cannot write {}", path.display()))?,
            Entry::Special | Entry::Dangling | Entry::Unreadable(_) => {}
        }
    }
    Ok(())
}

fn make(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_finds_what_it_edits_and_keeps_what_it_has() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let type_of_user2 = root.join("etc/s6-overlay/s6-rc.d/user2/type");
        fs::create_dir_all(type_of_user2.parent().unwrap()).unwrap();
        fs::write(&type_of_user2, "its own").unwrap();
        for _ in 0..2 {
            put(root).unwrap();
        }
        for (path, content) in [
            (
                "package/admin/s6-overlay/etc/s6-rc/sources/top/type",
                "bundle\n",
            ),
            (
                "package/admin/s6-overlay/etc/s6-rc/sources/fix-attrs/type",
                "oneshot\n",
            ),
            ("etc/s6-overlay/s6-rc.d/user/type", "bundle\n"),
            ("etc/s6-overlay/s6-rc.d/user2/type", "its own"),
        ] {
            let found = fs::read_to_string(root.join(path)).unwrap();
            assert_eq!(found.trim_end(), content.trim_end(), "{path}");
        }
        assert!(root.join("etc/s6-overlay/s6-rc.d/user/contents.d").is_dir());
        let script = root.join("package/admin/s6-overlay/etc/s6-rc/scripts/cont-init");
        assert!(script.is_file());
    }

    #[test]
    fn an_overlay_that_is_there_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let own = root.join("package/admin/s6-overlay-3.2.0.0/etc/s6-rc/sources");
        fs::create_dir_all(&own).unwrap();
        fs::create_dir_all(root.join("etc/s6-overlay/user-bundles.d")).unwrap();
        put(root).unwrap();
        assert!(!root.join("package/admin/s6-overlay").exists());
        assert!(!root.join("etc/s6-overlay/s6-rc.d").exists());
    }
}
