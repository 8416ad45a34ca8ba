//! `redirfd`.

use crate::command::Scope;
use crate::command::arguments::{descriptor, next_word};
use crate::command::long::{Known, LongOptions};
use crate::step::{Open, OpenFlags, Redirect, Target};
use crate::{Fault, Step, Words};

const SYNOPSIS: &str =
    "redirfd -[ r | w | u | a | x ] [ -N | -n ] [ -b ] [ -f ] [ -E | -e ] fd|var file prog...";

// Flags of their own that have only long names. The letters here cannot be given: nobody can write a
// control byte after a hyphen by mistake, and `flags` has none of them.
const READ: u8 = 1;
const NO_READ: u8 = 2;
const WRITE: u8 = 3;
const NO_WRITE: u8 = 4;
const APPEND: u8 = 5;
const NO_APPEND: u8 = 6;
const CREATE: u8 = 7;
const NO_CREATE: u8 = 8;
const TRUNCATE: u8 = 9;
const NO_TRUNCATE: u8 = 10;
const EXCLUSIVE: u8 = 11;
const NO_EXCLUSIVE: u8 = 12;

const KNOWN: Known = Known {
    flags: b"rwuaxnNbfEe",
    valued: b"",
    names: &[
        ("read", READ),
        ("no-read", NO_READ),
        ("write", WRITE),
        ("no-write", NO_WRITE),
        ("append", APPEND),
        ("no-append", NO_APPEND),
        ("create", CREATE),
        ("no-create", NO_CREATE),
        ("trunc", TRUNCATE),
        ("no-trunc", NO_TRUNCATE),
        ("excl", EXCLUSIVE),
        ("no-excl", NO_EXCLUSIVE),
        ("nonblock", b'n'),
        ("block", b'N'),
        ("switch-block", b'b'),
        ("open", b'f'),
        ("autoimport", b'E'),
        ("no-autoimport", b'e'),
    ],
    synopsis: SYNOPSIS,
};

pub(super) fn plan(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let mut flags = OpenFlags::default();
    let mut nonblocking = false;
    let mut changes_blocking = false;
    let mut is_variable = false;
    let mut autoimport = false;
    let mut options = LongOptions::new(words, &KNOWN);
    while let Some(given) = options.next_option()? {
        match given.letter {
            b'n' => nonblocking = true,
            b'N' => nonblocking = false,
            b'b' => changes_blocking = true,
            b'f' => is_variable = true,
            b'E' => autoimport = true,
            b'e' => autoimport = false,
            letter => flags = changed(flags, letter),
        }
    }
    let mode = mode(flags).ok_or_else(|| Fault::usage(SYNOPSIS))?;
    let mut args = scope.args(options.rest());
    let to = next_word(&mut args, SYNOPSIS)?;
    let file = next_word(&mut args, SYNOPSIS)?;
    let rest = scope.rest(args);
    if rest.is_empty() {
        return Err(Fault::usage(SYNOPSIS));
    }
    let to = if is_variable {
        Target::Variable(to, autoimport)
    } else {
        Target::Fd(descriptor(&to).ok_or_else(|| Fault::usage(SYNOPSIS))?)
    };
    Ok(Step::Redirect(Redirect {
        mode,
        nonblocking,
        changes_blocking,
        to,
        file,
        rest,
    }))
}

/// The flags after an option: a letter sets them all, a long name one.
fn changed(before: OpenFlags, letter: u8) -> OpenFlags {
    let mut flags = before;
    match letter {
        READ => flags.read = true,
        NO_READ => flags.read = false,
        WRITE => flags.write = true,
        NO_WRITE => flags.write = false,
        APPEND => flags.append = true,
        NO_APPEND => flags.append = false,
        CREATE => flags.create = true,
        NO_CREATE => flags.create = false,
        TRUNCATE => flags.truncate = true,
        NO_TRUNCATE => flags.truncate = false,
        EXCLUSIVE => flags.exclusive = true,
        NO_EXCLUSIVE => flags.exclusive = false,
        b'r' => flags = Open::Read.flags(),
        b'w' => flags = Open::Write.flags(),
        b'u' => flags = Open::Update.flags(),
        b'a' => flags = Open::Append.flags(),
        _ => flags = Open::Exclusive.flags(),
    }
    flags
}

/// The mode that has these flags; `None` when the file is neither read nor written.
fn mode(flags: OpenFlags) -> Option<Open> {
    const MODES: [Open; 5] = [
        Open::Read,
        Open::Write,
        Open::Update,
        Open::Append,
        Open::Exclusive,
    ];
    if !flags.read && !flags.write {
        return None;
    }
    let known = MODES.into_iter().find(|mode| mode.flags() == flags);
    Some(known.unwrap_or(Open::Flags(flags)))
}
