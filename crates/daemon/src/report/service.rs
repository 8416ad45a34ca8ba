//! Services: their starts, readiness and deaths.

use std::time::Duration;

use sixfold_engine::Exit;
use sixfold_model::Signal;

use super::{how, millis, parts};

pub(super) fn started(service: &str, pid: i32, repeated: bool) {
    if repeated {
        tracing::debug!(
            event = "service.started",
            service,
            pid,
            "service started again"
        );
    } else {
        tracing::info!(event = "service.started", service, pid, "service started");
    }
}

pub(super) fn ready(service: &str, pid: i32, duration: Duration) {
    let duration_ms = millis(duration);
    tracing::info!(
        event = "service.ready",
        service,
        pid,
        duration_ms,
        "service ready"
    );
}

pub(super) fn exited(
    service: &str,
    pid: i32,
    exit: Exit,
    duration: Duration,
    asked: bool,
    repeated: bool,
) {
    let (exit_code, signal) = parts(exit);
    let how = how(exit);
    let duration_ms = millis(duration);
    if repeated {
        tracing::debug!(
            event = "service.exited",
            service,
            pid,
            exit_code,
            signal,
            duration_ms,
            asked,
            "service died again: {how}"
        );
    } else if asked {
        tracing::info!(
            event = "service.exited",
            service,
            pid,
            exit_code,
            signal,
            duration_ms,
            asked,
            "service stopped: {how}"
        );
    } else {
        tracing::info!(
            event = "service.exited",
            service,
            pid,
            exit_code,
            signal,
            duration_ms,
            asked,
            "service died: {how}"
        );
    }
}

pub(super) fn flapping(service: &str, deaths: u32, exit: Exit) {
    let (exit_code, signal) = parts(exit);
    let how = how(exit);
    let text = format!(
        "sixfold: warning: service {service} dies at once again and again ({deaths} times in a row, last {how}); it is restarted once a second: look at what it prints, or make its finish script exit 125 to give up"
    );
    let text = text.as_str();
    tracing::warn!(
        event = "service.flapping",
        service,
        deaths,
        exit_code,
        signal,
        text,
        "service dies at once again and again"
    );
}

pub(super) fn unstartable(service: &str, tries: u32, retry: Duration) {
    let retry_ms = millis(retry);
    let text = format!(
        "s6-supervise {service}: warning: unable to spawn ./run (waiting {} seconds; tries so far: {tries})",
        retry.as_secs()
    );
    let text = text.as_str();
    tracing::warn!(
        event = "service.unstartable",
        service,
        tries,
        retry_ms,
        text,
        "service could not be started and is tried again"
    );
}

pub(super) fn too_many(service: &str) {
    let text = format!(
        "s6-svscan: warning: unable to start supervisor for {service}: too many services (allow more with s6-svscan -C)"
    );
    let text = text.as_str();
    tracing::warn!(
        event = "service.too_many",
        service,
        text,
        "there are as many services as there may be"
    );
}

pub(super) fn finish_exited(service: &str, pid: i32, exit: Exit, repeated: bool) {
    let (exit_code, signal) = parts(exit);
    let how = how(exit);
    if repeated {
        tracing::debug!(
            event = "finish.exited",
            service,
            pid,
            exit_code,
            signal,
            "finish script {how}"
        );
    } else {
        tracing::info!(
            event = "finish.exited",
            service,
            pid,
            exit_code,
            signal,
            "finish script {how}"
        );
    }
}

pub(super) fn finish_timed_out(service: &str) {
    let text = format!(
        "s6-supervise {service}: warning: finish script lifetime reached maximum value - sending it a SIGKILL"
    );
    let text = text.as_str();
    tracing::warn!(
        event = "finish.killed",
        service,
        mend = "raise timeout-finish (milliseconds) in the service directory",
        text,
        "finish script lifetime reached maximum value - sending it a SIGKILL"
    );
}

pub(super) fn stopping(service: &str, pid: i32, signal: Signal) {
    let signal = signal.number();
    tracing::info!(
        event = "service.stopping",
        service,
        pid,
        signal,
        "service is asked to end"
    );
}

pub(super) fn killed(service: &str, pid: i32) {
    tracing::warn!(
        event = "service.killed",
        service,
        pid,
        "service did not end within timeout-kill and is killed"
    );
}

pub(super) fn watchdog(service: &str, pid: i32, silent: Option<Duration>) {
    let silent_ms = silent.map(millis);
    let what = match silent {
        Some(silent) => format!("has not said WATCHDOG=1 for {} ms", millis(silent)),
        None => "said WATCHDOG=trigger".to_owned(),
    };
    tracing::warn!(
        event = "service.watchdog",
        service,
        pid,
        silent_ms,
        "service {what} and is ended by SIGABRT"
    );
}

pub(super) fn failed(service: &str) {
    tracing::warn!(
        event = "service.failed",
        service,
        "finish script exited 125: the service is not started again"
    );
}
