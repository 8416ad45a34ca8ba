//! A machine for one measurement: a peer as PID 1 of namespaces of its own, in a root on a disk, with the
//! services laid over it. The clock starts right before PID 1 is executed. Everything in it is killed
//! when it is dropped, and when this program ends.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{Pid, mkfifo};
use tempfile::TempDir;

use crate::image::{Layers, made, said};
use crate::processes;
use crate::trees::Tree;
use sixfold_integration_tests::bench::peers::Peer;
use sixfold_integration_tests::children;

/// Where a machine's processes find the files of times, and the gate.
pub(crate) const STAMPS: &str = "/bench/stamps";
/// The fifo that floods wait for.
pub(crate) const GATE: &str = "/bench/gate";
/// How long a line of a file of times is, with its newline.
const LINE: u64 = 21;
/// How often a file is looked at.
const GLANCE: Duration = Duration::from_millis(1);
/// How long a machine may take to be made, and to be killed.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longer than anything looks the same while it is at work.
const CALM: Duration = Duration::from_millis(200);

const SETUP: &str = include_str!("setup.sh");
const PATH: &str = "PATH=/command:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A time of the monotonic clock, in nanoseconds.
pub(crate) type Nanoseconds = i64;

/// When a process ended, and how.
pub(crate) type End = (Nanoseconds, std::io::Result<ExitStatus>);

/// A booted peer.
#[derive(Debug)]
pub(crate) struct Machine {
    peer: Peer,
    outer: Pid,
    first: Pid,
    end: Receiver<End>,
    is_over: bool,
    work: TempDir,
}

/// The monotonic clock, as the helper inside has it.
pub(crate) fn now() -> Nanoseconds {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("the clock can be read");
    time.tv_sec() * 1_000_000_000 + time.tv_nsec()
}

/// From one time to another, in milliseconds.
pub(crate) fn milliseconds(from: Nanoseconds, to: Nanoseconds) -> f64 {
    Duration::from_nanos(u64::try_from(to - from).unwrap_or(0)).as_secs_f64() * 1000.0
}

impl Machine {
    /// Boots `peer` with `tree`, with `/run` on the disk or in memory. `output` takes standard output; without it that goes to a file, as
    /// standard error does.
    ///
    /// # Errors
    ///
    /// When the machine cannot be made, in one sentence.
    pub(crate) fn boot(
        dir: &Path,
        layers: &Layers,
        peer: Peer,
        tree: &Tree,
        is_on_disk: bool,
        output: Option<Stdio>,
    ) -> Result<Self, String> {
        let work = TempDir::with_prefix_in("machine-", dir).map_err(said(dir))?;
        let at = work.path();
        for name in ["upper", "overlay", "root", "bench"] {
            made(&at.join(name))?;
        }
        for name in ["started", "stamps"] {
            let file = at.join("bench").join(name);
            File::create(&file).map_err(said(&file))?;
        }
        mkfifo(&at.join("bench/gate"), Mode::S_IRWXU).map_err(|error| error.to_string())?;
        let words = tree.write(peer, &at.join("upper"))?;
        let log = at.join("output");
        let log = || {
            let file = OpenOptions::new().create(true).append(true).open(&log);
            file.map_err(said(&log))
        };
        let lower: Vec<String> = layers
            .of(peer)
            .iter()
            .map(|layer| layer.display().to_string())
            .collect();
        // Whatever becomes of this program, nothing of the machine outlives it.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "unshare"])
            .args(["--mount", "--pid", "--net", "--fork", "--kill-child"])
            .args(["--propagation", "private", "--", "sh", "-c", SETUP, "bench"])
            .args(["env", "-i", PATH, "HOME=/root"])
            .args(environment(peer))
            .arg(program("unshare")?)
            .arg(format!("--root={}", at.join("root").display()))
            .args(["--wd=/", "--", "/usr/local/bin/bench-helper", "launch"])
            .arg("/bench/started")
            .args(words)
            .env("BENCH_LOWER", lower.join(":"))
            .env("BENCH_WORK", at)
            .env("BENCH_RUN", if is_on_disk { "disk" } else { "memory" })
            .env("BENCH_SCAN", if scans(peer) { "yes" } else { "no" })
            .stdin(Stdio::null())
            .stdout(match output {
                Some(output) => output,
                None => log()?.into(),
            })
            .stderr(log()?);
        let child = command
            .spawn()
            .map_err(|error| format!("cannot run setpriv: {error}"))?;
        let outer = Pid::from_raw(i32::try_from(child.id()).expect("a pid fits"));
        let mut machine = Self {
            peer,
            outer,
            first: outer,
            end: awaited(child),
            is_over: false,
            work,
        };
        machine.find_first()?;
        Ok(machine)
    }

    /// PID 1, as the host numbers it.
    pub(crate) fn first(&self) -> Pid {
        self.first
    }

    /// The directory of the machine's files of times, on the host.
    pub(crate) fn files(&self) -> PathBuf {
        self.work.path().join("bench")
    }

    /// When PID 1 was executed.
    ///
    /// # Errors
    ///
    /// When it was not.
    pub(crate) fn started(&self) -> Result<Nanoseconds, String> {
        let times = times(&self.files().join("started"))?;
        times
            .first()
            .copied()
            .ok_or_else(|| self.report("PID 1 was not executed"))
    }

    /// Waits until `count` times have been told, and returns all of them.
    ///
    /// # Errors
    ///
    /// When they are not told within `limit`, or PID 1 ends before.
    pub(crate) fn wait_stamps(
        &mut self,
        count: usize,
        limit: Duration,
    ) -> Result<Vec<Nanoseconds>, String> {
        let file = self.files().join("stamps");
        let until = Instant::now() + limit;
        loop {
            let length = fs::metadata(&file).map_err(said(&file))?.len();
            if length >= LINE * u64::try_from(count).unwrap_or(u64::MAX) {
                return times(&file);
            }
            if self.has_ended() {
                return Err(self.report("PID 1 ended too soon"));
            }
            if Instant::now() > until {
                let are = length / LINE;
                return Err(self.report(&format!("{are} of {count} after {limit:?}")));
            }
            thread::sleep(GLANCE);
        }
    }

    /// How many times have been told so far.
    pub(crate) fn stamps(&self) -> usize {
        let length = fs::metadata(self.files().join("stamps")).map_or(0, |it| it.len());
        usize::try_from(length / LINE).unwrap_or(usize::MAX)
    }

    /// Waits until the supervision has done nothing for a while, or `limit` is over.
    pub(crate) fn wait_calm(&self, limit: Duration) {
        let until = Instant::now() + limit;
        let mut last = None;
        while Instant::now() < until {
            let used = processes::used(&processes::supervision(self.first));
            if last == Some(used) {
                return;
            }
            last = Some(used);
            thread::sleep(CALM);
        }
    }

    /// Tells PID 1 to stop, and returns how long it took to end, in milliseconds.
    ///
    /// # Errors
    ///
    /// When it does not end within `limit`.
    pub(crate) fn stop(&mut self, limit: Duration) -> Result<f64, String> {
        let signal = match self.peer {
            // Its TERM ends it alone, and leaves all others to the kernel.
            Peer::Runit | Peer::Busybox => Signal::SIGHUP,
            Peer::Limit
            | Peer::Sixfold
            | Peer::SixfoldText
            | Peer::S6
            | Peer::S6Overlay
            | Peer::Supervisor
            | Peer::Tini
            | Peer::DumbInit => Signal::SIGTERM,
        };
        let begun = now();
        kill(self.first, signal).map_err(|error| self.report(&format!("{signal}: {error}")))?;
        match self.end.recv_timeout(limit) {
            Ok((ended, _)) => {
                self.is_over = true;
                Ok(milliseconds(begun, ended))
            }
            Err(_) => Err(self.report(&format!("it had not ended {limit:?} after {signal}"))),
        }
    }

    /// A sentence, with the last that was written.
    pub(crate) fn report(&self, what: &str) -> String {
        let text = fs::read(self.work.path().join("output")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let last: Vec<&str> = text.lines().rev().take(3).collect();
        if last.is_empty() {
            return what.to_owned();
        }
        let last: Vec<&str> = last.into_iter().rev().collect();
        format!("{what}; its last words: {}", last.join(" / "))
    }

    fn find_first(&mut self) -> Result<(), String> {
        let until = Instant::now() + PATIENCE;
        let started = self.files().join("started");
        loop {
            let is_started = fs::metadata(&started).is_ok_and(|it| it.len() >= LINE);
            if is_started && let Some(first) = children(self.outer).first() {
                self.first = *first;
                return Ok(());
            }
            if self.has_ended() {
                return Err(self.report("the machine cannot be made"));
            }
            if Instant::now() > until {
                return Err(self.report("the machine was not made in time"));
            }
            thread::sleep(GLANCE);
        }
    }

    fn has_ended(&mut self) -> bool {
        self.is_over = self.is_over || self.end.try_recv().is_ok();
        self.is_over
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        let _ = kill(self.first, Signal::SIGKILL);
        // The directory is removed next, and must not be in use then.
        if self.end.recv_timeout(PATIENCE).is_err() {
            let _ = kill(self.outer, Signal::SIGKILL);
        }
    }
}

/// The times in a file, in the order written.
fn times(file: &Path) -> Result<Vec<Nanoseconds>, String> {
    let text = fs::read_to_string(file).map_err(said(file))?;
    let times = text.lines().map(str::parse);
    times
        .collect::<Result<_, _>>()
        .map_err(|error| format!("{}: {error}", file.display()))
}

/// Waits for a process's end in a thread, which tells when it was.
pub(crate) fn awaited(mut child: Child) -> Receiver<End> {
    let (tell, told) = channel();
    thread::spawn(move || {
        let status = child.wait();
        // Nobody listens to the end of a machine that was dropped.
        let _ = tell.send((now(), status));
    });
    told
}

fn environment(peer: Peer) -> Vec<&'static str> {
    match peer {
        Peer::Sixfold => vec!["SIXFOLD_LOG_FORMAT=json"],
        Peer::SixfoldText => vec!["SIXFOLD_LOG_FORMAT=text"],
        Peer::Limit
        | Peer::S6
        | Peer::S6Overlay
        | Peer::Runit
        | Peer::Busybox
        | Peer::Supervisor
        | Peer::Tini
        | Peer::DumbInit => Vec::new(),
    }
}

/// Whether it has a scan directory, which lies in `/run`: it writes to it, as the others write to theirs.
const fn scans(peer: Peer) -> bool {
    matches!(peer, Peer::S6 | Peer::Runit | Peer::Busybox)
}

/// The path of a program of the host.
///
/// # Errors
///
/// When it is not in PATH.
pub(crate) fn program(name: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| format!("{name} is not in PATH"))
}
