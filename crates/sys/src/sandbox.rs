//! A command as PID 1 of namespaces of its own, over the host's files with a tree laid on top.
//!
//! For `sixfold run TREE`: a service tree is tried on the machine one sits at, and nothing it
//! writes outside `/tmp`, `/dev` and other mounted file systems reaches the host. It is no security
//! boundary: `/dev` and the network are the host's.
//!
//! The new process is made by one clone(2) rather than unshare and fork, so that PID 1 of the new
//! namespace is a direct child of the caller: its pid can be signalled and waited for. clone copies
//! one thread only, therefore the caller must have one thread only. What the child sees:
//!
//! | path | what it is |
//! | --- | --- |
//! | `/` | an overlay: the host's root below, a tmpfs above, the trees copied into it |
//! | `/run` | an empty tmpfs, with what the trees and `setup` put there |
//! | `/proc` | that of the new pid namespace |
//! | `/dev`, `/sys`, `/tmp` | the host's |
//! | other mounted directories | the host's, unless a tree has that directory: then an overlay too |
//! | other mounted files | copies |
//!
//! The trees are copied as Docker's COPY does (owned by root, links to directories followed), and
//! not made a lower layer: overlayfs refuses a layer that lies inside another, and a tree normally
//! lies inside the host's root. So no path of the user's is ever part of the mount options either,
//! where `:`, `,` and `\` would need care.
//!
//! Without root a user namespace is made in which the caller is uid 0. There the kernel refuses an
//! overlay over a directory with mounts below it, so such directories are put together entry by
//! entry. Called from the CLI only, never from PID 1.

mod lay;
mod root;

use std::convert::Infallible;
use std::ffi::c_long;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, fs::File};

use thiserror::Error;

use crate::check::check;
use crate::{fds, process, signals, wait};

/// What to do where the kernel does not allow what the sandbox needs.
const MEND: &str = "run as root, or allow unprivileged user namespaces \
    (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces above 0, \
    kernel.apparmor_restrict_unprivileged_userns=0, as far as they exist); \
    in Docker use --privileged, or --cap-add SYS_ADMIN without the default seccomp and apparmor profiles";

/// Why there is no sandbox.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The kernel refuses new namespaces.
    #[error("cannot make mount and pid namespaces: {MEND}")]
    Namespaces {
        /// What clone(2) reported.
        source: io::Error,
    },
    /// A step inside the namespaces was not permitted.
    #[error("sandbox: not permitted to {step}: {MEND}")]
    Denied {
        /// What was tried, with the path.
        step: String,
        /// What the kernel reported.
        source: io::Error,
    },
    /// A step inside the namespaces failed.
    #[error("sandbox: cannot {step}")]
    Step {
        /// What was tried, with the path.
        step: String,
        /// What the kernel, or `setup`, reported.
        source: io::Error,
    },
    /// The pipe between this process and the new one failed.
    #[error("sandbox: cannot learn whether it started")]
    Pipe {
        /// What the kernel reported.
        source: io::Error,
    },
}

/// What is to run in a sandbox.
pub struct SandboxPlan<'a> {
    /// The trees to lay over the host's files; a later one goes over an earlier one.
    pub lower: Vec<PathBuf>,
    /// The working directory, as seen inside.
    pub dir: PathBuf,
    /// Called in the new process when the trees have been laid, with the path of the new root, to
    /// put more files there. The host's files are still at their places meanwhile, except for
    /// `/run` (or `/mnt`, where there is no `/run`); `/proc/self/exe` is this program.
    pub setup: &'a dyn Fn(&Path) -> io::Result<()>,
    /// What becomes PID 1: looked up inside, started with an empty signal mask and default
    /// dispositions, in the session and process group of the caller (so a terminal's ^C reaches
    /// both). Its `current_dir` must not be set.
    pub command: Command,
}

/// Starts the plan's command in a sandbox and returns its pid, when it has been executed. It is a
/// child of the caller, who waits for it ([`crate::wait`]); it is killed if the caller dies.
///
/// The caller must have one thread only, and blocks until the sandbox is built.
///
/// # Errors
/// [`SandboxError`]; no process is left behind then.
pub fn run(plan: SandboxPlan<'_>) -> Result<i32, SandboxError> {
    let (reader, writer) = fds::pipe().map_err(|source| SandboxError::Pipe { source })?;
    let ids = Ids {
        uid: process::euid(),
        gid: process::egid(),
    };
    let mapped = ids.uid != 0;
    let mut flags = libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::SIGCHLD;
    if mapped {
        flags |= libc::CLONE_NEWUSER;
    }
    let none: c_long = 0;
    // SAFETY: without CLONE_VM and with no stack given this is a fork: the child has a copy of
    // everything and goes on from here. It ends in exec or _exit and never returns to the caller.
    let pid =
        unsafe { libc::syscall(libc::SYS_clone, c_long::from(flags), none, none, none, none) };
    if pid == 0 {
        drop(reader);
        run_child(plan, mapped.then_some(ids), writer);
    }
    let pid = i32::try_from(pid).unwrap_or(-1);
    if pid < 0 {
        return Err(SandboxError::Namespaces {
            source: io::Error::last_os_error(),
        });
    }
    drop(writer);
    let mut report = Vec::new();
    let read = File::from(reader).read_to_end(&mut report);
    match read {
        Ok(0) => return Ok(pid),
        Ok(_length) => {}
        Err(source) => {
            // It is of no use if nobody knows of it; that it has gone already is all right.
            let _gone = signals::send(pid, libc::SIGKILL);
            let _status = wait::wait_for(pid);
            return Err(SandboxError::Pipe { source });
        }
    }
    // It has nothing left to do but to exit.
    let _status = wait::wait_for(pid);
    Err(Failure::decode(&report).into())
}

/// A step that failed in the child.
#[derive(Debug)]
struct Failure {
    step: String,
    source: io::Error,
}

impl Failure {
    /// For `map_err`: names the step that failed.
    fn at<E: Into<io::Error>>(step: impl Into<String>) -> impl FnOnce(E) -> Self {
        move |source| Self {
            step: step.into(),
            source: source.into(),
        }
    }

    /// errno (0 if there is none), the step, a NUL, the error's text.
    fn encode(&self) -> Vec<u8> {
        let mut report = self
            .source
            .raw_os_error()
            .unwrap_or(0)
            .to_ne_bytes()
            .to_vec();
        report.extend_from_slice(self.step.replace('\0', "?").as_bytes());
        report.push(0);
        report.extend_from_slice(self.source.to_string().as_bytes());
        report
    }

    fn decode(report: &[u8]) -> Self {
        let (errno, rest) = report.split_first_chunk().unwrap_or((&[0; 4], report));
        let mut parts = rest.splitn(2, |byte| *byte == 0);
        let mut text = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
        let (step, message) = (text(), text());
        let source = match i32::from_ne_bytes(*errno) {
            0 => io::Error::other(message),
            errno => io::Error::from_raw_os_error(errno),
        };
        Self { step, source }
    }
}

impl From<Failure> for SandboxError {
    fn from(Failure { step, source }: Failure) -> Self {
        // EACCES is as often a file's mode as a policy, so it does not get the mend.
        if source.raw_os_error() == Some(libc::EPERM) {
            Self::Denied { step, source }
        } else {
            Self::Step { step, source }
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Ids {
    uid: u32,
    gid: u32,
}

/// All of the child's life before exec.
fn run_child(plan: SandboxPlan<'_>, ids: Option<Ids>, report: OwnedFd) -> ! {
    let mut report = File::from(report);
    // A panic must not unwind into the caller's frames: they are the parent's business.
    let outcome = catch_unwind(AssertUnwindSafe(|| become_command(plan, ids, &report)));
    let failure = match outcome {
        Ok(Err(failure)) => failure,
        Ok(Ok(never)) => match never {},
        Err(_panic) => Failure {
            step: "build it".to_owned(),
            source: io::Error::other("a bug: panicked, see stderr"),
        },
    };
    // If this fails the parent has gone, and with it whoever wanted to know.
    let _unheard = report.write_all(&failure.encode());
    // SAFETY: ends this process at once; the parent's exit handlers are not ours to run.
    unsafe { libc::_exit(127) }
}

fn become_command(
    mut plan: SandboxPlan<'_>,
    ids: Option<Ids>,
    report: &File,
) -> Result<Infallible, Failure> {
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)
        .map_err(Failure::at("ask for the end together with the parent"))?;
    if reader_is_gone(report) {
        // The parent died before the line above.
        return Err(Failure::at("go on without the parent")(
            io::Error::from_raw_os_error(libc::EPIPE),
        ));
    }
    if let Some(ids) = ids {
        map_ids(ids)?;
    }
    root::enter(&plan.lower, plan.setup, ids.is_some())?;
    std::env::set_current_dir(&plan.dir).map_err(Failure::at(format!(
        "change to {} inside",
        plan.dir.display()
    )))?;
    signals::reset_dispositions();
    signals::clear_mask().map_err(Failure::at("clear the signal mask"))?;
    let error = plan.command.exec();
    Err(Failure::at(format!(
        "execute {}",
        plan.command.get_program().display()
    ))(error))
}

fn reader_is_gone(pipe: &File) -> bool {
    let mut poll = libc::pollfd {
        fd: pipe.as_raw_fd(),
        events: 0,
        revents: 0,
    };
    // SAFETY: one pollfd, as the count says; a timeout of 0 does not wait.
    let ready = check(unsafe { libc::poll(&raw mut poll, 1, 0) });
    matches!(ready, Ok(1)) && poll.revents & libc::POLLERR != 0
}

/// Makes the caller's ids 0 in the new user namespace (user_namespaces(7)). The kernel wants
/// setgroups denied before it lets an unprivileged process map a group.
fn map_ids(ids: Ids) -> Result<(), Failure> {
    let lines = [
        ("/proc/self/setgroups", "deny".to_owned()),
        ("/proc/self/uid_map", format!("0 {} 1", ids.uid)),
        ("/proc/self/gid_map", format!("0 {} 1", ids.gid)),
    ];
    for (path, line) in lines {
        fs::write(path, line).map_err(Failure::at(format!("write {path}")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_survive_the_pipe() {
        let source = io::Error::from_raw_os_error(libc::EPERM);
        let failure = Failure {
            step: "mount /x".to_owned(),
            source,
        };
        let error = SandboxError::from(Failure::decode(&failure.encode()));
        assert!(matches!(error, SandboxError::Denied { .. }), "{error:?}");
        assert!(error.to_string().contains("--cap-add SYS_ADMIN"), "{error}");

        let failure = Failure {
            step: "set up".to_owned(),
            source: io::Error::other("no room"),
        };
        let error = SandboxError::from(Failure::decode(&failure.encode()));
        assert!(matches!(error, SandboxError::Step { .. }), "{error:?}");
        assert_eq!(error.to_string(), "sandbox: cannot set up");
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.to_string(), "no room");
    }

    #[test]
    fn a_cut_report_is_no_panic() {
        for length in 0..5 {
            let error = SandboxError::from(Failure::decode(&[1; 5][..length]));
            assert!(!error.to_string().is_empty());
        }
    }
}
