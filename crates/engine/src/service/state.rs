//! What a service is doing, and what it is meant to be.

use crate::input::RunId;
use crate::moment::Moment;

/// What a service is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The daemon was asked to take charge of its directory.
    Claiming,
    /// Nothing runs, and nothing is to be started.
    Down,
    /// To be started once what it depends on is up.
    Waiting,
    /// The daemon has been asked to start `run`.
    Starting {
        /// The run asked for.
        run: RunId,
        /// It is to be asked to end as soon as it is there.
        ending: bool,
    },
    /// `run` is alive.
    Up(Life),
    /// `run` was asked to end.
    Stopping {
        /// What runs.
        life: Life,
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
    /// Nobody supervises it: the supervisor left, or another one has its directory.
    Left {
        /// When its directory is claimed again, if ever.
        back_at: Option<Moment>,
    },
}

/// A live `run`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// Which run.
    pub run: RunId,
    /// Its process id.
    pub pid: i32,
    /// Since when it runs.
    pub since: Moment,
    /// Whether it announced its readiness.
    pub ready: bool,
}

/// What a service is meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Running; restarted when it dies.
    Up,
    /// Not running, or not again.
    Down,
}

impl State {
    /// Whether nothing of it runs, nor will run without a new order.
    pub fn is_down(&self) -> bool {
        match self {
            Self::Down | Self::Failed | Self::Broken | Self::Left { .. } => true,
            Self::Claiming
            | Self::Waiting
            | Self::Starting { .. }
            | Self::Up(_)
            | Self::Stopping { .. }
            | Self::Finishing { .. }
            | Self::Backoff { .. } => false,
        }
    }

    /// Whether no process of it is there or on its way: what s6-supervise calls DOWN, or nobody
    /// supervising it.
    pub fn is_idle(&self) -> bool {
        match self {
            Self::Waiting | Self::Backoff { .. } | Self::Claiming => true,
            Self::Starting { .. }
            | Self::Up(_)
            | Self::Stopping { .. }
            | Self::Finishing { .. } => false,
            Self::Down | Self::Failed | Self::Broken | Self::Left { .. } => true,
        }
    }

    /// The live `run`, if there is one.
    pub fn life(&self) -> Option<&Life> {
        match self {
            Self::Up(life) | Self::Stopping { life, .. } => Some(life),
            Self::Claiming
            | Self::Down
            | Self::Waiting
            | Self::Starting { .. }
            | Self::Finishing { .. }
            | Self::Backoff { .. }
            | Self::Failed
            | Self::Broken
            | Self::Left { .. } => None,
        }
    }
}
