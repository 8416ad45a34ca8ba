//! Extended regular expressions of POSIX, by the C library's regcomp(3): the very meaning that the
//! programs of s6 give them.
//!
//! Called from applets, never from the daemon: an expression can take any time to match.

use std::ffi::CString;
use std::mem::MaybeUninit;

/// A compiled expression.
#[derive(Debug)]
pub struct Regex {
    compiled: Box<libc::regex_t>,
    /// How many sub-expressions it has; the C library keeps its own count to itself.
    groups: usize,
}

// SAFETY: a compiled expression belongs to nobody's thread: regcomp(3) makes plain memory, and regexec(3)
// locks it while it matches.
unsafe impl Send for Regex {}

/// How an expression is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kind {
    /// A basic expression; else an extended one.
    pub basic: bool,
    /// Upper and lower case are the same.
    pub insensitive: bool,
}

impl Regex {
    /// Compiles an expression; the C library's words when it is none.
    ///
    /// # Errors
    /// What is wrong with the expression, as regerror(3) puts it.
    pub fn new(expression: &[u8], kind: Kind) -> Result<Self, String> {
        let groups = groups(expression, kind.basic);
        let expression = CString::new(expression).map_err(|_nul| "a NUL byte in it".to_owned())?;
        let mut compiled = Box::new(MaybeUninit::<libc::regex_t>::zeroed());
        let mut flags = 0;
        if !kind.basic {
            flags |= libc::REG_EXTENDED;
        }
        if kind.insensitive {
            flags |= libc::REG_ICASE;
        }
        // SAFETY: `compiled` is writable memory for one regex_t, and `expression` a C string.
        let result = unsafe { libc::regcomp(compiled.as_mut_ptr(), expression.as_ptr(), flags) };
        if result != 0 {
            return Err(message(result, &compiled));
        }
        // SAFETY: regcomp has succeeded, so it is initialised. It stays in its box.
        let compiled = unsafe { compiled.assume_init() };
        Ok(Self { compiled, groups })
    }

    /// Whether it matches anywhere in `text`, of which what follows a NUL byte does not count.
    #[must_use]
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.find(text).is_some()
    }

    /// Whether it matches anywhere in `text`, a NUL byte being a byte like others. Nothing is copied:
    /// for those who ask for each line of a stream.
    #[must_use]
    pub fn is_match_in_place(&self, text: &[u8]) -> bool {
        let Ok(end) = libc::regoff_t::try_from(text.len()) else {
            return false;
        };
        let mut place = libc::regmatch_t {
            rm_so: 0,
            rm_eo: end,
        };
        // SAFETY: the expression is compiled; with REG_STARTEND the text is not read beyond the end
        // that `place` tells, so that it needs no NUL; nothing is written with zero places.
        let result = unsafe {
            libc::regexec(
                &raw const *self.compiled,
                text.as_ptr().cast(),
                0,
                &raw mut place,
                libc::REG_STARTEND,
            )
        };
        result == 0
    }

    /// Where it matches in `text`: the whole match, and each of its sub-expressions, which is empty
    /// where it has no part in the match. What follows a NUL byte does not count.
    #[must_use]
    pub fn find<'t>(&self, text: &'t [u8]) -> Option<Vec<&'t [u8]>> {
        let end = text.iter().position(|byte| *byte == 0);
        let text = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
        let c_text = CString::new(text).ok()?;
        let unset = libc::regmatch_t {
            rm_so: -1,
            rm_eo: -1,
        };
        let mut places = vec![unset; self.groups.saturating_add(1)];
        // SAFETY: the expression is compiled, `c_text` a C string, and `places` has as many elements
        // as are told.
        let result = unsafe {
            libc::regexec(
                &raw const *self.compiled,
                c_text.as_ptr(),
                places.len(),
                places.as_mut_ptr(),
                0,
            )
        };
        let part = |place: &libc::regmatch_t| {
            let start = usize::try_from(place.rm_so).ok()?;
            text.get(start..usize::try_from(place.rm_eo).ok()?)
        };
        (result == 0).then(|| {
            let parts = places.iter().map(|place| part(place).unwrap_or_default());
            parts.collect()
        })
    }
}

impl Drop for Regex {
    fn drop(&mut self) {
        // SAFETY: it was compiled by regcomp and is freed once.
        unsafe { libc::regfree(&raw mut *self.compiled) };
    }
}

/// How many sub-expressions an expression has, if it is one.
fn groups(expression: &[u8], basic: bool) -> usize {
    let mut count = 0;
    let mut rest = expression;
    loop {
        rest = match rest {
            [] => return count,
            [b'\\', b'(', rest @ ..] if basic => {
                count += 1;
                rest
            }
            [b'\\', _, rest @ ..] => rest,
            [b'(', rest @ ..] if !basic => {
                count += 1;
                rest
            }
            [b'[', rest @ ..] => after_bracket(rest),
            [_, rest @ ..] => rest,
        };
    }
}

/// What follows a bracket expression whose opening bracket has been taken.
fn after_bracket(bracket: &[u8]) -> &[u8] {
    let mut rest = match bracket {
        [b'^', b']', rest @ ..] | [b']', rest @ ..] | [b'^', rest @ ..] => rest,
        rest => rest,
    };
    loop {
        rest = match rest {
            [] => return rest,
            [b']', rest @ ..] => return rest,
            [b'[', kind @ (b':' | b'.' | b'='), inner @ ..] => {
                let end = inner.windows(2).position(|pair| pair == [*kind, b']']);
                end.and_then(|end| inner.get(end + 2..)).unwrap_or_default()
            }
            [_, rest @ ..] => rest,
        };
    }
}

/// What an error of regcomp(3) says.
fn message(error: i32, compiled: &MaybeUninit<libc::regex_t>) -> String {
    let mut text = [0_u8; 128];
    // SAFETY: `compiled` was given to regcomp, and `text` is writable for its whole length.
    unsafe {
        libc::regerror(
            error,
            compiled.as_ptr(),
            text.as_mut_ptr().cast(),
            text.len(),
        )
    };
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(0);
    String::from_utf8_lossy(text.get(..end).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extended(expression: &str) -> Regex {
        Regex::new(expression.as_bytes(), Kind::default()).unwrap()
    }

    #[test]
    fn expressions_are_not_anchored() {
        let matches = |expression: &str, text: &str| extended(expression).is_match(text.as_bytes());
        assert!(matches("a.c", "xabcx"));
        assert!(matches("^(u|d)+$", "udud"));
        assert!(!matches("^(u|d)+$", "udx"));
        assert!(matches("[[:digit:]]{2}", "a12"));
        assert!(!matches("z", ""));
    }

    #[test]
    fn text_is_matched_in_place_up_to_its_end() {
        let matches = |expression: &str, text: &[u8]| extended(expression).is_match_in_place(text);
        assert!(matches("b$", &b"abc"[..2]));
        assert!(!matches("c", &b"abc"[..2]));
        assert!(matches("", b""));
        assert!(matches("^$", b""));
        assert!(!matches("x", b""));
        assert!(matches("c", b"a\0c"));
        assert!(matches("a", b"\xffa"));
    }

    #[test]
    fn kinds_differ() {
        let matches = |basic, insensitive, text: &str| {
            let kind = Kind { basic, insensitive };
            let regex = Regex::new(b"^a+$", kind).unwrap();
            regex.is_match(text.as_bytes())
        };
        assert!(matches(false, false, "aa"));
        assert!(!matches(true, false, "aa"));
        assert!(matches(true, false, "a+"));
        assert!(matches(false, true, "aA"));
    }

    #[test]
    fn parts_are_told() {
        let found = extended("(fo+)(x)?(.*)").find(b"-foobar").unwrap();
        assert_eq!(found, [&b"foobar"[..], b"foo", b"", b"bar"]);
        assert_eq!(extended("x").find(b"a\0x"), None);
    }

    #[test]
    fn sub_expressions_are_counted() {
        for (expression, basic, wanted) in [
            ("(a)(b(c))", false, 3),
            ("\\(a)", false, 0),
            ("[(]([])(])", false, 1),
            ("[^])(](x)[[:digit:](]", false, 1),
            ("[[.(.](](x)", false, 1),
            ("(a)\\(b\\)", true, 1),
            ("[[:x", false, 0),
        ] {
            assert_eq!(groups(expression.as_bytes(), basic), wanted, "{expression}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused_with_a_reason() {
        for wrong in [&b"["[..], b"(", b"a\0b", b"*("] {
            let reason = Regex::new(wrong, Kind::default()).unwrap_err();
            assert!(!reason.is_empty(), "{wrong:?}");
        }
    }
}
