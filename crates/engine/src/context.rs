//! What the machines of single nodes have in common: the moment, the rules, and a place for what
//! they want done.

use sixfold_model::Signal;

use crate::effect::{Effect, Target, Work};
use crate::event::Event;
use crate::input::{NodeId, RunId};
use crate::moment::Moment;
use crate::policy::Policy;

/// What a machine needs to act: who it is, what time it is, the rules, and where effects go.
pub struct Context<'a> {
    /// The node that is being worked on.
    pub(crate) node: NodeId,
    /// The present moment.
    pub(crate) now: Moment,
    /// The rules of this container.
    pub(crate) rules: &'a Policy,
    /// Everything is being killed: nothing new is started.
    pub(crate) killing: bool,
    /// The number of the last run.
    pub(crate) last_run: &'a mut u64,
    /// Where effects are appended.
    pub(crate) effects: &'a mut Vec<Effect>,
}

impl Context<'_> {
    /// Appends an effect.
    pub(crate) fn emit(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Says something.
    pub(crate) fn log(&mut self, event: Event) {
        self.effects.push(Effect::Log(event));
    }

    /// Asks for a process, and returns the run that its events will name.
    pub(crate) fn spawn(&mut self, work: Work) -> RunId {
        *self.last_run = self.last_run.saturating_add(1);
        let run = RunId(*self.last_run);
        self.effects.push(Effect::Spawn {
            node: self.node,
            run,
            work,
        });
        run
    }

    /// Sends a signal to the process of a run of this node.
    pub(crate) fn signal(&mut self, run: RunId, signal: Signal, target: Target) {
        self.effects.push(Effect::Signal {
            node: self.node,
            run,
            signal,
            target,
        });
    }
}
