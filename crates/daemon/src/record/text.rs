//! What a line needs so as to stand in a JSON string: looked at eight bytes at once, as every byte of
//! every log goes through here.

/// A line, as it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    /// Text that can stand in a string as it is.
    Plain,
    /// Perhaps a JSON object.
    Object,
    /// Text with something to be escaped, or no text.
    Other,
}

/// A byte in each of the eight places.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

const HIGH: u64 = each(0x80);

/// Looks at a line.
pub(super) fn look(line: &[u8]) -> Text {
    if line.trim_ascii_start().first() == Some(&b'{') {
        return Text::Object;
    }
    let (words, rest) = line.as_chunks::<8>();
    let mut seen = Seen::default();
    for word in words {
        seen.take(u64::from_ne_bytes(*word));
    }
    // Blanks mean nothing.
    let mut last = [b' '; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    seen.take(u64::from_ne_bytes(last));
    let is_escaped = seen.special & HIGH != 0;
    let is_ascii = seen.bytes & HIGH == 0;
    if !is_escaped && (is_ascii || std::str::from_utf8(line).is_ok()) {
        Text::Plain
    } else {
        Text::Other
    }
}

/// What was seen, in the highest bit of any byte.
#[derive(Default)]
struct Seen {
    /// Something to be escaped: a control character, a quotation mark, a backslash.
    special: u64,
    /// All bytes.
    bytes: u64,
}

impl Seen {
    fn take(&mut self, word: u64) {
        let control = word.wrapping_sub(each(b' ')) & !word;
        self.special |= control | zeroes(word ^ each(b'"')) | zeroes(word ^ each(b'\\'));
        self.bytes |= word;
    }
}

/// The highest bit of some byte is set if a byte is zero, and only then.
const fn zeroes(word: u64) -> u64 {
    word.wrapping_sub(each(1)) & !word
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expected(line: &[u8]) -> Text {
        if line.trim_ascii_start().first() == Some(&b'{') {
            return Text::Object;
        }
        let is_escaped = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
        if line.iter().any(is_escaped) || std::str::from_utf8(line).is_err() {
            Text::Other
        } else {
            Text::Plain
        }
    }

    #[test]
    fn every_byte_in_every_place() {
        for byte in 0..=u8::MAX {
            for place in 0..20 {
                let mut line = b"abcdefghijklmnopqrst".to_vec();
                line[place] = byte;
                assert_eq!(look(&line), expected(&line), "{line:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_line(line in proptest::collection::vec(prop_oneof![4 => b' '..=b'~', 1 => any::<u8>()], 0..40)) {
            prop_assert_eq!(look(&line), expected(&line));
        }

        #[test]
        fn any_text(line in "\\PC*") {
            prop_assert_eq!(look(line.as_bytes()), expected(line.as_bytes()));
        }
    }
}
