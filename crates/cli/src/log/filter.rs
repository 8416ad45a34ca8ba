//! Commands that make one line of another, from standard input to standard output.

use std::io;

use sixfold_sys::fds;

use crate::complain::{self, ExitCode, SYSTEM, reason};

/// How much is read at once.
const READ: usize = 64 * 1024;
const STDIN: i32 = 0;
const STDOUT: i32 = 1;

/// A line that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A whole one, without its newline.
    Whole(&'a [u8]),
    /// What stands at the end of the input without one.
    Rest(&'a [u8]),
}

/// Has `each` append to its output what becomes of each line, in the name of the command `name`. What
/// was read at once is written before more is read.
pub(super) fn run(name: &str, mut each: impl FnMut(Line<'_>, &mut Vec<u8>)) -> ExitCode {
    match copy(name, &mut each) {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => code,
    }
}

fn copy(name: &str, each: &mut dyn FnMut(Line<'_>, &mut Vec<u8>)) -> Result<(), ExitCode> {
    let mut buffer = vec![0; READ];
    // What was read, and how much of it has no newline in it.
    let (mut end, mut searched) = (0, 0);
    let mut out = Vec::new();
    loop {
        if buffer.len() - end < READ / 2 {
            buffer.resize(buffer.len() * 2, 0);
        }
        let space = buffer.get_mut(end..).unwrap_or_default();
        let count =
            fds::read_fd(STDIN, space).map_err(|error| failed(name, "read from stdin", &error))?;
        end += count;
        let mut start = 0;
        while let Some(length) = newline(buffer.get(searched..end)) {
            let newline = searched + length;
            each(
                Line::Whole(buffer.get(start..newline).unwrap_or_default()),
                &mut out,
            );
            start = newline + 1;
            searched = start;
        }
        if count == 0 && start < end {
            each(
                Line::Rest(buffer.get(start..end).unwrap_or_default()),
                &mut out,
            );
        }
        write(&out).map_err(|error| failed(name, "write to stdout", &error))?;
        out.clear();
        if count == 0 {
            return Ok(());
        }
        buffer.copy_within(start..end, 0);
        end -= start;
        searched = end;
    }
}

fn newline(bytes: Option<&[u8]>) -> Option<usize> {
    bytes?.iter().position(|byte| *byte == b'\n')
}

fn write(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = fds::write_fd(STDOUT, bytes)?;
        bytes = bytes.get(count..).unwrap_or_default();
    }
    Ok(())
}

pub(super) fn failed(name: &str, what: &str, error: &io::Error) -> ExitCode {
    complain::fatal(name, format!("unable to {what}: {}", reason(error)), SYSTEM)
}
