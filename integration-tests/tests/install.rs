//! `sixfold install`: the names that images use, put into a root, in the place of what an
//! s6-overlay installation left there, and nothing else touched.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use sixfold_integration_tests::{Finished, binary, run_to_end};
use tempfile::TempDir;

fn install(root: &Path) -> Finished {
    let binary = binary().to_str().expect("the path is text");
    let root = root.to_str().expect("the path is text");
    run_to_end(binary, &["install", "--root", root])
}

/// Where the path `name` of the root leads, with absolute links taken inside the root.
fn follow(root: &Path, name: &str) -> PathBuf {
    let mut path = root.join(name.trim_start_matches('/'));
    for _ in 0..10 {
        let Ok(target) = fs::read_link(&path) else {
            return path;
        };
        path = match target.strip_prefix("/") {
            Ok(inside) => root.join(inside),
            Err(_) => path.parent().expect("a link has a parent").join(target),
        };
    }
    panic!("{name} leads in a circle");
}

fn assert_all_there(root: &Path) {
    for name in [
        "/init",
        "/command/sixfold",
        "/command/with-contenv",
        "/command/printcontenv",
        "/command/s6-svscanctl",
        "/usr/bin/with-contenv",
        "/usr/bin/printcontenv",
        "/usr/bin/s6-svscanctl",
        "/bin/s6-svscanctl",
    ] {
        let path = follow(root, name);
        let data = path
            .metadata()
            .unwrap_or_else(|error| panic!("{name} -> {}: {error}", path.display()));
        assert!(data.is_file(), "{name} is no file");
        assert_eq!(
            data.permissions().mode() & 0o111,
            0o111,
            "{name} cannot be run by all"
        );
        assert_eq!(
            data.len(),
            binary().metadata().expect("it is built").len(),
            "{name}"
        );
    }
}

#[test]
fn puts_every_name_into_an_empty_root() {
    let root = TempDir::new().expect("a temporary directory");
    install(root.path()).assert_code(0);
    assert_all_there(root.path());
}

#[test]
fn twice_is_as_once() {
    let root = TempDir::new().expect("a temporary directory");
    install(root.path()).assert_code(0);
    install(root.path()).assert_code(0);
    assert_all_there(root.path());
}

#[test]
fn keeps_a_merged_usr_and_what_is_in_it() {
    let root = TempDir::new().expect("a temporary directory");
    let at = |name: &str| root.path().join(name);
    fs::create_dir_all(at("usr/bin")).expect("a directory can be made");
    symlink("usr/bin", at("bin")).expect("a link can be made");
    fs::write(at("usr/bin/sh"), "shell").expect("a file can be written");
    install(root.path()).assert_code(0);
    assert_all_there(root.path());
    assert_eq!(
        fs::read_link(at("bin")).expect("still a link"),
        Path::new("usr/bin")
    );
    assert_eq!(
        fs::read_to_string(at("usr/bin/sh")).expect("still there"),
        "shell"
    );
}

#[test]
fn replaces_what_s6_overlay_left() {
    let root = TempDir::new().expect("a temporary directory");
    let at = |name: &str| root.path().join(name);
    for dir in ["command", "usr/bin", "package/admin/s6-2.13/command"] {
        fs::create_dir_all(at(dir)).expect("a directory can be made");
    }
    fs::write(at("init"), "#!/bin/sh -e\n").expect("a file can be written");
    fs::write(at("command/with-contenv"), "#!/command/execlineb -S0\n").expect("a file");
    fs::write(at("package/admin/s6-2.13/command/s6-svscanctl"), "theirs").expect("a file");
    symlink(
        "../package/admin/s6-2.13/command/s6-svscanctl",
        at("command/s6-svscanctl"),
    )
    .expect("a link can be made");
    symlink("../../command/with-contenv", at("usr/bin/with-contenv")).expect("a link");
    install(root.path()).assert_code(0);
    assert_all_there(root.path());
    // A link is replaced, not written through.
    let theirs = fs::read_to_string(at("package/admin/s6-2.13/command/s6-svscanctl"));
    assert!(theirs.is_err() || theirs.is_ok_and(|text| text == "theirs"));
}

#[test]
fn root_that_is_not_there_is_named() {
    let end = install(Path::new("/no/such/root"));
    assert_ne!(end.code, Some(0), "{end}");
    end.assert_has("/no/such/root");
}

#[test]
fn help_reads_well() {
    let binary = binary().to_str().expect("the path is text");
    for (words, wanted) in [
        (vec!["--help"], vec!["install", "run", "init"]),
        (vec!["run", "--help"], vec!["TREE", "--", "CMD"]),
        (vec!["install", "--help"], vec!["--root"]),
    ] {
        let end = run_to_end(binary, &words);
        end.assert_code(0);
        for word in wanted {
            end.assert_has(word);
        }
        assert!(end.stderr().is_empty(), "help belongs on stdout;\n{end}");
    }
    let version = run_to_end(binary, &["--version"]);
    version.assert_code(0).assert_has("sixfold");
}

#[test]
fn unknown_words_are_a_usage_error() {
    let binary = binary().to_str().expect("the path is text");
    for words in [
        vec!["--no-such-option"],
        vec!["no-such-command"],
        vec!["run"],
    ] {
        let end = run_to_end(binary, &words);
        end.assert_code(100);
        assert!(!end.stderr().is_empty(), "{words:?} failed in silence");
    }
}
