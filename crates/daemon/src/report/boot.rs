//! The services stage, and the CMD.

use std::time::Duration;

use sixfold_engine::Exit;
use sixfold_model::Signal;

use super::{how, millis, parts};

pub(super) fn services_starting() {
    let text = "[services.d] starting services";
    tracing::info!(
        event = "stage.started",
        stage = "services.d",
        text,
        "starting services"
    );
}

pub(super) fn services_started(count: usize, duration: Duration) {
    let duration_ms = millis(duration);
    let text = "[services.d] done.";
    tracing::info!(
        event = "stage.done",
        stage = "services.d",
        services = count,
        duration_ms,
        text,
        "services started"
    );
}

pub(super) fn boot_timed_out(waiting: &[String], fatal: bool) {
    let waiting = waiting.join(", ");
    let mend = "raise S6_CMD_WAIT_FOR_SERVICES_MAXTIME (milliseconds, 0 for no limit)";
    tracing::error!(
        event = "boot.timed_out",
        waiting,
        fatal,
        mend,
        "boot timed out"
    );
}

pub(super) fn cmd_started(pid: i32, program: &str) {
    tracing::info!(
        event = "cmd.started",
        service = "cmd",
        pid,
        program,
        "cmd started"
    );
}

pub(super) fn cmd_exited(program: &str, pid: Option<i32>, exit: Exit, duration: Duration) {
    let (exit_code, signal) = parts(exit);
    let how = how(exit);
    let duration_ms = millis(duration);
    let text = format!("[cmd] {program} exited {}", exit.shell_code());
    let text = text.as_str();
    tracing::info!(
        event = "cmd.exited",
        service = "cmd",
        pid,
        exit_code,
        signal,
        duration_ms,
        text,
        "cmd {how}"
    );
}

pub(super) fn cmd_signalled(signal: Signal) {
    let signal = signal.number();
    tracing::info!(
        event = "cmd.signalled",
        service = "cmd",
        signal,
        "signal passed on to the cmd"
    );
}
