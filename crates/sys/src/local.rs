//! Local sockets (unix(7)) for the commands that serve them or connect to them.
//!
//! Called from applets only; the daemon's own sockets are tokio's.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::Path;

use nix::sys::socket::sockopt::PeerCredentials;
use nix::sys::socket::{self, AddressFamily, Backlog, SockFlag, SockType, UnixAddr};

/// What goes through a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A stream for each connection.
    Stream,
    /// Datagrams.
    Datagram,
}

/// Somebody at the other end, as it was when the connection was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The effective user.
    pub uid: u32,
    /// The effective group.
    pub gid: u32,
}

/// An accepted connection.
#[derive(Debug)]
pub struct Connection {
    /// Our end of it.
    pub socket: OwnedFd,
    /// Where the other end is bound to; empty if it is not.
    pub path: OsString,
}

/// A socket, close-on-exec.
///
/// # Errors
/// EMFILE and the like.
pub fn socket(kind: Kind, blocks: bool) -> io::Result<OwnedFd> {
    let kind = match kind {
        Kind::Stream => SockType::Stream,
        Kind::Datagram => SockType::Datagram,
    };
    let mut flags = SockFlag::SOCK_CLOEXEC;
    flags.set(SockFlag::SOCK_NONBLOCK, !blocks);
    Ok(socket::socket(AddressFamily::Unix, kind, flags, None)?)
}

/// Gives the socket a path, which must not be there.
///
/// # Errors
/// EADDRINUSE, ENAMETOOLONG, and what else bind(2) reports.
pub fn bind(socket: &OwnedFd, path: &Path) -> io::Result<()> {
    Ok(socket::bind(socket.as_raw_fd(), &UnixAddr::new(path)?)?)
}

/// Lets so many connections wait.
///
/// # Errors
/// What listen(2) reports: EOPNOTSUPP for datagrams.
pub fn listen(socket: &OwnedFd, backlog: u32) -> io::Result<()> {
    // The kernel has a limit too, and takes what is beyond for that.
    let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
    let backlog = Backlog::new(backlog).unwrap_or(Backlog::MAXCONN);
    Ok(socket::listen(socket, backlog)?)
}

/// Connects to the socket at `path`.
///
/// # Errors
/// ENOENT, ECONNREFUSED, EACCES, and what else connect(2) reports.
pub fn connect(socket: &OwnedFd, path: &Path) -> io::Result<()> {
    Ok(socket::connect(socket.as_raw_fd(), &UnixAddr::new(path)?)?)
}

/// Takes the next connection, close-on-exec.
///
/// # Errors
/// What accept(2) reports; `WouldBlock` when there is none and the socket does not block.
pub fn accept(socket: &OwnedFd) -> io::Result<Connection> {
    // A copy, since the listener closes what it has.
    let (stream, address) = UnixListener::from(socket.try_clone()?).accept()?;
    let path = address
        .as_pathname()
        .map(|path| path.as_os_str().to_owned());
    Ok(Connection {
        socket: stream.into(),
        path: path.unwrap_or_default(),
    })
}

/// Who is at the other end of a connection.
///
/// # Errors
/// What getsockopt(2) reports.
pub fn peer(socket: &impl AsFd) -> io::Result<Peer> {
    let found = socket::getsockopt(socket, PeerCredentials)?;
    Ok(Peer {
        uid: found.uid(),
        gid: found.gid(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fds, process};

    #[test]
    fn a_connection_has_two_ends() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let server = socket(Kind::Stream, false).unwrap();
        bind(&server, &path).unwrap();
        listen(&server, 4096).unwrap();
        assert_eq!(
            accept(&server).unwrap_err().kind(),
            io::ErrorKind::WouldBlock
        );
        let client = socket(Kind::Stream, true).unwrap();
        bind(&client, &dir.path().join("client")).unwrap();
        connect(&client, &path).unwrap();
        let accepted = accept(&server).unwrap();
        assert!(Path::new(&accepted.path).ends_with("client"));
        let found = peer(&accepted.socket).unwrap();
        assert_eq!((found.uid, found.gid), (process::euid(), process::egid()));
        fds::write(&client, b"x").unwrap();
        assert_eq!(fds::read(&accepted.socket, &mut [0; 2]).unwrap(), 1);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let datagrams = socket(Kind::Datagram, true).unwrap();
        bind(&datagrams, &path).unwrap();
        assert!(listen(&datagrams, 1).is_err());
        let other = socket(Kind::Stream, true).unwrap();
        assert_eq!(
            bind(&other, &path).unwrap_err().kind(),
            io::ErrorKind::AddrInUse
        );
        let missing = connect(&other, &dir.path().join("nobody")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
