//! `s6-format-filter`: each line in a format.

use std::io;
use std::os::unix::ffi::OsStrExt as _;

use super::call::{Call, Failure, Outcome};
use super::stream;

/// A piece of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(Vec<u8>),
    /// `%s`
    Line,
}

/// Reads a format: `%s` is the line, a digit one of `args` (the first of which is the name of the
/// program), `%%` a percent sign. `None` if it holds anything else after one.
fn read(format: &[u8], args: &[&[u8]]) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut text = Vec::new();
    let mut rest = format.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            text.push(byte);
            continue;
        }
        match rest.next()? {
            b'%' => text.push(b'%'),
            b's' => {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
                pieces.push(Piece::Line);
            }
            digit @ b'0'..=b'9' => text.extend(*args.get(usize::from(digit - b'0'))?),
            _ => return None,
        }
    }
    pieces.push(Piece::Text(text));
    Some(pieces)
}

/// `s6-format-filter format [ args... ]`
pub(super) fn format_filter(call: Call) -> Outcome {
    let (format, words) = call.args.split_first().ok_or(Failure::Usage)?;
    let args: Vec<&[u8]> = [call.name.as_bytes()]
        .into_iter()
        .chain(words.iter().map(|word| word.as_bytes()))
        .collect();
    let pieces = read(format.as_bytes(), &args).ok_or_else(|| {
        let invalid = io::Error::from_raw_os_error(EINVAL);
        Failure::unable("compile format", &invalid)
    })?;
    stream::filter(|line, out| {
        for piece in &pieces {
            out.put(match piece {
                Piece::Text(text) => text,
                Piece::Line => &line.bytes,
            })?;
        }
        out.put(if line.is_ended { b"\n" } else { b"" })
    })?;
    Ok(0)
}

/// Invalid argument.
const EINVAL: i32 = 22;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_read() {
        let text = |text: &str| Piece::Text(text.as_bytes().to_vec());
        let args: [&[u8]; 2] = [b"name", b"one"];
        assert_eq!(
            read(b"%1 %s%%", &args),
            Some(vec![text("one "), Piece::Line, text("%")])
        );
        assert_eq!(read(b"", &args), Some(vec![text("")]));
        for wrong in ["%", "%2", "%x", "a%"] {
            assert_eq!(read(wrong.as_bytes(), &args), None, "{wrong}");
        }
    }
}
