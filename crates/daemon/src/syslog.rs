//! syslog (`SIXFOLD_SYSLOG`): what programs send to `/dev/log` becomes records of the log, or, in text
//! mode, goes into the directories in which the syslogd of s6-overlay keeps it (overlay.md 7.6).
//!
//! A task reads one datagram after the other while the log has room; then they wait in the socket, and
//! who sends waits for it, as with every syslogd.

use std::fs::DirBuilder;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::rc::Rc;

use sixfold_model::Diagnostic;
use sixfold_model::logging::{Script, syslog};
use sixfold_sys::{datagrams, fds};
use tokio::io::unix::AsyncFd;

use crate::catch_all::CatchAll;
use crate::clock::Clock;
use crate::logdir::Expression;
use crate::subscriber::Format;
use crate::watch;
use crate::world::World;

/// Where programs send to.
const SOCKET: &str = "/dev/log";
/// The longest datagram; of a longer one the rest is lost, as the sender is told nothing.
const LONGEST: usize = 8192;
/// Where the lines are kept in text mode.
const DIRECTORY: &str = "/var/log/syslogd";
/// The modes of its directories: anybody may read them, but for what is about identities.
const MODE: u32 = 0o2755;
const SECURE_MODE: u32 = 0o2750;
/// How much of each is kept. Lines have the moment that their sender gave them.
const KEEP: [&str; 2] = ["n20", "s1000000"];
/// What each directory gets, as selections of s6-log: none at first.
const ROUTES: [(&str, &[&str]); 10] = [
    ("secure", &["+^auth(priv)?\\."]),
    ("cron", &["+^cron\\."]),
    ("daemon", &["+^daemon\\."]),
    ("debug", &["+^[[:alnum:]]+\\.debug:"]),
    ("errors", &["+^[[:alnum:]]+\\.(err|emerg|alert|crit):"]),
    ("kernel", &["+^kern\\."]),
    ("mail", &["+^mail\\."]),
    ("user", &["+^user\\."]),
    (
        "messages",
        &[
            "+^[[:alnum:]]+\\.(info|notice|warn):",
            "-^(auth|authpriv|daemon|mail)\\.",
        ],
    ),
    ("everything", &["+", "-^auth(priv)?\\."]),
];

/// Begins to read, if that is asked for. What cannot be is reported, and the container goes on.
pub(crate) fn start(world: &Rc<World>, clock: Clock) {
    if !world.settings.syslog {
        return;
    }
    let socket = open().and_then(|(socket, lock)| Ok((watch::readable(socket)?, lock)));
    match socket {
        Ok((socket, lock)) => {
            if world.format == Format::Text {
                keep(world, clock);
            }
            tokio::task::spawn_local(serve(socket, lock, Rc::clone(world)));
        }
        Err(error) => world.report(&[Diagnostic::error(
            Path::new(SOCKET),
            format!("cannot be read as syslog: {error}"),
            mend(&error),
        )]),
    }
}

/// What helps against its not being there.
fn mend(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::PermissionDenied {
        "start the container as root and let services drop their privileges (s6-setuidgid), or leave SIXFOLD_SYSLOG unset"
    } else if error.kind() == io::ErrorKind::ResourceBusy {
        "let no other syslogd read it and nothing be mounted there, or leave SIXFOLD_SYSLOG unset"
    } else {
        "let /dev be writable, or leave SIXFOLD_SYSLOG unset"
    }
}

/// The socket with its lock. The lock tells whether a syslogd of s6's reads there; that of a host, whose
/// `/dev` may be the container's too, knows no lock, and must not lose its socket to a container.
fn open() -> io::Result<(OwnedFd, OwnedFd)> {
    if datagrams::is_read(Path::new(SOCKET)) {
        return Err(io::ErrorKind::ResourceBusy.into());
    }
    datagrams::bind(Path::new(SOCKET))
}

async fn serve(socket: AsyncFd<OwnedFd>, _lock: OwnedFd, world: Rc<World>) {
    let mut datagram = Vec::with_capacity(LONGEST);
    loop {
        let Ok(mut guard) = watch::ready(&socket).await else {
            return;
        };
        let _permit = world.outlet.room().await;
        datagram.resize(LONGEST, 0);
        let read = guard.try_io(|socket| fds::read(socket.get_ref(), &mut datagram));
        if let Ok(Ok(count)) = read {
            datagram.truncate(count);
            syslog::flatten(&mut datagram);
            if !datagram.is_empty() {
                world.outlet.push_syslog(&datagram);
            }
        }
    }
}

/// Opens the directories of text mode.
fn keep(world: &Rc<World>, clock: Clock) {
    let opened = directories()
        .map_err(|error| error.to_string())
        .and_then(|()| {
            let script = script().ok_or_else(|| "its script is wrong".to_owned())?;
            let logger = CatchAll::of(script, clock, &mut |found| world.report(&[found]));
            logger.map_err(|error| error.to_string())
        });
    match opened {
        Ok(logger) => {
            world.outlet.keep_syslog(logger);
            let served = world.outlet.clone().serve_syslog(Rc::clone(world));
            tokio::task::spawn_local(served);
        }
        Err(reason) => world.report(&[Diagnostic::error(
            Path::new(DIRECTORY),
            format!("cannot be written to, so the lines of syslog are lost: {reason}"),
            "let it be writable (docker run --tmpfs /var/log), or have records instead (SIXFOLD_LOG_FORMAT=json)",
        )]),
    }
}

fn directories() -> io::Result<()> {
    let base = Path::new(DIRECTORY);
    DirBuilder::new().recursive(true).mode(0o755).create(base)?;
    for (name, _) in ROUTES {
        let mode = if name == "secure" { SECURE_MODE } else { MODE };
        let dir = base.join(name);
        match std::fs::create_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => {
                made?;
                sixfold_sys::files::chmod(&dir, mode)?;
            }
        }
    }
    Ok(())
}

fn script() -> Option<Script<Expression>> {
    let mut words: Vec<String> = KEEP.map(str::to_owned).to_vec();
    for (name, selections) in ROUTES {
        words.push("-".to_owned());
        words.extend(selections.iter().map(|selection| (*selection).to_owned()));
        words.push(format!("{DIRECTORY}/{name}"));
    }
    let words: Vec<&[u8]> = words.iter().map(String::as_bytes).collect();
    Script::parse(&words, Expression::new).ok()
}

#[cfg(test)]
mod tests {
    use sixfold_model::logging::Target;

    use super::*;

    fn kept_in(line: &str) -> Vec<String> {
        let mut names = Vec::new();
        script().unwrap().run(line.as_bytes(), |_, action| {
            if let Target::Directory(directory) = &action.target {
                let path = String::from_utf8(directory.path.clone()).unwrap();
                names.push(path.rsplit('/').next().unwrap().to_owned());
            }
        });
        names
    }

    #[test]
    fn lines_go_where_the_syslogd_of_s6_overlay_puts_them() {
        for (line, names) in [
            ("auth.info: x", &["secure"][..]),
            ("authpriv.err: x", &["secure", "errors"]),
            ("cron.info: x", &["cron", "messages", "everything"]),
            ("daemon.notice: x", &["daemon", "everything"]),
            ("user.debug: x", &["debug", "user", "everything"]),
            ("kern.crit: x", &["errors", "kernel", "everything"]),
            ("mail.warn: x", &["mail", "everything"]),
            ("user.notice: x", &["user", "messages", "everything"]),
            ("no number", &["everything"]),
        ] {
            assert_eq!(kept_in(line), names, "{line}");
        }
    }
}
