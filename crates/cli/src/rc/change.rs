//! `s6-rc change`: asks for it, tells what becomes of it, and takes it back when it is told to end.

use std::os::fd::AsFd as _;

use sixfold_model::Signal;
use sixfold_model::rc::database::{Course, Way};
use sixfold_protocol::live::{Change, Reply, Request, Transition};
use sixfold_sys::poll::Deadline;
use sixfold_sys::signals::{self, SignalFd};

use super::command::{Order, database, silent, status, unanswered};
use super::live::{Heard, Live};
use super::telling::{self, DETAIL, NAME, PROGRESS, direction};
use crate::complain::{self, ExitCode, FAILED, SYSTEM, reason};

/// On these a change is taken back.
const ENDING: [i32; 2] = [15, 2];

/// Does what `order` says, and gives the exit code for it.
pub(super) fn change(order: &Order) -> Result<ExitCode, ExitCode> {
    let mut phases = phases(order)?;
    let ending = listen()?;
    let mut live = Live::connect(&order.live).map_err(|error| silent(&error))?;
    let asked = live.ask(&Request::Change(request(order)), true);
    asked.map_err(|error| silent(&error))?;
    let mut is_aborted = false;
    loop {
        let heard = live.hear(Some(ending.as_fd()), Deadline::after(None));
        match heard.map_err(|error| silent(&error))? {
            Heard::Reply(Reply::Ended { outcome }) => {
                let (message, code) = telling::verdict(&outcome, &order.live);
                if code == 0 {
                    announce(&mut phases, None);
                }
                let code = if is_aborted && code == 0 {
                    FAILED
                } else {
                    code
                };
                return Ok(match message {
                    Some(message) => complain::fatal(NAME, message, code),
                    None => ExitCode::from(code),
                });
            }
            Heard::Reply(reply) => {
                if let Reply::Begun { transition, .. } = &reply {
                    announce(&mut phases, Some(*transition));
                }
                if let Some(line) = telling::line(&reply, order.verbosity) {
                    line.print();
                }
            }
            Heard::Other => {
                if take_back(&ending, &mut live, order.verbosity)? {
                    is_aborted = true;
                }
            }
            // It is the supervisor that looks at the time.
            Heard::TimedOut => {}
        }
    }
}

/// What the supervisor is asked for.
fn request(order: &Order) -> Change {
    Change {
        names: order.names.clone(),
        all: order.all,
        down: order.way == Way::Down,
        essential: order.essential,
        prune: order.prune,
        timeout: order.timeout.into(),
        block: order.block,
    }
}

/// Listens to the signals that end a change.
fn listen() -> Result<SignalFd, ExitCode> {
    let listening = signals::block(&ENDING).and_then(|_| SignalFd::new(&ENDING));
    listening.map_err(|error| {
        let message = format!("unable to trap signals: {}", reason(&error));
        complain::fatal(NAME, message, SYSTEM)
    })
}

/// Takes the change back if there is a signal; whether there was.
fn take_back(ending: &SignalFd, live: &mut Live, verbosity: u32) -> Result<bool, ExitCode> {
    let received = ending.read().map_err(|error| {
        let message = format!("unable to read signals: {}", reason(&error));
        complain::fatal(NAME, message, SYSTEM)
    })?;
    let Some(received) = received else {
        return Ok(false);
    };
    if verbosity >= PROGRESS {
        let name = Signal::from_number(received.signal).map_or_else(
            || received.signal.to_string(),
            |signal| signal.to_string().trim_start_matches("SIG").to_owned(),
        );
        let message = format!("received {name}, aborting pending processes and exiting asap");
        complain::warn(NAME, message);
    }
    live.ask(&Request::Abort, false)
        .map_err(|error| silent(&error))?;
    Ok(true)
}

/// One of the two parts of a change: which way services go, and those that need not.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Phase {
    /// Which way services go.
    pub(super) transition: Transition,
    already: Vec<String>,
}

impl Phase {
    /// The parts of a course, in order.
    pub(super) fn all(
        order: &Order,
        course: &Course<'_>,
        is_up: &dyn Fn(&str) -> bool,
    ) -> Vec<Self> {
        let transitions: &[Transition] = match (order.way, order.prune) {
            (Way::Up, false) => &[Transition::Start],
            (Way::Down, false) => &[Transition::Stop],
            (Way::Up | Way::Down, true) => &[Transition::Stop, Transition::Start],
        };
        let phase = |transition: &Transition| {
            let already = course.already.iter();
            let already = already.filter(|name| is_up(name) == (*transition == Transition::Start));
            Self {
                transition: *transition,
                already: already.map(|name| (*name).to_owned()).collect(),
            }
        };
        transitions.iter().map(phase).collect()
    }

    /// Says that it begins.
    pub(super) fn print(&self) {
        let direction = direction(self.transition);
        let message = format!("bringing selected services {direction}");
        complain::info(NAME, message);
        for service in &self.already {
            complain::info(NAME, format_args!("service {service}: already {direction}"));
        }
    }
}

/// The parts that are to be told of, if any are: what need not move is known before only.
fn phases(order: &Order) -> Result<Vec<Phase>, ExitCode> {
    if order.verbosity < DETAIL {
        return Ok(Vec::new());
    }
    let status = status(order)?;
    let database = database(&order.live)?;
    let is_up = |name: &str| status.up.iter().any(|it| it == name);
    let course = database
        .course(&is_up, &order.wish())
        .map_err(|error| unanswered(&error, &order.live))?;
    Ok(Phase::all(order, &course, &is_up))
}

/// Says that those parts begin that come no later than the one of `transition`; all of them at the
/// end.
fn announce(phases: &mut Vec<Phase>, transition: Option<Transition>) {
    let last = match transition {
        Some(transition) => phases.iter().position(|it| it.transition == transition),
        None => phases.len().checked_sub(1),
    };
    if let Some(last) = last {
        phases.drain(..=last).for_each(|phase| phase.print());
    }
}
