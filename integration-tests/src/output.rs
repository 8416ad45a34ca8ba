//! What a process has written so far: lines with their stream and time, collected by one thread
//! per pipe, and waits for a line that is still to come. Used by everything that runs something.

use std::fmt;
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

/// How many lines a report shows: the last ones, where the reason mostly is.
const SHOWN: usize = 500;

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output, or the terminal when there is one.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One line, as it was read.
#[derive(Debug, Clone)]
pub struct Line {
    /// Where it came from.
    pub stream: Stream,
    /// When it was read.
    pub at: Instant,
    /// Its bytes, without the newline (and without the carriage return a terminal adds).
    pub bytes: Vec<u8>,
    /// Whether a newline ended it.
    pub complete: bool,
}

impl Line {
    /// The line as text; bytes that are not UTF-8 become replacement characters.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<Line>,
    /// What came after the last newline, by stream.
    pending: [Vec<u8>; 2],
    open: usize,
}

/// The lines so far; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Output {
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Output {
    /// Reads `from` to its end in a thread of its own.
    pub(crate) fn collect(&self, stream: Stream, mut from: impl Read + Send + 'static) {
        self.state().open += 1;
        let output = self.clone();
        thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            // The read side of a terminal reports EIO where a pipe reports its end.
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                output.take_in(stream, &buffer[..count]);
            }
            output.close(stream);
        });
    }

    /// Every line so far, in the order read.
    pub fn lines(&self) -> Vec<Line> {
        self.state().lines.clone()
    }

    /// Waits until `count` lines satisfy `wanted`, and returns the last of them.
    ///
    /// # Errors
    ///
    /// `None` when `until` passes first, or every stream ends.
    pub fn wait_for(
        &self,
        count: usize,
        until: Instant,
        wanted: impl Fn(&Line) -> bool,
    ) -> Option<Line> {
        let mut state = self.state();
        loop {
            if let Some(line) = state
                .lines
                .iter()
                .filter(|line| wanted(line))
                .nth(count - 1)
            {
                return Some(line.clone());
            }
            let left = until.checked_duration_since(Instant::now())?;
            if state.open == 0 {
                return None;
            }
            state = self
                .shared
                .1
                .wait_timeout(state, left)
                .expect("no reader panics")
                .0;
        }
    }

    /// Waits until `text` stands in what has been written on any stream, in a finished line or not
    /// (a prompt has no newline). Returns whether it came before `until`.
    pub fn wait_for_text(&self, text: &str, until: Instant) -> bool {
        let mut state = self.state();
        loop {
            let unfinished = state.pending.iter().map(Vec::as_slice);
            let finished = state.lines.iter().map(|line| line.bytes.as_slice());
            if unfinished
                .chain(finished)
                .any(|bytes| String::from_utf8_lossy(bytes).contains(text))
            {
                return true;
            }
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                return false;
            };
            if state.open == 0 {
                return false;
            }
            state = self
                .shared
                .1
                .wait_timeout(state, left)
                .expect("no reader panics")
                .0;
        }
    }

    /// Waits until every stream has ended. Returns whether they did before `until`.
    pub fn wait_for_end(&self, until: Instant) -> bool {
        let mut state = self.state();
        while state.open > 0 {
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                return false;
            };
            state = self
                .shared
                .1
                .wait_timeout(state, left)
                .expect("no reader panics")
                .0;
        }
        true
    }

    fn take_in(&self, stream: Stream, bytes: &[u8]) {
        let at = Instant::now();
        let mut state = self.state();
        let mut pending = std::mem::take(&mut state.pending[slot(stream)]);
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            pending.extend_from_slice(part);
            if pending.last() == Some(&b'\n') {
                pending.pop();
                if pending.last() == Some(&b'\r') {
                    pending.pop();
                }
                let bytes = std::mem::take(&mut pending);
                state.lines.push(Line {
                    stream,
                    at,
                    bytes,
                    complete: true,
                });
            }
        }
        state.pending[slot(stream)] = pending;
        self.shared.1.notify_all();
    }

    fn close(&self, stream: Stream) {
        let mut state = self.state();
        state.open -= 1;
        let bytes = std::mem::take(&mut state.pending[slot(stream)]);
        if !bytes.is_empty() {
            state.lines.push(Line {
                stream,
                at: Instant::now(),
                bytes,
                complete: false,
            });
        }
        self.shared.1.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().expect("no reader panics")
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let hidden = state.lines.len().saturating_sub(SHOWN);
        if hidden > 0 {
            writeln!(f, "  ... | ({hidden} lines before these)")?;
        }
        for line in &state.lines[hidden..] {
            let stream = match line.stream {
                Stream::Stdout => "out",
                Stream::Stderr => "err",
            };
            let text = line.text();
            // A megabyte of one line would hide the rest.
            let shown: String = text.chars().take(400).collect();
            writeln!(f, "  {stream} | {shown}")?;
        }
        for pending in state.pending.iter().filter(|pending| !pending.is_empty()) {
            writeln!(
                f,
                "  ... | {} (no newline)",
                String::from_utf8_lossy(pending)
            )?;
        }
        Ok(())
    }
}

const fn slot(stream: Stream) -> usize {
    match stream {
        Stream::Stdout => 0,
        Stream::Stderr => 1,
    }
}
