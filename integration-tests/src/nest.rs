//! A machine for one test: a service tree laid over the host's root (or over nothing) in private
//! mount, pid and network namespaces, with the binary installed in it and run as PID 1. Neither
//! Docker nor `sixfold run` takes part, so a fault in either hides nothing else.
//!
//! [`Nest`] says what the machine is to be; [`Nest::boot`] makes a [`Running`] of it. Must never
//! mount anything outside the new namespace: the host's mounts are made private first.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::binary::binary;
use crate::process::{Finished, Process, Streams};
use crate::running::Running;
use crate::tree::{Tree, in_service, script};

const SETUP: &str = include_str!("nest.sh");
/// The PATH that Debian's images have.
const IMAGE_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What to boot. Every method but the last takes and returns it.
#[derive(Debug)]
pub struct Nest {
    tree: Tree,
    env: Vec<(OsString, OsString)>,
    under: Vec<String>,
    entry: Vec<String>,
    cmd: Vec<OsString>,
    uid: Option<u32>,
    run_options: String,
    read_only: bool,
    scratch: bool,
    install: bool,
    workdir: String,
    prepare: String,
    streams: Streams,
}

impl Default for Nest {
    fn default() -> Self {
        Self::new()
    }
}

impl Nest {
    /// An empty tree over the host's root; root; a writable tmpfs on `/run`; `/init` with no CMD;
    /// an environment of PATH, HOME and `SIXFOLD_LOG_FORMAT=text`.
    pub fn new() -> Self {
        Self {
            tree: Tree::new(),
            env: Vec::new(),
            under: Vec::new(),
            entry: vec!["/init".to_owned()],
            cmd: Vec::new(),
            uid: None,
            run_options: "mode=755".to_owned(),
            read_only: false,
            scratch: false,
            install: true,
            workdir: "/".to_owned(),
            prepare: String::new(),
            streams: Streams::Pipes,
        }
        .env("PATH", IMAGE_PATH)
        .env("HOME", "/root")
        .env("SIXFOLD_LOG_FORMAT", "text")
    }

    /// A service of `/etc/services.d` with the `run` script given: text without `#!` is for
    /// `/bin/sh`.
    pub fn service(self, name: &str, run: &str) -> Self {
        self.service_file(name, "run", 0o755, script(run))
    }

    /// The `finish` script of service `name`.
    pub fn finish(self, name: &str, text: &str) -> Self {
        self.service_file(name, "finish", 0o755, script(text))
    }

    /// Another file of service `name`, exactly as given.
    pub fn service_file(
        self,
        name: &str,
        file: &str,
        mode: u32,
        content: impl AsRef<[u8]>,
    ) -> Self {
        self.file(&in_service(name, file), mode, content)
    }

    /// The logger of service `name`.
    pub fn logger(self, name: &str, run: &str) -> Self {
        self.service_file(name, "log/run", 0o755, script(run))
    }

    /// A script of `/etc/cont-init.d`.
    pub fn cont_init(self, name: &str, text: &str) -> Self {
        self.file(&format!("/etc/cont-init.d/{name}"), 0o755, script(text))
    }

    /// A script of `/etc/cont-finish.d`.
    pub fn cont_finish(self, name: &str, text: &str) -> Self {
        self.file(&format!("/etc/cont-finish.d/{name}"), 0o755, script(text))
    }

    /// A file of `/etc/fix-attrs.d`.
    pub fn fix_attrs(self, name: &str, lines: &str) -> Self {
        self.file(&format!("/etc/fix-attrs.d/{name}"), 0o644, lines)
    }

    /// Any file of the tree.
    pub fn file(self, path: &str, mode: u32, content: impl AsRef<[u8]>) -> Self {
        self.tree.file(path, mode, content);
        self
    }

    /// A directory of the tree.
    pub fn directory(self, path: &str, mode: u32) -> Self {
        self.tree.directory(path, mode);
        self
    }

    /// A symbolic link of the tree.
    pub fn link(self, path: &str, target: &str) -> Self {
        self.tree.link(path, target);
        self
    }

    /// An executable of the host, copied into the tree.
    pub fn program(self, path: &str, host: impl AsRef<Path>) -> Self {
        self.tree.program(path, host);
        self
    }

    /// Everything below the host's directory `from`.
    pub fn tree(self, from: &Path) -> Self {
        self.tree.copy_of(from);
        self
    }

    /// A variable of PID 1's environment, in the place of one with the same name.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let name = name.as_ref();
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Takes a variable out of PID 1's environment.
    pub fn without_env(mut self, name: &str) -> Self {
        self.env.retain(|(known, _)| known != name);
        self
    }

    /// Logs as JSON lines.
    pub fn json(self) -> Self {
        self.env("SIXFOLD_LOG_FORMAT", "json")
    }

    /// The CMD: what follows `/init`.
    pub fn cmd<S: AsRef<OsStr>>(mut self, words: &[S]) -> Self {
        self.cmd = words.iter().map(|word| word.as_ref().to_owned()).collect();
        self
    }

    /// The CMD `sh -c TEXT`.
    pub fn cmd_sh(self, text: &str) -> Self {
        self.cmd(&["sh", "-c", text])
    }

    /// What to run as PID 1 in the place of `/init`.
    pub fn entry(mut self, words: &[&str]) -> Self {
        self.entry = words.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Puts another program before the entry, which is then not PID 1.
    pub fn under(mut self, words: &[&str]) -> Self {
        self.under = words.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Runs PID 1 as this user and group, without supplementary groups.
    pub fn uid(mut self, uid: u32) -> Self {
        self.uid = Some(uid);
        self
    }

    /// The mount options of the tmpfs on `/run`.
    pub fn run_options(mut self, options: &str) -> Self {
        options.clone_into(&mut self.run_options);
        self
    }

    /// Mounts `/run` noexec.
    pub fn run_noexec(self) -> Self {
        self.run_options("mode=755,noexec,nosuid,nodev")
    }

    /// Makes the root read-only, `/run` and `/tmp` not.
    pub fn read_only_root(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Lays the tree over nothing: no shell, no libraries, only the tree and the binary.
    pub fn scratch(mut self) -> Self {
        self.scratch = true;
        self
    }

    /// Leaves out `sixfold install`: for trees whose entry is something else.
    pub fn without_install(mut self) -> Self {
        self.install = false;
        self
    }

    /// The directory PID 1 is started in.
    pub fn workdir(mut self, dir: &str) -> Self {
        dir.clone_into(&mut self.workdir);
        self
    }

    /// Shell text run on the host's side before the boot, with the new root in `$root`: owners,
    /// fifos and what else a tree of files cannot say.
    pub fn prepare(mut self, text: &str) -> Self {
        text.clone_into(&mut self.prepare);
        self
    }

    /// Gives PID 1 a terminal as its three streams.
    pub fn terminal(mut self) -> Self {
        self.streams = Streams::Terminal;
        self
    }

    /// Gives PID 1 a stdin that [`Running::write`] feeds.
    pub fn feed(mut self) -> Self {
        self.streams = Streams::Feed;
        self
    }

    /// Gives PID 1 a stdout that is a pipe nobody reads.
    pub fn unread_stdout(mut self) -> Self {
        self.streams = Streams::UnreadStdout;
        self
    }

    /// Boots it, and returns when the entry has been executed.
    ///
    /// # Panics
    ///
    /// When the namespaces or the root cannot be made.
    pub fn boot(self) -> Running {
        let work = TempDir::with_prefix("sixfold-nest-").expect("a temporary directory can be had");
        let root = work.path().join("root");
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--pid", "--net", "--fork", "--kill-child"])
            .args(["--propagation", "private", "--", "sh", "-c", SETUP, "nest"])
            .env("NEST_WORK", work.path())
            .env("NEST_TREE", self.tree.path())
            .env(
                "NEST_ROOT",
                if self.scratch { "scratch" } else { "overlay" },
            )
            .env("NEST_INSTALL", yes_or_no(self.install))
            .env("NEST_READ_ONLY", yes_or_no(self.read_only))
            .env("NEST_RUN_OPTIONS", &self.run_options)
            .env("NEST_PREPARE", &self.prepare);
        if self.install {
            command.env("NEST_BINARY", binary());
        }
        command.args(["env", "-i"]);
        for (name, value) in &self.env {
            let mut word = name.clone();
            word.push("=");
            word.push(value);
            command.arg(word);
        }
        // By its path: env(1) looks in the PATH that the test gave.
        command.arg(find_program("unshare"));
        command.arg("--root").arg(&root);
        command.args(["--wd", &self.workdir]);
        if let Some(uid) = self.uid {
            let uid = uid.to_string();
            command.args(["--setgid", &uid, "--setuid", &uid]);
        }
        command.arg("--").args(&self.under).args(&self.entry);
        command.args(&self.cmd);
        let process = Process::spawn(command, self.streams);
        let entry = self.entry.first().map_or("", String::as_str);
        Running::find(process, entry.as_bytes(), (work, self.tree))
    }

    /// Boots it and waits for its end.
    ///
    /// # Panics
    ///
    /// As [`Self::boot`], or when it does not end within the deadline.
    pub fn run(self) -> Finished {
        self.boot().wait_exit()
    }
}

const fn yes_or_no(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

fn find_program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/bin"), PathBuf::from("/bin")])
        .map(|dir| dir.join(OsStr::from_bytes(name.as_bytes())))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| panic!("{name} is not in PATH"))
}
