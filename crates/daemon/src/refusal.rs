//! What the system's refusals to start something mean: which exit code they give, and what a
//! person can do about them. Pure; called where a process could not be started.

use std::ffi::OsStr;
use std::io::{Error, ErrorKind};
use std::path::Path;

use sixfold_engine::SpawnFailure;
use sixfold_model::{Diagnostic, ServiceSpec};

/// What only privileged processes may do.
const EPERM: i32 = 1;
/// The process has as many descriptors as it may.
const EMFILE: i32 = 24;
/// The system has as many open files as it may.
const ENFILE: i32 = 23;
/// No more processes, by a limit of the user or of the container.
const EAGAIN: i32 = 11;
/// Arguments and environment are too long.
const E2BIG: i32 = 7;
/// Neither a program nor a script.
const ENOEXEC: i32 = 8;

/// What it means that `program`, looked up in `path`, could not be started.
pub(crate) fn of_program(
    program: &OsStr,
    path: &OsStr,
    error: &Error,
) -> (SpawnFailure, Diagnostic) {
    let place = Path::new(program);
    let (failure, what, mend) = match (error.kind(), of_system(error)) {
        (_, Some(mend)) => (SpawnFailure::NotRunnable, error.to_string(), mend),
        (ErrorKind::NotFound, None) if place.components().count() > 1 => (
            SpawnFailure::NotFound,
            "there is no such file, or its interpreter is missing".to_owned(),
            "correct the path, or install it in the image",
        ),
        (ErrorKind::NotFound, None) => (
            SpawnFailure::NotFound,
            format!("it is in no directory of PATH ({})", path.display()),
            "install it in the image, or give its whole path",
        ),
        (ErrorKind::PermissionDenied, None) => (
            SpawnFailure::NotRunnable,
            "it may not be executed by this user".to_owned(),
            "chmod +x it, and see that its file system is not mounted noexec",
        ),
        (_, None) => (
            SpawnFailure::NotRunnable,
            error.to_string(),
            "see execve(2) for what this error means",
        ),
    };
    (
        failure,
        Diagnostic::error(place, format!("cannot be run: {what}"), mend),
    )
}

/// What it means that a service that asks for a pid namespace of its own could not be started; `None`
/// if that had nothing to do with it.
pub(crate) fn of_namespace(spec: &ServiceSpec, error: &Error) -> Option<Diagnostic> {
    // A program that may not be executed is EACCES.
    (error.raw_os_error() == Some(EPERM)).then(|| {
        let name = spec.name.as_str();
        Diagnostic::error(
            &spec.source.join("flag-newpidns"),
            format!("service {name} gets no pid namespace of its own, which needs CAP_SYS_ADMIN"),
            "grant that (docker run --cap-add SYS_ADMIN), or remove the file",
        )
    })
}

/// What can be done about a refusal that has nothing to do with what was asked for, but with a
/// limit of the system; `None` for all others.
pub(crate) fn of_system(error: &Error) -> Option<&'static str> {
    match error.raw_os_error() {
        Some(EMFILE) => Some("raise the limit of open files (docker run --ulimit nofile=...)"),
        Some(ENFILE) => Some("raise the host's limit of open files (sysctl fs.file-max)"),
        Some(EAGAIN) => Some("raise the limit of processes (docker run --pids-limit, ulimit -u)"),
        Some(E2BIG) => Some("shorten the arguments or the environment"),
        Some(ENOEXEC) => Some("make it a program for this machine, or a script with a #! line"),
        Some(_) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(program: &str, errno: i32) -> (SpawnFailure, Diagnostic) {
        let error = Error::from_raw_os_error(errno);
        of_program(OsStr::new(program), OsStr::new("/usr/bin:/bin"), &error)
    }

    #[test]
    fn codes_are_those_of_shells() {
        for (program, errno, code) in [
            ("nosuch", 2, 127),
            ("/opt/x", 2, 127),
            ("/etc/passwd", 13, 126),
            ("x", 24, 126),
            ("x", 8, 126),
        ] {
            assert_eq!(refused(program, errno).0.code(), code, "{program} {errno}");
        }
    }

    #[test]
    fn each_says_what_can_be_done() {
        for (program, errno, word) in [
            ("nosuch", 2, "PATH (/usr/bin:/bin)"),
            ("/opt/x", 2, "interpreter"),
            ("/opt/x", 13, "chmod +x"),
            ("/opt/x", 24, "--ulimit nofile"),
            ("/opt/x", 11, "--pids-limit"),
            ("/opt/x", 7, "environment"),
        ] {
            let text = refused(program, errno).1.to_string();
            assert!(text.contains(word) && text.starts_with(program), "{text}");
        }
    }
}
