//! What the machine must have, and which peers it has. Who is missing is named with the command that
//! mends it, and the run goes on; without root or namespaces there is no run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use nix::unistd::geteuid;
use sixfold_integration_tests::bench::dpkg::Packages;
use sixfold_integration_tests::bench::options::{Options, Part};
use sixfold_integration_tests::bench::peers::Peer;
use sixfold_integration_tests::bench::results::{Missing, Results};
use sixfold_integration_tests::binary;

use crate::machine::program;
use crate::packages::{self, output};

/// What a run has to work with.
#[derive(Debug)]
pub(crate) struct Found {
    /// Who takes part.
    pub(crate) peers: Vec<Peer>,
    /// Debian's packages.
    pub(crate) packages: Packages,
    /// The executable that is measured, absolute.
    pub(crate) sixfold: PathBuf,
    /// The root of s6-overlay, absolute.
    pub(crate) overlay_root: Option<PathBuf>,
}

/// The programs that machines are made with, and the packages that have them.
const PROGRAMS: [(&str, &str); 8] = [
    ("unshare", "util-linux"),
    ("setpriv", "util-linux"),
    ("nsenter", "util-linux"),
    ("env", "coreutils"),
    ("cp", "coreutils"),
    ("timeout", "coreutils"),
    ("dpkg-query", "dpkg, or run it on Debian"),
    ("sh", "dash"),
];

/// Looks for all that is needed, and installs what is missing where that is asked for. Reports go to
/// `out`, beside which machines are made.
///
/// # Errors
///
/// When there can be no run, with what to do about it.
pub(crate) fn look(options: &Options, out: &Path, results: &mut Results) -> Result<Found, String> {
    if !geteuid().is_root() {
        return Err("namespaces and mounts need root: run it with sudo, or as root".to_owned());
    }
    for (name, package) in PROGRAMS {
        program(name).map_err(|error| format!("{error}: install {package}"))?;
    }
    namespaces()?;
    let kind = statfs(out).map_err(|error| format!("{}: {error}", out.display()))?;
    if kind.filesystem_type() == TMPFS_MAGIC {
        return Err(format!(
            "{} is in memory, where programs would count as data: choose a directory on a disk \
             with --out",
            out.display()
        ));
    }
    let mut packages = packages::installed()?;
    if options.install {
        install(options, &mut packages, results)?;
    }
    let overlay_root = match &options.overlay_root {
        Some(root) => Some(overlay_root(root)?),
        None => None,
    };
    let mut peers = Vec::new();
    for peer in options.peers.iter().copied() {
        match missing(peer, &packages, overlay_root.as_deref()) {
            None => peers.push(peer),
            Some(reason) => results.missing.push(Missing {
                peer: peer.name().to_owned(),
                reason,
            }),
        }
    }
    if options.parts.contains(&Part::Idle) && program("strace").is_err() {
        results.missing.push(Missing {
            peer: "strace".to_owned(),
            reason: "system calls are not counted: apt-get install strace".to_owned(),
        });
    }
    let sixfold = match &options.sixfold {
        Some(path) => path
            .canonicalize()
            .map_err(|error| format!("--sixfold {}: {error}", path.display()))?,
        None => binary().to_owned(),
    };
    about(
        &peers,
        &packages,
        &sixfold,
        overlay_root.as_deref(),
        results,
    );
    Ok(Found {
        peers,
        packages,
        sixfold,
        overlay_root,
    })
}

/// The load of the last minutes, and on how many processors.
pub(crate) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let numbers: Vec<&str> = load.split_whitespace().take(3).collect();
    numbers.join(" ")
}

fn namespaces() -> Result<(), String> {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--net", "--fork", "--", "mount"]);
    command.args(["-t", "proc", "proc", "/proc"]);
    output(&mut command).map(drop).map_err(|error| {
        format!(
            "namespaces cannot be made ({error}): run it outside of a container, or in one with \
             --privileged"
        )
    })
}

fn install(
    options: &Options,
    packages: &mut Packages,
    results: &mut Results,
) -> Result<(), String> {
    let wanted = options.peers.iter().filter_map(|peer| peer.package());
    let absent: Vec<&str> = wanted
        .chain(["strace"])
        .filter(|package| packages.version(package).is_none())
        .collect();
    if absent.is_empty() {
        return Ok(());
    }
    eprintln!("peers: installing {}", absent.join(", "));
    for (package, error) in packages::install(&absent) {
        results.missing.push(Missing {
            peer: package,
            reason: format!("cannot be installed: {error}"),
        });
    }
    *packages = packages::installed()?;
    Ok(())
}

fn overlay_root(root: &Path) -> Result<PathBuf, String> {
    let said = |error| format!("--overlay-root {}: {error}", root.display());
    let root = root.canonicalize().map_err(said)?;
    for name in ["init", "package", "command"] {
        if root.join(name).symlink_metadata().is_err() {
            return Err(format!(
                "--overlay-root {}: there is no /{name} in it: unpack both archives of \
                 s6-overlay v3 there",
                root.display()
            ));
        }
    }
    Ok(root)
}

/// Why a peer cannot take part, if so.
fn missing(peer: Peer, packages: &Packages, overlay_root: Option<&Path>) -> Option<String> {
    if peer == Peer::S6Overlay {
        return overlay_root.is_none().then(|| {
            "no root given: unpack its two archives into a directory and name that with \
             --overlay-root DIR"
                .to_owned()
        });
    }
    let package = peer.package()?;
    if packages.version(package).is_none() {
        return Some(format!(
            "not installed: apt-get install {package}, or call this with --install"
        ));
    }
    if peer == Peer::Busybox {
        let applets = output(Command::new("/bin/busybox").arg("--list")).unwrap_or_default();
        if !applets.lines().any(|name| name == "runsvdir") {
            return Some(format!(
                "/bin/busybox of {package} has no runsvdir: install a busybox that was built with it \
                 as /bin/busybox"
            ));
        }
    }
    None
}

fn about(
    peers: &[Peer],
    packages: &Packages,
    sixfold: &Path,
    overlay_root: Option<&Path>,
    results: &mut Results,
) {
    let mut add = |what: &str, value: String| results.about.push((what.to_owned(), value));
    let line = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let found = text.lines().find_map(|line| line.strip_prefix(name));
        let value = found
            .unwrap_or_default()
            .trim_start_matches([' ', '\t', ':', '=']);
        value.trim_matches('"').to_owned()
    };
    add("processor", line("/proc/cpuinfo", "model name"));
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    add("processors", processors.to_string());
    add("memory", line("/proc/meminfo", "MemTotal"));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    add("kernel", kernel.trim().to_owned());
    add("system", line("/etc/os-release", "PRETTY_NAME"));
    let version = output(Command::new(sixfold).arg("--version")).unwrap_or_default();
    let size = fs::metadata(sixfold).map_or(0, |it| it.len());
    add("sixfold", format!("{}, {size} bytes", version.trim()));
    for peer in peers {
        if let Some(version) = peer.package().and_then(|package| packages.version(package)) {
            add(peer.name(), version.to_owned());
        }
    }
    if let Some(version) = overlay_root.and_then(overlay_version) {
        add(Peer::S6Overlay.name(), version);
    }
    add("load at the beginning", load());
}

/// `/package/admin/s6-overlay` leads to a directory that has the version in its name.
fn overlay_version(root: &Path) -> Option<String> {
    let link = fs::read_link(root.join("package/admin/s6-overlay")).ok()?;
    let name = link.file_name()?.to_string_lossy().into_owned();
    Some(name.trim_start_matches("s6-overlay-").to_owned())
}
