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
#[derive(Debug, Default)]
pub(crate) struct ExitCode {
    recorded: u8,
}

impl ExitCode {
    /// Writes the code of an ended CMD or a failed boot, as scripts may want to see it.
    pub(crate) fn record(&mut self, code: i32) {
        self.recorded = u8::try_from(code.rem_euclid(256)).unwrap_or(u8::MAX);
        write(Path::new(paths::EXIT_CODE), &format!("{}\n", self.recorded));
        write(&stage2_exited(), &self.recorded.to_string());
    }

    /// The code to exit with, at the very end.
    pub(crate) fn read(&self) -> u8 {
        for path in [PathBuf::from(paths::EXIT_CODE), stage2_exited()] {
            let Ok(content) = fs::read(&path) else {
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

fn stage2_exited() -> PathBuf {
    Path::new(paths::ENV_STAGE3).join(paths::STAGE2_EXITED)
}

fn write(path: &Path, content: &str) {
    if let Err(error) = fs::write(path, content) {
        let path = path.display().to_string();
        tracing::warn!(event = "exit_code.unwritable", path, error = %error, "the exit code could not be written");
    }
}
