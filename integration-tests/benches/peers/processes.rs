//! What `/proc` tells of a machine's processes, from outside.

use std::fs;
use std::path::PathBuf;

use nix::unistd::Pid;

/// The names of the services' own processes: the helper, and the script that becomes it.
const SERVICES: [&str; 2] = ["bench-service", "run"];

/// What processes hold, all together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Holdings {
    /// Proportional set size, in KiB.
    pub(crate) pss: u32,
    /// Private dirty pages, in KiB.
    pub(crate) private_dirty: u32,
    /// How many processes they are.
    pub(crate) processes: u32,
    /// Their threads.
    pub(crate) threads: u32,
    /// Their open descriptors.
    pub(crate) descriptors: u32,
}

/// The processes of the namespace of `first` that are not services.
pub(crate) fn supervision(first: Pid) -> Vec<Pid> {
    of_namespace(first, |name| !SERVICES.contains(&name))
}

/// The processes of services in the namespace of `first`, as far as they have begun.
pub(crate) fn services(first: Pid) -> Vec<Pid> {
    of_namespace(first, |name| name == SERVICES[0])
}

/// How many processes the namespace of `first` has.
pub(crate) fn count(first: Pid) -> usize {
    let Ok(entries) = fs::read_dir(format!("/proc/{first}/root/proc")) else {
        return 0;
    };
    let names = entries.flatten().map(|entry| entry.file_name());
    names
        .filter(|name| {
            name.to_string_lossy()
                .bytes()
                .all(|byte| byte.is_ascii_digit())
        })
        .count()
}

/// The processor time that processes have had, in nanoseconds.
pub(crate) fn used(pids: &[Pid]) -> u64 {
    let schedules =
        threads(pids).filter_map(|thread| fs::read_to_string(thread.join("schedstat")).ok());
    schedules
        .filter_map(|text| text.split_whitespace().next()?.parse::<u64>().ok())
        .sum()
}

/// How often processes have been taken off the processor.
pub(crate) fn switches(pids: &[Pid]) -> u64 {
    let statuses =
        threads(pids).filter_map(|thread| fs::read_to_string(thread.join("status")).ok());
    statuses
        .flat_map(|status| {
            let counts: Vec<u64> = status
                .lines()
                .filter(|line| line.contains("voluntary_ctxt_switches:"))
                .filter_map(|line| line.split_whitespace().nth(1)?.parse().ok())
                .collect();
            counts
        })
        .sum()
}

/// What processes hold.
///
/// # Errors
///
/// When the memory of one of them cannot be read.
pub(crate) fn holdings(pids: &[Pid]) -> Result<Holdings, String> {
    let mut all = Holdings::default();
    for pid in pids {
        let path = format!("/proc/{pid}/smaps_rollup");
        let rollup = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        all.pss += field(&rollup, "Pss:");
        all.private_dirty += field(&rollup, "Private_Dirty:");
        all.processes += 1;
        all.threads += entries(&format!("/proc/{pid}/task"));
        all.descriptors += entries(&format!("/proc/{pid}/fd"));
    }
    Ok(all)
}

fn threads(pids: &[Pid]) -> impl Iterator<Item = PathBuf> {
    pids.iter().flat_map(|pid| {
        let tasks = fs::read_dir(format!("/proc/{pid}/task"));
        tasks
            .into_iter()
            .flatten()
            .flatten()
            .map(|task| task.path())
    })
}

fn field(rollup: &str, name: &str) -> u32 {
    rollup
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

fn entries(dir: &str) -> u32 {
    fs::read_dir(dir).map_or(0, |entries| u32::try_from(entries.count()).unwrap_or(0))
}

fn of_namespace(first: Pid, wanted: impl Fn(&str) -> bool) -> Vec<Pid> {
    let Ok(namespace) = fs::read_link(format!("/proc/{first}/ns/pid")) else {
        return Vec::new();
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| {
            let of = fs::read_link(format!("/proc/{pid}/ns/pid"));
            let name = fs::read_to_string(format!("/proc/{pid}/comm"));
            of.is_ok_and(|of| of == namespace) && name.is_ok_and(|name| wanted(name.trim_end()))
        })
        .map(Pid::from_raw)
        .collect()
}
