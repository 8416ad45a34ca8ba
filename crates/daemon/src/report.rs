//! What the engine says, as log events: with fields for JSON, and with the words of s6-overlay v2
//! in brackets for text.

mod boot;
pub(crate) mod notify;
mod rc;
mod service;
mod shutdown;
mod stage;

use std::time::Duration;

use sixfold_engine::{Event, Exit};
use sixfold_model::Signal;

/// Logs one event.
pub(crate) fn report(event: &Event) {
    match event {
        Event::StageStarted(listing) => stage::started(*listing),
        Event::ScriptStarted { listing, name } => stage::script_started(*listing, name),
        Event::ScriptExited {
            listing,
            name,
            pid,
            exit,
            duration,
        } => stage::script_exited(*listing, name, *pid, *exit, *duration),
        Event::ScriptInterrupted {
            listing,
            name,
            signal,
        } => stage::script_interrupted(*listing, name, *signal),
        Event::StageFailed {
            listing,
            failures,
            fatal,
        } => stage::failed(*listing, *failures, *fatal),
        Event::StageDone(listing) => stage::done(*listing),
        Event::ServiceStarted {
            service,
            pid,
            repeated,
        } => service::started(service, *pid, *repeated),
        Event::ServiceReady {
            service,
            pid,
            duration,
        } => service::ready(service, *pid, *duration),
        Event::ServiceExited {
            service,
            pid,
            exit,
            duration,
            asked,
            repeated,
        } => service::exited(service, *pid, *exit, *duration, *asked, *repeated),
        Event::ServiceFlapping {
            service,
            deaths,
            exit,
        } => service::flapping(service, *deaths, *exit),
        Event::ServiceUnstartable {
            service,
            tries,
            retry,
        } => service::unstartable(service, *tries, *retry),
        Event::FinishExited {
            service,
            pid,
            exit,
            repeated,
        } => service::finish_exited(service, *pid, *exit, *repeated),
        Event::FinishTimedOut { service } => service::finish_timed_out(service),
        Event::ServiceStopping {
            service,
            pid,
            signal,
        } => service::stopping(service, *pid, *signal),
        Event::ServiceKilled { service, pid } => service::killed(service, *pid),
        Event::ServiceWatchdog {
            service,
            pid,
            silent,
        } => service::watchdog(service, *pid, *silent),
        Event::ServiceFailed { service } => service::failed(service),
        Event::ServicesStarting => boot::services_starting(),
        Event::ServicesStarted { count, duration } => boot::services_started(*count, *duration),
        Event::BootTimedOut { waiting, fatal } => boot::boot_timed_out(waiting, *fatal),
        Event::CmdStarted { pid, program } => boot::cmd_started(*pid, program),
        Event::CmdExited {
            program,
            pid,
            exit,
            duration,
        } => boot::cmd_exited(program, *pid, *exit, *duration),
        Event::CmdSignalled { signal } => boot::cmd_signalled(*signal),
        Event::RcBegun {
            service,
            transition,
        } => rc::begun(service, *transition),
        Event::RcDone {
            service,
            transition,
        } => rc::done(service, *transition),
        Event::RcFailed {
            service,
            transition,
            exit,
        } => rc::failed(service, *transition, *exit),
        Event::RcIncomplete { services, fatal } => rc::incomplete(services, *fatal),
        Event::TooManyServices { service } => service::too_many(service),
        Event::GraceExpired { services } => shutdown::grace_expired(services),
        Event::StopRequested(cause) => shutdown::stop_requested(cause),
        Event::KillRequested => shutdown::kill_requested(),
        Event::FinalTerm => shutdown::final_term(),
        Event::FinalKill => shutdown::final_kill(),
        Event::Unkillable => shutdown::unkillable(),
    }
}

/// Whether s6-supervise or s6-svscan says it too.
pub(crate) fn is_told_by_s6(event: &Event) -> bool {
    matches!(
        event,
        Event::ServiceUnstartable { .. }
            | Event::FinishTimedOut { .. }
            | Event::TooManyServices { .. }
    )
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

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
