//! The only place that asks for the time.

use std::time::{Duration, Instant};

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
            || tokio::time::Instant::now() + Duration::from_secs(86_400),
            tokio::time::Instant::from_std,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_clock_cannot_hold_is_far_away_however_long_it_has_run() {
        let hours = |hours: u64| Duration::from_secs(3_600 * hours);
        let old = Clock {
            start: tokio::time::Instant::now()
                .into_std()
                .checked_sub(hours(1))
                .unwrap(),
        };
        let never = old.instant(Moment::at(Duration::MAX));
        assert!(never.duration_since(tokio::time::Instant::now()) > hours(23));
        let soon = old.instant(Moment::at(hours(2)));
        assert!(soon.duration_since(tokio::time::Instant::now()) <= hours(1));
    }
}
