//! The environment that this process was given, entry by entry: std leaves out what has no name.
//!
//! Called once, at the start of an applet.

use std::ffi::{CStr, c_char};

unsafe extern "C" {
    /// environ(7)
    static environ: *const *const c_char;
}

/// Each entry (`NAME=VALUE`), in order.
#[must_use]
pub fn entries() -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    // SAFETY: nothing in this process changes the variable or what it points to.
    let mut next = unsafe { environ };
    while !next.is_null() {
        // SAFETY: it points into an array that a null pointer ends, and that has not been seen yet.
        let entry = unsafe { *next };
        if entry.is_null() {
            break;
        }
        // SAFETY: each entry is a C string.
        let entry = unsafe { CStr::from_ptr(entry) };
        entries.push(entry.to_bytes().to_vec());
        // SAFETY: there is one more, if only the null pointer.
        next = unsafe { next.add(1) };
    }
    entries
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn there_is_all_that_std_finds() {
        let entries = entries();
        for (name, value) in std::env::vars_os() {
            let entry = [name.as_bytes(), b"=", value.as_bytes()].concat();
            assert!(entries.contains(&entry), "{name:?}");
        }
    }
}
