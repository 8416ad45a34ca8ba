//! `s6-svperms`: who may see, control and listen to a service (s6-svperms(1)).

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use sixfold_protocol::paths;
use sixfold_sys::users::Database;
use sixfold_sys::{fifodir, files};

use crate::complain::{self, ExitCode, FAILED, SYSTEM, USAGE, reason};
use crate::options::{Options, WrongUsage, number};

pub(super) const NAME: &str = "s6-svperms";
const SYNOPSIS: &str = "s6-svperms [ -v ] [ -u | -g group | -G group | -o | -O group ] [ -e | -E group ] servicedir...";

/// Who may look, and who may control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Access {
    /// The mode of `supervise/`.
    mode: u32,
    /// The group of `supervise/`, if it is for one.
    seen_by: Option<u32>,
    /// The group that may control, if one may.
    controlled_by: Option<u32>,
}

/// What the command was called with.
#[derive(Default)]
struct Call {
    show: bool,
    access: Option<Access>,
    /// Who may listen: everybody, or a group.
    events: Option<Option<u32>>,
    dirs: Vec<OsString>,
}

/// `s6-svperms [ -v ] [ changes ] servicedir...`: changes permissions, or shows them.
pub(super) fn svperms(args: Vec<OsString>) -> ExitCode {
    let users = match Database::load(Path::new("/")) {
        Ok(users) => users,
        Err(error) => return complain::fatal(NAME, format_args!("{error}"), SYSTEM),
    };
    let call = match read(args, &users) {
        Ok(call) => call,
        Err(code) => return code,
    };
    let mut is_odd = false;
    for dir in call.dirs.iter().map(Path::new) {
        if let Err(failure) = change(dir, &call, &users) {
            let message = format!(
                "unable to {} {}: {}",
                failure.what,
                failure.path.display(),
                reason(&failure.error)
            );
            return complain::fatal(NAME, message, SYSTEM);
        }
        if call.show || (call.access.is_none() && call.events.is_none()) {
            let status = status_line(dir, &users);
            // Where supervise/ is wrong, so is all in it.
            let control = status.is_ok().then(|| control_line(dir, &users));
            let events = events_line(dir, &users);
            for line in [Some(status), control, Some(events)].into_iter().flatten() {
                match line {
                    Ok(line) => complain::say(format_args!("{} {line}", dir.display())),
                    Err(message) => {
                        complain::warn(NAME, message);
                        is_odd = true;
                    }
                }
            }
        }
    }
    if is_odd {
        ExitCode::from(FAILED)
    } else {
        ExitCode::SUCCESS
    }
}

fn read(args: Vec<OsString>, users: &Database) -> Result<Call, ExitCode> {
    let usage = |_: WrongUsage| complain::usage(NAME, SYNOPSIS);
    let mut options = Options::new(args, "vug:G:oO:eE:");
    let mut call = Call::default();
    while let Some(option) = options.next().map_err(usage)? {
        let group = || group(&option.value, users);
        let access = |mode, seen_by, controlled_by| {
            Some(Access {
                mode,
                seen_by,
                controlled_by,
            })
        };
        match option.letter {
            b'v' => call.show = true,
            b'u' => call.access = access(0o700, None, None),
            b'g' => call.access = access(0o710, Some(group()?), None),
            b'G' => {
                let group = Some(group()?);
                call.access = access(0o710, group, group);
            }
            b'o' => call.access = access(0o711, None, None),
            b'O' => call.access = access(0o711, None, Some(group()?)),
            b'e' => call.events = Some(None),
            _ => call.events = Some(Some(group()?)),
        }
    }
    call.dirs = options.rest();
    if call.dirs.is_empty() {
        return Err(usage(WrongUsage));
    }
    Ok(call)
}

/// A group by its name, or as `:gid`.
fn group(value: &OsStr, users: &Database) -> Result<u32, ExitCode> {
    let text = value.to_string_lossy();
    match text.strip_prefix(':') {
        Some(gid) => number(OsStr::new(gid)).ok_or_else(|| complain::usage(NAME, SYNOPSIS)),
        None => users.group(&text).ok_or_else(|| {
            let message = format!("unable to find entry for {text} in group database");
            complain::fatal(NAME, message, USAGE)
        }),
    }
}

/// What could not be done.
struct Failure {
    what: &'static str,
    path: PathBuf,
    error: io::Error,
}

fn change(dir: &Path, call: &Call, users: &Database) -> Result<(), Failure> {
    if let Some(access) = call.access {
        set(
            &dir.join(paths::SUPERVISE),
            access.mode,
            access.seen_by,
            users,
        )?;
        let mode = if access.controlled_by.is_some() {
            0o620
        } else {
            0o600
        };
        set(&dir.join(paths::CONTROL), mode, access.controlled_by, users)?;
    }
    if let Some(group) = call.events {
        let mode = if group.is_some() {
            fifodir::OF_GROUP
        } else {
            fifodir::PUBLIC
        };
        set(&dir.join(paths::EVENT), mode, group, users)?;
    }
    Ok(())
}

/// Sets mode and group; without a group, it is the primary one of the owner.
fn set(path: &Path, mode: u32, group: Option<u32>, users: &Database) -> Result<(), Failure> {
    let failed = |what| {
        move |error| Failure {
            what,
            path: path.to_owned(),
            error,
        }
    };
    let group = match group {
        Some(group) => group,
        None => {
            let owner = fs::metadata(path).map_err(failed("stat"))?.uid();
            users.user_by_id(owner).map_or(0, |user| user.gid)
        }
    };
    files::chown(path, None, Some(group)).map_err(failed("chown"))?;
    files::chmod(path, mode).map_err(failed("chmod"))
}

fn status_line(dir: &Path, users: &Database) -> Result<String, String> {
    let (mode, gid) = look(&dir.join(paths::SUPERVISE), Kind::Directory)?;
    let is_odd = mode & 0o5066 != 0 || mode & 0o700 != 0o700 || mode & 0o011 == 0o001;
    let line = if mode & 0o001 != 0 {
        "status: public".to_owned()
    } else if mode & 0o010 != 0 {
        format!("status: group {}", group_name(gid, users))
    } else {
        "status: owner".to_owned()
    };
    sound(!is_odd, &dir.join(paths::SUPERVISE), mode, line)
}

fn control_line(dir: &Path, users: &Database) -> Result<String, String> {
    let (mode, gid) = look(&dir.join(paths::CONTROL), Kind::Fifo)?;
    let line = if mode & 0o020 != 0 {
        format!("control: group {}", group_name(gid, users))
    } else {
        "control: owner".to_owned()
    };
    sound(mode & 0o157 == 0, &dir.join(paths::CONTROL), mode, line)
}

fn events_line(dir: &Path, users: &Database) -> Result<String, String> {
    let (mode, gid) = look(&dir.join(paths::EVENT), Kind::Directory)?;
    let line = if mode == fifodir::OF_GROUP {
        format!("events: group {}", group_name(gid, users))
    } else {
        "events: public".to_owned()
    };
    let is_sound = mode == fifodir::OF_GROUP || mode == fifodir::PUBLIC;
    sound(is_sound, &dir.join(paths::EVENT), mode, line)
}

fn sound(is_sound: bool, path: &Path, mode: u32, line: String) -> Result<String, String> {
    if is_sound {
        Ok(line)
    } else {
        Err(format!(
            "{} has incorrect permissions: {mode:o}",
            path.display()
        ))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Directory,
    Fifo,
}

/// Mode and group of what is at `path`, or what is wrong with it.
fn look(path: &Path, kind: Kind) -> Result<(u32, u32), String> {
    let shown = path.display();
    let found = fs::metadata(path)
        .map_err(|error| format!("unable to stat {shown}: {}", reason(&error)))?;
    match kind {
        Kind::Directory if !found.is_dir() => Err(format!("{shown} is not a directory")),
        Kind::Fifo if !found.file_type().is_fifo() => Err(format!("{shown} is not a named pipe")),
        Kind::Directory | Kind::Fifo => Ok((found.mode() & 0o7777, found.gid())),
    }
}

fn group_name(gid: u32, users: &Database) -> String {
    users.group_by_id(gid).unwrap_or_else(|| gid.to_string())
}
