//! Builds the sandbox's root and makes it `/`.
//!
//! Runs in the new process, in a mount namespace of its own; must never mount anything that
//! propagates to the host, so the first step is to make all mounts private. Called from [`super`].

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::Mode;
use nix::unistd::{chdir, pivot_root};

use super::Failure;
use super::lay::{lay, replace_file, resolve};
use crate::files;

/// What is not taken from the host as the other directories are.
const SPECIAL: [&str; 5] = ["/proc", "/sys", "/dev", "/run", "/tmp"];
/// Mounted files (Docker's `/etc/hosts`) are copied, if they are no larger than this.
const LARGEST_COPY: u64 = 1 << 20;

/// Builds the root and goes there. `mapped`: in a user namespace of our own.
pub(super) fn enter(
    lower: &[PathBuf],
    setup: &dyn Fn(&Path) -> io::Result<()>,
    mapped: bool,
) -> Result<(), Failure> {
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .map_err(Failure::at("make all mounts private"))?;
    let mut builder = Builder::start(lower, mapped)?;
    builder.lay_out()?;
    for (tree, path) in builder.trees.iter().zip(lower) {
        lay(&by_fd(tree), &builder.root).map_err(|failure| Failure {
            // The descriptor's name says nothing to the user.
            step: failure.step.replace(
                &by_fd(tree).display().to_string(),
                &path.display().to_string(),
            ),
            source: failure.source,
        })?;
    }
    setup(&builder.root).map_err(Failure::at("put our own files into the new root"))?;
    builder.mount_rest()?;
    builder.pivot()
}

struct Builder {
    /// Opened before anything is mounted over the place where they are.
    trees: Vec<OwnedFd>,
    /// The host's mount points, shorter paths first.
    mounts: Vec<PathBuf>,
    /// Host directories to be bound when the trees have been laid: not before, or a tree would be
    /// copied into the host's file systems.
    deferred: Vec<PathBuf>,
    /// A tmpfs that holds the upper layers and the mount point of the new root.
    scratch: PathBuf,
    root: PathBuf,
    mapped: bool,
    layers: u32,
    /// The host's resolv.conf, when it is a link into `/run`, which will be empty.
    resolver: Option<(PathBuf, Vec<u8>)>,
}

impl Builder {
    fn start(lower: &[PathBuf], mapped: bool) -> Result<Self, Failure> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut trees = Vec::new();
        for path in lower {
            let step = Failure::at(format!("open the tree {}", path.display()));
            trees.push(open(path, flags, Mode::empty()).map_err(step)?);
        }
        let table = "/proc/self/mountinfo";
        let mounts = parse_mounts(&fs::read(table).map_err(Failure::at(format!("read {table}")))?);
        // The new root has a /run of its own, so the host's is not needed any more.
        let scratch = PathBuf::from(if Path::new("/run").is_dir() {
            "/run"
        } else {
            "/mnt"
        });
        let resolver = fs::canonicalize("/etc/resolv.conf")
            .ok()
            .filter(|path| path.starts_with("/run"))
            .and_then(|path| fs::read(&path).ok().map(|bytes| (path, bytes)));
        mount_tmpfs(&scratch, "mode=755")?;
        let root = scratch.join("root");
        files::make_dir(&root, 0o755).map_err(Failure::at("make the new root"))?;
        let deferred = Vec::new();
        Ok(Self {
            trees,
            mounts,
            deferred,
            scratch,
            root,
            mapped,
            layers: 0,
            resolver,
        })
    }

    /// Everything that the trees may be laid over.
    fn lay_out(&mut self) -> Result<(), Failure> {
        let root = self.root.clone();
        match self.overlay(Path::new("/"), &root) {
            Ok(()) => self.add_mounts(),
            // Refused over a directory with mounts below that belong to another user namespace.
            Err(error) if self.mapped && error.raw_os_error() == Some(libc::EINVAL) => {
                mount_tmpfs(&root, "mode=755")?;
                self.compose(Path::new("/"), &root);
            }
            Err(error) => {
                return Err(Failure::at("mount an overlay over the host's root")(error));
            }
        }
        for path in SPECIAL {
            let path = self.inside(Path::new(path));
            if !path.is_dir() {
                let step = Failure::at(format!("make {}", path.display()));
                files::make_dir(&path, 0o755).map_err(step)?;
            }
        }
        mount_tmpfs(&self.inside(Path::new("/run")), "mode=755")?;
        if let Some((path, bytes)) = &self.resolver {
            let path = self.inside(path);
            // Best effort: without it the sandbox has no name resolution, and no worse.
            let _no_names = path.parent().map(fs::create_dir_all);
            let _no_names = fs::write(&path, bytes);
        }
        Ok(())
    }

    /// The mounts below an overlay that does not show them.
    fn add_mounts(&mut self) {
        for host in self.mounts.clone() {
            let taken = self.deferred.iter().any(|bound| host.starts_with(bound));
            if taken || self.is_special(&host) {
                continue;
            }
            let target = self.inside(&host);
            if host.is_dir() {
                self.attach(&host, &target);
            } else {
                copy_small(&host, &target);
            }
        }
    }

    /// Puts a directory together from its entries. Best effort: what the user may not read is
    /// missing inside.
    fn compose(&mut self, host: &Path, target: &Path) {
        let Ok(entries) = fs::read_dir(host) else {
            return;
        };
        for entry in entries.flatten() {
            let (source, target) = (entry.path(), target.join(entry.file_name()));
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if self.is_special(&source) {
                continue;
            }
            if kind.is_dir() {
                self.attach(&source, &target);
            } else if kind.is_symlink() {
                let _missing =
                    fs::read_link(&source).and_then(|to| std::os::unix::fs::symlink(to, &target));
            } else {
                copy_small(&source, &target);
            }
        }
    }

    /// One host directory. Best effort, but never the host's own directory where a tree goes.
    fn attach(&mut self, host: &Path, target: &Path) {
        if !target.is_dir() {
            let mode = fs::metadata(host).map_or(0o755, |metadata| metadata.permissions().mode());
            let _missing = files::make_dir(target, mode);
        }
        let is_mount = self.mounts.iter().any(|mount| mount == host);
        let has_mounts = self
            .mounts
            .iter()
            .any(|mount| mount != host && mount.starts_with(host));
        if is_mount && !self.tree_has(host) {
            self.deferred.push(host.to_owned());
        } else if self.mapped && has_mounts {
            self.compose(host, target);
        } else if self.overlay(host, target).is_err() && is_mount {
            self.deferred.push(host.to_owned());
        }
    }

    /// An overlay at `target` with `host` below and a new directory of the scratch above. The
    /// options name descriptors and our own directories only, so nothing in them needs escaping.
    fn overlay(&mut self, host: &Path, target: &Path) -> io::Result<()> {
        self.layers += 1;
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let lower = open(host, flags, Mode::empty())?;
        let upper = self.scratch.join(format!("upper{}", self.layers));
        let work = self.scratch.join(format!("work{}", self.layers));
        let metadata = fs::metadata(by_fd(&lower))?;
        // The overlay's root has the owner and mode of the upper directory.
        files::make_dir(&upper, metadata.permissions().mode())?;
        // An owner that is not mapped in this user namespace cannot be given.
        let _unmapped = files::chown(&upper, Some(metadata.uid()), Some(metadata.gid()));
        files::make_dir(&work, 0o700)?;
        let options = format!(
            "lowerdir={},upperdir={},workdir={}{}",
            by_fd(&lower).display(),
            upper.display(),
            work.display(),
            if self.mapped { ",userxattr" } else { "" },
        );
        let kind = Some("overlay");
        Ok(mount(
            kind,
            target,
            kind,
            MsFlags::empty(),
            Some(options.as_str()),
        )?)
    }

    fn mount_rest(&self) -> Result<(), Failure> {
        for host in &self.deferred {
            // A tree may have made a link of something on the way there; stay inside.
            let Ok(target) = resolve(&self.root, host) else {
                continue;
            };
            let _missing = bind(host, &target);
        }
        for (host, needed) in [("/dev", true), ("/tmp", true), ("/sys", false)] {
            let result = bind(Path::new(host), &self.inside(Path::new(host)));
            if needed {
                result.map_err(Failure::at(format!("bind the host's {host}")))?;
            }
        }
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        let (kind, none): (_, Option<&str>) = (Some("proc"), None);
        mount(kind, &self.inside(Path::new("/proc")), kind, flags, none)
            .map_err(Failure::at("mount a proc of its own on /proc"))
    }

    /// The old root is put over the new one and taken away again, so it needs no directory of its
    /// own (pivot_root(2)).
    fn pivot(&self) -> Result<(), Failure> {
        chdir(&self.root).map_err(Failure::at("change to the new root"))?;
        pivot_root(".", ".").map_err(Failure::at("make it the root"))?;
        umount2(".", MntFlags::MNT_DETACH).map_err(Failure::at("unmount the host's root"))?;
        chdir("/").map_err(Failure::at("change to /"))
    }

    fn inside(&self, host: &Path) -> PathBuf {
        self.root.join(host.strip_prefix("/").unwrap_or(host))
    }

    fn tree_has(&self, host: &Path) -> bool {
        let path = host.strip_prefix("/").unwrap_or(host);
        self.trees
            .iter()
            .any(|tree| by_fd(tree).join(path).is_dir())
    }

    fn is_special(&self, host: &Path) -> bool {
        host == Path::new("/")
            || host.starts_with(&self.scratch)
            || SPECIAL.iter().any(|special| host.starts_with(special))
    }
}

fn by_fd(fd: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()))
}

fn mount_tmpfs(path: &Path, options: &str) -> Result<(), Failure> {
    let kind = Some("tmpfs");
    mount(
        kind,
        path,
        kind,
        MsFlags::MS_NOSUID | MsFlags::MS_NODEV,
        Some(options),
    )
    .map_err(Failure::at(format!("mount a tmpfs on {}", path.display())))
}

fn bind(host: &Path, target: &Path) -> Result<(), Errno> {
    let none: Option<&str> = None;
    mount(
        Some(host),
        target,
        none,
        MsFlags::MS_BIND | MsFlags::MS_REC,
        none,
    )
}

/// Best effort.
fn copy_small(source: &Path, target: &Path) {
    let small = |metadata: fs::Metadata| metadata.is_file() && metadata.len() <= LARGEST_COPY;
    if fs::metadata(source).is_ok_and(small) {
        let _missing = replace_file(source, target);
    }
}

/// The mount points in `/proc/self/mountinfo` (proc_pid_mountinfo(5)), each once, parents first.
fn parse_mounts(table: &[u8]) -> Vec<PathBuf> {
    let mut points: Vec<PathBuf> = table
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.split(|byte| *byte == b' ').nth(4))
        .map(|field| PathBuf::from(std::ffi::OsString::from_vec(unescape(field))))
        .filter(|path| path.is_absolute())
        .collect();
    points.sort();
    points.dedup();
    points
}

/// Space, tab, newline and backslash are written as three octal digits after a backslash.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_digits| *first == b'\\');
        let code = octal
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_unescaped_and_parents_come_first() {
        let table = b"30 1 8:1 / /home/a\\040b\\134c rw - ext4 /dev/sda1 rw\n\
            31 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
            32 1 8:1 / /home rw shared:1 - ext4 /dev/sda1 rw\n\
            33 1 8:1 / /home rw - ext4 /dev/sda1 rw\n\
            broken\n34 1 8:1 / relative rw\n35 1 8:1 / /x\\9 rw\n";
        let expected = ["/", "/home", "/home/a b\\c", "/x\\9"];
        assert_eq!(parse_mounts(table), expected.map(PathBuf::from));
    }
}
