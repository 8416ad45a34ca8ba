//! What the cases are run with.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use sixfold_integration_tests::{binary, root_available, s6_available};
use tempfile::TempDir;

const PREAMBLE: &str = include_str!("preamble.sh");
/// No case takes that long; one that does has hung.
const LIMIT: &str = "60";

/// Whose commands are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Debian's s6.
    Debian,
    /// Ours.
    Sixfold,
}

impl Subject {
    /// Whether the machine has what the cases need; says so, or fails, if not.
    pub(crate) fn is_available(self) -> bool {
        root_available()
            && match self {
                Self::Debian => s6_available(),
                Self::Sixfold => true,
            }
    }

    /// Runs a script and gives what it printed, standard error included.
    pub(crate) fn run(self, script: &str) -> String {
        let dir = TempDir::with_prefix("sixfold-compat-").unwrap();
        let work = dir.path().join("work");
        fs::create_dir(&work).unwrap();
        let (file, output) = (dir.path().join("case.sh"), dir.path().join("output"));
        fs::write(&file, format!("{PREAMBLE}{script}")).unwrap();
        let written = File::create(&output).unwrap();
        let path = match self {
            Self::Debian => "/usr/bin:/bin".to_owned(),
            Self::Sixfold => format!("{}:/usr/bin:/bin", ours(script).display()),
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
        if !status.success() && status.code() == Some(137) {
            text.push_str("(hung)\n");
        }
        text
    }
}

/// The directory of our commands, each a link to the one executable. None of s6's own may be taken
/// in their place.
fn ours(script: &str) -> &'static Path {
    static LINKS: OnceLock<TempDir> = OnceLock::new();
    let dir = LINKS.get_or_init(|| {
        let dir = TempDir::with_prefix("sixfold-commands-").unwrap();
        let help = Command::new(binary()).arg("--help").output().unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        let names = help
            .lines()
            .filter_map(|line| line.split_whitespace().next());
        for name in names.filter(|name| name.starts_with("s6-")) {
            symlink(binary(), dir.path().join(name)).unwrap();
        }
        dir
    });
    let words = script.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '/'));
    for word in words.filter(|word| word.starts_with("s6-")) {
        let is_program = Path::new("/usr/bin").join(word).exists();
        let is_ours = dir.path().join(word).exists();
        assert!(!is_program || is_ours, "there is no {word} of ours");
    }
    dir.path()
}
