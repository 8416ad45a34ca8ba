//! Dry runs: `s6-rc -n`, which shows the command lines by which s6-rc would move services, and
//! `s6-rc-dryrun`, which shows the one that it is given.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use sixfold_model::rc::Database;
use sixfold_model::rc::database::{FDHOLDER, ONESHOT_RUNNER, Type, Way};
use sixfold_protocol::live::{Outcome, Transition};
use sixfold_sys::poll::{self, Deadline};

use super::change::Phase;
use super::command::{Order, database, status, unanswered};
use super::telling::{self, DETAIL, NAME, PROGRESS, WARNINGS};
use crate::complain::{self, ExitCode, say};
use crate::options::{Options, WrongUsage, number};

/// The command that shows its arguments.
pub(super) const SHOW: &str = "s6-rc-dryrun";
const SYNOPSIS: &str = "s6-rc-dryrun [ -v verbosity ] [ -t timeout ] args...";
/// How long it takes unless something else is asked for, in milliseconds.
const USUAL: u32 = 1000;
/// From here on the program that runs oneshots is asked to tell what it does.
const VERBOSE: u32 = 4;

/// `s6-rc-dryrun`: prints its arguments, unless the verbosity is 0, and waits.
pub(super) fn show(args: Vec<OsString>) -> ExitCode {
    let Ok((verbosity, wait, words)) = read_show(args) else {
        return complain::usage(SHOW, SYNOPSIS);
    };
    if verbosity > 0 {
        let mut line = Vec::from(SHOW);
        line.push(b':');
        for word in &words {
            line.push(b' ');
            line.extend(word.as_encoded_bytes());
        }
        line.push(b'\n');
        // A reader that went away is no reason to fail.
        let _ = std::io::stdout().write_all(&line);
    }
    pass(wait);
    ExitCode::SUCCESS
}

fn read_show(args: Vec<OsString>) -> Result<(u32, u32, Vec<OsString>), WrongUsage> {
    let mut options = Options::new(args, "v:t:");
    let (mut verbosity, mut wait) = (WARNINGS, USUAL);
    while let Some(option) = options.next()? {
        let value = number(&option.value).ok_or(WrongUsage)?;
        match option.letter {
            b'v' => verbosity = value,
            _ => wait = value,
        }
    }
    let words = options.rest();
    if words.is_empty() {
        return Err(WrongUsage);
    }
    Ok((verbosity, wait, words))
}

/// Lets some milliseconds pass.
fn pass(milliseconds: u32) {
    let deadline = Deadline::after(Some(Duration::from_millis(milliseconds.into())));
    // Nothing is waited for that could fail.
    let _ = poll::wait_readable(&[], deadline);
}

/// `s6-rc -n`: shows what `order` would do to what is up. Services that s6-rc would move at the same
/// time take the same time here.
pub(super) fn simulate(order: &Order) -> Result<ExitCode, ExitCode> {
    let status = status(order)?;
    let database = database(&order.live)?;
    let is_up = |name: &str| status.up.iter().any(|it| it == name);
    let course = database
        .course(&is_up, &order.wish())
        .map_err(|error| unanswered(&error, &order.live))?;
    let limit = Some(Duration::from_millis(order.timeout.into())).filter(|it| !it.is_zero());
    let run = Run {
        order,
        database: &database,
        deadline: Deadline::after(limit),
    };
    for phase in Phase::all(order, &course, &is_up) {
        if order.verbosity >= DETAIL {
            phase.print();
        }
        let names = match phase.transition {
            Transition::Start => &course.start,
            Transition::Stop => &course.stop,
        };
        for wave in waves(&database, names, phase.transition) {
            run.wave(&wave, phase.transition)?;
        }
        if phase.transition == Transition::Stop && order.verbosity >= WARNINGS {
            for service in &course.kept {
                complain::warn(NAME, telling::kept(service));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The services in the order in which s6-rc would come to them if all took the same time, in groups
/// that it would move at once.
fn waves<'a>(database: &Database, names: &[&'a str], transition: Transition) -> Vec<Vec<&'a str>> {
    let way = match transition {
        Transition::Start => Way::Up,
        Transition::Stop => Way::Down,
    };
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut waves: Vec<Vec<&str>> = Vec::new();
    for name in names {
        let before = database.dependencies([*name], way).unwrap_or_default();
        let before = before.iter().filter_map(|it| places.get(it).copied());
        let place = before.max().map_or(0, |place| place + 1);
        places.insert(name, place);
        match waves.get_mut(place) {
            Some(wave) => wave.push(name),
            None => waves.push(vec![name]),
        }
    }
    waves
}

/// A simulation.
struct Run<'a> {
    order: &'a Order,
    database: &'a Database,
    deadline: Deadline,
}

impl Run<'_> {
    /// Shows that these services move at the same time.
    fn wave(&self, names: &[&str], transition: Transition) -> Result<(), ExitCode> {
        let order = self.order;
        for name in names {
            if order.verbosity >= PROGRESS {
                let during = telling::during(transition);
                complain::info(NAME, format_args!("service {name}: {during}"));
            }
            if order.verbosity > 0 {
                let line = self.line(name, transition);
                say(format_args!("{SHOW}: {line}"));
            }
        }
        let wait = order.dry.unwrap_or_default();
        let left = self.deadline.left();
        if left.is_some_and(|left| left <= Duration::from_millis(wait.into())) {
            let left = left.map_or(0, |left| left.as_millis());
            pass(u32::try_from(left).unwrap_or(wait));
            return Err(telling::end(&Outcome::TimedOut, &order.live));
        }
        pass(wait);
        if order.verbosity >= PROGRESS {
            for name in names {
                let succeeded = telling::succeeded(name, transition);
                complain::info(NAME, format_args!("simulation: {succeeded}"));
            }
        }
        Ok(())
    }

    /// The command line by which s6-rc moves a service.
    fn line(&self, name: &str, transition: Transition) -> String {
        let (way, limit) = match transition {
            Transition::Start => (Way::Up, self.limit(name, Way::Up)),
            Transition::Stop => (Way::Down, self.limit(name, Way::Down)),
        };
        let dirs = self.order.live.join("servicedirs");
        if self.database.type_of(name) == Ok(Type::Oneshot) {
            let socket = dirs.join(ONESHOT_RUNNER).join("s");
            let verbose = if self.order.verbosity >= VERBOSE {
                "v"
            } else {
                ""
            };
            let direction = telling::direction(transition);
            let number = self.database.number(name).unwrap_or_default();
            return format!(
                "s6-sudo -{verbose}el0 -t 30000 -T {limit} -- {} {direction} {number}  # {name}",
                socket.display()
            );
        }
        let dir = dirs.join(name);
        let letters = match way {
            Way::Up if announces_readiness(name, &dir) => "-uwU",
            Way::Up => "-uwu",
            Way::Down => "-dwD",
        };
        format!("s6-svc {letters} -T {limit} -- {}", dir.display())
    }

    /// How many milliseconds a service has: those of its own, but no more than all have together; 0
    /// is without limit.
    fn limit(&self, name: &str, way: Way) -> u64 {
        let own = self.database.timeout(name, way).unwrap_or_default();
        let left = self.deadline.left().map(|left| {
            // Rounded up: what was given has hardly begun to pass.
            let left = left.as_micros().div_ceil(1000);
            u64::try_from(left).unwrap_or(u64::MAX).max(1)
        });
        match (own, left) {
            (0, left) => left.unwrap_or_default(),
            (own, left) => left.map_or(own, |left| left.min(own)),
        }
    }
}

/// Whether a service says by itself when it is ready. Those of s6-rc's own do.
fn announces_readiness(name: &str, dir: &Path) -> bool {
    [ONESHOT_RUNNER, FDHOLDER].contains(&name) || dir.join("notification-fd").exists()
}
