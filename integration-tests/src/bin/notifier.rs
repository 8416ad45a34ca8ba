//! Says something on the socket of `NOTIFY_SOCKET`, as `systemd-notify` does: static, and there on every
//! machine.
//!
//! usage: notifier [--barrier | --flood] WORD...
//!
//! Sends each word as one datagram, `+` in it as a newline, and exits at once. With `--barrier` it waits
//! until all of them have been read (`BARRIER=1` and a descriptor that the reader closes); with `--flood`
//! it says the words again and again until nobody listens.

use std::io::{IoSlice, Read as _, pipe};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixDatagram;

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

fn main() {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let mut option = |name: &str| {
        let is_there = words.first().is_some_and(|word| word == name);
        if is_there {
            words.remove(0);
        }
        is_there
    };
    let (is_barrier, is_flood) = (option("--barrier"), option("--flood"));
    let path = std::env::var_os("NOTIFY_SOCKET").expect("NOTIFY_SOCKET is set");
    let socket = UnixDatagram::unbound().expect("a socket can be had");
    socket.connect(path).expect("somebody listens");
    loop {
        for word in &words {
            let sent = socket.send(word.replace('+', "\n").as_bytes());
            if is_flood && sent.is_err() {
                return;
            }
            sent.expect("it can be sent");
        }
        if !is_flood {
            break;
        }
    }
    if is_barrier {
        let (mut reader, writer) = pipe().expect("a pipe can be had");
        let fds = [writer.as_raw_fd()];
        let rights = [ControlMessage::ScmRights(&fds)];
        let slices = [IoSlice::new(b"BARRIER=1")];
        let flags = MsgFlags::empty();
        sendmsg::<()>(socket.as_raw_fd(), &slices, &rights, flags, None).expect("it can be sent");
        drop(writer);
        let end = reader.read(&mut [0]);
        assert_eq!(end.expect("a pipe can be read"), 0);
    }
}
