//! Images below a root, with links that lead inside it.

use super::*;
use std::os::unix::fs::symlink;

fn write(root: &Path, path: &str, content: &str) {
    let path = below(root, Path::new(path));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn entry<'a>(layer: &'a Layer, path: &str) -> &'a Entry {
    let mut tree = &layer.tree;
    let mut found = None;
    for name in path.split('/') {
        found = tree.entries.get(OsStr::new(name));
        if let Some(Entry::Dir(inner)) = found {
            tree = inner;
        }
    }
    found.unwrap_or_else(|| panic!("no {path}"))
}

fn content(layer: &Layer, path: &str) -> String {
    match entry(layer, path) {
        Entry::File(file) => String::from_utf8_lossy(&file.head).into_owned(),
        other @ (Entry::Dir(_) | Entry::Special | Entry::Dangling | Entry::Unreadable(_)) => {
            panic!("{path}: {other:?}")
        }
    }
}

#[test]
fn without_sources_there_is_the_stock() {
    let root = tempfile::tempdir().unwrap();
    let (layers, diagnostics) = layers(root.path(), &Settings::default());
    assert_eq!(diagnostics, Vec::new());
    assert_eq!(layers.len(), 1);
    assert_eq!(content(&layers[0], "top/type"), "bundle");
}

#[test]
fn every_layer_is_read_and_names_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    write(root, "/etc/s6-overlay/s6-rc.d/web/type", "longrun\n");
    write(root, "/etc/s6-overlay/s6-rc.d/web/run", "#!/bin/sh\n");
    write(
        root,
        "/etc/s6-overlay/s6-rc.d/web/dependencies.d/base",
        "text",
    );
    write(root, "/etc/s6-overlay/s6-rc.d/web/data/check", "text");
    write(root, "/etc/s6-overlay/s6-rc.d/.git/type", "text");
    let long = "x".repeat(5000);
    write(root, "/etc/s6-overlay/s6-rc.d/web/up", &long);
    write(
        root,
        "/etc/s6-overlay/user-bundles.d/user/contents.d/web",
        "",
    );
    let versioned = "/package/admin/s6-overlay-3.2.1.0/etc/s6-rc/sources/base";
    write(root, &format!("{versioned}/type"), "bundle\n");
    write(root, &format!("{versioned}/contents.d/mine"), "");
    let (layers, diagnostics) = layers(root, &Settings::default());
    assert_eq!(diagnostics, Vec::new());
    let [image, bundles, stock, rest] = layers.as_slice() else {
        panic!("{} layers", layers.len());
    };
    assert_eq!(image.dir, root.join("etc/s6-overlay/s6-rc.d"));
    assert_eq!(image.tree.entries.len(), 1);
    assert_eq!(content(image, "web/type"), "longrun\n");
    assert_eq!(content(image, "web/run"), "", "scripts are not read");
    assert_eq!(content(image, "web/up"), long);
    assert_eq!(content(image, "web/dependencies.d/base"), "");
    assert_eq!(entry(image, "web/data"), &Entry::Dir(Tree::default()));
    assert_eq!(content(bundles, "user/contents.d/web"), "");
    assert_eq!(content(stock, "base/contents.d/mine"), "");
    assert!(!rest.tree.entries.contains_key(OsStr::new("base")));
    assert!(
        rest.tree
            .entries
            .contains_key(OsStr::new("legacy-services"))
    );
}

#[test]
fn the_profile_and_the_directory_of_bundles_are_chosen() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    write(
        root,
        "/etc/cont-profile.d/dev/s6-overlay/s6-rc.d/a/type",
        "oneshot",
    );
    write(root, "/bundles/user/type", "bundle");
    write(root, "/etc/s6-overlay/s6-rc.d/b/type", "oneshot");
    let settings = Settings {
        runtime_profile: Some("dev".into()),
        runtime_bundledir: Some("/bundles".into()),
        ..Settings::default()
    };
    let (found, diagnostics) = layers(root, &settings);
    assert_eq!(diagnostics, Vec::new());
    assert_eq!(content(&found[0], "a/type"), "oneshot");
    assert_eq!(content(&found[1], "user/type"), "bundle");
    fs::remove_dir_all(root.join("bundles")).unwrap();
    let (_, diagnostics) = layers(root, &settings);
    assert_eq!(diagnostics.len(), 1);
    assert_eq!(diagnostics[0].path, Some(root.join("bundles")));
}

#[test]
fn links_stay_inside_the_root() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    write(root, "/opt/services/web/type", "longrun");
    write(root, "/opt/text", "bundle");
    fs::create_dir_all(root.join("etc/s6-overlay")).unwrap();
    symlink("/opt/services", root.join("etc/s6-overlay/s6-rc.d")).unwrap();
    fs::create_dir_all(root.join("opt/services/set")).unwrap();
    symlink("../../text", root.join("opt/services/set/type")).unwrap();
    symlink("/opt/services/web", root.join("opt/services/alias")).unwrap();
    symlink("/nowhere", root.join("opt/services/lost")).unwrap();
    symlink("circle", root.join("opt/services/circle")).unwrap();
    let (layers, _) = layers(root, &Settings::default());
    assert_eq!(content(&layers[0], "web/type"), "longrun");
    assert_eq!(content(&layers[0], "alias/type"), "longrun");
    assert_eq!(content(&layers[0], "set/type"), "bundle");
    assert_eq!(entry(&layers[0], "lost"), &Entry::Dangling);
    assert!(matches!(entry(&layers[0], "circle"), Entry::Unreadable(_)));
    assert_eq!(
        resolve(root, Path::new("/../../etc/s6-overlay/s6-rc.d/web")),
        root.join("opt/services/web")
    );
}

#[test]
fn what_cannot_be_read_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "/etc/s6-overlay/s6-rc.d", "a file");
    let (layers, diagnostics) = layers(dir.path(), &Settings::default());
    assert_eq!(layers.len(), 1);
    assert_eq!(diagnostics.len(), 1);
    assert!(diagnostics[0].message.starts_with("cannot be read: "));
}
