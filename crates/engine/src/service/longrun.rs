//! What a longrun of s6-rc has beyond a supervised service: being brought up and taken down are
//! transitions, which have limits of time, can fail, and are told.

use sixfold_model::ServiceSpec;
use sixfold_model::rc::definition::Timeouts;

use super::{Service, State, Want};
use crate::context::Context;
use crate::event::{Event, Transition};
use crate::input::Exit;
use crate::moment::Moment;

/// The exit code that stands for a transition that took too long (s6-rc: that of s6-svlisten).
const TIMED_OUT: i32 = 99;
/// The exit code that stands for a service that will never be up (s6-rc: that of s6-svlisten).
const NEVER: i32 = 1;

/// Where a longrun is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Longrun {
    timeouts: Timeouts,
    way: Way,
    /// When the transition is late.
    due: Option<Moment>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Nobody wants it up.
    Unwanted,
    /// It is to be brought up, and was not yet.
    Before,
    /// It is on its way up.
    Starting,
    /// It is up.
    Started,
    /// It did not get up, or something that it needs has not.
    Failed,
    /// It is on its way down.
    Stopping,
    /// It is down, or so late that nobody waits for it.
    Stopped,
}

impl Service {
    /// A longrun of s6-rc. Whether it `is_wanted` up decides, whatever its `down` file says, and who
    /// needs it waits for its readiness, if it announces that.
    pub fn longrun(spec: ServiceSpec, timeouts: Timeouts, is_wanted: bool) -> Self {
        let mut service = Self::new(spec, false, true);
        let (want, way) = if is_wanted {
            (Want::Up, Way::Before)
        } else {
            (Want::Down, Way::Unwanted)
        };
        service.want = want;
        service.longrun = Some(Longrun {
            timeouts,
            way,
            due: None,
        });
        service
    }

    /// Its sources say something else now.
    pub fn redefine(&mut self, spec: ServiceSpec, timeouts: Timeouts) {
        self.reread(spec);
        if let Some(it) = &mut self.longrun {
            it.timeouts = timeouts;
        }
    }

    /// It is to be up as soon as what it needs is; it may run already, as somebody ordered.
    pub fn want_up(&mut self) {
        let Some(it) = self.longrun else {
            return;
        };
        match it.way {
            Way::Unwanted | Way::Failed => {
                self.go(Way::Before, None);
                self.reached = false;
                match self.state {
                    State::Claiming => self.want = Want::Up,
                    State::Down | State::Failed | State::Broken => {
                        self.want = Want::Up;
                        self.state = self.idle_state();
                    }
                    State::Waiting
                    | State::Starting { .. }
                    | State::Up(_)
                    | State::Stopping { .. }
                    | State::Finishing { .. }
                    | State::Backoff { .. }
                    | State::Left { .. } => {}
                }
            }
            Way::Before | Way::Starting | Way::Started | Way::Stopping | Way::Stopped => {}
        }
    }

    /// It is not to be up any more, if it was not begun yet.
    pub fn want_no_more(&mut self) {
        if self.longrun.is_some_and(|it| it.way == Way::Before) {
            self.go(Way::Unwanted, None);
            if self.state == State::Waiting {
                self.want = Want::Down;
                self.state = State::Down;
            }
        }
    }

    /// Takes it down; its supervisor stays.
    pub fn take_down(&mut self, context: &mut Context<'_>) {
        if self.is_started() {
            self.fall(context);
            self.bring_down(context);
            self.despair(context);
        }
    }

    /// Whether it counts as up for s6-rc, or as down; nothing while it moves.
    pub fn rests_up(&self) -> Option<bool> {
        match self.longrun?.way {
            Way::Started => Some(true),
            Way::Unwanted | Way::Failed | Way::Stopped => Some(false),
            Way::Before | Way::Starting => self.has_failed().then_some(false),
            Way::Stopping => None,
        }
    }

    /// A change took too long, or was taken back: `exit` is how what waits for it ended.
    pub fn give_up_change(&mut self, exit: Exit, context: &mut Context<'_>) {
        match self.longrun.map(|it| it.way) {
            Some(Way::Starting) => {
                self.fail(exit, context);
                self.bring_down(context);
            }
            Some(Way::Stopping) => self.stay_up(exit, context),
            Some(Way::Before) => self.want_no_more(),
            Some(Way::Unwanted | Way::Started | Way::Failed | Way::Stopped) | None => {}
        }
    }

    /// Whether it is a longrun of s6-rc.
    pub fn is_longrun(&self) -> bool {
        self.longrun.is_some()
    }

    /// Whether it is a longrun that is not up, and will not be.
    pub fn has_failed(&self) -> bool {
        let is_over = match self.state {
            State::Failed | State::Broken | State::Left { .. } => true,
            State::Claiming
            | State::Down
            | State::Waiting
            | State::Starting { .. }
            | State::Up(_)
            | State::Stopping { .. }
            | State::Finishing { .. }
            | State::Backoff { .. } => false,
        };
        self.longrun.is_some_and(|it| match it.way {
            Way::Failed => true,
            Way::Before | Way::Starting => is_over,
            Way::Unwanted | Way::Started | Way::Stopping | Way::Stopped => false,
        })
    }

    /// Whether nobody waits for its end any more, though it may still run.
    pub fn is_late(&self) -> bool {
        self.longrun.is_some_and(|it| it.way == Way::Stopped)
    }

    /// Something that it needs has failed: it is not started.
    pub fn block(&mut self) {
        if self.state == State::Waiting {
            self.state = State::Down;
            self.want = Want::Down;
            self.go(Way::Failed, None);
        } else if self.is_to_be_told() {
            self.go(Way::Failed, None);
        }
    }

    /// Whether it runs, or will again, before it was s6-rc's turn to bring it up.
    pub(super) fn is_to_be_told(&self) -> bool {
        let is_alive = match self.state {
            State::Starting { .. }
            | State::Up(_)
            | State::Stopping { .. }
            | State::Finishing { .. }
            | State::Backoff { .. } => true,
            State::Claiming
            | State::Down
            | State::Waiting
            | State::Failed
            | State::Broken
            | State::Left { .. } => false,
        };
        is_alive && self.longrun.is_some_and(|it| it.way == Way::Before)
    }

    /// It is brought up now, though it runs already: it is up once it is ready.
    pub(super) fn rise_alive(&mut self, context: &mut Context<'_>) {
        self.want = Want::Up;
        self.rise(context);
        self.tell("", context);
        if let State::Up(life) = self.state
            && (life.ready || !self.announces())
        {
            self.reach(context);
        }
    }

    /// Whether it is a longrun that counts as up whatever became of it since, as it does for s6-rc: who
    /// needs it may start though it died for good, or was told to be down.
    pub(super) fn is_started(&self) -> bool {
        self.longrun.is_some_and(|it| it.way == Way::Started)
    }

    /// Whether it is a longrun whose turn has not come. It will be told to be up then, so that an order
    /// to be down has no effect that lasts.
    pub(super) fn is_before_its_turn(&self) -> bool {
        self.state == State::Waiting && self.longrun.is_some_and(|it| it.way == Way::Before)
    }

    /// It is brought up now. One whose supervisor only came back has been up all the time.
    pub(super) fn rise(&mut self, context: &mut Context<'_>) {
        if let Some(it) = self.longrun
            && it.way == Way::Before
        {
            let due = it.timeouts.up.map(|limit| context.now.after(limit));
            self.go(Way::Starting, due);
            self.tell_way(Transition::Start, context);
        }
    }

    /// It has got there, perhaps for the first time.
    pub(super) fn reach(&mut self, context: &mut Context<'_>) {
        let is_first = !std::mem::replace(&mut self.reached, true);
        if is_first && self.longrun.is_some_and(|it| it.way == Way::Starting) {
            self.go(Way::Started, None);
            if self.spec.down {
                self.mark(false, context);
            }
            context.log(Event::RcDone {
                service: self.spec.name.clone(),
                transition: Transition::Start,
            });
        }
    }

    /// It is taken down now.
    pub(super) fn fall(&mut self, context: &mut Context<'_>) {
        let Some(it) = self.longrun else {
            return;
        };
        match it.way {
            Way::Starting | Way::Started => {
                let due = it.timeouts.down.map(|limit| context.now.after(limit));
                self.go(Way::Stopping, due);
                self.tell_way(Transition::Stop, context);
            }
            Way::Unwanted | Way::Before | Way::Failed | Way::Stopping | Way::Stopped => {}
        }
    }

    /// Its supervisor leaves: it is down.
    pub(super) fn land(&mut self, context: &mut Context<'_>) {
        let Some(it) = self.longrun else {
            return;
        };
        match it.way {
            Way::Stopping => {
                self.go(Way::Stopped, None);
                context.log(Event::RcDone {
                    service: self.spec.name.clone(),
                    transition: Transition::Stop,
                });
            }
            Way::Starting => self.fail(Exit::Code(NEVER), context),
            Way::Unwanted | Way::Before | Way::Started | Way::Failed | Way::Stopped => {}
        }
    }

    /// Nothing of it runs, nor will without a new order.
    pub(super) fn lie_down(&mut self, context: &mut Context<'_>) {
        self.state = State::Down;
        self.despair(context);
    }

    /// It is down, or will never be up: its finish script said so, or it was told to be down on its
    /// way. Nobody may wait for it any more: boot would never end.
    pub(super) fn despair(&mut self, context: &mut Context<'_>) {
        match self.longrun.map(|it| it.way) {
            Some(Way::Starting) => self.fail(Exit::Code(NEVER), context),
            Some(Way::Stopping) if self.state.is_down() => {
                self.go(Way::Unwanted, None);
                self.mark(true, context);
                context.log(Event::RcDone {
                    service: self.spec.name.clone(),
                    transition: Transition::Stop,
                });
            }
            Some(
                Way::Unwanted
                | Way::Before
                | Way::Started
                | Way::Failed
                | Way::Stopping
                | Way::Stopped,
            )
            | None => {}
        }
    }

    /// Boot took too long, or `timeout-up` is over: it is brought down again.
    pub(super) fn be_late_up(&mut self, context: &mut Context<'_>) {
        if self.longrun.is_some_and(|it| it.way == Way::Starting) {
            self.fail(Exit::Code(TIMED_OUT), context);
            self.bring_down(context);
        } else {
            self.block();
        }
    }

    /// What is due by now of the transition.
    pub(super) fn transition_timer(&mut self, context: &mut Context<'_>) {
        let Some(it) = self.longrun else {
            return;
        };
        if it.due.is_none_or(|due| due > context.now) {
            return;
        }
        match it.way {
            Way::Starting => self.be_late_up(context),
            Way::Stopping => self.stay_up(Exit::Code(TIMED_OUT), context),
            Way::Unwanted | Way::Before | Way::Started | Way::Failed | Way::Stopped => {
                self.go(it.way, None);
            }
        }
    }

    /// When that has something to do next.
    pub(super) fn transition_due(&self) -> Option<Moment> {
        self.longrun.and_then(|it| it.due)
    }

    /// The same, to be moved; none, if it is no longrun.
    pub(super) fn transition_due_mut(&mut self) -> Option<&mut Option<Moment>> {
        self.longrun.as_mut().map(|it| &mut it.due)
    }

    fn fail(&mut self, exit: Exit, context: &mut Context<'_>) {
        self.go(Way::Failed, None);
        if !self.spec.down && !self.is_leaving {
            self.mark(true, context);
        }
        context.log(Event::RcFailed {
            service: self.spec.name.clone(),
            transition: Transition::Start,
            exit,
        });
    }

    /// It was to be taken down, and does not go: for s6-rc it is still up, unless everything stops and
    /// nobody will ask again.
    fn stay_up(&mut self, exit: Exit, context: &mut Context<'_>) {
        let way = if self.is_leaving {
            Way::Stopped
        } else {
            Way::Started
        };
        self.go(way, None);
        context.log(Event::RcFailed {
            service: self.spec.name.clone(),
            transition: Transition::Stop,
            exit,
        });
    }

    fn tell_way(&self, transition: Transition, context: &mut Context<'_>) {
        context.log(Event::RcBegun {
            service: self.spec.name.clone(),
            transition,
        });
    }

    fn go(&mut self, way: Way, due: Option<Moment>) {
        if let Some(it) = &mut self.longrun {
            it.way = way;
            it.due = due;
        }
    }
}
