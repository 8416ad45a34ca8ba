//! What the engine wants done. The daemon applies effects in order and decides nothing.

use std::ffi::OsString;

use sixfold_model::{ServiceSpec, Signal};

use crate::event::Event;
use crate::input::{Exit, Listing, NodeId, RunId, Step};
use crate::service::Standing;

/// What is to be executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// A service's `run`.
    Run,
    /// A service's `finish`.
    Finish {
        /// How `run` ended.
        exit: Exit,
        /// The process group that `run` led.
        pgid: i32,
    },
    /// One script of a sequence.
    Step {
        /// Which stage it belongs to.
        listing: Listing,
        /// The script.
        step: Step,
    },
    /// A command line of a oneshot.
    Oneshot {
        /// The oneshot's name.
        service: String,
        /// The words; never empty.
        words: Vec<Vec<u8>>,
    },
    /// The CMD.
    Cmd {
        /// The program and its arguments; never empty.
        argv: Vec<OsString>,
    },
}

/// Who gets a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// The process alone.
    Process,
    /// The process group that it leads.
    Group,
}

/// How a change of s6-rc ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeOutcome {
    /// Everything is where it should be.
    Done,
    /// Something is not.
    Failed,
    /// It took too long.
    TimedOut,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A new service exists; what its task needs to know. Take charge of its directory and answer
    /// with `Supervised` or `Refused`.
    Adopt {
        /// Its node.
        node: NodeId,
        /// What it is.
        spec: Box<ServiceSpec>,
        /// The node of the service that reads its standard output: its logger, or what follows it in
        /// a pipeline.
        logger: Option<NodeId>,
    },
    /// Take charge of a service's directory again and answer with `Supervised` or `Refused`.
    Claim {
        /// The service.
        node: NodeId,
    },
    /// Write down what a service is doing, and tell it to those who listen.
    Tell {
        /// The service.
        node: NodeId,
        /// What to write.
        standing: Standing,
        /// What to tell: the letters of `event/`, or none.
        letters: &'static str,
    },
    /// Add a death to those that are remembered.
    RecordDeath {
        /// The service.
        node: NodeId,
        /// How it died.
        exit: Exit,
        /// How many are remembered.
        most: u32,
    },
    /// Make or remove the `down` file of a service.
    MarkDown {
        /// The service.
        node: NodeId,
        /// Whether it is to be there.
        down: bool,
    },
    /// Write down what is to be said about a service, give up the charge of its directory, and tell
    /// `letters` to those who listen, and that its supervisor has left.
    Leave {
        /// The service.
        node: NodeId,
        /// What is to be said about it.
        standing: Standing,
        /// What happened just before.
        letters: &'static str,
    },
    /// The service is gone for good, and its node with it.
    Forget {
        /// The node.
        node: NodeId,
    },
    /// Start a process and answer with `Spawned` or `SpawnFailed`.
    Spawn {
        /// For whom.
        node: NodeId,
        /// The run that the answer names.
        run: RunId,
        /// What.
        work: Work,
    },
    /// Send a signal to a process of ours.
    Signal {
        /// Whose process.
        node: NodeId,
        /// Of which run; nothing is sent when that run is over.
        run: RunId,
        /// Which signal.
        signal: Signal,
        /// To the process or its group.
        target: Target,
    },
    /// Close the writing end of a logger's pipe: it reads what is left, then end of file.
    CloseInput {
        /// The logger.
        node: NodeId,
    },
    /// List the scripts of a sequence and answer with `Listed`.
    List {
        /// The sequence.
        node: NodeId,
        /// From where.
        listing: Listing,
    },
    /// Read the sources of s6-rc, make the directories of its longruns, and answer with
    /// `Definitions`.
    ListDefinitions,
    /// Make the directories of the services that were asked for by the change at work, and answer with
    /// `Definitions`.
    Redefine,
    /// The change at work is over.
    ChangeEnded(ChangeOutcome),
    /// Put the services of services.d into the scan directory, list that, and answer with
    /// `Services`.
    ListServices,
    /// Take the services of services.d out of the scan directory, list that again and answer with
    /// `Services`.
    UnlistServices,
    /// List the scan directory again and answer with `Services`; with nothing, if it cannot be
    /// read.
    Rescan,
    /// Send a signal to every process that is left.
    SignalAll(Signal),
    /// Look whether any process is left, and answer with `Census`.
    Census,
    /// Write the container's exit code where scripts read and change it.
    RecordExitCode(i32),
    /// Write file systems to disk.
    Sync,
    /// Say it.
    Log(Event),
    /// Everything is over: drain the logs and exit.
    Exit,
}
