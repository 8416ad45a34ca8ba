//! The machine of one supervised service (s6-supervise: run, finish, restart).
//!
//! ```text
//!            start            Spawned           stop
//!   Waiting ------> Starting --------> Up ----------------> Stopping
//!      ^  Down         |                | Exited               | Exited
//!      |               | SpawnFailed    v                      v
//!   Backoff <----------+---------- Finishing <-----------------+
//!      (one start a second)             | finish over: Backoff, Starting, Down or Failed
//! ```
//!
//! What is *wanted* is kept apart from what *is*: a stop that comes while the finish script of an
//! earlier run is at work only changes what is wanted. And whether it is *supervised* is a third
//! thing: it begins in `Claiming`, and ends in `Left` once the supervisor was told to leave and
//! nothing runs any more. `Failed` (finish exited 125) and `Broken` (no run file) are left by an
//! order only.

mod command;
mod ending;
mod extension;
mod longrun;
mod standing;
mod state;
mod watchdog;

use std::time::Duration;

use sixfold_model::{ServiceSpec, Signal};

use crate::context::Context;
use crate::effect::{Effect, Target, Work};
use crate::event::Event;
use crate::input::{Exit, RunId};
use crate::moment::Moment;
use longrun::Longrun;
use standing::Past;
use watchdog::Watchdog;

pub use command::Command;
pub use standing::Standing;
pub use state::{Life, State, Want};
pub use watchdog::Pulse;

/// Two starts of one service are at least this far apart.
pub const START_INTERVAL: Duration = Duration::from_secs(1);
/// A supervisor that left is back this long after it began at the earliest (s6-svscan).
pub const CLAIM_INTERVAL: Duration = Duration::from_secs(1);
/// After a failed start (no such interpreter, not executable) the next try comes this much later.
pub const SPAWN_RETRY: Duration = Duration::from_secs(60);
/// A KILL that does not work is repeated this often (s6-supervise).
pub const KILL_INTERVAL: Duration = Duration::from_secs(5);
/// A finish script that exits with this says: do not start the service again.
pub const PERMANENT_FAILURE: i32 = 125;
/// From this many quick deaths in a row on, each is no longer worth a line of its own.
const FLAPPING: u32 = 3;

/// One service.
#[derive(Debug, Clone)]
pub struct Service {
    spec: ServiceSpec,
    state: State,
    want: Want,
    past: Past,
    /// It ends by itself when its input ends, so it is not signalled when everything stops.
    is_logger: bool,
    /// It is in the scan directory: if its supervisor leaves, it comes back.
    is_listed: bool,
    /// The supervisor leaves once nothing runs.
    is_leaving: bool,
    /// Since when it is supervised.
    claimed: Moment,
    /// Whether those who wait for it may go on: it was started, or ready if it announces that and
    /// `await_ready` is set. Stays set through restarts.
    reached: bool,
    await_ready: bool,
    last_start: Option<Moment>,
    quick_deaths: u32,
    failed_starts: u32,
    /// What watches its present run.
    watchdog: Watchdog,
    /// What it has beyond that as a longrun of s6-rc.
    longrun: Option<Longrun>,
}

impl Service {
    /// A service whose directory the daemon is asked to take charge of; the answer is
    /// [`Service::supervised`] or [`Service::refused`]. `is_logger`: it ends by itself when its
    /// input ends. `await_ready`: those who wait for it wait for its readiness where it announces
    /// that.
    pub fn new(spec: ServiceSpec, is_logger: bool, await_ready: bool) -> Self {
        let want = wanted_at_first(&spec);
        Self {
            spec,
            state: State::Claiming,
            want,
            past: Past::default(),
            is_logger,
            is_listed: true,
            is_leaving: false,
            claimed: Moment::START,
            reached: false,
            await_ready,
            last_start: None,
            quick_deaths: 0,
            failed_starts: 0,
            watchdog: Watchdog::default(),
            longrun: None,
        }
    }

    /// The service's name.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// What it is, as last read.
    pub fn spec(&self) -> &ServiceSpec {
        &self.spec
    }

    /// What it is doing.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What it is meant to be.
    pub fn want(&self) -> Want {
        self.want
    }

    /// Whether it reads what another service writes, or what all do.
    pub fn is_logger(&self) -> bool {
        self.is_logger
    }

    /// Whether nothing of it runs, nor will run without a new order.
    pub fn is_down(&self) -> bool {
        self.state.is_down()
    }

    /// Whether those who wait for it may go on.
    pub fn is_reached(&self) -> bool {
        if self.is_longrun() {
            self.is_started()
        } else {
            self.reached
        }
    }

    /// Whether those who need it start without it: a logger that does not run must not keep the
    /// service from running whose lines it would read.
    pub fn holds_nobody_up(&self) -> bool {
        self.is_logger && self.is_down()
    }

    /// Whether there is anything to wait for: it is wanted, can work, and has not got there yet.
    pub fn is_pending(&self) -> bool {
        self.want == Want::Up && !self.reached && !self.is_reached() && !self.is_down()
    }

    /// Whether it only waits for what it depends on.
    pub fn is_waiting(&self) -> bool {
        self.state == State::Waiting || self.is_to_be_told()
    }

    /// Whether its supervisor has left and it is not in the scan directory: nobody will ever ask
    /// for it again.
    pub fn is_forgotten(&self) -> bool {
        !self.is_listed && matches!(self.state, State::Left { .. })
    }

    /// Notes whether it is in the scan directory.
    pub fn list(&mut self, is_listed: bool) {
        self.is_listed = is_listed;
    }

    /// Whether it is in the scan directory.
    pub fn is_listed(&self) -> bool {
        self.is_listed
    }

    /// Its directory was read again, as s6-supervise reads its files anew each time it needs them.
    pub fn reread(&mut self, spec: ServiceSpec) {
        let name = std::mem::take(&mut self.spec.name);
        let log = self.spec.log.take();
        self.spec = ServiceSpec { name, log, ..spec };
        if self.state == State::Broken && self.spec.has_run {
            self.state = self.idle_state();
        }
    }

    /// Its directory is ours: it is supervised from now on, and started when [`Service::start`] is
    /// called, unless it is to be down.
    pub fn supervised(&mut self, spec: ServiceSpec, context: &mut Context<'_>) {
        if self.state != State::Claiming {
            return;
        }
        self.reread(spec);
        // A longrun always has a `down` file: it is s6-rc that starts it.
        if !self.is_longrun() {
            self.want = wanted_at_first(&self.spec);
        }
        self.claimed = context.now;
        self.past = Past {
            changed: context.now,
            ready_since: context.now,
            exit: None,
            paused: true,
        };
        self.state = self.idle_state();
        self.tell("s", context);
        if self.is_leaving {
            self.leave("", context);
        }
    }

    /// Its directory cannot be ours: somebody else supervises it, or the system refuses.
    pub fn refused(&mut self, context: &mut Context<'_>) {
        if self.state == State::Claiming {
            self.claimed = context.now;
            self.stand_aside(context);
        }
    }

    /// Boot took too long: nobody waits for it any longer. If it was not started yet, it is not. A
    /// longrun that is not up is taken down.
    pub fn give_up(&mut self, context: &mut Context<'_>) {
        if self.is_longrun() {
            if !self.is_reached() {
                self.be_late_up(context);
            }
            return;
        }
        self.reached = true;
        if self.state == State::Waiting {
            self.want = Want::Down;
            self.state = State::Down;
        }
    }

    /// What it depends on is up: start it.
    pub fn start(&mut self, context: &mut Context<'_>) {
        if self.state == State::Waiting {
            self.rise(context);
            self.spawn_run(context);
        } else if self.is_to_be_told() {
            self.rise_alive(context);
        }
    }

    /// `run` or `finish` was started.
    pub fn spawned(&mut self, started: RunId, pid: i32, context: &mut Context<'_>) {
        if let State::Starting { run, ending } = self.state
            && run == started
        {
            self.last_start = Some(context.now);
            let life = Life {
                run,
                pid,
                since: context.now,
                ready: false,
            };
            self.state = State::Up(life);
            self.watchdog = Watchdog::new(self.spec.watchdog);
            self.past.changed = context.now;
            self.past.paused = false;
            self.failed_starts = 0;
            context.log(Event::ServiceStarted {
                service: self.spec.name.clone(),
                pid,
                repeated: self.quick_deaths >= FLAPPING,
            });
            self.tell("u", context);
            if !self.announces() {
                self.reach(context);
            }
            if context.killing {
                self.kill(context);
            } else if ending {
                self.ask_to_end(life, context);
            }
        } else if let State::Finishing {
            run,
            pid: ref mut known @ None,
            ..
        } = self.state
            && run == started
        {
            *known = Some(pid);
            self.tell("d", context);
            if context.killing {
                context.signal(run, Signal::KILL, Target::Process);
            }
        }
    }

    /// `run` or `finish` could not be started. `run` is tried again after [`SPAWN_RETRY`]; a
    /// finish script that cannot run counts as over.
    pub fn spawn_failed(&mut self, failed: RunId, context: &mut Context<'_>) {
        if let State::Starting { run, .. } = self.state
            && run == failed
        {
            if self.want == Want::Up {
                // Only readiness is worth waiting for; boot goes on beside the tries.
                if !self.announces() {
                    self.reach(context);
                }
                self.failed_starts = self.failed_starts.saturating_add(1);
                if is_power_of_ten(self.failed_starts) {
                    context.log(Event::ServiceUnstartable {
                        service: self.spec.name.clone(),
                        tries: self.failed_starts,
                        retry: SPAWN_RETRY,
                    });
                }
                self.state = State::Backoff {
                    until: context.now.after(SPAWN_RETRY),
                };
            } else {
                self.lie_down(context);
            }
            if self.is_leaving {
                self.leave("", context);
            }
        } else if let State::Finishing { run, pid: None, .. } = self.state
            && run == failed
        {
            self.over("dD", context);
        }
    }

    /// `run` announced its readiness.
    pub fn ready(&mut self, of: RunId, context: &mut Context<'_>) {
        let (State::Up(life) | State::Stopping { life, .. }) = &mut self.state else {
            return;
        };
        if life.run != of || life.ready {
            return;
        }
        life.ready = true;
        let (pid, duration) = (life.pid, context.now.since(life.since));
        self.past.ready_since = context.now;
        self.watchdog.watch(context.now);
        self.quick_deaths = 0;
        let is_wanted = self.want == Want::Up;
        context.log(Event::ServiceReady {
            service: self.spec.name.clone(),
            pid,
            duration,
        });
        self.tell("U", context);
        if is_wanted {
            self.reach(context);
        }
    }

    /// `run` or `finish` ended.
    pub fn exited(&mut self, of: RunId, exit: Exit, context: &mut Context<'_>) {
        if let State::Up(life) = self.state
            && life.run == of
        {
            self.run_ended(life, exit, false, context);
        } else if let State::Stopping { life, .. } = self.state
            && life.run == of
        {
            let asked = !self.watchdog.has_bitten();
            self.run_ended(life, exit, asked, context);
        } else if let State::Finishing { run, pid, .. } = self.state
            && run == of
        {
            self.finish_ended(pid, exit, context);
        }
    }

    /// Does what is due by now.
    pub fn timer(&mut self, context: &mut Context<'_>) {
        self.transition_timer(context);
        self.watchdog_timer(context);
        let now = context.now;
        match self.state {
            State::Backoff { until } => {
                if until <= now {
                    self.spawn_run(context);
                }
            }
            State::Stopping {
                life,
                ref mut kill_at,
            } => {
                if is_due(*kill_at, now) {
                    *kill_at = Some(now.after(KILL_INTERVAL));
                    self.kill_late(life, context);
                }
            }
            State::Finishing {
                run,
                pid,
                ref mut kill_at,
            } => {
                if pid.is_some() && is_due(*kill_at, now) {
                    *kill_at = Some(now.after(KILL_INTERVAL));
                    self.kill_late_finish(run, context);
                }
            }
            State::Left { back_at } => {
                if is_due(back_at, now) {
                    self.state = State::Claiming;
                    self.is_leaving = false;
                    context.emit(Effect::Claim { node: context.node });
                }
            }
            State::Claiming
            | State::Down
            | State::Waiting
            | State::Starting { .. }
            | State::Up(_)
            | State::Failed
            | State::Broken => {}
        }
    }

    /// When [`Service::timer`] has something to do next.
    pub fn next_timeout(&self) -> Option<Moment> {
        let due = match self.state {
            State::Backoff { until } => Some(until),
            State::Stopping { kill_at, .. }
            | State::Finishing {
                kill_at,
                pid: Some(_),
                ..
            } => kill_at,
            State::Left { back_at } => back_at,
            State::Finishing { pid: None, .. }
            | State::Claiming
            | State::Down
            | State::Waiting
            | State::Starting { .. }
            | State::Up(_)
            | State::Failed
            | State::Broken => None,
        };
        due.into_iter()
            .chain(self.transition_due())
            .chain(self.watchdog_due())
            .min()
    }

    /// Whether those who wait for it wait for an announcement.
    fn announces(&self) -> bool {
        self.await_ready && self.spec.announces_readiness()
    }

    /// What a service is doing of which nothing runs.
    fn idle_state(&self) -> State {
        match self.want {
            Want::Up | Want::Down if !self.spec.has_run => State::Broken,
            Want::Up => State::Waiting,
            Want::Down => State::Down,
        }
    }

    fn spawn_run(&mut self, context: &mut Context<'_>) {
        let run = context.spawn(Work::Run);
        self.state = State::Starting { run, ending: false };
    }
}

/// What a service is meant to be when its supervision begins.
fn wanted_at_first(spec: &ServiceSpec) -> Want {
    if spec.down { Want::Down } else { Want::Up }
}

fn is_power_of_ten(count: u32) -> bool {
    count
        .checked_ilog10()
        .is_some_and(|digits| 10_u32.pow(digits) == count)
}

fn is_due(at: Option<Moment>, now: Moment) -> bool {
    at.is_some_and(|at| at <= now)
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
