//! `s6-sleep`, `s6-nice`, `s6-chroot`, `s6-pause`, `s6-sync`: what concerns this process, or waits.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use sixfold_sys::poll::{self, Deadline};
use sixfold_sys::{process, signals, system};

use super::call::{Call, Failure, Outcome, decimal};
use crate::options::number;

/// `s6-sleep [ -m ] duration prog...`
pub(super) fn sleep(mut call: Call) -> Outcome {
    let (given, words) = call.options("m")?;
    let (duration, words) = words.split_first().ok_or(Failure::Usage)?;
    let count = u64::from(decimal::<u32>(duration)?);
    let duration = if given.is_empty() {
        Duration::from_secs(count)
    } else {
        Duration::from_millis(count)
    };
    poll::wait_readable(&[], Deadline::after(Some(duration)))
        .map_err(|error| Failure::unable("sleep", &error))?;
    call.becomes(words)
}

/// `s6-nice [ -I | -i ] [ -n value ] prog...`: goes on with a warning where it may not, unless `-i` is
/// given.
pub(super) fn nice(mut call: Call) -> Outcome {
    let (given, words) = call.options("Iin:")?;
    let (mut is_strict, mut increment) = (false, 10);
    for option in given {
        match option.letter {
            b'n' => increment = signed(option.value.as_bytes()).ok_or(Failure::Usage)?,
            letter => is_strict = letter == b'i',
        }
    }
    if words.is_empty() {
        return Err(Failure::Usage);
    }
    if let Err(error) = system::nice(increment) {
        let what = format!("nice to {increment}");
        if is_strict {
            return Err(Failure::unable(what, &error));
        }
        call.warn(what, &error);
    }
    call.becomes(&words)
}

fn signed(text: &[u8]) -> Option<i32> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// `s6-chroot dir prog...`
pub(super) fn chroot(call: Call) -> Outcome {
    let (Some(dir), Some(words)) = (call.args.first(), call.args.get(1..)) else {
        return Err(Failure::Usage);
    };
    if words.is_empty() {
        return Err(Failure::Usage);
    }
    let shown = dir.display();
    std::env::set_current_dir(dir)
        .map_err(|error| Failure::unable(format_args!("chdir to {shown}"), &error))?;
    system::chroot(Path::new("."))
        .map_err(|error| Failure::unable(format_args!("chroot in {shown}"), &error))?;
    call.becomes(words)
}

/// `s6-pause [ -t ] [ -h ] [ -a ] [ -q ] [ -b ] [ -i ] [ -p signal,signal... ]`: these signals are
/// ignored; any other one is the end.
pub(super) fn pause(mut call: Call) -> Outcome {
    let (given, _) = call.options("thaqbip:")?;
    let mut ignored: Vec<i32> = Vec::new();
    for option in given {
        match option.letter {
            b't' => ignored.push(15),
            b'h' => ignored.push(1),
            b'a' => ignored.push(14),
            b'q' => ignored.push(3),
            b'b' => ignored.push(6),
            b'i' => ignored.push(2),
            _ => {
                let list = option.value.as_bytes();
                let words = list.split(|byte| matches!(byte, b',' | b';' | b':' | b' '));
                for word in words.filter(|word| !word.is_empty()) {
                    let word = std::ffi::OsStr::from_bytes(word);
                    ignored.push(number(word).ok_or(Failure::Usage)?);
                }
            }
        }
    }
    for signal in ignored {
        // Those that cannot be ignored are the end.
        let _ = signals::ignore(signal);
    }
    system::pause();
    Ok(0)
}

/// `s6-sync`
pub(super) fn sync(_: Call) -> Outcome {
    process::sync();
    Ok(0)
}
