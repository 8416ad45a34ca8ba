//! Becoming another program, with an environment that is a value, and without the shell that
//! execvp(3) tries for a file that is no program.
//!
//! Called from applets.

use std::convert::Infallible;
use std::ffi::CString;
use std::io;

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
    let c_string = |bytes: &[u8]| CString::new(bytes).map_err(|_nul| invalid());
    let path = c_string(path)?;
    let args = args
        .iter()
        .map(|arg| c_string(arg))
        .collect::<io::Result<Vec<_>>>()?;
    let env = env
        .map(|variable| c_string(&variable))
        .collect::<io::Result<Vec<_>>>()?;
    Ok(nix::unistd::execve(&path, &args, &env)?)
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
