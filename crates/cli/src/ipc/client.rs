//! `s6-ipcclient`: a connection to a local socket.

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Command;

use sixfold_sys::local::{self, Kind};
use sixfold_sys::numbers;

use crate::complain;
use crate::exec;
use crate::tools::{Call, Failure, Outcome};

/// Where the program finds the connection, to read and to write.
pub(super) const READ: i32 = 6;
/// See [`READ`].
pub(super) const WRITE: i32 = 7;

/// How to connect.
#[derive(Debug, Default)]
pub(super) struct Target {
    /// How much is said.
    pub(super) verbosity: u32,
    /// Where our end is bound to.
    pub(super) bound: Option<OsString>,
    /// What the program is told of our end, if not the truth.
    pub(super) local: Option<OsString>,
}

impl Target {
    /// That of which nothing was said.
    pub(super) fn new() -> Self {
        Self {
            verbosity: 1,
            ..Self::default()
        }
    }

    /// Takes an option; the last one of those that say how much is said does not count alone.
    pub(super) fn option(&mut self, letter: u8, value: OsString) {
        match letter {
            b'q' => self.verbosity = self.verbosity.saturating_sub(1),
            b'Q' => self.verbosity = 1,
            b'v' => self.verbosity = self.verbosity.saturating_add(1),
            b'p' => self.bound = Some(value),
            _ => self.local = Some(value),
        }
    }

    /// Connects to the socket at `path`, in the name of s6-ipcclient.
    pub(super) fn connect(&self, path: &OsStr) -> Result<OwnedFd, Failure> {
        let shown = path.display();
        let socket = local::socket(Kind::Stream, true)
            .map_err(|error| Failure::unable("create socket", &error))?;
        if let Some(bound) = &self.bound {
            local::bind(&socket, Path::new(bound)).map_err(|error| {
                Failure::unable(format_args!("bind socket to {}", bound.display()), &error)
            })?;
        }
        local::connect(&socket, Path::new(path))
            .map_err(|error| Failure::unable(format_args!("connect to {shown}"), &error))?;
        if self.verbosity >= 2 {
            complain::info("s6-ipcclient", format_args!("connected to {shown}"));
        }
        Ok(socket)
    }
}

/// `s6-ipcclient [ -q | -Q | -v ] [ -p bindpath ] [ -l localname ] path prog...`
pub(super) fn ipcclient(mut call: Call) -> Outcome {
    let (given, words) = call.options("qQvp:l:")?;
    let mut target = Target::new();
    for option in given {
        target.option(option.letter, option.value);
    }
    let (path, words) = words.split_first().ok_or(Failure::Usage)?;
    let (program, args) = words.split_first().ok_or(Failure::Usage)?;
    let socket = target.connect(path)?;
    let local = target.local.or(target.bound).unwrap_or_default();
    let placed = numbers::place(socket, READ);
    placed.map_err(|error| Failure::unable(format_args!("set up fd {READ}"), &error))?;
    let copied = numbers::copy(READ, WRITE);
    copied.map_err(|error| Failure::unable(format_args!("set up fd {WRITE}"), &error))?;
    let mut command = Command::new(program);
    command.args(args);
    command.env("PROTO", "IPC").env("IPCLOCALPATH", local);
    Ok(exec::this(call.name, command).number())
}
