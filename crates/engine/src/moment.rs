//! Time as the engine sees it: a distance from the daemon's start, handed in from outside.

use std::time::Duration;

/// A moment on the monotonic clock, counted from the daemon's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(Duration);

impl Moment {
    /// The daemon's start.
    pub const START: Self = Self(Duration::ZERO);

    /// The moment that lies `elapsed` after the start.
    pub fn at(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// The moment `wait` later; the end of time if that is beyond it.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(wait))
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The distance from the start.
    pub fn elapsed(self) -> Duration {
        self.0
    }
}
