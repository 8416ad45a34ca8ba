//! The watchdog of a service that promised to say at intervals that it is alive (sd_notify(3)).
//!
//! It watches from readiness on, as systemd's does, or from the first sign of life: how long a start
//! may take is the matter of `timeout-up`. It watches only while `run` is up: a service that was asked
//! to end has other deadlines, and one that was paused by order cannot say anything.

use std::time::Duration;

use sixfold_model::Signal;

use super::{KILL_INTERVAL, Life, Service, State};
use crate::context::Context;
use crate::effect::Target;
use crate::event::Event;
use crate::input::RunId;
use crate::moment::Moment;

/// What a service says to its watchdog, or of its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulse {
    /// It is alive.
    Alive,
    /// It is not, and is to be treated as if it had been silent for too long.
    Trigger,
    /// It will say that it is alive at least this often from now on; nothing is never.
    Every(Option<Duration>),
    /// It needs this much time from now on for what it is at, its start or its end.
    Extend(Duration),
}

/// What is known of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Watchdog {
    interval: Option<Duration>,
    /// When it bites; nothing while it does not watch.
    bites_at: Option<Moment>,
    /// It has bitten: how the run ends was not asked for by anybody.
    has_bitten: bool,
}

impl Watchdog {
    /// One that does not watch yet.
    pub(super) fn new(interval: Option<Duration>) -> Self {
        Self {
            interval,
            ..Self::default()
        }
    }

    /// It watches from `now` on, if there is an interval.
    pub(super) fn watch(&mut self, now: Moment) {
        self.bites_at = self.interval.map(|interval| now.after(interval));
    }

    /// Whether the run is ending because it bit.
    pub(super) fn has_bitten(&self) -> bool {
        self.has_bitten
    }

    /// The run was asked to end, whatever happened before.
    pub(super) fn forgive(&mut self) {
        self.has_bitten = false;
    }
}

impl Service {
    /// `run` said something to its watchdog, or of its time.
    pub fn pulse(&mut self, of: RunId, pulse: Pulse, context: &mut Context<'_>) {
        match (pulse, self.watched().filter(|life| life.run == of)) {
            (Pulse::Extend(wait), _) => self.extend(of, context.now.after(wait)),
            (Pulse::Alive | Pulse::Trigger | Pulse::Every(_), None) => {}
            (Pulse::Alive, Some(_)) => self.watchdog.watch(context.now),
            (Pulse::Trigger, Some(life)) => self.bite(life, None, context),
            (Pulse::Every(interval), Some(life)) => {
                self.watchdog.interval = interval;
                if life.ready || self.watchdog.bites_at.is_some() {
                    self.watchdog.watch(context.now);
                }
            }
        }
    }

    /// It was paused, or goes on, by order: what it owes is counted from now.
    pub(super) fn watch_anew(&mut self, now: Moment) {
        if self.watchdog.bites_at.is_some() {
            self.watchdog.watch(now);
        }
    }

    /// Bites, if it is time.
    pub(super) fn watchdog_timer(&mut self, context: &mut Context<'_>) {
        if self.watchdog_due().is_some_and(|due| due <= context.now)
            && let Some(life) = self.watched()
        {
            self.bite(life, self.watchdog.interval, context);
        }
    }

    /// When that is.
    pub(super) fn watchdog_due(&self) -> Option<Moment> {
        self.watched()?;
        self.watchdog.bites_at.filter(|_| !self.past.paused)
    }

    /// The run that is watched, or could be.
    fn watched(&self) -> Option<Life> {
        match self.state {
            State::Up(life) => Some(life),
            State::Claiming
            | State::Down
            | State::Waiting
            | State::Starting { .. }
            | State::Stopping { .. }
            | State::Finishing { .. }
            | State::Backoff { .. }
            | State::Failed
            | State::Broken
            | State::Left { .. } => None,
        }
    }

    /// Ends the run by a signal that leaves a core to look at, and kills it if it does not end of that
    /// (systemd). What is wanted of the service does not change. It was silent for the time of `silent`,
    /// or wanted this itself.
    fn bite(&mut self, life: Life, silent: Option<Duration>, context: &mut Context<'_>) {
        context.log(Event::ServiceWatchdog {
            service: self.spec.name.clone(),
            pid: life.pid,
            silent,
        });
        context.signal(life.run, Signal::ABRT, Target::Process);
        let patience = self.spec.timeout_kill.unwrap_or(KILL_INTERVAL);
        let kill_at = Some(context.now.after(patience));
        self.watchdog.bites_at = None;
        self.watchdog.has_bitten = true;
        self.state = State::Stopping { life, kill_at };
    }
}

#[cfg(test)]
#[path = "watchdog_tests.rs"]
mod tests;
