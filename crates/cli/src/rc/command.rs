//! `s6-rc`: lists services, and asks the supervisor that serves a live directory to move them. What
//! moves, and in which order, is decided there; only what a dry run shows is decided here.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use sixfold_model::rc::Database;
use sixfold_model::rc::database::{FDHOLDER, ONESHOT_RUNNER, QueryError, Selection, Way, Wish};
use sixfold_protocol::paths::{RC, RC_COMPILED};

use super::live::{self, LiveError, Status};
use super::telling::{self, NAME, WARNINGS};
use super::{change, dry_run, files, reload};
use crate::complain::{self, ExitCode, FAILED, SYSTEM, USAGE, say};
use crate::options::{Options, WrongUsage, number};

const SYNOPSIS: &str = "s6-rc [ -v verbosity ] [ -n dryrunthrottle ] [ -t timeout ] [ -l live ] [ -b ] [ -E | -e ] [ -u | -d | -D ] [ -p ] [ -a ] help|list|listall|diff|start|stop|reload|change [ servicenames... ]";
/// What `help` prints.
const HELP: &str = "\
s6-rc help
s6-rc [ -l live ] [ -a ] [ -e ] [ -u | -d ] list [ servicenames... ]
s6-rc [ -l live ] [ -a ] [ -e ] [ -u | -d ] listall [ servicenames... ]
s6-rc [ -l live ] diff
s6-rc [ -l live ] [ -a ] [ -v verbosity ] [ -n dryrunthrottle ] reload [ servicenames... ]
s6-rc [ -l live ] [ -a ] [ -e ] [ -v verbosity ] [ -t timeout ] [ -n dryrunthrottle ] start|stop [ servicenames... ]
s6-rc [ -l live ] [ -a ] [ -e ] [ -u | -d | -D ] [ -p ] [ -v verbosity ] [ -t timeout ] [ -n dryrunthrottle ] change [ servicenames... ]";
/// The long names of its options.
const LONG: &[(&str, u8)] = &[
    ("verbosity", b'v'),
    ("dry-run", b'n'),
    ("timeout", b't'),
    ("livedir", b'l'),
    ("block", b'b'),
    ("with-essentials", b'E'),
    ("without-essentials", b'e'),
    ("up", b'u'),
    ("down", b'd'),
    ("all-down", b'D'),
    ("prune", b'p'),
    ("add", b'a'),
    ("no-lock", b'X'),
];

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Help,
    List,
    ListAll,
    Diff,
    Change,
    Reload,
}

/// What the command line says.
#[derive(Debug)]
pub(super) struct Order {
    action: Action,
    /// The services and bundles that are named.
    pub(super) names: Vec<String>,
    /// What is up belongs to them.
    pub(super) all: bool,
    /// Which way they go.
    pub(super) way: Way,
    /// Essential ones are moved like others.
    pub(super) essential: bool,
    /// All others go the other way.
    pub(super) prune: bool,
    /// How much is said.
    pub(super) verbosity: u32,
    /// The milliseconds that each transition takes in a dry run, if it is one.
    pub(super) dry: Option<u32>,
    /// The milliseconds that all of it may take; 0 is without limit.
    pub(super) timeout: u32,
    /// The live directory.
    pub(super) live: PathBuf,
    /// A change at work is waited for.
    pub(super) block: bool,
}

impl Order {
    /// The services that it is about, for the database.
    pub(super) fn wish(&self) -> Wish<'_> {
        Wish {
            names: &self.names,
            all: self.all,
            way: self.way,
            essential: self.essential,
            prune: self.prune,
        }
    }
}

/// The command.
pub(super) fn s6_rc(args: Vec<OsString>) -> ExitCode {
    let order = match read_order(args) {
        Ok(order) => order,
        Err(code) => return code,
    };
    let done = match order.action {
        Action::Help => {
            say(HELP);
            Ok(ExitCode::SUCCESS)
        }
        Action::List => list(&order, false),
        Action::ListAll => list(&order, true),
        Action::Diff => diff(&order),
        Action::Change if order.dry.is_some() => dry_run::simulate(&order),
        Action::Change => change::change(&order),
        Action::Reload => reload::reload(&order),
    };
    done.unwrap_or_else(|code| code)
}

fn read_order(args: Vec<OsString>) -> Result<Order, ExitCode> {
    let usage = |_: WrongUsage| complain::usage(NAME, SYNOPSIS);
    let mut options = Options::with_long(args, "v:n:t:l:bEeudDpaX", LONG);
    let mut order = Order {
        action: Action::Help,
        names: Vec::new(),
        all: false,
        way: Way::Up,
        essential: false,
        prune: false,
        verbosity: WARNINGS,
        dry: None,
        timeout: 0,
        live: PathBuf::from(RC),
        block: false,
    };
    while let Some(option) = options.next().map_err(usage)? {
        match option.letter {
            b'v' => order.verbosity = unsigned("verbosity", &option.value)?,
            b'n' => order.dry = Some(unsigned("dry-run", &option.value)?),
            b't' => order.timeout = unsigned("timeout", &option.value)?,
            b'l' => order.live = option.value.into(),
            b'b' => order.block = true,
            b'E' => order.essential = false,
            b'e' => order.essential = true,
            b'u' => order.way = Way::Up,
            b'd' => order.way = Way::Down,
            b'D' => (order.way, order.essential) = (Way::Down, true),
            b'p' => order.prune = true,
            b'a' => order.all = true,
            // Nothing here is locked by the command itself.
            _ => {}
        }
    }
    let rest = options.rest();
    let (command, names) = rest.split_first().ok_or(WrongUsage).map_err(usage)?;
    order.action = match command.to_str() {
        Some("help") => Action::Help,
        Some("list") => Action::List,
        Some("listall") => Action::ListAll,
        Some("diff") => Action::Diff,
        Some("change") => Action::Change,
        Some("start") => {
            (order.way, order.prune) = (Way::Up, false);
            Action::Change
        }
        Some("stop") => {
            (order.way, order.prune) = (Way::Down, false);
            Action::Change
        }
        Some("reload") => Action::Reload,
        _ => {
            let message = format!("unknown command: {}", command.display());
            return Err(complain::fatal(NAME, message, USAGE));
        }
    };
    let names = names.iter().map(|name| name.to_string_lossy().into_owned());
    order.names = names.collect();
    Ok(order)
}

/// The number that the value of the option `what` is.
fn unsigned(what: &str, value: &OsStr) -> Result<u32, ExitCode> {
    number(value).ok_or_else(|| {
        let message = format!("{what} must be an unsigned integer");
        complain::fatal(NAME, message, USAGE)
    })
}

/// The database that a live directory leads to.
pub(super) fn database(live: &Path) -> Result<Database, ExitCode> {
    files::read(NAME, &live.join(RC_COMPILED))
}

/// What the supervisor says of the services.
pub(super) fn status(order: &Order) -> Result<Status, ExitCode> {
    match live::status(&order.live, order.block) {
        Ok(Ok(status)) => Ok(status),
        Ok(Err(outcome)) => Err(telling::end(&outcome, &order.live)),
        Err(error) => Err(silent(&error)),
    }
}

/// Says why there is no answer.
pub(super) fn silent(error: &LiveError) -> ExitCode {
    complain::fatal(NAME, error, SYSTEM)
}

/// Says what the database has against a question.
pub(super) fn unanswered(error: &QueryError, live: &Path) -> ExitCode {
    match error {
        QueryError::Unknown { name } => {
            complain::fatal(NAME, telling::unknown(name, live), telling::UNKNOWN)
        }
        QueryError::WrongType { .. } => complain::fatal(NAME, error, SYSTEM),
    }
}

/// `list`, and `listall` if it is `deep`.
fn list(order: &Order, deep: bool) -> Result<ExitCode, ExitCode> {
    let status = status(order)?;
    let database = database(&order.live)?;
    let is_up = |name: &str| status.up.iter().any(|it| it == name);
    let listed = database.listed(&is_up, &order.wish(), deep);
    for name in listed.map_err(|error| unanswered(&error, &order.live))? {
        say(name);
    }
    Ok(ExitCode::SUCCESS)
}

/// `diff`: the longruns that are not as s6-rc left them. Its own two have no supervisors here.
fn diff(order: &Order) -> Result<ExitCode, ExitCode> {
    let status = status(order)?;
    let database = database(&order.live)?;
    let mut code = ExitCode::SUCCESS;
    for name in database.list(Selection::Longruns) {
        let has = |names: &[String]| names.iter().any(|it| it == name);
        let (up, wanted) = (has(&status.up), has(&status.wanted));
        if up != wanted && ![ONESHOT_RUNNER, FDHOLDER].contains(&name) {
            let sign = if wanted { '+' } else { '-' };
            say(format_args!("{sign}{name}"));
            code = ExitCode::from(FAILED);
        }
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(words: &str) -> Result<Order, u8> {
        let args = words.split_whitespace().map(OsString::from).collect();
        read_order(args).map_err(ExitCode::number)
    }

    #[test]
    fn commands_and_ways_are_told_apart() {
        for (words, action, way, essential, prune) in [
            ("help", Action::Help, Way::Up, false, false),
            ("list a", Action::List, Way::Up, false, false),
            ("-d listall a", Action::ListAll, Way::Down, false, false),
            ("-e diff", Action::Diff, Way::Up, true, false),
            ("-p change", Action::Change, Way::Up, false, true),
            ("-D change", Action::Change, Way::Down, true, false),
            // As in s6-rc, it is the way alone that is taken back.
            ("-Du change", Action::Change, Way::Up, true, false),
            ("-DE change", Action::Change, Way::Down, false, false),
            ("-pd start", Action::Change, Way::Up, false, false),
            ("-pe stop", Action::Change, Way::Down, true, false),
            ("reload a", Action::Reload, Way::Up, false, false),
            (
                "--all-down --prune --add change",
                Action::Change,
                Way::Down,
                true,
                true,
            ),
        ] {
            let order = order(words).unwrap();
            assert_eq!(order.action, action, "{words}");
            let found = (order.way, order.essential, order.prune);
            assert_eq!(found, (way, essential, prune), "{words}");
        }
    }

    #[test]
    fn values_and_names_are_taken() {
        let plain = order("change").unwrap();
        assert_eq!(plain.live, PathBuf::from("/run/s6-rc"));
        assert_eq!((plain.verbosity, plain.timeout, plain.dry), (1, 0, None));
        assert!(plain.names.is_empty() && !plain.all && !plain.block);
        for words in [
            "-v3 -n 20 -t500 -l /live -ab change x -y",
            "--verbosity=3 --dry-run 20 --timeout=500 --livedir /live --add --block change x -y",
            "--no-lock -v3 -n20 -t 500 -l/live -a -b -- change x -y",
        ] {
            let order = order(words).unwrap();
            assert_eq!(order.live, PathBuf::from("/live"), "{words}");
            let numbers = (order.verbosity, order.timeout, order.dry);
            assert_eq!(numbers, (3, 500, Some(20)), "{words}");
            assert!(order.all && order.block, "{words}");
            assert_eq!(order.names, ["x", "-y"], "{words}");
        }
    }

    #[test]
    fn wrong_usage_is_refused() {
        for words in [
            "",
            "-v3",
            "-x change",
            "nope",
            "-v much change",
            "-n -1 change",
            "-t 1s change",
            "-l",
            "--nope change",
            "--verbosity",
            "--up=1 change",
        ] {
            assert_eq!(order(words).err(), Some(USAGE), "{words}");
        }
    }
}
