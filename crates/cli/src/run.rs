//! `sixfold run TREE [-- CMD ...]`: boots a service tree on the machine one sits at, without
//! Docker: PID 1 of a private namespace whose root is the host's with TREE laid over it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use sixfold_sys::sandbox::{self, SandboxPlan};
use sixfold_sys::signals::{self, Received};
use sixfold_sys::wait::{self, Exit};

use crate::complain::{self, ExitCode, SYSTEM, USAGE, reason, say};
use crate::install::{self, Demand};

const NAME: &str = "sixfold run";
const SYNOPSIS: &str = "sixfold run TREE [ -- CMD ... ]";

/// What is passed on, and what ends the wait.
const PASSED_ON: [i32; 8] = [1, 2, 3, 10, 12, 14, 15, 30];
const SIGCHLD: i32 = 17;

/// The command.
pub(crate) fn run(args: Vec<OsString>) -> ExitCode {
    let (tree, cmd) = match args.split_first() {
        Some((help, _)) if help == "--help" || help == "-h" => return help_text(),
        Some((tree, [])) => (PathBuf::from(tree), Vec::new()),
        Some((tree, [dashes, cmd @ ..])) if dashes == "--" => (PathBuf::from(tree), cmd.to_vec()),
        Some(_) | None => return complain::usage(NAME, SYNOPSIS),
    };
    if !tree.is_dir() {
        let message = format!(
            "{} is not a directory (TREE is what an image would COPY to /: it holds etc/services.d)",
            tree.display()
        );
        return complain::fatal(NAME, message, USAGE);
    }
    let mut command = Command::new("/init");
    command.args(cmd);
    let setup = |root: &Path| {
        install::into(root, Path::new("/proc/self/exe"), Demand::Core)
            .map(|_| ())
            .map_err(|error| io::Error::other(format!("{error:#}")))
    };
    let dir = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let plan = SandboxPlan {
        lower: vec![tree],
        dir,
        setup: &setup,
        command,
    };
    match sandbox::run(plan) {
        Ok(pid) => wait(pid),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            complain::fatal(
                NAME,
                format!("{error}{}", cause.unwrap_or_default()),
                SYSTEM,
            )
        }
    }
}

/// Passes signals on until the container is over, and ends as it does.
fn wait(pid: i32) -> ExitCode {
    let mut listened = PASSED_ON.to_vec();
    listened.push(SIGCHLD);
    loop {
        match wait::reap(pid) {
            Ok(None) => {}
            Ok(Some(Exit::Code(code))) => {
                return ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX));
            }
            Ok(Some(Exit::Signal(signal))) => {
                return ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX));
            }
            Err(error) => {
                return complain::fatal(
                    NAME,
                    format!("unable to wait: {}", reason(&error)),
                    SYSTEM,
                );
            }
        }
        match signals::wait_next(&listened) {
            // What comes from the terminal has reached the whole foreground group already.
            Ok(Received {
                signal,
                from_kernel: false,
                ..
            }) if signal != SIGCHLD => {
                // It may be gone; the next turn will see it.
                let _ = signals::send(pid, signal);
            }
            Ok(_) => {}
            Err(error) => {
                return complain::fatal(
                    NAME,
                    format!("unable to listen: {}", reason(&error)),
                    SYSTEM,
                );
            }
        }
    }
}

fn help_text() -> ExitCode {
    say(format_args!("Usage: {SYNOPSIS}\n"));
    say(
        "Boots the service tree TREE (what an image would COPY to /) on this machine, in a private\nPID and mount namespace: the host's files with TREE laid over them. Nothing on the host is\nchanged; the network is the host's. ^C stops it in order.\n",
    );
    say(
        "With a CMD, it ends when the CMD does, with its exit code. The environment is passed on, so\nthe S6_* variables and SIXFOLD_LOG_FORMAT work as in a container.\n",
    );
    say("Needs root, or a kernel that lets users make user namespaces.\n");
    say(
        "  sixfold run docker/sample/rootfs\n  sixfold run docker/sample/rootfs -- sh -c 'sleep 1; exit 3'",
    );
    ExitCode::SUCCESS
}
