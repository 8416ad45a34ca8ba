//! `s6-tail`: the end of a file.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;

use super::call::{Call, Failure, Outcome, decimal};
use super::head::lines_in;
use super::stream::{self, Line, Lines, Out, SIZE};

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// This many at the end.
    Last(usize),
    /// From this one on, counted from 1.
    From(usize),
}

impl Part {
    fn of(value: &OsStr) -> Result<Self, Failure> {
        let value = value.as_bytes();
        let number = |digits: &[u8]| decimal::<u32>(OsStr::from_bytes(digits));
        let of_count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        match value {
            [b'+', digits @ ..] => Ok(Self::From(of_count(number(digits)?))),
            [b'-', digits @ ..] | digits => Ok(Self::Last(of_count(number(digits)?))),
        }
    }
}

/// `s6-tail [ -c chars | -n lines | -1..9 ] [ file ]`
pub(super) fn tail(mut call: Call) -> Outcome {
    let (given, files) = call.options("123456789n:c:")?;
    let mut wanted = None;
    for option in given {
        let part = match option.letter {
            b'n' | b'c' => Part::of(&option.value)?,
            digit => Part::Last(usize::from(digit - b'0')),
        };
        if wanted.replace((option.letter != b'c', part)).is_some() {
            return Err(Failure::Usage);
        }
    }
    let (file, shown) = match files.first() {
        None => (stream::stdin()?, "stdin".to_owned()),
        Some(name) => {
            let shown = name.display().to_string();
            let file = File::open(name).map_err(|error| {
                Failure::unable(format_args!("open {shown} for reading"), &error)
            })?;
            (file, shown)
        }
    };
    let mut out = Out::new()?;
    let copied = match wanted.unwrap_or((true, Part::Last(10))) {
        (true, Part::Last(count)) => last_lines(file, count, &mut out),
        (true, Part::From(line)) => from_line(file, line, &mut out),
        (false, Part::Last(count)) => last_bytes(file, count, &mut out),
        (false, Part::From(byte)) => from_byte(file, byte, &mut out),
    };
    copied.map_err(|error| Failure::unable(format_args!("tail {shown}"), &error))?;
    out.flush()?;
    Ok(0)
}

fn last_lines(file: File, count: usize, out: &mut Out) -> io::Result<()> {
    let mut lines = Lines::new(file, b'\n');
    let (mut line, mut kept) = (Line::default(), VecDeque::new());
    while lines.next(&mut line)? {
        kept.push_back(line.clone());
        if kept.len() > count {
            kept.pop_front();
        }
    }
    for line in kept {
        out.write_all(&line.bytes)?;
        out.write_all(if line.is_ended { b"\n" } else { b"" })?;
    }
    Ok(())
}

fn last_bytes(mut file: File, count: usize, out: &mut Out) -> io::Result<()> {
    let (mut kept, mut buffer) = (Vec::new(), vec![0; SIZE]);
    loop {
        let length = file.read(&mut buffer)?;
        kept.extend_from_slice(buffer.get(..length).unwrap_or_default());
        let spare = kept.len().saturating_sub(count);
        // Not for each piece: what is left has to be moved.
        if length == 0 || spare > count.saturating_add(SIZE) {
            kept.drain(..spare);
        }
        if length == 0 {
            return out.write_all(&kept);
        }
    }
}

fn from_line(mut file: File, line: usize, out: &mut Out) -> io::Result<()> {
    let mut buffer = vec![0; SIZE];
    let mut before = line.saturating_sub(1);
    while before > 0 {
        let length = file.read(&mut buffer)?;
        let part = buffer.get(..length).unwrap_or_default();
        if part.is_empty() {
            return Ok(());
        }
        let (end, ended) = lines_in(part, before);
        before -= ended;
        out.write_all(part.get(end..).unwrap_or_default())?;
    }
    io::Write::flush(out)?;
    io::copy(&mut file, out).map(drop)
}

fn from_byte(mut file: File, byte: usize, out: &mut Out) -> io::Result<()> {
    let before = u64::try_from(byte.saturating_sub(1)).unwrap_or(u64::MAX);
    io::copy(&mut (&file).take(before), &mut io::sink())?;
    io::copy(&mut file, out).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_from_the_end_but_for_those_with_a_plus() {
        let part = |value: &str| Part::of(OsStr::new(value));
        assert_eq!(part("3"), Ok(Part::Last(3)));
        assert_eq!(part("-3"), Ok(Part::Last(3)));
        assert_eq!(part("+3"), Ok(Part::From(3)));
        for wrong in ["", "+", "--3", "+-3", "3k"] {
            assert_eq!(part(wrong), Err(Failure::Usage), "{wrong}");
        }
    }
}
