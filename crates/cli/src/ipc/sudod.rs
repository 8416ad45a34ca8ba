//! `s6-sudod`: running a program for who asks over a connection.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::process::{Command, Stdio};

use sixfold_sys::poll::{self, Deadline};
use sixfold_sys::signals::SignalFd;
use sixfold_sys::{environ, fds, passing, signals, spawn, wait};

use super::message::{FROM_SERVER, HEADER, LONGEST, Request, STREAMS};
use super::sudo::{after, wait as wait_for};
use crate::complain::{self, FAILED, SYSTEM, USAGE, reason};
use crate::tools::{Call, Failure, Outcome, decimal};

/// Its name.
pub(super) const NAME: &str = "s6-sudod";
const SIGTERM: i32 = 15;
const SIGCHLD: i32 = 17;
const SIGCONT: i32 = 18;
/// Invalid argument; protocol error; nobody is there any more.
const EINVAL: u8 = 22;
const EPROTO: i32 = 71;
const EPIPE: i32 = 32;

/// Which of the client's streams the program does not get, and whether it goes on without the client.
#[derive(Debug, Clone, Copy, Default)]
struct Settings {
    without: [bool; STREAMS],
    outlives: bool,
}

/// `s6-sudod [ -0 ] [ -1 ] [ -2 ] [ -d ] [ -t timeout ] args...`
pub(super) fn sudod(mut call: Call) -> Outcome {
    let (given, words) = call.options("012dt:")?;
    let (mut settings, mut limit) = (Settings::default(), 0);
    for option in given {
        match option.letter {
            b'0' => settings.without[0] = true,
            b'1' => settings.without[1] = true,
            b'2' => settings.without[2] = true,
            b'd' => {
                settings.without = [true; STREAMS];
                settings.outlives = true;
            }
            _ => limit = decimal(&option.value)?,
        }
    }
    let failed = |what: &'static str| move |error: io::Error| Failure::unable(what, &error);
    let from = fds::duplicate(0).map_err(failed("make socket non-blocking"))?;
    let to = fds::duplicate(1).map_err(failed("make socket non-blocking"))?;
    let deadline = after(limit);
    write_all(&to, FROM_SERVER).map_err(failed("write banner to client"))?;
    let (body, streams) = receive(&from, deadline).map_err(failed("read message from client"))?;
    let fatal = |text: &str| Failure::Fatal(text.to_owned(), USAGE);
    let streams: [OwnedFd; STREAMS] = streams
        .try_into()
        .map_err(|_| fatal("client did not send 3 fds"))?;
    let request = Request::unpack(&body).map_err(fatal)?;
    let variables = variables(&request).ok_or_else(|| {
        // Its exit code tells too.
        let _ = write_all(&to, &[EINVAL]);
        fatal("bad environment from client")
    })?;
    let mut words = words;
    words.extend(request.words.into_iter().map(OsString::from_vec));
    let (program, args) = words.split_first().ok_or(Failure::Usage)?;
    let mut command = Command::new(program);
    command.args(args).envs(variables);
    let told = streams[2]
        .try_clone()
        .map_err(failed("make socket non-blocking"))?;
    direct(&mut command, settings, streams).map_err(failed("open /dev/null for the program"))?;
    spawn::with_empty_mask(&mut command);
    signals::block(&[SIGCHLD]).map_err(failed("trap SIGCHLD"))?;
    let ends = SignalFd::new(&[SIGCHLD]).map_err(failed("trap SIGCHLD"))?;
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let number = error.raw_os_error().and_then(|it| u8::try_from(it).ok());
            if !settings.without[2] {
                // The program's errors are the client's; without them, they are ours.
                let _ = fds::replace(2, told);
            }
            let message = format!("unable to exec {}: {}", program.display(), reason(&error));
            complain::fatal("s6-sudod (child)", message, SYSTEM);
            // The client may be gone.
            let _ = write_all(&to, &[number.unwrap_or(EINVAL)]);
            return Ok(SYSTEM);
        }
    };
    // Our copies of the client's streams: their other ends wait for the program alone.
    drop((command, told));
    write_all(&to, &[0]).map_err(failed("send confirmation to client"))?;
    attend(&from, &to, &ends, child.id(), settings)
}

/// Waits for the end of the program, which is told to the client. When that goes first, the program
/// has to.
fn attend(from: &OwnedFd, to: &OwnedFd, ends: &SignalFd, pid: u32, settings: Settings) -> Outcome {
    let pid = i32::try_from(pid).unwrap_or_default();
    let mut is_there = true;
    loop {
        let failed = |error| Failure::unable("wait_pid_nohang", &error);
        if let Some(status) = wait::reap_raw(pid).map_err(failed)? {
            if is_there {
                write_all(to, &status.to_be_bytes())
                    .map_err(|error| Failure::unable("write status to client", &error))?;
            }
            return Ok(0);
        }
        let watched = [ends.as_fd(), from.as_fd()];
        let watched = if is_there {
            &watched[..]
        } else {
            &watched[..1]
        };
        let ready = poll::wait_readable(watched, Deadline::after(None));
        let ready = ready.map_err(|error| Failure::unable("iopause", &error))?;
        while ends.read().is_ok_and(|signal| signal.is_some()) {}
        if ready.first() != Some(&true) && ready.get(1) == Some(&true) {
            is_there = false;
            if !settings.outlives {
                // It may have just ended.
                let _ = signals::send(pid, SIGTERM);
                let _ = signals::send(pid, SIGCONT);
                return Ok(FAILED);
            }
        }
    }
}

/// The variables that the program gets of the client: those that are here, and empty. Nothing, if the
/// client has sent something else.
fn variables(request: &Request) -> Option<Vec<(OsString, OsString)>> {
    let own = environ::entries();
    let mut variables = Vec::new();
    for entry in &request.environment {
        let at = entry.iter().position(|byte| *byte == b'=')?;
        let (name, value) = entry.split_at_checked(at + 1)?;
        if own.iter().any(|entry| entry == name) {
            let name = name.strip_suffix(b"=")?;
            let of_system = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
            variables.push((of_system(name), of_system(value)));
        }
    }
    Some(variables)
}

/// Gives the program the client's streams. In place of what it is not to have there is nothing, but for
/// its errors, which are ours then.
fn direct(
    command: &mut Command,
    settings: Settings,
    streams: [OwnedFd; STREAMS],
) -> io::Result<()> {
    let [input, output, errors] = streams;
    let [no_input, no_output, no_errors] = settings.without;
    let null = |write: bool| File::options().read(!write).write(write).open("/dev/null");
    command.stdin(if no_input {
        Stdio::from(null(false)?)
    } else {
        Stdio::from(input)
    });
    command.stdout(if no_output {
        Stdio::from(null(true)?)
    } else {
        Stdio::from(output)
    });
    if !no_errors {
        command.stderr(Stdio::from(errors));
    }
    Ok(())
}

/// Receives the client's message, and the descriptors that come with it.
fn receive(from: &OwnedFd, deadline: Deadline) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let (mut message, mut streams) = (Vec::new(), Vec::new());
    let mut wanted = HEADER;
    loop {
        if let Some([a, b, c, d]) = message.first_chunk::<4>() {
            let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d]));
            wanted = length.unwrap_or(usize::MAX).saturating_add(HEADER);
            if wanted > LONGEST {
                return Err(io::Error::from_raw_os_error(EPROTO));
            }
            if message.len() >= wanted {
                let body = message.get(HEADER..wanted).unwrap_or_default();
                return Ok((body.to_vec(), streams));
            }
        }
        wait_for(from, deadline)?;
        let mut buffer = vec![0; (wanted - message.len()).min(8192)];
        let (count, received) = match passing::receive(from, &mut buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            result => result?,
        };
        if count == 0 {
            return Err(io::Error::from_raw_os_error(EPIPE));
        }
        message.extend_from_slice(buffer.get(..count).unwrap_or_default());
        streams.extend(received);
    }
}

fn write_all(to: &OwnedFd, mut bytes: &[u8]) -> io::Result<()> {
    fds::set_nonblocking(to, false)?;
    while !bytes.is_empty() {
        let count = fds::write(to, bytes)?;
        bytes = bytes.get(count..).unwrap_or_default();
    }
    Ok(())
}
