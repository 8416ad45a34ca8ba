//! `s6-ipcserver` and `s6-ipcserverd`: a program for each connection to a local socket.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::FileTypeExt as _;
use std::process::{Command, Stdio};

use sixfold_sys::local::{self, Peer};
use sixfold_sys::poll::{self, Deadline};
use sixfold_sys::signals::SignalFd;
use sixfold_sys::wait::{self, Exit};
use sixfold_sys::{fds, signals, spawn};

use super::binder::{self, Binding};
use crate::complain::{self, SYSTEM, USAGE, reason};
use crate::process;
use crate::tools::{Call, Failure, Outcome, decimal, octal};

/// The half that serves.
pub(super) const NAME: &str = "s6-ipcserverd";
/// The most connections there ever are at a time.
const MOST: usize = 1000;

const SIGHUP: i32 = 1;
const SIGQUIT: i32 = 3;
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;
const SIGCHLD: i32 = 17;
const SIGCONT: i32 = 18;
const LISTENED: [i32; 5] = [SIGCHLD, SIGTERM, SIGHUP, SIGQUIT, SIGABRT];

/// What the options say.
#[derive(Debug, Clone, Copy)]
struct Settings {
    verbosity: u32,
    /// A newline on standard output tells that it is listened.
    announces: bool,
    /// Programs are told whose the connection is.
    looks_up: bool,
    most: usize,
    most_of_one: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            verbosity: 1,
            announces: false,
            looks_up: true,
            most: 40,
            most_of_one: 40,
        }
    }
}

/// A connection that somebody has.
#[derive(Debug, Clone, Copy)]
struct Served {
    pid: i32,
    uid: u32,
}

/// What is going on.
struct Server<'a> {
    settings: Settings,
    words: &'a [OsString],
    served: Vec<Served>,
    /// Variables that the programs do not get.
    without: &'a [&'a str],
}

/// `s6-ipcserverd [ -v verbosity ] [ -1 ] [ -P | -p ] [ -c maxconn ] [ -C localmaxconn ] prog...`
pub(super) fn ipcserverd(mut call: Call) -> Outcome {
    let (given, words) = call.options("Pp1c:C:v:")?;
    let mut settings = Settings::default();
    for option in given {
        match option.letter {
            b'P' => settings.looks_up = false,
            b'p' => settings.looks_up = true,
            b'1' => settings.announces = true,
            b'c' => settings.most = decimal(&option.value)?,
            b'C' => settings.most_of_one = decimal(&option.value)?,
            _ => settings.verbosity = decimal(&option.value)?,
        }
    }
    if words.first().is_none_or(|program| program.is_empty()) {
        return Err(Failure::Usage);
    }
    let failed = |error| Failure::unable("fstat stdin", &error);
    let socket = File::from(fds::duplicate(0).map_err(failed)?);
    if !socket.metadata().map_err(failed)?.file_type().is_socket() {
        let message = "stdin is not a socket".to_owned();
        return Err(Failure::Fatal(message, USAGE));
    }
    serve(&socket.into(), settings, &words, &[])
}

/// `s6-ipcserver [ options ] path prog...`: binds the socket, becomes somebody else if asked to, and
/// serves, all in this process.
pub(super) fn ipcserver(mut call: Call) -> Outcome {
    let (given, words) = call.options("qQvDd1UPpc:C:b:a:u:g:G:")?;
    let (mut settings, mut binding) = (Settings::default(), Binding::default());
    let mut ids: Vec<OsString> = Vec::new();
    let mut forgets = false;
    for option in given {
        match option.letter {
            b'q' => settings.verbosity = 0,
            b'Q' => settings.verbosity = 1,
            b'v' => settings.verbosity = 2,
            b'D' => binding.replaces = false,
            b'd' => binding.replaces = true,
            b'P' => settings.looks_up = false,
            b'p' => settings.looks_up = true,
            b'1' => settings.announces = true,
            b'c' => settings.most = decimal(&option.value)?,
            b'C' => settings.most_of_one = decimal::<usize>(&option.value)?.max(1),
            b'b' => binding.backlog = decimal::<u32>(&option.value)?.max(1),
            b'a' => binding.mode = octal(&option.value)?,
            b'U' => {
                // Those that were given before do not count.
                ids = vec!["-Uz".into()];
                forgets = true;
            }
            letter => {
                if letter != b'G' {
                    decimal::<u32>(&option.value)?;
                }
                ids.push(format!("-{}", char::from(letter)).into());
                ids.push(option.value);
            }
        }
    }
    let (path, words) = words.split_first().ok_or(Failure::Usage)?;
    if words.is_empty() {
        return Err(Failure::Usage);
    }
    let identity = match process::identity_of(ids) {
        Ok(identity) => identity,
        Err(code) => return Ok(code.number()),
    };
    // As the program of that name would say it.
    let socket = match binding.make(path) {
        Ok(made) => made,
        Err(failure) => return Ok(failure.report(binder::NAME).number()),
    };
    if let Err(code) = identity.apply(process::APPLYUIDGID) {
        return Ok(code.number());
    }
    let without: &[&str] = if forgets {
        &process::IDENTITY_VARIABLES
    } else {
        &[]
    };
    match serve(&socket, settings, words, without) {
        Ok(code) => Ok(code),
        Err(failure) => Ok(failure.report(NAME).number()),
    }
}

/// Serves the socket until a signal ends it.
fn serve(
    socket: &OwnedFd,
    mut settings: Settings,
    words: &[OsString],
    without: &[&str],
) -> Outcome {
    settings.most = settings.most.clamp(1, MOST);
    if !settings.looks_up || settings.most_of_one > settings.most {
        settings.most_of_one = settings.most;
    }
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: io::Error| Failure::unable(what, &error)
    };
    signals::block(&LISTENED).map_err(failed("trap signals"))?;
    let news = SignalFd::new(&LISTENED).map_err(failed("trap signals"))?;
    let mut server = Server {
        settings,
        words,
        served: Vec::new(),
        without,
    };
    if settings.verbosity >= 2 {
        complain::info(NAME, "starting");
        server.tell_status();
    }
    if settings.announces {
        // Who does not listen does not want to know.
        let _ = fds::write_fd(1, b"\n");
    }
    let null = File::options().write(true).open("/dev/null");
    null.and_then(|null| fds::replace(1, null.into()))
        .map_err(failed("close stdout"))?;
    loop {
        let watched = [news.as_fd(), socket.as_fd()];
        let is_full = server.served.len() >= server.settings.most;
        let watched = if is_full { &watched[..1] } else { &watched[..] };
        let ready = poll::wait_readable(watched, Deadline::after(None));
        let ready = ready.map_err(failed("iopause"))?;
        if ready.first() == Some(&true) {
            if !server.listen(&news)? {
                break;
            }
        } else if ready.get(1) == Some(&true) {
            match local::accept(socket) {
                Ok(connection) => server.connect(connection),
                Err(error) => server.warn("accept", &error),
            }
        }
    }
    if settings.verbosity >= 2 {
        complain::info(NAME, "exiting");
    }
    Ok(0)
}

impl Server<'_> {
    /// Takes the signals that have come; whether it goes on.
    fn listen(&mut self, news: &SignalFd) -> Result<bool, Failure> {
        let mut goes_on = true;
        while let Some(received) = news
            .read()
            .map_err(|error| Failure::unable("read selfpipe", &error))?
        {
            let (name, sent, is_end) = match received.signal {
                SIGCHLD => {
                    self.reap();
                    continue;
                }
                SIGTERM => ("SIGTERM", &[][..], true),
                SIGHUP => ("SIGHUP", &[SIGTERM, SIGCONT][..], false),
                SIGQUIT => ("SIGQUIT", &[SIGTERM, SIGCONT][..], true),
                _ => ("SIGABRT", &[SIGKILL][..], true),
            };
            if self.settings.verbosity >= 2 {
                let what = match sent {
                    [] => "",
                    [SIGKILL, ..] => " sending SIGKILL to all connections",
                    _ => " sending SIGTERM+SIGCONT to all connections",
                };
                let end = match (is_end, sent.is_empty()) {
                    (true, true) => " quitting",
                    (true, false) => " and quitting",
                    (false, _) => "",
                };
                complain::info(NAME, format_args!("received {name},{what}{end}"));
            }
            for served in &self.served {
                for signal in sent {
                    // It may have just ended.
                    let _ = signals::send(served.pid, *signal);
                }
            }
            goes_on &= !is_end;
        }
        Ok(goes_on)
    }

    /// Collects the programs that have ended.
    fn reap(&mut self) {
        let mut still = Vec::new();
        let served = std::mem::take(&mut self.served);
        let mut left = served.len();
        for one in served {
            let exit = match wait::reap(one.pid) {
                Ok(None) => {
                    still.push(one);
                    continue;
                }
                Ok(Some(exit)) => exit,
                // Nobody else collects them.
                Err(_) => Exit::Code(0),
            };
            left -= 1;
            if self.settings.verbosity >= 2 {
                let (how, number) = match exit {
                    Exit::Code(code) => ("exitcode", code),
                    Exit::Signal(signal) => ("signal", signal),
                };
                let (pid, uid) = (one.pid, self.id(one.uid));
                complain::info(NAME, format_args!("end pid {pid} uid {uid} {how} {number}"));
                self.tell(left);
            }
        }
        self.served = still;
    }

    /// Starts the program for a connection; if it may not be, or cannot be, the connection is closed.
    fn connect(&mut self, connection: local::Connection) {
        let peer = if self.settings.looks_up {
            match local::peer(&connection.socket) {
                Ok(peer) => peer,
                Err(error) => return self.warn("getpeereid", &error),
            }
        } else {
            Peer { uid: 0, gid: 0 }
        };
        let count = self.served.iter().filter(|one| one.uid == peer.uid).count();
        let (uid, gid) = (self.id(peer.uid), self.id(peer.gid));
        let most = self.settings.most_of_one;
        if count >= most {
            let shown = self.of_lookup(count);
            return complain::info(NAME, format_args!("deny {uid}:{gid} count {shown}/{most}"));
        }
        let count = count + 1;
        match self.start(connection, peer, count) {
            Ok(pid) => {
                self.served.push(Served { pid, uid: peer.uid });
                if self.settings.verbosity >= 2 {
                    let count = self.of_lookup(count);
                    complain::info(
                        NAME,
                        format_args!("allow {uid}:{gid} pid {pid} count {count}/{most}"),
                    );
                    self.tell_status();
                }
            }
            Err(error) => {
                let program = self.words.first().cloned().unwrap_or_default();
                let message = format!("unable to exec {}: {}", program.display(), reason(&error));
                complain::fatal("s6-ipcserver (child)", message, SYSTEM);
            }
        }
    }

    fn start(&self, connection: local::Connection, peer: Peer, count: usize) -> io::Result<i32> {
        let (program, args) = self.words.split_first().ok_or(io::ErrorKind::NotFound)?;
        let mut command = Command::new(program);
        command.args(args);
        for name in self.without {
            command.env_remove(name);
        }
        command.env("PROTO", "IPC");
        command.env("IPCREMOTEPATH", connection.path);
        if self.settings.looks_up {
            command.env("IPCREMOTEEUID", peer.uid.to_string());
            command.env("IPCREMOTEEGID", peer.gid.to_string());
            command.env("IPCCONNNUM", count.to_string());
        } else {
            command.env_remove("IPCREMOTEEUID");
            command.env_remove("IPCREMOTEEGID");
            command.env("IPCCONNNUM", "");
        }
        command.stdin(Stdio::from(connection.socket.try_clone()?));
        command.stdout(Stdio::from(connection.socket));
        spawn::with_empty_mask(&mut command);
        let child = command.spawn()?;
        i32::try_from(child.id()).map_err(|_| io::ErrorKind::InvalidData.into())
    }

    /// An id, for a message.
    fn id(&self, id: u32) -> String {
        self.of_lookup(id)
    }

    fn of_lookup(&self, number: impl ToString) -> String {
        if self.settings.looks_up {
            number.to_string()
        } else {
            "?".to_owned()
        }
    }

    fn tell_status(&self) {
        self.tell(self.served.len());
    }

    fn tell(&self, count: usize) {
        let most = self.settings.most;
        complain::info(NAME, format_args!("status: {count}/{most}"));
    }

    fn warn(&self, what: &str, error: &io::Error) {
        if self.settings.verbosity > 0 {
            complain::warn(NAME, format_args!("unable to {what}: {}", reason(error)));
        }
    }
}
