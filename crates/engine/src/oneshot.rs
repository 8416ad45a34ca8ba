//! The machine of one oneshot of s6-rc: a command line on the way up, and one on the way down.

use std::time::Duration;

use sixfold_model::Signal;
use sixfold_model::rc::definition::Timeouts;

use crate::context::Context;
use crate::effect::{Target, Work};
use crate::event::{Event, Transition};
use crate::input::{Exit, RunId, SpawnFailure};
use crate::moment::Moment;
use crate::service::KILL_INTERVAL;

/// The exit code that stands for a command line that took too long (s6-rc: that of s6-sudoc).
pub const TIMED_OUT: i32 = 111;

/// What a oneshot is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Not up, or down again.
    Down,
    /// To be brought up once what it needs is up.
    Waiting,
    /// A command line is at work.
    Running(Transition, Script),
    /// Its way up has succeeded.
    Up,
    /// Its way up has failed, or something that it needs has.
    Failed,
}

/// The command line at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    run: RunId,
    is_started: bool,
    /// When it is told to end, and later killed.
    due: Option<Moment>,
    /// It took too long: nobody waits for it any more.
    is_late: bool,
    /// It was told to end.
    is_told: bool,
}

/// One oneshot.
#[derive(Debug, Clone)]
pub struct Oneshot {
    name: String,
    up: Vec<Vec<u8>>,
    down: Vec<Vec<u8>>,
    timeouts: Timeouts,
    state: State,
    /// The stop has come while the way up was still at work.
    stop_wanted: bool,
    is_killed: bool,
}

impl Oneshot {
    /// A oneshot that waits for its time.
    pub fn new(name: String, up: Vec<Vec<u8>>, down: Vec<Vec<u8>>, timeouts: Timeouts) -> Self {
        Self {
            name,
            up,
            down,
            timeouts,
            state: State::Waiting,
            stop_wanted: false,
            is_killed: false,
        }
    }

    /// Something of that name that can never start.
    pub fn broken(name: String) -> Self {
        Self {
            state: State::Failed,
            ..Self::new(name, Vec::new(), Vec::new(), Timeouts::default())
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is doing.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether those who need it may start.
    pub fn is_up(&self) -> bool {
        self.state == State::Up
    }

    /// Whether it waits for what it needs.
    pub fn is_waiting(&self) -> bool {
        self.state == State::Waiting
    }

    /// Whether boot has to wait for it.
    pub fn is_pending(&self) -> bool {
        match &self.state {
            State::Waiting => true,
            State::Running(Transition::Start, script) => !script.is_late,
            State::Running(Transition::Stop, _) | State::Down | State::Up | State::Failed => false,
        }
    }

    /// Whether those who need it will never start.
    pub fn has_failed(&self) -> bool {
        match &self.state {
            State::Failed => true,
            State::Running(Transition::Start, script) => script.is_late,
            State::Running(Transition::Stop, _) | State::Down | State::Waiting | State::Up => false,
        }
    }

    /// Whether what it needs may be taken down.
    pub fn is_down(&self) -> bool {
        match &self.state {
            State::Down | State::Failed => true,
            State::Running(_, script) => script.is_late,
            State::Waiting | State::Up => false,
        }
    }

    /// What it needs is up: bring it up.
    pub fn start(&mut self, context: &mut Context<'_>) {
        if self.state == State::Waiting {
            self.begin(Transition::Start, context);
        }
    }

    /// Something that it needs has failed.
    pub fn block(&mut self) {
        if self.state == State::Waiting {
            self.state = State::Failed;
        }
    }

    /// Its command line was started.
    pub fn spawned(&mut self, started: RunId, context: &mut Context<'_>) {
        let timeouts = self.timeouts;
        let is_killed = self.is_killed;
        let State::Running(transition, script) = &mut self.state else {
            return;
        };
        if script.run != started || script.is_started {
            return;
        }
        script.is_started = true;
        let limit = match transition {
            Transition::Start => timeouts.up,
            Transition::Stop => timeouts.down,
        };
        script.due = limit.map(|limit| context.now.after(limit));
        if is_killed {
            let run = script.run;
            context.signal(run, Signal::KILL, Target::Group);
        } else if script.is_told {
            script.is_told = false;
            self.tell_to_end(context.rules.kill_gracetime, context);
        }
    }

    /// Its command line could not be started, which is like its exit with 126 or 127.
    pub fn spawn_failed(
        &mut self,
        failed: RunId,
        failure: SpawnFailure,
        context: &mut Context<'_>,
    ) {
        self.exited(failed, Exit::Code(failure.code()), context);
    }

    /// Its command line ended.
    pub fn exited(&mut self, of: RunId, exit: Exit, context: &mut Context<'_>) {
        let State::Running(transition, script) = &self.state else {
            return;
        };
        if script.run != of {
            return;
        }
        let (transition, is_late) = (*transition, script.is_late);
        self.ended(transition, exit, is_late, context);
    }

    /// The stop: take it down. A way up that is still at work is told to end first.
    pub fn stop(&mut self, context: &mut Context<'_>) {
        match &self.state {
            State::Down | State::Failed | State::Running(Transition::Stop, _) => {}
            State::Waiting => self.state = State::Down,
            State::Up => self.begin(Transition::Stop, context),
            State::Running(Transition::Start, _) => {
                self.stop_wanted = true;
                self.tell_to_end(context.rules.kill_gracetime, context);
            }
        }
    }

    /// Boot took too long: nobody waits for it any more.
    pub fn give_up(&mut self, context: &mut Context<'_>) {
        match &self.state {
            State::Waiting => self.state = State::Failed,
            State::Running(Transition::Start, _) => self.be_late(context),
            State::Running(Transition::Stop, _) | State::Down | State::Up | State::Failed => {}
        }
    }

    /// Whatever runs of it is killed, and nothing is started any more.
    pub fn kill(&mut self, context: &mut Context<'_>) {
        self.is_killed = true;
        match &mut self.state {
            State::Down | State::Failed => {}
            State::Waiting | State::Up => self.state = State::Down,
            State::Running(_, script) => {
                self.stop_wanted = true;
                script.is_told = true;
                script.due = Some(context.now.after(KILL_INTERVAL));
                let run = script.run;
                context.signal(run, Signal::KILL, Target::Group);
            }
        }
    }

    /// Does what is due by now: a command line that has had its time is told to end, and then killed.
    pub fn timer(&mut self, context: &mut Context<'_>) {
        let State::Running(_, script) = &mut self.state else {
            return;
        };
        if script.due.is_none_or(|due| due > context.now) {
            return;
        }
        if script.is_told {
            script.due = Some(context.now.after(KILL_INTERVAL));
            let run = script.run;
            context.signal(run, Signal::KILL, Target::Group);
        } else {
            self.be_late(context);
        }
    }

    /// When [`Oneshot::timer`] has something to do next.
    pub fn next_timeout(&self) -> Option<Moment> {
        match &self.state {
            State::Running(_, script) => script.due,
            State::Down | State::Waiting | State::Up | State::Failed => None,
        }
    }

    fn begin(&mut self, transition: Transition, context: &mut Context<'_>) {
        let words = match transition {
            Transition::Start => &self.up,
            Transition::Stop => &self.down,
        };
        context.log(Event::RcBegun {
            service: self.name.clone(),
            transition,
        });
        if words.is_empty() || self.is_killed {
            self.ended(transition, Exit::Code(0), false, context);
            return;
        }
        let run = context.spawn(Work::Oneshot {
            service: self.name.clone(),
            words: words.clone(),
        });
        let script = Script {
            run,
            is_started: false,
            due: None,
            is_late: false,
            is_told: false,
        };
        self.state = State::Running(transition, script);
    }

    fn ended(
        &mut self,
        transition: Transition,
        exit: Exit,
        is_late: bool,
        context: &mut Context<'_>,
    ) {
        let is_success = exit == Exit::Code(0) && !is_late;
        let service = self.name.clone();
        if is_success {
            context.log(Event::RcDone {
                service,
                transition,
            });
        } else if !is_late {
            context.log(Event::RcFailed {
                service,
                transition,
                exit,
            });
        }
        match transition {
            Transition::Start if is_success && self.stop_wanted => {
                self.begin(Transition::Stop, context);
            }
            Transition::Start if is_success => self.state = State::Up,
            Transition::Start if self.stop_wanted => self.state = State::Down,
            Transition::Start => self.state = State::Failed,
            Transition::Stop => self.state = State::Down,
        }
    }

    /// It took too long. It counts as failed from now on, and is told to end.
    fn be_late(&mut self, context: &mut Context<'_>) {
        let State::Running(transition, script) = &mut self.state else {
            return;
        };
        if script.is_late {
            return;
        }
        script.is_late = true;
        let transition = *transition;
        context.log(Event::RcFailed {
            service: self.name.clone(),
            transition,
            exit: Exit::Code(TIMED_OUT),
        });
        self.tell_to_end(context.rules.kill_gracetime, context);
    }

    /// TERM and CONT, and KILL after the grace time.
    fn tell_to_end(&mut self, grace: Duration, context: &mut Context<'_>) {
        let State::Running(_, script) = &mut self.state else {
            return;
        };
        if std::mem::replace(&mut script.is_told, true) || !script.is_started {
            return; // Who is not there yet is told as soon as it is.
        }
        script.due = Some(context.now.after(grace));
        let run = script.run;
        context.signal(run, Signal::TERM, Target::Group);
        context.signal(run, Signal::CONT, Target::Group);
    }
}

#[cfg(test)]
#[path = "oneshot_tests.rs"]
mod tests;
