//! The exit code that scripts leave in `/run/s6-linux-init-container-results/exitcode`, and the
//! shell's code for a death by signal.
//!
//! Never reads the file. Called from the daemon when the container ends.

use crate::text::{first_line, quoted, trim_end};

/// Why a file does not give an exit code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExitCodeError {
    /// The first line is no decimal number; it is carried quoted, cut to 40 characters.
    #[error("{found} is not an exit code")]
    NotANumber {
        /// The line in double quotes, with invalid UTF-8 replaced.
        found: String,
    },
}

/// The exit code that a file with this content asks for.
///
/// As s6-linux-init reads it: the first line counts, without the blanks at its end; an empty one
/// is 0; decimal digits of any number, modulo 256 (`300` is 44, `007` is 7). A carriage return at
/// the end counts as blank, so that a script with CRLF line ends may write the file too.
///
/// # Errors
///
/// [`ExitCodeError::NotANumber`] for anything else, blanks before the number and signs included;
/// s6-overlay's container exits with 100 then.
pub fn parse(content: &[u8]) -> Result<u8, ExitCodeError> {
    let line = trim_end(first_line(content));
    line.iter()
        .try_fold(0_u8, |code, byte| {
            byte.is_ascii_digit()
                .then(|| code.wrapping_mul(10).wrapping_add(byte - b'0'))
        })
        .ok_or_else(|| ExitCodeError::NotANumber {
            found: quoted(line),
        })
}

/// The exit code that stands for a death by the signal of that number, as shells report it:
/// 128 and the number, at most 255.
pub fn of_signal(signal: i32) -> u8 {
    u8::try_from(signal.saturating_add(128).clamp(128, 255)).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_that_the_original_accepts() {
        for (content, code) in [
            (&b"0\n"[..], 0),
            (b"300", 44),
            (b"007", 7),
            (b"7\n8", 7),
            (b"", 0),
            (b"\n", 0),
            (b"\n9", 0),
            (b" \t\n", 0),
            (b"3 \t\n", 3),
            (b"3\r\n", 3),
            (b"255", 255),
            (b"256", 0),
            (b"1000000000000000000000000000000000000000000000000001", 1),
        ] {
            assert_eq!(parse(content), Ok(code), "{content:?}");
        }
    }

    #[test]
    fn what_is_no_number_is_quoted() {
        for wrong in [
            &b"abc"[..],
            b"-1",
            b" 5",
            b"5 6",
            b"0x10",
            b"+1",
            b"1\0",
            b"\xff",
        ] {
            let error = parse(wrong).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("{} is not an exit code", quoted(wrong))
            );
        }
        assert_eq!(
            parse(b"5 6\nrest").unwrap_err().to_string(),
            "\"5 6\" is not an exit code"
        );
        assert!(parse(&[b'x'; 5000]).unwrap_err().to_string().len() < 80);
    }

    #[test]
    fn signals() {
        assert_eq!(of_signal(15), 143);
        assert_eq!(of_signal(9), 137);
        assert_eq!(of_signal(64), 192);
        assert_eq!(of_signal(127), 255);
        assert_eq!(of_signal(i32::MAX), 255);
        assert_eq!(of_signal(i32::MIN), 128);
    }

    proptest! {
        #[test]
        fn a_number_counts_modulo_256(number: u128) {
            let expected = u8::try_from(number % 256).unwrap();
            prop_assert_eq!(parse(format!("{number}\n").as_bytes()), Ok(expected));
        }

        #[test]
        fn any_bytes_are_read(content: Vec<u8>) {
            let _ = parse(&content);
        }
    }
}
