//! Where a program is, and whether it is a command of ours (execline.md D0.2).
//!
//! A command of the language is carried out here if the PATH leads to it, that is if the file found
//! is this very executable, and also if the PATH leads nowhere. Where an image has execline of its
//! own and the PATH leads there first, that is what it gets.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use sixfold_execline::Word;
use sixfold_execline::command::{self, Command};

use crate::exec::search;

/// What a name leads to.
#[derive(Debug, Clone)]
pub(super) enum Found {
    /// A command of the language, to be carried out in this process.
    Ours(Command),
    /// A program.
    File(Word),
}

/// Finds programs. What was found is not remembered: what a name leads to changes with the working
/// directory, where the PATH has relative entries, and with every file that is made or removed.
#[derive(Debug, Default)]
pub(super) struct Finder {
    /// The device and inode of this executable, once asked for; none without `/proc`.
    own: Option<Option<(u64, u64)>>,
}

impl Finder {
    /// What `name` leads to in this PATH.
    ///
    /// # Errors
    /// ENOENT, or the reason why nothing that was found can be executed.
    pub(super) fn find(&mut self, name: &[u8], path: Option<&[u8]>) -> io::Result<Found> {
        if name.contains(&b'/') {
            let base = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            return Ok(match command::find(base) {
                Some(command) if self.is_own(name) => Found::Ours(command),
                Some(_) | None => Found::File(name.to_vec()),
            });
        }
        let Some(command) = command::find(name) else {
            return search(name, path).map(Found::File);
        };
        Ok(match search(name, path) {
            Ok(file) if !self.is_own(&file) => Found::File(file),
            Ok(_) | Err(_) => Found::Ours(command),
        })
    }

    /// Whether the file is this executable.
    fn is_own(&mut self, file: &[u8]) -> bool {
        let own = *self
            .own
            .get_or_insert_with(|| identity(Path::new("/proc/self/exe")));
        own.is_some() && own == identity(Path::new(OsStr::from_bytes(file)))
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}
