//! The socket on which a service announces itself (sd_notify(3)), for each run a new one.
//!
//! It has a path, though an abstract address would need no directory: every implementation of
//! sd_notify knows paths, some know nothing else; and an abstract address belongs to the network, which
//! containers with `--network host` share, so that strangers could fill the queue of a service. In a
//! container the path is a number below `/run/s6/notify`, which everybody may enter, because a socket's
//! path has 107 bytes at most and a service's name alone may be longer. Elsewhere it lies in the service
//! directory.
//!
//! Whoever finds the socket may send: what counts is the kernel's word on who did (`sender`). Somebody
//! may send without end: one datagram is taken a turn, beside the output, and never before the news of
//! the child; what the engine has to hear is on its way once, and until it was heard no more is read, so
//! that it stays in the queue and its sender has to wait.

use std::collections::HashSet;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use sixfold_engine::{Input, NodeId, Pulse, Role, RunId, SpawnFailure, Work};
use sixfold_model::Diagnostic;
use sixfold_protocol::notify::{self as words, Assignment};
use sixfold_protocol::paths;
use sixfold_sys::notify::{self, Received};
use sixfold_sys::process;
use tokio::io::unix::AsyncFd;

use super::Unit;
use super::sender::{Belonging, Service};
use crate::launch::Place;
use crate::report::notify as report;
use crate::world::World;
use crate::{refusal, watch};

/// How many datagrams are taken after the end of a run: what a queue holds, and no more from somebody
/// who goes on sending.
const LAST_WORDS: usize = 512;

/// A socket that has a path; dropping it removes both.
pub(super) struct Socket {
    fd: AsyncFd<OwnedFd>,
    path: PathBuf,
}

impl Socket {
    /// The socket for `work`, if that is the run of a service that asks for one; what cannot be made is
    /// reported.
    pub(super) fn of(
        world: &World,
        node: NodeId,
        work: &Work,
        place: Option<&Place>,
    ) -> Result<Option<Self>, SpawnFailure> {
        let Some(place) = place.filter(|it| *work == Work::Run && it.spec.notify) else {
            return Ok(None);
        };
        let path = match world.role {
            Role::Container => Path::new(paths::NOTIFY).join(node.index().to_string()),
            Role::ScanDirectory { .. } | Role::Service => place.dir.join(paths::NOTIFY_HERE),
        };
        match notify::open(&path).and_then(watch::readable) {
            Ok(fd) => Ok(Some(Self { fd, path })),
            Err(error) => {
                let mend = "make its directory writable, and its path no longer than 107 bytes";
                world.report(&[Diagnostic::error(
                    &path,
                    format!("no socket could be made there for NOTIFY_SOCKET: {error}"),
                    refusal::of_system(&error).unwrap_or(mend),
                )]);
                Err(SpawnFailure::NotRunnable)
            }
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Nobody listens there any more. If it stays, it gives way to the next one.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// One datagram.
#[derive(Debug)]
pub(super) struct Datagram {
    bytes: Vec<u8>,
    received: Received,
}

/// Takes one. The buffer lives on the stack of this call alone.
fn take(fd: &OwnedFd) -> io::Result<Datagram> {
    let mut buffer = [0; words::MOST];
    let received = notify::receive(fd, &mut buffer)?;
    let bytes = buffer.get(..received.length).unwrap_or_default().to_vec();
    Ok(Datagram { bytes, received })
}

/// What one run says on its socket.
pub(super) struct Announcements {
    socket: Socket,
    run: RunId,
    pid: i32,
    /// The user of the process, as last seen.
    user: u32,
    is_ready: bool,
    is_reloading: bool,
    is_ending: bool,
    status: String,
    errno: Option<i32>,
    main_pid: Option<i32>,
    /// How much of what the engine has to hear is on its way.
    unheeded: usize,
}

impl Announcements {
    /// Those of the process `pid` on its `socket`.
    pub(super) fn new(socket: Socket, run: RunId, pid: i32) -> Self {
        Self {
            socket,
            run,
            pid,
            user: process::euid(),
            is_ready: false,
            is_reloading: false,
            is_ending: false,
            status: String::new(),
            errno: None,
            main_pid: None,
            unheeded: 0,
        }
    }

    /// The next datagram, once the engine has heard what came before. Safe to be dropped at any await.
    async fn next(&self) -> io::Result<Datagram> {
        if self.unheeded > 0 {
            return std::future::pending().await;
        }
        loop {
            let mut guard = watch::ready(&self.socket.fd).await?;
            if let Ok(taken) = guard.try_io(|fd| take(fd.get_ref())) {
                return taken;
            }
        }
    }

    /// The engine has heard one thing.
    pub(super) fn heeded(&mut self) {
        self.unheeded = self.unheeded.saturating_sub(1);
    }

    /// What the engine has to hear of a datagram.
    pub(super) fn take_in(
        &mut self,
        datagram: &Datagram,
        node: NodeId,
        name: &str,
        world: &World,
    ) -> Vec<Input> {
        let mut inputs = Vec::new();
        if !self.is_believed(datagram.received, name, world) {
            return inputs;
        }
        for assignment in words::parse(&datagram.bytes) {
            let run = self.run;
            let pulse = |pulse| Some(Input::Pulse { node, run, pulse });
            let input = match assignment {
                Assignment::Ready => self
                    .is_first_ready(name, world)
                    .then_some(Input::Ready { node, run }),
                Assignment::Alive => pulse(Pulse::Alive),
                Assignment::Trigger => pulse(Pulse::Trigger),
                Assignment::WatchdogEvery(interval) => pulse(Pulse::Every(interval)),
                Assignment::Extend(wait) => pulse(Pulse::Extend(wait)),
                Assignment::Reloading
                | Assignment::Stopping
                | Assignment::Status(_)
                | Assignment::Errno(_)
                | Assignment::MainPid(_) => {
                    self.note(assignment, name, world);
                    None
                }
            };
            // Saying it twice at once says no more.
            if inputs.last() != input.as_ref() {
                inputs.extend(input);
            }
        }
        self.unheeded = self.unheeded.saturating_add(inputs.len());
        inputs
    }

    /// Whether it is ready for the first time in this run; after a reload, people alone are told.
    fn is_first_ready(&mut self, name: &str, world: &World) -> bool {
        let is_again = std::mem::replace(&mut self.is_ready, true);
        let has_reloaded = std::mem::replace(&mut self.is_reloading, false);
        if is_again && has_reloaded && world.outlet.has_room() {
            report::ready_again(name, self.pid);
        }
        !is_again
    }

    /// Tells people what is for them alone, when it is new; not in the place of what programs write.
    fn note(&mut self, assignment: Assignment, name: &str, world: &World) {
        if !world.outlet.has_room() {
            return;
        }
        match assignment {
            Assignment::MainPid(main_pid) => self.judge_main_pid(main_pid, name, world),
            Assignment::Reloading => {
                if !std::mem::replace(&mut self.is_reloading, true) {
                    report::reloading(name, self.pid);
                }
            }
            Assignment::Stopping => {
                if !std::mem::replace(&mut self.is_ending, true) {
                    report::ending(name, self.pid);
                }
            }
            Assignment::Status(status) => {
                if status != self.status {
                    report::status(name, self.pid, &status);
                    self.status = status;
                }
            }
            Assignment::Errno(errno) => {
                if self.errno.replace(errno) != Some(errno) {
                    report::errno(name, self.pid, errno);
                }
            }
            Assignment::Ready
            | Assignment::Alive
            | Assignment::Trigger
            | Assignment::WatchdogEvery(_)
            | Assignment::Extend(_) => {}
        }
    }

    /// Another process cannot be waited for, unless it is a child of ours: so the one that `run` became
    /// is the service, whatever it says. What it says may still be a mistake.
    fn judge_main_pid(&mut self, main_pid: i32, name: &str, world: &World) {
        let is_new = self.main_pid.replace(main_pid) != Some(main_pid);
        if main_pid == self.pid || !is_new {
            return;
        }
        let owned = world.owned.borrow();
        match self.service(&owned).belonging(main_pid) {
            Belonging::Own => report::main_pid(name, self.pid, main_pid),
            Belonging::Lost | Belonging::Stranger => {
                report::main_pid_refused(name, self.pid, main_pid);
            }
        }
    }

    /// What the engine has to hear of what was said before the end; a watchdog has nothing to watch then.
    fn last_words(mut self, node: NodeId, name: &str, world: &World) -> Vec<Input> {
        let mut inputs = Vec::new();
        for _ in 0..LAST_WORDS {
            match take(self.socket.fd.get_ref()) {
                Ok(datagram) => inputs.extend(self.take_in(&datagram, node, name, world)),
                Err(_) => break,
            }
        }
        inputs.retain(|input| matches!(input, Input::Ready { .. }));
        inputs
    }

    fn service<'a>(&self, owned: &'a HashSet<i32>) -> Service<'a> {
        Service {
            pid: self.pid,
            user: self.user,
            owned,
        }
    }

    /// Whether a datagram is whole and said by the service; the first that is not is reported.
    fn is_believed(&mut self, received: Received, name: &str, world: &World) -> bool {
        self.user = process::user(self.pid).unwrap_or(self.user);
        let sender = received.sender;
        let is_own = sender.is_some_and(|sender| {
            let owned = world.owned.borrow();
            self.service(&owned).is_spoken_for_by(sender)
        });
        if !is_own {
            if world.is_news(&format!("notify.refused {name}")) {
                report::refused(name, sender.map(|it| it.pid));
            }
            return false;
        }
        if !received.is_whole && world.is_news(&format!("notify.too_long {name}")) {
            report::too_long(name, words::MOST);
        }
        received.is_whole
    }
}

/// The next datagram; never, where nothing is announced.
pub(super) async fn heard(announcements: Option<&Announcements>) -> io::Result<Datagram> {
    match announcements {
        Some(announcements) => announcements.next().await,
        None => std::future::pending().await,
    }
}

impl Unit {
    /// Passes on to the engine what it has to hear of a datagram.
    pub(super) fn take_in(&mut self, datagram: io::Result<Datagram>) {
        let Some(announcements) = &mut self.announcements else {
            return;
        };
        match datagram {
            Ok(datagram) => {
                let inputs = announcements.take_in(&datagram, self.node, &self.name, &self.world);
                for input in inputs {
                    self.report(input);
                }
            }
            Err(error) => {
                tracing::error!(
                    event = "notify.failed",
                    service = self.name.as_str(),
                    error = %error,
                    "what a service announces can no longer be read"
                );
                self.announcements = None;
            }
        }
    }

    /// Passes on what was said before the end of the run, and closes the socket.
    pub(super) fn take_in_last_words(&mut self) {
        let Some(announcements) = self.announcements.take() else {
            return;
        };
        for input in announcements.last_words(self.node, &self.name, &self.world) {
            self.report(input);
        }
    }
}

#[cfg(test)]
#[path = "notify_tests.rs"]
mod tests;
