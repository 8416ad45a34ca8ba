//! Reading what a program writes, line by line, without ever holding the program up for longer
//! than the log itself is held up.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::mem;
use std::os::fd::OwnedFd;

use sixfold_sys::fds;
use tokio::io::unix::AsyncFd;

use crate::outlet::{Intake, Outlet, Permit};
use crate::record::{Source, Stream};
use crate::watch;

/// A longer line is split into records of this size.
pub(crate) const LINE_LIMIT: usize = 16 * 1024;
/// How much is read at once. So large an allocation is fresh memory, of which only what is used counts.
const READ_SIZE: usize = 128 * 1024;
/// How much is read at once while much waits that was read before: its records fit into a turn, even
/// if every line is empty.
const SMALL_READ: usize = 512;

thread_local! {
    /// What is read goes through here, whoever wrote it.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The reading end of one stream of one program.
pub(crate) struct Capture {
    reader: AsyncFd<OwnedFd>,
    writer: OwnedFd,
    lines: Lines,
}

/// Bytes on their way to becoming records.
struct Lines {
    stream: Stream,
    outlet: Outlet,
    /// The beginning of a line whose end has not been read yet.
    line: Vec<u8>,
    /// What was read and not looked at: short lines are more work than their bytes are.
    rest: Vec<u8>,
    /// How much of that was looked at since.
    done: usize,
}

impl Capture {
    /// A pipe whose lines go to `outlet`. Fails when the system has no descriptor left.
    pub(crate) fn new(stream: Stream, outlet: Outlet) -> io::Result<Self> {
        let (reader, writer) = fds::pipe()?;
        fds::set_nonblocking(&reader, true)?;
        let reader = watch::readable(reader)?;
        let lines = Lines {
            stream,
            outlet,
            line: Vec::new(),
            rest: Vec::new(),
            done: 0,
        };
        Ok(Self {
            reader,
            writer,
            lines,
        })
    }

    /// A writing end for a program.
    pub(crate) fn writer(&self) -> io::Result<OwnedFd> {
        self.writer.try_clone()
    }

    /// Waits until there is something to pass on. Safe to be dropped at any await.
    pub(crate) async fn written(&self) {
        if !self.lines.has_rest() && watch::ready(&self.reader).await.is_err() {
            // The event loop is going down, and everything with it.
            std::future::pending::<()>().await;
        }
    }

    /// Waits for something to read and for room in the log, and passes on what there is, or as much of
    /// it as there is time for. Safe to be dropped at any await.
    pub(crate) async fn pass_on(&mut self, service: &str, pid: Option<i32>) {
        let lines = &mut self.lines;
        let outlet = lines.outlet.clone();
        if lines.has_rest() {
            let _permit = room(&outlet).await;
            lines.go_on(service, pid);
            return;
        }
        let Ok(mut guard) = watch::ready(&self.reader).await else {
            // The event loop is going down, and everything with it.
            return std::future::pending().await;
        };
        let _permit = room(&outlet).await;
        // Failing to read is being woken for nothing; what matters is told by the child's end.
        let read = guard.try_io(|reader| lines.read(reader.get_ref(), service, pid));
        if let Ok(Ok(Pipe::Empty)) = read {
            guard.clear_ready();
        }
    }

    /// Passes on what is there now, and ends an unfinished line: the program that wrote it is gone.
    /// Waits for room in the log, but not for a console that takes nothing: then what is left
    /// stays in the pipe.
    pub(crate) async fn drain(&mut self, service: &str, pid: Option<i32>) {
        let lines = &mut self.lines;
        while lines.outlet.room_soon().await {
            if lines.has_rest() {
                lines.go_on(service, pid);
                continue;
            }
            match lines.read(self.reader.get_ref(), service, pid) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        if lines.outlet.has_room() {
            lines.end(service, pid);
        }
    }
}

/// The right to read, waited for where that is needed: seldom, and by much that is not kept meanwhile.
async fn room(outlet: &Outlet) -> Permit<'_> {
    match outlet.room_now() {
        Some(permit) => permit,
        None => Box::pin(outlet.room()).await,
    }
}

/// What is left in a pipe after it was read from.
enum Pipe {
    /// Nothing, or what came since.
    Empty,
    /// Something, perhaps.
    Filled,
}

impl Lines {
    /// Reads once.
    fn read(&mut self, reader: &OwnedFd, service: &str, pid: Option<i32>) -> io::Result<Pipe> {
        let size = if self.outlet.holds_much_back() {
            SMALL_READ
        } else {
            READ_SIZE
        };
        BUFFER.with_borrow_mut(|buffer| {
            if buffer.is_empty() {
                *buffer = vec![0; READ_SIZE];
            }
            let space = buffer.get_mut(..size).unwrap_or_default();
            let count = fds::read(reader, space)?;
            if count == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let bytes = buffer.get(..count).unwrap_or_default();
            let taken = self.take(bytes, service, pid);
            if let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
                self.rest = rest.to_vec();
                self.done = 0;
                self.outlet.hold_back(rest.len(), 0);
            }
            Ok(if count < size {
                Pipe::Empty
            } else {
                Pipe::Filled
            })
        })
    }

    /// Whether something is left of what was read before.
    fn has_rest(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Goes on with that.
    fn go_on(&mut self, service: &str, pid: Option<i32>) {
        let rest = mem::take(&mut self.rest);
        let bytes = rest.get(self.done..).unwrap_or_default();
        self.done = self.done.saturating_add(self.take(bytes, service, pid));
        if self.done < rest.len() {
            self.rest = rest;
        } else {
            self.outlet.hold_back(0, rest.len());
        }
    }

    /// Puts in the lines in `bytes`, as long as there is time in this turn, and returns how much of
    /// them that were.
    fn take(&mut self, bytes: &[u8], service: &str, pid: Option<i32>) -> usize {
        let mut intake = self.outlet.take(self.source(service, pid));
        let mut taken = 0_usize;
        while let Some(left) = bytes.get(taken..).filter(|left| !left.is_empty()) {
            if !intake.goes_on() {
                break;
            }
            let end = memchr::memchr(b'\n', left);
            let (piece, _) = left.split_at(end.unwrap_or(left.len()));
            taken = taken.saturating_add(piece.len());
            if end.is_some() {
                taken = taken.saturating_add(1);
                if self.line.is_empty() && piece.len() <= LINE_LIMIT {
                    intake.line(piece, false);
                    continue;
                }
            }
            self.line.extend_from_slice(piece);
            split_long(&mut self.line, &mut intake);
            if end.is_some() {
                intake.line(&self.line, false);
                self.line.clear();
            }
        }
        taken
    }

    /// Puts in a line that has no end, if there is one.
    fn end(&mut self, service: &str, pid: Option<i32>) {
        if !self.line.is_empty() {
            let line = mem::take(&mut self.line);
            let source = self.source(service, pid);
            self.outlet.take(source).line(&line, false);
        }
    }

    fn source<'a>(&self, service: &'a str, pid: Option<i32>) -> Source<'a> {
        Source {
            service,
            stream: self.stream,
            pid,
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.outlet.hold_back(0, self.rest.len());
    }
}

/// Puts in the front of a line that is too long, until the rest of it fits.
fn split_long(line: &mut Vec<u8>, intake: &mut Intake<'_>) {
    let mut from = 0_usize;
    while let Some(left) = line.get(from..).filter(|left| left.len() > LINE_LIMIT) {
        let (front, _) = left.split_at(split_point(left));
        intake.line(front, true);
        from = from.saturating_add(front.len());
    }
    line.drain(..from);
}

/// Where to split: at the limit, or up to three bytes before it so as not to split a character.
fn split_point(line: &[u8]) -> usize {
    for back in 0..4 {
        let at = LINE_LIMIT.saturating_sub(back);
        // Anything but a continuation byte begins a character.
        if line.get(at).is_some_and(|byte| byte & 0xc0 != 0x80) {
            return at;
        }
    }
    LINE_LIMIT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_not_split() {
        let mut line = vec![b'a'; LINE_LIMIT - 1];
        line.extend_from_slice("é".repeat(3).as_bytes());
        assert_eq!(split_point(&line), LINE_LIMIT - 1);
        let plain = vec![b'a'; LINE_LIMIT + 1];
        assert_eq!(split_point(&plain), LINE_LIMIT);
        let noise = vec![0x80; LINE_LIMIT + 1];
        assert_eq!(split_point(&noise), LINE_LIMIT);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn lines_come_out_whole_and_in_order() {
        let outlet = Outlet::default();
        let mut capture = Capture::new(Stream::Stdout, outlet.clone()).unwrap();
        let writer = capture.writer().unwrap();
        for piece in [&b"first\nsec"[..], b"ond\n\nlast"] {
            assert_eq!(fds::write(&writer, piece).unwrap(), piece.len());
            capture.pass_on("x", None).await;
        }
        assert_eq!(outlet.waiting(), 3, "first, second and the empty line");
        capture.drain("x", None).await;
        assert_eq!(outlet.waiting(), 4, "and the line without an end");
        capture.drain("x", None).await;
        assert_eq!(outlet.waiting(), 4);
    }
}
