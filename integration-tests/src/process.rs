//! A process of the host with its output collected and its end awaited in a thread, so that every
//! wait can have a deadline. The base of [`crate::Running`] and [`crate::Container`]. It kills what
//! it started when dropped.

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::output::{Line, Output, Stream};

/// How long any wait lasts at most. Far above what is waited for: two cores run many tests at once.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// What the standard streams of a process are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Streams {
    /// An empty stdin, and a pipe each for stdout and stderr.
    #[default]
    Pipes,
    /// As `Pipes`, with stdin a pipe that [`Process::write`] feeds.
    Feed,
    /// All three are one terminal, and it is the controlling terminal.
    Terminal,
    /// As `Pipes`, but stdout is a pipe that nobody ever reads.
    UnreadStdout,
}

#[derive(Debug, Clone, Copy)]
struct End {
    status: ExitStatus,
    at: Instant,
}

type Ending = Arc<(Mutex<Option<End>>, Condvar)>;

/// A running process.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    /// What it has written.
    pub output: Output,
    ending: Ending,
    input: Option<File>,
    terminal: Option<File>,
    mark: Instant,
    /// The read end of the stdout that nobody reads: open, so that writing blocks and not fails.
    _unread: Option<std::process::ChildStdout>,
}

/// How a process ended, and all it wrote.
pub struct Finished {
    /// Its exit code, or `None` when a signal killed it.
    pub code: Option<i32>,
    /// The signal that killed it.
    pub signal: Option<i32>,
    /// From the last [`Process::mark`] (or its start) to its end.
    pub elapsed: Duration,
    /// What it wrote.
    pub output: Output,
}

impl Process {
    /// Starts `command`. With [`Streams::Terminal`] it is put in a session of its own by
    /// setsid(1), which needs `command` to be a program with arguments and nothing else set.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub fn spawn(command: Command, streams: Streams) -> Self {
        let output = Output::default();
        let mut command = command;
        let mut slave_kept = None;
        let mut terminal = None;
        match streams {
            Streams::Terminal => {
                let pty = openpty(None, None).expect("a pseudo-terminal can be had");
                let copy = || pty.slave.try_clone().expect("a descriptor can be copied");
                let mut wrapped = Command::new("setsid");
                // Tests that run in the background of a shell inherit an ignored SIGINT, and ^C
                // would then reach nobody.
                wrapped
                    .args(["--ctty", "env", "--default-signal=INT,QUIT"])
                    .arg(command.get_program())
                    .args(command.get_args());
                for (name, value) in command.get_envs() {
                    match value {
                        Some(value) => wrapped.env(name, value),
                        None => wrapped.env_remove(name),
                    };
                }
                wrapped.stdin(copy()).stdout(copy()).stderr(copy());
                command = wrapped;
                terminal = Some(File::from(pty.master));
                slave_kept = Some(pty.slave);
            }
            Streams::Pipes | Streams::UnreadStdout => {
                command.stdin(Stdio::null());
                command.stdout(Stdio::piped()).stderr(Stdio::piped());
            }
            Streams::Feed => {
                command.stdin(Stdio::piped());
                command.stdout(Stdio::piped()).stderr(Stdio::piped());
            }
        }
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        // The command holds copies of the terminal's far side; without them gone there is no end.
        drop((command, slave_kept));
        if let Some(master) = &terminal {
            output.collect(
                Stream::Stdout,
                master.try_clone().expect("a descriptor can be copied"),
            );
        }
        let mut unread = None;
        if let Some(stdout) = child.stdout.take() {
            if streams == Streams::UnreadStdout {
                unread = Some(stdout);
            } else {
                output.collect(Stream::Stdout, stdout);
            }
        }
        if let Some(stderr) = child.stderr.take() {
            output.collect(Stream::Stderr, stderr);
        }
        let input = match (&terminal, child.stdin.take()) {
            (Some(master), _) => Some(master.try_clone().expect("a descriptor can be copied")),
            (None, Some(stdin)) => Some(File::from(OwnedFd::from(stdin))),
            (None, None) => None,
        };
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid fits"));
        let ending = Ending::default();
        let told = Arc::clone(&ending);
        thread::spawn(move || {
            let status = child.wait().expect("a child can be waited for");
            let at = Instant::now();
            *told.0.lock().expect("no waiter panics") = Some(End { status, at });
            told.1.notify_all();
        });
        Self {
            pid,
            output,
            ending,
            input,
            terminal,
            mark: Instant::now(),
            _unread: unread,
        }
    }

    /// Its process id on the host.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// The near side of its terminal, when it has one.
    pub fn terminal(&self) -> Option<&File> {
        self.terminal.as_ref()
    }

    /// Writes `bytes` to its stdin or terminal.
    ///
    /// # Panics
    ///
    /// When it has neither, or does not take them.
    pub fn write(&mut self, bytes: &[u8]) {
        self.input
            .as_mut()
            .expect("the process was given an input")
            .write_all(bytes)
            .expect("the process takes its input");
    }

    /// Closes its stdin.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// From now on [`Finished::elapsed`] counts.
    pub fn mark(&mut self) {
        self.mark = Instant::now();
    }

    /// Waits for a line that contains `text`.
    ///
    /// # Panics
    ///
    /// When it does not come within [`DEADLINE`], or the output ends without it.
    pub fn wait_line(&self, text: &str) -> Line {
        self.wait_lines(text, 1)
    }

    /// Waits for `count` lines that contain `text`, and returns the last.
    ///
    /// # Panics
    ///
    /// As [`Self::wait_line`].
    pub fn wait_lines(&self, text: &str, count: usize) -> Line {
        self.wait_lines_within(text, count, DEADLINE)
    }

    /// As [`Self::wait_lines`], with another deadline.
    ///
    /// # Panics
    ///
    /// As [`Self::wait_line`].
    pub fn wait_lines_within(&self, text: &str, count: usize, limit: Duration) -> Line {
        self.output
            .wait_for(count, Instant::now() + limit, |line| {
                line.text().contains(text)
            })
            .unwrap_or_else(|| {
                panic!(
                    "waited for {count} lines with {text:?}; the output is\n{}",
                    self.output
                )
            })
    }

    /// Waits for `text` anywhere in the output, newline or not.
    ///
    /// # Panics
    ///
    /// As [`Self::wait_line`].
    pub fn wait_text(&self, text: &str) {
        assert!(
            self.output.wait_for_text(text, Instant::now() + DEADLINE),
            "waited for {text:?}; the output is\n{}",
            self.output
        );
    }

    /// Whether it has ended.
    pub fn ended(&self) -> bool {
        self.ending.0.lock().expect("no waiter panics").is_some()
    }

    /// Waits for its end and for the end of its output.
    ///
    /// # Panics
    ///
    /// When it does not end within [`DEADLINE`].
    pub fn wait_exit(&self) -> Finished {
        self.wait_exit_within(DEADLINE)
    }

    /// As [`Self::wait_exit`], with another deadline.
    ///
    /// # Panics
    ///
    /// When it does not end within `limit`.
    pub fn wait_exit_within(&self, limit: Duration) -> Finished {
        let until = Instant::now() + limit;
        let guard = self.ending.0.lock().expect("no waiter panics");
        let end = *self
            .ending
            .1
            .wait_timeout_while(guard, limit, |end| end.is_none())
            .expect("no waiter panics")
            .0;
        // The lock is free again: a panic here must not stand in the way of the clean-up.
        let Some(end) = end else {
            panic!(
                "the process did not end within {limit:?}; the output is\n{}",
                self.output
            );
        };
        assert!(
            self.output.wait_for_end(until),
            "the process ended, its output did not: something it started still holds it open\n{}",
            self.output
        );
        Finished {
            code: end.status.code(),
            signal: end.status.signal(),
            elapsed: end.at.saturating_duration_since(self.mark),
            output: self.output.clone(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let ended = self.ending.0.lock().expect("no waiter panics");
        // Under the lock: the waiting thread has not yet noted an end, so at worst the pid is that
        // of a zombie of ours; it cannot be another's.
        if ended.is_none() {
            let _ = kill(self.pid, Signal::SIGKILL);
        }
    }
}

impl Finished {
    /// The lines of `stream`, as text.
    pub fn lines(&self, stream: Stream) -> Vec<String> {
        self.output
            .lines()
            .iter()
            .filter(|line| line.stream == stream)
            .map(Line::text)
            .collect()
    }

    /// The lines of stdout.
    pub fn stdout(&self) -> Vec<String> {
        self.lines(Stream::Stdout)
    }

    /// The lines of stderr.
    pub fn stderr(&self) -> Vec<String> {
        self.lines(Stream::Stderr)
    }

    /// The number of lines, of both streams, that contain `text`.
    pub fn count(&self, text: &str) -> usize {
        let lines = self.output.lines();
        lines
            .iter()
            .filter(|line| line.text().contains(text))
            .count()
    }

    /// Fails unless the exit code is `code`.
    ///
    /// # Panics
    ///
    /// With all the output, when it is another.
    pub fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "the exit code;\n{self}");
        self
    }

    /// Fails when what asked a nest to stop has failed. The stop may end it before it has ended by
    /// itself, so that it may as well have been killed.
    ///
    /// # Panics
    ///
    /// With all the output, when it ended with another exit code than 0.
    pub fn assert_asked(&self) -> &Self {
        let was_ended = self.signal.is_some();
        assert!(was_ended || self.code == Some(0), "it failed;\n{self}");
        self
    }

    /// Fails unless one line at least contains `text`.
    ///
    /// # Panics
    ///
    /// With all the output, when none does.
    pub fn assert_has(&self, text: &str) -> &Self {
        assert!(self.count(text) > 0, "no line has {text:?};\n{self}");
        self
    }

    /// Fails when any line contains `text`.
    ///
    /// # Panics
    ///
    /// With all the output, when one does.
    pub fn assert_lacks(&self, text: &str) -> &Self {
        assert_eq!(self.count(text), 0, "a line has {text:?};\n{self}");
        self
    }

    /// Fails unless the end came within `limit` of the mark.
    ///
    /// # Panics
    ///
    /// With all the output, when it came later.
    pub fn assert_within(&self, limit: Duration) -> &Self {
        assert!(self.elapsed < limit, "it took too long;\n{self}");
        self
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "code {:?}, signal {:?}, after {:?}",
            self.code, self.signal, self.elapsed
        )?;
        self.output.fmt(f)
    }
}

impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Runs `program` with `arguments` to its end.
///
/// # Panics
///
/// When it cannot be started or does not end within [`DEADLINE`].
pub fn run_to_end(program: &str, arguments: &[&str]) -> Finished {
    let mut command = Command::new(program);
    command.args(arguments);
    Process::spawn(command, Streams::Pipes).wait_exit()
}
