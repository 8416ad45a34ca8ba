//! Patterns of the shell, by the C library's glob(3) and fnmatch(3): the very meaning that execline
//! gives them, on paths of any bytes.
//!
//! Called from applets, never from the daemon: a pattern can read any number of directories.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};
use std::io;
use std::mem::MaybeUninit;

use crate::check::invalid;

/// How paths are searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct How {
    /// A directory that cannot be read is the end; else it is passed over.
    pub strict: bool,
    /// The result is in order.
    pub sorted: bool,
    /// Directories get a slash behind.
    pub marks: bool,
    /// A backslash is no escape.
    pub no_escape: bool,
}

/// What a search has found.
#[derive(Debug, Default)]
pub struct Search {
    /// The paths that match, none perhaps.
    pub paths: Vec<Vec<u8>>,
    /// Directories that could not be read, with the reason.
    pub unreadable: Vec<(Vec<u8>, io::Error)>,
}

/// Searches for the paths that match `pattern`. With [`How::strict`] the search ends at the first
/// directory that cannot be read.
///
/// # Errors
/// `InvalidInput` for a pattern with a NUL byte; ENOMEM.
pub fn search(pattern: &[u8], how: How) -> io::Result<Search> {
    let pattern = CString::new(pattern).map_err(|_nul| invalid())?;
    let mut flags = 0;
    for (is_set, flag) in [
        (how.strict, libc::GLOB_ERR),
        (!how.sorted, libc::GLOB_NOSORT),
        (how.marks, libc::GLOB_MARK),
        (how.no_escape, libc::GLOB_NOESCAPE),
    ] {
        if is_set {
            flags |= flag;
        }
    }
    UNREADABLE.take();
    let mut found = Found(MaybeUninit::zeroed());
    // SAFETY: the pattern is a C string, `found` memory for a glob_t, zeroed as glob wants it, and the
    // function one that takes what glob gives.
    let result = unsafe {
        libc::glob(
            pattern.as_ptr(),
            flags,
            Some(remember),
            found.0.as_mut_ptr(),
        )
    };
    let paths = match result {
        0 => found.paths(),
        libc::GLOB_NOMATCH | libc::GLOB_ABORTED => Vec::new(),
        _ => return Err(io::Error::from_raw_os_error(libc::ENOMEM)),
    };
    let unreadable = UNREADABLE.take();
    Ok(Search { paths, unreadable })
}

thread_local! {
    /// What the search that is under way could not read: glob(3) passes nothing of ours on.
    static UNREADABLE: RefCell<Vec<(Vec<u8>, io::Error)>> = const { RefCell::new(Vec::new()) };
}

/// Is told by glob what cannot be read; whether that is the end is for its flags to say.
extern "C" fn remember(path: *const c_char, error: i32) -> i32 {
    // SAFETY: glob gives a C string that lives during the call.
    let path = unsafe { CStr::from_ptr(path) }.to_bytes().to_vec();
    let error = io::Error::from_raw_os_error(error);
    UNREADABLE.with_borrow_mut(|unreadable| unreadable.push((path, error)));
    0
}

/// What glob has allocated, freed in the end.
struct Found(MaybeUninit<libc::glob_t>);

impl Found {
    /// To be called after glob has succeeded.
    fn paths(&self) -> Vec<Vec<u8>> {
        // SAFETY: glob has filled it, and zeroes are valid too.
        let found = unsafe { self.0.assume_init_ref() };
        let paths = (0..found.gl_pathc).map(|index| {
            // SAFETY: gl_pathv has gl_pathc pointers.
            let path = unsafe { found.gl_pathv.add(index) };
            // SAFETY: as above.
            let path = unsafe { *path };
            // SAFETY: each is a C string that lives until globfree.
            let path = unsafe { CStr::from_ptr(path) };
            path.to_bytes().to_vec()
        });
        paths.collect()
    }
}

impl Drop for Found {
    fn drop(&mut self) {
        // SAFETY: zeroed, or filled by glob, whatever that returned; freed once.
        unsafe { libc::globfree(self.0.as_mut_ptr()) };
    }
}

/// How a text is compared with a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Comparison {
    /// A backslash is no escape.
    pub no_escape: bool,
    /// A leading period has to be matched by a period.
    pub period: bool,
    /// A slash has to be matched by a slash.
    pub pathname: bool,
}

/// Whether the whole of `text` matches `pattern`.
///
/// # Errors
/// `InvalidInput` for a pattern or text with a NUL byte, or a pattern that makes no sense.
pub fn matches(pattern: &[u8], text: &[u8], how: Comparison) -> io::Result<bool> {
    let pattern = CString::new(pattern).map_err(|_nul| invalid())?;
    let text = CString::new(text).map_err(|_nul| invalid())?;
    let mut flags = 0;
    for (is_set, flag) in [
        (how.no_escape, libc::FNM_NOESCAPE),
        (how.period, libc::FNM_PERIOD),
        (how.pathname, libc::FNM_PATHNAME),
    ] {
        if is_set {
            flags |= flag;
        }
    }
    // SAFETY: both are C strings.
    match unsafe { libc::fnmatch(pattern.as_ptr(), text.as_ptr(), flags) } {
        0 => Ok(true),
        libc::FNM_NOMATCH => Ok(false),
        _ => Err(invalid()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn paths_are_found_whatever_their_bytes() {
        let dir = tempfile::tempdir().unwrap();
        for name in [&b"b"[..], b"a\xff", b".hidden"] {
            std::fs::write(dir.path().join(std::ffi::OsStr::from_bytes(name)), "").unwrap();
        }
        std::fs::create_dir(dir.path().join("c")).unwrap();
        let pattern = |name: &[u8]| [dir.path().as_os_str().as_bytes(), b"/", name].concat();
        let how = How {
            sorted: true,
            marks: true,
            ..How::default()
        };
        let found = search(&pattern(b"*"), how).unwrap().paths;
        assert_eq!(found, [pattern(b"a\xff"), pattern(b"b"), pattern(b"c/")]);
        assert!(search(&pattern(b"z*"), how).unwrap().paths.is_empty());
        assert!(search(b"a\0", how).is_err());
    }

    #[test]
    fn comparisons_have_their_flags() {
        let plain = Comparison::default();
        assert!(matches(b"*", b".a/b", plain).unwrap());
        assert!(!matches(b"a?", b"a", plain).unwrap());
        assert!(matches(b"\\*", b"*", plain).unwrap());
        let no_escape = Comparison {
            no_escape: true,
            ..plain
        };
        assert!(matches(b"\\*", b"\\x", no_escape).unwrap());
        let period = Comparison {
            period: true,
            ..plain
        };
        assert!(!matches(b"*", b".a", period).unwrap());
        let pathname = Comparison {
            pathname: true,
            ..plain
        };
        assert!(!matches(b"*", b"a/b", pathname).unwrap());
    }
}
