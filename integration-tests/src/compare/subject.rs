//! What the cases are run with.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::Comparison;
use crate::{binary, root_available};

/// No case takes that long; one that does has hung.
const LIMIT: &str = "60";

/// Whose commands are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Debian's.
    Debian,
    /// Ours.
    Sixfold,
}

impl Subject {
    /// Whether the machine has what the cases need; says so, or fails, if not.
    pub(super) fn is_available(self, comparison: &Comparison) -> bool {
        root_available()
            && match self {
                Self::Debian => (comparison.is_installed)(),
                Self::Sixfold => true,
            }
    }

    /// Runs a script and gives what it printed, standard error included.
    pub(super) fn run(self, comparison: &Comparison, script: &str) -> String {
        let dir = TempDir::with_prefix("sixfold-case-").unwrap();
        let work = dir.path().join("work");
        fs::create_dir(&work).unwrap();
        let (file, output) = (dir.path().join("case.sh"), dir.path().join("output"));
        fs::write(&file, format!("{}{script}", comparison.preamble)).unwrap();
        let written = File::create(&output).unwrap();
        let path = match self {
            Self::Debian => comparison.theirs.to_owned(),
            Self::Sixfold => (comparison.ours)(script),
        };
        let status = Command::new("timeout")
            .args(["--signal=KILL", LIMIT, "unshare", "--pid", "--fork"])
            .args(["--mount-proc", "--kill-child", "bash"])
            .arg(&file)
            .current_dir(&work)
            .env_clear()
            .env("PATH", path)
            .stdin(Stdio::null())
            .stdout(written.try_clone().unwrap())
            .stderr(written)
            .status()
            .unwrap();
        let mut text = String::from_utf8_lossy(&fs::read(&output).unwrap()).into_owned();
        // timeout(1) dies of the KILL that it sends.
        if status.code().is_none_or(|code| code == 137) {
            text.push_str("(hung)\n");
        }
        text
    }
}

/// A directory of our commands, each a link to the one executable.
///
/// # Panics
///
/// When there is no executable, or nowhere to put the links.
pub fn links<'a>(names: impl IntoIterator<Item = &'a str>) -> TempDir {
    let dir = TempDir::with_prefix("sixfold-commands-").unwrap();
    for name in names {
        symlink(binary(), dir.path().join(name)).unwrap();
    }
    dir
}
