//! How a script becomes a program with words: what its first line says, and what stands in for an
//! interpreter that is not there.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sixfold_engine::SpawnFailure;
use sixfold_model::Diagnostic;
use sixfold_model::script::{self, Inspection, Launch};
use sixfold_model::tree;
use sixfold_protocol::paths;
use sixfold_sys::files;

use crate::world::World;
use crate::{refusal, snapshot};

/// A program with the words before the script's own arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Program {
    /// A path, or a name.
    pub(super) program: OsString,
    /// What it is called instead.
    pub(super) arg0: Option<OsString>,
    /// The words after that.
    pub(super) args: Vec<OsString>,
}

/// Looks at the script at `path`, reports what is wrong with it, and says how to start it.
pub(crate) fn inspect(world: &World, path: &Path) -> Result<Program, SpawnFailure> {
    inspect_with(world, path, script::inspect)
}

/// The same for a script of a longrun, which s6-rc makes executable whatever it was.
pub(crate) fn inspect_longrun(world: &World, path: &Path) -> Result<Program, SpawnFailure> {
    inspect_with(world, path, |path, file| {
        let found = script::inspect(path, file);
        if found.launch.is_none() {
            return found;
        }
        let executable = tree::File {
            mode: file.mode | 0o111,
            ..file.clone()
        };
        let diagnostics = script::inspect(path, &executable).diagnostics;
        Inspection {
            diagnostics,
            ..found
        }
    })
}

/// What a link leads to, or the path itself where there is none.
pub(crate) fn linked(path: &Path) -> PathBuf {
    match (fs::read_link(path), path.parent()) {
        (Ok(target), Some(parent)) => parent.join(target),
        (Ok(_) | Err(_), _) => path.to_owned(),
    }
}

fn inspect_with(
    world: &World,
    path: &Path,
    look: impl FnOnce(&Path, &tree::File) -> Inspection,
) -> Result<Program, SpawnFailure> {
    let file = snapshot::file(path).map_err(|error| {
        let failure = if error.kind() == io::ErrorKind::NotFound {
            SpawnFailure::NotFound
        } else {
            SpawnFailure::NotRunnable
        };
        let mend = "make it a file that this user may read and execute";
        world.report(&[Diagnostic::error(
            path,
            format!("cannot be read: {error}"),
            refusal::of_system(&error).unwrap_or(mend),
        )]);
        failure
    })?;
    let inspection = look(path, &file);
    world.report(&inspection.diagnostics);
    let stand_in = match inspection.interpreter.as_deref() {
        Some(interpreter) if is_missing(interpreter) => match world.applet_of(interpreter) {
            Some(applet) => Some(applet),
            None => {
                world.report(&[script::missing_interpreter(path, interpreter)]);
                return Err(SpawnFailure::NotFound);
            }
        },
        Some(_) | None => None,
    };
    let (mut words, path) = match inspection.launch {
        None => return Err(SpawnFailure::NotRunnable),
        Some(Launch::Direct) if stand_in.is_none() => {
            return Ok(Program {
                program: path.into(),
                arg0: None,
                args: Vec::new(),
            });
        }
        Some(Launch::Direct) => (first_line_words(&file.head), path.to_owned()),
        Some(Launch::Through(words)) => (words, path.to_owned()),
        Some(Launch::ThroughCleaned(words)) => (
            words,
            clean(path, Path::new(paths::CLEANED_SCRIPTS)).map_err(|error| {
                world.report(&[Diagnostic::error(
                    path,
                    format!("cannot be copied without its carriage returns: {error}"),
                    "save it with LF line ends",
                )]);
                SpawnFailure::NotRunnable
            })?,
        ),
    };
    let mut program: OsString = if words.is_empty() {
        "/bin/sh".into()
    } else {
        words.remove(0)
    };
    let mut arg0 = None;
    if let Some(applet) = stand_in {
        program = world.exe.clone().into();
        arg0 = Some(applet.into());
    }
    words.push(path.into());
    Ok(Program {
        program,
        arg0,
        args: words,
    })
}

/// Whether an interpreter is not there. A relative one is looked for where the script starts, which
/// is not where we are: the kernel will tell.
pub(super) fn is_missing(interpreter: &Path) -> bool {
    interpreter.is_absolute() && !interpreter.exists()
}

impl Program {
    /// Names the script `file` of the working directory as s6-supervise does.
    pub(super) fn shorten(&mut self, source: &Path, file: &str) {
        let short = OsString::from(format!("./{file}"));
        if self.program == source.as_os_str() {
            self.program = short;
        } else if self
            .args
            .last()
            .is_some_and(|last| last == source.as_os_str())
        {
            self.args.pop();
            self.args.push(short);
        }
    }

    /// The same program, started once it holds the service's lock on `fd` (`lock-fd`). It may have
    /// to wait for that, which nobody but a process of its own can do.
    pub(super) fn behind_lock(self, world: &World, fd: i32) -> Self {
        let options = ["-d", &fd.to_string(), "--", paths::SERVICE_LOCK].map(OsString::from);
        Self {
            program: world.exe.clone().into(),
            arg0: Some("s6-setlock".into()),
            args: options
                .into_iter()
                .chain([self.program])
                .chain(self.arg0)
                .chain(self.args)
                .collect(),
        }
    }
}

/// The words of a script's first line, for a script whose interpreter is played by ourselves.
pub(super) fn first_line_words(head: &[u8]) -> Vec<OsString> {
    use std::os::unix::ffi::OsStringExt as _;
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let text = line.strip_prefix(b"#!").unwrap_or(line).trim_ascii();
    let end = text
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(text.len());
    let (interpreter, argument) = text.split_at(end);
    [interpreter, argument.trim_ascii()]
        .into_iter()
        .filter(|word| !word.is_empty())
        .map(|word| OsString::from_vec(word.to_vec()))
        .collect()
}

/// A copy of a script without carriage returns, below `copies`, where it lies as it does below `/`.
pub(super) fn clean(path: &Path, copies: &Path) -> io::Result<PathBuf> {
    let content = script::without_carriage_returns(&fs::read(path)?);
    let relative = path.strip_prefix("/").unwrap_or(path);
    let copy = copies.join(relative);
    if let Some(parent) = copy.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(&copy, content)?;
    files::chmod(&copy, 0o755)?;
    Ok(copy)
}
