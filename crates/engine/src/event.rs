//! What the engine has to say. The daemon turns each event into one log line or several.

use std::time::Duration;

use crate::input::{Exit, Listing, Origin};
use sixfold_model::Signal;

/// Why the container stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// A signal to PID 1.
    Signal {
        /// Which.
        signal: Signal,
        /// Where it came from.
        origin: Origin,
    },
    /// A control command: `s6-svscanctl -t`, `halt` and the like.
    Command,
    /// The CMD ended.
    CmdEnded,
    /// Boot failed and `S6_BEHAVIOUR_IF_STAGE2_FAILS` says to stop.
    BootFailed,
}

/// Which way a service of s6-rc goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transition {
    /// It is brought up.
    Start,
    /// It is taken down.
    Stop,
}

/// Something worth a log line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A stage of scripts begins.
    StageStarted(Listing),
    /// A script of a stage is started.
    ScriptStarted {
        /// The stage.
        listing: Listing,
        /// The script's name.
        name: String,
    },
    /// A script of a stage ended, or could not be started (126, 127).
    ScriptExited {
        /// The stage.
        listing: Listing,
        /// The script's name.
        name: String,
        /// Its process id, if it was started.
        pid: Option<i32>,
        /// How it ended.
        exit: Exit,
        /// How long it ran.
        duration: Duration,
    },
    /// A script is told to end: the boot or the stop does not wait for it any longer.
    ScriptInterrupted {
        /// The stage.
        listing: Listing,
        /// The script's name.
        name: String,
        /// The signal it gets.
        signal: Signal,
    },
    /// Scripts of a stage failed, and the boot goes on with a warning or stops.
    StageFailed {
        /// The stage.
        listing: Listing,
        /// How many scripts failed.
        failures: usize,
        /// Whether the container stops for it.
        fatal: bool,
    },
    /// A stage of scripts is over.
    StageDone(Listing),
    /// The services stage begins.
    ServicesStarting,
    /// The services are started, or ready if that is asked for.
    ServicesStarted {
        /// How many there are.
        count: usize,
        /// How long boot has taken until here.
        duration: Duration,
    },
    /// Boot took longer than `S6_CMD_WAIT_FOR_SERVICES_MAXTIME`.
    BootTimedOut {
        /// What it was waiting for.
        waiting: Vec<String>,
        /// Whether the container stops for it.
        fatal: bool,
    },
    /// A service was started.
    ServiceStarted {
        /// Its name.
        service: String,
        /// Its process id.
        pid: i32,
        /// Whether it died so often at once that its starts are no news.
        repeated: bool,
    },
    /// A service announced its readiness.
    ServiceReady {
        /// Its name.
        service: String,
        /// Its process id.
        pid: i32,
        /// How long after its start.
        duration: Duration,
    },
    /// A service ended.
    ServiceExited {
        /// Its name.
        service: String,
        /// Its process id.
        pid: i32,
        /// How.
        exit: Exit,
        /// How long it ran.
        duration: Duration,
        /// Whether it was asked to end.
        asked: bool,
        /// Whether it is one of many quick deaths in a row, which are summed up elsewhere.
        repeated: bool,
    },
    /// A service has died many times in a row within a second of its start.
    ServiceFlapping {
        /// Its name.
        service: String,
        /// How many times in a row.
        deaths: u32,
        /// How the last run ended.
        exit: Exit,
    },
    /// A service could not be started; it is tried again. Said of the first try and then ever more
    /// rarely, as it may go on for ever.
    ServiceUnstartable {
        /// Its name.
        service: String,
        /// How many tries have failed in a row.
        tries: u32,
        /// When it is tried again.
        retry: Duration,
    },
    /// A finish script ended.
    FinishExited {
        /// The service.
        service: String,
        /// The script's process id.
        pid: i32,
        /// How it ended.
        exit: Exit,
        /// Whether its service dies at once again and again, so that it is no news.
        repeated: bool,
    },
    /// A finish script ran longer than `timeout-finish` and is killed.
    FinishTimedOut {
        /// The service.
        service: String,
    },
    /// A service is asked to end.
    ServiceStopping {
        /// Its name.
        service: String,
        /// Its process id.
        pid: i32,
        /// The signal it gets.
        signal: Signal,
    },
    /// A service did not end in time and is killed (`timeout-kill`).
    ServiceKilled {
        /// Its name.
        service: String,
        /// Its process id.
        pid: i32,
    },
    /// A service has been silent for longer than it promised, or said that it does not work
    /// (`timeout-watchdog`): it is ended by SIGABRT.
    ServiceWatchdog {
        /// Its name.
        service: String,
        /// Its process id.
        pid: i32,
        /// How long it was silent; nothing, if it said so itself.
        silent: Option<Duration>,
    },
    /// A service failed for good: its finish script exited 125.
    ServiceFailed {
        /// Its name.
        service: String,
    },
    /// There are as many services as there may be; another one is not started.
    TooManyServices {
        /// Its name.
        service: String,
    },
    /// A service of s6-rc is brought up or taken down.
    RcBegun {
        /// Its name.
        service: String,
        /// Which of the two.
        transition: Transition,
    },
    /// It is up, or down.
    RcDone {
        /// Its name.
        service: String,
        /// Which of the two.
        transition: Transition,
    },
    /// It could not be brought up or taken down; what needs it is not started.
    RcFailed {
        /// Its name.
        service: String,
        /// Which of the two.
        transition: Transition,
        /// How its command line ended; 111 when that took too long. Of a longrun 99 when it took too
        /// long to be up, and 1 when it will never be (s6-rc).
        exit: Exit,
    },
    /// Not all services of s6-rc are up at the end of boot.
    RcIncomplete {
        /// Those that failed, and those that need them.
        services: Vec<String>,
        /// Whether the container stops for it.
        fatal: bool,
    },
    /// Services did not stop within `S6_SERVICES_GRACETIME`; the stop goes on without them.
    GraceExpired {
        /// Their names.
        services: Vec<String>,
    },
    /// The CMD was started.
    CmdStarted {
        /// Its process id.
        pid: i32,
        /// The program.
        program: String,
    },
    /// The CMD ended, or could not be started (126, 127).
    CmdExited {
        /// The program.
        program: String,
        /// Its process id, if it was started.
        pid: Option<i32>,
        /// How it ended.
        exit: Exit,
        /// How long it ran.
        duration: Duration,
    },
    /// The CMD got a signal instead of Sixfold (`S6_CMD_RECEIVE_SIGNALS`).
    CmdSignalled {
        /// Which.
        signal: Signal,
    },
    /// The container stops.
    StopRequested(Cause),
    /// A second stop signal from outside: everything is killed now.
    KillRequested,
    /// Every process that is left gets TERM.
    FinalTerm,
    /// Every process that is left gets KILL.
    FinalKill,
    /// Processes are left that even KILL does not end.
    Unkillable,
}
