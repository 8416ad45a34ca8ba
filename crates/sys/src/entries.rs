//! What a directory holds, read by getdents64(2): opendir(3) asks the kernel for three more things and
//! the heap for 32 KiB each time, and a supervisor lists two directories for whatever happens to a
//! service. Called from `directory`.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;

use crate::check::retry;

/// The start of a `linux_dirent64`: inode, offset, length, kind.
const HEAD: usize = 19;
/// Where in it its length is.
const LENGTH: usize = 16;
/// Where in it the kind is.
const KIND: usize = 18;

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The name.
    pub name: OsString,
    /// The listing says that it is a directory. File systems need not say so.
    pub is_dir: bool,
}

/// As much as is read at once; the kernel fills it with whole entries.
#[repr(align(8))]
struct Buffer([u8; 4096]);

/// What `directory` holds from where its descriptor stands, without `.` and `..`.
pub(crate) fn rest(directory: impl AsFd) -> io::Result<Vec<Listed>> {
    let mut buffer = Buffer([0; 4096]);
    let mut listed = Vec::new();
    loop {
        let count = retry(|| fill(directory.as_fd(), &mut buffer))?;
        if count == 0 {
            return Ok(listed);
        }
        parse(buffer.0.get(..count).unwrap_or_default(), &mut listed);
    }
}

fn fill(directory: BorrowedFd<'_>, buffer: &mut Buffer) -> io::Result<usize> {
    // SAFETY: the buffer is ours for the call, and as long as it is said to be.
    let count = unsafe {
        libc::syscall(
            libc::SYS_getdents64,
            directory.as_raw_fd(),
            buffer.0.as_mut_ptr(),
            buffer.0.len(),
        )
    };
    usize::try_from(count).map_err(|_negative| io::Error::last_os_error())
}

/// Adds what the entries in `bytes` name.
fn parse(mut bytes: &[u8], listed: &mut Vec<Listed>) {
    while let Some((entry, rest)) = split(bytes) {
        bytes = rest;
        let name = entry.get(HEAD..).unwrap_or_default();
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        if !matches!(name, b"" | b"." | b"..") {
            listed.push(Listed {
                name: OsStr::from_bytes(name).to_owned(),
                is_dir: entry.get(KIND) == Some(&libc::DT_DIR),
            });
        }
    }
}

/// The first entry of `bytes`, and what follows it.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = bytes.get(LENGTH..LENGTH + 2)?.try_into().ok()?;
    let length = usize::from(u16::from_ne_bytes(length));
    // One without a length would never end.
    (length > HEAD).then(|| bytes.split_at_checked(length))?
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;
    use crate::directory::Directory;

    fn entry(name: &[u8], kind: u8) -> Vec<u8> {
        let mut bytes = vec![0; HEAD];
        bytes.extend_from_slice(name);
        bytes.resize(
            bytes.len().next_multiple_of(8).max(HEAD + name.len() + 1),
            0,
        );
        let length = u16::try_from(bytes.len()).unwrap();
        bytes[LENGTH..LENGTH + 2].copy_from_slice(&length.to_ne_bytes());
        bytes[KIND] = kind;
        bytes
    }

    fn parsed(bytes: &[u8]) -> Vec<Listed> {
        let mut listed = Vec::new();
        parse(bytes, &mut listed);
        listed
    }

    #[test]
    fn entries_are_names_and_whether_they_are_directories() {
        let bytes = [
            entry(b".", libc::DT_DIR),
            entry(b"..", libc::DT_DIR),
            entry(b"run", libc::DT_REG),
            entry(b"\xff", libc::DT_UNKNOWN),
            entry(b"event", libc::DT_DIR),
        ];
        let listed = |name: &[u8], is_dir| Listed {
            name: OsStr::from_bytes(name).to_owned(),
            is_dir,
        };
        let wanted = [
            listed(b"run", false),
            listed(b"\xff", false),
            listed(b"event", true),
        ];
        assert_eq!(parsed(&bytes.concat()), wanted);
    }

    #[test]
    fn what_is_cut_short_or_has_no_length_ends_it() {
        let bytes = entry(b"run", libc::DT_REG);
        assert_eq!(parsed(&bytes[..bytes.len() - 1]), []);
        assert_eq!(parsed(&bytes[..LENGTH]), []);
        assert_eq!(parsed(&[0; 64]), []);
        assert_eq!(parsed(b""), []);
    }

    #[test]
    fn more_than_fits_at_once_is_read_whole_and_again() {
        let root = tempfile::tempdir().unwrap();
        let names: BTreeSet<String> = (0..300).map(|n| format!("{n:0>40}")).collect();
        for name in &names {
            fs::write(root.path().join(name), "").unwrap();
        }
        fs::create_dir(root.path().join("dir")).unwrap();
        let directory = Directory::open(root.path()).unwrap();
        for _ in 0..2 {
            let (dirs, files): (Vec<_>, Vec<_>) = directory
                .list()
                .unwrap()
                .into_iter()
                .partition(|it| it.is_dir);
            assert_eq!(dirs.len(), 1);
            let found: BTreeSet<_> = files
                .into_iter()
                .map(|it| it.name.into_string().unwrap())
                .collect();
            assert_eq!(found, names);
        }
    }
}
