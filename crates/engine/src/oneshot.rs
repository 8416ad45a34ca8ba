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
    /// It can never be up.
    is_broken: bool,
    /// The stop has come while the way up was still at work.
    stop_wanted: bool,
    /// The container stops: it counts as down after its way down, even one that failed.
    is_last_way_down: bool,
    /// It is to be brought up again once a way up is over that took too long.
    up_again: bool,
    is_killed: bool,
}

impl Oneshot {
    /// A oneshot that is down, and stays so until it is asked for.
    pub fn new(name: String, up: Vec<Vec<u8>>, down: Vec<Vec<u8>>, timeouts: Timeouts) -> Self {
        Self {
            name,
            up,
            down,
            timeouts,
            state: State::Down,
            is_broken: false,
            stop_wanted: false,
            is_last_way_down: false,
            up_again: false,
            is_killed: false,
        }
    }

    /// Something of that name that can never start.
    pub fn broken(name: String) -> Self {
        Self {
            state: State::Failed,
            is_broken: true,
            ..Self::new(name, Vec::new(), Vec::new(), Timeouts::default())
        }
    }

    /// Its sources say something else now. What is at work goes on.
    pub fn redefine(&mut self, up: Vec<Vec<u8>>, down: Vec<Vec<u8>>, timeouts: Timeouts) {
        self.up = up;
        self.down = down;
        self.timeouts = timeouts;
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is doing.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether it can never be up.
    pub fn is_broken(&self) -> bool {
        self.is_broken
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

    /// Whether it counts as up for s6-rc, or as down; nothing while it moves. A way down that took too
    /// long or failed leaves it up.
    pub fn rests_up(&self) -> Option<bool> {
        match &self.state {
            State::Up => Some(true),
            State::Down | State::Failed => Some(false),
            State::Running(Transition::Start, script) if script.is_late && !self.up_again => {
                Some(false)
            }
            State::Running(Transition::Stop, script) if script.is_late => Some(true),
            State::Waiting | State::Running(..) => None,
        }
    }

    /// Whether those who need it will never start.
    pub fn has_failed(&self) -> bool {
        match &self.state {
            State::Failed => true,
            State::Running(Transition::Start, script) => script.is_late && !self.up_again,
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

    /// It is to be up as soon as what it needs is.
    pub fn want_up(&mut self) {
        match &self.state {
            State::Down | State::Failed if !self.is_broken => self.state = State::Waiting,
            State::Running(Transition::Start, script) if script.is_late => self.up_again = true,
            State::Down | State::Failed | State::Waiting | State::Running(..) | State::Up => {}
        }
    }

    /// It is not to be up any more, if it was not begun yet.
    pub fn want_no_more(&mut self) {
        self.up_again = false;
        if self.state == State::Waiting {
            self.state = State::Down;
        }
    }

    /// Takes it down, to be brought up again perhaps: one whose way down fails stays up.
    pub fn take_down(&mut self, context: &mut Context<'_>) {
        if self.state == State::Up {
            self.begin(Transition::Stop, context);
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
        self.is_last_way_down = true;
        self.up_again = false;
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

    /// The supervision ends and leaves it alone, as s6-svscan knows of no oneshots: nothing is undone,
    /// and what is at work goes on without anybody waiting for it.
    pub fn abandon(&mut self) {
        self.up_again = false;
        match &mut self.state {
            State::Down | State::Failed => {}
            State::Waiting | State::Up => self.state = State::Down,
            State::Running(_, script) => script.is_late = true,
        }
    }

    /// Boot, or a change, took too long: nobody waits for it any more.
    pub fn give_up(&mut self, context: &mut Context<'_>) {
        match &self.state {
            State::Waiting => self.state = State::Failed,
            State::Running(..) => self.be_late(context),
            State::Down | State::Up | State::Failed => {}
        }
    }

    /// Whatever runs of it is killed, and nothing is started any more.
    pub fn kill(&mut self, context: &mut Context<'_>) {
        self.is_killed = true;
        self.is_last_way_down = true;
        self.up_again = false;
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
            Transition::Start if std::mem::take(&mut self.up_again) => self.state = State::Waiting,
            Transition::Start => self.state = State::Failed,
            Transition::Stop if is_success || self.is_last_way_down => self.state = State::Down,
            Transition::Stop => self.state = State::Up,
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
