//! Standard input line by line, and standard output in large pieces.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::os::fd::AsFd as _;

use super::call::Failure;

/// How much is read or written at once.
pub(super) const SIZE: usize = 8192;

/// Standard input, for reading without taking more than is asked for.
pub(super) fn stdin() -> Result<File, Failure> {
    let fd = io::stdin().as_fd().try_clone_to_owned();
    fd.map(File::from)
        .map_err(|error| Failure::unable("read from stdin", &error))
}

/// The file called `name`; standard input for `-`.
pub(super) fn open(name: &OsStr) -> Result<File, Failure> {
    if name == "-" {
        return stdin();
    }
    File::open(name).map_err(|error| {
        Failure::unable(format_args!("open {} for reading", name.display()), &error)
    })
}

/// Standard output. What is put here is written when it is much, or with [`Out::flush`].
pub(super) struct Out(BufWriter<File>);

impl Out {
    /// Standard output.
    pub(super) fn new() -> Result<Self, Failure> {
        let fd = io::stdout().as_fd().try_clone_to_owned();
        let fd = fd.map_err(|error| Failure::of_output(&error))?;
        Ok(Self(BufWriter::with_capacity(SIZE, File::from(fd))))
    }

    /// Puts these bytes.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.0
            .write_all(bytes)
            .map_err(|error| Failure::of_output(&error))
    }

    /// Writes all that was put.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        self.0.flush().map_err(|error| Failure::of_output(&error))
    }

    /// Copies what is left of `file`.
    pub(super) fn copy(&mut self, mut file: impl io::Read) -> Result<(), Failure> {
        self.flush()?;
        io::copy(&mut file, self.0.get_mut())
            .map(drop)
            .map_err(|error| Failure::unable("fd_cat", &error))
    }
}

impl io::Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Prints this and nothing else.
pub(super) fn print(parts: &[&[u8]]) -> Result<(), Failure> {
    let mut out = Out::new()?;
    for part in parts {
        out.put(part)?;
    }
    out.flush()
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Line {
    /// What is in it, without the separator at its end.
    pub(super) bytes: Vec<u8>,
    /// Whether it had one; the last line of a file may not.
    pub(super) is_ended: bool,
}

/// A file line by line.
pub(super) struct Lines {
    file: BufReader<File>,
    separator: u8,
}

impl Lines {
    /// The lines of `file`, each up to a separator.
    pub(super) fn new(file: File, separator: u8) -> Self {
        Self {
            file: BufReader::with_capacity(SIZE, file),
            separator,
        }
    }

    /// Reads the next line into `line`; says whether there was one.
    pub(super) fn next(&mut self, line: &mut Line) -> io::Result<bool> {
        line.bytes.clear();
        let count = self.file.read_until(self.separator, &mut line.bytes)?;
        line.is_ended = line.bytes.pop_if(|last| *last == self.separator).is_some();
        Ok(count > 0)
    }

    /// Writes what was put into `out`, if the next line has to be waited for.
    pub(super) fn answer(&self, out: &mut Out) -> Result<(), Failure> {
        if self.file.buffer().contains(&self.separator) {
            return Ok(());
        }
        out.flush()
    }
}

/// Does this to each line of standard input, and writes what is put before the next one is waited for.
pub(super) fn filter(
    mut each: impl FnMut(&Line, &mut Out) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut lines = Lines::new(stdin()?, b'\n');
    let (mut line, mut out) = (Line::default(), Out::new()?);
    loop {
        lines.answer(&mut out)?;
        let is_there = lines.next(&mut line);
        if !is_there.map_err(|error| Failure::unable("read from stdin", &error))? {
            return out.flush();
        }
        each(&line, &mut out).inspect_err(|_| drop(out.flush()))?;
    }
}
