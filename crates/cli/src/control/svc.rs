//! `s6-svc`: orders to supervisors (s6-svc(1)).

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use sixfold_model::Signal;
use sixfold_protocol::paths;
use sixfold_protocol::service_control::SIGNAL_LETTERS;
use sixfold_sys::fifo;
use sixfold_sys::poll::Deadline;

use super::waiting::{self, Goal, Services};
use super::{ENXIO, timeout};
use crate::complain::{self, ExitCode, FAILED, NOT_LISTENING, SYSTEM, USAGE, reason};
use crate::options::{Options, WrongUsage};

pub(super) const NAME: &str = "s6-svc";
const SYNOPSIS: &str = "s6-svc [ -wu | -wU | -wd | -wD | -wr | -wR ] [ -T timeout ] [ -s signal | -abqhkti12pcyrlPCK ] [ -oduDUxOQ ] servicedirs...";
/// More letters than this go in no single write that is sure to arrive whole.
const MOST: usize = 62;

/// What the command was called with.
struct Call {
    letters: Vec<u8>,
    goal: Option<Goal>,
    timeout: Option<Duration>,
    dirs: Vec<OsString>,
}

/// `s6-svc [ -w goal ] [ -T timeout ] [ letters ] servicedirs...`: sends the letters to the
/// supervisor of each service, in one write each; with `-w`, waits until all services are there.
pub(super) fn svc(args: Vec<OsString>) -> ExitCode {
    let call = match read(args) {
        Ok(call) => call,
        Err(code) => return code,
    };
    match call.goal {
        None => send_all(&call),
        Some(goal) => wait(&call, goal),
    }
}

fn read(args: Vec<OsString>) -> Result<Call, ExitCode> {
    let usage = |_: WrongUsage| complain::usage(NAME, SYNOPSIS);
    let mut options = Options::new(args, "s:abqhkti12pcyrlPCKoduDUxOQT:w:");
    let (mut letters, mut goal, mut limit) = (Vec::new(), None, None);
    while let Some(option) = options.next().map_err(usage)? {
        match option.letter {
            b's' => letters.push(signal_letter(&option.value)?),
            b'T' => limit = timeout(&option.value).ok_or(WrongUsage).map_err(usage)?,
            b'w' => goal = Some(goal_of(&option.value).ok_or(WrongUsage).map_err(usage)?),
            letter => letters.push(letter),
        }
    }
    if letters.len() > MOST {
        return Err(complain::fatal(NAME, "too many commands", USAGE));
    }
    let dirs = options.rest();
    match dirs.first() {
        None => Err(usage(WrongUsage)),
        Some(first) if first.is_empty() => {
            Err(complain::fatal(NAME, "invalid service path", USAGE))
        }
        Some(_) => Ok(Call {
            letters,
            goal,
            timeout: limit,
            dirs,
        }),
    }
}

fn goal_of(value: &OsStr) -> Option<Goal> {
    Goal::from_letter(*value.as_encoded_bytes().first()?)
}

fn signal_letter(value: &OsStr) -> Result<u8, ExitCode> {
    let shown = value.display();
    let signal = value
        .to_str()
        .and_then(Signal::parse)
        .ok_or_else(|| complain::fatal(NAME, format_args!("invalid signal: {shown}"), USAGE))?;
    SIGNAL_LETTERS
        .iter()
        .find(|(number, _)| *number == signal.number())
        .map(|(_, letter)| *letter)
        .ok_or_else(|| {
            let message = format!("{shown} is not in the list of user-available signals");
            complain::fatal(NAME, message, USAGE)
        })
}

/// Sends the letters to all, and gives the code of the last failure.
fn send_all(call: &Call) -> ExitCode {
    let mut last = ExitCode::SUCCESS;
    for dir in &call.dirs {
        if let Err(code) = send(dir, &call.letters) {
            last = ExitCode::from(code);
        }
    }
    last
}

fn send(dir: &OsStr, letters: &[u8]) -> Result<(), u8> {
    let path = Path::new(dir);
    let shown = path.display();
    let Err(error) = fifo::write_control(&path.join(paths::CONTROL), letters) else {
        return Ok(());
    };
    let is_dir = path.is_dir();
    if error.raw_os_error() == Some(ENXIO)
        || error.kind() == ErrorKind::NotFound && is_dir && !path.join(paths::SUPERVISE).exists()
    {
        let message = format!("unable to control {shown}: supervisor not listening");
        complain::warn(NAME, message);
        return Err(NOT_LISTENING);
    }
    if is_dir && error.kind() == ErrorKind::NotFound {
        let message = format!(
            "something is wrong with the {shown}/supervise directory: {}",
            reason(&error)
        );
        complain::warn(NAME, message);
        return Err(FAILED);
    }
    complain::warn(
        NAME,
        format!("unable to control {shown}: {}", reason(&error)),
    );
    Err(SYSTEM)
}

/// Listens first and sends then, so that nothing is missed.
fn wait(call: &Call, goal: Goal) -> ExitCode {
    let goal = match possible(call, goal) {
        Ok(goal) => goal,
        Err(code) => return code,
    };
    // Who sends nothing waits as s6-svwait does.
    let is_order = !call.letters.is_empty();
    let name = if is_order { "s6-svlisten" } else { "s6-svwait" };
    let deadline = Deadline::after(call.timeout);
    let mut services = match Services::listen(name, &call.dirs) {
        Ok(services) => services,
        Err(code) => return code,
    };
    if is_order {
        let sent = send_all(call);
        if sent != ExitCode::SUCCESS {
            return sent;
        }
    }
    match services.wait(name, goal, false, is_order, deadline) {
        Ok(failures) => waiting::failed(name, failures),
        Err(code) => code,
    }
}

/// Without readiness, if the first service does not announce any: it would be waited for in vain.
fn possible(call: &Call, goal: Goal) -> Result<Goal, ExitCode> {
    let Some(first) = call.dirs.first().filter(|_| goal.awaits_readiness()) else {
        return Ok(goal);
    };
    if Path::new(first).join("notify").is_file() {
        // Ours: it is announced on a socket.
        return Ok(goal);
    }
    let file = Path::new(first).join("notification-fd");
    match fs::metadata(&file) {
        Ok(_) => Ok(goal),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let message = format!(
                "{} not present - ignoring request for readiness notification",
                file.display()
            );
            complain::warn(NAME, message);
            Ok(goal.without_readiness())
        }
        Err(error) => {
            let message = format!("unable to access {}: {}", file.display(), reason(&error));
            Err(complain::fatal(NAME, message, SYSTEM))
        }
    }
}
