//! What the engine says, as log events: with fields for JSON, and with the words of s6-overlay v2
//! in brackets for text.

use std::time::Duration;

use sixfold_engine::{Cause, Event, Exit, Listing, Origin};
use sixfold_model::Signal;

/// Logs one event.
pub(crate) fn report(event: &Event) {
    match event {
        Event::StageStarted(_)
        | Event::ScriptStarted { .. }
        | Event::ScriptExited { .. }
        | Event::ScriptInterrupted { .. }
        | Event::StageFailed { .. }
        | Event::StageDone(_) => stage(event),
        Event::ServiceStarted { .. }
        | Event::ServiceReady { .. }
        | Event::ServiceExited { .. }
        | Event::ServiceFlapping { .. }
        | Event::ServiceUnstartable { .. }
        | Event::FinishExited { .. }
        | Event::FinishTimedOut { .. }
        | Event::ServiceStopping { .. }
        | Event::ServiceKilled { .. }
        | Event::ServiceFailed { .. } => service(event),
        Event::ServicesStarting
        | Event::ServicesStarted { .. }
        | Event::BootTimedOut { .. }
        | Event::CmdStarted { .. }
        | Event::CmdExited { .. }
        | Event::CmdSignalled { .. } => boot(event),
        Event::GraceExpired { .. }
        | Event::StopRequested(_)
        | Event::KillRequested
        | Event::FinalTerm
        | Event::FinalKill
        | Event::Unkillable => shutdown(event),
    }
}

/// The fields of an end: `exit_code` or `signal`.
fn parts(exit: Exit) -> (Option<i32>, Option<i32>) {
    match exit {
        Exit::Code(code) => (Some(code), None),
        Exit::Signal(number) => (None, Some(number)),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn how(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exited {code}"),
        Exit::Signal(number) => match Signal::from_number(number) {
            Some(signal) => format!("killed by {signal}"),
            None => format!("killed by signal {number}"),
        },
    }
}

fn stage(event: &Event) {
    match event {
        Event::StageStarted(listing) => {
            let stage = listing.label();
            let text = match listing {
                Listing::Hook => None,
                Listing::FixAttrs => {
                    Some("[fix-attrs.d] applying ownership & permissions fixes...")
                }
                Listing::ContInit => {
                    Some("[cont-init.d] executing container initialization scripts...")
                }
                Listing::ContFinish => {
                    Some("[cont-finish.d] executing container finish scripts...")
                }
            };
            tracing::info!(event = "stage.started", stage, text, "{stage} started");
        }
        Event::ScriptStarted { listing, name } => {
            let stage = listing.label();
            let text = match listing {
                Listing::Hook => None,
                Listing::FixAttrs => Some(format!("[{stage}] {name}: applying... ")),
                Listing::ContInit | Listing::ContFinish => {
                    Some(format!("[{stage}] {name}: executing... "))
                }
            };
            let text = text.as_deref();
            tracing::info!(
                event = "script.started",
                stage,
                script = name.as_str(),
                text,
                "script started"
            );
        }
        Event::ScriptExited {
            listing,
            name,
            pid,
            exit,
            duration,
        } => {
            script_exited(*listing, name, *pid, *exit, *duration);
        }
        Event::ScriptInterrupted {
            listing,
            name,
            signal,
        } => {
            let (stage, script) = (listing.label(), name.as_str());
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
        Event::StageFailed {
            listing,
            failures,
            fatal,
        } => {
            let stage = listing.label();
            let end = if *fatal {
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
        Event::StageDone(listing) => {
            let stage = listing.label();
            let text = (*listing != Listing::Hook).then(|| format!("[{stage}] done."));
            let text = text.as_deref();
            tracing::info!(event = "stage.done", stage, text, "{stage} done");
        }
        _ => {}
    }
}

fn script_exited(listing: Listing, name: &str, pid: Option<i32>, exit: Exit, duration: Duration) {
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

fn service(event: &Event) {
    match event {
        Event::ServiceStarted { service, pid } => {
            tracing::info!(
                event = "service.started",
                service = service.as_str(),
                pid,
                "service started"
            );
        }
        Event::ServiceReady {
            service,
            pid,
            duration,
        } => {
            let duration_ms = millis(*duration);
            tracing::info!(
                event = "service.ready",
                service = service.as_str(),
                pid,
                duration_ms,
                "service ready"
            );
        }
        Event::ServiceExited {
            service,
            pid,
            exit,
            duration,
            asked,
            repeated,
        } => {
            let (exit_code, signal) = parts(*exit);
            let how = how(*exit);
            let duration_ms = millis(*duration);
            let service = service.as_str();
            if *repeated {
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
            } else if *asked {
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
        Event::ServiceFlapping {
            service,
            deaths,
            exit,
        } => {
            let (exit_code, signal) = parts(*exit);
            let how = how(*exit);
            let text = format!(
                "sixfold: warning: service {service} dies at once again and again ({deaths} times in a row, last {how}); it is restarted once a second: look at what it prints, or make its finish script exit 125 to give up"
            );
            let text = text.as_str();
            tracing::warn!(
                event = "service.flapping",
                service = service.as_str(),
                deaths,
                exit_code,
                signal,
                text,
                "service dies at once again and again"
            );
        }
        Event::ServiceUnstartable { service, retry } => {
            let retry_ms = millis(*retry);
            tracing::warn!(
                event = "service.unstartable",
                service = service.as_str(),
                retry_ms,
                "service could not be started and is tried again"
            );
        }
        Event::FinishExited { service, pid, exit } => {
            let (exit_code, signal) = parts(*exit);
            let how = how(*exit);
            tracing::info!(
                event = "finish.exited",
                service = service.as_str(),
                pid,
                exit_code,
                signal,
                "finish script {how}"
            );
        }
        Event::FinishTimedOut { service } => {
            tracing::warn!(
                event = "finish.killed",
                service = service.as_str(),
                mend = "raise timeout-finish (milliseconds) in the service directory",
                "finish script lifetime reached maximum value - sending it a SIGKILL"
            );
        }
        Event::ServiceStopping {
            service,
            pid,
            signal,
        } => {
            let signal = signal.number();
            tracing::info!(
                event = "service.stopping",
                service = service.as_str(),
                pid,
                signal,
                "service is asked to end"
            );
        }
        Event::ServiceKilled { service, pid } => {
            tracing::warn!(
                event = "service.killed",
                service = service.as_str(),
                pid,
                "service did not end within timeout-kill and is killed"
            );
        }
        Event::ServiceFailed { service } => {
            tracing::warn!(
                event = "service.failed",
                service = service.as_str(),
                "finish script exited 125: the service is not started again"
            );
        }
        _ => {}
    }
}

fn boot(event: &Event) {
    match event {
        Event::ServicesStarting => {
            let text = "[services.d] starting services";
            tracing::info!(
                event = "stage.started",
                stage = "services.d",
                text,
                "starting services"
            );
        }
        Event::ServicesStarted { count, duration } => {
            let duration_ms = millis(*duration);
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
        Event::BootTimedOut { waiting, fatal } => {
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
        Event::CmdStarted { pid, program } => {
            tracing::info!(
                event = "cmd.started",
                service = "cmd",
                pid,
                program = program.as_str(),
                "cmd started"
            );
        }
        Event::CmdExited {
            program,
            pid,
            exit,
            duration,
        } => {
            let (exit_code, signal) = parts(*exit);
            let how = how(*exit);
            let duration_ms = millis(*duration);
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
        Event::CmdSignalled { signal } => {
            let signal = signal.number();
            tracing::info!(
                event = "cmd.signalled",
                service = "cmd",
                signal,
                "signal passed on to the cmd"
            );
        }
        _ => {}
    }
}

fn shutdown(event: &Event) {
    match event {
        Event::GraceExpired { services } => {
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
        Event::StopRequested(cause) => stop_requested(cause),
        Event::KillRequested => {
            tracing::warn!(
                event = "shutdown.kill_requested",
                "second stop signal: killing everything now"
            );
        }
        Event::FinalTerm => {
            let text = "[s6-finish] sending all processes the TERM signal.";
            tracing::info!(
                event = "shutdown.term",
                text,
                "sending all processes the TERM signal"
            );
        }
        Event::FinalKill => {
            let text = "[s6-finish] sending all processes the KILL signal and exiting.";
            tracing::info!(
                event = "shutdown.kill",
                text,
                "sending all processes the KILL signal and exiting"
            );
        }
        Event::Unkillable => {
            tracing::error!(
                event = "shutdown.unkillable",
                "processes are left that do not end on KILL"
            );
        }
        _ => {}
    }
}

fn stop_requested(cause: &Cause) {
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
