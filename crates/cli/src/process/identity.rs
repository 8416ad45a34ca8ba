//! `s6-setuidgid`, `s6-applyuidgid`, `s6-envuidgid`: running a program as another user.
//!
//! Names come from `/etc/passwd` and `/etc/group` alone.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

use sixfold_sys::users::Database;
use sixfold_sys::{identity, process};

use super::command;
use crate::complain::{self, ExitCode, FAILED, SYSTEM, USAGE, reason};
use crate::exec;
use crate::options::{Options, WrongUsage, number};

pub(super) const SETUIDGID: &str = "s6-setuidgid";
pub(crate) const APPLYUIDGID: &str = "s6-applyuidgid";
const SETUIDGID_SYNOPSIS: &str = "s6-setuidgid username prog...";
const APPLYUIDGID_SYNOPSIS: &str =
    "s6-applyuidgid [ -z ] [ -u uid ] [ -g gid ] [ -G gidlist ] [ -U ] prog...";
pub(super) const ENVUIDGID: &str = "s6-envuidgid";
const ENVUIDGID_SYNOPSIS: &str = "s6-envuidgid [ -i | -D defaultuid:defaultgid:defaultgidlist ] [ -u | -g | -B ] [ -n ] account prog...";

/// The variables that carry an identity from one command to the next.
pub(crate) const VARIABLES: [&str; 3] = ["UID", "GID", "GIDLIST"];

/// Who a program is to run as. What is missing, or 0, stays as it is (s6-applyuidgid).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Identity {
    /// The user.
    pub(crate) uid: u32,
    /// The group.
    pub(crate) gid: u32,
    /// The supplementary groups.
    pub(crate) groups: Option<Vec<u32>>,
}

impl Identity {
    /// Becomes it, whole or not at all: on any failure the caller has an exit code and nothing is
    /// run.
    pub(crate) fn apply(&self, name: &str) -> Result<(), ExitCode> {
        let step = |what: &str, result: std::io::Result<()>| {
            result.map_err(|error| {
                complain::fatal(
                    name,
                    format!("unable to {what}: {}", reason(&error)),
                    SYSTEM,
                )
            })
        };
        if let Some(groups) = &self.groups {
            let first = if self.gid == 0 {
                process::egid()
            } else {
                self.gid
            };
            let set = identity::set_groups(first, groups);
            step("set supplementary group list", set)?;
        }
        if self.gid != 0 {
            step("setgid", identity::set_group(self.gid))?;
        }
        if self.uid != 0 {
            step("setuid", identity::set_user(self.uid))?;
        }
        Ok(())
    }

    /// The one in the variables UID, GID and GIDLIST, for the command `name`.
    pub(crate) fn from_environment(name: &str) -> Result<Self, ExitCode> {
        Ok(Self {
            uid: variable(name, "UID", number)?,
            gid: variable(name, "GID", number)?,
            groups: Some(variable(name, "GIDLIST", list)?),
        })
    }
}

/// `s6-setuidgid account prog...`: account is a user's name, or `uid:gid` in numbers; an empty one
/// changes nothing.
pub(super) fn setuidgid(args: Vec<OsString>) -> ExitCode {
    let Some((account, words)) = args.split_first().filter(|(_, words)| !words.is_empty()) else {
        return complain::usage(SETUIDGID, SETUIDGID_SYNOPSIS);
    };
    if account.is_empty() {
        return exec::words(SETUIDGID, words);
    }
    if account.len() > 1 && account.as_encoded_bytes().starts_with(b"-") {
        return complain::usage(SETUIDGID, SETUIDGID_SYNOPSIS);
    }
    let account = account.to_string_lossy();
    if let Some((uid, gid)) = account.split_once(':') {
        let ids = (number(OsStr::new(uid)), number(OsStr::new(gid)));
        let (Some(uid), Some(gid)) = ids else {
            return complain::usage(APPLYUIDGID, APPLYUIDGID_SYNOPSIS);
        };
        let identity = Identity {
            uid,
            gid,
            groups: Some(Vec::new()),
        };
        return become_and_exec(SETUIDGID, &identity, &command(words));
    }
    match account_of(&account) {
        Ok(identity) => become_and_exec(SETUIDGID, &identity, &{
            let mut command = command(words);
            for name in VARIABLES {
                command.remove(name);
            }
            command
        }),
        Err(code) => code,
    }
}

/// `s6-applyuidgid [ -z ] [ -u uid ] [ -g gid ] [ -G gidlist ] [ -U ] prog...`
pub(super) fn applyuidgid(args: Vec<OsString>) -> ExitCode {
    let (identity, forgets, words) = match read(args) {
        Ok((_, _, words)) if words.is_empty() => {
            return complain::usage(APPLYUIDGID, APPLYUIDGID_SYNOPSIS);
        }
        Ok(read) => read,
        Err(code) => return code,
    };
    let mut command = command(&words);
    if forgets {
        for name in VARIABLES {
            command.remove(name);
        }
    }
    become_and_exec(APPLYUIDGID, &identity, &command)
}

/// The identity that options of s6-applyuidgid name.
pub(crate) fn of_options(args: Vec<OsString>) -> Result<Identity, ExitCode> {
    read(args).map(|(identity, _, _)| identity)
}

/// What s6-applyuidgid is called with: an identity, whether the variables are to be forgotten, and the
/// words of the program.
fn read(args: Vec<OsString>) -> Result<(Identity, bool, Vec<OsString>), ExitCode> {
    let usage = |_: WrongUsage| complain::usage(APPLYUIDGID, APPLYUIDGID_SYNOPSIS);
    let mut options = Options::new(args, "zUu:g:G:");
    let (mut identity, mut forgets) = (Identity::default(), false);
    while let Some(option) = options.next().map_err(usage)? {
        let value = option.value.as_os_str();
        match option.letter {
            b'z' => forgets = true,
            b'u' => identity.uid = number(value).ok_or(WrongUsage).map_err(usage)?,
            b'g' => identity.gid = number(value).ok_or(WrongUsage).map_err(usage)?,
            b'G' => identity.groups = Some(list(value).ok_or(WrongUsage).map_err(usage)?),
            _ => identity = Identity::from_environment(APPLYUIDGID)?,
        }
    }
    Ok((identity, forgets, options.rest()))
}

/// `s6-envuidgid [ options ] account prog...`: exports the identity for s6-applyuidgid -U.
pub(super) fn envuidgid(args: Vec<OsString>) -> ExitCode {
    match exported(args) {
        Ok(command) => exec::this(ENVUIDGID, command),
        Err(code) => code,
    }
}

fn become_and_exec(name: &str, identity: &Identity, command: &super::Changed<'_>) -> ExitCode {
    match identity.apply(name) {
        Ok(()) => exec::this(name, command.build()),
        Err(code) => code,
    }
}

fn variable<T>(
    command: &str,
    name: &str,
    parse: impl FnOnce(&OsStr) -> Option<T>,
) -> Result<T, ExitCode> {
    let Some(value) = std::env::var_os(name) else {
        let message = format!("{name} not set");
        return Err(complain::fatal(command, message, USAGE));
    };
    parse(&value).ok_or_else(|| complain::fatal(command, format!("invalid ${name}"), USAGE))
}

/// Group ids, separated by commas, of which there may be more than needed, but not before the first;
/// none in an empty value.
pub(crate) fn list(value: &OsStr) -> Option<Vec<u32>> {
    let text = value.to_str()?;
    if text.starts_with(',') {
        return None;
    }
    text.split(',')
        .filter(|gid| !gid.is_empty())
        .map(|gid| number(OsStr::new(gid)))
        .collect()
}

fn database() -> Result<Database, ExitCode> {
    Database::load(Path::new("/")).map_err(|error| {
        use std::error::Error as _;
        let source = error.source().map(|source| format!(": {source}"));
        let message = format!(
            "unable to look up users: {error}{}",
            source.unwrap_or_default()
        );
        complain::fatal(ENVUIDGID, message, SYSTEM)
    })
}

/// The identity of a user, supplementary groups included.
fn account_of(user: &str) -> Result<Identity, ExitCode> {
    let users = database()?;
    let found = users.user(user).ok_or_else(|| unknown("user", user))?;
    Ok(Identity {
        uid: found.uid,
        gid: found.gid,
        groups: Some(users.memberships_of(user)),
    })
}

fn unknown(what: &str, name: &str) -> ExitCode {
    complain::fatal(ENVUIDGID, format_args!("unknown {what}: {name}"), FAILED)
}

/// What account names: `-u`, `-g`, `-B`, or a user with everything that is known of him.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Account {
    Whole,
    User,
    Group,
    Both,
}

fn exported(args: Vec<OsString>) -> Result<Command, ExitCode> {
    let usage = |_: WrongUsage| complain::usage(ENVUIDGID, ENVUIDGID_SYNOPSIS);
    let mut options = Options::new(args, "ugBniD:");
    let (mut account, mut takes_numbers, mut defaults) = (Account::Whole, false, None);
    let mut insists = true;
    while let Some(option) = options.next().map_err(usage)? {
        match option.letter {
            b'u' => account = Account::User,
            b'g' => account = Account::Group,
            b'B' => account = Account::Both,
            b'n' => {
                takes_numbers = true;
                // A number has no supplementary groups.
                if account == Account::Whole {
                    account = Account::Both;
                }
            }
            b'i' => insists = true,
            _ => {
                let read = read_defaults(&option.value).ok_or(WrongUsage);
                defaults = Some(read.map_err(usage)?);
                insists = false;
            }
        }
    }
    let rest = options.rest();
    let Some((name, words)) = rest.split_first().filter(|(_, words)| !words.is_empty()) else {
        return Err(usage(WrongUsage));
    };
    let name = name.to_string_lossy();
    let users = database()?;
    let mut identity = defaults.unwrap_or_default();
    let (user, group) = match account {
        Account::Whole | Account::User => (Some(&*name), None),
        Account::Group => (None, Some(&*name)),
        Account::Both => match name.split_once(':') {
            Some((user, group)) => (
                Some(user).filter(|user| !user.is_empty()),
                Some(group).filter(|group| !group.is_empty()),
            ),
            None => (Some(&*name), None),
        },
    };
    let as_number = |text: &str| number(OsStr::new(text)).filter(|_| takes_numbers);
    if let Some(group) = group {
        match users.group(group).or_else(|| as_number(group)) {
            Some(gid) => identity.gid = gid,
            None if insists => return Err(unknown("group", group)),
            None => {}
        }
    }
    if let Some(user) = user {
        match users.user(user) {
            Some(found) => {
                identity.uid = found.uid;
                if account == Account::Whole {
                    identity.gid = found.gid;
                    identity.groups = Some(users.memberships_of(user));
                }
            }
            None => match as_number(user) {
                Some(uid) => identity.uid = uid,
                None if insists => return Err(unknown("user", user)),
                None => {}
            },
        }
    }
    let mut command = command(words);
    if account != Account::Group {
        command.set("UID", identity.uid.to_string());
    }
    if account != Account::User {
        command.set("GID", identity.gid.to_string());
    }
    if account == Account::Whole {
        let groups = identity.groups.unwrap_or_default();
        let groups: Vec<String> = groups.iter().map(u32::to_string).collect();
        command.set("GIDLIST", groups.join(","));
    }
    Ok(command.build())
}

/// `uid:gid:gidlist`, of which anything may be missing.
fn read_defaults(value: &OsStr) -> Option<Identity> {
    let text = value.to_str()?;
    let mut parts = text.splitn(3, ':');
    let mut id = || match parts.next() {
        None | Some("") => Some(0),
        Some(id) => number(OsStr::new(id)),
    };
    let (uid, gid) = (id()?, id()?);
    let groups = list(OsStr::new(parts.next().unwrap_or_default()))?;
    Some(Identity {
        uid,
        gid,
        groups: Some(groups),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_numbers_between_commas() {
        assert_eq!(list(OsStr::new("")), Some(vec![]));
        assert_eq!(list(OsStr::new("1,20")), Some(vec![1, 20]));
        assert_eq!(list(OsStr::new("1,,20,")), Some(vec![1, 20]));
        for wrong in [",", ",1", "1 2", "x", "-1", "4294967296"] {
            assert_eq!(list(OsStr::new(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn defaults_may_lack_anything() {
        let read = |text: &str| {
            read_defaults(OsStr::new(text)).map(|it| (it.uid, it.gid, it.groups.unwrap()))
        };
        assert_eq!(read("1:2:3,4"), Some((1, 2, vec![3, 4])));
        assert_eq!(read("1"), Some((1, 0, vec![])));
        assert_eq!(read(":2"), Some((0, 2, vec![])));
        assert_eq!(read("::"), Some((0, 0, vec![])));
        assert_eq!(read("x"), None);
        assert_eq!(read("1:2:x"), None);
    }

    #[test]
    fn what_is_0_is_left_as_it_is() {
        assert!(Identity::default().apply("test").is_ok());
    }
}
