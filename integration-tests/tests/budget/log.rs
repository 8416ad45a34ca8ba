//! What the log costs where it goes through PID 1: lines that come one by one, and blocks of them.

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};

use sixfold_integration_tests::budget::Measured;
use sixfold_integration_tests::{Nest, Running};

use crate::booted::{Booted, Log, float, of_memory};

/// How many lines come one by one, and how many as fast as they are taken.
const LINES: usize = 1000;
const MANY_LINES: usize = 10_000;
/// Of 64 KiB each, which is what a pipe takes at once: a megabyte.
const BLOCKS: usize = 16;
/// What only the service's lines have.
const DOTS: &str = "......";

/// The log of a container as a file that always takes what is written, and what of it was seen.
struct LogFile {
    file: File,
    /// How many lines of the service's.
    lines: usize,
    /// The beginning of a line that is being written.
    rest: Vec<u8>,
}

impl LogFile {
    fn new(file: File) -> Self {
        Self {
            file,
            lines: 0,
            rest: Vec::new(),
        }
    }

    /// How many lines of the service's there are by now.
    fn lines(&mut self) -> usize {
        let read = self.file.read_to_end(&mut self.rest);
        read.expect("the log can be read");
        let end = self.rest.iter().rposition(|byte| *byte == b'\n');
        let left = self.rest.split_off(end.map_or(0, |end| end + 1));
        let whole = std::mem::replace(&mut self.rest, left);
        let text = String::from_utf8_lossy(&whole);
        self.lines += text.lines().filter(|line| line.contains(DOTS)).count();
        self.lines
    }
}

/// A service that waits for orders at a gate.
fn writer() -> Nest {
    Nest::new()
        .prepare("mkfifo \"$root/tmp/gate\"")
        .service("writer", "#!/opt/gated-writer gate=/tmp/gate")
}

fn gate(booted: &Booted) -> File {
    let gate = OpenOptions::new()
        .write(true)
        .open(booted.nest.path("/tmp/gate"));
    gate.expect("somebody reads")
}

/// Lines that come one by one, into a pipe as a container engine gives it.
pub(crate) fn of_lines() -> Vec<Measured> {
    let mut booted = Booted::of(Log::Json, writer(), "exec /init", 1);
    let mut gate = gate(&booted);
    let mut count = 0;
    let mut write = |booted: &Booted| {
        writeln!(gate, "lines 1").expect("the service reads");
        count += 1;
        booted.nest.wait_lines(DOTS, count);
        booted
            .trace
            .settle(&booted.nest, "it was passed on", |_| true);
    };
    // What the first line needs once is no line's.
    write(&booted);
    booted.phase("a line was passed on", |_| true);
    for _ in 0..LINES {
        write(&booted);
    }
    let lines = booted.phase("all lines were passed on", |_| true);
    booted.stop();
    vec![Measured::calls("line.calls", &lines.own, float(LINES))]
}

/// As much as there is room for, into a file: that always takes it, while how fast a pipe is emptied
/// is a matter of chance.
pub(crate) fn of_blocks() -> Vec<Measured> {
    let mut booted = Booted::of(Log::Json, writer(), "exec /init > /tmp/log", 1);
    let mut gate = gate(&booted);
    let log = File::open(booted.nest.path("/tmp/log")).expect("the log is there");
    let log = RefCell::new(LogFile::new(log));
    let mut count = 0;
    let mut write = |booted: &Booted, order: &str, lines: usize| {
        writeln!(gate, "{order}").expect("the service reads");
        count += lines;
        let written = |_: &Running| log.borrow_mut().lines() == count;
        booted
            .trace
            .settle(&booted.nest, "all was written", written);
    };
    write(&booted, "lines 1", 1);
    booted.phase("a line was written", |_| true);
    for _ in 0..BLOCKS {
        write(&booted, "blocks 1", 1024);
    }
    let blocks = booted.phase("all blocks were written", |_| true);
    // What memory the longest queue needs is there by now.
    let before = booted.memory();
    write(&booted, &format!("lines {MANY_LINES}"), MANY_LINES);
    let lines = booted.phase("all lines were written", |_| true);
    let growth = booted.memory() - before;
    booted.stop();
    vec![
        Measured::calls("megabyte.calls", &blocks.own, 1.0),
        Measured::calls("line.memory_calls", &of_memory(&lines.own), 1.0),
        Measured::of("line.memory_growth", growth),
    ]
}
