//! Real directories, with everything that may lie in one.

use std::ffi::OsStr;
use std::os::unix::fs::symlink;

use sixfold_sys::fifo;

use super::*;

fn entry<'a>(tree: &'a Tree, name: &str) -> &'a Entry {
    let found = tree.entries.get(OsStr::new(name));
    found.unwrap_or_else(|| panic!("{name} is not in {tree:?}"))
}

fn dir<'a>(tree: &'a Tree, name: &str) -> &'a Tree {
    let Entry::Dir(found) = entry(tree, name) else {
        panic!("{name} is no directory in {tree:?}");
    };
    found
}

fn regular<'a>(tree: &'a Tree, name: &str) -> &'a tree::File {
    let Entry::File(found) = entry(tree, name) else {
        panic!("{name} is no file in {tree:?}");
    };
    found
}

#[test]
fn what_is_not_there_is_none_and_what_is_no_directory_an_error() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "x").unwrap();
    assert_eq!(directory(&root.path().join("missing")).unwrap(), None);
    assert_eq!(directory(root.path()).unwrap().unwrap().entries.len(), 1);
    let error = directory(&file).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
    assert_eq!(services(&root.path().join("missing")).unwrap(), None);
    assert!(services(&file).is_err() && service(&file).is_err());
}

#[test]
fn of_a_directory_only_the_names_count() {
    let root = tempfile::tempdir().unwrap();
    let inner = root.path().join("inner");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("file"), "x").unwrap();
    fs::write(root.path().join("script"), "y".repeat(SMALL_HEAD)).unwrap();
    files::chmod(&root.path().join("script"), 0o4751).unwrap();
    let tree = directory(root.path()).unwrap().unwrap();
    assert_eq!(dir(&tree, "inner"), &Tree::default());
    let script = regular(&tree, "script");
    assert_eq!(script.head, b"");
    assert_eq!((script.size, script.mode), (SMALL_HEAD as u64, 0o4751));
}

#[test]
fn a_service_is_its_files_and_those_of_its_logger() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    for name in ["log/log", "data", "supervise"] {
        fs::create_dir_all(at(name)).unwrap();
        fs::write(at(name).join("file"), "x").unwrap();
    }
    for name in ["run", "notification-fd", "log/run", "log/down-signal"] {
        fs::write(at(name), "z".repeat(SMALL_HEAD * 3)).unwrap();
    }
    let tree = service(root.path()).unwrap();
    assert_eq!(
        regular(&tree, "run").head,
        b"",
        "it is read when it is started"
    );
    assert_eq!(regular(&tree, "notification-fd").head.len(), SMALL_HEAD);
    assert_eq!(dir(&tree, "data"), &Tree::default());
    assert_eq!(dir(&tree, "supervise"), &Tree::default());
    let log = dir(&tree, "log");
    assert_eq!(regular(log, "down-signal").head.len(), SMALL_HEAD);
    assert_eq!(dir(log, "log"), &Tree::default());
    assert!(tree.identity.is_some() && tree.identity != log.identity);
    let renamed = root.path().with_extension("renamed");
    fs::rename(root.path(), &renamed).unwrap();
    assert_eq!(service(&renamed).unwrap().identity, tree.identity);
    fs::rename(&renamed, root.path()).unwrap();
}

#[test]
fn a_logger_in_a_circle_has_an_end() {
    let root = tempfile::tempdir().unwrap();
    symlink(".", root.path().join("log")).unwrap();
    let tree = service(root.path()).unwrap();
    assert_eq!(dir(&tree, "log").identity, tree.identity);
    assert_eq!(dir(dir(&tree, "log"), "log"), &Tree::default());
}

#[test]
fn links_are_followed_and_those_that_lead_nowhere_say_so() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    fs::create_dir(at("real")).unwrap();
    fs::write(at("real/run"), "x").unwrap();
    fs::create_dir(at(".hidden")).unwrap();
    fs::write(at(".hidden/run"), "x").unwrap();
    symlink("real", at("linked")).unwrap();
    symlink("missing", at("dangling")).unwrap();
    symlink("circle", at("circle")).unwrap();

    let tree = services(root.path()).unwrap().unwrap();
    assert_eq!(dir(&tree, "linked"), dir(&tree, "real"));
    assert!(dir(&tree, "real").identity.is_some());
    assert_eq!(dir(&tree, ".hidden"), &Tree::default(), "it is no service");
    assert_eq!(entry(&tree, "dangling"), &Entry::Dangling);
    assert!(matches!(entry(&tree, "circle"), Entry::Unreadable(_)));
}

/// Opening a FIFO to read waits for a writer: this test would never end.
#[test]
fn fifos_are_not_opened() {
    let root = tempfile::tempdir().unwrap();
    let inner = root.path().join("web");
    fs::create_dir(&inner).unwrap();
    for path in [root.path().join("fifo"), inner.join("fifo")] {
        fifo::make(&path, 0o600).unwrap();
        let error = file(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
    symlink("/dev/null", inner.join("device")).unwrap();
    let tree = services(root.path()).unwrap().unwrap();
    assert_eq!(entry(&tree, "fifo"), &Entry::Special);
    assert_eq!(entry(dir(&tree, "web"), "fifo"), &Entry::Special);
    assert_eq!(entry(dir(&tree, "web"), "device"), &Entry::Special);
}

#[test]
fn of_a_script_all_is_read_and_of_a_program_the_header() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("file");
    for (start, length, read) in [
        ("#!/bin/sh\n", 100, 100),
        ("#!/bin/sh\n", PROGRAM_HEAD, PROGRAM_HEAD),
        ("#!/bin/sh\n", PROGRAM_HEAD + 1, PROGRAM_HEAD + 1),
        ("#!/bin/sh\n", HEAD_LIMIT + 1, HEAD_LIMIT),
        ("\x7fELF", HEAD_LIMIT, PROGRAM_HEAD),
        ("\x7fELF", 100, 100),
    ] {
        let content = start.to_owned() + &"x".repeat(length - start.len());
        fs::write(&path, &content).unwrap();
        let found = file(&path).unwrap();
        assert_eq!(found.head, &content.as_bytes()[..read], "{start} {length}");
        assert_eq!(found.size, length as u64);
    }
    let missing = file(&root.path().join("missing")).unwrap_err();
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    let directory = file(root.path()).unwrap_err();
    assert_eq!(directory.kind(), io::ErrorKind::InvalidInput);
}
