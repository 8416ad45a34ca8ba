//! `halt`, `poweroff`, `reboot` and `shutdown`, as s6-overlay v3 has them in
//! `/run/s6/basedir/bin`. In a container all of them mean the same: stop in order. They return at
//! once; the stop goes on without them.

use std::ffi::OsString;
use std::path::Path;

use sixfold_protocol::paths::SCANDIR;

use crate::complain::{self, ExitCode, USAGE, say};
use crate::svscanctl::control;

/// The letter that stops.
const STOP: &[u8] = b"t";

/// `halt [options]`.
pub(crate) fn halt(args: Vec<OsString>) -> ExitCode {
    stop("halt", &args)
}

/// `poweroff [options]`.
pub(crate) fn poweroff(args: Vec<OsString>) -> ExitCode {
    stop("poweroff", &args)
}

/// `reboot [options]`.
pub(crate) fn reboot(args: Vec<OsString>) -> ExitCode {
    stop("reboot", &args)
}

fn stop(name: &str, args: &[OsString]) -> ExitCode {
    match request(args) {
        Some(Request::Stop) => control(name, Path::new(SCANDIR), STOP),
        Some(Request::Nothing) => ExitCode::SUCCESS,
        None => complain::usage(name, &format!("{name} [ -hprfdwWni ]")),
    }
}

/// What a command is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Request {
    /// Stop the container.
    Stop,
    /// Something that has no meaning in a container.
    Nothing,
}

/// What the words behind `halt` and the like ask for; `None` is wrong usage. The options of
/// s6-linux-init-hpr are about what a machine does and about logging in users; all are accepted,
/// and `-w` (only write a record of it) does nothing else there either.
fn request(args: &[OsString]) -> Option<Request> {
    let mut only_record = false;
    for arg in args {
        let text = arg.to_string_lossy();
        let letters = text.strip_prefix('-').filter(|rest| !rest.is_empty())?;
        if !letters.chars().all(|c| "hprfdwWni".contains(c)) {
            return None;
        }
        only_record |= letters.contains('w');
    }
    Some(if only_record {
        Request::Nothing
    } else {
        Request::Stop
    })
}

/// `shutdown [options] time [message]`: of the times, only `now` and what means the same.
pub(crate) fn shutdown(args: Vec<OsString>) -> ExitCode {
    const NAME: &str = "shutdown";
    const SYNOPSIS: &str = "shutdown [ -h [ -H | -P ] | -p | -r | -k ] [ -f | -F ] [ -a ] [ -i ] [ -t sec ] time [ message ]  or  shutdown -c";
    let shutdown = match Shutdown::read(&args) {
        Ok(shutdown) => shutdown,
        Err(Refusal::Usage) => return complain::usage(NAME, SYNOPSIS),
        Err(Refusal::Reason(reason)) => return complain::fatal(NAME, reason, USAGE),
    };
    if !shutdown.message.is_empty() {
        say(&shutdown.message);
    }
    match shutdown.request {
        Request::Stop => control(NAME, Path::new(SCANDIR), STOP),
        Request::Nothing => ExitCode::SUCCESS,
    }
}

/// What the words behind `shutdown` ask for.
#[derive(Debug, PartialEq, Eq)]
struct Shutdown {
    request: Request,
    /// What is to be said to everyone; empty if there is nothing.
    message: String,
}

/// Why there is no shutdown.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// The words make no sense.
    Usage,
    /// They make sense, but not here.
    Reason(String),
}

impl Shutdown {
    fn read(args: &[OsString]) -> Result<Self, Refusal> {
        let mut request = Request::Stop;
        let mut args = args.iter().map(|arg| arg.to_string_lossy());
        let time = loop {
            let arg = args.next().ok_or(Refusal::Usage)?;
            match arg.as_ref() {
                "-c" => {
                    let reason = "there is no pending shutdown to cancel".to_owned();
                    return Err(Refusal::Reason(reason));
                }
                "-k" => request = Request::Nothing,
                "-t" => {
                    args.next().ok_or(Refusal::Usage)?;
                }
                option if option.starts_with('-') => {
                    if option.len() < 2 || !option.chars().skip(1).all(|c| "hHPprfFai".contains(c))
                    {
                        return Err(Refusal::Usage);
                    }
                }
                time => break time.to_owned(),
            }
        };
        // With -k nothing happens at any time.
        if request == Request::Stop && !matches!(time.as_str(), "now" | "+0" | "0") {
            return Err(Refusal::Reason(format!(
                "a shutdown at a later time ({time}) is not supported; use: sleep SECONDS && /run/s6/basedir/bin/halt"
            )));
        }
        let message: Vec<String> = args.map(|word| word.into_owned()).collect();
        Ok(Self {
            request,
            message: message.join(" "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn halt_takes_every_option_of_the_original() {
        for line in ["", "-h", "-p -r -f", "-hprfdWni", "-n -W", "-r -r"] {
            assert_eq!(request(&words(line)), Some(Request::Stop), "{line}");
        }
    }

    #[test]
    fn a_record_alone_stops_nothing() {
        for line in ["-w", "-fw", "-wf", "-f -w", "-w -f"] {
            assert_eq!(request(&words(line)), Some(Request::Nothing), "{line}");
        }
    }

    #[test]
    fn halt_refuses_what_is_no_option_of_it() {
        for line in ["-x", "--help", "-hx", "-h -x", "-w -x"] {
            assert_eq!(request(&words(line)), None, "{line}");
            assert_eq!(halt(words(line)), ExitCode::from(USAGE), "{line}");
        }
    }

    #[test]
    fn shutdown_is_now() {
        for line in [
            "now",
            "+0",
            "0",
            "-h now",
            "-r -f now",
            "-hP -t 10 now",
            "-t now 0",
        ] {
            let expected = Shutdown {
                request: Request::Stop,
                message: String::new(),
            };
            assert_eq!(Shutdown::read(&words(line)), Ok(expected), "{line}");
        }
    }

    #[test]
    fn shutdown_has_a_message_and_with_k_nothing_else() {
        let expected = |request| Shutdown {
            request,
            message: "so long -h".to_owned(),
        };
        for (line, request) in [
            ("-h now so long -h", Request::Stop),
            ("-k now so long -h", Request::Nothing),
            ("-k +5 so long -h", Request::Nothing),
        ] {
            assert_eq!(
                Shutdown::read(&words(line)),
                Ok(expected(request)),
                "{line}"
            );
        }
        assert_eq!(shutdown(words("-k 12:00")), ExitCode::SUCCESS);
    }

    #[test]
    fn shutdown_refuses_what_it_cannot_do() {
        for (line, reason) in [
            ("-c", "no pending shutdown"),
            ("-h -c", "no pending shutdown"),
            ("+5", "(+5) is not supported"),
            ("-h 23:59 bye", "(23:59) is not supported"),
        ] {
            let refusal = Shutdown::read(&words(line)).unwrap_err();
            let Refusal::Reason(text) = refusal else {
                panic!("{line} makes sense");
            };
            assert!(text.contains(reason), "{line}: {text}");
            assert_eq!(shutdown(words(line)), ExitCode::from(USAGE), "{line}");
        }
        for line in ["", "-h", "-t", "-h -t 10", "-", "-x now", "--help"] {
            assert_eq!(Shutdown::read(&words(line)), Err(Refusal::Usage), "{line}");
            assert_eq!(shutdown(words(line)), ExitCode::from(USAGE), "{line}");
        }
    }
}
