//! Reads service directories, and directories of services and of scripts, from their snapshots.
//!
//! Never looks into the scripts (that is `script`) and never gives up on a directory because of
//! one entry: what is wrong becomes a diagnostic, the rest is read. Called from the daemon at boot
//! and at each rescan.

pub(crate) mod file;
mod notify;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::service::{DEFAULT_DEATH_TALLY, DEFAULT_TIMEOUT_FINISH, MAX_DEATH_TALLY};
use crate::text::{is_hidden, limit, quoted};
use crate::tree::{Entry, Tree};
use crate::{Diagnostic, ServiceSpec, Severity, Signal};
use file::Directory;

/// The longest name of a service, in bytes, that s6-svscan accepts.
pub const MAX_NAME: usize = 251;
/// Reads the service directory `tree`, which lies at `source`, into the service called `name`.
///
/// The files are those of s6's servicedir page: `run`, `finish`, `down`, `notification-fd`,
/// `lock-fd`, `timeout-finish` and `timeout-kill` (milliseconds, 0 is without limit),
/// `down-signal`, `reload-signal`, `max-death-tally`, `flag-newpidns`, `flag-timeout-killpg`, and a
/// logger in `log/`, whose own `log/` does not count; and two of our own, `notify` (the word
/// `systemd`) and `timeout-watchdog` (milliseconds, 0 is no watchdog). Of a file with a value the
/// first line counts; one that makes no sense is a warning, and the default is taken. Without a
/// usable `run`, or with another word in `notify`, the service is broken: `has_run` is false, and an
/// error says why.
pub fn read(name: &str, source: &Path, tree: &Tree) -> (ServiceSpec, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let mut spec = read_one(name, source, tree, &mut diagnostics);
    match tree.entries.get(OsStr::new("log")) {
        None => {}
        Some(Entry::Dir(log)) => {
            let name = format!("{name}/log");
            let logger = read_one(&name, &source.join("log"), log, &mut diagnostics);
            spec.log = Some(Box::new(logger));
        }
        Some(
            other @ (Entry::File(_) | Entry::Special | Entry::Dangling | Entry::Unreadable(_)),
        ) => diagnostics.push(Diagnostic::warning(
            &source.join("log"),
            format!("no logger is started: it {}", fault(other)),
            "make it a service directory with a run file, or remove it",
        )),
    }
    (spec, diagnostics)
}

/// Reads every service of a directory like `/etc/services.d`, in the bytewise order of the names.
///
/// As s6-svscan sees a scan directory: each sub-directory, links followed, is a service of that
/// name; hidden ones and files are skipped. A link that leads nowhere or a directory that cannot be
/// read is an error and leaves the others alone; so is a name that is not UTF-8, is longer than
/// 251 bytes or holds a newline.
pub fn list(dir: &Path, tree: &Tree) -> (Vec<ServiceSpec>, Vec<Diagnostic>) {
    list_from(tree, MAX_NAME, |name| dir.join(name))
}

/// The same where names may have `longest` bytes, and each service comes from the directory that
/// `source` tells for its name: a scan directory holds links to services.
pub fn list_from(
    tree: &Tree,
    longest: usize,
    source: impl Fn(&OsStr) -> PathBuf,
) -> (Vec<ServiceSpec>, Vec<Diagnostic>) {
    let mut specs = Vec::new();
    let mut diagnostics = Vec::new();
    for (name, entry) in &tree.entries {
        if is_hidden(name) {
            continue;
        }
        let path = source(name);
        match entry {
            Entry::Dir(tree) => match service_name(name, longest) {
                Ok(name) => {
                    let (spec, found) = read(name, &path, tree);
                    specs.push(spec);
                    diagnostics.extend(found);
                }
                Err(wrong) => diagnostics.push(Diagnostic::error(
                    &path,
                    format!("not a name for a service: {wrong}"),
                    "rename the directory",
                )),
            },
            Entry::File(_) | Entry::Special => {}
            Entry::Dangling | Entry::Unreadable(_) => {
                diagnostics.push(unusable(&path, "service", entry));
            }
        }
    }
    (specs, diagnostics)
}

/// The scripts of a directory like `/etc/cont-init.d`, as paths below `dir`, in bytewise order.
///
/// Hidden entries are skipped. Sub-directories are skipped with a warning (s6-overlay executes
/// them and reports `Permission denied`); what else is no file, or cannot be read, is an error.
pub fn scripts(dir: &Path, tree: &Tree) -> (Vec<PathBuf>, Vec<Diagnostic>) {
    let mut paths = Vec::new();
    let mut diagnostics = Vec::new();
    for (name, entry) in &tree.entries {
        if is_hidden(name) {
            continue;
        }
        let path = dir.join(name);
        match entry {
            Entry::File(_) => paths.push(path),
            Entry::Dir(_) => diagnostics.push(Diagnostic::warning(
                &path,
                "skipped: it is a directory",
                "move the scripts in it one level up, or remove it",
            )),
            Entry::Special | Entry::Dangling | Entry::Unreadable(_) => {
                diagnostics.push(unusable(&path, "script", entry));
            }
        }
    }
    (paths, diagnostics)
}

/// Reads a service directory but for its logger.
fn read_one(
    name: &str,
    source: &Path,
    tree: &Tree,
    diagnostics: &mut Vec<Diagnostic>,
) -> ServiceSpec {
    let mut files = Directory::new(source, tree, diagnostics);
    let mut spec = read_files(name, source, &mut files);
    spec.identity = tree.identity;
    files.check_type();
    spec
}

/// Reads the files that a service directory and a source directory of s6-rc have in common.
pub(crate) fn read_files(name: &str, source: &Path, files: &mut Directory<'_>) -> ServiceSpec {
    let mut spec = ServiceSpec::new(name, source);

    spec.has_run = files.script("run", Severity::Error);
    if !files.has("run") {
        files.report(Diagnostic::error(
            source,
            format!("service {name} has no run file"),
            format!(
                "add an executable script {}, or remove the directory",
                source.join("run").display()
            ),
        ));
    }
    spec.has_finish = files.script("finish", Severity::Warning);
    spec.down = files.flag("down");
    spec.notification_fd = files.descriptor("notification-fd", "readiness is not awaited");
    spec.lock_fd = files.descriptor("lock-fd", "nothing is locked");
    if spec.has_run && spec.lock_fd.is_some() && spec.lock_fd == spec.notification_fd {
        spec.has_run = false;
        files.report(Diagnostic::error(
            &files.path("lock-fd"),
            format!("service {name} is not started: notification-fd and lock-fd are the same"),
            "give one of them another number",
        ));
    }
    notify::read(&mut spec, files);
    spec.new_pid_namespace = files.flag("flag-newpidns");
    spec.kills_group = files.flag("flag-timeout-killpg");

    let milliseconds = "a number of milliseconds in decimal digits";
    spec.timeout_finish = files
        .number("timeout-finish", milliseconds, "taken as 5000", |_| true)
        .map_or(Some(DEFAULT_TIMEOUT_FINISH), limit);
    spec.timeout_kill = files
        .number("timeout-kill", milliseconds, "run is never killed", |_| {
            true
        })
        .and_then(limit);
    spec.max_death_tally = files
        .number(
            "max-death-tally",
            "a number from 0 to 4096",
            "taken as 100",
            |_| true,
        )
        .map_or(DEFAULT_DEATH_TALLY, |number| {
            u32::try_from(number).map_or(MAX_DEATH_TALLY, |number| number.min(MAX_DEATH_TALLY))
        });
    spec.down_signal = files
        .signal("down-signal", "taken as TERM")
        .unwrap_or(Signal::TERM);
    spec.reload_signal = files
        .signal("reload-signal", "taken as HUP")
        .unwrap_or(Signal::HUP);
    spec
}

/// The name as text, or what is wrong with it.
pub(crate) fn service_name(name: &OsStr, longest: usize) -> Result<&str, String> {
    let bytes = name.as_encoded_bytes();
    let Some(text) = name.to_str() else {
        return Err(format!("{} is not UTF-8", quoted(bytes)));
    };
    if bytes.len() > longest {
        return Err(format!("longer than {longest} bytes"));
    }
    if text.contains('\n') {
        return Err(format!("{} holds a newline", quoted(bytes)));
    }
    Ok(text)
}

/// The finding that an entry is nothing that a `wanted` (service, script) can be.
pub(crate) fn unusable(path: &Path, wanted: &str, entry: &Entry) -> Diagnostic {
    let mend = match entry {
        Entry::Dangling => "create what the link leads to, or remove the link",
        Entry::Unreadable(_) => "correct its permissions and those of the directories above it",
        Entry::File(_) | Entry::Dir(_) | Entry::Special => "replace it by what it should be",
    };
    Diagnostic::error(path, format!("no {wanted}: it {}", fault(entry)), mend)
}

/// What an entry is, for a sentence that begins with "it".
pub(crate) fn fault(entry: &Entry) -> String {
    match entry {
        Entry::File(_) => "is a file".to_owned(),
        Entry::Dir(_) => "is a directory".to_owned(),
        Entry::Special => "is a FIFO, socket or device".to_owned(),
        Entry::Dangling => "is a link that leads nowhere".to_owned(),
        Entry::Unreadable(reason) => format!("cannot be read: {reason}"),
    }
}

#[cfg(test)]
mod tests;
