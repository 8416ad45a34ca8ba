//! How a script file is to be started, found out from its first bytes and its permissions, so
//! that a script which the kernel would refuse runs nevertheless where its meaning is clear.
//!
//! Never touches the file and never asks whether the interpreter is there: the caller does, with
//! what [`Inspection::interpreter`] names. Called from the daemon for each run, finish, cont-init.d
//! and cont-finish.d script.

mod elf;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::Diagnostic;
use crate::text::{line_end_mend, shell_word};
use crate::tree::File;

/// What runs a script that names no interpreter, as shells do it.
const SHELL: &str = "/bin/sh";
/// How many bytes must be free of NUL for a file to pass as text.
const TEXT_PROBE: usize = 128;
/// The byte order mark that some editors put before UTF-8 text; it hides a `#!` from the kernel.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How to start a script or program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Launch {
    /// Execute the path itself.
    Direct,
    /// Run these words, followed by the path and the script's arguments.
    Through(Vec<OsString>),
    /// As `Through`, but with a copy of the file made by [`without_carriage_returns`].
    ThroughCleaned(Vec<OsString>),
}

/// What the first bytes and the permissions of a file say about starting it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// How to start it; `None` when it cannot be started, which a diagnostic explains.
    pub launch: Option<Launch>,
    /// What has to be there to run it, for the caller to look; see [`missing_interpreter`].
    pub interpreter: Option<PathBuf>,
    /// Everything that is wrong with the file, not the first thing alone.
    pub diagnostics: Vec<Diagnostic>,
}

/// Finds out how to start `file`, which lies at `path`.
///
/// A sound script or program is left to the kernel. A script without execute permission is run by
/// its interpreter, one with CRLF line ends in a cleaned copy, one without a `#!` line by
/// `/bin/sh`; each with a warning. A program for another machine or without execute permission
/// and a file that is neither script nor program are errors. One of which nothing could be read is
/// left to the kernel, if it is executable. The `#!` line is split as the Linux
/// kernel splits it (execve(2)): what follows the interpreter is one argument.
pub fn inspect(path: &Path, file: &File) -> Inspection {
    let executable = file.mode & 0o111 != 0;
    if file.head.starts_with(b"\x7fELF") {
        return inspect_program(path, &file.head, executable);
    }
    if executable && file.head.is_empty() && file.size > 0 {
        // It may be executed and not read: only the kernel knows what it is.
        return Inspection {
            launch: Some(Launch::Direct),
            interpreter: None,
            diagnostics: Vec::new(),
        };
    }
    let bare = file.head.strip_prefix(BYTE_ORDER_MARK);
    let text = bare.unwrap_or(&file.head);
    let shebang = Shebang::read(text);
    if shebang.is_none() && text.iter().take(TEXT_PROBE).any(|&byte| byte == 0) {
        return refused(Diagnostic::error(
            path,
            "neither a script nor a program for this machine",
            "replace it by a script with a #! line or by a program built for this platform",
        ));
    }

    let mut diagnostics = Vec::new();
    if !executable {
        diagnostics.push(Diagnostic::warning(
            path,
            "not executable; run by its interpreter nevertheless",
            chmod(path),
        ));
    }
    if bare.is_some() && shebang.is_some() {
        let mend = format!(
            "remove it: sed -i '1s/^\\xEF\\xBB\\xBF//' {}",
            shell_word(path)
        );
        diagnostics.push(
            Diagnostic::warning(path, "a byte order mark hides the #! line", mend).at_line(1),
        );
    }
    let carriage_return = first_carriage_return(&file.head);
    if let Some(line) = carriage_return {
        let message = "CRLF line end; run without the carriage returns";
        diagnostics.push(Diagnostic::warning(path, message, line_end_mend(path)).at_line(line));
    }
    match &shebang {
        None => diagnostics.push(
            Diagnostic::warning(
                path,
                format!("no #! line; run by {SHELL}"),
                "add #!/bin/sh (or the interpreter that it is written for) as the first line",
            )
            .at_line(1),
        ),
        Some(shebang) if !shebang.interpreter.starts_with(b"/") => diagnostics.push(
            Diagnostic::warning(
                path,
                format!(
                    "the interpreter {} is looked for in the directory that the script starts in",
                    shebang.path().display()
                ),
                "write its absolute path, or #!/usr/bin/env and its name, in the first line",
            )
            .at_line(1),
        ),
        Some(_) => {}
    }

    let sound = executable && bare.is_none() && shebang.is_some();
    let (words, interpreter) = match shebang {
        Some(shebang) => (shebang.words(), shebang.path()),
        None => (vec![OsString::from(SHELL)], PathBuf::from(SHELL)),
    };
    let launch = if carriage_return.is_some() {
        Launch::ThroughCleaned(words)
    } else if sound {
        Launch::Direct
    } else {
        Launch::Through(words)
    };
    Inspection {
        launch: Some(launch),
        interpreter: Some(interpreter),
        diagnostics,
    }
}

/// The finding that what [`Inspection::interpreter`] names is not there, or cannot be run.
pub fn missing_interpreter(path: &Path, interpreter: &Path) -> Diagnostic {
    Diagnostic::error(
        path,
        format!("the interpreter {} does not exist", interpreter.display()),
        format!(
            "install {} in the image, or correct the first line of {}",
            interpreter.display(),
            path.display()
        ),
    )
    .at_line(1)
}

/// `content` with every CRLF line end made LF, for [`Launch::ThroughCleaned`].
///
/// What follows a NUL byte is left as it is: it is the payload of a self-extracting script.
pub fn without_carriage_returns(content: &[u8]) -> Vec<u8> {
    let (text, payload) = content.split_at(text_length(content));
    let mut cleaned = Vec::with_capacity(content.len());
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => {
                cleaned.extend_from_slice(without_trailing_returns(line));
                cleaned.push(b'\n');
            }
            None => cleaned.extend_from_slice(line),
        }
    }
    cleaned.extend_from_slice(payload);
    cleaned
}

/// The first line of a script, taken apart.
struct Shebang<'a> {
    interpreter: &'a [u8],
    argument: &'a [u8],
}

impl<'a> Shebang<'a> {
    /// What the `#!` line says; `None` when there is none or when it names nothing.
    fn read(text: &'a [u8]) -> Option<Self> {
        let line = text
            .strip_prefix(b"#!")?
            .split(|byte| matches!(byte, b'\n' | 0))
            .next()?;
        let line = trim(without_trailing_returns(line));
        let end = line
            .iter()
            .position(|&byte| is_blank(byte))
            .unwrap_or(line.len());
        let (interpreter, argument) = line.split_at(end);
        (!interpreter.is_empty()).then(|| Self {
            interpreter,
            argument: trim(argument),
        })
    }

    fn path(&self) -> PathBuf {
        PathBuf::from(OsStr::from_bytes(self.interpreter))
    }

    fn words(&self) -> Vec<OsString> {
        [self.interpreter, self.argument]
            .into_iter()
            .filter(|word| !word.is_empty())
            .map(|word| OsStr::from_bytes(word).to_owned())
            .collect()
    }
}

/// What the kernel would say to a compiled program.
fn inspect_program(path: &Path, head: &[u8], executable: bool) -> Inspection {
    let mut diagnostics = Vec::new();
    if let Some(machine) = elf::Machine::read(head)
        && !machine.may_run_on(elf::HOST)
    {
        diagnostics.push(Diagnostic::error(
            path,
            format!(
                "wrong architecture: built for {machine}, this machine is {}",
                elf::HOST
            ),
            "build it for this platform, or use the image for this platform",
        ));
    }
    if !executable {
        diagnostics.push(Diagnostic::error(path, "not executable", chmod(path)));
    }
    Inspection {
        launch: diagnostics.is_empty().then_some(Launch::Direct),
        interpreter: None,
        diagnostics,
    }
}

fn refused(diagnostic: Diagnostic) -> Inspection {
    Inspection {
        launch: None,
        interpreter: None,
        diagnostics: vec![diagnostic],
    }
}

fn chmod(path: &Path) -> String {
    format!("chmod +x {}", shell_word(path))
}

/// How much of `content` is text: all of it before the first NUL byte.
fn text_length(content: &[u8]) -> usize {
    content
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(content.len())
}

/// The number of the first line that ends in CRLF; of a file that is one line, CR is enough.
fn first_carriage_return(head: &[u8]) -> Option<u32> {
    let text = head.get(..text_length(head)).unwrap_or(head);
    let complete = text.split_inclusive(|&byte| byte == b'\n');
    let index = complete
        .enumerate()
        .position(|(index, line)| line.ends_with(b"\r\n") || (index == 0 && line.ends_with(b"\r")));
    index.map(|index| u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1))
}

fn without_trailing_returns(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|&byte| byte != b'\r');
    line.get(..end.map_or(0, |last| last + 1)).unwrap_or(line)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn trim(line: &[u8]) -> &[u8] {
    let start = line.iter().position(|&byte| !is_blank(byte));
    let end = line.iter().rposition(|&byte| !is_blank(byte));
    match (start, end) {
        (Some(start), Some(end)) => line.get(start..=end).unwrap_or(line),
        (None, _) | (_, None) => &[],
    }
}

#[cfg(test)]
mod tests;
