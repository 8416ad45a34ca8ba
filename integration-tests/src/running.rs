//! A booted [`crate::Nest`]: signals for its PID 1 from outside, programs run inside, and what can
//! be seen of it in `/proc`. Made by [`crate::Nest::boot`] alone.

use std::ffi::OsString;
use std::fs;
use std::ops::Deref;
use std::path::{Component, Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::process::{DEADLINE, Finished, Process, Streams};
use crate::tree::Tree;

/// How often something is looked at that no event tells of.
const GLANCE: Duration = Duration::from_millis(2);

/// A machine that runs. Everything in it is killed when it is dropped.
#[derive(Debug)]
pub struct Running {
    // Before the directories: fields are dropped in order, and its end frees the mounts.
    process: Process,
    /// PID 1 of the namespace, as the host numbers it; `None` when it ended too soon to be seen.
    first: Option<Pid>,
    /// The entry: PID 1 itself, or its child when something else was put before it.
    entry: Option<Pid>,
    _directories: (TempDir, Tree),
}

/// One process of the nest, as its own `/proc` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NestedProcess {
    /// Its process id inside.
    pub pid: i32,
    /// Its parent's process id inside.
    pub parent: i32,
    /// The first 15 bytes of its name.
    pub name: String,
    /// Its state: `R`, `S`, `Z` (a zombie) and so on.
    pub state: char,
}

impl Running {
    /// Waits until a process of this name waits for room in a pipe.
    ///
    /// # Panics
    ///
    /// When none does within the deadline.
    pub fn wait_blocked(&self, name: &str) {
        self.wait_until("somebody waits for room in a pipe", |nest| {
            nest.named(name).iter().any(|process| {
                let wchan = nest.path(&format!("/proc/{}/wchan", process.pid));
                fs::read_to_string(wchan).is_ok_and(|wchan| wchan.contains("pipe"))
            })
        });
    }

    /// Waits until a process of the nest has been executed as `entry`, or all is over.
    pub(crate) fn find(process: Process, entry: &[u8], directories: (TempDir, Tree)) -> Self {
        let until = Instant::now() + DEADLINE;
        loop {
            let ended = process.ended();
            let first = first_of_namespace(process.pid());
            let found = first.and_then(|first| {
                std::iter::once(first)
                    .chain(children(first))
                    .find(|pid| runs(*pid, entry))
            });
            if found.is_some() || ended {
                return Self {
                    process,
                    first,
                    entry: found,
                    _directories: directories,
                };
            }
            assert!(
                Instant::now() < until,
                "the nest was not made in time; the output is\n{}",
                process.output
            );
            thread::sleep(GLANCE);
        }
    }

    /// The process id of the entry on the host.
    ///
    /// # Panics
    ///
    /// When it ended before it was seen.
    pub fn pid(&self) -> Pid {
        self.entry
            .unwrap_or_else(|| panic!("the entry ended at once; the output is\n{}", self.output))
    }

    /// Sends `signal` to the entry.
    ///
    /// # Panics
    ///
    /// When it is no more.
    pub fn signal(&self, signal: Signal) {
        if let Err(error) = kill(self.pid(), signal) {
            panic!(
                "cannot send {signal}: {error}; the output is\n{}",
                self.output
            );
        }
    }

    /// Marks the time, sends TERM and waits for the end.
    ///
    /// # Panics
    ///
    /// When it does not end within the deadline.
    pub fn terminate(mut self) -> Finished {
        self.process.mark();
        self.signal(Signal::SIGTERM);
        self.process.wait_exit()
    }

    /// Runs a program inside, as root, and waits for it: what `docker exec` does. The environment
    /// has a PATH without `/command`.
    ///
    /// # Panics
    ///
    /// When it does not end within the deadline.
    pub fn exec(&self, words: &[&str]) -> Finished {
        self.start(words).wait_exit()
    }

    /// Starts a program inside, as [`Running::exec`] does, and lets it run.
    pub fn start(&self, words: &[&str]) -> Process {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--target={}", self.pid()))
            .args(["--mount", "--pid", "--net", "--root", "--wd", "--"])
            .args(words)
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            );
        Process::spawn(command, Streams::Pipes)
    }

    /// The path on the host of the nest's absolute `path`, with links taken as the nest takes them.
    ///
    /// # Panics
    ///
    /// When links lead in a circle.
    pub fn path(&self, path: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.pid()));
        let mut left: Vec<OsString> = components(Path::new(path));
        let mut resolved = root.clone();
        for _ in 0..200 {
            let Some(component) = left.pop() else {
                return resolved;
            };
            let next = resolved.join(&component);
            // From outside, an absolute link would lead into the host's root.
            match fs::read_link(&next) {
                Ok(target) if !below_proc(&root, &next) => {
                    if target.is_absolute() {
                        resolved.clone_from(&root);
                    }
                    left.extend(components(&target));
                }
                Ok(_) | Err(_) => resolved = next,
            }
        }
        panic!("{path} leads in a circle");
    }

    /// The content of a file of the nest.
    ///
    /// # Panics
    ///
    /// When it cannot be read.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| {
            panic!("{path}: {error}; the output is\n{}", self.process.output)
        })
    }

    /// Writes a file of the nest.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    pub fn write_file(&self, path: &str, content: &str) {
        fs::write(self.path(path), content).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Every process of the nest.
    pub fn processes(&self) -> Vec<NestedProcess> {
        let Ok(entries) = fs::read_dir(self.path("/proc")) else {
            return Vec::new();
        };
        entries
            .flatten()
            .filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok())
            .filter_map(|stat| parse_stat(&stat))
            .collect()
    }

    /// The processes named `name` (its first 15 bytes).
    pub fn named(&self, name: &str) -> Vec<NestedProcess> {
        let mut found = self.processes();
        found.retain(|process| process.name == name);
        found
    }

    /// The children of the entry, as the host numbers them, the eldest first.
    pub fn children(&self) -> Vec<Pid> {
        children(self.pid())
    }

    /// How many descriptors the entry has open.
    ///
    /// # Panics
    ///
    /// When it is no more.
    pub fn open_descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid()))
            .expect("the entry runs")
            .count()
    }

    /// A field of the entry's `/proc/PID/status`, such as `SigBlk`.
    ///
    /// # Panics
    ///
    /// When it is no more or has no such field.
    pub fn status_field(&self, name: &str) -> String {
        status_field(self.pid(), name)
            .unwrap_or_else(|| panic!("no {name}; the output is\n{}", self.output))
    }

    /// Looks until `condition` holds. For what no line of output announces.
    ///
    /// # Panics
    ///
    /// When it does not hold within the deadline; `what` says what it was.
    pub fn wait_until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let until = Instant::now() + DEADLINE;
        while !condition(self) {
            if Instant::now() >= until {
                let processes = self.processes();
                let shown = &processes[..processes.len().min(30)];
                panic!(
                    "waited in vain until {what}; {} processes, of them {shown:?}; the output is\n{}",
                    processes.len(),
                    self.output
                );
            }
            thread::sleep(GLANCE);
        }
    }

    /// Waits for a file of the nest to be there.
    ///
    /// # Panics
    ///
    /// When it does not come within the deadline.
    pub fn wait_file(&self, path: &str) {
        self.wait_until(path, |nest| nest.path(path).exists());
    }

    /// Changes the size of its terminal, as a window manager does.
    ///
    /// # Panics
    ///
    /// When it has none.
    pub fn resize(&self, rows: u16, columns: u16) {
        let master = self.process.terminal().expect("the nest has a terminal");
        let mut stty = Command::new("stty");
        stty.args(["rows", &rows.to_string(), "columns", &columns.to_string()])
            .stdin(master.try_clone().expect("a descriptor can be copied"));
        let status = stty.status().expect("stty can be run");
        assert!(status.success(), "stty: {status}");
    }

    /// Writes to its stdin or terminal.
    ///
    /// # Panics
    ///
    /// When it has neither.
    pub fn write(&mut self, bytes: &[u8]) {
        self.process.write(bytes);
    }

    /// Closes its stdin.
    pub fn close_input(&mut self) {
        self.process.close_input();
    }

    /// From now on [`Finished::elapsed`] counts.
    pub fn mark(&mut self) {
        self.process.mark();
    }
}

impl Deref for Running {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Dying with unshare(1) does not survive a change of user, so PID 1 is killed by name too;
        // the kernel then kills all the rest of its namespace.
        if let Some(first) = self.first
            && !self.process.ended()
        {
            let _ = kill(first, Signal::SIGKILL);
        }
    }
}

/// The components of `path`, the last first; a `..` stays one.
fn components(path: &Path) -> Vec<OsString> {
    path.components()
        .rev()
        .filter(|component| !matches!(component, Component::RootDir | Component::CurDir))
        .map(|component| component.as_os_str().to_owned())
        .collect()
}

/// The kernel's own links below `/proc` lead where their text does not say.
fn below_proc(root: &Path, path: &Path) -> bool {
    path.strip_prefix(root)
        .is_ok_and(|inside| inside.starts_with("proc") && inside != Path::new("proc"))
}

/// The child of unshare(1) `outer` that is PID 1 of a namespace of its own.
fn first_of_namespace(outer: Pid) -> Option<Pid> {
    children(outer).into_iter().find(|pid| {
        status_field(*pid, "NSpid").is_some_and(|ids| {
            let ids: Vec<&str> = ids.split_whitespace().collect();
            ids.len() > 1 && ids.last() == Some(&"1")
        })
    })
}

/// The children of a process of one thread; none, once it is gone.
pub fn children(of: Pid) -> Vec<Pid> {
    fs::read_to_string(format!("/proc/{of}/task/{of}/children"))
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .map(Pid::from_raw)
        .collect()
}

fn runs(pid: Pid, argument: &[u8]) -> bool {
    fs::read(format!("/proc/{pid}/cmdline"))
        .is_ok_and(|cmdline| cmdline.split(|byte| *byte == 0).next() == Some(argument))
}

fn status_field(pid: Pid, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(|value| value.trim().to_owned())
}

/// `PID (NAME) STATE PPID ...`: the name may hold blanks and brackets, so the last bracket counts.
fn parse_stat(stat: &str) -> Option<NestedProcess> {
    let (head, tail) = stat.rsplit_once(") ")?;
    let (pid, name) = head.split_once(" (")?;
    let mut fields = tail.split(' ');
    Some(NestedProcess {
        pid: pid.parse().ok()?,
        name: name.to_owned(),
        state: fields.next()?.chars().next()?,
        parent: fields.next()?.parse().ok()?,
    })
}
