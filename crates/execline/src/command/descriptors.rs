//! Commands on descriptors.

mod redirect;
#[cfg(test)]
mod tests;

use super::arguments::{descriptor, next_option, next_word};
use super::{Command, Scope, command};
use crate::options::{Options, number};
use crate::step::Descriptors;
use crate::{Fault, Step, Words};

pub(super) const COMMANDS: &[Command] = &[
    command("fdblock", plan_fdblock),
    command("fdclose", plan_fdclose),
    command("fdmove", plan_fdmove),
    command("fdreserve", plan_fdreserve),
    command("fdswap", plan_fdswap),
    command("heredoc", plan_heredoc),
    command("pipeline", plan_pipeline),
    command("piperw", plan_piperw),
    command("redirfd", redirect::plan),
];

const FDBLOCK: &str = "fdblock [ -n ] fd prog...";
const FDCLOSE: &str = "fdclose fd prog...";
const FDMOVE: &str = "fdmove [ -c ] to from prog...";
const FDRESERVE: &str = "fdreserve n prog...";
const FDSWAP: &str = "fdswap fd1 fd2 prog...";
const HEREDOC: &str = "heredoc [ -d ] fd string command...";
const PIPELINE: &str = "pipeline [ -d ] [ -r | -w ] { command... } command...";
const PIPERW: &str = "piperw fdr fdw prog...";

/// No process has more descriptors than this, whatever its limit is (Linux's `fs.nr_open`).
const MOST: u32 = 1024 * 1024;

/// What `fdreserve` says when more descriptors are asked for than the process may have (100).
#[must_use]
pub fn too_many() -> Fault {
    Fault::wrong("too many requested fds")
}

/// Whether a command has its one flag, and its words.
fn flag(
    words: Words,
    letter: &'static str,
    synopsis: &'static str,
) -> Result<(bool, Words), Fault> {
    let mut options = Options::new(words, letter);
    let mut is_given = false;
    while next_option(&mut options, synopsis)?.is_some() {
        is_given = true;
    }
    Ok((is_given, options.rest()))
}

/// So many descriptors at the beginning, and the program behind them, which has to be there.
fn descriptors<const N: usize>(
    words: Words,
    scope: &mut Scope<'_>,
    synopsis: &'static str,
) -> Result<([i32; N], Words), Fault> {
    let mut args = scope.args(words);
    let mut fds = [0; N];
    for fd in &mut fds {
        let word = next_word(&mut args, synopsis)?;
        *fd = descriptor(&word).ok_or_else(|| Fault::usage(synopsis))?;
    }
    let rest = scope.rest(args);
    if rest.is_empty() {
        return Err(Fault::usage(synopsis));
    }
    Ok((fds, rest))
}

fn plan_fdmove(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let (copy, words) = flag(words, "c", FDMOVE)?;
    let ([to, from], rest) = descriptors(words, scope, FDMOVE)?;
    Ok(Step::Descriptors(
        Descriptors::Move { to, from, copy },
        rest,
    ))
}

fn plan_fdclose(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let ([fd], rest) = descriptors(words, scope, FDCLOSE)?;
    Ok(Step::Descriptors(Descriptors::Close(fd), rest))
}

fn plan_fdblock(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let (nonblocking, words) = flag(words, "n", FDBLOCK)?;
    let ([fd], rest) = descriptors(words, scope, FDBLOCK)?;
    Ok(Step::Descriptors(
        Descriptors::Block(fd, !nonblocking),
        rest,
    ))
}

fn plan_fdswap(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let ([one, other], rest) = descriptors(words, scope, FDSWAP)?;
    Ok(Step::Descriptors(Descriptors::Swap(one, other), rest))
}

fn plan_piperw(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let ([read, write], rest) = descriptors(words, scope, PIPERW)?;
    if read == write {
        return Err(Fault::usage(PIPERW));
    }
    Ok(Step::Descriptors(Descriptors::Pipe { read, write }, rest))
}

fn plan_fdreserve(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let mut args = scope.args(words);
    let word = next_word(&mut args, FDRESERVE)?;
    let count: u32 = number(&word).ok_or_else(|| Fault::usage(FDRESERVE))?;
    let rest = scope.rest(args);
    if rest.is_empty() {
        return Err(Fault::usage(FDRESERVE));
    }
    if count > MOST {
        return Err(too_many());
    }
    Ok(Step::Descriptors(Descriptors::Reserve(count), rest))
}

fn plan_heredoc(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let (apart, words) = flag(words, "d", HEREDOC)?;
    let mut args = scope.args(words);
    let word = next_word(&mut args, HEREDOC)?;
    let fd = descriptor(&word).ok_or_else(|| Fault::usage(HEREDOC))?;
    let text = next_word(&mut args, HEREDOC)?;
    let rest = scope.rest(args);
    if rest.is_empty() {
        return Err(Fault::usage(HEREDOC));
    }
    Ok(Step::Heredoc {
        fd,
        text,
        apart,
        rest,
    })
}

fn plan_pipeline(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let mut apart = false;
    let mut rest_writes = false;
    let mut options = Options::new(words, "drw");
    while let Some(given) = next_option(&mut options, PIPELINE)? {
        match given.letter {
            b'd' => apart = true,
            b'r' => rest_writes = false,
            _ => rest_writes = true,
        }
    }
    let mut args = scope.args(options.rest());
    let child = args.block("")?;
    if child.is_empty() {
        return Err(Fault::wrong("empty block"));
    }
    let rest = scope.rest(args);
    if rest.is_empty() {
        return Err(Fault::wrong("empty remainder"));
    }
    Ok(Step::Pipeline {
        child,
        rest_writes,
        apart,
        rest,
    })
}
