//! `s6-log` at work: one loop around its input, its signals and what it writes to.

use std::io;
use std::os::fd::AsFd as _;
use std::time::Duration;

use sixfold_model::logging::{Lines, Piece, Script};
use sixfold_sys::fds;
use sixfold_sys::poll::{self, Deadline, Wish};
use sixfold_sys::signals::{self, SignalFd};

use super::clock::{self, Clock};
use super::command::{Call, NAME, fatal};
use super::outputs::Outputs;
use crate::complain::{self, ExitCode, reason};
use sixfold_daemon::logdir::{Expression, Stamps};

const SIGHUP: i32 = 1;
const SIGPIPE: i32 = 13;
const SIGALRM: i32 = 14;
const SIGTERM: i32 = 15;
const SIGCHLD: i32 = 17;
/// What is listened to.
const HEEDED: [i32; 4] = [SIGHUP, SIGALRM, SIGTERM, SIGCHLD];

const STDIN: i32 = 0;

/// No more is read while this much waits to be written, in bytes: on a full disk, memory is no better
/// place for a log than the pipe it comes from.
const MOST: usize = 16 << 20;

/// The signals that say what to do. Taken before anything is opened: who sends one wants an answer.
pub(super) struct Signals(SignalFd);

impl Signals {
    /// Listens from now on.
    pub(super) fn listen() -> io::Result<Self> {
        // Who reads what we write may go away.
        signals::ignore(SIGPIPE)?;
        // Blocked first: at its default, one that was ignored would end us.
        signals::block(&HEEDED)?;
        for signal in HEEDED {
            signals::heed(signal)?;
        }
        Ok(Self(SignalFd::new(&HEEDED)?))
    }
}

/// Where lines come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    /// Standard input.
    Open,
    /// Standard input, as far as the end of the line that has begun; no byte more is taken, so that
    /// the next one finds whole lines.
    LastLine,
    /// Nowhere any more.
    Closed,
}

/// A run of `s6-log`.
pub(super) struct Session<'a> {
    call: &'a Call,
    script: &'a Script<Expression>,
    outputs: Outputs,
    stamps: Stamps,
    signals: Signals,
    clock: Clock,
    lines: Lines,
    input: Input,
    /// Until when the end of the last line is waited for.
    last_line: Option<Duration>,
}

impl<'a> Session<'a> {
    /// A run that begins now.
    pub(super) fn new(
        call: &'a Call,
        script: &'a Script<Expression>,
        outputs: Outputs,
        signals: Signals,
        clock: Clock,
    ) -> Self {
        Self {
            call,
            script,
            outputs,
            stamps: Stamps::new(script.actions()),
            signals,
            clock,
            lines: Lines::new(call.limit),
            input: Input::Open,
            last_line: None,
        }
    }

    /// Goes on until the input has ended, or a signal says so, and all is written.
    pub(super) fn run(mut self) -> Result<(), ExitCode> {
        loop {
            self.outputs.work(self.clock.now());
            if self.input == Input::Closed && self.outputs.is_done() {
                self.outputs.close();
                return Ok(());
            }
            let (has_signal, has_input) = self.wait().map_err(|error| fatal("poll", &error))?;
            if has_signal {
                self.hear().map_err(|error| fatal("read signals", &error))?;
            }
            // What a signal has said about the input may be another thing by now.
            if has_input && self.input != Input::Closed {
                self.read();
            }
            let now = self.clock.now().running;
            if self.input == Input::LastLine && self.last_line.is_some_and(|end| end <= now) {
                self.give_up_last_line();
            }
        }
    }

    /// Waits for something to do; whether there are signals, and whether there is input.
    fn wait(&self) -> io::Result<(bool, bool)> {
        let stdin = io::stdin();
        let unwritten = self.outputs.unwritten();
        let reads = match self.input {
            Input::Closed => false,
            Input::Open | Input::LastLine => {
                let most = if self.call.is_blocking { 1 } else { MOST };
                unwritten < most
            }
        };
        let mut wishes = [(self.signals.0.as_fd(), Wish::Read); 3];
        let mut count = 1;
        let more = [
            reads.then_some((stdin.as_fd(), Wish::Read)),
            self.outputs.waits_for().map(|fd| (fd, Wish::Write)),
        ];
        for (place, wish) in wishes.iter_mut().skip(1).zip(more.into_iter().flatten()) {
            *place = wish;
            count += 1;
        }
        let ends = [self.outputs.deadline(), self.last_line];
        let end = ends.into_iter().flatten().min();
        let now = self.clock.now().running;
        let deadline = Deadline::after(end.map(|end| end.saturating_sub(now)));
        let answers = poll::wait(wishes.get(..count).unwrap_or_default(), deadline)?;
        let is_ready = |place: usize| answers.get(place).copied().unwrap_or(false);
        Ok((is_ready(0), reads && is_ready(1)))
    }

    fn hear(&mut self) -> io::Result<()> {
        while let Some(received) = self.signals.0.read()? {
            match received.signal {
                SIGALRM => self.outputs.rotate(),
                SIGCHLD => self.outputs.reap(self.clock.now()),
                SIGTERM if self.call.is_protected => {}
                _ => self.stop(),
            }
        }
        Ok(())
    }

    /// No more is read than the end of the line that has begun.
    fn stop(&mut self) {
        if self.input != Input::Open {
            return;
        }
        if self.lines.rest().is_empty() {
            self.input = Input::Closed;
        } else {
            let now = self.clock.now().running;
            self.input = Input::LastLine;
            self.last_line = self.call.last_line.map(|wait| now.saturating_add(wait));
        }
    }

    /// Whoever writes it has been given time. What there is of the line is a line: who reads the rest
    /// of it, from the same pipe, will take that for one too, and nothing is lost.
    fn give_up_last_line(&mut self) {
        self.close();
        self.lines.feed(b"\n");
        self.take_lines();
    }

    fn close(&mut self) {
        self.input = Input::Closed;
        self.last_line = None;
    }

    fn read(&mut self) {
        let space = self.lines.space();
        let space = match self.input {
            Input::LastLine => space.get_mut(..1).unwrap_or_default(),
            Input::Open | Input::Closed => space,
        };
        match fds::read_fd(STDIN, space) {
            Ok(0) => {
                // What has no end is no line (F60).
                self.lines.drop_rest();
                self.close();
            }
            Ok(count) => {
                self.lines.filled(count);
                self.take_lines();
                if self.input == Input::LastLine && self.lines.rest().is_empty() {
                    self.close();
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                let message = format!("unable to read from stdin: {}", reason(&error));
                complain::warn(NAME, message);
                self.close();
            }
        }
    }

    fn take_lines(&mut self) {
        let Self {
            script,
            outputs,
            stamps,
            lines,
            ..
        } = self;
        let is_stamped = stamps.is_needed();
        while let Some(piece) = lines.next() {
            match piece {
                Piece::Line(line) => {
                    if is_stamped {
                        stamps.set(clock::wall());
                    }
                    script.run(line, |number, action| {
                        outputs.put(number, action, stamps, line);
                    });
                }
                Piece::Block => outputs.end_block(),
            }
        }
        outputs.end_block();
    }
}
