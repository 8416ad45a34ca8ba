//! Owners and modes of files, exact whatever the umask.
//!
//! Must never be used for a path in a directory that others can write to while we run as root: all
//! of these follow symbolic links, as chown(2) and chmod(2) do. Called from `fix-attrs`, the boot
//! stages and the installer.

use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::sys::stat::{Mode, SFlag, mknod};
use nix::sys::statvfs::FsFlags;
use nix::unistd::{AccessFlags, linkat};

/// Sets owner and group of what `path` leads to; `None` leaves one as it is.
///
/// # Errors
/// What chown(2) reports.
pub fn chown(path: &Path, uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
    std::os::unix::fs::chown(path, uid, gid)
}

/// Sets the mode (the lowest twelve bits) of what `path` leads to.
///
/// # Errors
/// What chmod(2) reports.
pub fn chmod(path: &Path, mode: u32) -> io::Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(mode & 0o7777))
}

/// Whether this user may execute what `path` leads to (access(2) with `X_OK`).
pub fn is_executable(path: &Path) -> bool {
    nix::unistd::access(path, AccessFlags::X_OK).is_ok()
}

/// Whether this user may read what `path` leads to (access(2) with `R_OK`).
pub fn is_readable(path: &Path) -> bool {
    nix::unistd::access(path, AccessFlags::R_OK).is_ok()
}

/// Whether this user may write to what `path` leads to (access(2) with `W_OK`).
pub fn is_writable(path: &Path) -> bool {
    nix::unistd::access(path, AccessFlags::W_OK).is_ok()
}

/// Whether programs in the directory may be executed as far as the file system it is on goes: it is
/// not mounted noexec. An error counts as yes; who tries will be told.
pub fn may_execute_in(dir: &Path) -> bool {
    nix::sys::statvfs::statvfs(dir)
        .map_or(true, |found| !found.flags().contains(FsFlags::ST_NOEXEC))
}

/// Sets the mask that new files' modes are stripped of, for this process and its children.
pub fn set_umask(mask: u32) {
    nix::sys::stat::umask(Mode::from_bits_truncate(mask));
}

/// The mask that new files' modes are stripped of.
#[must_use]
pub fn umask() -> u32 {
    // There is no call that only asks.
    let mask = nix::sys::stat::umask(Mode::empty());
    nix::sys::stat::umask(mask);
    mask.bits()
}

/// Makes a hard link at `path` to what `target` leads to, also through a symbolic link.
///
/// # Errors
/// What linkat(2) reports.
pub fn link_to_target(target: &Path, path: &Path) -> io::Result<()> {
    let follow = AtFlags::AT_SYMLINK_FOLLOW;
    Ok(linkat(AT_FDCWD, target, AT_FDCWD, path, follow)?)
}

/// Makes a FIFO, a socket or a device: the kind is in `mode`, of which the umask takes its part, and
/// which device it is, in `device`.
///
/// # Errors
/// What mknod(2) reports: EPERM for a device without the capability.
pub fn make_node(path: &Path, mode: u32, device: u64) -> io::Result<()> {
    let kind = SFlag::from_bits_truncate(mode & SFlag::S_IFMT.bits());
    Ok(mknod(path, kind, Mode::from_bits_truncate(mode), device)?)
}

/// Makes a directory with exactly this mode. One that exists is given the mode. The parent must
/// exist.
///
/// # Errors
/// `NotADirectory` when something else is there; what mkdir(2) and chmod(2) report.
pub fn make_dir(path: &Path, mode: u32) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if !path.is_dir() {
                return Err(io::ErrorKind::NotADirectory.into());
            }
        }
        Err(error) => return Err(error),
    }
    chmod(path, mode)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn directories_get_exactly_their_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("event");
        for mode in [0o1733, 0o700, 0o3777] {
            make_dir(&path, mode).unwrap();
            assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, mode);
        }
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(
            make_dir(&file, 0o700).unwrap_err().kind(),
            io::ErrorKind::NotADirectory
        );
        let orphan = dir.path().join("missing").join("child");
        assert_eq!(
            make_dir(&orphan, 0o700).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }

    #[test]
    fn owners_are_changed_through_links_and_absent_ones_kept() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let before = std::fs::metadata(&file).unwrap();
        chown(&link, None, None).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().uid(), before.uid());
        if !nix::unistd::geteuid().is_root() {
            assert!(
                std::env::var("CI").is_err(),
                "CI must run this test as root"
            );
            eprintln!("skipped in part: changing an owner needs root");
            return;
        }
        chown(&link, Some(12), None).unwrap();
        chown(&link, None, Some(34)).unwrap();
        let after = std::fs::metadata(&file).unwrap();
        assert_eq!((after.uid(), after.gid()), (12, 34));
        assert_eq!(
            std::fs::symlink_metadata(&link).unwrap().uid(),
            before.uid()
        );
    }
}
