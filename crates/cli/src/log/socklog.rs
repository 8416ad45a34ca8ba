//! `s6-socklog`: what programs send to `/dev/log`, or to a port, as lines on standard output (s6.md
//! B4).

use std::ffi::{OsStr, OsString};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use sixfold_model::logging::syslog;
use sixfold_sys::datagrams;
use sixfold_sys::fds::{self, Console};
use sixfold_sys::poll::{self, Deadline, Wish};
use sixfold_sys::signals::{self, SignalFd};

use super::command::descriptor;
use super::filter::failed;
use crate::complain::{self, ExitCode, SYSTEM, reason};
use crate::options::{Options, WrongUsage, number};
use crate::process::identity::{self, Identity};

pub(super) const NAME: &str = "s6-socklog";
const SYNOPSIS: &str = "s6-socklog [ -d notif ] [ -r ] [ -U | -u uid -g gid -G gidlist ] [ -l linelen ] [ -t lameducktimeout ] [ -x socket | -i ip_port ]";
const SIGTERM: i32 = 15;
const STDOUT: i32 = 1;
/// The port of syslog.
const PORT: u16 = 514;
/// No more is read while this much waits to be written, in bytes: it waits in the socket then.
const MOST: usize = 64 * 1024;

/// The least limit of a line that is one, in bytes.
const LEAST_LIMIT: usize = 76;
const SIGPIPE: i32 = 13;

/// How it was called.
struct Call {
    notification: Option<i32>,
    /// Lines are written as they come.
    is_raw: bool,
    identity: Identity,
    limit: usize,
    /// How long what was read may take to be written at the end; `None` is as long as it takes.
    lame: Option<Duration>,
    place: Place,
}

/// Where it listens.
enum Place {
    Path(OsString),
    Port(IpAddr, u16),
}

/// What it listens to.
enum Socket {
    /// With the lock that keeps others away.
    Local(OwnedFd, OwnedFd),
    Port(UdpSocket),
}

/// `s6-socklog [ options ]`
pub(super) fn socklog(args: Vec<OsString>) -> ExitCode {
    match read(args).and_then(|call| run(&call)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => code,
    }
}

fn read(args: Vec<OsString>) -> Result<Call, ExitCode> {
    let usage = |_: WrongUsage| complain::usage(NAME, SYNOPSIS);
    let mut options = Options::new(args, "rUd:l:t:u:g:G:x:i:");
    let mut call = Call {
        notification: None,
        is_raw: false,
        identity: Identity::default(),
        limit: 1024,
        lame: None,
        place: Place::Path("/dev/log".into()),
    };
    while let Some(option) = options.next().map_err(usage)? {
        let value = option.value.as_os_str();
        let unsigned = || number::<u32>(value).ok_or(WrongUsage).map_err(usage);
        match option.letter {
            b'r' => call.is_raw = true,
            b'U' => call.identity = Identity::from_environment(NAME)?,
            b'd' => call.notification = Some(descriptor(NAME, unsigned()?)?),
            b'l' => {
                let limit = usize::try_from(unsigned()?).unwrap_or(usize::MAX);
                call.limit = limit.clamp(LEAST_LIMIT, MOST);
            }
            b't' => {
                let lame = Duration::from_millis(unsigned()?.into());
                call.lame = Some(lame).filter(|lame| !lame.is_zero());
            }
            b'u' => call.identity.uid = unsigned()?,
            b'g' => call.identity.gid = unsigned()?,
            b'G' => {
                let list = identity::list(value).ok_or(WrongUsage);
                call.identity.groups = Some(list.map_err(usage)?);
            }
            b'x' => call.place = Place::Path(option.value),
            _ => call.place = port(value).ok_or(WrongUsage).map_err(usage)?,
        }
    }
    Ok(call)
}

/// `ip` or `ip_port`.
fn port(value: &OsStr) -> Option<Place> {
    let text = value.to_str()?;
    let (ip, port) = match text.split_once('_') {
        Some((ip, port)) => (ip, number(OsStr::new(port))?),
        None => (text, PORT),
    };
    Some(Place::Port(ip.parse().ok()?, port))
}

fn run(call: &Call) -> Result<(), ExitCode> {
    let socket = bind(&call.place)?;
    call.identity.apply(NAME)?;
    let listen = || {
        // Who reads what we write may go away.
        signals::ignore(SIGPIPE)?;
        signals::block(&[SIGTERM])?;
        signals::heed(SIGTERM)?;
        SignalFd::new(&[SIGTERM])
    };
    let ends = listen().map_err(|error| failed(NAME, "listen to signals", &error))?;
    let console = fds::console(STDOUT).map_err(|error| failed(NAME, "open stdout", &error))?;
    if let Some(number) = call.notification {
        let fd = fds::take(number);
        let fd = fd.map_err(|error| failed(NAME, "take the notification fd", &error))?;
        // Whoever does not listen any more does not want to know.
        let _ = fds::write(&fd, b"\n");
    }
    let mut out = Out {
        console,
        pending: Vec::new(),
        written: 0,
    };
    let mut buffer = vec![0; call.limit + 1];
    let mut is_ending = false;
    let mut deadline = Deadline::after(None);
    while !is_ending || out.waits() {
        let mut wishes = vec![(ends.as_fd(), Wish::Read)];
        if out.waits() {
            wishes.push((out.console.as_fd(), Wish::Write));
        } else if !is_ending {
            wishes.push((socket.as_fd(), Wish::Read));
        }
        let ready = poll::wait(&wishes, deadline);
        let ready = ready.map_err(|error| failed(NAME, "poll", &error))?;
        if !ready.contains(&true) {
            return Ok(());
        }
        let heard = ends
            .read()
            .map_err(|error| failed(NAME, "read signals", &error))?;
        if heard.is_some() && !is_ending {
            is_ending = true;
            deadline = Deadline::after(call.lame);
        }
        if !is_ending && !out.waits() {
            receive(call, &socket, &mut buffer, &mut out.pending)
                .map_err(|error| failed(NAME, "recv", &error))?;
        }
        out.write()
            .map_err(|error| failed(NAME, "write to stdout", &error))?;
    }
    Ok(())
}

/// What is to be written.
struct Out {
    console: Console,
    pending: Vec<u8>,
    written: usize,
}

impl Out {
    /// Whether something waits until it can be written.
    fn waits(&self) -> bool {
        self.written < self.pending.len()
    }

    /// Writes as much as goes.
    fn write(&mut self) -> io::Result<()> {
        while self.waits() {
            let rest = self.pending.get(self.written..).unwrap_or_default();
            match self.console.write(rest) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.pending.clear();
        self.written = 0;
        Ok(())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Local(socket, _lock) => socket.as_fd(),
            Self::Port(socket) => socket.as_fd(),
        }
    }
}

fn bind(place: &Place) -> Result<Socket, ExitCode> {
    let fatal = |place: String, error: &io::Error| {
        let message = format!("unable to bind socket to {place}: {}", reason(error));
        complain::fatal(NAME, message, SYSTEM)
    };
    match place {
        Place::Path(path) => {
            let bound = datagrams::bind(Path::new(path));
            let (socket, lock) =
                bound.map_err(|error| fatal(path.display().to_string(), &error))?;
            Ok(Socket::Local(socket, lock))
        }
        Place::Port(ip, port) => {
            let bound = datagrams::bind_port(*ip, *port);
            let bound = bound.map_err(|error| fatal(format!("ip {ip} port {port}"), &error));
            Ok(Socket::Port(bound?))
        }
    }
}

/// Takes the datagrams that are there. An empty one, which ends that of s6, says nothing.
fn receive(call: &Call, socket: &Socket, buffer: &mut [u8], out: &mut Vec<u8>) -> io::Result<()> {
    while out.len() < MOST {
        let received = match socket {
            Socket::Local(socket, _lock) => {
                // Descriptors that come with it are not taken, and so closed.
                fds::read(socket, buffer).map(|length| (length, None))
            }
            Socket::Port(socket) => {
                let received = socket.recv_from(buffer);
                received.map(|(length, from)| (length, Some(from)))
            }
        };
        let (length, from) = match received {
            Ok(received) => received,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        let datagram = buffer.get(..length).unwrap_or_default();
        put(datagram, from, call, out);
    }
    Ok(())
}

fn put(datagram: &[u8], from: Option<SocketAddr>, call: &Call, out: &mut Vec<u8>) {
    if datagram.is_empty() {
        return;
    }
    if let Some(from) = from {
        let from = format!("{}_{}: ", from.ip(), from.port());
        out.extend_from_slice(from.as_bytes());
    }
    let is_long = datagram.len() > call.limit;
    let mut line = datagram.to_vec();
    syslog::flatten(&mut line);
    if call.is_raw {
        out.extend_from_slice(&line);
    } else {
        syslog::translate(&line, out);
    }
    if is_long {
        out.extend_from_slice(b"...");
    }
    out.push(b'\n');
}
