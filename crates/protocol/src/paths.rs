//! Where things are at run time. The paths are those of s6-overlay, of both generations; scripts
//! of real images name them.

/// Everything that is written at run time lies below this directory.
pub const RUN: &str = "/run";
/// The same directory under its old name, for images made for s6-overlay v1 and v2.
pub const VAR_RUN: &str = "/var/run";
/// The state of s6-overlay.
pub const STATE: &str = "/run/s6";
/// One file for each variable of the container's environment.
pub const CONTAINER_ENVIRONMENT: &str = "/run/s6/container_environment";
/// One file for each variable that cont-finish.d scripts see (s6-overlay v1 and v2).
pub const ENV_STAGE3: &str = "/run/s6/env-stage3";
/// The variable in [`ENV_STAGE3`] that holds the container's exit code.
pub const STAGE2_EXITED: &str = "S6_STAGE2_EXITED";
/// Where the copies of services.d live: each service's working directory.
pub const LEGACY_SERVICES: &str = "/run/s6/legacy-services";
/// Where the sockets lie on which services announce themselves ([`crate::notify`]).
pub const NOTIFY: &str = "/run/s6/notify";
/// The same socket in a service directory that lies somewhere else.
pub const NOTIFY_HERE: &str = "notify-socket";
/// Copies of scripts that had to be cleaned of carriage returns.
pub const CLEANED_SCRIPTS: &str = "/run/s6/cleaned";
/// `halt`, `poweroff`, `reboot` and `shutdown`, as s6-overlay v3 places them.
pub const BASEDIR_BIN: &str = "/run/s6/basedir/bin";
/// The CMD's working directory, as s6-overlay v3 notes it.
pub const WORKDIR: &str = "/run/s6/workdir";
/// The directory of the compiled database, below [`RC`].
pub const RC_COMPILED: &str = "compiled";
/// The file in a compiled database that holds all of it.
pub const RC_DATABASE: &str = "db";
/// The directory in a compiled database that holds the service directories of its longruns.
pub const RC_DATABASE_SERVICES: &str = "servicedirs";
/// The directory of the catch-all logger (`S6_LOGGING`).
pub const UNCAUGHT_LOGS: &str = "/run/uncaught-logs";
/// Its name in s6-overlay v1 and v2.
pub const OLD_UNCAUGHT_LOGS: &str = "/var/log/s6-uncaught-logs";
/// The scan directory.
pub const SCANDIR: &str = "/run/service";
/// The scan directory's name in s6-overlay v1 and v2, below [`STATE`].
pub const OLD_SCANDIR: &str = "/run/s6/services";
/// The state of s6-rc.
pub const RC: &str = "/run/s6-rc";
/// The service directories of its longruns: each is a working directory too.
pub const RC_SERVICEDIRS: &str = "/run/s6-rc/servicedirs";
/// The working directory of its oneshots.
pub const RC_ONESHOTS: &str = "/run/s6-rc/servicedirs/s6rc-oneshot-runner";
/// The directory inside a scan directory that its supervisor keeps to itself.
pub const SVSCAN: &str = ".s6-svscan";
/// Where the exit code's file lies.
pub const RESULTS: &str = "/run/s6-linux-init-container-results";
/// The file that holds the container's exit code.
pub const EXIT_CODE: &str = "/run/s6-linux-init-container-results/exitcode";
/// The four directories of user scripts, and where a profile replaces them.
pub const ETC: &str = "/etc";
/// Where profiles lie (`S6_RUNTIME_PROFILE`).
pub const PROFILES: &str = "/etc/cont-profile.d";
/// The directory in a service directory that its supervisor keeps to itself.
pub const SUPERVISE: &str = "supervise";
/// Locked by the supervisor for as long as it is there.
pub const LOCK: &str = "supervise/lock";
/// The FIFO that the supervisor reads control bytes from.
pub const CONTROL: &str = "supervise/control";
/// What the service is doing.
pub const STATUS: &str = "supervise/status";
/// How it died.
pub const DEATH_TALLY: &str = "supervise/death_tally";
/// What `run` locks where `lock-fd` asks for that.
pub const SERVICE_LOCK: &str = "supervise/service-lock";
/// The fifodir in a service directory.
pub const EVENT: &str = "event";
/// The scan directory's own lock, below [`SVSCAN`].
pub const SCAN_LOCK: &str = ".s6-svscan/lock";
/// The scan directory's FIFO of control bytes.
pub const SCAN_CONTROL: &str = ".s6-svscan/control";
/// The scan directory's socket, on which the commands of s6-rc ask ([`crate::live`]).
pub const REQUESTS: &str = ".s6-svscan/requests";
/// The link in a live directory of s6-rc that leads to the scan directory.
pub const RC_SCANDIR: &str = "scandir";
/// The file in a live directory that holds what is put before the names of longruns in the scan
/// directory.
pub const RC_PREFIX: &str = "prefix";
/// The directory beside those of the longruns in which oneshots run.
pub const RC_ONESHOT_RUNNER: &str = "s6rc-oneshot-runner";
