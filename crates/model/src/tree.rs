//! A directory, as it was at one moment: what the daemon reads from disk and this crate interprets.

#[cfg(test)]
pub(crate) mod any;

use std::collections::BTreeMap;
use std::ffi::OsString;

/// How many bytes of a file a snapshot carries at the most.
pub const HEAD_LIMIT: usize = 64 * 1024;

/// One directory. Names sort bytewise, as the scripts of s6-overlay sort them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    /// Every entry but `.` and `..`.
    pub entries: BTreeMap<OsString, Entry>,
    /// Which directory it is, as far as that was asked.
    pub identity: Option<Identity>,
}

/// What tells a directory from every other, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The number of the device.
    pub device: u64,
    /// The number of the inode on it.
    pub inode: u64,
}

/// What a name in a directory leads to, symbolic links followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A regular file.
    File(File),
    /// A directory; empty when it lies below the depth that the snapshot was asked for.
    Dir(Tree),
    /// A FIFO, socket or device.
    Special,
    /// A symbolic link that leads nowhere.
    Dangling,
    /// Something that could not be read, with the reason.
    Unreadable(String),
}

/// A regular file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its permission bits.
    pub mode: u32,
    /// Its size in bytes.
    pub size: u64,
    /// Its first bytes, at most [`HEAD_LIMIT`].
    pub head: Vec<u8>,
}
