//! The machine of one long-running service (s6-supervise: run, finish, restart).
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
//! earlier run is at work only changes what is wanted. `Failed` (finish exited 125) and `Broken`
//! (no run file) are left by nothing in this file.

mod state;

use std::time::Duration;

use sixfold_model::{ServiceSpec, Signal};

use crate::context::Context;
use crate::effect::{Effect, Target, Work};
use crate::event::Event;
use crate::input::{Exit, RunId};
use crate::moment::Moment;

pub use state::{State, Want};

/// Two starts of one service are at least this far apart.
pub const START_INTERVAL: Duration = Duration::from_secs(1);
/// After a failed start (no such interpreter, not executable) the next try comes this much later.
pub const SPAWN_RETRY: Duration = Duration::from_secs(10);
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
    is_logger: bool,
    /// Whether those who wait for it may go on: it was started, or ready if it announces that and
    /// `await_ready` is set. Stays set through restarts.
    reached: bool,
    await_ready: bool,
    last_start: Option<Moment>,
    quick_deaths: u32,
    failed_starts: u32,
}

impl Service {
    /// A service that is not started yet. `is_logger`: it ends by itself when its input ends.
    /// `await_ready`: those who wait for it wait for its readiness where it announces that.
    pub fn new(spec: ServiceSpec, is_logger: bool, await_ready: bool) -> Self {
        let state = if spec.has_run {
            State::Down
        } else {
            State::Broken
        };
        Self {
            spec,
            state,
            want: Want::Down,
            is_logger,
            reached: false,
            await_ready,
            last_start: None,
            quick_deaths: 0,
            failed_starts: 0,
        }
    }

    /// The service's name.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// What it is doing.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What it is meant to be.
    pub fn want(&self) -> Want {
        self.want
    }

    /// Whether nothing of it runs, nor will run without a new order.
    pub fn is_down(&self) -> bool {
        self.state.is_down()
    }

    /// Whether those who wait for it may go on.
    pub fn is_reached(&self) -> bool {
        self.reached
    }

    /// Whether those who need it start without it: a logger that does not run must not keep the
    /// service from running whose lines it would read.
    pub fn holds_nobody_up(&self) -> bool {
        self.is_logger && self.is_down()
    }

    /// Whether there is anything to wait for: it is wanted, can work, and has not got there yet.
    pub fn is_pending(&self) -> bool {
        self.want == Want::Up && !self.reached && !self.is_down()
    }

    /// Boot took too long: nobody waits for it any longer. If it was not started yet, it is not.
    pub fn give_up(&mut self) {
        self.reached = true;
        if self.state == State::Waiting {
            self.want = Want::Down;
            self.state = State::Down;
        }
    }

    /// Whether it only waits for what it depends on.
    pub fn is_waiting(&self) -> bool {
        self.state == State::Waiting
    }

    /// It is wanted from now on; it starts when [`Service::start`] is called.
    pub fn wake(&mut self) {
        match self.state {
            State::Failed | State::Broken => {}
            State::Down => {
                self.want = Want::Up;
                self.state = State::Waiting;
            }
            State::Waiting
            | State::Starting { .. }
            | State::Up { .. }
            | State::Stopping { .. }
            | State::Finishing { .. }
            | State::Backoff { .. } => self.want = Want::Up,
        }
    }

    /// What it depends on is up: start it.
    pub fn start(&mut self, context: &mut Context<'_>) {
        if self.state == State::Waiting {
            self.spawn_run(context);
        }
    }

    /// It is not wanted any longer: ask what runs to end. A logger is not signalled, it gets the
    /// end of its input instead (s6-svscan), and ends when it has read what is left.
    pub fn stop(&mut self, context: &mut Context<'_>) {
        self.want = Want::Down;
        self.reached = false;
        match self.state {
            State::Down
            | State::Starting { .. }
            | State::Stopping { .. }
            | State::Finishing { .. }
            | State::Failed
            | State::Broken => {}
            State::Waiting | State::Backoff { .. } => self.state = State::Down,
            State::Up {
                run, pid, since, ..
            } => self.ask_to_end(run, pid, since, context),
        }
        if self.is_logger {
            context.emit(Effect::CloseInput { node: context.node });
        }
    }

    /// Whatever runs of it is killed, and nothing is started any more.
    pub fn kill(&mut self, context: &mut Context<'_>) {
        self.want = Want::Down;
        self.reached = false;
        match self.state {
            State::Down | State::Failed | State::Broken | State::Starting { .. } => {}
            State::Waiting | State::Backoff { .. } => self.state = State::Down,
            State::Up {
                run, pid, since, ..
            }
            | State::Stopping {
                run, pid, since, ..
            } => {
                context.signal(run, Signal::KILL, Target::Process);
                let kill_at = Some(context.now.after(KILL_INTERVAL));
                self.state = State::Stopping {
                    run,
                    pid,
                    since,
                    kill_at,
                };
            }
            State::Finishing {
                run,
                ref mut kill_at,
                ..
            } => {
                *kill_at = Some(context.now.after(KILL_INTERVAL));
                context.signal(run, Signal::KILL, Target::Process);
            }
        }
    }

    /// `run` or `finish` was started.
    pub fn spawned(&mut self, started: RunId, pid: i32, context: &mut Context<'_>) {
        match self.state {
            State::Starting { run } if run == started => {
                self.last_start = Some(context.now);
                self.state = State::Up {
                    run,
                    pid,
                    since: context.now,
                    ready: false,
                };
                self.reached |= !self.announces();
                self.failed_starts = 0;
                context.log(Event::ServiceStarted {
                    service: self.spec.name.clone(),
                    pid,
                    repeated: self.quick_deaths >= FLAPPING,
                });
                if context.killing {
                    self.kill(context);
                } else if self.want == Want::Down {
                    self.ask_to_end(run, pid, context.now, context);
                }
            }
            State::Finishing {
                run,
                pid: ref mut known,
                ..
            } if run == started => {
                *known = Some(pid);
                if context.killing {
                    context.signal(run, Signal::KILL, Target::Process);
                }
            }
            State::Starting { .. }
            | State::Finishing { .. }
            | State::Down
            | State::Waiting
            | State::Up { .. }
            | State::Stopping { .. }
            | State::Backoff { .. }
            | State::Failed
            | State::Broken => {}
        }
    }

    /// `run` or `finish` could not be started. `run` is tried again after [`SPAWN_RETRY`]; a
    /// finish script that cannot run counts as over.
    pub fn spawn_failed(&mut self, failed: RunId, context: &mut Context<'_>) {
        match self.state {
            State::Starting { run } if run == failed => {
                if self.want == Want::Up {
                    // Only readiness is worth waiting for; boot goes on beside the tries.
                    self.reached |= !self.announces();
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
                    self.state = State::Down;
                }
            }
            State::Finishing { run, .. } if run == failed => self.settle(context),
            State::Starting { .. }
            | State::Finishing { .. }
            | State::Down
            | State::Waiting
            | State::Up { .. }
            | State::Stopping { .. }
            | State::Backoff { .. }
            | State::Failed
            | State::Broken => {}
        }
    }

    /// `run` announced its readiness.
    pub fn ready(&mut self, of: RunId, context: &mut Context<'_>) {
        match self.state {
            State::Up {
                run,
                pid,
                since,
                ref mut ready,
            } if run == of && !*ready => {
                *ready = true;
                self.reached = true;
                self.quick_deaths = 0;
                context.log(Event::ServiceReady {
                    service: self.spec.name.clone(),
                    pid,
                    duration: context.now.since(since),
                });
            }
            State::Up { .. }
            | State::Down
            | State::Waiting
            | State::Starting { .. }
            | State::Stopping { .. }
            | State::Finishing { .. }
            | State::Backoff { .. }
            | State::Failed
            | State::Broken => {}
        }
    }

    /// `run` or `finish` ended.
    pub fn exited(&mut self, of: RunId, exit: Exit, context: &mut Context<'_>) {
        match self.state {
            State::Up {
                run, pid, since, ..
            } if run == of => {
                self.run_ended(pid, since, exit, false, context);
            }
            State::Stopping {
                run, pid, since, ..
            } if run == of => {
                self.run_ended(pid, since, exit, true, context);
            }
            State::Finishing { run, pid, .. } if run == of => {
                if let Some(pid) = pid {
                    let service = self.spec.name.clone();
                    let repeated = self.quick_deaths > FLAPPING;
                    context.log(Event::FinishExited {
                        service,
                        pid,
                        exit,
                        repeated,
                    });
                }
                if exit == Exit::Code(PERMANENT_FAILURE) {
                    self.want = Want::Down;
                    self.reached = false;
                    self.state = State::Failed;
                    context.log(Event::ServiceFailed {
                        service: self.spec.name.clone(),
                    });
                } else {
                    self.settle(context);
                }
            }
            State::Up { .. }
            | State::Stopping { .. }
            | State::Finishing { .. }
            | State::Down
            | State::Waiting
            | State::Starting { .. }
            | State::Backoff { .. }
            | State::Failed
            | State::Broken => {}
        }
    }

    /// Does what is due by now.
    pub fn timer(&mut self, context: &mut Context<'_>) {
        let now = context.now;
        match self.state {
            State::Backoff { until } if until <= now => self.spawn_run(context),
            State::Stopping {
                run,
                pid,
                ref mut kill_at,
                ..
            } if is_due(*kill_at, now) => {
                *kill_at = Some(now.after(KILL_INTERVAL));
                context.signal(run, Signal::KILL, Target::Process);
                context.signal(run, Signal::CONT, Target::Process);
                context.log(Event::ServiceKilled {
                    service: self.spec.name.clone(),
                    pid,
                });
            }
            State::Finishing {
                run,
                pid: Some(_),
                ref mut kill_at,
            } if is_due(*kill_at, now) => {
                *kill_at = Some(now.after(KILL_INTERVAL));
                context.log(Event::FinishTimedOut {
                    service: self.spec.name.clone(),
                });
                context.signal(run, Signal::CONT, Target::Process);
                context.signal(run, Signal::KILL, Target::Process);
            }
            State::Backoff { .. }
            | State::Stopping { .. }
            | State::Finishing { .. }
            | State::Down
            | State::Waiting
            | State::Starting { .. }
            | State::Up { .. }
            | State::Failed
            | State::Broken => {}
        }
    }

    /// When [`Service::timer`] has something to do next.
    pub fn next_timeout(&self) -> Option<Moment> {
        match self.state {
            State::Backoff { until } => Some(until),
            State::Stopping { kill_at, .. }
            | State::Finishing {
                kill_at,
                pid: Some(_),
                ..
            } => kill_at,
            State::Finishing { pid: None, .. }
            | State::Down
            | State::Waiting
            | State::Starting { .. }
            | State::Up { .. }
            | State::Failed
            | State::Broken => None,
        }
    }

    /// Whether those who wait for it wait for an announcement.
    fn announces(&self) -> bool {
        self.await_ready && self.spec.notification_fd.is_some()
    }

    fn spawn_run(&mut self, context: &mut Context<'_>) {
        let run = context.spawn(Work::Run);
        self.state = State::Starting { run };
    }

    fn ask_to_end(&mut self, run: RunId, pid: i32, since: Moment, context: &mut Context<'_>) {
        if self.is_logger {
            self.state = State::Stopping {
                run,
                pid,
                since,
                kill_at: None,
            };
            return;
        }
        let signal = self.spec.down_signal;
        context.log(Event::ServiceStopping {
            service: self.spec.name.clone(),
            pid,
            signal,
        });
        context.signal(run, signal, Target::Process);
        context.signal(run, Signal::CONT, Target::Process);
        let kill_at = self.spec.timeout_kill.map(|wait| context.now.after(wait));
        self.state = State::Stopping {
            run,
            pid,
            since,
            kill_at,
        };
    }

    fn run_ended(
        &mut self,
        pid: i32,
        since: Moment,
        exit: Exit,
        asked: bool,
        context: &mut Context<'_>,
    ) {
        let service = self.spec.name.clone();
        let duration = context.now.since(since);
        if asked || duration >= START_INTERVAL {
            self.quick_deaths = 0;
        } else {
            self.quick_deaths = self.quick_deaths.saturating_add(1);
        }
        let deaths = self.quick_deaths;
        context.log(Event::ServiceExited {
            service: service.clone(),
            pid,
            exit,
            duration,
            asked,
            repeated: deaths > FLAPPING,
        });
        if is_worth_a_summary(deaths) {
            context.log(Event::ServiceFlapping {
                service,
                deaths,
                exit,
            });
        }
        if self.spec.has_finish && !context.killing {
            let run = context.spawn(Work::Finish { exit, pgid: pid });
            let kill_at = self.spec.timeout_finish.map(|wait| context.now.after(wait));
            self.state = State::Finishing {
                run,
                pid: None,
                kill_at,
            };
        } else {
            self.settle(context);
        }
    }

    /// Everything of the last run is over: start again, now or later, or stay down.
    fn settle(&mut self, context: &mut Context<'_>) {
        if self.want == Want::Down {
            self.state = State::Down;
            return;
        }
        let next = self
            .last_start
            .map_or(context.now, |start| start.after(START_INTERVAL));
        if next <= context.now {
            self.spawn_run(context);
        } else {
            self.state = State::Backoff { until: next };
        }
    }
}

/// The third quick death in a row is summed up, then the tenth, hundredth and so on.
fn is_worth_a_summary(deaths: u32) -> bool {
    deaths == FLAPPING || deaths >= 10 && is_power_of_ten(deaths)
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
