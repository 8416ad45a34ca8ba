//! The directories and files below `/run` that scripts of s6-overlay images expect. What an
//! earlier boot of the same container left there is removed first.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use sixfold_model::environment;
use sixfold_model::tree::Entry;
use sixfold_protocol::paths;
use sixfold_sys::{fifo, files, process};
use thiserror::Error;

/// What of an earlier boot is removed.
const STALE: [&str; 5] = [
    paths::STATE,
    paths::SCANDIR,
    paths::RC,
    paths::UNCAUGHT_LOGS,
    paths::RESULTS,
];
/// What is made anew; everyone may look into it.
const DIRECTORIES: [&str; 8] = [
    paths::STATE,
    paths::SCANDIR,
    paths::RESULTS,
    paths::ENV_STAGE3,
    paths::LEGACY_SERVICES,
    paths::NOTIFY,
    paths::CLEANED_SCRIPTS,
    paths::BASEDIR_BIN,
];
/// The commands that s6-overlay v3 keeps in its basedir.
const BASEDIR_COMMANDS: [&str; 5] = ["halt", "poweroff", "reboot", "shutdown", "init"];

/// Why the container cannot boot.
#[derive(Debug, Error)]
pub(crate) enum LayoutError {
    /// `/run` cannot be written to.
    #[error(
        "cannot write to /run as uid {uid}: it has to be writable; mount a tmpfs on it \
         that belongs to this user (docker run --tmpfs /run:uid={uid}; Kubernetes: an emptyDir with \
         fsGroup), or, if the root is writable, mount nothing there and let the image prepare it \
         with `sixfold install`"
    )]
    RunNotWritable {
        /// The user that tried.
        uid: u32,
        /// What the system said.
        source: io::Error,
    },
    /// This is a second init in one container.
    #[error(
        "another init is running here already (it listens on {}); a container has one, and \
         commands are run beside it with docker exec or as its CMD",
        paths::SCANDIR
    )]
    AlreadyRunning,
    /// Something below `/run` cannot be made.
    #[error("cannot make {}", path.display())]
    Make {
        /// What.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Makes everything but the environment's dump, which is [`dump_environment`]'s.
pub(crate) fn prepare(exe: &Path, workdir: &Path, is_init: bool) -> Result<(), LayoutError> {
    if !is_init && is_somebody_there() {
        return Err(LayoutError::AlreadyRunning);
    }
    check_run()?;
    lead_var_run_to_run(Path::new(paths::VAR_RUN));
    for stale in STALE {
        empty(Path::new(stale));
    }
    remove_states_of_rc(Path::new(paths::RUN));
    // The image may have prepared it for any user; it is not needed by every image.
    let _ = files::chmod(Path::new(paths::RC), 0o755);
    for directory in DIRECTORIES {
        make_dir(Path::new(directory))?;
    }
    write(Path::new(paths::EXIT_CODE), b"0\n")?;
    let mut place = workdir.as_os_str().as_bytes().to_vec();
    place.push(b'\n');
    write(Path::new(paths::WORKDIR), &place)?;
    link(Path::new(paths::SCANDIR), Path::new(paths::OLD_SCANDIR))?;
    for command in BASEDIR_COMMANDS {
        link(exe, &Path::new(paths::BASEDIR_BIN).join(command))?;
    }
    Ok(())
}

/// Writes one file for each variable, as with-contenv reads them.
pub(crate) fn dump_environment(env: &[(OsString, OsString)]) -> Result<(), LayoutError> {
    dump_into(Path::new(paths::CONTAINER_ENVIRONMENT), env)
}

fn dump_into(dir: &Path, env: &[(OsString, OsString)]) -> Result<(), LayoutError> {
    make_dir(dir)?;
    for (name, value) in env {
        if environment::is_loadable_name(name) && name.len() < 256 {
            write(&dir.join(name), &environment::dumped(value))?;
        } else {
            let name = name.to_string_lossy();
            tracing::warn!(
                event = "environment.skipped",
                "variable {name:?} cannot be a file name, so with-contenv does not have it"
            );
        }
    }
    Ok(())
}

/// Leads the place where images made for s6-overlay v1 and v2 look for the catch-all logger's files to
/// where they are, if nothing else is there.
pub(crate) fn lead_old_logs() {
    let old = Path::new(paths::OLD_UNCAUGHT_LOGS);
    // An empty directory that the image made for it is in the way.
    let _ = fs::remove_dir(old);
    // Without /var/log, or on a root that cannot be written, nobody looks there.
    let _ = symlink(paths::UNCAUGHT_LOGS, old);
}

/// Whether an init listens for control commands. What it has below `/run` must not be touched.
fn is_somebody_there() -> bool {
    let control = Path::new(paths::SCANDIR).join(paths::SCAN_CONTROL);
    fifo::write_control(&control, &[]).is_ok()
}

fn check_run() -> Result<(), LayoutError> {
    let failed = |source| LayoutError::RunNotWritable {
        uid: process::euid(),
        source,
    };
    fs::create_dir_all(paths::RUN).map_err(failed)?;
    // An image may have prepared the directories for a user who must not write to /run itself.
    let prepared = [paths::STATE, paths::SCANDIR, paths::RESULTS];
    if prepared.iter().all(|path| is_writable(Path::new(path))) {
        return Ok(());
    }
    let probe = Path::new(paths::RUN).join(".sixfold-writable");
    fs::write(&probe, b"").map_err(failed)?;
    fs::remove_file(&probe).map_err(failed)
}

fn is_writable(dir: &Path) -> bool {
    let probe = dir.join(".sixfold-writable");
    fs::write(&probe, b"").is_ok() && fs::remove_file(&probe).is_ok()
}

/// Images made for s6-overlay v1 and v2 say `/var/run`. Where that is a directory of its own, what
/// it holds is left alone and only the state's directory in it becomes a link.
fn lead_var_run_to_run(var_run: &Path) {
    if is_same(var_run, Path::new(paths::RUN)) {
        return;
    }
    let linked = match fs::symlink_metadata(var_run) {
        Err(error) if error.kind() == ErrorKind::NotFound => var_run
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| symlink(paths::RUN, var_run)),
        Err(error) => Err(error),
        Ok(_) => {
            let state = var_run.join("s6");
            empty(&state);
            let _ = fs::remove_dir(&state).or_else(|_| fs::remove_file(&state));
            symlink(paths::STATE, &state).or_else(tolerate_existing)
        }
    };
    if let Err(error) = linked {
        tracing::warn!(
            event = "layout.var_run",
            error = %error,
            mend = "make /var/run a symbolic link to /run in the image",
            "/var/run does not lead to /run, so scripts that say /var/run/s6 will fail"
        );
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => one.dev() == other.dev() && one.ino() == other.ino(),
        (Ok(_) | Err(_), Ok(_) | Err(_)) => false,
    }
}

/// Removes what is in `dir`, or `dir` itself if it is not a directory. What cannot be removed is
/// met again when it is to be made.
fn empty(dir: &Path) {
    let Ok(metadata) = fs::symlink_metadata(dir) else {
        return;
    };
    if !metadata.is_dir() {
        let _ = fs::remove_file(dir);
        return;
    }
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let _ = match entry.file_type() {
            Ok(kind) if kind.is_dir() => fs::remove_dir_all(&path),
            Ok(_) | Err(_) => fs::remove_file(&path),
        };
    }
}

/// Removes what s6-rc itself leaves beside its link: `s6-rc:s6-rc-init:XXXXXX`.
fn remove_states_of_rc(run: &Path) {
    for entry in fs::read_dir(run).into_iter().flatten().flatten() {
        if entry.file_name().as_bytes().starts_with(b"s6-rc:") {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn make_dir(path: &Path) -> Result<(), LayoutError> {
    fs::create_dir_all(path)
        .and_then(|()| {
            // A directory that the image prepared for any user is closed again where it is ours.
            files::chmod(path, 0o755).or_else(|error| {
                if error.kind() == ErrorKind::PermissionDenied {
                    Ok(())
                } else {
                    Err(error)
                }
            })
        })
        .map_err(|source| LayoutError::Make {
            path: path.to_owned(),
            source,
        })
}

fn write(path: &Path, content: &[u8]) -> Result<(), LayoutError> {
    fs::write(path, content).map_err(|source| LayoutError::Make {
        path: path.to_owned(),
        source,
    })
}

fn link(target: &Path, path: &Path) -> Result<(), LayoutError> {
    symlink(target, path)
        .or_else(tolerate_existing)
        .map_err(|source| LayoutError::Make {
            path: path.to_owned(),
            source,
        })
}

fn tolerate_existing(error: io::Error) -> io::Result<()> {
    if error.kind() == ErrorKind::AlreadyExists {
        Ok(())
    } else {
        Err(error)
    }
}

/// Puts a service of services.d into the scan directory: as a link to a copy of its directory, where
/// scripts may write, or, where it cannot be copied, to the directory itself. What is no directory
/// is linked as it is, to be reported with everything else in the scan directory.
pub(crate) fn place_service(name: &OsStr, source: &Path, entry: &Entry) -> io::Result<()> {
    let live = Path::new(paths::LEGACY_SERVICES).join(name);
    let target = match entry {
        Entry::Dir(_) => match copy_tree(source, &live) {
            Ok(()) => live,
            Err(error) => {
                tracing::warn!(
                    event = "layout.copy",
                    path = %source.display(),
                    error = %error,
                    mend = "make /run writable and large enough",
                    "a service could not be copied, so it runs in its own directory"
                );
                source.to_owned()
            }
        },
        Entry::File(_) | Entry::Special | Entry::Dangling | Entry::Unreadable(_) => {
            source.to_owned()
        }
    };
    let place = Path::new(paths::SCANDIR).join(name);
    symlink(target, place).or_else(tolerate_existing)
}

/// Takes the services that came from services.d out of the scan directory. Their supervisors still
/// have their directories.
pub(crate) fn unlist_services() {
    for entry in fs::read_dir(paths::SCANDIR).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_ours = fs::read_link(&path).is_ok_and(|to| to.starts_with(paths::LEGACY_SERVICES));
        if is_ours && let Err(error) = fs::remove_file(&path) {
            tracing::warn!(
                event = "layout.unlist",
                path = %path.display(),
                error = %error,
                "a service could not be taken out of the scan directory"
            );
        }
    }
}

/// Copies a directory with all in it to another one, which may be there already.
pub(crate) fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_tree(&path, &target)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(&path)?, &target).or_else(tolerate_existing)?;
        } else if kind.is_file() {
            fs::copy(&path, &target)?;
        } else {
            // FIFOs, sockets and devices: what they are is found through a link.
            symlink(&path, &target).or_else(tolerate_existing)?;
        }
    }
    let metadata = fs::metadata(from)?;
    fs::set_permissions(to, metadata.permissions())?;
    if process::euid() == 0 {
        files::chown(to, Some(metadata.uid()), Some(metadata.gid()))?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
