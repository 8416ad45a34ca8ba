//! Sockets that everybody may send datagrams to, as syslog's is.
//!
//! Called from applets, and from the daemon's syslog.

use std::fs::OpenOptions;
use std::io;
use std::net::{IpAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use crate::files;
use crate::lock::{self, Kind};

/// A socket at `path`, non-blocking, in place of one that nobody reads any more: whoever reads one
/// holds a lock on `PATH.lock`, which is given too and has to be kept.
///
/// # Errors
/// EBUSY when somebody reads there; what open(2), unlink(2) and bind(2) report.
pub fn bind(path: &Path) -> io::Result<(OwnedFd, OwnedFd)> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let held = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&name)?;
    if !lock::try_lock(&held, Kind::Exclusive)? {
        return Err(io::Error::from_raw_os_error(libc::EBUSY));
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mask = files::umask();
    files::set_umask(0);
    let bound = UnixDatagram::bind(path);
    files::set_umask(mask);
    let socket = bound?;
    socket.set_nonblocking(true)?;
    Ok((socket.into(), held.into()))
}

/// Whether somebody has a socket open at `path`, and we may send to it: nothing is sent.
pub fn is_read(path: &Path) -> bool {
    UnixDatagram::unbound().is_ok_and(|socket| socket.connect(path).is_ok())
}

/// A socket at a port of an address of this machine, non-blocking.
///
/// # Errors
/// What socket(2) and bind(2) report.
pub fn bind_port(address: IpAddr, port: u16) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((address, port))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
