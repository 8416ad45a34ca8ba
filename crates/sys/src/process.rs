//! Facts about this process and its descendants.
//!
//! What `/proc` says about other processes is old the moment it is read: a pid from here may be
//! signalled or reaped only if it is a child of ours that nobody has collected, since only those
//! keep their number. Called from the daemon's boot, its reaper and its shutdown.

use std::collections::HashSet;
use std::io;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Makes orphaned descendants ours to collect, as PID 1 has them anyway: PR_SET_CHILD_SUBREAPER.
///
/// # Errors
/// What prctl(2) reports.
pub fn become_subreaper() -> io::Result<()> {
    Ok(nix::sys::prctl::set_child_subreaper(true)?)
}

/// Whether this process is PID 1 of its namespace.
#[must_use]
pub fn is_init() -> bool {
    std::process::id() == 1
}

/// The parent's pid; 0 when it is outside the pid namespace.
#[must_use]
pub fn parent() -> i32 {
    nix::unistd::getppid().as_raw()
}

/// The effective user id.
#[must_use]
pub fn euid() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// The effective group id.
#[must_use]
pub fn egid() -> u32 {
    nix::unistd::getegid().as_raw()
}

/// The architecture this program was built for, such as `x86_64` or `aarch64`.
#[must_use]
pub fn arch() -> &'static str {
    std::env::consts::ARCH
}

/// How many descriptors a process may have: RLIMIT_NOFILE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DescriptorLimit {
    soft: u64,
    hard: u64,
}

/// Raises our own soft limit to the hard one, as a supervisor of a thousand services needs some
/// thousand pipes. Returns the limit as it was, which children get back
/// ([`crate::spawn::Plan::descriptor_limit`]): programs that use select(2) break on a large one.
///
/// # Errors
/// What getrlimit(2) and setrlimit(2) report.
pub fn raise_descriptor_limit() -> io::Result<DescriptorLimit> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    Ok(DescriptorLimit { soft, hard })
}

impl DescriptorLimit {
    /// Makes it ours. Async-signal-safe: runs between fork and exec.
    pub(crate) fn apply(self) -> io::Result<()> {
        Ok(setrlimit(Resource::RLIMIT_NOFILE, self.soft, self.hard)?)
    }
}

/// Writes all file systems' buffers to their disks: sync(2).
pub fn sync() {
    nix::unistd::sync();
}

/// The children of process `pid`, of all its threads, zombies included, in no particular order.
/// Reads `/proc/PID/task/*/children`; on kernels built without it, the parent of every process.
///
/// # Errors
/// `NotFound` when there is no such process, or no `/proc`.
pub fn children(pid: i32) -> io::Result<Vec<i32>> {
    let mut found = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = task?.path().join("children");
        match std::fs::read_to_string(&path) {
            Ok(text) => found.extend(text.split_ascii_whitespace().filter_map(parse_pid)),
            // The thread has ended meanwhile.
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return scan_children(pid),
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The children of this process that have ended and whose status nobody has collected yet.
///
/// # Errors
/// `NotFound` when there is no `/proc`.
pub fn zombies_of_self() -> io::Result<Vec<i32>> {
    let mut found = children(own_pid())?;
    found.retain(|pid| read_stat(*pid).is_some_and(|stat| stat.state == b'Z'));
    Ok(found)
}

/// All descendants of this process, its children first, then theirs. A process whose parent ends
/// while this looks may be missed.
///
/// # Errors
/// `NotFound` when there is no `/proc`.
pub fn descendants() -> io::Result<Vec<i32>> {
    let mut found = children(own_pid())?;
    let mut seen: HashSet<i32> = found.iter().copied().collect();
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        next += 1;
        // One that has gone meanwhile has no children any more.
        let grandchildren = children(pid).unwrap_or_default();
        found.extend(
            grandchildren
                .into_iter()
                .filter(|child| seen.insert(*child)),
        );
    }
    Ok(found)
}

/// Where a process belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kin {
    /// Its parent; 0 when that is outside of our pid namespace.
    pub parent: i32,
    /// Its session: the process that made it, which may be gone. Only who descends from that is in it,
    /// and its number is not given to anybody else as long as somebody is (setsid(2)).
    pub session: i32,
}

/// Where process `pid` belongs, which may have ended as long as nobody has collected it; nothing when
/// it is gone, or there is no `/proc`.
#[must_use]
pub fn kin(pid: i32) -> Option<Kin> {
    read_stat(pid).map(|stat| Kin {
        parent: stat.parent,
        session: stat.session,
    })
}

/// The real user of process `pid`; nothing when it is gone, or there is no `/proc`.
#[must_use]
pub fn user(pid: i32) -> Option<u32> {
    let status = std::fs::read(format!("/proc/{pid}/status")).ok()?;
    parse_user(&status)
}

fn parse_user(status: &[u8]) -> Option<u32> {
    // The name in the first line has its newlines escaped, so that no other line can be forged.
    let mut lines = status.split(|byte| *byte == b'\n');
    let ids = lines.find_map(|line| line.strip_prefix(b"Uid:"))?;
    let mut ids = std::str::from_utf8(ids).ok()?.split_ascii_whitespace();
    ids.next()?.parse().ok()
}

/// This process.
#[must_use]
pub fn own_pid() -> i32 {
    nix::unistd::getpid().as_raw()
}

fn scan_children(parent: i32) -> io::Result<Vec<i32>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(parse_pid) else {
            continue;
        };
        if read_stat(pid).is_some_and(|stat| stat.parent == parent) {
            found.push(pid);
        }
    }
    Ok(found)
}

fn parse_pid(text: &str) -> Option<i32> {
    text.parse().ok().filter(|pid| *pid > 0)
}

/// Three of the fields of `/proc/PID/stat` (proc_pid_stat(5)).
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: u8,
    parent: i32,
    session: i32,
}

fn read_stat(pid: i32) -> Option<Stat> {
    parse_stat(&std::fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// The name in the second field may itself contain parentheses and spaces, so the fields after it
/// are counted from the last parenthesis.
fn parse_stat(line: &[u8]) -> Option<Stat> {
    let end = line.iter().rposition(|byte| *byte == b')')?;
    let mut fields = line
        .get(end + 1..)?
        .split(|byte| *byte == b' ')
        .filter(|f| !f.is_empty());
    let state = *fields.next()?.first()?;
    let mut number = || std::str::from_utf8(fields.next()?).ok()?.parse().ok();
    let (parent, _group, session) = (number()?, number()?, number()?);
    Some(Stat {
        state,
        parent,
        session,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_lines_are_read_behind_any_name() {
        let plain = parse_stat(b"12 (sleep) S 7 12 13 0 -1");
        assert_eq!(
            plain,
            Some(Stat {
                state: b'S',
                parent: 7,
                session: 13
            })
        );
        let nasty = parse_stat(b"12 (a) Z 1 (b) R 9 12 12");
        assert_eq!(
            nasty,
            Some(Stat {
                state: b'R',
                parent: 9,
                session: 12
            })
        );
        for broken in [
            &b""[..],
            b"12",
            b"12 (x",
            b"12 (x)",
            b"12 (x) S",
            b"12 (x) S y",
            b"12 (x) S 7 12",
        ] {
            assert_eq!(parse_stat(broken), None);
        }
    }

    #[test]
    fn both_ways_find_the_same_children() {
        // The parent of this test process has it among its children, in both lists.
        let (own, parent) = (own_pid(), parent());
        assert!(children(parent).unwrap().contains(&own));
        assert!(scan_children(parent).unwrap().contains(&own));
        assert_eq!(children(-4).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_process_has_kin_and_a_user_until_it_is_gone() {
        let own = own_pid();
        assert_eq!(kin(own).unwrap().parent, parent());
        assert!(user(own).is_some());
        assert_eq!((kin(-4), user(-4)), (None, None));
        assert_eq!(
            parse_user(b"Name:\tUid:\nUid:\t7\t0\t0\t0\nGid:\t1\n"),
            Some(7)
        );
        assert_eq!(parse_user(b"Name:\tx\n"), None);
    }

    #[test]
    fn a_test_is_not_init() {
        assert!(!is_init());
        assert!(!arch().is_empty());
    }
}
