//! `s6-head`: the beginning of files.

use std::fs::File;
use std::io::{self, Read as _, Write as _};

use super::call::{Call, Failure, Outcome, decimal};
use super::stream::{self, Out, SIZE};

/// How much is wanted.
#[derive(Clone, Copy)]
enum Amount {
    Lines(u32),
    Bytes(u32),
}

/// `s6-head [ -S ] [ -1..9 | -n lines | -c chars ] [ file... ]`: with `-S`, no more is read of standard
/// input than is printed. Fewer bytes than `-c` asks for are an error.
pub(super) fn head(mut call: Call) -> Outcome {
    let (given, files) = call.options("S123456789n:c:")?;
    let (mut amount, mut takes_no_more) = (None, false);
    for option in given {
        let wanted = match option.letter {
            b'S' => {
                takes_no_more = true;
                continue;
            }
            b'n' => Amount::Lines(decimal(&option.value)?),
            b'c' => Amount::Bytes(decimal(&option.value)?),
            digit => Amount::Lines(u32::from(digit - b'0')),
        };
        if amount.replace(wanted).is_some() {
            return Err(Failure::Usage);
        }
    }
    let amount = amount.unwrap_or(Amount::Lines(10));
    let mut out = Out::new()?;
    if files.is_empty() {
        let size = (!takes_no_more).then_some(SIZE);
        copy(stream::stdin()?, amount, size, &mut out).map_err(|error| failed("stdin", &error))?;
        out.flush()?;
    }
    for (at, name) in files.iter().enumerate() {
        let shown = name.display().to_string();
        if files.len() > 1 {
            out.put(if at > 0 { b"\n" } else { b"" })?;
            out.put(&[b"==> ", name.as_encoded_bytes(), b" <==\n"].concat())?;
            out.flush()?;
        }
        copy(stream::open(name)?, amount, Some(SIZE), &mut out)
            .map_err(|error| failed(&shown, &error))?;
        out.flush()?;
    }
    Ok(0)
}

fn failed(name: &str, error: &io::Error) -> Failure {
    Failure::unable(format_args!("head {name}"), error)
}

/// Copies so much of a file. Without a size of the buffer, no more is read than has to be printed:
/// what is missing of N lines are N bytes at least.
fn copy(mut file: File, amount: Amount, size: Option<usize>, out: &mut Out) -> io::Result<()> {
    let mut left = match amount {
        Amount::Bytes(count) => {
            let count = u64::from(count);
            let copied = io::copy(&mut file.take(count), out)?;
            // Nothing is wrong but the length.
            let short = || io::Error::from_raw_os_error(0);
            return if copied < count { Err(short()) } else { Ok(()) };
        }
        Amount::Lines(lines) => usize::try_from(lines).unwrap_or(usize::MAX),
    };
    let mut buffer = vec![0; SIZE];
    while left > 0 {
        let wanted = size.unwrap_or(left).min(buffer.len());
        let count = file.read(buffer.get_mut(..wanted).unwrap_or_default())?;
        let part = buffer.get(..count).unwrap_or_default();
        if part.is_empty() {
            break;
        }
        let (end, ended) = lines_in(part, left);
        out.write_all(part.get(..end).unwrap_or_default())?;
        // Who reads may want it at once.
        io::Write::flush(out)?;
        left -= ended;
    }
    Ok(())
}

/// How many of the bytes belong to the first `most` lines, and how many of these end there.
pub(super) fn lines_in(bytes: &[u8], most: usize) -> (usize, usize) {
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let (end, count) = ends
        .take(most)
        .fold((0, 0), |(_, count), (at, _)| (at + 1, count + 1));
    if count < most {
        (bytes.len(), count)
    } else {
        (end, count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_up_to_what_is_wanted() {
        assert_eq!(lines_in(b"a\nb\nc", 1), (2, 1));
        assert_eq!(lines_in(b"a\nb\nc", 2), (4, 2));
        assert_eq!(lines_in(b"a\nb\nc", 3), (5, 2));
        assert_eq!(lines_in(b"a", 0), (0, 0));
    }
}
