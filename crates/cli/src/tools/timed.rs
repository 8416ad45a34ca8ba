//! `s6-maximumtime` and `with-retries`: programs with a limit of time.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd as _;
use std::process::Command;
use std::time::Duration;

use sixfold_sys::poll::{self, Deadline};
use sixfold_sys::signals::SignalFd;
use sixfold_sys::wait::{self, Exit};
use sixfold_sys::{signals, spawn};

use super::call::{Call, Failure, Outcome, decimal};
use crate::complain::{self, FAILED, SYSTEM, TIMED_OUT, reason};

/// A process of ours ended.
const SIGCHLD: i32 = 17;
const SIGTERM: i32 = 15;
/// It took too long.
const ETIMEDOUT: i32 = 110;
/// What says so, whichever the command.
const MAXIMUMTIME: &str = "s6-maximumtime";

/// `s6-maximumtime [ -0 | -a | -b | -i | -k | -q | -t | -x | -1 | -2 ] milliseconds prog...`: a time of
/// zero is without end.
pub(super) fn maximumtime(mut call: Call) -> Outcome {
    let (given, words) = call.options("0abikqtx12")?;
    let mut signal = Some(SIGTERM);
    for option in given {
        signal = match option.letter {
            b'0' => None,
            b'a' => Some(14),
            b'b' => Some(6),
            b'i' => Some(2),
            b'k' => Some(9),
            b'q' => Some(3),
            b'x' => Some(24),
            b'1' => Some(10),
            b'2' => Some(12),
            _ => Some(SIGTERM),
        };
    }
    let (milliseconds, words) = words.split_first().ok_or(Failure::Usage)?;
    run(words, decimal(milliseconds)?, signal)
}

/// `with-retries [ -n tries ] [ -t milliseconds ] prog...`
pub(super) fn with_retries(mut call: Call) -> Outcome {
    let (given, words) = call.options("n:t:")?;
    let (mut tries, mut milliseconds) = (3_u32, 500);
    for option in given {
        match option.letter {
            b'n' => tries = decimal(&option.value)?,
            _ => milliseconds = decimal(&option.value)?,
        }
    }
    for _ in 0..tries {
        match run(&words, milliseconds, Some(SIGTERM)) {
            Ok(0) => return Ok(0),
            Ok(_) => {}
            Err(Failure::Fatal(message, code)) => {
                complain::fatal(MAXIMUMTIME, message, code);
            }
            Err(Failure::Usage) => return Err(Failure::Usage),
        }
    }
    Ok(FAILED)
}

/// Runs a program, and gives its exit code. When it takes too long, it gets the signal and is left.
fn run(words: &[OsString], milliseconds: u32, signal: Option<i32>) -> Outcome {
    let (program, args) = words.split_first().ok_or(Failure::Usage)?;
    let limit = Some(milliseconds).filter(|limit| *limit > 0);
    let limit = limit.map(|limit| Duration::from_millis(limit.into()));
    let failed = |what: &str, error: &io::Error| Failure::unable(what, error);
    // Only listened for here: the program does not get the mask.
    signals::block(&[SIGCHLD]).map_err(|error| failed("trap SIGCHLD", &error))?;
    let ends = SignalFd::new(&[SIGCHLD]).map_err(|error| failed("trap SIGCHLD", &error))?;
    let deadline = Deadline::after(limit);
    let mut command = Command::new(program);
    command.args(args);
    spawn::with_empty_mask(&mut command);
    let child = command.spawn();
    let child = child.map_err(|error| failed(&format!("spawn {}", program.display()), &error))?;
    let pid = i32::try_from(child.id()).unwrap_or_default();
    loop {
        match wait::reap(pid).map_err(|error| failed("wait for child process", &error))? {
            Some(Exit::Code(code)) => return Ok(u8::try_from(code).unwrap_or(u8::MAX)),
            Some(Exit::Signal(_)) => {
                complain::warn(MAXIMUMTIME, "child process crashed");
                return Ok(SYSTEM);
            }
            None => {}
        }
        let ready = poll::wait_readable(&[ends.as_fd()], deadline);
        let ready = ready.map_err(|error| failed("iopause", &error))?;
        if !ready.contains(&true) {
            break;
        }
        while ends.read().is_ok_and(|signal| signal.is_some()) {}
    }
    if let Some(signal) = signal {
        // It may just have ended.
        let _ = signals::send(pid, signal);
    }
    let why = reason(&io::Error::from_raw_os_error(ETIMEDOUT));
    complain::warn(
        MAXIMUMTIME,
        format_args!("unable to wait for child process: {why}"),
    );
    Ok(TIMED_OUT)
}
