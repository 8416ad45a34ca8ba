//! What a service is doing, and what it is meant to be.

use crate::input::RunId;
use crate::moment::Moment;

/// What a service is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nothing runs, and nothing is to be started.
    Down,
    /// To be started once what it depends on is up.
    Waiting,
    /// The daemon has been asked to start `run`.
    Starting {
        /// The run asked for.
        run: RunId,
    },
    /// `run` is alive.
    Up {
        /// Which run.
        run: RunId,
        /// Its process id.
        pid: i32,
        /// Since when.
        since: Moment,
        /// Whether it announced its readiness.
        ready: bool,
    },
    /// `run` was asked to end.
    Stopping {
        /// Which run.
        run: RunId,
        /// Its process id.
        pid: i32,
        /// Since when it runs.
        since: Moment,
        /// When it is killed, if ever.
        kill_at: Option<Moment>,
    },
    /// `finish` is to be started, or alive.
    Finishing {
        /// The run of the finish script.
        run: RunId,
        /// Its process id, once it is started.
        pid: Option<i32>,
        /// When it is killed, if ever.
        kill_at: Option<Moment>,
    },
    /// Dead, and to be started again at a later moment.
    Backoff {
        /// When.
        until: Moment,
    },
    /// Its finish script said that it will never work.
    Failed,
    /// There is nothing to start.
    Broken,
}

/// What a service is meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Running; restarted when it dies.
    Up,
    /// Not running.
    Down,
}

impl State {
    /// Whether nothing of it runs, nor will run without a new order.
    pub fn is_down(&self) -> bool {
        match self {
            Self::Down | Self::Failed | Self::Broken => true,
            Self::Waiting
            | Self::Starting { .. }
            | Self::Up { .. }
            | Self::Stopping { .. }
            | Self::Finishing { .. }
            | Self::Backoff { .. } => false,
        }
    }
}
