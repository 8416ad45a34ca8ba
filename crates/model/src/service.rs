//! What one supervised service is, as the engine and the daemon see it.

use std::path::PathBuf;
use std::time::Duration;

use crate::Signal;
use crate::tree::Identity;

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
    /// `run` announces its readiness, and more, on the socket that `NOTIFY_SOCKET` names
    /// (sd_notify(3)). Beside [`Self::notification_fd`] either announcement counts.
    pub notify: bool,
    /// How often `run` says on that socket at least that it is alive; `None` is never. Without
    /// [`Self::notify`] there is none.
    pub watchdog: Option<Duration>,
    /// How long `finish` may run before it is killed; `None` is without limit.
    pub timeout_finish: Option<Duration>,
    /// How long after the down signal `run` is killed; `None` is never.
    pub timeout_kill: Option<Duration>,
    /// The signal that asks `run` to end.
    pub down_signal: Signal,
    /// The signal that asks `run` to read its configuration again (`s6-svc -l`).
    pub reload_signal: Signal,
    /// How many deaths are remembered, at most [`MAX_DEATH_TALLY`]; 0 is none.
    pub max_death_tally: u32,
    /// The descriptor on which `run` holds a lock on `supervise/service-lock`, 1 or more.
    pub lock_fd: Option<i32>,
    /// `run` is process 1 of a pid namespace of its own.
    pub new_pid_namespace: bool,
    /// [`Self::timeout_kill`] kills the process group that `run` leads, not `run` alone.
    pub kills_group: bool,
    /// The directory that is supervised, if it was there when the service was read.
    pub identity: Option<Identity>,
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
            notify: false,
            watchdog: None,
            timeout_finish: Some(DEFAULT_TIMEOUT_FINISH),
            timeout_kill: None,
            down_signal: Signal::TERM,
            reload_signal: Signal::HUP,
            max_death_tally: DEFAULT_DEATH_TALLY,
            lock_fd: None,
            new_pid_namespace: false,
            kills_group: false,
            identity: None,
            log: None,
        }
    }

    /// Whether `run` announces its readiness, in one way or another.
    pub fn announces_readiness(&self) -> bool {
        self.notify || self.notification_fd.is_some()
    }

    /// Whether `other` is the same service: the same directory, whatever it is called now
    /// (s6-svscan); by its name where a directory is not known.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self.identity, other.identity) {
            (Some(own), Some(other)) => own == other,
            (None, _) | (_, None) => self.name == other.name,
        }
    }
}
