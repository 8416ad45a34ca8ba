//! The socket in the scan directory, on which the commands of s6-rc ask ([`sixfold_protocol::live`]).
//!
//! One task accepts, and one serves each client: it hands what is asked to the dispatcher and passes on
//! the replies. A client that goes away takes back what it asked for. Nothing that clients do or leave
//! undone holds anything else up, and each has one request at work at most.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;
use std::rc::Rc;

use sixfold_protocol::live::{MOST, Outcome, Reply, Request};
use sixfold_protocol::paths;
use sixfold_sys::{files, passing};
use tokio::io::Interest;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::broadcast;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::BroadcastStream;

use crate::phase::Phase;

/// How many clients are served at a time. Those beyond are refused.
const CLIENTS: usize = 64;
/// The longest address of a socket: that of unix(7), without the byte that ends it.
const LONGEST: usize = 107;
/// How much is read at once.
const CHUNK: usize = 4096;

/// What a client asks.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Which client.
    pub(crate) client: u64,
    /// What.
    pub(crate) request: Request,
    /// Its standard streams, if it sent them.
    pub(crate) streams: Option<[OwnedFd; 3]>,
    /// Where replies go.
    pub(crate) replies: UnboundedSender<Reply>,
}

/// Opens the socket of the scan directory `dir`, which is ours.
///
/// # Errors
/// What the system says; a path that is too long for a socket among it.
pub(crate) fn listen(dir: &Path) -> io::Result<UnixListener> {
    let path = dir.join(paths::REQUESTS);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = bind(&path)?;
    files::chmod(&path, 0o600)?;
    Ok(listener)
}

/// Binds a socket to a path that may be longer than an address.
fn bind(path: &Path) -> io::Result<UnixListener> {
    if path.as_os_str().len() <= LONGEST {
        return UnixListener::bind(path);
    }
    let dir = File::open(path.parent().unwrap_or(Path::new("/")))?;
    let short = Path::new("/proc/self/fd").join(dir.as_raw_fd().to_string());
    UnixListener::bind(short.join(path.file_name().unwrap_or_default()))
}

/// Serves clients until everything is over.
pub(crate) async fn serve(
    listener: UnixListener,
    asked: UnboundedSender<Asked>,
    phases: broadcast::Receiver<Phase>,
) {
    let clients = Rc::new(Cell::new(0_usize));
    let mut last_client = 0_u64;
    let mut phases = BroadcastStream::new(phases);
    loop {
        let accepted = tokio::select! {
            biased;
            phase = phases.next() => match phase {
                Some(Ok(Phase::Stopping | Phase::Killing) | Err(_)) => continue,
                Some(Ok(Phase::Gone)) | None => return,
            },
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) if clients.get() < CLIENTS => {
                last_client = last_client.wrapping_add(1);
                clients.set(clients.get() + 1);
                let clients = Rc::clone(&clients);
                let client = Client::new(last_client, stream, asked.clone());
                tokio::task::spawn_local(async move {
                    client.serve().await;
                    clients.set(clients.get().saturating_sub(1));
                });
            }
            Ok((_refused, _)) => {
                tracing::warn!(
                    event = "requests.too_many",
                    "more than {CLIENTS} commands of s6-rc at a time: one was refused"
                );
            }
            Err(error) => {
                tracing::warn!(
                    event = "requests.failed",
                    error = %error,
                    mend = "raise the limit of open files (docker run --ulimit nofile=...)",
                    "a command of s6-rc could not be listened to"
                );
                // The reason may last; whatever else happens comes first.
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

/// One client.
struct Client {
    id: u64,
    stream: UnixStream,
    asked: UnboundedSender<Asked>,
    replies: UnboundedSender<Reply>,
    answers: UnboundedReceiver<Reply>,
    /// What was read and is no whole line yet.
    text: Vec<u8>,
    fds: Vec<OwnedFd>,
    /// It waits for an answer.
    waits: bool,
}

/// What comes next for a client.
enum Next {
    Answer(Reply),
    Readable,
}

impl Client {
    fn new(id: u64, stream: UnixStream, asked: UnboundedSender<Asked>) -> Self {
        let (replies, answers) = unbounded_channel();
        Self {
            id,
            stream,
            asked,
            replies,
            answers,
            text: Vec::new(),
            fds: Vec::new(),
            waits: false,
        }
    }

    async fn serve(mut self) {
        loop {
            let next = tokio::select! {
                biased;
                Some(reply) = self.answers.recv() => Next::Answer(reply),
                Ok(()) = self.stream.readable() => Next::Readable,
                else => break,
            };
            let goes_on = match next {
                Next::Answer(reply) => self.answer(&reply).await,
                Next::Readable => self.read(),
            };
            if !goes_on {
                break;
            }
        }
        if self.waits {
            self.ask(Request::Abort, None);
        }
    }

    /// Passes on a reply. Whether the client is still there.
    async fn answer(&mut self, reply: &Reply) -> bool {
        self.waits &= !reply.is_last();
        let Ok(mut line) = serde_json::to_vec(reply) else {
            return false;
        };
        line.push(b'\n');
        let mut left = line.as_slice();
        while !left.is_empty() {
            if self.stream.writable().await.is_err() {
                return false;
            }
            match self.stream.try_write(left) {
                Ok(count) => left = left.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_gone) => return false,
            }
        }
        true
    }

    /// Reads what is there. Whether the client is still there, and makes sense.
    fn read(&mut self) -> bool {
        let mut buffer = [0; CHUNK];
        let read = self.stream.try_io(Interest::READABLE, || {
            passing::receive(&self.stream, &mut buffer)
        });
        match read {
            Ok((0, _)) => return false,
            Ok((count, fds)) => {
                self.text
                    .extend_from_slice(buffer.get(..count).unwrap_or_default());
                self.fds.extend(fds);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
            Err(_gone) => return false,
        }
        while let Some(end) = self.text.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.text.drain(..=end).collect();
            let streams = <[OwnedFd; 3]>::try_from(std::mem::take(&mut self.fds)).ok();
            match serde_json::from_slice(&line) {
                Ok(Request::Abort) => self.ask(Request::Abort, None),
                Ok(request) if !self.waits => {
                    self.waits = true;
                    self.ask(request, streams);
                }
                Ok(_) => return self.refuse("one request at a time"),
                Err(error) => return self.refuse(&format!("not a request: {error}")),
            }
        }
        self.text.len() <= MOST || self.refuse("a request is one line of at most 1 MiB")
    }

    fn ask(&self, request: Request, streams: Option<[OwnedFd; 3]>) {
        // The dispatcher outlives its clients; if it does not, nobody is left to tell.
        let _ = self.asked.send(Asked {
            client: self.id,
            request,
            streams,
            replies: self.replies.clone(),
        });
    }

    /// Tells the client that it makes no sense. It may ask again.
    fn refuse(&self, reason: &str) -> bool {
        let outcome = Outcome::Refused {
            reason: reason.to_owned(),
        };
        self.replies.send(Reply::Ended { outcome }).is_ok()
    }
}
