//! Reading what a program writes, line by line, without ever holding the program up for longer
//! than the log itself is held up.

use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;

use sixfold_sys::fds;
use tokio::io::unix::AsyncFd;

use crate::outlet::Outlet;
use crate::record::{Source, Stream};
use crate::watch;

/// A longer line is split into records of this size.
pub(crate) const LINE_LIMIT: usize = 16 * 1024;
/// How much is read at once. Of short lines, more would make supervision wait: each becomes a record.
const READ_SIZE: usize = 2 * 1024;

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

    /// Waits for something to read and for room in the log, and passes on what there is.
    /// Safe to be dropped at any await.
    pub(crate) async fn pass_on(&mut self, service: &str, pid: Option<i32>) {
        self.lines.outlet.room().await;
        let Ok(mut guard) = self.reader.readable().await else {
            // The event loop is going down, and everything with it.
            return std::future::pending().await;
        };
        let lines = &mut self.lines;
        // Failing to read is being woken for nothing; what matters is told by the child's end.
        let _ = guard.try_io(|reader| lines.read(reader.get_ref(), service, pid));
    }

    /// Passes on what is there now, and ends an unfinished line: the program that wrote it is gone.
    /// Waits for room in the log, but not for a console that takes nothing: then what is left
    /// stays in the pipe.
    pub(crate) async fn drain(&mut self, service: &str, pid: Option<i32>) {
        while self.lines.outlet.room_soon().await {
            match self.lines.read(self.reader.get_ref(), service, pid) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        let lines = &mut self.lines;
        if !lines.line.is_empty() && lines.outlet.has_room() {
            lines.emit(lines.line.len(), false, service, pid);
        }
    }
}

impl Lines {
    /// Reads once. The buffer lives on the stack of this call alone, so that the future of a unit
    /// that waits stays small.
    fn read(&mut self, reader: &OwnedFd, service: &str, pid: Option<i32>) -> io::Result<()> {
        let mut buffer = [0; READ_SIZE];
        match fds::read(reader, &mut buffer)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            count => {
                self.take(buffer.get(..count).unwrap_or_default(), service, pid);
                Ok(())
            }
        }
    }

    fn take(&mut self, bytes: &[u8], service: &str, pid: Option<i32>) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            let is_whole = self.line.last() == Some(&b'\n');
            if is_whole {
                self.line.pop();
            }
            self.split_long(service, pid);
            if is_whole {
                self.emit(self.line.len(), false, service, pid);
            }
        }
    }

    /// Emits the front of a line that is too long, until the rest of it fits.
    fn split_long(&mut self, service: &str, pid: Option<i32>) {
        while self.line.len() > LINE_LIMIT {
            let at = split_point(&self.line);
            self.emit(at, true, service, pid);
        }
    }

    fn emit(&mut self, end: usize, partial: bool, service: &str, pid: Option<i32>) {
        let rest = self.line.split_off(end.min(self.line.len()));
        let source = Source {
            service,
            stream: self.stream,
            pid,
        };
        self.outlet.push_line(source, &self.line, partial);
        self.line = rest;
    }
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
