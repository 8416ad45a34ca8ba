//! The roots that machines are booted from, as layers on a disk: copies of what the packages have, so
//! that no page of a program is shared with the host, as in a container. They are written out to the
//! disk once: a page that still has to be written would count as dirty memory of who maps it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use sixfold_integration_tests::bench::dpkg::Packages;
use sixfold_integration_tests::bench::peers::Peer;

use crate::packages::{files, output};

/// The directories of Debian that are links into /usr, where they are.
const MERGED: [&str; 5] = ["bin", "sbin", "lib", "lib64", "lib32"];
/// What runs inside, and under which names.
const HELPER: &str = env!("CARGO_BIN_EXE_bench-helper");
const ORPHAN_MAKER: &str = env!("CARGO_BIN_EXE_orphan-maker");

/// All layers of one run.
#[derive(Debug)]
pub(crate) struct Layers {
    dir: PathBuf,
    overlay_root: Option<PathBuf>,
}

impl Layers {
    /// Makes the layers below `dir` that `peers` need.
    ///
    /// # Errors
    ///
    /// When something cannot be copied.
    pub(crate) fn make(
        dir: &Path,
        peers: &[Peer],
        packages: &Packages,
        sixfold: &Path,
        overlay_root: Option<&Path>,
    ) -> Result<Self, String> {
        let layers = Self {
            dir: dir.to_owned(),
            overlay_root: overlay_root.map(Path::to_owned),
        };
        let base = packages.base();
        let wanted = ["dash", "coreutils", "libc6"];
        let of_peers = peers.iter().filter_map(|peer| peer.package());
        let all = packages.closure(wanted.into_iter().chain(of_peers));
        layers.base(&all.intersection(&base).cloned().collect())?;
        layers.tools()?;
        for peer in peers {
            if let Some(package) = peer.package() {
                let own = packages.closure([package]);
                let own = own.difference(&base).cloned().collect();
                copy(&files(&own)?, &layers.layer(*peer)?)?;
            }
        }
        if peers.contains(&Peer::Busybox) {
            let bin = layers.layer(Peer::Busybox)?.join("usr/local/bin");
            made(&bin)?;
            for name in ["runsv", "runsvdir"] {
                symlink("/bin/busybox", bin.join(name)).map_err(said(&bin))?;
            }
        }
        let own = layers.layer(Peer::Sixfold)?;
        // A directory here would hide the link of the layer below.
        merge(&own)?;
        output(Command::new(sixfold).arg("install").arg("--root").arg(&own))?;
        write_out(dir)?;
        Ok(layers)
    }

    /// The layers of a peer's root, the uppermost first.
    pub(crate) fn of(&self, peer: Peer) -> Vec<PathBuf> {
        let named = |name: &str| self.dir.join(name);
        let mut layers = vec![named("tools")];
        match peer {
            Peer::Limit => {}
            Peer::Sixfold | Peer::SixfoldText => layers.push(named(Peer::Sixfold.name())),
            Peer::S6Overlay => {
                let root = self.overlay_root.clone().unwrap_or_default();
                let is_whole = root.join("bin/sh").exists();
                layers.push(root);
                if is_whole {
                    return layers;
                }
            }
            Peer::S6
            | Peer::Runit
            | Peer::Busybox
            | Peer::Supervisor
            | Peer::Tini
            | Peer::DumbInit => layers.push(named(peer.name())),
        }
        layers.push(named("base"));
        layers
    }

    fn layer(&self, peer: Peer) -> Result<PathBuf, String> {
        let dir = self.dir.join(peer.name());
        made(&dir)?;
        Ok(dir)
    }

    fn base(&self, names: &BTreeSet<String>) -> Result<(), String> {
        let base = self.dir.join("base");
        for dir in ["usr", "etc", "root", "var", "run"] {
            made(&base.join(dir))?;
        }
        merge(&base)?;
        copy(&files(names)?, &base)?;
        for file in ["passwd", "group", "ld.so.cache", "nsswitch.conf"] {
            let (from, to) = (Path::new("/etc").join(file), base.join("etc").join(file));
            if from.exists() {
                fs::copy(&from, to).map_err(said(&from))?;
            }
        }
        Ok(())
    }

    fn tools(&self) -> Result<(), String> {
        let tools = self.dir.join("tools");
        let bin = tools.join("usr/local/bin");
        made(&bin)?;
        for dir in ["proc", "dev", "bench", "etc"] {
            made(&tools.join(dir))?;
        }
        let tmp = tools.join("tmp");
        made(&tmp)?;
        fs::set_permissions(&tmp, fs::Permissions::from_mode(0o1777)).map_err(said(&tmp))?;
        for (program, name) in [(HELPER, "bench-helper"), (ORPHAN_MAKER, "orphan-maker")] {
            fs::copy(program, bin.join(name)).map_err(said(Path::new(program)))?;
        }
        // By this name processes of services are told from those of the supervision.
        symlink("bench-helper", bin.join("bench-service")).map_err(said(&bin))
    }
}

/// Makes the links into /usr that the host has.
fn merge(root: &Path) -> Result<(), String> {
    for name in MERGED {
        if Path::new("/").join(name).is_symlink() {
            made(&root.join("usr").join(name))?;
            symlink(format!("usr/{name}"), root.join(name)).map_err(said(root))?;
        }
    }
    Ok(())
}

/// Has the disk take what processes map: executables and libraries.
fn write_out(dir: &Path) -> Result<(), String> {
    for entry in fs::read_dir(dir).map_err(said(dir))? {
        let path = entry.map_err(said(dir))?.path();
        let metadata = path.symlink_metadata().map_err(said(&path))?;
        if metadata.is_dir() {
            write_out(&path)?;
        } else if metadata.is_file() && metadata.permissions().mode() & 0o111 != 0
            || is_library(&path)
        {
            let file = File::open(&path).map_err(said(&path))?;
            file.sync_data().map_err(said(&path))?;
        }
    }
    Ok(())
}

/// `libc.so.6`: libraries need not be executable.
fn is_library(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".so") || name.contains(".so.")
}

/// Copies files of the host, with their times: Python looks at those of its own files.
fn copy(files: &[PathBuf], to: &Path) -> Result<(), String> {
    let mut all = BTreeSet::new();
    for file in files {
        let file = beside_links(file);
        // Packages have the links into /usr too, and those lead to whole directories.
        if file.is_dir() && !file.is_symlink() {
            continue;
        }
        all.extend(compiled(&file));
        all.insert(file);
    }
    let relative: Vec<&Path> = all
        .iter()
        .filter_map(|path| path.strip_prefix("/").ok())
        .collect();
    for some in relative.chunks(500) {
        let mut command = Command::new("cp");
        command.args(["--archive", "--parents", "--"]);
        command.args(some).arg(to).current_dir("/");
        output(&mut command)?;
    }
    Ok(())
}

/// The path that does not lead through one of the links into /usr.
fn beside_links(path: &Path) -> PathBuf {
    let mut parts = path.components();
    parts.next();
    let first = parts.next().map(|part| part.as_os_str().to_owned());
    match first {
        Some(first)
            if MERGED.iter().any(|name| first == *name)
                && Path::new("/").join(&first).is_symlink() =>
        {
            Path::new("/usr").join(first).join(parts.as_path())
        }
        Some(_) | None => path.to_owned(),
    }
}

/// What Python has made of one of its files; made anew at each boot, it would be measured.
fn compiled(source: &Path) -> Vec<PathBuf> {
    if source.extension().is_none_or(|extension| extension != "py") {
        return Vec::new();
    }
    let (Some(dir), Some(stem)) = (source.parent(), source.file_stem()) else {
        return Vec::new();
    };
    let wanted = format!("{}.cpython-", stem.to_string_lossy());
    fs::read_dir(dir.join("__pycache__"))
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&wanted))
        .map(|entry| entry.path())
        .collect()
}

/// Makes a directory and those above it.
///
/// # Errors
///
/// With its path.
pub(crate) fn made(dir: &Path) -> Result<(), String> {
    fs::create_dir_all(dir).map_err(said(dir))
}

/// Puts a path before an error's text.
pub(crate) fn said(path: &Path) -> impl Fn(std::io::Error) -> String {
    let path = path.display().to_string();
    move |error| format!("{path}: {error}")
}
