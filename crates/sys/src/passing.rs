//! Messages over a socket with descriptors beside them: unix(7), SCM_RIGHTS.
//!
//! The daemon receives what a command sends: a request, and the command's own standard streams, which
//! the scripts get that it asks for. What is received is close-on-exec.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

use nix::cmsg_space;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};

/// The most descriptors that come with one message; the kernel closes what is beyond.
pub const MOST: usize = 3;

/// Sends `bytes` with `fds` beside the first of them. Returns how many bytes were sent: the others are
/// to be sent without descriptors.
///
/// # Errors
/// What sendmsg(2) reports.
pub fn send(socket: &impl AsFd, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let numbers: Vec<i32> = fds.iter().map(|fd| fd.as_raw_fd()).collect();
    let rights = [ControlMessage::ScmRights(&numbers)];
    let beside: &[ControlMessage<'_>] = if numbers.is_empty() { &[] } else { &rights };
    let slices = [IoSlice::new(bytes)];
    let socket = socket.as_fd().as_raw_fd();
    let flags = MsgFlags::MSG_NOSIGNAL;
    Ok(sendmsg::<()>(socket, &slices, beside, flags, None)?)
}

/// Reads what is there, at most the buffer's length, and the descriptors that came beside it; 0 bytes
/// are the end.
///
/// # Errors
/// What recvmsg(2) reports; `WouldBlock` where nothing is there to read from a non-blocking socket.
pub fn receive(socket: &impl AsFd, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = cmsg_space!([i32; MOST]);
    let mut slices = [IoSliceMut::new(buffer)];
    let socket = socket.as_fd().as_raw_fd();
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = recvmsg::<()>(socket, &mut slices, Some(&mut space), flags)?;
    let mut received = Vec::new();
    if let Ok(beside) = message.cmsgs() {
        for one in beside {
            if let ControlMessageOwned::ScmRights(numbers) = one {
                received.extend(numbers.into_iter().map(|number| {
                    // SAFETY: the kernel has just made this descriptor for us, and nobody else
                    // knows its number.
                    unsafe { OwnedFd::from_raw_fd(number) }
                }));
            }
        }
    }
    Ok((message.bytes, received))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn descriptors_come_with_the_bytes_and_lead_to_the_same_file() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        let fds = [file.as_fd(), file.as_fd()];
        assert_eq!(send(&theirs, b"hello", &fds).unwrap(), 5);
        assert_eq!(send(&theirs, b" you", &[]).unwrap(), 4);
        drop(theirs);
        let mut buffer = [0; 5];
        let (count, received) = receive(&ours, &mut buffer).unwrap();
        assert_eq!((&buffer[..count], received.len()), (&b"hello"[..], 2));
        for fd in received {
            let is_closed_on_exec = nix::fcntl::fcntl(&fd, nix::fcntl::FcntlArg::F_GETFD).unwrap();
            assert_eq!(is_closed_on_exec, 1);
            File::from(fd).write_all(b"line").unwrap();
        }
        io::Seek::rewind(&mut file).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "lineline");
        let (count, received) = receive(&ours, &mut buffer).unwrap();
        assert_eq!((&buffer[..count], received.len()), (&b" you"[..], 0));
        assert_eq!(receive(&ours, &mut buffer).unwrap().0, 0);
    }

    #[test]
    fn a_socket_without_a_message_does_not_block_who_must_not() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let error = receive(&ours, &mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
}
