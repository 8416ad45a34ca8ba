//! What the settings mean to the engine.

use std::ffi::OsString;
use std::time::Duration;

use sixfold_model::Settings;
use sixfold_model::settings::Behaviour;

/// What the engine is the supervisor of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A container: stages, services, a CMD, and everything ends with it.
    Container,
    /// A scan directory, and nothing else (s6-svscan).
    ScanDirectory {
        /// How many services there may be, loggers counted.
        most: usize,
        /// How often the directory is read again without being asked.
        rescan: Option<Duration>,
    },
    /// One service directory (s6-supervise).
    Service,
}

/// The rules of one container, fixed at boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What there is to supervise.
    pub role: Role,
    /// What a failure during boot leads to.
    pub behaviour: Behaviour,
    /// The limit for the whole boot; `None` is without limit.
    pub boot_maxtime: Option<Duration>,
    /// How long services may take to stop; `None` is without limit.
    pub services_gracetime: Option<Duration>,
    /// How long after the final TERM the KILL comes at the latest; also what a boot script and
    /// the CMD get between TERM and being left behind.
    pub kill_gracetime: Duration,
    /// The limit for each cont-finish.d script; `None` is without limit.
    pub finish_maxtime: Option<Duration>,
    /// Whether the CMD waits for readiness, not only for the start, of services.d.
    pub wait_for_services: bool,
    /// Whether stop signals go to the CMD while it runs.
    pub cmd_receives_signals: bool,
    /// Whether the CMD has a terminal; a stop then hangs it up too, as shells ignore TERM.
    pub cmd_has_terminal: bool,
    /// Whether there is a stage-2 hook.
    pub has_hook: bool,
    /// Whether the services of s6-rc are read.
    pub has_definitions: bool,
    /// Whether file systems are synced at the end.
    pub sync_disks: bool,
    /// The CMD with its arguments; empty if there is none.
    pub cmd: Vec<OsString>,
}

impl Policy {
    /// The rules that `settings` give, for a container with this CMD (its words, `S6_CMD_ARG0`
    /// not yet prepended). Without a CMD, `S6_CMD_ARG0` alone starts nothing (s6-overlay v3).
    pub fn new(settings: &Settings, cmd: Vec<OsString>, cmd_has_terminal: bool) -> Self {
        let cmd = if cmd.is_empty() {
            cmd
        } else {
            settings.cmd_arg0.iter().cloned().chain(cmd).collect()
        };
        Self {
            role: Role::Container,
            behaviour: settings.behaviour,
            boot_maxtime: settings.boot_maxtime,
            services_gracetime: settings.services_gracetime,
            kill_gracetime: settings.kill_gracetime,
            finish_maxtime: settings.kill_finish_maxtime,
            wait_for_services: settings.cmd_wait_for_services,
            cmd_receives_signals: settings.cmd_receive_signals,
            cmd_has_terminal,
            has_hook: !settings.stage2_hook.is_empty(),
            has_definitions: false,
            sync_disks: settings.sync_disks,
            cmd,
        }
    }
}
