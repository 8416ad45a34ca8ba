//! The socket on which a service announces itself (sd_notify(3)): datagrams from anybody, each with
//! the kernel's word on who sent it (unix(7), SO_PASSCRED).
//!
//! A sender may put descriptors beside its words, for instance to learn by their end that what it said
//! before has been read (sd_notify_barrier(3)). There is room for the sender's credentials alone here,
//! so that the kernel closes descriptors as it hands over the datagram, and none ever gets into this
//! process: neither can somebody use them up, nor does closing one of a slow file system hold us up.
//! Called from the units of the daemon.

use std::io;
use std::mem::{MaybeUninit, size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::path::Path;

use nix::sys::socket::sockopt::PassCred;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, bind, setsockopt, socket};

use crate::check::{check_len, retry};
use crate::files;

/// Makes a socket at `path`, in the place of what is there, to which every user may send; reading from
/// it does not block.
///
/// # Errors
/// When the path is longer than 107 bytes (ENAMETOOLONG), its directory is not there or not writable,
/// something there cannot be removed, or no descriptor is left.
pub fn open(path: &Path) -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let address = UnixAddr::new(path)?;
    let fd = socket(AddressFamily::Unix, SockType::Datagram, flags, None)?;
    // First, or what comes at once would come from nobody.
    setsockopt(&fd, PassCred, &true)?;
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    bind(fd.as_raw_fd(), &address)?;
    files::chmod(path, 0o666)?;
    Ok(fd)
}

/// What came in one datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// How many bytes of it are in the buffer.
    pub length: usize,
    /// Whether that is all of it.
    pub is_whole: bool,
    /// Who sent it, by the kernel's word; nothing, if that is not told.
    pub sender: Option<Sender>,
}

/// Who sent a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    /// The process, which may be gone by now; 0 when it is outside of our pid namespace.
    pub pid: i32,
    /// Its real user, or the one that a privileged process chose to show.
    pub uid: u32,
}

/// Room for the credentials, as the kernel aligns them, and for nothing else.
#[repr(C, align(8))]
struct Control([MaybeUninit<u8>; CONTROL]);

const CONTROL: usize = {
    // SAFETY: CMSG_SPACE only calculates.
    let space = unsafe { libc::CMSG_SPACE(CREDENTIALS) };
    space as usize
};
/// The length of `struct ucred`: three numbers of 32 bits.
const CREDENTIALS: u32 = 12;

/// Takes one datagram into `buffer`; what does not fit is lost.
///
/// # Errors
/// `WouldBlock` where there is none; else what recvmsg(2) reports.
pub fn receive(socket: &impl AsFd, buffer: &mut [u8]) -> io::Result<Received> {
    let fd = socket.as_fd().as_raw_fd();
    let mut control = Control([MaybeUninit::zeroed(); CONTROL]);
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: msghdr is plain data for which all zeroes is a valid value.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = CONTROL;
    let length = retry(|| {
        // SAFETY: the message, its one part and its room for credentials outlive the call, and their
        // lengths are those of what they point to. A call that was interrupted has changed nothing.
        check_len(unsafe { libc::recvmsg(fd, &raw mut message, libc::MSG_CMSG_CLOEXEC) })
    })?;
    Ok(Received {
        length: length.min(buffer.len()),
        is_whole: message.msg_flags & libc::MSG_TRUNC == 0,
        sender: sender(&message),
    })
}

fn sender(message: &libc::msghdr) -> Option<Sender> {
    // SAFETY: `message` was filled by recvmsg.
    let first = unsafe { libc::CMSG_FIRSTHDR(message) };
    // SAFETY: it is null, or leads to a whole header in the control data, which is still there.
    let header = unsafe { first.as_ref() }?;
    let is_credentials = header.cmsg_level == libc::SOL_SOCKET
        && header.cmsg_type == libc::SCM_CREDENTIALS
        && header.cmsg_len >= size_of::<libc::cmsghdr>() + size_of::<libc::ucred>();
    if !is_credentials {
        return None;
    }
    // SAFETY: the data follows a header within the same control data.
    let data = unsafe { libc::CMSG_DATA(header) }.cast::<libc::ucred>();
    // SAFETY: the header says that a whole ucred is there, which is plain data; it may be unaligned.
    let credentials = unsafe { data.read_unaligned() };
    Some(Sender {
        pid: credentials.pid,
        uid: credentials.uid,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::net::UnixDatagram;

    use super::*;
    use crate::{passing, process};

    fn pair(dir: &Path) -> (OwnedFd, UnixDatagram) {
        let path = dir.join("socket");
        let ours = open(&path).unwrap();
        let theirs = UnixDatagram::unbound().unwrap();
        theirs.connect(&path).unwrap();
        (ours, theirs)
    }

    #[test]
    fn the_credentials_are_those_of_a_ucred() {
        assert_eq!(size_of::<libc::ucred>(), CREDENTIALS as usize);
        assert_eq!(align_of::<Control>() % align_of::<libc::cmsghdr>(), 0);
    }

    #[test]
    fn words_come_with_who_said_them() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, theirs) = pair(dir.path());
        let own = i32::try_from(std::process::id()).unwrap();
        theirs.send(b"READY=1").unwrap();
        theirs.send(b"").unwrap();
        theirs.send(b"long word").unwrap();
        let mut buffer = [0; 7];
        let sender = Some(Sender {
            pid: own,
            uid: process::user(own).unwrap(),
        });
        for (length, is_whole) in [(7, true), (0, true), (7, false)] {
            let expected = Received {
                length,
                is_whole,
                sender,
            };
            assert_eq!(receive(&ours, &mut buffer).unwrap(), expected);
        }
        assert_eq!(&buffer, b"long wo");
        let error = receive(&ours, &mut buffer).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn descriptors_are_closed_as_their_words_come() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, theirs) = pair(dir.path());
        let (mut reader, writer) = io::pipe().unwrap();
        let fds = [writer.as_fd(); 3];
        passing::send(&theirs, b"BARRIER=1", &fds).unwrap();
        drop(writer);
        let mut buffer = [0; 64];
        let received = receive(&ours, &mut buffer).unwrap();
        assert_eq!(&buffer[..received.length], b"BARRIER=1");
        assert!(received.is_whole && received.sender.is_some());
        // Would block for ever if an end were open here.
        assert_eq!(reader.read(&mut buffer).unwrap(), 0);
    }

    #[test]
    fn everybody_may_send_and_what_was_there_gives_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        std::fs::write(&path, "x").unwrap();
        let first = open(&path).unwrap();
        let (second, theirs) = pair(dir.path());
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o666);
        theirs.send(b"x").unwrap();
        assert!(receive(&first, &mut [0; 8]).is_err());
        assert!(receive(&second, &mut [0; 8]).is_ok());
        let long = dir.path().join("x".repeat(108));
        assert_eq!(
            open(&long).unwrap_err().raw_os_error(),
            Some(libc::ENAMETOOLONG)
        );
        let nowhere = dir.path().join("no/such");
        assert_eq!(open(&nowhere).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
