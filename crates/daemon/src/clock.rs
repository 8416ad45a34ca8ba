//! The only place that asks for the time.

use std::time::Instant;

use sixfold_engine::Moment;

/// The monotonic clock, counted from the daemon's start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

#[expect(clippy::disallowed_methods, reason = "this is the daemon's clock")]
impl Clock {
    /// A clock that starts now.
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// The present moment.
    pub(crate) fn now(self) -> Moment {
        Moment::at(self.start.elapsed())
    }

    /// The instant that tokio's timers need for `moment`.
    pub(crate) fn instant(self, moment: Moment) -> tokio::time::Instant {
        let instant = self.start.checked_add(moment.elapsed());
        instant.map_or_else(
            // Beyond the clock's range: a day from now is as good as never.
            || tokio::time::Instant::from_std(self.start) + std::time::Duration::from_secs(86_400),
            tokio::time::Instant::from_std,
        )
    }
}
