//! The phases of the container's life, and the end of it.
//!
//! `Booting -> Running -> Stopping -> Terminating -> Killing -> Over`. Nothing waits for a grace
//! time to pass: each phase is left the moment there is nothing left to wait for.

use std::time::Duration;

use crate::moment::Moment;

/// After the final KILL, this is how long processes may take to vanish.
pub(crate) const UNKILLABLE_AFTER: Duration = Duration::from_secs(2);
/// Processes that are not our children (those of `docker exec`) end without telling us; while only
/// such are left, they are looked for this often.
pub(crate) const CENSUS_INTERVAL: Duration = Duration::from_millis(10);

/// Where the container is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The graph is on its way up; the limit for it, if there is one.
    Booting { until: Option<Moment> },
    /// Everything is started.
    Running,
    /// The graph is on its way down.
    Stopping { grace: Grace },
    /// Everything that is left has got TERM.
    Terminating { kill_at: Moment, look_at: Moment },
    /// Everything that is left has got KILL.
    Killing { until: Moment, look_at: Moment },
    /// The end.
    Over,
}

/// How long services are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grace {
    /// None of them has been told yet.
    NotBegun,
    /// Without limit.
    Unlimited,
    /// Until that moment.
    Until(Moment),
    /// No longer.
    Over,
}

impl Phase {
    /// Whether nothing is left but to kill.
    pub(crate) fn is_killing(self) -> bool {
        match self {
            Self::Killing { .. } | Self::Over => true,
            Self::Booting { .. }
            | Self::Running
            | Self::Stopping { .. }
            | Self::Terminating { .. } => false,
        }
    }

    /// Whether no stop has been asked for yet.
    pub(crate) fn is_alive(self) -> bool {
        match self {
            Self::Booting { .. } | Self::Running => true,
            Self::Stopping { .. }
            | Self::Terminating { .. }
            | Self::Killing { .. }
            | Self::Over => false,
        }
    }

    /// When the phase itself has something to do next.
    pub(crate) fn next_timeout(self) -> Option<Moment> {
        match self {
            Self::Booting { until } => until,
            Self::Stopping {
                grace: Grace::Until(until),
            } => Some(until),
            Self::Stopping {
                grace: Grace::NotBegun | Grace::Unlimited | Grace::Over,
            } => None,
            Self::Terminating { kill_at, look_at } => Some(kill_at.min(look_at)),
            Self::Killing { until, look_at } => Some(until.min(look_at)),
            Self::Running | Self::Over => None,
        }
    }
}
