//! What the engine is told, and the small types that inputs and effects share.

use std::path::PathBuf;
use std::time::Duration;

use sixfold_model::{ServiceSpec, Signal};

use crate::definitions::Definitions;
use crate::service::{Command, Pulse};

/// A node of the graph: its place in the engine's table. The place of a service that was removed
/// ([`crate::Effect::Forget`]) is used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) usize);

impl NodeId {
    /// The place in the table, for use as an index by the daemon.
    pub fn index(self) -> usize {
        self.0
    }
}

/// One start of one process. A late event of an earlier run is told from the present one by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub(crate) u64);

impl RunId {
    /// The number itself, for logs.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// With an exit code.
    Code(i32),
    /// Killed by the signal of that number (1 to 64, real-time signals included).
    Signal(i32),
}

impl Exit {
    /// The code that a shell would report: the exit code, or 128 plus the signal's number.
    pub fn shell_code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => signal.saturating_add(128),
        }
    }

    /// The first two arguments of a `finish` script: the exit code, or 256 when a signal killed
    /// the program; and the signal's number, or 0 (s6-supervise).
    pub fn finish_arguments(self) -> (i32, i32) {
        match self {
            Self::Code(code) => (code, 0),
            Self::Signal(signal) => (256, signal),
        }
    }
}

/// Why a process could not be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SpawnFailure {
    /// There is no such program or interpreter (exit code 127).
    NotFound,
    /// It is there and cannot be executed, or the system refused (exit code 126).
    NotRunnable,
}

impl SpawnFailure {
    /// The exit code that a shell gives for it.
    pub fn code(self) -> i32 {
        match self {
            Self::NotFound => 127,
            Self::NotRunnable => 126,
        }
    }
}

/// What a sequence of scripts is listed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Listing {
    /// The command in `S6_STAGE2_HOOK`.
    Hook,
    /// The files of fix-attrs.d.
    FixAttrs,
    /// The scripts of cont-init.d.
    ContInit,
    /// The scripts of cont-finish.d.
    ContFinish,
}

impl Listing {
    /// The name that stands in brackets in the messages of s6-overlay v2.
    pub fn label(self) -> &'static str {
        match self {
            Self::Hook => "stage2-hook",
            Self::FixAttrs => "fix-attrs.d",
            Self::ContInit => "cont-init.d",
            Self::ContFinish => "cont-finish.d",
        }
    }
}

/// One script of a sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The name in messages: the file's name.
    pub name: String,
    /// The file, or the program when there are arguments.
    pub path: PathBuf,
}

/// Who asked for a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A signal from outside the container. The second one of these kills now.
    Outside,
    /// A process of the container: a control command, or a signal. Any number of these is one.
    Inside,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The daemon is ready: begin.
    Boot,
    /// The moment of [`crate::Engine::next_timeout`] has come.
    Timer,
    /// A stop signal came to PID 1.
    StopSignal {
        /// The signal, which the CMD may want to have instead.
        signal: Signal,
        /// Where it came from.
        origin: Origin,
    },
    /// A stop was asked for by a control command.
    Stop {
        /// Whether loggers are asked to end too, and do not only see the end of their input
        /// (s6-svscanctl -q).
        loggers: bool,
    },
    /// The supervision is to end now and leave what runs alone (s6-svscanctl -b). A container stops
    /// in order instead, as all in it would die with it.
    Abort,
    /// The scan directory is to be read again.
    Rescan,
    /// Services that are no longer in the scan directory are to be stopped.
    Prune {
        /// Whether their loggers are asked to end too (s6-svscanctl -N).
        loggers: bool,
    },
    /// The answer to [`crate::Effect::List`]: the scripts of a sequence, in order.
    Listed {
        /// The sequence.
        node: NodeId,
        /// Its scripts.
        steps: Vec<Step>,
    },
    /// The answer to [`crate::Effect::ListDefinitions`] and [`crate::Effect::Redefine`].
    Definitions(Definitions),
    /// Services of s6-rc are to move; only while [`crate::Engine::may_change`]. Ended by
    /// [`crate::Effect::ChangeEnded`].
    Change {
        /// What is taken down first, and everything up that needs it.
        stop: Vec<String>,
        /// What is brought up then, and everything down that it needs. Nothing is, if something does
        /// not go down.
        start: Vec<String>,
        /// The services are asked for anew between the two. If something does not go down, they are
        /// not, and what was up is brought up again.
        redefine: bool,
        /// How long all of it may take.
        timeout: Option<Duration>,
    },
    /// Whoever asked for the change at work takes it back.
    AbortChange,
    /// The answer to [`crate::Effect::ListServices`] and [`crate::Effect::Rescan`]: everything that
    /// is in the scan directory now.
    Services {
        /// The services found.
        specs: Vec<ServiceSpec>,
    },
    /// The answer to [`crate::Effect::Adopt`] and [`crate::Effect::Claim`]: the daemon is in charge
    /// of the directory.
    Supervised {
        /// The service.
        node: NodeId,
        /// What the directory says now.
        spec: Box<ServiceSpec>,
    },
    /// The other answer: somebody else is in charge of it, or the system refuses.
    Refused {
        /// The service.
        node: NodeId,
    },
    /// A service directory was read again.
    Reread {
        /// The service.
        node: NodeId,
        /// What it says now.
        spec: Box<ServiceSpec>,
    },
    /// An order to the supervisor of a service.
    Control {
        /// The service.
        node: NodeId,
        /// The order.
        command: Command,
    },
    /// An order to every supervisor: what a signal to s6-supervise means.
    ControlAll {
        /// The order.
        command: Command,
    },
    /// A process was started.
    Spawned {
        /// Whose.
        node: NodeId,
        /// Which run.
        run: RunId,
        /// Its process id.
        pid: i32,
    },
    /// A process could not be started; the daemon has said why.
    SpawnFailed {
        /// Whose.
        node: NodeId,
        /// Which run.
        run: RunId,
        /// Why.
        failure: SpawnFailure,
    },
    /// A service announced its readiness.
    Ready {
        /// Whose.
        node: NodeId,
        /// Which run.
        run: RunId,
    },
    /// A service said something to its watchdog.
    Pulse {
        /// Whose.
        node: NodeId,
        /// Which run.
        run: RunId,
        /// What.
        pulse: Pulse,
    },
    /// A process ended.
    Exited {
        /// Whose.
        node: NodeId,
        /// Which run.
        run: RunId,
        /// How.
        exit: Exit,
    },
    /// The answer to [`crate::Effect::Census`], and unasked after orphans were reaped.
    Census {
        /// Whether any process but this one is left.
        left: bool,
    },
}
