//! The environment variables that tune Sixfold, read once into [`Settings`].
//!
//! The variables, their units and their defaults are those of s6-overlay 3.2. This file holds the
//! values; `read` turns variables into them. Neither looks at the environment itself. Made by the
//! daemon at boot.

mod read;

use std::ffi::OsString;
use std::time::Duration;

/// How Sixfold writes its own events and what services write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// `text` when standard output is a terminal, else `json`.
    #[default]
    Auto,
    /// Every line on standard output is one JSON object.
    Json,
    /// The messages of s6-overlay; services inherit the container's streams.
    Text,
}

/// What a failure during boot leads to (`S6_BEHAVIOUR_IF_STAGE2_FAILS`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Behaviour {
    /// 0: go on in silence.
    #[default]
    Continue,
    /// 1: go on with a warning.
    Warn,
    /// 2 and more: stop the container with a non-zero exit code.
    Stop,
}

/// Where everything goes that is written (`S6_LOGGING`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Logging {
    /// 0: to the container's streams.
    #[default]
    Console,
    /// 1: there, and to the catch-all logger.
    Both,
    /// 2: to the catch-all logger alone.
    CatchAll,
}

/// Every variable that is honoured, with its default where it was unset or made no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `S6_KEEP_ENV`: the whole tree gets the full environment; nothing is dumped.
    pub keep_env: bool,
    /// `S6_VERBOSITY`, 0 to 5: 1 adds warnings, 2 (the default) information, 3 and more detail.
    pub verbosity: u8,
    /// `S6_BEHAVIOUR_IF_STAGE2_FAILS`.
    pub behaviour: Behaviour,
    /// `S6_KILL_FINISH_MAXTIME`: the limit for each cont-finish.d script; `None` is without limit.
    pub kill_finish_maxtime: Option<Duration>,
    /// `S6_SERVICES_GRACETIME`: how long services may take to stop; `None` is without limit.
    pub services_gracetime: Option<Duration>,
    /// `S6_KILL_GRACETIME`: how long after the final TERM the KILL comes, at the latest.
    pub kill_gracetime: Duration,
    /// `S6_CMD_ARG0`, split at blanks: words put before the CMD.
    pub cmd_arg0: Vec<OsString>,
    /// `S6_CMD_USE_TERMINAL`: the CMD writes to the terminal even when logs go elsewhere.
    pub cmd_use_terminal: bool,
    /// `S6_CMD_RECEIVE_SIGNALS`: stop signals go to the CMD while it runs.
    pub cmd_receive_signals: bool,
    /// `S6_CMD_WAIT_FOR_SERVICES`: the CMD waits until services.d is up or ready.
    pub cmd_wait_for_services: bool,
    /// `S6_CMD_WAIT_FOR_SERVICES_MAXTIME`: the limit for the whole boot; `None` is without limit.
    pub boot_maxtime: Option<Duration>,
    /// `S6_FIX_ATTRS_HIDDEN`: fix-attrs recursion includes dot-files.
    pub fix_attrs_hidden: bool,
    /// `S6_READ_ONLY_ROOT`: nothing below `/` but `/run` may be written.
    pub read_only_root: bool,
    /// `S6_SYNC_DISKS`: sync file systems before the end.
    pub sync_disks: bool,
    /// `S6_GLOBAL_PATH`: the PATH that counts in place of the container's own.
    pub global_path: Option<OsString>,
    /// `S6_WAIT_FOR_CLOSING_FD`: the inherited descriptor, 3 or higher, whose end is waited for
    /// before anything starts.
    pub wait_for_closing_fd: Option<i32>,
    /// `S6_RUNTIME_PROFILE`: the directory below `/etc/cont-profile.d` that replaces `/etc`.
    pub runtime_profile: Option<OsString>,
    /// `S6_RUNTIME_BUNDLEDIR`: the directory that holds the bundles `user` and `user2`, in place of
    /// `user-bundles.d`.
    pub runtime_bundledir: Option<OsString>,
    /// `S6_STAGE2_HOOK`, split at blanks: a command run before everything else at boot.
    pub stage2_hook: Vec<OsString>,
    /// `SIXFOLD_LOG_FORMAT`.
    pub log_format: LogFormat,
    /// `SIXFOLD_SYSLOG`: what programs send to `/dev/log` is read.
    pub syslog: bool,
    /// `S6_LOGGING`.
    pub logging: Logging,
    /// `S6_LOGGING_SCRIPT`, split at blanks: the script of the catch-all logger, but for its directory.
    pub logging_script: Vec<OsString>,
    /// `S6_CATCHALL_USER`: to whom the directory of the catch-all logger belongs.
    pub catchall_user: Option<OsString>,
}

/// The script of a logger that has no other (s6-overlay: `logutil-service`).
pub const LOGGING_SCRIPT: [&str; 3] = ["n20", "s1000000", "T"];

impl Default for Settings {
    fn default() -> Self {
        Self {
            keep_env: false,
            verbosity: 2,
            behaviour: Behaviour::Continue,
            kill_finish_maxtime: None,
            services_gracetime: Some(Duration::from_millis(3000)),
            kill_gracetime: Duration::from_millis(3000),
            cmd_arg0: Vec::new(),
            cmd_use_terminal: false,
            cmd_receive_signals: false,
            cmd_wait_for_services: false,
            boot_maxtime: None,
            fix_attrs_hidden: false,
            read_only_root: false,
            sync_disks: false,
            global_path: None,
            wait_for_closing_fd: None,
            runtime_profile: None,
            runtime_bundledir: None,
            stage2_hook: Vec::new(),
            log_format: LogFormat::Auto,
            syslog: false,
            logging: Logging::Console,
            logging_script: LOGGING_SCRIPT.map(OsString::from).to_vec(),
            catchall_user: None,
        }
    }
}
