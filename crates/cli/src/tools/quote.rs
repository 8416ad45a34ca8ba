//! Strings in quotes, as C has them, but for `\0xHH`: `0x` and two hexadecimal digits stand for a byte,
//! and `\0` for NUL.

/// The escapes for the bytes from 7 on.
const SPECIAL: &[u8; 7] = b"abtnvfr";

/// What ends a quoted string.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delimiters<'a>(&'a [u8]);

impl<'a> Delimiters<'a> {
    /// These bytes, any number of them; `None` where one is twice there, or means something after a
    /// backslash or by itself.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        let is_fit = |(at, byte): (usize, &u8)| {
            let is_printed = matches!(*byte, b' '..=b'~');
            let has_meaning = matches!(byte, b'\\' | b'0'..=b'9' | b'a'..=b'f')
                || matches!(byte, b'n' | b'r' | b't' | b'v' | b'x');
            let is_new = !bytes.iter().take(at).any(|before| before == byte);
            is_printed && !has_meaning && is_new
        };
        bytes.iter().enumerate().all(is_fit).then_some(Self(bytes))
    }

    /// The one to begin a string with.
    pub(super) fn first(self) -> Option<u8> {
        self.0.first().copied()
    }

    /// Whether this byte is one.
    pub(super) fn contains(self, byte: u8) -> bool {
        self.0.contains(&byte)
    }
}

/// Adds `bytes` to `quoted`, in a form that has only printable characters and, unescaped, no
/// delimiter.
pub(super) fn quote(bytes: &[u8], delimiters: Delimiters<'_>, quoted: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes.iter().copied() {
        let special = byte
            .checked_sub(7)
            .and_then(|at| SPECIAL.get(usize::from(at)));
        match (byte, special) {
            (_, Some(letter)) => quoted.extend([b'\\', *letter]),
            (b'\\', None) => quoted.extend(b"\\\\"),
            (b' '..=b'~', None) if delimiters.contains(byte) => quoted.extend([b'\\', byte]),
            (b' '..=b'~', None) => quoted.push(byte),
            (_, None) => {
                let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or(b'0');
                quoted.extend(b"\\0x");
                quoted.extend([digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
}

/// What was found in quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unquoted {
    /// The bytes that were meant.
    pub(super) bytes: Vec<u8>,
    /// Where the delimiter is that ends them; without one, the length.
    pub(super) end: usize,
}

/// What is wrong with a quoted string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It ends within an escape, at this place.
    Unfinished(usize),
    /// There is no such escape; the place is that of the first wrong byte.
    Escape(usize),
}

/// Reads a string up to a delimiter that is not escaped, or to its end.
pub(super) fn unquote(quoted: &[u8], delimiters: Delimiters<'_>) -> Result<Unquoted, Wrong> {
    let mut bytes = Vec::new();
    let mut rest = quoted.iter().copied().enumerate().peekable();
    let end = quoted.len();
    while let Some((at, byte)) = rest.next() {
        if delimiters.contains(byte) {
            return Ok(Unquoted { bytes, end: at });
        }
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let (_, escaped) = rest.next().ok_or(Wrong::Unfinished(end))?;
        let special = SPECIAL.iter().position(|letter| *letter == escaped);
        let special = special.and_then(|at| u8::try_from(at + 7).ok());
        if escaped != b'0' {
            // A delimiter, and what has no meaning, stand for themselves.
            bytes.push(special.unwrap_or(escaped));
        } else if rest.next_if(|(_, byte)| *byte == b'x').is_none() {
            bytes.push(0);
        } else {
            let mut digit = || {
                let (at, byte) = rest.next().ok_or(Wrong::Unfinished(end))?;
                // As ever, only these: capitals are none.
                match byte {
                    b'0'..=b'9' => Ok(byte - b'0'),
                    b'a'..=b'f' => Ok(byte - b'a' + 10),
                    _ => Err(Wrong::Escape(at)),
                }
            };
            bytes.push(digit()? << 4 | digit()?);
        }
    }
    Ok(Unquoted { bytes, end })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(quoted: &str) -> Result<(Vec<u8>, usize), Wrong> {
        unquote(quoted.as_bytes(), Delimiters::new(b"\"").unwrap())
            .map(|found| (found.bytes, found.end))
    }

    #[test]
    fn escapes_are_read() {
        assert_eq!(read(r#"a\tb\"c\q"d"#), Ok((b"a\tb\"cq".to_vec(), 9)));
        assert_eq!(read(r"\0\0x41\01\\"), Ok((b"\0A\x001\\".to_vec(), 12)));
        assert_eq!(read("a\\"), Err(Wrong::Unfinished(2)));
        assert_eq!(read("\\0x4"), Err(Wrong::Unfinished(4)));
        assert_eq!(read("\\0x4g"), Err(Wrong::Escape(4)));
        assert_eq!(read("\\0x\""), Err(Wrong::Escape(3)));
    }

    #[test]
    fn delimiters_must_have_no_other_meaning() {
        for wrong in [&b"n"[..], b"\\", b"\"\"", b"0", b"\n", b"\xff", b"a"] {
            assert!(Delimiters::new(wrong).is_none(), "{wrong:?}");
        }
        for fit in [&b""[..], b"\"'", b" ", b"[z"] {
            assert!(Delimiters::new(fit).is_some(), "{fit:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_quoted_comes_back(
            bytes in proptest::collection::vec(any::<u8>(), 0..40),
            delimiters in prop_oneof![Just(&b""[..]), Just(&b"\""[..]), Just(&b"'\" z"[..])],
        ) {
            let delimiters = Delimiters::new(delimiters).unwrap();
            let mut quoted = Vec::new();
            quote(&bytes, delimiters, &mut quoted);
            prop_assert!(quoted.iter().all(|byte| matches!(byte, b' '..=b'~')));
            let length = quoted.len();
            if let Some(delimiter) = delimiters.first() {
                quoted.extend([delimiter, b'x']);
            }
            let found = unquote(&quoted, delimiters).unwrap();
            prop_assert_eq!((found.bytes, found.end), (bytes, length));
        }

        #[test]
        fn nothing_panics(quoted in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = unquote(&quoted, Delimiters::new(b"\"").unwrap());
        }
    }
}
