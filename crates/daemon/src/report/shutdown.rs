//! The stop, from the request to the last KILL.

use sixfold_engine::{Cause, Origin};

pub(super) fn grace_expired(services: &[String]) {
    let services = services.join(", ");
    let text = format!("[s6-finish] not waiting any longer for: {services}.");
    let text = text.as_str();
    tracing::warn!(
        event = "shutdown.grace_expired",
        services,
        text,
        "the stop goes on without what does not end"
    );
}

pub(super) fn kill_requested() {
    tracing::warn!(
        event = "shutdown.kill_requested",
        "second stop signal: killing everything now"
    );
}

pub(super) fn final_term() {
    let text = "[s6-finish] sending all processes the TERM signal.";
    tracing::info!(
        event = "shutdown.term",
        text,
        "sending all processes the TERM signal"
    );
}

pub(super) fn final_kill() {
    let text = "[s6-finish] sending all processes the KILL signal and exiting.";
    tracing::info!(
        event = "shutdown.kill",
        text,
        "sending all processes the KILL signal and exiting"
    );
}

pub(super) fn unkillable() {
    tracing::error!(
        event = "shutdown.unkillable",
        "processes are left that do not end on KILL"
    );
}

pub(super) fn stop_requested(cause: &Cause) {
    let (cause, signal) = match cause {
        Cause::Signal {
            signal,
            origin: Origin::Outside,
        } => ("signal", Some(signal.number())),
        Cause::Signal {
            signal,
            origin: Origin::Inside,
        } => ("signal from inside", Some(signal.number())),
        Cause::Command => ("command", None),
        Cause::CmdEnded => ("cmd ended", None),
        Cause::BootFailed => ("boot failed", None),
    };
    tracing::info!(
        event = "shutdown.requested",
        cause,
        signal,
        "the container stops"
    );
}
