//! Sandboxes: what is seen inside, what does not get out, and what is reported.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use sixfold_sys::sandbox::{SandboxError, SandboxPlan, run};
use sixfold_sys::wait::{Exit, Peek};
use sixfold_sys::{files, process, signals, wait};
use tempfile::TempDir;

use crate::{Test, again, have_root, read_all};

pub(crate) const TESTS: &[Test] = &[
    ("sandbox_as_root", as_root),
    ("sandbox_without_root", without_root),
    ("sandbox_reports_what_failed", failures),
    ("sandbox_ends_with_its_parent", ends_with_parent),
];

pub(crate) const INNER: &[Test] = &[("inner_leave_sandbox", leave_sandbox)];

/// Checks from the inside; each line has an exit code of its own.
const SCRIPT: &str = r#"
    [ $$ = 1 ] || exit 10
    [ "$(cat /opt/sixfold-test/hello)" = hello ] || exit 11
    [ "$(cat /run/sixfold-test)" = run ] || exit 12
    [ "$(cat /etc/sixfold-setup)" = setup ] || exit 13
    echo changed >/etc/sixfold-written || exit 14
    echo x >/run/file || exit 15
    [ -c /dev/null ] || exit 16
    [ "$(readlink /proc/self)" != "" ] || exit 17
    [ -d /proc/1 ] || exit 18
    [ "$(pwd)" = /opt/sixfold-test ] || exit 19
    [ "$(sed -n 's/^SigBlk:[[:space:]]*//p' /proc/1/status)" = 0000000000000000 ] || exit 20
    [ "$(sed -n 's/^SigIgn:[[:space:]]*//p' /proc/1/status)" = 0000000000000000 ] || exit 21
    [ -e "$HOST_TMP" ] || exit 22
    [ "$(stat -c %a /run)" = 755 ] || exit 23
    [ "$(id -u)" = 0 ] || exit 24
    /opt/sixfold-test/run || exit 25
    exit 42
"#;

/// A tree, in a place whose name overlay options could not carry as it is.
fn tree() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    files::chmod(dir.path(), 0o755).unwrap();
    let tree = dir.path().join("tree,a:b\\c");
    for (path, text, mode) in [
        ("opt/sixfold-test/hello", "hello\n", 0o644),
        ("opt/sixfold-test/run", "#!/bin/sh\nexit 0\n", 0o755),
        ("run/sixfold-test", "run\n", 0o644),
    ] {
        let path = tree.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        files::chmod(&path, mode).unwrap();
    }
    (dir, tree)
}

fn plan<'a>(
    tree: &Path,
    script: &str,
    setup: &'a dyn Fn(&Path) -> io::Result<()>,
) -> SandboxPlan<'a> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).env("HOST_TMP", tree);
    let dir = PathBuf::from("/opt/sixfold-test");
    SandboxPlan {
        lower: vec![tree.to_owned()],
        dir,
        setup,
        command,
    }
}

fn setup(root: &Path) -> io::Result<()> {
    std::fs::write(root.join("etc/sixfold-setup"), "setup\n")
}

/// Runs the script and checks that the host has not changed.
fn check_inside() -> Result<(), SandboxError> {
    let (_dir, tree) = tree();
    signals::block_all().unwrap();
    let mounts = std::fs::read("/proc/self/mountinfo").unwrap();
    let pid = run(plan(&tree, SCRIPT, &setup))?;
    assert_eq!(wait::wait_for(pid).unwrap(), Exit::Code(42));
    for path in [
        "/etc/sixfold-written",
        "/etc/sixfold-setup",
        "/opt/sixfold-test",
        "/run/file",
    ] {
        assert!(!Path::new(path).exists(), "{path} got out");
    }
    assert!(
        std::fs::read("/proc/self/mountinfo").unwrap() == mounts,
        "a mount got out"
    );
    assert_eq!(wait::peek().unwrap(), Peek::NoChildren);
    Ok(())
}

fn as_root() {
    if have_root() {
        check_inside().unwrap();
    }
}

/// As nobody, if this is root.
fn without_root() {
    if process::euid() == 0 {
        let nobody = 65534;
        nix::unistd::setgroups(&[]).unwrap();
        nix::unistd::setresgid(nobody.into(), nobody.into(), nobody.into()).unwrap();
        nix::unistd::setresuid(nobody.into(), nobody.into(), nobody.into()).unwrap();
        // Changing user makes /proc/self root's, unlike for a process that started as nobody.
        nix::sys::prctl::set_dumpable(true).unwrap();
    }
    match check_inside() {
        Ok(()) => {}
        Err(error @ (SandboxError::Namespaces { .. } | SandboxError::Denied { .. })) => {
            // Such machines are common, and then this is what a user must be told.
            assert!(
                error
                    .to_string()
                    .contains("kernel.unprivileged_userns_clone"),
                "{error}"
            );
            eprintln!("skipped in part: no unprivileged user namespaces here");
        }
        Err(error @ (SandboxError::Step { .. } | SandboxError::Pipe { .. })) => {
            panic!("{error}: {:?}", error.source().map(ToString::to_string));
        }
        Err(error) => panic!("{error}"),
    }
}

fn failures() {
    if !have_root() {
        return;
    }
    let (_dir, tree) = tree();
    let expect = |plan: SandboxPlan<'_>, step: &str, cause: &str| {
        let error = run(plan).unwrap_err();
        assert!(error.to_string().contains(step), "{error}");
        let source = error.source().unwrap().to_string();
        assert!(source.contains(cause), "{error}: {source}");
        assert_eq!(wait::peek().unwrap(), Peek::NoChildren);
    };
    let before = sixfold_sys::fds::count_open();
    let mut missing = plan(&tree, "", &setup);
    missing.command = Command::new("/no/such/program");
    expect(missing, "execute /no/such/program", "No such file");
    let mut missing = plan(&tree, "", &setup);
    missing.dir = "/no/such/dir".into();
    expect(missing, "change to /no/such/dir", "No such file");
    let mut missing = plan(&tree, "", &setup);
    missing.lower.push("/no/such/tree".into());
    expect(missing, "open the tree /no/such/tree", "No such file");
    let refuse = |_root: &Path| Err(io::Error::other("not today"));
    expect(plan(&tree, "", &refuse), "put our own files", "not today");
    let panics = |_root: &Path| -> io::Result<()> { panic!("expected: part of this test") };
    expect(plan(&tree, "", &panics), "build it", "panicked");
    assert_eq!(sixfold_sys::fds::count_open(), before);
}

/// The sandbox's parent ends at once; its PID 1 must be killed, and then is ours to collect.
fn ends_with_parent() {
    if !have_root() {
        return;
    }
    process::become_subreaper().unwrap();
    let (reader, writer) = sixfold_sys::fds::pipe().unwrap();
    let mut command = again("inner_leave_sandbox");
    let parent = command.stdout(writer).spawn().unwrap().id();
    drop(command);
    let pid: i32 = read_all(reader).trim().parse().unwrap();
    assert_eq!(
        wait::wait_for(parent.try_into().unwrap()).unwrap(),
        Exit::Code(0)
    );
    assert_eq!(wait::wait_for(pid).unwrap(), Exit::Signal(9));
}

fn leave_sandbox() {
    let (_dir, tree) = tree();
    let pid = run(plan(&tree, "exec sleep 1000", &setup)).unwrap();
    println!("{pid}");
}
