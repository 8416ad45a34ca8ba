//! `halt`, `poweroff`, `reboot` and `shutdown`, as s6-overlay v3 has them in
//! `/run/s6/basedir/bin`. In a container all of them mean the same: stop in order. They return at
//! once; the stop goes on without them.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use sixfold_protocol::paths::SCANDIR;

use crate::complain::{self, USAGE, say};
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

/// The options of s6-linux-init-hpr are about what a machine does and about logging in users; all
/// are accepted, and `-w` (only write a record of it) does nothing else there either.
fn stop(name: &str, args: &[OsString]) -> ExitCode {
    for arg in args {
        let text = arg.to_string_lossy();
        match text.strip_prefix('-') {
            Some(letters)
                if !letters.is_empty() && letters.chars().all(|c| "hprfdwWni".contains(c)) =>
            {
                if letters.contains('w') {
                    return ExitCode::SUCCESS;
                }
            }
            Some(_) | None => {
                return complain::usage(name, &format!("{name} [ -hprfdwWni ]"));
            }
        }
    }
    control(name, Path::new(SCANDIR), STOP)
}

/// `shutdown [options] time [message]`: of the times, only `now` and what means the same.
pub(crate) fn shutdown(args: Vec<OsString>) -> ExitCode {
    const NAME: &str = "shutdown";
    const SYNOPSIS: &str = "shutdown [ -h [ -H | -P ] | -p | -r | -k ] [ -f | -F ] [ -a ] [ -i ] [ -t sec ] time [ message ]  or  shutdown -c";
    let mut only_warn = false;
    let mut args = args.iter().map(|arg| arg.to_string_lossy());
    let time = loop {
        let Some(arg) = args.next() else {
            return complain::usage(NAME, SYNOPSIS);
        };
        match arg.as_ref() {
            "-c" => return complain::fatal(NAME, "there is no pending shutdown to cancel", USAGE),
            "-k" => only_warn = true,
            "-t" => {
                if args.next().is_none() {
                    return complain::usage(NAME, SYNOPSIS);
                }
            }
            option if option.starts_with('-') => {
                if option.len() < 2 || !option.chars().skip(1).all(|c| "hHPprfFai".contains(c)) {
                    return complain::usage(NAME, SYNOPSIS);
                }
            }
            time => break time.to_owned(),
        }
    };
    let message: Vec<String> = args.map(|word| word.into_owned()).collect();
    if !message.is_empty() {
        say(message.join(" "));
    }
    if only_warn {
        return ExitCode::SUCCESS;
    }
    match time.as_str() {
        "now" | "+0" | "0" => control(NAME, Path::new(SCANDIR), STOP),
        later => {
            let message = format!(
                "a shutdown at a later time ({later}) is not supported; use: sleep SECONDS && /run/s6/basedir/bin/halt"
            );
            complain::fatal(NAME, message, USAGE)
        }
    }
}
