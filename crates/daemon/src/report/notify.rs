//! What services say of themselves on their sockets (sd_notify(3)), and who is not heard there.

use std::io;

pub(crate) fn status(service: &str, pid: i32, status: &str) {
    tracing::info!(
        event = "service.status",
        service,
        pid,
        status,
        "service status: {status}"
    );
}

pub(crate) fn errno(service: &str, pid: i32, errno: i32) {
    let error = io::Error::from_raw_os_error(errno);
    tracing::warn!(
        event = "service.errno",
        service,
        pid,
        errno,
        "service reports an error: {error}"
    );
}

pub(crate) fn reloading(service: &str, pid: i32) {
    tracing::info!(
        event = "service.reloading",
        service,
        pid,
        "service reloads its configuration"
    );
}

pub(crate) fn ready_again(service: &str, pid: i32) {
    tracing::info!(event = "service.ready", service, pid, "service ready again");
}

pub(crate) fn ending(service: &str, pid: i32) {
    tracing::info!(
        event = "service.ending",
        service,
        pid,
        "service says that it is about to end"
    );
}

pub(crate) fn main_pid(service: &str, pid: i32, main_pid: i32) {
    tracing::info!(
        event = "notify.main_pid",
        service,
        pid,
        main_pid,
        "service names another main process; the one that run became is supervised all the same"
    );
}

pub(crate) fn main_pid_refused(service: &str, pid: i32, main_pid: i32) {
    tracing::warn!(
        event = "notify.main_pid_refused",
        service,
        pid,
        main_pid,
        mend = "let run become the program (exec), and the program not fork away",
        "service names a main process that is none of its own"
    );
}

pub(crate) fn refused(service: &str, sender: Option<i32>) {
    tracing::warn!(
        event = "notify.refused",
        service,
        sender,
        mend = "let the service's own processes speak on its socket alone",
        "a process that is none of the service's spoke on its socket and is not heard; this is said once"
    );
}

pub(crate) fn too_long(service: &str, most: usize) {
    tracing::warn!(
        event = "notify.too_long",
        service,
        most,
        "service said more at once than is read, and is not heard; this is said once"
    );
}
