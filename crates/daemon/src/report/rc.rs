//! The services of s6-rc: what is brought up and taken down, in the words of s6-rc.

use sixfold_engine::Exit;
use sixfold_engine::event::Transition;

use super::{how, parts};

pub(super) fn begun(service: &str, transition: Transition) {
    match transition {
        Transition::Start => {
            let text = format!("s6-rc: info: service {service}: starting");
            let text = text.as_str();
            tracing::info!(
                event = "rc.starting",
                service,
                text,
                "service is brought up"
            );
        }
        Transition::Stop => {
            let text = format!("s6-rc: info: service {service}: stopping");
            let text = text.as_str();
            tracing::info!(
                event = "rc.stopping",
                service,
                text,
                "service is taken down"
            );
        }
    }
}

pub(super) fn done(service: &str, transition: Transition) {
    match transition {
        Transition::Start => {
            let text = format!("s6-rc: info: service {service} successfully started");
            let text = text.as_str();
            tracing::info!(event = "rc.started", service, text, "service is up");
        }
        Transition::Stop => {
            let text = format!("s6-rc: info: service {service} successfully stopped");
            let text = text.as_str();
            tracing::info!(event = "rc.stopped", service, text, "service is down");
        }
    }
}

pub(super) fn failed(service: &str, transition: Transition, exit: Exit) {
    let (verb, direction) = match transition {
        Transition::Start => ("start", "up"),
        Transition::Stop => ("stop", "down"),
    };
    let end = match exit {
        Exit::Code(code) => format!("exited {code}"),
        Exit::Signal(number) => format!("crashed with signal {number}"),
    };
    let text = format!("s6-rc: warning: unable to {verb} service {service}: command {end}");
    let text = text.as_str();
    let (exit_code, signal) = parts(exit);
    let how = how(exit);
    tracing::warn!(
        event = "rc.failed",
        service,
        direction,
        exit_code,
        signal,
        text,
        "service could not be brought {direction}: {how}"
    );
}

pub(super) fn incomplete(services: &[String], fatal: bool) {
    let services = services.join(", ");
    let end = if fatal {
        "; the container stops (S6_BEHAVIOUR_IF_STAGE2_FAILS=2)"
    } else {
        ""
    };
    let text = format!(
        "sixfold: warning: s6-rc failed to properly bring all the services up! Not up: {services}{end}"
    );
    let text = text.as_str();
    tracing::warn!(
        event = "rc.incomplete",
        services,
        fatal,
        text,
        "not all services of s6-rc are up"
    );
}
