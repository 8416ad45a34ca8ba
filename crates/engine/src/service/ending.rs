//! The end of a run and of a supervision: asking, killing, what follows a death, and leaving.

use sixfold_model::Signal;

use super::{
    CLAIM_INTERVAL, FLAPPING, KILL_INTERVAL, Life, PERMANENT_FAILURE, START_INTERVAL, Service,
    State, Want, is_power_of_ten,
};
use crate::context::Context;
use crate::effect::{Effect, Target, Work};
use crate::event::Event;
use crate::input::{Exit, RunId};

impl Service {
    /// It is not to come back: the supervisor brings it down and leaves. A logger is not signalled
    /// unless `signal_loggers` is set: it gets the end of its input, and ends when it has read what
    /// is left (s6-svscan).
    pub fn stop(&mut self, signal_loggers: bool, context: &mut Context<'_>) {
        self.is_listed = false;
        self.fall(context);
        self.reached = false;
        if let State::Left { ref mut back_at } = self.state {
            *back_at = None;
        } else if self.is_logger && !signal_loggers {
            self.want = Want::Down;
        } else if self.state != State::Claiming {
            self.bring_down(context);
        }
        if self.is_logger {
            context.emit(Effect::CloseInput { node: context.node });
        }
        match self.state {
            State::Left { .. } => {}
            State::Claiming => self.is_leaving = true,
            State::Down
            | State::Waiting
            | State::Starting { .. }
            | State::Up(_)
            | State::Stopping { .. }
            | State::Finishing { .. }
            | State::Backoff { .. }
            | State::Failed
            | State::Broken => self.leave_when_down(context),
        }
    }

    /// Whatever runs of it is killed, and nothing is started any more.
    pub fn kill(&mut self, context: &mut Context<'_>) {
        self.want = Want::Down;
        self.reached = false;
        self.is_listed = false;
        let again_at = Some(context.now.after(KILL_INTERVAL));
        match self.state {
            State::Claiming
            | State::Down
            | State::Failed
            | State::Broken
            | State::Starting { .. } => {}
            State::Left { ref mut back_at } => *back_at = None,
            State::Waiting | State::Backoff { .. } => self.state = State::Down,
            State::Up(life) | State::Stopping { life, .. } => {
                context.signal(life.run, Signal::KILL, Target::Process);
                let kill_at = again_at;
                self.state = State::Stopping { life, kill_at };
            }
            State::Finishing {
                run,
                ref mut kill_at,
                ..
            } => {
                *kill_at = again_at;
                context.signal(run, Signal::KILL, Target::Process);
            }
        }
    }

    pub(super) fn ask_to_end(&mut self, life: Life, context: &mut Context<'_>) {
        let signal = self.spec.down_signal;
        self.watchdog.forgive();
        context.log(Event::ServiceStopping {
            service: self.spec.name.clone(),
            pid: life.pid,
            signal,
        });
        context.signal(life.run, signal, Target::Process);
        context.signal(life.run, Signal::CONT, Target::Process);
        self.past.paused = false;
        let kill_at = self.spec.timeout_kill.map(|wait| context.now.after(wait));
        self.state = State::Stopping { life, kill_at };
    }

    pub(super) fn run_ended(
        &mut self,
        life: Life,
        exit: Exit,
        asked: bool,
        context: &mut Context<'_>,
    ) {
        let service = self.spec.name.clone();
        let duration = context.now.since(life.since);
        let asked = asked || self.is_leaving;
        if asked || duration >= START_INTERVAL {
            self.quick_deaths = 0;
        } else {
            self.quick_deaths = self.quick_deaths.saturating_add(1);
        }
        let deaths = self.quick_deaths;
        context.log(Event::ServiceExited {
            service: service.clone(),
            pid: life.pid,
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
        self.past.changed = context.now;
        self.past.exit = Some(exit);
        self.past.paused = false;
        context.emit(Effect::RecordDeath {
            node: context.node,
            exit,
            most: self.spec.max_death_tally,
        });
        if self.spec.has_finish && !context.killing {
            let pgid = life.pid;
            let run = context.spawn(Work::Finish { exit, pgid });
            let kill_at = self.spec.timeout_finish.map(|wait| context.now.after(wait));
            self.state = State::Finishing {
                run,
                pid: None,
                kill_at,
            };
        } else {
            self.over("dD", context);
        }
    }

    /// `finish` ended; `pid` is the one it had, if that became known.
    pub(super) fn finish_ended(&mut self, pid: Option<i32>, exit: Exit, context: &mut Context<'_>) {
        match pid {
            Some(pid) => context.log(Event::FinishExited {
                service: self.spec.name.clone(),
                pid,
                exit,
                repeated: self.quick_deaths > FLAPPING,
            }),
            None => self.tell("d", context),
        }
        if exit == Exit::Code(PERMANENT_FAILURE) {
            self.want = Want::Down;
            self.reached = false;
            context.log(Event::ServiceFailed {
                service: self.spec.name.clone(),
            });
            self.despair(context);
            self.over("OD", context);
        } else {
            self.over("D", context);
        }
    }

    /// `run` did not end within `timeout-kill`.
    pub(super) fn kill_late(&self, life: Life, context: &mut Context<'_>) {
        let target = if self.spec.kills_group {
            Target::Group
        } else {
            Target::Process
        };
        context.signal(life.run, Signal::KILL, target);
        context.signal(life.run, Signal::CONT, target);
        context.log(Event::ServiceKilled {
            service: self.spec.name.clone(),
            pid: life.pid,
        });
    }

    /// `finish` did not end within `timeout-finish`.
    pub(super) fn kill_late_finish(&self, run: RunId, context: &mut Context<'_>) {
        context.log(Event::FinishTimedOut {
            service: self.spec.name.clone(),
        });
        context.signal(run, Signal::CONT, Target::Process);
        context.signal(run, Signal::KILL, Target::Process);
    }

    /// Everything of the last run is over: start again, now or later, or stay down; or leave.
    /// `letters` tell it.
    pub(super) fn over(&mut self, letters: &'static str, context: &mut Context<'_>) {
        self.past.ready_since = context.now;
        self.state = if letters.starts_with('O') {
            State::Failed
        } else {
            State::Down
        };
        if self.is_leaving {
            self.leave(letters, context);
            return;
        }
        self.tell(letters, context);
        if self.want == Want::Down || context.killing {
            self.despair(context);
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

    /// The supervisor leaves now, whatever runs. `letters` tell what happened just before.
    pub(super) fn leave(&mut self, letters: &'static str, context: &mut Context<'_>) {
        context.emit(Effect::Leave {
            node: context.node,
            standing: self.standing(),
            letters,
        });
        self.land(context);
        self.stand_aside(context);
    }

    pub(super) fn stand_aside(&mut self, context: &Context<'_>) {
        let earliest = self.claimed.after(CLAIM_INTERVAL).max(context.now);
        self.state = State::Left {
            back_at: self.is_listed.then_some(earliest),
        };
    }
}

/// The third quick death in a row is summed up, then the tenth, hundredth and so on.
fn is_worth_a_summary(deaths: u32) -> bool {
    deaths == FLAPPING || deaths >= 10 && is_power_of_ten(deaths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_of_quick_deaths_get_rarer() {
        let worth: Vec<u32> = (0..=10_000).filter(|n| is_worth_a_summary(*n)).collect();
        assert_eq!(worth, [3, 10, 100, 1000, 10_000]);
        assert!(!is_worth_a_summary(u32::MAX));
    }
}
