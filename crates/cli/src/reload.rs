//! `sixfold reload [--dry-run]`: the services of the running container are read again from their sources,
//! and only what changed is restarted. What differs and what becomes of it is printed.

use std::ffi::OsString;
use std::path::Path;

use lexopt::Arg;
use sixfold_protocol::live::{Difference, Outcome, Reply, Request, Transition};
use sixfold_protocol::paths::RC;

use crate::complain::{self, ExitCode, FAILED, SYSTEM, say};
use crate::rc::live::Live;

const NAME: &str = "sixfold reload";
const SYNOPSIS: &str = "sixfold reload [ --dry-run ]";
/// The exit code for wrong usage, as `sixfold check` has it.
const WRONG_USAGE: u8 = 2;

/// The command.
pub(crate) fn reload(args: Vec<OsString>) -> ExitCode {
    match read(args) {
        Some(Order::Reload { simulate }) => carry_out(simulate),
        Some(Order::Help) => help(),
        None => {
            let _ = complain::usage(NAME, SYNOPSIS);
            ExitCode::from(WRONG_USAGE)
        }
    }
}

/// What the command line says.
#[derive(Debug, PartialEq, Eq)]
enum Order {
    Reload { simulate: bool },
    Help,
}

fn read(args: Vec<OsString>) -> Option<Order> {
    let mut parser = lexopt::Parser::from_args(args);
    let mut simulate = false;
    while let Some(arg) = parser.next().ok()? {
        match arg {
            Arg::Long("dry-run") | Arg::Short('n') => simulate = true,
            Arg::Long("help") | Arg::Short('h') => return Some(Order::Help),
            Arg::Long(_) | Arg::Short(_) | Arg::Value(_) => return None,
        }
    }
    Some(Order::Reload { simulate })
}

fn carry_out(simulate: bool) -> ExitCode {
    let broken = |error| complain::fatal(NAME, error, SYSTEM);
    let mut live = match Live::connect(Path::new(RC)) {
        Ok(live) => live,
        Err(error) => return broken(error),
    };
    if let Err(error) = live.ask(&Request::Reload { simulate }, false) {
        return broken(error);
    }
    let mut is_news = false;
    for reply in live.replies() {
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) => return broken(error),
        };
        if let Reply::Ended { outcome } = &reply {
            return end(outcome, is_news);
        }
        tell(&reply, simulate);
        is_news |= !matches!(reply, Reply::Said { .. });
    }
    ExitCode::from(SYSTEM)
}

/// Prints what a reply says.
fn tell(reply: &Reply, simulate: bool) {
    match reply {
        Reply::Differs { service, how, what } => say(difference(service, *how, what)),
        Reply::Begun {
            service,
            transition,
        } => {
            let verb = match transition {
                Transition::Start => "start",
                Transition::Stop => "stop",
            };
            let would = if simulate { "would " } else { "" };
            say(format_args!("{would}{verb} {service}"));
        }
        Reply::Done { .. } | Reply::Status { .. } | Reply::Ended { .. } => {}
        Reply::Failed {
            service,
            transition,
            code,
            signal,
        } => {
            let way = match transition {
                Transition::Start => "up",
                Transition::Stop => "down",
            };
            let how = match (code, signal) {
                (_, Some(signal)) => format!("signal {signal}"),
                (Some(code), None) => format!("exit code {code}"),
                (None, None) => "for no known reason".to_owned(),
            };
            complain::error(NAME, format_args!("{service} did not get {way}: {how}"));
        }
        Reply::Kept { service } => {
            complain::warn(NAME, format_args!("{service} is essential, and stays up"));
        }
        Reply::Said {
            is_error: true,
            text,
        } => complain::error(NAME, text),
        Reply::Said {
            is_error: false,
            text,
        } => complain::warn(NAME, text),
    }
}

fn difference(service: &str, how: Difference, what: &[String]) -> String {
    match how {
        Difference::Added => format!("+ {service}"),
        Difference::Removed => format!("- {service}"),
        Difference::Changed => format!("~ {service}: {}", what.join(", ")),
    }
}

fn end(outcome: &Outcome, is_news: bool) -> ExitCode {
    match outcome {
        Outcome::Done => {
            if !is_news {
                say("nothing differs");
            }
            ExitCode::SUCCESS
        }
        Outcome::Failed => {
            let message = "not every service is where it should be (see s6-rc diff, and the log)";
            complain::fatal(NAME, message, FAILED)
        }
        Outcome::TimedOut => complain::fatal(NAME, "it took too long", FAILED),
        Outcome::Busy => {
            let message = "the container boots or stops, or s6-rc is at work: try again later";
            complain::fatal(NAME, message, SYSTEM)
        }
        Outcome::Unknown { name } => {
            complain::fatal(NAME, format_args!("there is no service {name}"), FAILED)
        }
        Outcome::Refused { reason } => complain::fatal(NAME, reason, FAILED),
    }
}

fn help() -> ExitCode {
    say(format_args!("Usage: {SYNOPSIS}\n"));
    say(
        "Reads the services of s6-rc of the running container again, prints what differs (+ new, - gone,\n\
         ~ changed), and applies it: only what changed is restarted, with what needs it. What was brought\n\
         up or taken down by hand stays so. Nothing is changed if a service that is there would be lost to\n\
         a mistake in the sources.\n\n  \
         -n, --dry-run    print what differs and what would be stopped and started\n\n\
         Exit codes: 0 done, 1 refused or not every service got where it should, 2 usage, 111 nobody to\n\
         ask, or busy.",
    );
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_few() {
        let read = |words: &[&str]| read(words.iter().map(OsString::from).collect());
        assert_eq!(read(&[]), Some(Order::Reload { simulate: false }));
        assert_eq!(read(&["--dry-run"]), Some(Order::Reload { simulate: true }));
        assert_eq!(read(&["-n"]), Some(Order::Reload { simulate: true }));
        assert_eq!(read(&["--help"]), Some(Order::Help));
        assert_eq!(read(&["web"]), None);
        assert_eq!(read(&["-x"]), None);
    }

    #[test]
    fn differences_are_a_line_each() {
        let what = ["run".to_owned(), "dependencies".to_owned()];
        assert_eq!(difference("web", Difference::Added, &[]), "+ web");
        assert_eq!(difference("web", Difference::Removed, &[]), "- web");
        assert_eq!(
            difference("web", Difference::Changed, &what),
            "~ web: run, dependencies"
        );
    }
}
