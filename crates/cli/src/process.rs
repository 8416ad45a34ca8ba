//! The commands that change something about their process (user, limits, environment, session,
//! locks) and then become another program.

mod envdir;
pub(crate) mod identity;
mod limits;
mod notifyoncheck;
mod permafailon;

use std::ffi::OsString;
use std::process::Command;

pub(crate) use identity::{
    APPLYUIDGID, VARIABLES as IDENTITY_VARIABLES, of_options as identity_of,
};

use crate::applets::Applet;

/// Their table.
pub(crate) const APPLETS: &[Applet] = &[
    Applet::compatible(
        identity::SETUIDGID,
        "run a program as another user",
        identity::setuidgid,
    ),
    Applet::compatible(
        APPLYUIDGID,
        "run a program with these ids",
        identity::applyuidgid,
    ),
    Applet::compatible(
        identity::ENVUIDGID,
        "put a user's ids into the environment",
        identity::envuidgid,
    ),
    Applet::compatible(
        envdir::ENVDIR,
        "run a program with variables from files",
        envdir::envdir,
    ),
    Applet::compatible(
        envdir::JUSTC_ENVDIR,
        "the same, as s6-overlay v2 had it",
        envdir::justc_envdir,
    ),
    Applet::compatible(
        limits::SOFTLIMIT,
        "run a program with resource limits",
        limits::softlimit,
    ),
    Applet::compatible(
        limits::SETSID,
        "run a program in a session or group of its own",
        limits::setsid,
    ),
    Applet::compatible(
        limits::SETLOCK,
        "run a program with a lock",
        limits::setlock,
    ),
    Applet::compatible(
        limits::FGHACK,
        "run a program that goes to the background",
        limits::fghack,
    ),
    Applet::compatible(
        notifyoncheck::NAME,
        "announce readiness when a check succeeds",
        notifyoncheck::notifyoncheck,
    ),
    Applet::compatible(
        permafailon::NAME,
        "give up on a service that dies too often",
        permafailon::permafailon,
    ),
];

/// A program with changes to the environment that it is to have.
struct Changed<'a> {
    words: &'a [OsString],
    changes: Vec<(OsString, Option<OsString>)>,
}

/// The program that `words` name, with this process's environment for now.
fn command(words: &[OsString]) -> Changed<'_> {
    Changed {
        words,
        changes: Vec::new(),
    }
}

impl Changed<'_> {
    fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        self.changes.push((name.into(), Some(value.into())));
    }

    fn remove(&mut self, name: impl Into<OsString>) {
        self.changes.push((name.into(), None));
    }

    fn build(&self) -> Command {
        let (program, args) = self.words.split_first().map_or_else(
            || (OsString::new(), &[][..]),
            |(program, args)| (program.clone(), args),
        );
        let mut command = Command::new(program);
        command.args(args);
        for (name, value) in &self.changes {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }
}
