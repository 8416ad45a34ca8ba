//! The machine of one stage of scripts: fix-attrs.d, cont-init.d with cont-finish.d as its way
//! down, the stage-2 hook. Scripts run one at a time, in the order in which they were listed.

use std::collections::VecDeque;
use std::time::Duration;

use sixfold_model::Signal;
use sixfold_model::settings::Behaviour;

use crate::context::Context;
use crate::effect::{Effect, Target, Work};
use crate::event::Event;
use crate::input::{Exit, Listing, RunId, SpawnFailure, Step};
use crate::moment::Moment;
use crate::service::KILL_INTERVAL;

/// What a stage is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Not run, or undone.
    Down,
    /// To be run once what it depends on is up.
    Waiting,
    /// The scripts were asked for.
    Listing(Direction),
    /// A script is at work.
    Running(Direction, Script),
    /// All scripts ran.
    Up,
    /// It failed, and nothing that needs it is started.
    Failed,
}

/// Which of the two lists of a stage is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// At boot.
    Up,
    /// At the stop.
    Down,
}

/// The script at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    run: RunId,
    name: String,
    pid: Option<i32>,
    since: Moment,
    kill_at: Option<Moment>,
    /// Told to end; what comes after it is not run.
    interrupted: bool,
}

/// What became of a stage that has just ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outcome {
    /// Nothing to report: it goes on, or it ended well enough.
    #[default]
    Fine,
    /// It failed and the container has to stop with this exit code.
    Fatal(i32),
}

/// One stage.
#[derive(Debug, Clone)]
pub struct Sequence {
    up: Listing,
    down: Option<Listing>,
    state: State,
    steps: VecDeque<Step>,
    failures: Vec<i32>,
    /// A stop was asked for while the way up was still at work.
    stop_wanted: bool,
    /// Boot took too long: however the way up ends now, it did not work.
    given_up: bool,
    skip_down: bool,
    blocked: bool,
}

impl Sequence {
    /// A stage that runs what `up` lists, and at the stop what `down` lists.
    pub fn new(up: Listing, down: Option<Listing>) -> Self {
        Self {
            up,
            down,
            state: State::Waiting,
            steps: VecDeque::new(),
            failures: Vec::new(),
            stop_wanted: false,
            given_up: false,
            skip_down: false,
            blocked: false,
        }
    }

    /// What it is doing.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The stage's name, as it stands in brackets.
    pub fn name(&self) -> &'static str {
        self.up.label()
    }

    /// Whether those who depend on it may start.
    pub fn is_up(&self) -> bool {
        self.state == State::Up
    }

    /// Whether it waits for what it depends on.
    pub fn is_waiting(&self) -> bool {
        self.state == State::Waiting
    }

    /// Whether boot has to wait for it.
    pub fn is_pending(&self) -> bool {
        match self.state {
            State::Waiting | State::Listing(Direction::Up) | State::Running(Direction::Up, _) => {
                true
            }
            State::Down
            | State::Listing(Direction::Down)
            | State::Running(Direction::Down, _)
            | State::Up
            | State::Failed => false,
        }
    }

    /// Whether it was not even begun, as something that it needs has failed.
    pub fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Something that it needs has failed: it is not run.
    pub fn block(&mut self) {
        if self.state == State::Waiting {
            self.state = State::Failed;
            self.blocked = true;
        }
    }

    /// It is to be run, perhaps again, as soon as what it needs is up.
    pub fn want_up(&mut self) {
        match self.state {
            State::Down | State::Failed => {
                *self = Self::new(self.up, self.down);
            }
            State::Waiting | State::Listing(_) | State::Running(..) | State::Up => {}
        }
    }

    /// Runs the way down, though the container goes on.
    pub fn take_down(&mut self, context: &mut Context<'_>) {
        if self.state == State::Up {
            self.begin_down(context);
        }
    }

    /// Whether it counts as up for s6-rc, or as down; nothing while it is on its way.
    pub fn rests_up(&self) -> Option<bool> {
        match self.state {
            State::Up => Some(true),
            State::Down | State::Failed => Some(false),
            State::Waiting | State::Listing(_) | State::Running(..) => None,
        }
    }

    /// Whether nothing of it is left to undo.
    pub fn is_down(&self) -> bool {
        match self.state {
            State::Down | State::Failed => true,
            State::Waiting | State::Listing(_) | State::Running(..) | State::Up => false,
        }
    }

    /// What it depends on is up: run it.
    pub fn start(&mut self, context: &mut Context<'_>) {
        if self.state == State::Waiting {
            self.list(Direction::Up, self.up, context);
        }
    }

    /// Its scripts, in the order in which they run.
    pub fn listed(&mut self, steps: Vec<Step>, context: &mut Context<'_>) -> Outcome {
        let State::Listing(direction) = self.state else {
            return Outcome::Fine;
        };
        self.steps = steps.into();
        self.next(direction, context)
    }

    /// A script was started.
    pub fn spawned(&mut self, started: RunId, pid: i32, context: &mut Context<'_>) {
        let Some((direction, script)) = self.running(started) else {
            return;
        };
        if script.pid.is_some() {
            return; // Told twice.
        }
        script.pid = Some(pid);
        script.since = context.now;
        if direction == Direction::Down {
            script.kill_at = context
                .rules
                .finish_maxtime
                .map(|limit| context.now.after(limit));
        }
        if script.interrupted {
            let grace = if context.killing {
                Duration::ZERO
            } else {
                context.rules.kill_gracetime
            };
            self.interrupt(grace, context);
        }
    }

    /// A script could not be started; that counts as its exit code, 126 or 127.
    pub fn spawn_failed(
        &mut self,
        failed: RunId,
        failure: SpawnFailure,
        context: &mut Context<'_>,
    ) -> Outcome {
        self.exited(failed, Exit::Code(failure.code()), context)
    }

    /// A script ended.
    pub fn exited(&mut self, of: RunId, exit: Exit, context: &mut Context<'_>) -> Outcome {
        let Some((direction, script)) = self.running(of) else {
            return Outcome::Fine;
        };
        let script = script.clone();
        let listing = self.listing(direction);
        context.log(Event::ScriptExited {
            listing,
            name: script.name,
            pid: script.pid,
            exit,
            duration: context.now.since(script.since),
        });
        if exit != Exit::Code(0) {
            self.failures.push(exit.shell_code());
        }
        if script.interrupted {
            self.steps.clear();
        }
        self.next(direction, context)
    }

    /// The stop: run the way down. A script of the way up that is still at work is told to end,
    /// and gets `grace` for it.
    pub fn stop(&mut self, grace: Duration, context: &mut Context<'_>) {
        match self.state {
            State::Down
            | State::Failed
            | State::Listing(Direction::Down)
            | State::Running(Direction::Down, _) => {}
            // What never began has nothing to be undone.
            State::Waiting => self.state = State::Down,
            State::Up => self.begin_down(context),
            State::Listing(Direction::Up) => {
                self.stop_wanted = true;
                self.steps.clear();
            }
            State::Running(Direction::Up, Script { interrupted, .. }) => {
                self.stop_wanted = true;
                if !interrupted {
                    self.interrupt(grace, context);
                }
            }
        }
    }

    /// Boot took too long: whatever is left of the way up is given up.
    pub fn give_up(&mut self, grace: Duration, context: &mut Context<'_>) {
        match self.state {
            State::Waiting => self.state = State::Failed,
            State::Listing(Direction::Up) => self.given_up = true,
            State::Running(Direction::Up, _) => {
                self.given_up = true;
                self.interrupt(grace, context);
            }
            State::Down
            | State::Listing(Direction::Down)
            | State::Running(Direction::Down, _)
            | State::Up
            | State::Failed => {}
        }
    }

    /// Whatever runs of it is killed, and nothing is run any more.
    pub fn kill(&mut self, context: &mut Context<'_>) {
        self.skip_down = true;
        self.steps.clear();
        match &mut self.state {
            State::Down | State::Failed => {}
            State::Waiting | State::Up => self.state = State::Down,
            State::Listing(_) => self.stop_wanted = true,
            State::Running(_, script) => {
                self.stop_wanted = true;
                script.interrupted = true;
                script.kill_at = Some(context.now.after(KILL_INTERVAL));
                let run = script.run;
                context.signal(run, Signal::KILL, Target::Group);
            }
        }
    }

    /// Does what is due by now: a script that has had its time is killed.
    pub fn timer(&mut self, context: &mut Context<'_>) {
        let State::Running(direction, script) = &mut self.state else {
            return;
        };
        if script.pid.is_none() || script.kill_at.is_none_or(|at| at > context.now) {
            return;
        }
        script.kill_at = Some(context.now.after(KILL_INTERVAL));
        let (direction, run, name) = (*direction, script.run, script.name.clone());
        let listing = self.listing(direction);
        context.log(Event::ScriptInterrupted {
            listing,
            name,
            signal: Signal::KILL,
        });
        context.signal(run, Signal::KILL, Target::Group);
    }

    /// When [`Sequence::timer`] has something to do next.
    pub fn next_timeout(&self) -> Option<Moment> {
        match &self.state {
            State::Running(
                _,
                Script {
                    pid: Some(_),
                    kill_at,
                    ..
                },
            ) => *kill_at,
            State::Running(..)
            | State::Down
            | State::Waiting
            | State::Listing(_)
            | State::Up
            | State::Failed => None,
        }
    }

    fn running(&mut self, wanted: RunId) -> Option<(Direction, &mut Script)> {
        match &mut self.state {
            State::Running(direction, script) if script.run == wanted => Some((*direction, script)),
            State::Running(..)
            | State::Down
            | State::Waiting
            | State::Listing(_)
            | State::Up
            | State::Failed => None,
        }
    }

    fn listing(&self, direction: Direction) -> Listing {
        match direction {
            Direction::Up => self.up,
            Direction::Down => self.down.unwrap_or(self.up),
        }
    }

    fn list(&mut self, direction: Direction, listing: Listing, context: &mut Context<'_>) {
        self.state = State::Listing(direction);
        self.failures.clear();
        context.log(Event::StageStarted(listing));
        context.emit(Effect::List {
            node: context.node,
            listing,
        });
    }

    fn begin_down(&mut self, context: &mut Context<'_>) {
        match self.down {
            Some(listing) if !self.skip_down => self.list(Direction::Down, listing, context),
            Some(_) | None => self.state = State::Down,
        }
    }

    /// Tells the script at work to end. With no grace at all it is killed at once.
    fn interrupt(&mut self, grace: Duration, context: &mut Context<'_>) {
        let State::Running(direction, script) = &mut self.state else {
            return;
        };
        script.interrupted = true;
        if script.pid.is_none() {
            return; // It is told as soon as it is there.
        }
        let signal = if grace.is_zero() {
            Signal::KILL
        } else {
            Signal::TERM
        };
        script.kill_at = Some(context.now.after(grace));
        let (direction, run, name) = (*direction, script.run, script.name.clone());
        let listing = self.listing(direction);
        context.log(Event::ScriptInterrupted {
            listing,
            name,
            signal,
        });
        context.signal(run, signal, Target::Group);
        context.signal(run, Signal::CONT, Target::Group);
    }

    /// Starts the next script, or ends the stage.
    fn next(&mut self, direction: Direction, context: &mut Context<'_>) -> Outcome {
        let listing = self.listing(direction);
        let is_over = self.stop_wanted || self.given_up;
        if is_over && direction == Direction::Up || self.skip_down {
            self.steps.clear();
        }
        if let Some(step) = self.steps.pop_front() {
            let name = step.name.clone();
            context.log(Event::ScriptStarted {
                listing,
                name: name.clone(),
            });
            let run = context.spawn(Work::Step { listing, step });
            self.state = State::Running(
                direction,
                Script {
                    run,
                    name,
                    pid: None,
                    since: context.now,
                    kill_at: None,
                    interrupted: false,
                },
            );
            return Outcome::Fine;
        }
        match direction {
            Direction::Down => {
                context.log(Event::StageDone(listing));
                self.state = State::Down;
                Outcome::Fine
            }
            Direction::Up if self.stop_wanted => {
                self.begin_down(context);
                Outcome::Fine
            }
            Direction::Up => self.end_of_way_up(context),
        }
    }

    fn end_of_way_up(&mut self, context: &mut Context<'_>) -> Outcome {
        if self.given_up {
            self.state = State::Failed;
            return Outcome::Fine;
        }
        let fatal = context.rules.behaviour == Behaviour::Stop && !self.failures.is_empty();
        if !self.failures.is_empty() && context.rules.behaviour != Behaviour::Continue {
            context.log(Event::StageFailed {
                listing: self.up,
                failures: self.failures.len(),
                fatal,
            });
        }
        if fatal {
            self.state = State::Failed;
            // A hook's own code is the container's; the stages give 1 (s6-overlay v3, rc.init).
            let code = match (self.up, self.failures.first()) {
                (Listing::Hook, Some(code)) => *code,
                (Listing::Hook, None)
                | (Listing::FixAttrs | Listing::ContInit | Listing::ContFinish, _) => 1,
            };
            return Outcome::Fatal(code);
        }
        context.log(Event::StageDone(self.up));
        self.state = State::Up;
        Outcome::Fine
    }
}

#[cfg(test)]
#[path = "sequence_tests.rs"]
mod tests;
