//! `s6-svwait`, `s6-svlisten1` and `s6-svlisten`: waiting for services, after starting a program or
//! without (s6-svwait(1), s6-svlisten(1)).

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sixfold_sys::poll::Deadline;

use super::waiting::{self, Goal, Services};
use super::{block, timeout};
use crate::complain::{self, ExitCode, SYSTEM, USAGE, reason};
use crate::exec;
use crate::options::{Options, WrongUsage};

pub(super) const SVWAIT: &str = "s6-svwait";
const SVWAIT_SYNOPSIS: &str =
    "s6-svwait [ -U | -u | -d | -D | -r | -R ] [ -a | -o ] [ -t timeout ] servicedir...";
pub(super) const SVLISTEN1: &str = "s6-svlisten1";
const SVLISTEN1_SYNOPSIS: &str =
    "s6-svlisten1 [ -U | -u | -d | -D | -r | -R ] [ -t timeout ] servicedir prog...";
pub(super) const SVLISTEN: &str = "s6-svlisten";
const SVLISTEN_SYNOPSIS: &str = "s6-svlisten [ -U | -u | -d | -D | -r | -R ] [ -a | -o ] [ -t timeout ] servicedir... \"\" prog...";

/// What all three are called with.
struct Call {
    goal: Goal,
    any: bool,
    timeout: Option<Duration>,
    rest: Vec<OsString>,
}

fn read(args: Vec<OsString>, letters: &'static str) -> Result<Call, WrongUsage> {
    let mut options = Options::new(args, letters);
    let (mut goal, mut any, mut limit) = (Goal::from_letter(b'u'), false, None);
    while let Some(option) = options.next()? {
        match option.letter {
            b'a' => any = false,
            b'o' => any = true,
            b't' => limit = timeout(&option.value).ok_or(WrongUsage)?,
            letter => goal = Goal::from_letter(letter),
        }
    }
    Ok(Call {
        goal: goal.ok_or(WrongUsage)?,
        any,
        timeout: limit,
        rest: options.rest(),
    })
}

/// `s6-svwait [ goal ] [ -a | -o ] [ -t timeout ] servicedir...`
pub(super) fn svwait(args: Vec<OsString>) -> ExitCode {
    let Ok(call) = read(args, "UudDrRaot:") else {
        return complain::usage(SVWAIT, SVWAIT_SYNOPSIS);
    };
    let deadline = Deadline::after(call.timeout);
    let waited = Services::listen(SVWAIT, &call.rest)
        .and_then(|mut services| services.wait(SVWAIT, call.goal, call.any, false, deadline));
    match waited {
        Ok(failures) => waiting::failed(SVWAIT, failures),
        Err(code) => code,
    }
}

/// `s6-svlisten1 [ goal ] [ -t timeout ] servicedir prog...`
pub(super) fn svlisten1(args: Vec<OsString>) -> ExitCode {
    let usage = || complain::usage(SVLISTEN1, SVLISTEN1_SYNOPSIS);
    let Ok(call) = read(args, "uUdDrRt:") else {
        return usage();
    };
    let Some((dir, program)) = call.rest.split_first().filter(|(_, rest)| !rest.is_empty()) else {
        return usage();
    };
    let dirs = std::slice::from_ref(dir);
    match run(SVLISTEN1, dirs, program, &call) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => waiting::one_failed(SVLISTEN1, Path::new(dir)),
        Err(code) => code,
    }
}

/// `s6-svlisten [ goal ] [ -a | -o ] [ -t timeout ] { servicedir... } prog...`
pub(super) fn svlisten(args: Vec<OsString>) -> ExitCode {
    let usage = || complain::usage(SVLISTEN, SVLISTEN_SYNOPSIS);
    let Ok(mut call) = read(args, "uUdDrRaot:") else {
        return usage();
    };
    let Some((dirs, program)) = block(std::mem::take(&mut call.rest)) else {
        let message = "unterminated servicedir block (end it with an empty word)";
        return complain::fatal(SVLISTEN, message, USAGE);
    };
    if program.is_empty() {
        return usage();
    }
    if dirs.is_empty() {
        return exec::words(SVLISTEN, &program);
    }
    if call.any && call.goal.is_restart() {
        let letter = if call.goal.awaits_readiness() {
            'R'
        } else {
            'r'
        };
        let message = format!("-o is unsupported when combined with -{letter} - using -a instead");
        complain::warn(SVLISTEN, message);
        call.any = false;
    }
    match run(SVLISTEN, &dirs, &program, &call) {
        Ok(failures) => waiting::failed(SVLISTEN, failures),
        Err(code) => code,
    }
}

/// Listens, starts the program, and waits for the services; the program is not waited for.
fn run(name: &str, dirs: &[OsString], program: &[OsString], call: &Call) -> Result<u32, ExitCode> {
    let deadline = Deadline::after(call.timeout);
    let mut services = Services::listen(name, dirs)?;
    if let Some((program, args)) = program.split_first() {
        Command::new(program).args(args).spawn().map_err(|error| {
            let message = format!("unable to spawn {}: {}", program.display(), reason(&error));
            complain::fatal(name, message, SYSTEM)
        })?;
    }
    services.wait(name, call.goal, call.any, true, deadline)
}
