//! Orders to the supervisor of one service: the control bytes of s6-svc, and the signals that
//! s6-supervise listens to (s6-supervise(8), the table of states by inputs).

use sixfold_model::Signal;

use super::{Service, State, Want};
use crate::context::Context;
use crate::effect::{Effect, Target};
use crate::input::RunId;

/// An order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// `a b q h k t i 1 2 y K`: a signal to `run`.
    Signal(Signal, Target),
    /// `p P`: SIGSTOP, and it is noted as paused.
    Pause(Target),
    /// `c C`: SIGCONT, and it is no longer noted as paused.
    Continue(Target),
    /// `r`: the down signal. What is wanted does not change, so it is started again.
    Restart,
    /// `l`: the reload signal.
    Reload,
    /// `u`: wanted up; started at once if it is down.
    Up,
    /// `o`: as `u`, but not started again when it dies.
    Once,
    /// `O`: not started again when it dies.
    NotAgain,
    /// `d`: wanted down; asked to end.
    Down,
    /// `U`: as `u`, and the `down` file is removed.
    UpForGood,
    /// `D`: as `d`, and a `down` file is made.
    DownForGood,
    /// `Q`: as `O`, and a `down` file is made.
    NotAgainForGood,
    /// `x`, or SIGHUP to the supervisor: it leaves once the service is down.
    Leave,
    /// SIGTERM to the supervisor: as `d`, and it leaves then.
    Terminate,
    /// SIGQUIT to the supervisor: it leaves now, and what runs is left alone.
    Abandon,
    /// SIGINT to the supervisor: SIGINT to the process group of what runs, and it leaves now.
    Interrupt,
}

impl Service {
    /// Obeys an order. Orders to a service that nobody supervises are not heard.
    pub fn obey(&mut self, command: Command, context: &mut Context<'_>) {
        if let State::Claiming | State::Left { .. } = self.state {
            return;
        }
        match command {
            Command::Signal(signal, target) => self.signal_run(signal, target, context),
            Command::Pause(target) => self.pause(Signal::STOP, true, target, context),
            Command::Continue(target) => self.pause(Signal::CONT, false, target, context),
            Command::Restart => self.signal_run(self.spec.down_signal, Target::Process, context),
            Command::Reload => self.signal_run(self.spec.reload_signal, Target::Process, context),
            Command::Up => self.start_now(Want::Up, context),
            Command::Once => self.start_now(Want::Down, context),
            Command::NotAgain => self.set_want(Want::Down, context),
            Command::Down => self.bring_down(context),
            Command::UpForGood => {
                self.mark(false, context);
                self.start_now(Want::Up, context);
            }
            Command::DownForGood => {
                self.mark(true, context);
                self.bring_down(context);
            }
            Command::NotAgainForGood => {
                self.mark(true, context);
                self.set_want(Want::Down, context);
            }
            Command::Leave => self.leave_when_down(context),
            Command::Terminate => {
                self.bring_down(context);
                self.leave_when_down(context);
            }
            Command::Abandon => self.leave("", context),
            Command::Interrupt => {
                self.signal_group_of_anything(context);
                self.leave("", context);
            }
        }
    }

    /// The supervisor leaves as soon as nothing of the service runs.
    pub(super) fn leave_when_down(&mut self, context: &mut Context<'_>) {
        self.is_leaving = true;
        if self.state.is_idle() {
            self.leave("", context);
        }
    }

    /// Wanted down, and what runs is asked to end.
    pub(super) fn bring_down(&mut self, context: &mut Context<'_>) {
        if self.is_before_its_turn() {
            self.tell("", context);
            return;
        }
        self.want = Want::Down;
        self.reached = false;
        match self.state {
            State::Starting { ref mut ending, .. } => *ending = true,
            State::Up(life) | State::Stopping { life, .. } => self.ask_to_end(life, context),
            State::Waiting | State::Backoff { .. } => self.lie_down(context),
            State::Claiming
            | State::Down
            | State::Finishing { .. }
            | State::Failed
            | State::Broken
            | State::Left { .. } => {}
        }
        self.tell("", context);
    }

    fn set_want(&mut self, want: Want, context: &mut Context<'_>) {
        if !self.is_before_its_turn() {
            self.want = want;
            if want == Want::Down
                && let State::Waiting | State::Backoff { .. } = self.state
            {
                self.lie_down(context);
            }
        }
        self.tell("", context);
    }

    /// Starts it now if it is down, without regard to the interval between starts.
    fn start_now(&mut self, want: Want, context: &mut Context<'_>) {
        self.want = want;
        self.tell("", context);
        if self.state.is_idle() && !self.is_leaving && !context.killing {
            if self.is_before_its_turn() {
                self.rise(context);
            }
            self.spawn_run(context);
        }
    }

    pub(super) fn mark(&mut self, down: bool, context: &mut Context<'_>) {
        self.spec.down = down;
        context.emit(Effect::MarkDown {
            node: context.node,
            down,
        });
    }

    fn pause(&mut self, signal: Signal, paused: bool, target: Target, context: &mut Context<'_>) {
        if self.run_id().is_some() {
            self.signal_run(signal, target, context);
            self.past.paused = paused;
            self.watch_anew(context.now);
            self.tell("", context);
        }
    }

    fn signal_run(&self, signal: Signal, target: Target, context: &mut Context<'_>) {
        if let Some(run) = self.run_id() {
            context.signal(run, signal, target);
        }
    }

    fn signal_group_of_anything(&self, context: &mut Context<'_>) {
        let run = match self.state {
            State::Finishing { run, .. } => Some(run),
            State::Claiming
            | State::Down
            | State::Waiting
            | State::Starting { .. }
            | State::Up(_)
            | State::Stopping { .. }
            | State::Backoff { .. }
            | State::Failed
            | State::Broken
            | State::Left { .. } => self.run_id(),
        };
        if let Some(run) = run {
            context.signal(run, Signal::INT, Target::Group);
        }
    }

    /// The run of `run`, if it is alive or on its way: a signal reaches it even before it is known
    /// to be there, as the daemon obeys in order.
    fn run_id(&self) -> Option<RunId> {
        match self.state {
            State::Starting { run, .. } => Some(run),
            State::Up(life) | State::Stopping { life, .. } => Some(life.run),
            State::Claiming
            | State::Down
            | State::Waiting
            | State::Finishing { .. }
            | State::Backoff { .. }
            | State::Failed
            | State::Broken
            | State::Left { .. } => None,
        }
    }
}
