//! `s6-rc-update`: asks the supervisor of a live directory to go over to another compiled database.
//! What that stops and starts is decided there; the conversion file is read here.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use sixfold_model::rc::Database;
use sixfold_protocol::live::{Outcome, Reply, Request, Transition};
use sixfold_protocol::paths::{RC, RC_COMPILED};

use super::conversion::{self, Conversion, Mistake};
use super::init::without_slashes;
use super::live::{Live, LiveError};
use super::telling::{self, PROGRESS, TIMED_OUT, UNKNOWN, WARNINGS};
use super::{dry_run, files};
use crate::complain::{self, ExitCode, FAILED, SYSTEM, USAGE, reason, say};
use crate::options::{Options, WrongUsage, number};

pub(super) const NAME: &str = "s6-rc-update";
const SYNOPSIS: &str = "s6-rc-update [ -n ] [ -v verbosity ] [ -t timeout ] [ -l live ] [ -f conversion_file ] [ -E | -e ] [ -b ] newdb";
const LONG: &[(&str, u8)] = &[
    ("dry-run", b'n'),
    ("block", b'b'),
    ("no-force-essentials", b'E'),
    ("force-essentials", b'e'),
    ("verbosity", b'v'),
    ("timeout", b't'),
    ("livedir", b'l'),
    ("conversion-file", b'f'),
];
/// A name is that of a bundle.
const NOT_ATOMIC: u8 = 5;
/// Something is told of twice.
const TWICE: u8 = 6;
/// What is added to exit codes before the new database is in use.
const BEFORE: u8 = 8;

/// What the command line says.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    is_dry: bool,
    verbosity: u32,
    timeout: u32,
    live: PathBuf,
    conversion: PathBuf,
    essential: bool,
    block: bool,
    compiled: PathBuf,
}

/// The command.
pub(super) fn update(args: Vec<OsString>) -> ExitCode {
    let done = read_order(args).and_then(|order| carry_out(&order));
    done.unwrap_or_else(|code| code)
}

fn read_order(args: Vec<OsString>) -> Result<Order, ExitCode> {
    let usage = |_: WrongUsage| complain::usage(NAME, SYNOPSIS);
    let wrong = |message: String| complain::fatal(NAME, message, USAGE);
    let unsigned = |what: &str, value: &OsString| {
        number(value).ok_or_else(|| wrong(format!("{what} must be an unsigned integer")))
    };
    let mut options = Options::with_long(args, "nv:t:l:f:Eeb", LONG);
    let mut order = Order {
        is_dry: false,
        verbosity: WARNINGS,
        timeout: 0,
        live: PathBuf::from(RC),
        conversion: PathBuf::from("/dev/null"),
        essential: false,
        block: false,
        compiled: PathBuf::new(),
    };
    while let Some(option) = options.next().map_err(usage)? {
        match option.letter {
            b'n' => order.is_dry = true,
            b'v' => order.verbosity = unsigned("verbosity", &option.value)?,
            b't' => order.timeout = unsigned("timeout", &option.value)?,
            b'l' => order.live = option.value.into(),
            b'f' => order.conversion = option.value.into(),
            b'E' => order.essential = false,
            b'e' => order.essential = true,
            _ => order.block = true,
        }
    }
    let compiled = options.rest().into_iter().next();
    order.compiled = compiled.ok_or(WrongUsage).map_err(usage)?.into();
    for path in [&order.live, &order.compiled] {
        if !path.is_absolute() {
            return Err(wrong(format!("{} is not an absolute path", path.display())));
        }
    }
    order.live = without_slashes(&order.live);
    Ok(order)
}

/// The databases before and after.
struct Databases {
    old: Database,
    new: Database,
    /// Old names, and the new ones.
    renamed: Vec<(String, String)>,
}

impl Databases {
    /// What services of the old database are in the new one.
    fn become_of(&self, names: &[String]) -> BTreeSet<&str> {
        let new_name = |name: &String| {
            let pair = self.renamed.iter().find(|(old, _)| old == name);
            pair.map_or_else(|| name.clone(), |(_, new)| new.clone())
        };
        let names = names.iter().map(new_name);
        let becomes = names.filter_map(|name| self.new.atomics([name.as_str()]).ok());
        becomes.flatten().collect()
    }
}

fn carry_out(order: &Order) -> Result<ExitCode, ExitCode> {
    let silent = |error: LiveError| complain::fatal(NAME, error, SYSTEM);
    // Who serves it comes first: without that, there is no database that is in use.
    let mut live = Live::connect(&order.live).map_err(silent)?;
    let mut databases = Databases {
        old: files::read(NAME, &order.live.join(RC_COMPILED))?,
        new: files::read(NAME, &order.compiled)?,
        renamed: Vec::new(),
    };
    let conversion = convert(order, &databases)?;
    if order.verbosity >= PROGRESS {
        complain::info(NAME, "computing state adjustments");
    }
    databases.renamed.clone_from(&conversion.renamed);
    let request = Request::Update {
        compiled: order.compiled.clone(),
        timeout: order.timeout.into(),
        block: order.block,
        simulate: order.is_dry,
        renamed: conversion.renamed,
        restarted: conversion.restarted,
        essential: order.essential,
    };
    live.ask(&request, true).map_err(silent)?;
    let mut course = Course::default();
    for reply in live.replies() {
        let reply = reply.map_err(silent)?;
        if let Reply::Ended { outcome } = &reply {
            return Ok(end(order, &course, &databases, outcome));
        }
        course.note(&reply);
        if !order.is_dry
            && let Some(line) = telling::line(&reply, order.verbosity)
        {
            line.print();
        }
    }
    Err(silent(LiveError::Gone))
}

/// What the supervisor has said that it moves.
#[derive(Debug, Default)]
struct Course {
    stopped: Vec<String>,
    started: Vec<String>,
    /// Something could not be stopped.
    has_stuck: bool,
}

impl Course {
    fn note(&mut self, reply: &Reply) {
        match reply {
            Reply::Begun {
                service,
                transition,
            } => match transition {
                Transition::Stop => self.stopped.push(service.clone()),
                Transition::Start => self.started.push(service.clone()),
            },
            Reply::Failed { transition, .. } => {
                self.has_stuck |= *transition == Transition::Stop;
            }
            Reply::Status { .. }
            | Reply::Done { .. }
            | Reply::Kept { .. }
            | Reply::Differs { .. }
            | Reply::Said { .. }
            | Reply::Ended { .. } => {}
        }
    }

    /// The exit code of what ended with `code`: the new database comes into use between the last stop
    /// and the first start.
    fn code(&self, code: u8) -> u8 {
        let is_before = match code {
            FAILED => self.has_stuck,
            TIMED_OUT => self.started.is_empty(),
            _ => false,
        };
        if is_before { code + BEFORE } else { code }
    }
}

/// Reads the conversion file.
fn convert(order: &Order, databases: &Databases) -> Result<Conversion, ExitCode> {
    let text = fs::read(&order.conversion).map_err(|error| {
        let path = order.conversion.display();
        let message = format!("unable to open {path}: {}", reason(&error));
        complain::fatal(NAME, message, SYSTEM)
    })?;
    let found = conversion::read(&text, &databases.old, &databases.new);
    found.map_err(|mistake| {
        let (message, code) = said(&mistake, order);
        complain::fatal(NAME, message, code)
    })
}

/// What is said of a mistake in the conversion file, and the exit code for it.
fn said(mistake: &Mistake, order: &Order) -> (String, u8) {
    let live = order.live.display();
    match mistake {
        Mistake::Syntax(line) => {
            let message = format!("syntax error in conversion file: {line}");
            (message, USAGE)
        }
        Mistake::Braces(line) => {
            let message = format!("mismatched braces in conversion file: {line}");
            (message, USAGE)
        }
        Mistake::Keyword(word) => {
            let message = format!("unknown keyword in conversion file: {word}");
            (message, USAGE)
        }
        Mistake::Unknown(name) => {
            let message = format!("unknown identifier in {live}/compiled/resolve.cdb: {name}");
            (message, UNKNOWN)
        }
        Mistake::Bundle(name) => {
            let message = format!(
                "identifier {name} does not represent an atomic service in {live}/compiled"
            );
            (message, NOT_ATOMIC)
        }
        Mistake::Twice(name) => {
            let message = format!("service {name} appears more than once in conversion file");
            (message, TWICE)
        }
        Mistake::Undefined(name) => {
            let message = format!(
                "bad conversion file: new service {name} is undefined in database {}",
                order.compiled.display()
            );
            (message, files::INVALID)
        }
        Mistake::Target { new, old } => {
            let message = format!(
                "unable to convert database: new service {new} is a target for more than one conversion, including old service {old}"
            );
            (message, TWICE)
        }
    }
}

/// Says how it ended.
fn end(order: &Order, course: &Course, databases: &Databases, outcome: &Outcome) -> ExitCode {
    let (message, code) = telling::verdict(outcome, &order.live);
    if order.is_dry && code == 0 && order.verbosity > 0 {
        for line in lines(order, course, databases) {
            say(format_args!("{}: {line}", dry_run::SHOW));
        }
    }
    let code = course.code(code);
    match message {
        Some(message) => complain::fatal(NAME, message, code),
        None if code > BEFORE => {
            let message = "services could not be stopped, and the database was not switched";
            complain::fatal(NAME, message, code)
        }
        None => ExitCode::from(code),
    }
}

/// The two command lines of s6-rc that would do what the supervisor does. The second names what was
/// up before: s6-rc starts what that needs.
fn lines(order: &Order, course: &Course, databases: &Databases) -> [String; 2] {
    let Order {
        verbosity, timeout, ..
    } = order;
    let live = order.live.display();
    let down = if order.essential { "-D" } else { "-d" };
    let again = databases.become_of(&course.stopped);
    let started = course.started.iter();
    let started = started.filter(|name| again.contains(name.as_str()));
    let parts = [
        (down, course.stopped.clone(), &databases.old),
        ("-u", started.cloned().collect(), &databases.new),
    ];
    parts.map(|(way, mut names, database)| {
        // s6-rc-update names the last first.
        names.sort_by_key(|name| std::cmp::Reverse(database.number(name)));
        let begin = format!("s6-rc -v {verbosity} -t {timeout} -l {live} {way} -- change");
        let words: Vec<String> = std::iter::once(begin).chain(names).collect();
        words.join(" ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(words: &str) -> Result<Order, u8> {
        let args = words.split_whitespace().map(OsString::from).collect();
        read_order(args).map_err(ExitCode::number)
    }

    #[test]
    fn options_and_their_defaults() {
        let plain = order("/db").unwrap();
        assert_eq!(plain.live, PathBuf::from("/run/s6-rc"));
        assert_eq!(plain.conversion, PathBuf::from("/dev/null"));
        assert!(!plain.is_dry && !plain.block && !plain.essential);
        for words in [
            "-nbe -v2 -t 500 -l /live/ -f conv /db",
            "--dry-run --block --force-essentials --verbosity=2 --timeout=500 --livedir=/live --conversion-file conv /db",
        ] {
            let order = order(words).unwrap();
            assert!(order.is_dry && order.block && order.essential);
            assert_eq!((order.verbosity, order.timeout), (2, 500));
            assert_eq!(order.live, PathBuf::from("/live"));
            assert_eq!(order.conversion, PathBuf::from("conv"));
            assert_eq!(order.compiled, PathBuf::from("/db"));
        }
        for words in [
            "",
            "db",
            "-l live /db",
            "-x /db",
            "-v much /db",
            "-t 1s /db",
        ] {
            assert_eq!(order(words), Err(USAGE), "{words}");
        }
    }

    #[test]
    fn the_exit_code_tells_which_database_is_in_use() {
        let reply = |failed: bool, transition| {
            let service = "x".to_owned();
            if failed {
                Reply::Failed {
                    service,
                    transition,
                    code: Some(1),
                    signal: None,
                }
            } else {
                Reply::Begun {
                    service,
                    transition,
                }
            }
        };
        let (start, stop) = (Transition::Start, Transition::Stop);
        for (replies, failed, timed_out) in [
            (&[][..], 1, 10),
            (&[reply(false, stop)], 1, 10),
            (&[reply(false, stop), reply(true, stop)], 9, 10),
            (&[reply(false, stop), reply(false, start)], 1, 2),
            (&[reply(false, start), reply(true, start)], 1, 2),
        ] {
            let mut course = Course::default();
            replies.iter().for_each(|reply| course.note(reply));
            assert_eq!(course.code(FAILED), failed);
            assert_eq!(course.code(TIMED_OUT), timed_out);
            assert_eq!((course.code(0), course.code(SYSTEM)), (0, SYSTEM));
        }
    }
}
