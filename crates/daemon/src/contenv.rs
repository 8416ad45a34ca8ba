//! Reading a directory of variables: the container's environment, which scripts may change while
//! the container runs, so it is read anew each time.

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use sixfold_model::environment;
use thiserror::Error;

/// Why a directory of variables cannot be read.
#[derive(Debug, Error)]
#[error("unable to envdir {}", path.display())]
pub struct EnvdirError {
    /// The directory, or the file in it.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// Every variable in `dir`, one a file, in no order; an empty file is a variable that is not set
/// (s6-envdir -Lf, as with-contenv of s6-overlay v3.2.2 uses it).
///
/// # Errors
///
/// When `dir` or a file in it cannot be read, a sub-directory among them.
pub fn load(dir: &Path) -> Result<Vec<(OsString, OsString)>, EnvdirError> {
    let failed = |path: &Path, source| EnvdirError {
        path: path.to_owned(),
        source,
    };
    let mut variables = Vec::new();
    for entry in fs::read_dir(dir).map_err(|error| failed(dir, error))? {
        let entry = entry.map_err(|error| failed(dir, error))?;
        let name = entry.file_name();
        if !environment::is_loadable_name(&name) {
            continue;
        }
        match fs::read(entry.path()) {
            Ok(content) => {
                variables.extend(environment::loaded(&content).map(|value| (name, value)));
            }
            // It was removed while we looked.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&entry.path(), error)),
        }
    }
    Ok(variables)
}
