//! What is said about a service to those who ask: the contents of `supervise/status`, in the
//! engine's own terms.

use super::{Service, State, Want};
use crate::context::Context;
use crate::effect::Effect;
use crate::input::Exit;
use crate::moment::Moment;

/// What a service's supervisor says about it (s6-svstat(1)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// When `run` started, or died, whichever came last.
    pub changed: Moment,
    /// When it last became ready, or, while it is down, ready to be started.
    pub ready_since: Moment,
    /// The process of `run`, or of `finish`; 0 when there is none.
    pub pid: i32,
    /// How `run` last ended, if it ever did.
    pub exit: Option<Exit>,
    /// It was paused by order; before the first start, it has not been started yet.
    pub paused: bool,
    /// `pid` is that of the finish script.
    pub finishing: bool,
    /// It is meant to be up.
    pub wanted_up: bool,
    /// Up: it announced its readiness. Down: its finish script is over.
    pub ready: bool,
}

/// What of a standing the state alone does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Past {
    pub(super) changed: Moment,
    pub(super) ready_since: Moment,
    pub(super) exit: Option<Exit>,
    /// Paused by order; before the first start, not started yet.
    pub(super) paused: bool,
}

impl Service {
    /// What is to be said about it now.
    pub fn standing(&self) -> Standing {
        let (pid, finishing, ready) = match &self.state {
            State::Up(life) | State::Stopping { life, .. } => (life.pid, false, life.ready),
            State::Finishing { pid, .. } => (pid.unwrap_or_default(), pid.is_some(), false),
            State::Starting { .. } => (0, false, false),
            State::Claiming
            | State::Down
            | State::Waiting
            | State::Backoff { .. }
            | State::Failed
            | State::Broken
            | State::Left { .. } => (0, false, true),
        };
        Standing {
            changed: self.past.changed,
            ready_since: self.past.ready_since,
            pid,
            exit: self.past.exit,
            paused: self.past.paused,
            finishing,
            wanted_up: self.want == Want::Up,
            ready,
        }
    }

    /// Writes down what is to be said about it, and tells `letters` to those who listen.
    pub(super) fn tell(&self, letters: &'static str, context: &mut Context<'_>) {
        context.emit(Effect::Tell {
            node: context.node,
            standing: self.standing(),
            letters,
        });
    }
}
