//! `s6-svscanctl`: control letters for a scan directory.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::ExitCode;

use sixfold_protocol::paths::SVSCAN;
use sixfold_protocol::scan_control::OPTION_LETTERS;
use sixfold_sys::fifo;

use crate::complain::{self, SYSTEM, USAGE, reason};

const NAME: &str = "s6-svscanctl";
const SYNOPSIS: &str = "s6-svscanctl [ -zabhitqnN ] dir";

/// `s6-svscanctl [ -zabhitqnN ] dir`: writes the letters of its options to the control FIFO of
/// `dir`, in one write. Without letters it only looks whether somebody listens.
pub(crate) fn svscanctl(args: Vec<OsString>) -> ExitCode {
    let mut letters = Vec::new();
    let mut args = args.iter();
    let dir = loop {
        let Some(arg) = args.next() else {
            return complain::usage(NAME, SYNOPSIS);
        };
        match arg.as_bytes() {
            b"--" => match args.next() {
                Some(dir) => break dir,
                None => return complain::usage(NAME, SYNOPSIS),
            },
            [b'-', options @ ..] if !options.is_empty() => {
                if options
                    .iter()
                    .any(|letter| !OPTION_LETTERS.as_bytes().contains(letter))
                {
                    return complain::usage(NAME, SYNOPSIS);
                }
                letters.extend_from_slice(options);
            }
            _ => break arg,
        }
    };
    control(NAME, Path::new(dir), &letters)
}

/// Writes `letters` to the control FIFO of the scan directory `dir`, in the name of the command
/// `name`: 111 when there is none, 100 when nobody listens.
pub(crate) fn control(name: &str, dir: &Path, letters: &[u8]) -> ExitCode {
    match fifo::write_control(&dir.join(SVSCAN).join("control"), letters) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A FIFO without a reader (ENXIO) has no kind of its own in std.
            let message = format!("unable to control {}: ", dir.display());
            match (error.kind(), error.raw_os_error()) {
                (_, Some(ENXIO)) => {
                    complain::fatal(name, message + "supervisor not listening", USAGE)
                }
                (ErrorKind::PermissionDenied, _) => {
                    let hint = "Permission denied (only the user that runs the container's init may do this; a service of another user can stop the container in its finish script)";
                    complain::fatal(name, message + hint, SYSTEM)
                }
                _ => complain::fatal(name, message + &reason(&error), SYSTEM),
            }
        }
    }
}

/// No such device or address: what opening a FIFO for writing gives when nobody reads it.
const ENXIO: i32 = 6;
