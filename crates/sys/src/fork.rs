//! A second process that goes on with the same program.
//!
//! Only for programs of one thread, as all of ours are: another thread's locks would stay locked in
//! the child for ever. Called from applets, never from the daemon.

use std::io;

use nix::unistd::ForkResult;

use crate::wait;

/// Who one is after [`fork`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The process that was there before.
    Parent,
    /// The new one.
    Child,
}

/// Forks. With `apart` the new process is nobody's child of ours: it belongs to whoever collects
/// orphans, and whatever this process becomes never hears of its end.
///
/// # Errors
/// EAGAIN, ENOMEM (fork(2)).
pub fn fork(apart: bool) -> io::Result<Side> {
    // SAFETY: the process has one thread.
    let side = unsafe { nix::unistd::fork() }?;
    let ForkResult::Parent { child } = side else {
        if apart {
            // SAFETY: the process has one thread.
            let side = unsafe { nix::unistd::fork() };
            if !matches!(side, Ok(ForkResult::Child)) {
                let code = i32::from(side.is_err());
                // SAFETY: ends this process without touching what it shares with its parent.
                unsafe { libc::_exit(code) };
            }
        }
        return Ok(Side::Child);
    };
    if apart && wait::wait_for(child.as_raw())? != wait::Exit::Code(0) {
        return Err(io::Error::from_raw_os_error(libc::EAGAIN));
    }
    Ok(Side::Parent)
}
