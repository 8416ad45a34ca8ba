//! Becoming another program, or starting it, with an environment that is a value, and without the shell
//! that execvp(3) tries for a file that is no program.
//!
//! Called from applets.

use std::convert::Infallible;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::SigSet;

use crate::check::invalid;

/// execve(2): becomes the program at `path`. Returns only when that fails.
///
/// # Errors
/// `InvalidInput` for a NUL byte anywhere; otherwise what execve(2) reports.
pub fn exec(
    path: &[u8],
    args: &[Vec<u8>],
    env: impl Iterator<Item = Vec<u8>>,
) -> io::Result<Infallible> {
    let (path, args, env) = (c_string(path)?, arguments(args)?, variables(env)?);
    Ok(nix::unistd::execve(&path, &args, &env)?)
}

/// What a child that [`spawn`] starts gets that is not ours.
#[derive(Debug, Clone, Copy, Default)]
pub struct Changes<'a> {
    /// Descriptor 0, if not ours.
    pub stdin: Option<BorrowedFd<'a>>,
    /// Descriptor 1, if not ours.
    pub stdout: Option<BorrowedFd<'a>>,
    /// It has no signal blocked.
    pub empty_mask: bool,
}

/// Starts the program at `path` as a child and gives its pid: posix_spawn(3). But for the changes it
/// finds all as it is here. std's `Command` would give it SIGPIPE at its default even where that is
/// ignored, and its variables in another order.
///
/// # Errors
/// `InvalidInput` for a NUL byte anywhere; EAGAIN, ENOMEM; what execve(2) reports.
pub fn spawn(
    path: &[u8],
    args: &[Vec<u8>],
    env: impl Iterator<Item = Vec<u8>>,
    changes: Changes<'_>,
) -> io::Result<i32> {
    let (path, args, env) = (c_string(path)?, arguments(args)?, variables(env)?);
    let mut actions = PosixSpawnFileActions::init()?;
    for (from, to) in [(changes.stdin, 0), (changes.stdout, 1)] {
        if let Some(from) = from {
            actions.add_dup2(from.as_raw_fd(), to)?;
        }
    }
    let mut attributes = PosixSpawnAttr::init()?;
    if changes.empty_mask {
        attributes.set_flags(PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK)?;
        attributes.set_sigmask(&SigSet::empty())?;
    }
    let child = posix_spawn(path.as_c_str(), &actions, &attributes, &args, &env)?;
    Ok(child.as_raw())
}

fn c_string(bytes: &[u8]) -> io::Result<CString> {
    CString::new(bytes).map_err(|_nul| invalid())
}

fn arguments(args: &[Vec<u8>]) -> io::Result<Vec<CString>> {
    args.iter().map(|arg| c_string(arg)).collect()
}

fn variables(env: impl Iterator<Item = Vec<u8>>) -> io::Result<Vec<CString>> {
    env.map(|variable| c_string(&variable)).collect()
}

/// How many bytes execve(2) takes for arguments and environment together: a quarter of the stack's
/// limit, between 128 KiB and 6 MiB (execve(2), limits on size).
#[must_use]
pub fn size_limit() -> usize {
    const LEAST: u64 = 128 * 1024;
    const MOST: u64 = 6 * 1024 * 1024;
    let stack = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_STACK)
        .map_or(MOST, |(soft, _hard)| soft / 4);
    usize::try_from(stack.clamp(LEAST, MOST)).unwrap_or(usize::MAX)
}

/// How many bytes one word of execve(2) may have, its NUL included (MAX_ARG_STRLEN).
pub const WORD_LIMIT: usize = 128 * 1024;
