//! `s6-instance-*`: instances of a service, which are services in the scan directory `instance/` of
//! one that runs s6-svscan there (s6-instance-create(1) and its like).

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use sixfold_sys::{fifo, files};

use super::link::{self, How};
use super::{svc, svstat};
use crate::complain::{self, ExitCode, FAILED, SYSTEM, USAGE, reason};
use crate::options::Options;

pub(super) const CONTROL: &str = "s6-instance-control";
const CONTROL_SYNOPSIS: &str = "s6-instance-control [ -wu | -wU | -wd | -wD | -wr | -wR ] [ -T timeout ] [ -abqhkti12pcyroduDUxO ] service instancename";
pub(super) const STATUS: &str = "s6-instance-status";
const STATUS_SYNOPSIS: &str = "s6-instance-status [ -uwNrpest | -o up,wantedup,normallyup,ready,paused,pid,exitcode,signal,signum,updownsince,readysince,updownfor,readyfor ] [ -n ] service name";
pub(super) const CREATE: &str = "s6-instance-create";
const CREATE_SYNOPSIS: &str =
    "s6-instance-create [ -d | -D ] [ -f ] [ -P ] [ -t timeout ] service instancename";
pub(super) const DELETE: &str = "s6-instance-delete";
const DELETE_SYNOPSIS: &str = "s6-instance-delete [ -X ] [ -t timeout ] service instancename";
pub(super) const LIST: &str = "s6-instance-list";

/// `s6-instance-control [ options of s6-svc ] service instancename`
pub(super) fn control(args: Vec<OsString>) -> ExitCode {
    let letters = "abqhkti12pcyroduDUxOT:w:";
    match with_instance(CONTROL, CONTROL_SYNOPSIS, args, letters) {
        Ok(args) => svc::svc(args),
        Err(code) => code,
    }
}

/// `s6-instance-status [ options of s6-svstat ] service instancename`
pub(super) fn status(args: Vec<OsString>) -> ExitCode {
    match with_instance(STATUS, STATUS_SYNOPSIS, args, "no:uwNrpest") {
        Ok(args) => svstat::svstat(args),
        Err(code) => code,
    }
}

/// The arguments for the command that does the same for any service: the options as they are, and
/// the instance's directory.
fn with_instance(
    name: &str,
    synopsis: &str,
    args: Vec<OsString>,
    letters: &'static str,
) -> Result<Vec<OsString>, ExitCode> {
    let mut options = Options::new(args.clone(), letters);
    while options
        .next()
        .map_err(|_| complain::usage(name, synopsis))?
        .is_some()
    {}
    let rest = options.rest();
    let (Some(service), Some(instance)) = (rest.first(), rest.get(1)) else {
        return Err(complain::usage(name, synopsis));
    };
    if service.is_empty() {
        return Err(complain::fatal(name, "invalid service name", USAGE));
    }
    check_name(name, instance)?;
    let count = args.len().saturating_sub(rest.len());
    let mut args: Vec<OsString> = args.into_iter().take(count).collect();
    args.push(Path::new(service).join("instance").join(instance).into());
    Ok(args)
}

fn check_name(name: &str, instance: &OsStr) -> Result<(), ExitCode> {
    let bytes = instance.as_encoded_bytes();
    let is_odd = matches!(bytes.first(), None | Some(b'.'))
        || bytes.iter().any(|byte| b" \t\x0c\r\n/".contains(byte));
    if is_odd {
        return Err(complain::fatal(name, "invalid instance name", USAGE));
    }
    Ok(())
}

/// `s6-instance-list service`: prints the names of its instances.
pub(super) fn list(args: Vec<OsString>) -> ExitCode {
    let mut options = Options::new(args, "");
    let read = options.next();
    let service = options.rest().into_iter().next();
    let (Ok(None), Some(service)) = (read, service) else {
        return complain::usage(LIST, "s6-instance-list service");
    };
    let names = running(LIST, Path::new(&service)).and_then(|dir| {
        names(&dir).map_err(|error| {
            let message = format!("unable to readdir {}: {}", dir.display(), reason(&error));
            complain::fatal(LIST, message, SYSTEM)
        })
    });
    match names {
        Ok(names) => {
            names.iter().for_each(|name| complain::say(name.display()));
            ExitCode::SUCCESS
        }
        Err(code) => code,
    }
}

fn names(dir: &Path) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        if !name.as_encoded_bytes().starts_with(b".") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// The scan directory of the instances, which must be supervised.
fn running(name: &str, service: &Path) -> Result<PathBuf, ExitCode> {
    if service.as_os_str().is_empty() {
        return Err(complain::fatal(name, "invalid service path", USAGE));
    }
    let dir = service.join("instance");
    match link::is_scanned(&dir) {
        Ok(true) => Ok(dir),
        Ok(false) => {
            let message = format!("instanced service not running on {}", service.display());
            Err(complain::fatal(name, message, FAILED))
        }
        Err(error) => {
            let what = if dir.is_dir() {
                format!("open {}/.s6-svscan/lock", dir.display())
            } else {
                format!("chdir to {}", dir.display())
            };
            let message = format!("unable to {what}: {}", reason(&error));
            Err(complain::fatal(name, message, SYSTEM))
        }
    }
}

/// Service, instance, and how: what the commands that make and remove instances are called with.
fn read(
    name: &str,
    synopsis: &str,
    args: Vec<OsString>,
    letters: &'static str,
) -> Result<(PathBuf, OsString, How), ExitCode> {
    let usage = || complain::usage(name, synopsis);
    let (how, rest) = How::read(args, letters).map_err(|_| usage())?;
    let mut rest = rest.into_iter();
    let (Some(service), Some(instance)) = (rest.next(), rest.next()) else {
        return Err(usage());
    };
    check_name(name, &instance)?;
    Ok((service.into(), instance, how))
}

/// `s6-instance-create [ -d | -D ] [ -f ] [ -P ] [ -t timeout ] service instancename`: copies the
/// template and puts the copy under supervision.
pub(super) fn create(args: Vec<OsString>) -> ExitCode {
    let created = read(CREATE, CREATE_SYNOPSIS, args, "dDfPt:").and_then(|(service, name, how)| {
        for dir in ["instances", "instance"] {
            let dir = service.join(dir);
            if !dir.is_dir() {
                files::make_dir(&dir, 0o755).map_err(|error| {
                    let message = format!("unable to mkdir {}: {}", dir.display(), reason(&error));
                    complain::fatal(CREATE, message, SYSTEM)
                })?;
            }
        }
        let scandir = running(CREATE, &service)?;
        let dir = service.join("instances").join(&name);
        if let Ok(found) = fs::metadata(&dir) {
            let shown = dir.display();
            let message = if found.is_dir() {
                format!("instance appears to already exist at {shown}")
            } else {
                format!("unexpected file preventing instance creation at {shown}")
            };
            return Err(complain::fatal(CREATE, message, USAGE));
        }
        let undo = |message: String, code| {
            // A part of a copy is no instance.
            let _ = fs::remove_dir_all(&dir);
            complain::fatal(CREATE, message, code)
        };
        let template = service.join("template");
        copy(&template, &dir).map_err(|error| {
            let message = format!(
                "unable to copy {} to {}: {}",
                template.display(),
                dir.display(),
                reason(&error)
            );
            undo(message, SYSTEM)
        })?;
        let target = Path::new("../instances").join(&name);
        link::link(&scandir, &dir, &target, &name, how).map_err(|error| {
            let message = format!(
                "unable to create instance of {} named {}: {}",
                service.display(),
                name.display(),
                reason(&error)
            );
            undo(message, link::code_of(&error))
        })
    });
    created.map_or_else(|code| code, |()| ExitCode::SUCCESS)
}

/// `s6-instance-delete [ -X ] [ -t timeout ] service instancename`: stops the instance and removes
/// its directory.
pub(super) fn delete(args: Vec<OsString>) -> ExitCode {
    let deleted = read(DELETE, DELETE_SYNOPSIS, args, "Xt:").and_then(|(service, name, how)| {
        let scandir = running(DELETE, &service)?;
        link::unlink(&scandir, &name, how).map_err(|error| {
            let message = format!(
                "unable to prepare deletion of instance {} of service {}: {}",
                name.display(),
                service.display(),
                reason(&error)
            );
            complain::fatal(DELETE, message, SYSTEM)
        })?;
        // What is left of it is no instance any more.
        let _ = fs::remove_dir_all(service.join("instances").join(&name));
        Ok(())
    });
    deleted.map_or_else(|code| code, |()| ExitCode::SUCCESS)
}

/// Copies a tree with modes and owners; links stay links, and FIFOs are made anew.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(from)?;
    if found.is_symlink() {
        return symlink(fs::read_link(from)?, to);
    }
    if found.is_dir() {
        files::make_dir(to, 0o700)?;
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            copy(&from.join(&name), &to.join(&name))?;
        }
    } else if found.is_file() {
        fs::copy(from, to)?;
    } else if found.file_type().is_fifo() {
        fifo::make(to, 0o600)?;
    } else {
        return Err(io::Error::new(
            ErrorKind::Unsupported,
            "a template holds files, directories, links and FIFOs",
        ));
    }
    match files::chown(to, Some(found.uid()), Some(found.gid())) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
        result => result?,
    }
    files::chmod(to, found.mode())
}
