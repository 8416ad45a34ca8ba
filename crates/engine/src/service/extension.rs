//! More time for a service that says in time that it needs it (sd_notify(3), `EXTEND_TIMEOUT_USEC`).
//!
//! As with systemd, a deadline is only ever moved away, and a service that needs more has to say so again
//! before it comes. What has none gets none, and the limits of the whole container are not the service's
//! to move.

use super::{Service, State};
use crate::input::RunId;
use crate::moment::Moment;

impl Service {
    /// The run `of` needs until then: the deadlines of its start or of its end are put off.
    pub(super) fn extend(&mut self, of: RunId, until: Moment) {
        if self.state.life().is_none_or(|life| life.run != of) {
            return;
        }
        if let State::Stopping { kill_at, .. } = &mut self.state {
            put_off(kill_at, until);
        }
        if let Some(due) = self.transition_due_mut() {
            put_off(due, until);
        }
    }
}

/// A deadline that comes before `until` comes then.
fn put_off(deadline: &mut Option<Moment>, until: Moment) {
    *deadline = deadline.map(|at| at.max(until));
}

#[cfg(test)]
#[path = "extension_tests.rs"]
mod tests;
