//! strace(1) on the PID 1 of a [`Running`], from outside of its namespaces: what it and the children
//! that it starts from now on ask of the kernel. Nothing in the nest sees it but by being slower.
//!
//! Counts are taken where they mean something: while PID 1 waits for events with nothing left to do
//! ([`Trace::settle`]). strace writes a line before it lets a process go on, so what a process that
//! sleeps has done is in the file.

use std::cell::RefCell;
use std::fs::File;
use std::io::Read;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::calls::{Calls, Reader};
use crate::process::{DEADLINE, Process, Streams};
use crate::running::Running;

/// How often it is looked whether PID 1 waits: no event tells of that.
const GLANCE: Duration = Duration::from_millis(1);
/// How long it may take until PID 1 waits: a traced process is many times slower than another.
const LIMIT: Duration = DEADLINE.saturating_mul(6);

/// A trace that goes on until the process ends or the trace is dropped.
#[derive(Debug)]
pub struct Trace {
    strace: Process,
    written: RefCell<(File, Reader)>,
    _directory: TempDir,
}

impl Trace {
    /// Attaches to PID 1 of `nest` and returns once nothing that it does is missed.
    ///
    /// # Panics
    ///
    /// When that is not permitted.
    pub fn attach(nest: &Running) -> Self {
        let directory = TempDir::with_prefix("sixfold-trace-").expect("a temporary directory");
        let path = directory.path().join("calls");
        let file = File::create_new(&path).expect("a new file in a new directory");
        drop(file);
        let mut command = Command::new("strace");
        // Raw arguments: none of them is looked at, and numbers cost the traced process least.
        command
            .args(["--follow-forks", "--raw=all", "--output"])
            .arg(&path)
            .arg(format!("--attach={}", nest.pid()));
        let strace = Process::spawn(command, Streams::Pipes);
        strace.wait_line("attached");
        let file = File::open(&path).expect("the file is there");
        Self {
            strace,
            written: RefCell::new((file, Reader::new(nest.pid().as_raw()))),
            _directory: directory,
        }
    }

    /// Waits until `condition` holds and PID 1 waits for events, and returns the calls so far.
    ///
    /// # Panics
    ///
    /// When that does not come within the deadline; `what` says what it was.
    pub fn settle(
        &self,
        nest: &Running,
        what: &str,
        condition: impl Fn(&Running) -> bool,
    ) -> Calls {
        self.settle_after(nest, what, |_| true, condition)
    }

    /// As [`Trace::settle`], once PID 1 has made the calls that `has_made` looks for.
    ///
    /// # Panics
    ///
    /// As [`Trace::settle`].
    pub fn settle_after(
        &self,
        nest: &Running,
        what: &str,
        has_made: impl Fn(&Calls) -> bool,
        condition: impl Fn(&Running) -> bool,
    ) -> Calls {
        let until = Instant::now() + LIMIT;
        loop {
            // Twice, because the condition is the dearest question of all.
            if self
                .calls_of_sleeper(nest)
                .is_some_and(|calls| has_made(&calls))
                && condition(nest)
                && let Some(calls) = self.calls_of_sleeper(nest)
            {
                return calls;
            }
            if Instant::now() >= until {
                panic!(
                    "waited in vain until {what}; PID 1 is {} in {:?}; the output is\n{}",
                    nest.status_field("State"),
                    self.written.borrow().1.inside(),
                    nest.output
                );
            }
            thread::sleep(GLANCE);
        }
    }

    /// Waits for the end of the nest's PID 1, and returns all calls.
    ///
    /// # Panics
    ///
    /// When the trace does not end within the deadline.
    pub fn finish(self) -> Calls {
        self.strace.wait_exit_within(LIMIT);
        self.take_in();
        let reader = self.written.into_inner().1;
        assert!(reader.has_ended(), "strace ended before PID 1 did");
        reader.calls().clone()
    }

    /// The calls so far, if PID 1 sleeps in epoll_wait(2).
    fn calls_of_sleeper(&self, nest: &Running) -> Option<Calls> {
        // Before and after: it may wake up while the file is read. A call that does not wait is
        // never seen asleep, and a stop by strace is another state.
        if !sleeps(nest) {
            return None;
        }
        self.take_in();
        let calls = {
            let written = self.written.borrow();
            let waits = written
                .1
                .inside()
                .is_some_and(|name| name.starts_with("epoll_") && name.contains("wait"));
            waits.then(|| written.1.calls().clone())?
        };
        let had = self.take_in();
        (had == 0 && sleeps(nest)).then_some(calls)
    }

    /// Reads what was written since the last time, and returns how much that was.
    fn take_in(&self) -> usize {
        let (file, reader) = &mut *self.written.borrow_mut();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("the file can be read");
        reader.feed(&String::from_utf8_lossy(&bytes));
        bytes.len()
    }
}

fn sleeps(nest: &Running) -> bool {
    nest.status_field("State").starts_with('S')
}
