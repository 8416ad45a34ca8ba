//! Mounting and unmounting, with the options that mount(8) names.
//!
//! Called from applets only.

use std::ffi::OsStr;
use std::io;

use nix::mount::{MsFlags, umount};

/// The flags of a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags(MsFlags);

impl Default for Flags {
    fn default() -> Self {
        Self(MsFlags::empty())
    }
}

/// nix does not name it.
const NOSYMFOLLOW: MsFlags = MsFlags::from_bits_retain(256);

/// Options that set a flag, and the options that clear it.
const OPTIONS: [(&str, &str, MsFlags); 16] = [
    ("bind", "nobind", MsFlags::MS_BIND),
    ("dirsync", "nodirsync", MsFlags::MS_DIRSYNC),
    ("lazytime", "nolazytime", MsFlags::MS_LAZYTIME),
    ("mandlock", "nomandlock", MsFlags::MS_MANDLOCK),
    ("move", "nomove", MsFlags::MS_MOVE),
    ("noatime", "atime", MsFlags::MS_NOATIME),
    ("nodev", "dev", MsFlags::MS_NODEV),
    ("nodiratime", "diratime", MsFlags::MS_NODIRATIME),
    ("noexec", "exec", MsFlags::MS_NOEXEC),
    ("nosuid", "suid", MsFlags::MS_NOSUID),
    ("nosymfollow", "symfollow", NOSYMFOLLOW),
    ("relatime", "norelatime", MsFlags::MS_RELATIME),
    ("ro", "rw", MsFlags::MS_RDONLY),
    ("silent", "loud", MsFlags::MS_SILENT),
    ("strictatime", "nostrictatime", MsFlags::MS_STRICTATIME),
    ("sync", "async", MsFlags::MS_SYNCHRONOUS),
];

/// How mounts are propagated: one of these.
const PROPAGATION: [(&str, MsFlags); 4] = [
    ("private", MsFlags::MS_PRIVATE),
    ("shared", MsFlags::MS_SHARED),
    ("slave", MsFlags::MS_SLAVE),
    ("unbindable", MsFlags::MS_UNBINDABLE),
];

impl Flags {
    /// Changes them as an option says; whether it is an option about flags.
    pub fn change(&mut self, option: &[u8]) -> bool {
        match option {
            b"remount" => self.0 |= MsFlags::MS_REMOUNT,
            b"defaults" => {
                self.0 -= MsFlags::MS_RDONLY
                    | MsFlags::MS_NOSUID
                    | MsFlags::MS_NODEV
                    | MsFlags::MS_NOEXEC
                    | MsFlags::MS_SYNCHRONOUS;
            }
            _ => return self.switch(option) || self.propagate(option),
        }
        true
    }

    fn switch(&mut self, option: &[u8]) -> bool {
        let is_it = |(set, clear, _): &&(&str, &str, MsFlags)| {
            set.as_bytes() == option || clear.as_bytes() == option
        };
        let found = OPTIONS.iter().find(is_it);
        if let Some((set, _, flag)) = found {
            self.0.set(*flag, set.as_bytes() == option);
        }
        found.is_some()
    }

    fn propagate(&mut self, option: &[u8]) -> bool {
        let found = PROPAGATION
            .iter()
            .find(|(name, _)| name.as_bytes() == option);
        if let Some((_, flag)) = found {
            for (_, other) in PROPAGATION {
                self.0 -= other;
            }
            self.0 |= *flag;
        }
        found.is_some()
    }
}

/// Mounts `device` on `place`; `data` is for the file system of this `kind`.
///
/// # Errors
/// What mount(2) reports.
pub fn mount(
    device: &OsStr,
    place: &OsStr,
    kind: &OsStr,
    flags: Flags,
    data: &[u8],
) -> io::Result<()> {
    Ok(nix::mount::mount(
        Some(device),
        place,
        Some(kind),
        flags.0,
        Some(data),
    )?)
}

/// Unmounts what was mounted last on `place`.
///
/// # Errors
/// What umount(2) reports.
pub fn unmount(place: &OsStr) -> io::Result<()> {
    Ok(umount(place)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(options: &[&str]) -> MsFlags {
        let mut flags = Flags::default();
        for option in options {
            assert!(flags.change(option.as_bytes()), "{option}");
        }
        flags.0
    }

    #[test]
    fn the_last_option_counts() {
        assert_eq!(flags(&["ro", "nodev", "rw"]), MsFlags::MS_NODEV);
        assert_eq!(
            flags(&["ro", "nosuid", "bind", "defaults"]),
            MsFlags::MS_BIND
        );
        assert_eq!(flags(&["shared", "private"]), MsFlags::MS_PRIVATE);
        assert_eq!(flags(&["remount", "noatime", "atime"]), MsFlags::MS_REMOUNT);
        assert!(!Flags::default().change(b"size=1m"));
    }
}
