//! What an image gains with each peer: files, links and bytes.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sixfold_integration_tests::bench::peers::Peer;
use sixfold_integration_tests::bench::results::Metric;

use crate::Bench;
use crate::image::said;
use crate::packages::files;

/// A number of files, of links, and of bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    files: u32,
    links: u32,
    bytes: u64,
}

/// The packages alone, and with what they need.
const ALONE: &str = "alone";
const WHOLE: &str = "with what it needs";
/// What s6-overlay has in a root.
const OVERLAY: [&str; 4] = ["init", "package", "command", "etc/s6-overlay"];

/// Counts for each peer.
pub(crate) fn run(bench: &mut Bench) {
    for peer in bench.peers.clone() {
        let sizes = sizes(bench, peer);
        if let Ok(sizes) = &sizes {
            for (case, size) in sizes {
                bench.add(Metric::SizeFiles, case, peer, 0, f64::from(size.files));
                let kilobytes = u32::try_from(size.bytes / 1000).unwrap_or(u32::MAX);
                bench.add(Metric::SizeBytes, case, peer, 0, f64::from(kilobytes));
                if *case == WHOLE {
                    bench.add(Metric::SizeFiles, "links", peer, 0, f64::from(size.links));
                }
            }
        }
        bench.note("size", peer, sizes.map(drop));
    }
}

fn sizes(bench: &Bench, peer: Peer) -> Result<Vec<(&'static str, Size)>, String> {
    if let Some(package) = peer.package() {
        let packages = &bench.packages;
        let alone = std::iter::once(package.to_owned()).collect();
        let base = packages.base();
        let whole = packages.closure([package]);
        let whole = whole.difference(&base).cloned().collect();
        return Ok(vec![
            (ALONE, of(files(&alone)?)?),
            (WHOLE, of(files(&whole)?)?),
        ]);
    }
    let layers = bench.layers.of(peer);
    let size = match (peer, layers.get(1)) {
        (Peer::Sixfold, Some(root)) => of(below(root)?)?,
        (Peer::S6Overlay, Some(root)) => {
            let mut paths = Vec::new();
            for name in OVERLAY {
                let path = root.join(name);
                if path.is_dir() && !path.is_symlink() {
                    paths.extend(below(&path)?);
                } else {
                    paths.push(path);
                }
            }
            of(paths)?
        }
        _ => return Ok(Vec::new()),
    };
    Ok(vec![(ALONE, size), (WHOLE, size)])
}

fn of(paths: Vec<PathBuf>) -> Result<Size, String> {
    let mut size = Size::default();
    for path in paths {
        let metadata = path.symlink_metadata().map_err(said(&path))?;
        if metadata.is_symlink() {
            size.links += 1;
        } else {
            size.files += 1;
            size.bytes += metadata.size();
        }
    }
    Ok(size)
}

fn below(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(said(dir))? {
        let path = entry.map_err(said(dir))?.path();
        if path.is_dir() && !path.is_symlink() {
            paths.extend(below(&path)?);
        } else {
            paths.push(path);
        }
    }
    Ok(paths)
}
