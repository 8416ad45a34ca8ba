//! The client's side of the socket on which a supervisor is asked for services of s6-rc
//! ([`sixfold_protocol::live`]): one request, and the replies to it.
//!
//! Called from the commands that ask a supervisor.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use sixfold_protocol::live::{MOST, Outcome, Reply, Request};
use sixfold_protocol::paths::{RC_SCANDIR, REQUESTS};
use sixfold_sys::passing;
use sixfold_sys::poll::{self, Deadline};

use crate::complain::reason;

/// Longer paths are no addresses of sockets (unix(7)).
const LONGEST: usize = 107;

/// Why a supervisor does not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LiveError {
    /// There is no live directory.
    #[error("unable to take locks: {}", reason(.0))]
    Missing(io::Error),
    /// Nobody listens at the socket.
    #[error(
        "unable to take locks: nobody listens at {}: {} (this live directory is served by Sixfold's /init and s6-svscan alone: start one of them around the scan directory that {}/scandir leads to, and then s6-rc-init)",
        socket.display(), reason(error), live.display()
    )]
    Silent {
        /// The live directory.
        live: PathBuf,
        /// The socket in its scan directory.
        socket: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The connection broke.
    #[error("unable to talk to the supervisor: {}", reason(.0))]
    Broken(io::Error),
    /// The supervisor went away before it was done.
    #[error("the supervisor went away before it had answered")]
    Gone,
    /// What came is no reply.
    #[error("unable to understand the supervisor, which may be of another version: {0}")]
    Garbage(String),
}

/// What comes while replies are waited for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A reply.
    Reply(Reply),
    /// There is something to be read from the other descriptor.
    Other,
    /// The deadline has come.
    TimedOut,
}

/// A connection to a supervisor.
#[derive(Debug)]
pub(crate) struct Live {
    socket: UnixStream,
    /// What has come of replies that were not given yet.
    received: Vec<u8>,
}

impl Live {
    /// Connects to the supervisor that serves the live directory `dir`.
    ///
    /// # Errors
    /// When there is no such directory, or nobody listens.
    pub(crate) fn connect(dir: &Path) -> Result<Self, LiveError> {
        let metadata = fs::metadata(dir).map_err(LiveError::Missing)?;
        if !metadata.is_dir() {
            let error = io::Error::from(io::ErrorKind::NotADirectory);
            return Err(LiveError::Missing(error));
        }
        let scandir = dir.join(RC_SCANDIR);
        Self::connect_scandir(&scandir).map_err(|error| LiveError::Silent {
            live: dir.to_owned(),
            socket: scandir.join(REQUESTS),
            error,
        })
    }

    /// Connects to the supervisor of a scan directory.
    ///
    /// # Errors
    /// What connect(2) reports: `NotFound` or `ConnectionRefused` where nobody listens.
    pub(crate) fn connect_scandir(scandir: &Path) -> io::Result<Self> {
        let path = scandir.join(REQUESTS);
        let socket = if path.as_os_str().len() <= LONGEST {
            UnixStream::connect(&path)?
        } else {
            let name = path.file_name().unwrap_or_default();
            let dir = File::open(path.parent().unwrap_or(scandir))?;
            let short = Path::new("/proc/self/fd").join(dir.as_raw_fd().to_string());
            UnixStream::connect(short.join(name))?
        };
        Ok(Self {
            socket,
            received: Vec::new(),
        })
    }

    /// Sends a request; `with_streams`, with this process's standard streams for the scripts that it
    /// makes run.
    ///
    /// # Errors
    /// When the supervisor went away.
    pub(crate) fn ask(&mut self, request: &Request, with_streams: bool) -> Result<(), LiveError> {
        let mut line =
            serde_json::to_vec(request).map_err(|error| LiveError::Broken(error.into()))?;
        line.push(b'\n');
        let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
        let mut beside: &[BorrowedFd<'_>] = if with_streams {
            &[stdin.as_fd(), stdout.as_fd(), stderr.as_fd()]
        } else {
            &[]
        };
        let mut rest = line.as_slice();
        while !rest.is_empty() {
            let sent = passing::send(&self.socket, rest, beside).map_err(LiveError::Broken)?;
            rest = rest.get(sent..).unwrap_or_default();
            beside = &[];
        }
        Ok(())
    }

    /// Waits for the next reply, or until `other` can be read, or until `deadline`.
    ///
    /// # Errors
    /// When the supervisor went away or says what is no reply.
    pub(crate) fn hear(
        &mut self,
        other: Option<BorrowedFd<'_>>,
        deadline: Deadline,
    ) -> Result<Heard, LiveError> {
        loop {
            if let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.received.drain(..=end).collect();
                return serde_json::from_slice(&line)
                    .map(Heard::Reply)
                    .map_err(|error| LiveError::Garbage(error.to_string()));
            }
            if self.received.len() > MOST {
                return Err(LiveError::Garbage("a line does not end".to_owned()));
            }
            let mut fds = vec![self.socket.as_fd()];
            fds.extend(other);
            let ready = poll::wait_readable(&fds, deadline).map_err(LiveError::Broken)?;
            match (ready.first(), ready.get(1)) {
                // First, since replies may come without end.
                (_, Some(true)) => return Ok(Heard::Other),
                (Some(true), _) => self.receive()?,
                (Some(false) | None, _) => return Ok(Heard::TimedOut),
            }
        }
    }

    /// The replies up to the one that is the last.
    pub(crate) fn replies(&mut self) -> Replies<'_> {
        Replies {
            live: self,
            is_over: false,
        }
    }

    fn receive(&mut self) -> Result<(), LiveError> {
        let mut buffer = [0; 4096];
        let (count, _) = passing::receive(&self.socket, &mut buffer).map_err(LiveError::Broken)?;
        if count == 0 {
            return Err(LiveError::Gone);
        }
        self.received
            .extend(buffer.get(..count).unwrap_or_default());
        Ok(())
    }
}

/// The replies to a request, one after the other as they come. Nothing follows an error.
#[derive(Debug)]
pub(crate) struct Replies<'a> {
    live: &'a mut Live,
    is_over: bool,
}

impl Iterator for Replies<'_> {
    type Item = Result<Reply, LiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let heard = self.live.hear(None, Deadline::after(None));
        self.is_over = !matches!(&heard, Ok(Heard::Reply(reply)) if !reply.is_last());
        match heard {
            Ok(Heard::Reply(reply)) => Some(Ok(reply)),
            // Neither of them is waited for.
            Ok(Heard::Other | Heard::TimedOut) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

/// What a supervisor says of services.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// Those that s6-rc counts as up.
    pub(crate) up: Vec<String>,
    /// The longruns that are wanted up.
    pub(crate) wanted: Vec<String>,
}

/// Asks the supervisor that serves the live directory `dir` what is up; `block`, it waits for a change
/// at work.
///
/// # Errors
/// When nobody answers, or with the outcome that is the answer instead, [`Outcome::Busy`] as a rule.
pub(crate) fn status(dir: &Path, block: bool) -> Result<Result<Status, Outcome>, LiveError> {
    let mut live = Live::connect(dir)?;
    live.ask(&Request::Status { block }, false)?;
    for reply in live.replies() {
        match reply? {
            Reply::Status { up, wanted } => return Ok(Ok(Status { up, wanted })),
            Reply::Ended { outcome } => return Ok(Err(outcome)),
            Reply::Begun { .. }
            | Reply::Done { .. }
            | Reply::Failed { .. }
            | Reply::Kept { .. }
            | Reply::Differs { .. }
            | Reply::Said { .. } => {}
        }
    }
    Err(LiveError::Gone)
}

#[cfg(test)]
mod tests;
