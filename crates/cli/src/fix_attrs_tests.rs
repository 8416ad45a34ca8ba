//! Rules applied to a real tree. Changing owners needs root.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

/// Two accounts, and no files of any machine.
struct FewAccounts;

impl Accounts for FewAccounts {
    fn user(&self, name: &str) -> Option<(u32, u32)> {
        (name == "app").then_some((1201, 1202))
    }

    fn group(&self, name: &str) -> Option<u32> {
        (name == "staff").then_some(1203)
    }
}

/// Whether this is root. If not, the test is skipped, which is a failure on CI.
fn have_root() -> bool {
    let is_root = sixfold_sys::process::euid() == 0;
    let is_ci = std::env::var("CI").as_deref() == Ok("true");
    assert!(is_root || !is_ci, "this test needs root, and CI has it");
    is_root
}

/// Applies these lines, in which `@` stands for `root`; returns how many things failed.
fn apply(root: &Path, lines: &str, with_hidden: bool) -> usize {
    let file = Path::new("/etc/fix-attrs.d/01-test");
    let content = lines.replace('@', root.to_str().unwrap());
    let (rules, diagnostics) = parse(file, content.as_bytes());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let mut walk = Walk {
        with_hidden,
        failures: 0,
        seen: HashSet::new(),
    };
    for rule in &rules {
        walk.apply(file, rule, &FewAccounts);
    }
    walk.failures
}

/// Owner, group and mode.
fn attributes(path: &Path) -> (u32, u32, u32) {
    let found = fs::metadata(path).unwrap();
    let mode = found.permissions().mode() & 0o7777;
    (found.uid(), found.gid(), mode)
}

/// A tree with files, hidden ones among them, whose modes are 0600 and 0700.
fn tree() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for dir in ["data", "data/sub", "data/.secret", "other"] {
        let dir = root.path().join(dir);
        fs::create_dir(&dir).unwrap();
        files::chmod(&dir, 0o700).unwrap();
    }
    for file in [
        "data/file",
        "data/sub/file",
        "data/.hidden",
        "data/.secret/file",
        "other/file",
    ] {
        let file = root.path().join(file);
        fs::write(&file, "x").unwrap();
        files::chmod(&file, 0o600).unwrap();
    }
    root
}

const FILE: (u32, u32, u32) = (0, 0, 0o600);
const DIR: (u32, u32, u32) = (0, 0, 0o700);

#[test]
fn recursion_reaches_everything_but_what_is_hidden() {
    if !have_root() {
        return;
    }
    for with_hidden in [false, true] {
        let root = tree();
        let at = |path: &str| attributes(&root.path().join(path));
        assert_eq!(
            apply(root.path(), "@/data true app 0640 0750\n", with_hidden),
            0
        );
        for dir in ["data", "data/sub"] {
            assert_eq!(at(dir), (1201, 1202, 0o750), "{dir}");
        }
        for file in ["data/file", "data/sub/file"] {
            assert_eq!(at(file), (1201, 1202, 0o640), "{file}");
        }
        let (file, dir) = if with_hidden {
            ((1201, 1202, 0o640), (1201, 1202, 0o750))
        } else {
            (FILE, DIR)
        };
        assert_eq!(at("data/.hidden"), file);
        assert_eq!(at("data/.secret"), dir);
        assert_eq!(at("data/.secret/file"), file);
        assert_eq!(at("other"), DIR);
    }
}

#[test]
fn without_recursion_a_directory_is_one_thing() {
    if !have_root() {
        return;
    }
    let root = tree();
    assert_eq!(
        apply(root.path(), "@/data false app:staff - 0711", false),
        0
    );
    let data = attributes(&root.path().join("data"));
    assert_eq!(data, (1201, 1203, 0o711));
    assert_eq!(attributes(&root.path().join("data/file")), FILE);
}

#[test]
fn links_in_circles_end() {
    if !have_root() {
        return;
    }
    let root = tree();
    let data = root.path().join("data");
    symlink("..", data.join("sub/up")).unwrap();
    symlink(".", data.join("self")).unwrap();
    symlink("loop", data.join("loop")).unwrap();
    symlink("missing", data.join("dangling")).unwrap();
    symlink("../other", data.join("out")).unwrap();
    assert_eq!(apply(root.path(), "@/data true app 0640 0750", false), 0);
    // As the original's find -L does, links are followed.
    let other = root.path().join("other");
    assert_eq!(attributes(&other), (1201, 1202, 0o750));
    assert_eq!(attributes(&other.join("file")), (1201, 1202, 0o640));
    let top = attributes(root.path());
    assert_eq!(top.0, 0, "and no further than they lead");
}

#[test]
fn each_rule_walks_anew_and_the_last_one_counts() {
    if !have_root() {
        return;
    }
    let root = tree();
    let lines = "@/data true app 0640 0750\n@/data true 7:8 0604 0705\n";
    assert_eq!(apply(root.path(), lines, false), 0);
    let at = |path: &str| attributes(&root.path().join(path));
    assert_eq!(at("data"), (7, 8, 0o705));
    assert_eq!(at("data/sub/file"), (7, 8, 0o604));
}

#[test]
fn set_id_bits_survive_the_change_of_the_owner() {
    if !have_root() {
        return;
    }
    let root = tree();
    let lines = "@/data/file false app 4755 -\n";
    assert_eq!(apply(root.path(), lines, false), 0);
    let file = attributes(&root.path().join("data/file"));
    assert_eq!(file, (1201, 1202, 0o4755));
}

#[test]
fn patterns_match_as_in_a_shell() {
    if !have_root() {
        return;
    }
    let root = tree();
    let at = |path: &str| attributes(&root.path().join(path));
    assert_eq!(apply(root.path(), "@/data/* false app 0640 -", false), 0);
    assert_eq!(at("data/file"), (1201, 1202, 0o640));
    assert_eq!(at("data/.hidden"), FILE, "a star is no dot");
    assert_eq!(at("data/sub/file"), FILE, "and no slash");
    assert_eq!(
        apply(root.path(), "@/nothing/* true app 0640 0750", false),
        0
    );
}

#[test]
fn one_failure_does_not_keep_the_rest_from_being_done() {
    if !have_root() {
        return;
    }
    let root = tree();
    let lines = "@/data/file false nobody-knows 0640 -\n@/other false app - 0750\n";
    assert_eq!(apply(root.path(), lines, false), 1);
    assert_eq!(attributes(&root.path().join("data/file")), FILE);
    let other = attributes(&root.path().join("other"));
    assert_eq!(other, (1201, 1202, 0o750));
}

#[test]
fn the_command_reads_its_file() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("01-test");
    let call = |args: &[&std::ffi::OsStr]| fix_attrs(args.iter().map(OsString::from).collect());
    let path = file.as_os_str();
    assert_eq!(
        call(&[path]),
        ExitCode::from(SYSTEM),
        "there is no such file"
    );
    fs::write(&file, "/no/such/path true root 0644 0755\n").unwrap();
    assert_eq!(call(&[path]), ExitCode::SUCCESS, "nothing matches");
    assert_eq!(call(&["--hidden".as_ref(), path]), ExitCode::SUCCESS);
    fs::write(&file, "/no/such/path perhaps root 0644 0755\n").unwrap();
    assert_eq!(
        call(&[path]),
        ExitCode::from(FAILED),
        "a line that makes no sense"
    );
    for args in [&[][..], &["-x".as_ref(), path], &[path, path]] {
        assert_eq!(call(args), ExitCode::from(complain::USAGE));
    }
}
