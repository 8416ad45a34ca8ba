//! The pieces of the layout, in directories of their own: the whole is the container's, and is
//! tested from outside.

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};

use super::*;
use crate::subscriber::Format;
use crate::subscriber::tests::logged;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn each_variable_becomes_a_file() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("environment");
    let long = "L".repeat(256);
    let env: Vec<(OsString, OsString)> = [
        ("HOME", "/root"),
        ("EMPTY", ""),
        ("LINES", "a\nb\n"),
        (".hidden", "x"),
        ("with/slash", "x"),
        (&long[1..], "the longest name"),
        (&long, "too long"),
    ]
    .map(|(name, value)| (name.into(), value.into()))
    .to_vec();
    let text = logged(Format::Text, 1, || dump_into(&dir, &env).unwrap());
    assert_eq!(text.lines().count(), 3, "three cannot be files: {text}");
    let mut names: Vec<OsString> = fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["EMPTY", "HOME", "LINES", &long[1..]]);
    // What is written is what the commands and cont-finish.d scripts read.
    let mut loaded = crate::contenv::load(&dir).unwrap();
    loaded.sort();
    let value = |name: &str| {
        let found = loaded.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.to_str().unwrap())
    };
    assert_eq!(value("HOME"), Some("/root"));
    assert_eq!(value("LINES"), Some("a\nb\n"));
    assert_eq!(mode(&dir), 0o755);
}

#[test]
fn var_run_is_led_to_run() {
    let root = tempfile::tempdir().unwrap();
    let quiet = |var_run: &Path| {
        let text = logged(Format::Text, 1, || lead_var_run_to_run(var_run));
        assert_eq!(text, "");
    };

    let missing = root.path().join("var/run");
    quiet(&missing);
    assert_eq!(fs::read_link(&missing).unwrap(), Path::new("/run"));
    quiet(&missing);

    let own = root.path().join("own");
    fs::create_dir(&own).unwrap();
    fs::write(own.join("kept"), "x").unwrap();
    fs::create_dir_all(own.join("s6/old")).unwrap();
    for _ in 0..2 {
        quiet(&own);
        assert_eq!(
            fs::read_link(own.join("s6")).unwrap(),
            Path::new(paths::STATE)
        );
        assert_eq!(fs::read(own.join("kept")).unwrap(), b"x");
    }

    let broken = root.path().join("broken");
    symlink("nowhere/at/all", &broken).unwrap();
    let text = logged(Format::Text, 1, || lead_var_run_to_run(&broken));
    assert!(
        text.contains("make /var/run a symbolic link to /run"),
        "{text}"
    );
}

#[test]
fn an_earlier_boot_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let outside = root.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("kept"), "x").unwrap();
    let dir = root.path().join("dir");
    fs::create_dir_all(dir.join("deep/er")).unwrap();
    fs::write(dir.join("deep/file"), "x").unwrap();
    fs::write(dir.join("file"), "x").unwrap();
    symlink(&outside, dir.join("link")).unwrap();
    fifo::make(&dir.join("fifo"), 0o600).unwrap();
    empty(&dir);
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);

    for (name, target) in [("to-dir", "outside"), ("dangling", "missing")] {
        let link = root.path().join(name);
        symlink(target, &link).unwrap();
        empty(&link);
        assert!(!link.is_symlink(), "a link goes, and not what it leads to");
    }
    let file = root.path().join("plain");
    fs::write(&file, "x").unwrap();
    empty(&file);
    assert!(!file.exists());
    empty(&root.path().join("missing"));
    assert_eq!(fs::read(outside.join("kept")).unwrap(), b"x");
}

#[test]
fn directories_are_open_whatever_they_were() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("a/b");
    make_dir(&dir).unwrap();
    assert_eq!(mode(&dir), 0o755);
    files::chmod(&dir, 0o1777).unwrap();
    make_dir(&dir).unwrap();
    assert_eq!(mode(&dir), 0o755, "what anyone could write to is closed");
    let file = root.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = make_dir(&file.join("below")).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot make {}", file.join("below").display())
    );
    let link_path = root.path().join("link");
    for _ in 0..2 {
        link(Path::new("target"), &link_path).unwrap();
        assert_eq!(fs::read_link(&link_path).unwrap(), Path::new("target"));
    }
    assert!(link(Path::new("x"), &root.path().join("no/dir")).is_err());
}

#[test]
fn the_same_place_is_known_by_any_name() {
    let root = tempfile::tempdir().unwrap();
    let (one, other) = (root.path().join("one"), root.path().join("other"));
    fs::create_dir(&one).unwrap();
    fs::create_dir(&other).unwrap();
    let name = root.path().join("name");
    symlink("one", &name).unwrap();
    assert!(is_same(&one, &name));
    assert!(!is_same(&one, &other));
    assert!(!is_same(&one, &root.path().join("missing")));
    let missing = root.path().join("missing");
    assert!(!is_same(&missing, &missing));
}

#[test]
fn a_service_is_copied_with_its_modes_links_and_fifos() {
    let root = tempfile::tempdir().unwrap();
    let (from, to) = (root.path().join("from"), root.path().join("to"));
    fs::create_dir_all(from.join("data/inner")).unwrap();
    fs::write(from.join("run"), "#!/bin/sh\n").unwrap();
    files::chmod(&from.join("run"), 0o750).unwrap();
    fs::write(from.join("data/inner/file"), "content").unwrap();
    files::chmod(&from.join("data/inner"), 0o500).unwrap();
    files::chmod(&from.join("data"), 0o1770).unwrap();
    symlink("missing", from.join("dangling")).unwrap();
    symlink("..", from.join("data/up")).unwrap();
    fifo::make(&from.join("fifo"), 0o600).unwrap();
    let is_root = process::euid() == 0;
    if is_root {
        files::chown(&from.join("data"), Some(12), Some(34)).unwrap();
        files::chmod(&from.join("data"), 0o1770).unwrap();
    }

    // As a second boot of one container does, into what the first one left.
    for _ in 0..2 {
        copy_tree(&from, &to).unwrap();
        assert_eq!(fs::read(to.join("run")).unwrap(), b"#!/bin/sh\n");
        assert_eq!(mode(&to.join("run")), 0o750);
        assert_eq!(fs::read(to.join("data/inner/file")).unwrap(), b"content");
        assert_eq!(mode(&to.join("data/inner")), 0o500);
        assert_eq!(mode(&to.join("data")), 0o1770);
        let up = fs::read_link(to.join("data/up")).unwrap();
        assert_eq!(up, Path::new(".."), "links stay links");
        assert_eq!(
            fs::read_link(to.join("dangling")).unwrap(),
            Path::new("missing")
        );
        let fifo = fs::metadata(to.join("fifo")).unwrap();
        assert!(fifo.file_type().is_fifo(), "it is the same FIFO");
        if is_root {
            let data = fs::metadata(to.join("data")).unwrap();
            assert_eq!((data.uid(), data.gid()), (12, 34));
        }
    }
    assert!(copy_tree(&root.path().join("missing"), &root.path().join("x")).is_err());
}

#[test]
fn states_of_s6_rc_are_removed_and_nothing_else() {
    let run = tempfile::tempdir().unwrap();
    for dir in ["s6-rc:s6-rc-init:abcdef/servicedirs/x", "s6-rcs", "other"] {
        fs::create_dir_all(run.path().join(dir)).unwrap();
    }
    remove_states_of_rc(run.path());
    let mut left: Vec<OsString> = fs::read_dir(run.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["other", "s6-rcs"]);
}
