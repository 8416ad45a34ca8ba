//! `s6-logwatch`: what is in a log directory's `current`, and what comes into it, as it comes
//! (execline.md E).

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sixfold_sys::watch::Watch;

use super::filter::failed;
use crate::complain::{self, ExitCode};
use crate::options::Options;

pub(super) const NAME: &str = "s6-logwatch";
const SYNOPSIS: &str = "s6-logwatch [ logdir ]";
/// How much is read at once.
const READ: usize = 64 * 1024;

/// `s6-logwatch [ logdir ]`: without one, the working directory. It goes on for ever.
pub(super) fn logwatch(args: Vec<OsString>) -> ExitCode {
    let mut options = Options::new(args, "");
    if options.next().is_err() {
        return complain::usage(NAME, SYNOPSIS);
    }
    let dir = options.rest().into_iter().next();
    let dir = dir.map_or_else(|| PathBuf::from("."), PathBuf::from);
    match follow(&dir) {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => code,
    }
}

fn follow(dir: &Path) -> Result<(), ExitCode> {
    let path = dir.join("current");
    let shown = path.display();
    let watch = Watch::new(dir);
    let watch = watch.map_err(|error| failed(NAME, &format!("watch {}", dir.display()), &error))?;
    let mut file: Option<File> = None;
    loop {
        // What was begun is read to its end before its successor: nothing comes into it any more.
        let next = successor(&path, file.as_ref());
        let next = next.map_err(|error| failed(NAME, &format!("open {shown}"), &error))?;
        if let Some(file) = &mut file {
            copy(file).map_err(|error| failed(NAME, "copy to stdout", &error))?;
        }
        match next {
            Some(next) => file = Some(next),
            None => {
                let waited = watch.wait();
                waited
                    .map_err(|error| failed(NAME, &format!("watch {}", dir.display()), &error))?;
            }
        }
    }
}

/// The file that has the name now, if it is not `file`. There may be none for a moment.
fn successor(path: &Path, file: Option<&File>) -> io::Result<Option<File>> {
    let found = match File::open(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if let Some(file) = file {
        let (one, other) = (file.metadata()?, found.metadata()?);
        if (one.dev(), one.ino()) == (other.dev(), other.ino()) {
            return Ok(None);
        }
    }
    Ok(Some(found))
}

/// Writes what is left of a file.
fn copy(file: &mut File) -> io::Result<()> {
    let mut buffer = vec![0; READ];
    let mut stdout = io::stdout().lock();
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return stdout.flush();
        }
        stdout.write_all(buffer.get(..count).unwrap_or_default())?;
    }
}
