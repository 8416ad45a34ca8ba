//! `trap`: handlers for signals.

use crate::command::arguments::next_option;
use crate::command::{Scope, signal};
use crate::fault::joined;
use crate::options::Options;
use crate::{Fault, Step, Words};

const TRAP: &str = "trap [ -x ] { signal { cmdline } ... } prog...";

/// `trap`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trap {
    /// What is run for which signal (1 to 64).
    pub handlers: Vec<(i32, Words)>,
    /// `default`: what is run for every other signal that can be caught.
    pub default: Option<Words>,
    /// `-x`: signals that are not listed are passed on to the program.
    pub passes_on: bool,
    /// The program.
    pub rest: Words,
}

pub(super) fn plan(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let mut passes_on = false;
    let mut options = Options::new(words, "x");
    while next_option(&mut options, TRAP)?.is_some() {
        passes_on = true;
    }
    let mut args = scope.args(options.rest());
    if args.is_empty() {
        return Err(Fault::usage(TRAP));
    }
    let block = args.block("")?;
    if block.is_empty() {
        return Err(Fault::wrong("empty block"));
    }
    if args.is_empty() {
        return Err(Fault::usage(TRAP));
    }
    let mut handlers: Vec<(i32, Words)> = Vec::new();
    let mut default = None;
    let mut inner = args.inside(block);
    while let Some(directive) = inner.word() {
        let wrong = |what: &[u8]| Fault::wrong(joined(&[what, b" directive: ", &directive]));
        let number = match directive.as_slice() {
            // The original stores the default as signal 0, and so it is also called.
            b"default" => 0,
            name => signal::read(name).ok_or_else(|| wrong(b"unrecognized"))?,
        };
        if !inner.has_block() {
            let text = joined(&[b"unterminated internal block for directive ", &directive]);
            return Err(Fault::wrong(text));
        }
        let handler = inner.block("")?;
        if number == 0 {
            if default.replace(handler).is_some() {
                return Err(wrong(b"duplicate"));
            }
            continue;
        }
        let number = catchable(number)?;
        if handlers.iter().any(|(known, _)| *known == number) {
            return Err(wrong(b"duplicate"));
        }
        handlers.push((number, handler));
    }
    args.absorb(inner);
    let rest = scope.rest(args);
    Ok(Step::Trap(Trap {
        handlers,
        default,
        passes_on,
        rest,
    }))
}

/// The signal, if a handler can be run for it. The child's end is how `trap` itself learns of it, and
/// 32 and 33 belong to the C library.
fn catchable(signal: u32) -> Result<i32, Fault> {
    const KILL: i32 = 9;
    const CHLD: i32 = 17;
    const STOP: i32 = 19;
    match i32::try_from(signal) {
        Ok(KILL | CHLD | STOP | 32 | 33) => {}
        Ok(number @ 1..=64) => return Ok(number),
        Ok(_) | Err(_) => {}
    }
    let name = signal::name(signal);
    let text = format!("SIG{name} ({signal}) cannot be trapped");
    Err(Fault::wrong(text))
}
