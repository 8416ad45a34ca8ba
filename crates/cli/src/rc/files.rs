//! The file of a compiled database: read, and replaced in one step.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use sixfold_model::rc::Database;
use sixfold_protocol::paths::RC_DATABASE;
use sixfold_sys::files;

use crate::complain::{self, ExitCode, SYSTEM, reason};

/// What is there is no database.
pub(super) const INVALID: u8 = 4;

/// Reads the database in the directory `compiled`, in the name of the command `name`, in which it is
/// told what keeps it from being read: 111 what the system refuses, 4 what is no database.
pub(super) fn read(name: &str, compiled: &Path) -> Result<Database, ExitCode> {
    let path = compiled.join(RC_DATABASE);
    let bytes = fs::read(&path).map_err(|error| {
        let message = format!("unable to open {}: {}", path.display(), reason(&error));
        complain::fatal(name, message, SYSTEM)
    })?;
    Database::from_bytes(&bytes).map_err(|error| {
        let message = format!(
            "invalid service database in {}: {error}",
            compiled.display()
        );
        complain::fatal(name, message, INVALID)
    })
}

/// Writes the database of the directory `compiled`: whoever reads it finds the one before or this
/// one, whole.
///
/// # Errors
/// What the system reports; then the one before is still there.
pub(super) fn write(compiled: &Path, database: &Database) -> io::Result<()> {
    let (path, fresh) = (compiled.join(RC_DATABASE), compiled.join("db.new"));
    let fill = || -> io::Result<()> {
        let mut file = fs::File::create(&fresh)?;
        file.write_all(&database.to_bytes())?;
        file.sync_all()?;
        files::chmod(&fresh, 0o644)?;
        fs::rename(&fresh, &path)
    };
    let written = fill();
    if written.is_err() {
        // What failed is told by who called; it is not to be found beside the sound one.
        let _ = fs::remove_file(&fresh);
    }
    written
}
