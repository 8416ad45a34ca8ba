//! Locks between processes, identities, forks, and directories that are renamed.

use std::fs::{self, File};
use std::io;
use std::time::Duration;

use sixfold_sys::directory::Directory;
use sixfold_sys::fork::{self, Side};
use sixfold_sys::lock::{self, Kind};
use sixfold_sys::wait::{self, Exit};
use sixfold_sys::{fds, identity, process};

use crate::{Test, have_root, read_all};

pub(crate) const TESTS: &[Test] = &[
    ("lock_is_seen_by_others_and_ends_with_its_owner", locks),
    ("lock_is_waited_for_until_a_deadline", deadline),
    ("identity_is_whole_or_not_at_all", whole_identity),
    ("identity_is_not_dropped_without_the_right", no_right),
    ("fork_apart_is_nobodys_child", apart),
    ("directory_follows_a_rename", renamed),
];

/// Runs `check` in another process and gives its exit code.
fn elsewhere(check: impl FnOnce() -> bool) -> bool {
    let Side::Parent(child) = fork::fork().unwrap() else {
        std::process::exit(i32::from(!check()));
    };
    wait::wait_for(child).unwrap() == Exit::Code(0)
}

fn locks() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lock");
    let file = File::create(&path).unwrap();
    assert!(!lock::is_locked(&path).unwrap());
    let file = {
        // Any close of the file would drop the lock, so it is taken after the question.
        drop(file);
        File::options().write(true).open(&path).unwrap()
    };
    assert!(lock::try_lock(&file, Kind::Exclusive).unwrap());
    assert!(elsewhere(|| lock::is_locked(&path).unwrap()));
    for kind in [Kind::Shared, Kind::Exclusive] {
        let other = || File::options().read(true).write(true).open(&path).unwrap();
        assert!(elsewhere(|| !lock::try_lock(&other(), kind).unwrap()));
    }
    drop(file);
    assert!(elsewhere(|| !lock::is_locked(&path).unwrap()));
    let missing = lock::is_locked(&dir.path().join("missing")).unwrap_err();
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
}

fn deadline() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lock");
    let file = File::create(&path).unwrap();
    lock::lock(&file, Kind::Exclusive).unwrap();
    let other = || File::options().write(true).open(&path).unwrap();
    let soon = Duration::from_millis(30);
    assert!(elsewhere(|| !lock::lock_within(
        &other(),
        Kind::Exclusive,
        soon
    )
    .unwrap()));
    drop(file);
    let long = Duration::from_secs(3600);
    assert!(elsewhere(|| lock::lock_within(
        &other(),
        Kind::Exclusive,
        long
    )
    .unwrap()));
}

fn whole_identity() {
    if !have_root() {
        return;
    }
    assert!(elsewhere(|| {
        identity::set_groups(12, &[34, 12, 56]).unwrap();
        identity::set_group(12).unwrap();
        identity::set_user(78).unwrap();
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let has = |line: &str| status.lines().any(|it| it == line);
        has("Uid:\t78\t78\t78\t78")
            && has("Gid:\t12\t12\t12\t12")
            && status.contains("\nGroups:\t12 34 56 \n")
            // And there is no way back.
            && identity::set_user(0).is_err()
            && identity::set_group(0).is_err()
            && identity::set_groups(0, &[]).is_err()
    }));
}

fn no_right() {
    if !have_root() {
        return;
    }
    assert!(elsewhere(|| {
        identity::set_user(78).unwrap();
        let refused = [
            identity::set_groups(1, &[]),
            identity::set_group(1),
            identity::set_user(1),
        ];
        let is_refused = |result: &io::Result<()>| matches!(result, Err(error) if error.raw_os_error() == Some(1));
        refused.iter().all(is_refused) && process::euid() == 78
    }));
}

fn apart() {
    process::become_subreaper().unwrap();
    let (reader, writer) = fds::pipe().unwrap();
    let (gate, opener) = fds::pipe().unwrap();
    let own = std::process::id();
    let Side::Parent(child) = fork::fork_apart().unwrap() else {
        // Its parent is whoever collects orphans, here this very process, but not by birth: the
        // first child has gone, once the gate is open.
        drop(opener);
        fds::read(&gate, &mut [0]).unwrap();
        let line = format!("{} {}\n", process::parent(), std::process::id());
        fds::write(&writer, line.as_bytes()).unwrap();
        std::process::exit(0);
    };
    drop((writer, opener));
    assert_eq!(read_all(reader), format!("{own} {child}\n"));
    let left = process::children(i32::try_from(own).unwrap()).unwrap();
    assert_eq!(left.len(), 1, "the one in between was collected");
    assert_eq!(wait::wait_for(left[0]).unwrap(), Exit::Code(0));
}

fn renamed() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("old"), dir.path().join("new"));
    fs::create_dir(&old).unwrap();
    let directory = Directory::open(&old).unwrap();
    let known = directory.identity().unwrap();
    fs::rename(&old, &new).unwrap();
    directory.replace("status", b"1", 0o644).unwrap();
    directory.replace("status", b"2", 0o644).unwrap();
    assert_eq!(fs::read(new.join("status")).unwrap(), b"2");
    assert_eq!(directory.identity().unwrap(), known);
    assert!(directory.make_fifo("control").unwrap());
    assert!(!directory.make_fifo("control").unwrap());
    let taken = directory.make_fifo("status").unwrap_err();
    assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
    let no_file = directory.read("control", 10).unwrap_err();
    assert_eq!(no_file.kind(), io::ErrorKind::InvalidInput);
    assert!(directory.exists("control").unwrap());
    directory.remove("control").unwrap();
    directory.remove("control").unwrap();
    assert!(!directory.exists("control").unwrap());
    assert_eq!(directory.names().unwrap(), ["status"]);
    fs::remove_file(new.join("status")).unwrap();
    fs::remove_dir(&new).unwrap();
    assert_eq!(directory.path(), None, "it has no place any more");
    assert!(directory.replace("status", b"3", 0o644).is_err());
}
