//! Commands on the frame of positional variables (`#`, `0`, `1`...): `dollarat`, `elgetopt`, `shift`,
//! `runblock`.

use std::collections::HashMap;

use super::environment::is_of_elgetopt;
use super::substitute::delimited;
use super::{Command, Scope, command};
use crate::environment::is_positional;
use crate::fault::{Kind, code, joined};
use crate::options::{WrongUsage, number};
use crate::strict::Strict;
use crate::{Environment, Fault, Step, Word, Words};

pub(super) const COMMANDS: &[Command] = &[
    command("dollarat", dollarat),
    command("elgetopt", elgetopt),
    command("runblock", runblock),
    command("shift", shift),
];

const DOLLARAT: &str = "dollarat [ -n ] [ -0 | -d delimchar ]";
const ELGETOPT: &str = "elgetopt [ -D default ] optstring prog...";
const RUNBLOCK: &str = "runblock [ -P ] [ -n argshift ] [ -r ] n cmd...";
const SHIFT: &str = "shift [ -n arg# ] [ -b block# ] prog...";

/// The frame.
struct Frame {
    /// How many arguments there should be.
    count: u32,
    arguments: HashMap<u32, Word>,
}

impl Frame {
    fn of(env: &Environment) -> Result<Self, Fault> {
        let count = env.get(b"#").ok_or_else(|| Fault::not_set(b"#"))?;
        Ok(Self {
            count: number(count).ok_or_else(|| Fault::wrong("invalid $#"))?,
            arguments: env.arguments(),
        })
    }

    fn get(&self, place: u32) -> Result<Word, Fault> {
        let argument = self.arguments.get(&place).cloned();
        argument.ok_or_else(|| Fault::not_set(place.to_string().as_bytes()))
    }

    /// The arguments from one on.
    fn from(&self, first: u32) -> Result<Words, Fault> {
        (first..=self.count).map(|place| self.get(place)).collect()
    }
}

fn dollarat(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let mut args = scope.args(words);
    let (mut chomp, mut delimiter) = (false, vec![b'\n']);
    args.options("n0d:", |given| {
        match given.letter {
            b'n' => chomp = true,
            b'0' => delimiter = vec![0],
            _ => delimiter = given.value,
        }
        Ok(())
    })
    .map_err(|WrongUsage| Fault::usage(DOLLARAT))?;
    let all = Frame::of(scope.env)?.from(1)?;
    Ok(Step::Print(delimited(&all, &delimiter, chomp), 0))
}

fn elgetopt(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let usage = || Fault::usage(ELGETOPT);
    let mut args = scope.args(words);
    let mut default = b"1".to_vec();
    args.options("D:", |given| {
        default = given.value;
        Ok(())
    })
    .map_err(|WrongUsage| usage())?;
    let letters = args.word().ok_or_else(usage)?;
    let rest = scope.rest(args);
    if rest.is_empty() {
        return Err(usage());
    }
    let frame = Frame::of(scope.env)?;
    let name = scope.env.get(b"0").ok_or_else(|| Fault::not_set(b"0"))?;
    let name = name.to_vec();
    let (given, operands) = getopt(&letters, frame.from(1)?).map_err(|wrong| Fault {
        kind: Kind::Plain,
        text: joined(&[&name, b": ", wrong.as_bytes()]),
        ..Fault::fatal(Word::new(), code::FAILED)
    })?;
    scope.env.push(is_of_elgetopt);
    for (letter, value) in given {
        let var = joined(&[b"ELGETOPT_", &[letter]]);
        scope.env.set(var, value.unwrap_or_else(|| default.clone()));
    }
    scope.env.set(*b"#", operands.len().to_string());
    let operands = (1..).zip(operands);
    scope.env.replace_arguments(frame.count, operands);
    Ok(Step::Become(rest))
}

/// Options and their values.
type GivenOptions = Vec<(u8, Option<Word>)>;

/// What getopt(3) makes of `args`: options with their values, and what is left.
///
/// # Errors
/// The words of getopt(3) for what is wrong.
fn getopt(letters: &[u8], args: Words) -> Result<(GivenOptions, Words), &'static str> {
    let mut given = GivenOptions::new();
    let mut args = args.into_iter();
    while let Some(word) = args.next() {
        let joined = match word.as_slice() {
            b"--" => break,
            [b'-', joined @ ..] if !joined.is_empty() => joined,
            _ => {
                let operands = std::iter::once(word).chain(args);
                return Ok((given, operands.collect()));
            }
        };
        let mut joined = joined.iter().copied();
        while let Some(letter) = joined.next() {
            let known = |it: &u8| *it == letter && !matches!(letter, b':' | b'?');
            let at = letters.iter().position(known).ok_or("illegal option")?;
            if letters.get(at + 1) != Some(&b':') {
                given.push((letter, None));
                continue;
            }
            let value: Word = joined.by_ref().collect();
            let value = Some(value).filter(|value| !value.is_empty());
            match value.or_else(|| args.next()) {
                Some(value) => given.push((letter, Some(value))),
                // A colon in front of all makes the option a `:` instead of an error.
                None if letters.first() == Some(&b':') => given.push((b':', None)),
                None => return Err("option requires an argument"),
            }
        }
    }
    Ok((given, args.collect()))
}

fn shift(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let usage = || Fault::usage(SHIFT);
    let mut args = scope.args(words);
    let (mut arguments, mut blocks) = (None, None);
    args.options("n:b:", |given| {
        let value: u32 = number(&given.value).ok_or(WrongUsage)?;
        match given.letter {
            b'n' => arguments = Some(value),
            _ => blocks = Some(value),
        }
        Ok(())
    })
    .map_err(|WrongUsage| usage())?;
    let rest = scope.rest(args);
    if rest.is_empty() {
        return Err(usage());
    }
    let wanted = arguments.unwrap_or(u32::from(blocks.is_none()));
    let frame = Frame::of(scope.env)?;
    let count = frame.count;
    if wanted > count {
        let text = format!("unable to shift {wanted} arguments: got {count}");
        complain(text.into(), scope)?;
    }
    let mut shifted = wanted.min(count);
    for block in 0..blocks.unwrap_or(0) {
        loop {
            if shifted >= count {
                // The original has a number before the colon in mind, and does not print it.
                let text = format!("unable to shift block : too few arguments ({block})");
                return Err(Fault::wrong(text));
            }
            shifted += 1;
            let word = frame.get(shifted)?;
            if word.is_empty() {
                break;
            }
            check_quoted(&word, block, 1, scope)?;
        }
    }
    let arguments = frame
        .arguments
        .into_iter()
        .filter(|(place, _)| *place <= count);
    let moved = arguments.filter_map(|(place, argument)| {
        let place = place.checked_sub(shifted).filter(|place| *place > 0)?;
        Some((place, argument))
    });
    scope.env.replace_arguments(count, moved);
    scope.env.set(*b"#", (count - shifted).to_string());
    Ok(Step::Become(rest))
}

fn runblock(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let usage = || Fault::usage(RUNBLOCK);
    let mut args = scope.args(words);
    let (mut pops, mut takes_rest, mut shifted) = (true, false, 0);
    args.options("Pn:r", |given| {
        match given.letter {
            b'P' => pops = false,
            b'n' => shifted = number(&given.value).ok_or(WrongUsage)?,
            _ => takes_rest = true,
        }
        Ok(())
    })
    .map_err(|WrongUsage| usage())?;
    let wanted: u32 = args.word().as_deref().and_then(number).ok_or_else(usage)?;
    if wanted == 0 && !takes_rest {
        return Err(usage());
    }
    let mut command = scope.rest(args);
    let frame = Frame::of(scope.env)?;
    for block in 1..=wanted {
        for position in 1_u32.. {
            if shifted >= frame.count {
                return Err(Fault::wrong("too few arguments"));
            }
            shifted += 1;
            let word = frame.get(shifted)?;
            if word.is_empty() {
                break;
            }
            check_quoted(&word, block, position, scope)?;
            if block == wanted && !takes_rest {
                let word = word.strip_prefix(b" ").unwrap_or(&word);
                command.push(word.to_vec());
            }
        }
    }
    if takes_rest {
        let rest = frame.from(shifted.saturating_add(1))?;
        if rest.is_empty() {
            // The original does not run a command that gets none of the arguments either.
            command.clear();
        }
        command.extend(rest);
    }
    if pops {
        scope.env.pop(is_positional);
    }
    Ok(Step::Become(command))
}

/// A word in a block among the positional variables should have a blank in front.
fn check_quoted(
    word: &[u8],
    block: u32,
    position: u32,
    scope: &mut Scope<'_>,
) -> Result<(), Fault> {
    if word.first() == Some(&b' ') {
        return Ok(());
    }
    let place = format!(" at block {block} position {position}");
    let text = joined(&[b"unquoted positional ", word, place.as_bytes()]);
    complain(text, scope)
}

/// Something that is nothing, is told, or is the end, as `EXECLINE_STRICT` has it.
pub(super) fn complain(text: Word, scope: &mut Scope<'_>) -> Result<(), Fault> {
    match Strict::of(scope.env) {
        Strict::Unset | Strict::Silent => {}
        Strict::Warn => scope.warnings.push(text),
        Strict::Fatal => return Err(Fault::wrong(text)),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
