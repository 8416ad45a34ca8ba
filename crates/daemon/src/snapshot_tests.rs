//! Real directories, with everything that may lie in one.

use std::ffi::OsStr;
use std::os::unix::fs::symlink;

use sixfold_sys::{fifo, files};

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
    assert_eq!(directory(&root.path().join("missing"), 1).unwrap(), None);
    assert_eq!(directory(root.path(), 1).unwrap().unwrap().entries.len(), 1);
    let error = directory(&file, 1).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
}

#[test]
fn no_more_is_read_than_was_asked_for() {
    let root = tempfile::tempdir().unwrap();
    let deep = root.path().join("one/two/three");
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("file"), "x").unwrap();
    let empty = Tree::default();

    for depth in [0, 1] {
        let tree = directory(root.path(), depth).unwrap().unwrap();
        assert_eq!(dir(&tree, "one"), &empty, "{depth}");
    }
    let tree = directory(root.path(), 2).unwrap().unwrap();
    assert_eq!(dir(dir(&tree, "one"), "two"), &empty);
    let tree = directory(root.path(), SERVICES_DEPTH).unwrap().unwrap();
    assert_eq!(dir(dir(dir(&tree, "one"), "two"), "three"), &empty);
    let tree = directory(root.path(), 4).unwrap().unwrap();
    let three = dir(dir(dir(&tree, "one"), "two"), "three");
    assert_eq!(regular(three, "file").head, b"x");
}

#[test]
fn files_carry_their_size_mode_and_a_small_head_below_the_first_level() {
    let root = tempfile::tempdir().unwrap();
    let service = root.path().join("web");
    fs::create_dir(&service).unwrap();
    for path in [root.path().join("script"), service.join("run")] {
        fs::write(&path, "y".repeat(SMALL_HEAD * 3)).unwrap();
        files::chmod(&path, 0o4751).unwrap();
    }
    fs::write(service.join("notification-fd"), "3\n").unwrap();
    symlink("run", service.join("link")).unwrap();

    let tree = directory(root.path(), SERVICES_DEPTH).unwrap().unwrap();
    let script = regular(&tree, "script");
    assert_eq!(script.head, b"", "of scripts only the names matter here");
    let run = regular(dir(&tree, "web"), "run");
    assert_eq!(run.head, "y".repeat(SMALL_HEAD).as_bytes());
    for file in [script, run] {
        assert_eq!(file.size, 3 * SMALL_HEAD as u64);
        assert_eq!(file.mode, 0o4751);
    }
    assert_eq!(regular(dir(&tree, "web"), "link"), run);
    assert_eq!(regular(dir(&tree, "web"), "notification-fd").head, b"3\n");
}

#[test]
fn links_are_followed_and_those_that_lead_nowhere_say_so() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    fs::create_dir(at("real")).unwrap();
    fs::write(at("real/run"), "x").unwrap();
    symlink("real", at("linked")).unwrap();
    symlink("missing", at("dangling")).unwrap();
    symlink("circle", at("circle")).unwrap();
    symlink("..", at("real/up")).unwrap();

    let tree = directory(root.path(), 2).unwrap().unwrap();
    assert_eq!(dir(&tree, "linked"), dir(&tree, "real"));
    assert_eq!(entry(&tree, "dangling"), &Entry::Dangling);
    assert!(matches!(entry(&tree, "circle"), Entry::Unreadable(_)));
    let up = dir(dir(&tree, "real"), "up");
    assert_eq!(up, &Tree::default(), "the depth ends every circle");
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
    let tree = directory(root.path(), 2).unwrap().unwrap();
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
