//! What `s6-rc` prints of the replies that it gets, in s6-rc's words, and the exit code that an
//! outcome comes to.

use std::fmt;
use std::path::Path;

use sixfold_protocol::live::{Difference, Outcome, Reply, Transition};

use crate::complain::{self, ExitCode, FAILED, SYSTEM};

/// Under this name messages about services are printed, whatever command they come from.
pub(super) const NAME: &str = "s6-rc";
/// It took too long.
pub(super) const TIMED_OUT: u8 = 2;
/// There is no such name.
pub(super) const UNKNOWN: u8 = 3;
/// From here on warnings are printed.
pub(super) const WARNINGS: u32 = 1;
/// From here on it is said what is done.
pub(super) const PROGRESS: u32 = 2;
/// From here on it is said what need not be done.
pub(super) const DETAIL: u32 = 3;

/// A line that is printed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// With `info: ` before it.
    Info(String),
    /// With `warning: ` before it.
    Warning(String),
    /// With `error: ` before it.
    Error(String),
}

impl Line {
    /// Prints it on standard error.
    pub(super) fn print(&self) {
        match self {
            Self::Info(text) => complain::info(NAME, text),
            Self::Warning(text) => complain::warn(NAME, text),
            Self::Error(text) => complain::error(NAME, text),
        }
    }
}

/// What is printed for a reply at a verbosity.
pub(super) fn line(reply: &Reply, verbosity: u32) -> Option<Line> {
    let progress = |text: String| (verbosity >= PROGRESS).then_some(Line::Info(text));
    let warning = |text: String| (verbosity >= WARNINGS).then_some(Line::Warning(text));
    match reply {
        Reply::Begun {
            service,
            transition,
        } => progress(format!("service {service}: {}", during(*transition))),
        Reply::Done {
            service,
            transition,
        } => progress(succeeded(service, *transition)),
        Reply::Failed {
            service,
            transition,
            code,
            signal,
        } => {
            let why = match (code, signal) {
                (Some(code), _) => format!(": command exited {code}"),
                (None, Some(signal)) => format!(": command crashed with signal {signal}"),
                (None, None) => String::new(),
            };
            let verb = verb(*transition);
            warning(format!("unable to {verb} service {service}{why}"))
        }
        Reply::Kept { service } => warning(kept(service)),
        Reply::Differs { service, how, what } => {
            let how = match how {
                Difference::Added => "is new",
                Difference::Removed => "is gone",
                Difference::Changed => "differs",
            };
            let what = if what.is_empty() {
                String::new()
            } else {
                format!(": {}", what.join(", "))
            };
            progress(format!("service {service} {how}{what}"))
        }
        Reply::Said {
            is_error: true,
            text,
        } => Some(Line::Error(text.clone())),
        Reply::Said {
            is_error: false,
            text,
        } => warning(text.clone()),
        Reply::Status { .. } | Reply::Ended { .. } => None,
    }
}

/// That an essential service is not stopped.
pub(super) fn kept(service: &str) -> String {
    format!("service {service} is marked as essential, not stopping it")
}

/// That a service got where it should.
pub(super) fn succeeded(service: &str, transition: Transition) -> String {
    let participle = match transition {
        Transition::Start => "started",
        Transition::Stop => "stopped",
    };
    format!("service {service} successfully {participle}")
}

/// What a service is doing on its way.
pub(super) fn during(transition: Transition) -> &'static str {
    match transition {
        Transition::Start => "starting",
        Transition::Stop => "stopping",
    }
}

fn verb(transition: Transition) -> &'static str {
    match transition {
        Transition::Start => "start",
        Transition::Stop => "stop",
    }
}

/// Where a service is after a transition.
pub(super) fn direction(transition: Transition) -> &'static str {
    match transition {
        Transition::Start => "up",
        Transition::Stop => "down",
    }
}

/// What is said at the end, if anything is, and the exit code. `live` is the live directory, as the
/// command was given it.
pub(super) fn verdict(outcome: &Outcome, live: &Path) -> (Option<String>, u8) {
    match outcome {
        Outcome::Done => (None, 0),
        Outcome::Failed => (None, FAILED),
        Outcome::TimedOut => (Some("timed out".to_owned()), TIMED_OUT),
        Outcome::Busy => {
            let message = "unable to take locks: Device or resource busy";
            (Some(message.to_owned()), SYSTEM)
        }
        Outcome::Unknown { name } => (Some(unknown(name, live)), UNKNOWN),
        Outcome::Refused { reason } => (Some(reason.clone()), SYSTEM),
    }
}

/// Says what an outcome comes to, in the name of s6-rc, and gives the exit code.
pub(super) fn end(outcome: &Outcome, live: &Path) -> ExitCode {
    match verdict(outcome, live) {
        (Some(message), code) => complain::fatal(NAME, message, code),
        (None, code) => ExitCode::from(code),
    }
}

/// That a name means nothing. s6-rc keeps names in a file of its own, which scripts may look for.
pub(super) fn unknown(name: impl fmt::Display, live: &Path) -> String {
    let live = live.display();
    format!("{name} is not a recognized identifier in {live}/resolve.cdb")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(transition: Transition, code: Option<i32>, signal: Option<i32>) -> Reply {
        Reply::Failed {
            service: "x".to_owned(),
            transition,
            code,
            signal,
        }
    }

    #[test]
    fn replies_are_told_in_the_words_of_s6_rc() {
        let service = || "x".to_owned();
        let (start, stop) = (Transition::Start, Transition::Stop);
        let begun = |transition| Reply::Begun {
            service: service(),
            transition,
        };
        let done = |transition| Reply::Done {
            service: service(),
            transition,
        };
        let differs = |what: &[&str]| Reply::Differs {
            service: service(),
            how: Difference::Changed,
            what: what.iter().map(|&it| it.to_owned()).collect(),
        };
        let said = |is_error| Reply::Said {
            is_error,
            text: "text".to_owned(),
        };
        let outcome = Outcome::Done;
        for (reply, from, expected) in [
            (begun(start), 2, "info: service x: starting"),
            (begun(stop), 2, "info: service x: stopping"),
            (done(start), 2, "info: service x successfully started"),
            (done(stop), 2, "info: service x successfully stopped"),
            (
                failed(start, Some(42), None),
                1,
                "warning: unable to start service x: command exited 42",
            ),
            (
                failed(stop, None, Some(15)),
                1,
                "warning: unable to stop service x: command crashed with signal 15",
            ),
            (
                failed(stop, None, None),
                1,
                "warning: unable to stop service x",
            ),
            (
                Reply::Kept { service: service() },
                1,
                "warning: service x is marked as essential, not stopping it",
            ),
            (
                differs(&["run", "dependencies"]),
                2,
                "info: service x differs: run, dependencies",
            ),
            (differs(&[]), 2, "info: service x differs"),
            (said(true), 0, "error: text"),
            (said(false), 1, "warning: text"),
            (Reply::Ended { outcome }, u32::MAX, ""),
        ] {
            let shown = |verbosity| match line(&reply, verbosity) {
                Some(Line::Info(text)) => format!("info: {text}"),
                Some(Line::Warning(text)) => format!("warning: {text}"),
                Some(Line::Error(text)) => format!("error: {text}"),
                None => String::new(),
            };
            assert_eq!(shown(from), expected);
            assert!(from == 0 || shown(from - 1).is_empty(), "{expected}");
        }
    }

    #[test]
    fn outcomes_have_the_exit_codes_of_s6_rc() {
        let name = "x".to_owned();
        let reason = "no".to_owned();
        for (outcome, message, code) in [
            (Outcome::Done, None, 0),
            (Outcome::Failed, None, 1),
            (Outcome::TimedOut, Some("timed out"), 2),
            (
                Outcome::Unknown { name },
                Some("x is not a recognized identifier in /live/resolve.cdb"),
                3,
            ),
            (
                Outcome::Busy,
                Some("unable to take locks: Device or resource busy"),
                111,
            ),
            (Outcome::Refused { reason }, Some("no"), 111),
        ] {
            let found = verdict(&outcome, Path::new("/live"));
            assert_eq!(found, (message.map(str::to_owned), code));
        }
    }
}
