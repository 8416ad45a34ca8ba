//! The container's exit code: a file that scripts read and change, under two names.
//!
//! s6-overlay v3 reads `/run/s6-linux-init-container-results/exitcode`, which exists from the
//! start and holds 0; v1 and v2 read `/var/run/s6/env-stage3/S6_STAGE2_EXITED`. Both are honoured:
//! what a script wrote counts, the first of the two if scripts wrote both.

use std::fs;
use std::path::{Path, PathBuf};

use sixfold_model::exit_code;
use sixfold_protocol::paths;

/// What an unreadable exit code ends in (s6-overlay v3).
const UNREADABLE: u8 = 100;

/// The two files, and what Sixfold itself wrote there last.
#[derive(Debug)]
pub(crate) struct ExitCode {
    /// The file of v3, whose line ends.
    results: PathBuf,
    /// The file of v1 and v2, which holds the number alone.
    stage2_exited: PathBuf,
    recorded: u8,
}

impl Default for ExitCode {
    fn default() -> Self {
        Self {
            results: paths::EXIT_CODE.into(),
            stage2_exited: Path::new(paths::ENV_STAGE3).join(paths::STAGE2_EXITED),
            recorded: 0,
        }
    }
}

impl ExitCode {
    /// Writes the code of an ended CMD or a failed boot, as scripts may want to see it.
    pub(crate) fn record(&mut self, code: i32) {
        self.recorded = u8::try_from(code.rem_euclid(256)).unwrap_or(u8::MAX);
        write(&self.results, &format!("{}\n", self.recorded));
        write(&self.stage2_exited, &self.recorded.to_string());
    }

    /// The code to exit with, at the very end.
    pub(crate) fn read(&self) -> u8 {
        for path in [&self.results, &self.stage2_exited] {
            let Ok(content) = fs::read(path) else {
                continue;
            };
            match exit_code::parse(&content) {
                Ok(code) if code == self.recorded => {}
                Ok(code) => return code,
                Err(error) => {
                    let path = path.display().to_string();
                    tracing::error!(
                        event = "exit_code.invalid",
                        path,
                        exit_code = UNREADABLE,
                        mend = "write a decimal number from 0 to 255",
                        "{error}"
                    );
                    return UNREADABLE;
                }
            }
        }
        self.recorded
    }
}

fn write(path: &Path, content: &str) {
    if let Err(error) = fs::write(path, content) {
        let path = path.display().to_string();
        tracing::warn!(event = "exit_code.unwritable", path, error = %error, "the exit code could not be written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The two files in a directory of their own; neither is there yet.
    fn files(dir: &Path) -> ExitCode {
        ExitCode {
            results: dir.join("exitcode"),
            stage2_exited: dir.join(paths::STAGE2_EXITED),
            recorded: 0,
        }
    }

    #[test]
    fn what_is_recorded_is_read_and_stands_in_both_files() {
        let dir = tempfile::tempdir().unwrap();
        let mut exit_code = files(dir.path());
        assert_eq!(exit_code.read(), 0, "without files, nothing has gone wrong");
        for (code, kept) in [(7, 7), (0, 0), (256, 0), (300, 44), (-1, 255)] {
            exit_code.record(code);
            assert_eq!(exit_code.read(), kept, "{code}");
            let results = fs::read_to_string(&exit_code.results).unwrap();
            assert_eq!(results, format!("{kept}\n"));
            let old = fs::read_to_string(&exit_code.stage2_exited).unwrap();
            assert_eq!(old, kept.to_string());
        }
    }

    #[test]
    fn what_scripts_write_counts_and_the_new_file_before_the_old() {
        for (results, old, code) in [
            (Some("3\n"), None, 3),
            (None, Some("4"), 4),
            (Some("3"), Some("4\n"), 3),
            (Some("7\n"), Some("4"), 4),
            (Some("0\n"), None, 0),
            (None, Some("0"), 0),
            (Some(""), None, 0),
            (Some("300"), None, 44),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let mut exit_code = files(dir.path());
            exit_code.record(7);
            if let Some(results) = results {
                fs::write(&exit_code.results, results).unwrap();
            }
            if let Some(old) = old {
                fs::write(&exit_code.stage2_exited, old).unwrap();
            }
            assert_eq!(exit_code.read(), code, "{results:?} {old:?}");
        }
    }

    #[test]
    fn garbage_is_100_unless_the_first_file_says_something_else() {
        for (results, old, code) in [
            ("garbage", "7", 100),
            ("-1", "7", 100),
            ("7\n", "0x10", 100),
            ("garbage", "garbage", 100),
            ("garbage", "4", 100),
            ("3", "garbage", 3),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let mut exit_code = files(dir.path());
            exit_code.record(7);
            fs::write(&exit_code.results, results).unwrap();
            fs::write(&exit_code.stage2_exited, old).unwrap();
            assert_eq!(exit_code.read(), code, "{results:?} {old:?}");
        }
    }

    #[test]
    fn a_missing_directory_loses_the_files_and_not_the_code() {
        let dir = tempfile::tempdir().unwrap();
        let mut exit_code = files(&dir.path().join("missing"));
        exit_code.record(9);
        assert_eq!(exit_code.read(), 9);
    }

    #[test]
    fn the_files_are_those_that_scripts_know() {
        let exit_code = ExitCode::default();
        assert_eq!(
            exit_code.results,
            Path::new("/run/s6-linux-init-container-results/exitcode")
        );
        assert_eq!(
            exit_code.stage2_exited,
            Path::new("/run/s6/env-stage3/S6_STAGE2_EXITED")
        );
    }
}
