//! The stages of scripts: fix-attrs.d, cont-init.d, cont-finish.d and the stage-2 hook.

use std::time::Duration;

use sixfold_engine::{Exit, Listing};
use sixfold_model::Signal;

use super::{how, millis, parts};

pub(super) fn started(listing: Listing) {
    let stage = listing.label();
    let text = match listing {
        Listing::Hook => None,
        Listing::FixAttrs => Some("[fix-attrs.d] applying ownership & permissions fixes..."),
        Listing::ContInit => Some("[cont-init.d] executing container initialization scripts..."),
        Listing::ContFinish => Some("[cont-finish.d] executing container finish scripts..."),
    };
    tracing::info!(event = "stage.started", stage, text, "{stage} started");
}

pub(super) fn script_started(listing: Listing, name: &str) {
    let stage = listing.label();
    let text = match listing {
        Listing::Hook => None,
        Listing::FixAttrs => Some(format!("[{stage}] {name}: applying... ")),
        Listing::ContInit | Listing::ContFinish => Some(format!("[{stage}] {name}: executing... ")),
    };
    let text = text.as_deref();
    tracing::info!(
        event = "script.started",
        stage,
        script = name,
        text,
        "script started"
    );
}

pub(super) fn script_interrupted(listing: Listing, name: &str, signal: Signal) {
    let (stage, script) = (listing.label(), name);
    let text = format!("[{stage}] {name}: not waiting any longer, sending {signal}.");
    let signal = signal.number();
    let text = text.as_str();
    tracing::warn!(
        event = "script.interrupted",
        stage,
        script,
        signal,
        text,
        "script is told to end"
    );
}

pub(super) fn failed(listing: Listing, failures: usize, fatal: bool) {
    let stage = listing.label();
    let end = if fatal {
        "; the container stops (S6_BEHAVIOUR_IF_STAGE2_FAILS=2)"
    } else {
        ""
    };
    let text = format!("[{stage}] warning: some scripts exited nonzero{end}");
    let text = text.as_str();
    tracing::warn!(
        event = "stage.failed",
        stage,
        failures,
        fatal,
        text,
        "scripts of {stage} failed"
    );
}

pub(super) fn done(listing: Listing) {
    let stage = listing.label();
    let text = (listing != Listing::Hook).then(|| format!("[{stage}] done."));
    let text = text.as_deref();
    tracing::info!(event = "stage.done", stage, text, "{stage} done");
}

pub(super) fn script_exited(
    listing: Listing,
    name: &str,
    pid: Option<i32>,
    exit: Exit,
    duration: Duration,
) {
    let stage = listing.label();
    let (exit_code, signal) = parts(exit);
    let how = how(exit);
    let duration_ms = millis(duration);
    let code = exit.shell_code();
    if exit == Exit::Code(0) {
        let text = (listing != Listing::Hook).then(|| format!("[{stage}] {name}: exited {code}."));
        let text = text.as_deref();
        tracing::info!(
            event = "script.exited",
            stage,
            script = name,
            pid,
            exit_code,
            signal,
            duration_ms,
            text,
            "script {how}"
        );
    } else {
        let text = format!("[{stage}] {name}: exited {code}.");
        let text = text.as_str();
        tracing::warn!(
            event = "script.exited",
            stage,
            script = name,
            pid,
            exit_code,
            signal,
            duration_ms,
            text,
            "script failed: {how}"
        );
    }
}
