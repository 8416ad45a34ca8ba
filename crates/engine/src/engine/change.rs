//! A change of what is up among the services of s6-rc (s6-rc(1), change): some are taken down, each
//! after everything that needs it; between that and the rest, the services themselves may be defined
//! anew; then some are brought up, each after everything it needs. What fails keeps from moving only
//! what depends on it.
//!
//! There is one change at a time, and none while the container boots or stops: those are changes of
//! everything, and hold the same lock in s6-rc.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Engine;
use crate::effect::{ChangeOutcome, Effect};
use crate::event::{Event, Transition};
use crate::graph::Kind;
use crate::input::{Exit, NodeId};
use crate::moment::Moment;
use crate::shutdown::Phase;

/// The exit code that stands for a transition that the change's own limit has cut off (s6-rc).
const TIMED_OUT: Exit = Exit::Code(99);
/// How the program ends that waits for a service in s6-rc when the change is taken back.
const ABORTED: Exit = Exit::Signal(15);

/// How a stage of boot ends that did not get where it should.
const STAGE_FAILED: Exit = Exit::Code(1);

/// What is said of a stage of boot.
#[derive(Debug, Clone, Copy)]
enum Told {
    Begun,
    Done,
    Failed,
}

/// A change at work.
#[derive(Debug)]
pub(super) struct Change {
    /// Which way its members go now.
    way: Transition,
    members: BTreeMap<NodeId, Step>,
    /// What is brought up in the end.
    start: Vec<String>,
    /// The services are defined anew before that.
    redefines: bool,
    /// The daemon was asked for what they are now.
    is_asked: bool,
    has_failed: bool,
    is_aborted: bool,
    until: Option<Moment>,
}

/// How far a member of a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Its turn has not come.
    Waiting,
    /// It was told, and moves.
    Moving,
    /// It is where it should be.
    Done,
    /// It is not, nor will it be.
    Failed,
}

impl Change {
    /// When the change is cut off.
    pub(super) fn next_timeout(&self) -> Option<Moment> {
        self.until
    }

    fn is_over(&self) -> bool {
        let is_at_rest = |step: &Step| match step {
            Step::Done | Step::Failed => true,
            Step::Waiting | Step::Moving => false,
        };
        self.members.values().all(is_at_rest)
    }

    fn set(&mut self, id: NodeId, step: Step) {
        self.has_failed |= step == Step::Failed;
        self.members.insert(id, step);
    }

    fn waiting(&self) -> Vec<NodeId> {
        let waiting = self
            .members
            .iter()
            .filter(|(_, step)| **step == Step::Waiting);
        waiting.map(|(id, _)| *id).collect()
    }
}

impl Engine {
    /// Whether a change may begin now.
    pub fn may_change(&self) -> bool {
        self.phase == Phase::Running && self.change.is_none()
    }

    /// The services of s6-rc that count as up, in no order. The stages of boot are among them under
    /// the names that s6-overlay gives them.
    pub fn up(&self) -> impl Iterator<Item = &str> {
        let names = self.known.names();
        names
            .filter(|(_, id)| self.rests_up(*id) == Some(true) || self.is_stopping(*id))
            .map(|(name, _)| name)
    }

    /// The longruns of s6-rc that their supervisors want up.
    pub fn wanted(&self) -> impl Iterator<Item = &str> {
        let services = self.graph.services();
        services
            .filter(|service| service.is_longrun() && service.standing().wanted_up)
            .map(|service| service.name())
    }

    /// What of s6-rc could not be brought up, whether for its own sake or for what it needs.
    pub fn failed(&self) -> impl Iterator<Item = &str> {
        let has_failed = |id: NodeId| self.graph.get(id).is_some_and(|it| it.kind.has_failed());
        let names = self.known.names();
        names
            .filter(move |(_, id)| has_failed(*id))
            .map(|(name, _)| name)
    }

    /// Begins a change.
    pub(super) fn change(
        &mut self,
        now: Moment,
        stop: &[String],
        start: Vec<String>,
        redefines: bool,
        timeout: Option<Duration>,
    ) {
        if !self.may_change() {
            return;
        }
        let members = self.known.nodes(stop);
        self.change = Some(Change {
            way: Transition::Stop,
            members: members.map(|id| (id, Step::Waiting)).collect(),
            start,
            redefines,
            is_asked: false,
            has_failed: false,
            is_aborted: false,
            until: timeout.map(|timeout| now.after(timeout)),
        });
    }

    /// Whoever asked for the change takes it back: nothing more is begun, longruns on their way are not
    /// waited for, oneshots are (s6-rc).
    pub(super) fn abort_change(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let Some(change) = &mut self.change else {
            return;
        };
        change.is_aborted = true;
        change.has_failed = true;
        let members: Vec<NodeId> = change.members.keys().copied().collect();
        for id in change.waiting() {
            change.set(id, Step::Failed);
        }
        for id in members {
            self.with(id, now, effects, |kind, context| {
                kind.want_no_more();
                if let Kind::Service(service) = kind {
                    service.give_up_change(ABORTED, context);
                }
            });
        }
    }

    /// The container stops, and takes the change with it.
    pub(super) fn drop_change(&mut self, effects: &mut Vec<Effect>) {
        if self.change.take().is_some() {
            effects.push(Effect::ChangeEnded(ChangeOutcome::Failed));
        }
    }

    /// The change has taken as long as it may.
    pub(super) fn cut_change(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let is_due = |change: &Change| change.until.is_some_and(|until| until <= now);
        let Some(change) = self.change.take_if(|change| is_due(change)) else {
            return;
        };
        // First: what follows is not told to who asked, as in s6-rc, which is gone by then.
        effects.push(Effect::ChangeEnded(ChangeOutcome::TimedOut));
        for (id, step) in change.members {
            let is_moving = step == Step::Moving;
            self.with(id, now, effects, |kind, context| match kind {
                Kind::Service(service) => service.give_up_change(TIMED_OUT, context),
                Kind::Oneshot(oneshot) if is_moving && !oneshot.is_waiting() => {
                    oneshot.give_up(context);
                }
                Kind::Oneshot(_) | Kind::Sequence(_) | Kind::Gate(_) | Kind::Cmd(_) => {
                    kind.want_no_more();
                }
            });
        }
    }

    /// Lets the change go on as far as it can now. Whether it has moved anything.
    pub(super) fn carry_on_change(&mut self, now: Moment, effects: &mut Vec<Effect>) -> bool {
        let Some(mut change) = self.change.take() else {
            return false;
        };
        let before = change.members.clone();
        if change.way == Transition::Stop {
            self.take_some_down(&mut change, now, effects);
        }
        self.look_at_members(&mut change, effects);
        let is_news = change.members != before;
        if !change.is_over() {
            self.change = Some(change);
            return is_news;
        }
        if change.way == Transition::Stop && !change.is_aborted {
            if change.redefines && !change.has_failed {
                if !std::mem::replace(&mut change.is_asked, true) {
                    effects.push(Effect::Redefine);
                }
                self.change = Some(change);
                return is_news;
            }
            change.start = self.way_up(&change);
            if !change.start.is_empty() {
                self.bring_up(change);
                return true;
            }
        }
        effects.push(Effect::ChangeEnded(if change.has_failed {
            ChangeOutcome::Failed
        } else {
            ChangeOutcome::Done
        }));
        is_news
    }

    /// The services were defined anew: the change goes on with those.
    pub(super) fn go_on_redefined(&mut self) {
        if let Some(mut change) = self.change.take_if(|change| change.is_asked) {
            change.is_asked = false;
            self.bring_up(change);
        }
    }

    /// Whether the services are to be defined anew now.
    pub(super) fn awaits_definitions(&self) -> bool {
        self.change.as_ref().is_some_and(|change| change.is_asked)
    }

    /// What is brought up after the way down: nothing after a failure (s6-rc -p), but where the services
    /// were to be defined anew, what was taken down for that comes back as it was.
    fn way_up(&self, change: &Change) -> Vec<String> {
        if !change.has_failed {
            return change.start.clone();
        }
        if !change.redefines {
            return Vec::new();
        }
        let members = change.members.iter();
        let down = members.filter(|(_, step)| **step == Step::Done);
        let names = down.filter_map(|(id, _)| self.known.name_of(*id));
        names.map(str::to_owned).collect()
    }

    fn bring_up(&mut self, mut change: Change) {
        change.way = Transition::Start;
        change.members.clear();
        let start = std::mem::take(&mut change.start);
        let ids: Vec<NodeId> = self.known.nodes(&start).collect();
        for id in ids {
            if let Some(node) = self.graph.get_mut(id) {
                node.kind.want_up();
            }
            let is_stage = self.known.stage_name(id).is_some();
            let step = if is_stage {
                Step::Waiting
            } else {
                Step::Moving
            };
            change.members.insert(id, step);
        }
        self.change = Some(change);
    }

    /// Tells everything to go down that nothing up needs any longer.
    fn take_some_down(&mut self, change: &mut Change, now: Moment, effects: &mut Vec<Effect>) {
        loop {
            let mut is_news = false;
            for id in change.waiting().into_iter().rev() {
                let needed_by = self.graph.get(id).map(|node| node.needed_by.as_slice());
                let mut users = needed_by
                    .into_iter()
                    .flatten()
                    .filter_map(|user| change.members.get(user));
                let step = if users.clone().any(|step| *step == Step::Failed) {
                    Step::Failed
                } else if users.all(|step| *step == Step::Done) {
                    self.take_down(id, now, effects)
                } else {
                    continue;
                };
                is_news = true;
                change.set(id, step);
            }
            self.look_at_members(change, effects);
            if !is_news {
                return;
            }
        }
    }

    fn take_down(&mut self, id: NodeId, now: Moment, effects: &mut Vec<Effect>) -> Step {
        self.tell_of_stage(id, Told::Begun, Transition::Stop, effects);
        self.with(id, now, effects, Kind::take_down);
        Step::Moving
    }

    /// Notes who has got where, or come to rest elsewhere.
    fn look_at_members(&self, change: &mut Change, effects: &mut Vec<Effect>) {
        let way = change.way;
        for (id, step) in change.members.clone() {
            let is_begun = match step {
                Step::Moving => true,
                // A stage that waits for its turn on the way up.
                Step::Waiting => way == Transition::Start && self.is_begun(id),
                Step::Done | Step::Failed => false,
            };
            if !is_begun {
                continue;
            }
            if step == Step::Waiting {
                self.tell_of_stage(id, Told::Begun, way, effects);
                change.set(id, Step::Moving);
            }
            match self.rests_up(id) {
                None => {}
                Some(is_up) if is_up == (way == Transition::Start) => {
                    self.tell_of_stage(id, Told::Done, way, effects);
                    change.set(id, Step::Done);
                }
                Some(_) => {
                    self.tell_of_stage(id, Told::Failed, way, effects);
                    change.set(id, Step::Failed);
                }
            }
        }
    }

    /// Whether a stage does not only wait.
    fn is_begun(&self, id: NodeId) -> bool {
        let node = self.graph.get(id);
        node.is_some_and(|node| !node.kind.is_waiting())
    }

    /// Says what becomes of a stage of boot, under the name that s6-overlay gives it; services tell that
    /// themselves.
    fn tell_of_stage(&self, id: NodeId, told: Told, way: Transition, effects: &mut Vec<Effect>) {
        let Some(service) = self.known.stage_name(id).map(str::to_owned) else {
            return;
        };
        effects.push(Effect::Log(match told {
            Told::Begun => Event::RcBegun {
                service,
                transition: way,
            },
            Told::Done => Event::RcDone {
                service,
                transition: way,
            },
            Told::Failed => Event::RcFailed {
                service,
                transition: way,
                exit: STAGE_FAILED,
            },
        }));
    }

    fn rests_up(&self, id: NodeId) -> Option<bool> {
        self.graph.get(id)?.kind.rests_up()
    }

    /// Whether it is on its way down, which counts as up until it is over.
    fn is_stopping(&self, id: NodeId) -> bool {
        let change = self.change.as_ref();
        change.is_some_and(|change| {
            change.way == Transition::Stop && change.members.get(&id) == Some(&Step::Moving)
        })
    }
}
