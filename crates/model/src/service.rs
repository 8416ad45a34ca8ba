//! What one supervised service is, as the engine and the daemon see it.

use std::path::PathBuf;
use std::time::Duration;

use crate::Signal;

/// The default time that a `finish` script may take (s6-supervise: `timeout-finish`).
pub const DEFAULT_TIMEOUT_FINISH: Duration = Duration::from_millis(5000);
/// The default number of deaths remembered (s6-supervise: `max-death-tally`).
pub const DEFAULT_DEATH_TALLY: u32 = 100;
/// The largest number of deaths that can be remembered.
pub const MAX_DEATH_TALLY: u32 = 4096;

/// A service directory, read: s6's servicedir page, with the defaults of s6-supervise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSpec {
    /// The service's name: the directory's, or `NAME/log` for a logger.
    pub name: String,
    /// The directory that holds `run` and the rest, as it lies in the image.
    pub source: PathBuf,
    /// Whether there is a `run` file to start. Without it the service is broken.
    pub has_run: bool,
    /// Whether there is a `finish` file to run after each death.
    pub has_finish: bool,
    /// A `down` file is there: the service is supervised, and not started.
    pub down: bool,
    /// The descriptor on which `run` announces its readiness with a newline, 1 or more: almost
    /// always 3, but s6 takes the standard output and error too.
    pub notification_fd: Option<i32>,
    /// How long `finish` may run before it is killed; `None` is without limit.
    pub timeout_finish: Option<Duration>,
    /// How long after the down signal `run` is killed; `None` is never.
    pub timeout_kill: Option<Duration>,
    /// The signal that asks `run` to end.
    pub down_signal: Signal,
    /// How many deaths are remembered, at most [`MAX_DEATH_TALLY`].
    pub max_death_tally: u32,
    /// The logger in `log/`, which reads this service's standard output.
    pub log: Option<Box<Self>>,
}

impl ServiceSpec {
    /// A service with a `run` script in `source` and every default.
    pub fn new(name: impl Into<String>, source: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            source: source.into(),
            has_run: true,
            has_finish: false,
            down: false,
            notification_fd: None,
            timeout_finish: Some(DEFAULT_TIMEOUT_FINISH),
            timeout_kill: None,
            down_signal: Signal::TERM,
            max_death_tally: DEFAULT_DEATH_TALLY,
            log: None,
        }
    }
}
