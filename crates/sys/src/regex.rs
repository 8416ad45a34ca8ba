//! Extended regular expressions of POSIX, by the C library's regcomp(3): the very meaning that the
//! programs of s6 give them.
//!
//! Called from applets, never from the daemon: an expression can take any time to match.

use std::ffi::CString;
use std::mem::MaybeUninit;

/// A compiled expression.
#[derive(Debug)]
pub struct Regex(Box<libc::regex_t>);

impl Regex {
    /// Compiles an extended regular expression; `None` when it is none.
    pub fn new(expression: &[u8]) -> Option<Self> {
        let expression = CString::new(expression).ok()?;
        let mut compiled = Box::new(MaybeUninit::<libc::regex_t>::zeroed());
        let flags = libc::REG_EXTENDED | libc::REG_NOSUB;
        // SAFETY: `compiled` is writable memory for one regex_t, and `expression` a C string.
        let result = unsafe { libc::regcomp(compiled.as_mut_ptr(), expression.as_ptr(), flags) };
        if result != 0 {
            return None;
        }
        // SAFETY: regcomp has succeeded, so it is initialised. It stays in its box.
        let raw = unsafe { compiled.assume_init() };
        Some(Self(raw))
    }

    /// Whether it matches anywhere in `text`, of which what follows a NUL byte does not count.
    pub fn is_match(&self, text: &[u8]) -> bool {
        let end = text.iter().position(|byte| *byte == 0);
        let Ok(text) = CString::new(text.get(..end.unwrap_or(text.len())).unwrap_or_default())
        else {
            return false;
        };
        // SAFETY: the expression is compiled, `text` is a C string, and no positions are asked for.
        let result = unsafe {
            libc::regexec(
                &raw const *self.0,
                text.as_ptr(),
                0,
                std::ptr::null_mut(),
                0,
            )
        };
        result == 0
    }
}

impl Drop for Regex {
    fn drop(&mut self) {
        // SAFETY: it was compiled by regcomp and is freed once.
        unsafe { libc::regfree(&raw mut *self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_extended_and_not_anchored() {
        let matches = |expression: &str, text: &str| {
            Regex::new(expression.as_bytes())
                .unwrap()
                .is_match(text.as_bytes())
        };
        assert!(matches("a.c", "xabcx"));
        assert!(matches("^(u|d)+$", "udud"));
        assert!(!matches("^(u|d)+$", "udx"));
        assert!(matches("[[:digit:]]{2}", "a12"));
        assert!(!matches("z", ""));
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for wrong in [&b"["[..], b"(", b"a\0b", b"*("] {
            assert!(Regex::new(wrong).is_none(), "{wrong:?}");
        }
    }
}
