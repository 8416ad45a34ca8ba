//! `s6-sudo` and `s6-sudoc`: asking for a program to be run.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::time::Duration;

use sixfold_execline::Ended;
use sixfold_sys::poll::{self, Deadline};
use sixfold_sys::wait::Exit;
use sixfold_sys::{environ, fds, passing};

use super::client::{READ, Target, WRITE};
use super::message::{FROM_SERVER, Request};
use crate::complain::{SYSTEM, USAGE};
use crate::tools::{Call, Failure, Outcome, decimal};

/// The half that talks.
pub(super) const CLIENT: &str = "s6-sudoc";
/// It took too long; nobody is there any more.
const ETIMEDOUT: i32 = 110;
const EPIPE: i32 = 32;

/// What a program is asked for with.
#[derive(Debug, Default)]
struct Question {
    /// Whether the environment goes with it.
    with_environment: bool,
    to_begin: u32,
    to_end: u32,
}

impl Question {
    fn new() -> Self {
        Self {
            with_environment: true,
            ..Self::default()
        }
    }

    fn option(&mut self, letter: u8, value: &OsString) -> Result<(), Failure> {
        match letter {
            b'e' => self.with_environment = false,
            b't' => self.to_begin = decimal(value)?,
            _ => self.to_end = decimal(value)?,
        }
        Ok(())
    }

    /// Asks, and waits until the program has ended. Its exit code is the answer.
    fn ask(&self, from: &OwnedFd, to: &OwnedFd, words: Vec<OsString>) -> Outcome {
        let request = Request {
            words: words.into_iter().map(OsString::into_vec).collect(),
            environment: if self.with_environment {
                environ::entries()
            } else {
                Vec::new()
            },
        };
        let deadline = after(self.to_begin);
        let mut greeting = vec![0; FROM_SERVER.len()];
        let fatal = |text: &str, code| Failure::Fatal(text.to_owned(), code);
        match read_all(from, &mut greeting, deadline) {
            (0, Err(_)) => {
                return Err(fatal(
                    "unable to connect to the s6-sudod server - check that you have appropriate permissions",
                    SYSTEM,
                ));
            }
            (_, Err(error)) => return Err(Failure::unable("read banner from s6-sudod", &error)),
            (_, Ok(())) => {}
        }
        if greeting != FROM_SERVER {
            return Err(fatal(
                "wrong banner - check that you are connecting to a s6-sudod server",
                USAGE,
            ));
        }
        send(to, &request).map_err(|error| Failure::unable("send args to server", &error))?;
        let mut answer = [0];
        let (_, read) = read_all(from, &mut answer, deadline);
        read.map_err(|error| Failure::unable("get confirmation from server", &error))?;
        if answer != [0] {
            let error = io::Error::from_raw_os_error(i32::from(answer[0]));
            let what = "start privileged program: server answered: ";
            return Err(Failure::unable(what, &error));
        }
        let mut status = [0; 4];
        let (_, read) = read_all(from, &mut status, after(self.to_end));
        read.map_err(|error| Failure::unable("get exit status from server", &error))?;
        let small = |number: i32| u8::try_from(number).unwrap_or(u8::MAX);
        let ended = match Exit::from_raw(i32::from_be_bytes(status)) {
            Exit::Code(code) => Ended::Code(small(code)),
            Exit::Signal(signal) => Ended::Signal(small(signal)),
        };
        Ok(ended.exit_code())
    }
}

/// The moment when so many milliseconds are over; never, without any.
pub(super) fn after(milliseconds: u32) -> Deadline {
    let limit = Duration::from_millis(milliseconds.into());
    Deadline::after(Some(limit).filter(|limit| !limit.is_zero()))
}

/// Fills the buffer before the deadline; also gives how much has come.
pub(super) fn read_all(
    from: &impl AsFd,
    buffer: &mut [u8],
    deadline: Deadline,
) -> (usize, io::Result<()>) {
    let mut count = 0;
    while let Some(rest) = buffer.get_mut(count..).filter(|rest| !rest.is_empty()) {
        match read_some(from, rest, deadline) {
            Ok(0) => return (count, Err(io::Error::from_raw_os_error(EPIPE))),
            Ok(more) => count += more,
            Err(error) => return (count, Err(error)),
        }
    }
    (count, Ok(()))
}

fn read_some(from: &impl AsFd, buffer: &mut [u8], deadline: Deadline) -> io::Result<usize> {
    loop {
        wait(from, deadline)?;
        match fds::read(from, buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            result => return result,
        }
    }
}

/// Waits until there is something to read.
pub(super) fn wait(from: &impl AsFd, deadline: Deadline) -> io::Result<()> {
    if poll::wait_readable(&[from.as_fd()], deadline)?.contains(&true) {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(ETIMEDOUT))
    }
}

/// Sends the request, with our standard streams beside its first byte.
fn send(to: &OwnedFd, request: &Request) -> io::Result<()> {
    let message = request.pack().ok_or(ErrorKind::InvalidInput)?;
    let (input, output, errors) = (io::stdin(), io::stdout(), io::stderr());
    let streams = [input.as_fd(), output.as_fd(), errors.as_fd()];
    fds::set_nonblocking(to, false)?;
    let mut sent = passing::send(to, &message, &streams)?;
    while let Some(rest) = message.get(sent..).filter(|rest| !rest.is_empty()) {
        sent += passing::send(to, rest, &[])?;
    }
    Ok(())
}

/// `s6-sudoc [ -e ] [ -t timeoutconn ] [ -T timeoutrun ] [ args... ]`
pub(super) fn sudoc(mut call: Call) -> Outcome {
    let (given, words) = call.options("et:T:")?;
    let mut question = Question::new();
    for option in given {
        question.option(option.letter, &option.value)?;
    }
    let taken = fds::take(READ).and_then(|from| Ok((from, fds::take(WRITE)?)));
    let (from, to) = taken.map_err(|error| Failure::unable("make socket non-blocking", &error))?;
    question.ask(&from, &to, words)
}

/// `s6-sudo [ options ] path [ args... ]`: s6-ipcclient and s6-sudoc in one process.
pub(super) fn sudo(mut call: Call) -> Outcome {
    let (given, words) = call.options("qQvp:l:et:T:")?;
    let (mut target, mut question) = (Target::new(), Question::new());
    for option in given {
        match option.letter {
            b'e' | b't' | b'T' => question.option(option.letter, &option.value)?,
            letter => target.option(letter, option.value),
        }
    }
    let (path, words) = words.split_first().ok_or(Failure::Usage)?;
    let socket = match target.connect(path) {
        Ok(socket) => socket,
        Err(failure) => return Ok(failure.report("s6-ipcclient").number()),
    };
    match question.ask(&socket, &socket, words.to_vec()) {
        Ok(code) => Ok(code),
        Err(failure) => Ok(failure.report(CLIENT).number()),
    }
}
