//! `s6-svscanctl`: control letters for a scan directory.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;

use sixfold_protocol::paths::{SCAN_CONTROL, SVSCAN};
use sixfold_protocol::scan_control::OPTION_LETTERS;
use sixfold_sys::fifo;

use crate::complain::{self, ExitCode, SYSTEM, USAGE, reason};
use crate::control::ENXIO;
use crate::options::{Options, WrongUsage};

const NAME: &str = "s6-svscanctl";
const SYNOPSIS: &str = "s6-svscanctl [ -zabhitqnN ] svscandir";

/// `s6-svscanctl [ -zabhitqnN ] svscandir`: writes the letters of its options to the control FIFO of
/// the directory, in one write. Without letters it only looks whether somebody listens.
pub(crate) fn svscanctl(args: Vec<OsString>) -> ExitCode {
    let mut options = Options::new(args, OPTION_LETTERS);
    let mut letters = Vec::new();
    loop {
        match options.next() {
            Ok(Some(option)) => letters.push(option.letter),
            Ok(None) => break,
            Err(WrongUsage) => return complain::usage(NAME, SYNOPSIS),
        }
    }
    let Some(dir) = options.rest().into_iter().next() else {
        return complain::usage(NAME, SYNOPSIS);
    };
    control(NAME, Path::new(&dir), &letters)
}

/// Writes `letters` to the control FIFO of the scan directory `dir`, in the name of the command
/// `name`: 111 when there is no such directory, 100 when nobody listens.
pub(crate) fn control(name: &str, dir: &Path, letters: &[u8]) -> ExitCode {
    match fifo::write_control(&dir.join(SCAN_CONTROL), letters) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A FIFO without a reader (ENXIO) has no kind of its own in std. And where there has
            // never been a scan, there is not even that.
            let message = format!("unable to control {}: ", dir.display());
            let is_missing = error.kind() == ErrorKind::NotFound && dir.is_dir();
            match (error.kind(), error.raw_os_error()) {
                (_, code) if code == Some(ENXIO) || is_missing && !dir.join(SVSCAN).exists() => {
                    complain::fatal(name, message + "supervisor not listening", USAGE)
                }
                _ if is_missing => {
                    let message = format!(
                        "something is wrong with the {} directory: {}",
                        dir.join(SVSCAN).display(),
                        reason(&error)
                    );
                    complain::fatal(name, message, USAGE)
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

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::fd::OwnedFd;

    use sixfold_sys::fds;

    use super::*;

    /// A scan directory, and what listens there.
    fn scan_directory() -> (tempfile::TempDir, OwnedFd) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(SVSCAN)).unwrap();
        let control = dir.path().join(SVSCAN).join("control");
        fifo::make(&control, 0o600).unwrap();
        let reader = fifo::open_reader(&control).unwrap();
        (dir, reader)
    }

    /// What a listener has got; empty when nothing.
    fn heard(reader: &OwnedFd) -> Vec<u8> {
        let mut buffer = [0; 64];
        let count = fds::read(reader, &mut buffer).unwrap_or_default();
        buffer[..count].to_vec()
    }

    fn call(options: &[&str], dir: &OsStr) -> ExitCode {
        let mut args: Vec<OsString> = options.iter().map(OsString::from).collect();
        args.push(dir.into());
        svscanctl(args)
    }

    #[test]
    fn letters_arrive_in_order_whatever_way_they_are_given() {
        let (dir, reader) = scan_directory();
        for (options, letters) in [
            (&["-t"][..], "t"),
            (&["-an"], "an"),
            (&["-a", "-n"], "an"),
            (&["-zabhitqnN"], "zabhitqnN"),
            // The letters of s6 before 2.10, which old images use.
            (&["-0678prs"], "0678prs"),
            (&["-t", "--"], "t"),
            (&["-t", "-t"], "tt"),
            (&[], ""),
            (&["--"], ""),
        ] {
            let code = call(options, dir.path().as_os_str());
            assert_eq!(code, ExitCode::SUCCESS, "{options:?}");
            assert_eq!(heard(&reader), letters.as_bytes(), "{options:?}");
        }
    }

    #[test]
    fn wrong_usage_sends_nothing() {
        let (dir, reader) = scan_directory();
        for options in [&["-x"][..], &["-tx"], &["-t", "-x"], &["--help"], &["-T"]] {
            let code = call(options, dir.path().as_os_str());
            assert_eq!(code, ExitCode::from(USAGE), "{options:?}");
        }
        for args in [&[][..], &["-t"], &["-t", "--"], &["--"]] {
            let args = args.iter().map(OsString::from).collect();
            assert_eq!(svscanctl(args), ExitCode::from(USAGE));
        }
        assert_eq!(heard(&reader), b"");
    }

    #[test]
    fn what_follows_the_directory_is_not_looked_at() {
        let (dir, reader) = scan_directory();
        let path = dir.path().as_os_str().to_owned();
        let code = svscanctl(vec!["-a".into(), path, "-x".into()]);
        assert_eq!(code, ExitCode::SUCCESS);
        assert_eq!(heard(&reader), b"a");
    }

    #[test]
    fn nobody_there_is_told_from_nothing_there() {
        let (dir, reader) = scan_directory();
        drop(reader);
        let scandir = dir.path().as_os_str();
        assert_eq!(call(&["-t"], scandir), ExitCode::from(USAGE));
        assert_eq!(call(&[], scandir), ExitCode::from(USAGE));
        let unscanned = dir.path().join("unscanned");
        fs::create_dir(&unscanned).unwrap();
        assert_eq!(call(&["-t"], unscanned.as_os_str()), ExitCode::from(USAGE));
        fs::create_dir(unscanned.join(SVSCAN)).unwrap();
        assert_eq!(call(&["-t"], unscanned.as_os_str()), ExitCode::from(USAGE));
        let missing = dir.path().join("missing");
        assert_eq!(call(&["-t"], missing.as_os_str()), ExitCode::from(SYSTEM));
        // A lone dash is a directory's name.
        assert_eq!(call(&["-t"], OsStr::new("-")), ExitCode::from(SYSTEM));
    }
}
