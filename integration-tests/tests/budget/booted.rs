//! A container that is traced from `/init` on: what all parts of the budget are measured with.

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use nix::unistd::Pid;
use sixfold_integration_tests::calls::{Calls, Tally, difference};
use sixfold_integration_tests::{Nest, Running, Trace};

const WRITER: &str = env!("CARGO_BIN_EXE_gated-writer");

/// Where the log goes: as the container's text, or through PID 1 as JSON.
#[derive(Clone, Copy)]
pub(crate) enum Log {
    Text,
    Json,
}

/// A booted machine with its trace, from `/init` on.
pub(crate) struct Booted {
    pub(crate) nest: Running,
    pub(crate) trace: Trace,
    /// The calls until the last time that it was looked.
    pub(crate) seen: Calls,
    /// The descriptors that the tests' own surroundings have left open in PID 1, beyond 0, 1 and 2.
    inherited: usize,
}

impl Booted {
    /// Boots `services` services that do nothing, and waits until they run.
    pub(crate) fn new(log: Log, services: usize) -> Self {
        let mut nest = Nest::new();
        for number in 0..services {
            nest = nest.service(&format!("s{number}"), "#!/opt/gated-writer");
        }
        Self::of(log, nest, "exec /init", services)
    }

    /// Boots `nest`, in which there are so many services; `become_init` is what a shell is told to do
    /// as PID 1, once the trace is there.
    pub(crate) fn of(log: Log, nest: Nest, become_init: &str, services: usize) -> Self {
        let nest = match log {
            Log::Text => nest,
            Log::Json => nest.json(),
        };
        // A shell in front, which waits: strace must be there before the first call of /init.
        let mut nest = nest
            // However slow a trace makes the stop, nobody is given up.
            .env("S6_SERVICES_GRACETIME", "0")
            .program("/opt/gated-writer", WRITER)
            .feed()
            .entry(&["/bin/sh", "-c", &format!("read go && {become_init}")])
            .boot();
        // By then the shell has closed what it was loaded from.
        nest.wait_blocked("sh");
        let inherited = nest.open_descriptors().saturating_sub(3);
        let trace = Trace::attach(&nest);
        nest.write(b"go\n");
        // Code and constants, at least: the last that is done for a boot.
        let gives_back = |calls: &Calls| calls.own.get("madvise").is_some_and(|made| *made >= 2);
        let what = "all services run, and what the boot needed is given back";
        let seen = trace.settle_after(&nest, what, gives_back, |nest| {
            running(nest).len() == services
        });
        Self {
            nest,
            trace,
            seen,
            inherited,
        }
    }

    /// The calls since the last time, once `condition` holds and PID 1 waits.
    pub(crate) fn phase(&mut self, what: &str, condition: impl Fn(&Running) -> bool) -> Calls {
        let now = self.trace.settle(&self.nest, what, condition);
        let calls = now.since(&self.seen);
        self.seen = now;
        calls
    }

    /// Stops the container, and returns the calls of that.
    pub(crate) fn stop(self) -> Tally {
        self.nest.terminate().assert_code(0);
        difference(&self.trace.finish().own, &self.seen.own)
    }

    /// Writes one order into the FIFO of a service's supervisor, as s6-svc does.
    pub(crate) fn order(&self, service: usize, order: u8) {
        let path = format!("/run/service/s{service}/supervise/control");
        let fifo = OpenOptions::new().write(true).open(self.nest.path(&path));
        let written = fifo.and_then(|mut fifo| fifo.write_all(&[order]));
        written.unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// The memory that is PID 1's own, in bytes: what the kernel cannot take back by dropping pages
    /// of the executable, wherever that lies.
    pub(crate) fn memory(&self) -> f64 {
        let path = format!("/proc/{}/smaps_rollup", self.nest.pid());
        let text = fs::read_to_string(path).expect("PID 1 runs");
        let kib = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            number.unwrap_or_else(|| panic!("no {name} in {text}"))
        };
        (kib("Anonymous:") + kib("Swap:")) * 1024.0
    }

    /// How many descriptors PID 1 has open that it did not find open.
    pub(crate) fn descriptors(&self) -> f64 {
        float(self.nest.open_descriptors() - self.inherited)
    }
}

/// The services whose program runs: they have the script's name by then.
pub(crate) fn running(nest: &Running) -> Vec<Pid> {
    let mut children = nest.children();
    children.retain(|pid| {
        fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "run\n")
    });
    children
}

/// The calls by which memory is had, and given back.
pub(crate) fn of_memory(tally: &Tally) -> Tally {
    let mut tally = tally.clone();
    tally.retain(|name, _| ["brk", "mmap", "mremap", "munmap", "madvise"].contains(&name.as_str()));
    tally
}

/// A count, to be divided.
pub(crate) fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("a count is small"))
}
