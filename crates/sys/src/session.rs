//! Sessions and process groups of this process (setsid(2), setpgid(2)). Called from applets.

use std::io;

use nix::unistd::{Pid, setpgid};

use crate::{signals, terminal};

/// A new session without a terminal, with this process as its leader.
///
/// # Errors
/// EPERM for the leader of a process group.
pub fn new_session() -> io::Result<()> {
    Ok(nix::unistd::setsid().map(drop)?)
}

/// A new process group in the same session, with this process as its leader.
///
/// # Errors
/// EPERM for the leader of a session.
pub fn new_group() -> io::Result<()> {
    let own = Pid::from_raw(0);
    Ok(setpgid(own, own)?)
}

/// Makes the process group of this process the foreground group of the terminal at descriptor `fd`.
/// With `grab`, a process of the background may do that without being stopped; SIGTTOU is ignored
/// from then on.
///
/// # Errors
/// ENOTTY, EPERM (tcsetpgrp(3)).
pub fn take_foreground(fd: i32, grab: bool) -> io::Result<()> {
    if grab {
        signals::ignore(libc::SIGTTOU)?;
    }
    terminal::set_foreground(fd, nix::unistd::getpid().as_raw())
}
