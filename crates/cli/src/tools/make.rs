//! `s6-mkdir`, `s6-mkfifo`, `s6-touch`: what makes files.

use std::ffi::OsStr;
use std::fs::{DirBuilder, FileTimes, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::SystemTime;

use sixfold_sys::{fifo, files};

use super::call::{Call, Failure, Outcome, first, octal};
use crate::complain::{self, SYSTEM};

/// open(2) does not wait for who reads a FIFO.
const O_NONBLOCK: i32 = 0o4000;
/// What is not executed.
const NO_EXECUTION: u32 = 0o111;

/// `s6-mkdir [ -p ] [ -v ] [ -m mode ] dir`: goes on after a directory that cannot be made.
pub(super) fn mkdir(mut call: Call) -> Outcome {
    let (given, dirs) = call.options("pvm:")?;
    let (mut parents, mut is_verbose, mut mode) = (false, false, None);
    for option in given {
        match option.letter {
            b'p' => parents = true,
            b'v' => is_verbose = true,
            _ => mode = Some(octal(&option.value)?),
        }
    }
    if mode.is_some() {
        files::set_umask(0);
    }
    let mut builder = DirBuilder::new();
    builder.mode(mode.unwrap_or(0o777));
    let make = |dir: &[u8]| {
        let dir = OsStr::from_bytes(dir);
        let name = call.name;
        match builder.create(dir) {
            Ok(()) if is_verbose => {
                complain::line(format_args!("{name}: created directory {}", dir.display()));
            }
            Ok(()) => {}
            Err(error) if parents && error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => {
                call.warn(format_args!("mkdir {}", dir.display()), &error);
                return false;
            }
        }
        true
    };
    let mut code = 0;
    for dir in &dirs {
        let dir = dir.as_bytes();
        let mut levels = dir.iter().enumerate().skip(1);
        let is_made = !parents
            || levels.all(|(end, byte)| *byte != b'/' || make(dir.get(..end).unwrap_or_default()));
        if !(is_made && make(dir)) {
            code = SYSTEM;
        }
    }
    Ok(code)
}

/// `s6-mkfifo [ -m mode ] fifo...`: with exactly this mode, but for execution.
pub(super) fn mkfifo(mut call: Call) -> Outcome {
    let (given, fifos) = call.options("m:")?;
    let mut mode = 0o666;
    for option in given {
        mode = octal(&option.value)?;
    }
    first(&fifos)?;
    files::set_umask(NO_EXECUTION);
    for path in &fifos {
        fifo::create(Path::new(path), mode)
            .map_err(|error| Failure::unable(format_args!("mkfifo {}", path.display()), &error))?;
    }
    Ok(0)
}

/// `s6-touch file ...`
pub(super) fn touch(call: Call) -> Outcome {
    first(&call.args)?;
    for file in &call.args {
        touch_one(file)
            .map_err(|error| Failure::unable(format_args!("touch {}", file.display()), &error))?;
    }
    Ok(0)
}

fn touch_one(path: &OsStr) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let file = options.custom_flags(O_NONBLOCK).open(path)?;
    let now = SystemTime::now();
    file.set_times(FileTimes::new().set_accessed(now).set_modified(now))
}
