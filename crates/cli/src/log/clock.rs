//! The clocks of the commands that log.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sixfold_daemon::logdir::Now;

/// Both clocks, the one that nobody sets counted from when this was made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(Instant);

#[expect(
    clippy::disallowed_methods,
    reason = "a command's own clock; the daemon does not come here"
)]
impl Clock {
    /// Clocks that start now.
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    /// The present moment.
    pub(super) fn now(self) -> Now {
        Now {
            wall: wall(),
            running: self.0.elapsed(),
        }
    }
}

/// The time since the beginning of 1970 in UTC; before it, there is none.
pub(super) fn wall() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
