//! The commands of the language, by name, and how each is planned.

#[cfg(test)]
mod any_words;
mod arguments;
pub mod capture;
#[cfg(test)]
mod chain;
pub mod control;
pub mod descriptors;
pub mod envfile;
pub mod environment;
mod long;
pub mod positional;
pub mod process;
pub mod script;
mod signal;
pub mod substitute;
pub mod test;
#[cfg(test)]
mod testing;

use crate::block::Args;
use crate::strict::Strict;
use crate::{Environment, Fault, Step, Word, Words};

/// What a command is planned with.
pub struct Scope<'a> {
    /// The environment, which the plan may change.
    pub env: &'a mut Environment,
    /// Warnings that are due, without the command's name.
    pub warnings: &'a mut Vec<Word>,
    /// The paths that match a pattern (glob(3)): `elglob` needs them.
    pub glob: &'a dyn Fn(&substitute::Glob) -> Result<Words, Fault>,
}

impl Scope<'_> {
    /// `words` as a command's words and blocks.
    #[must_use]
    pub fn args(&self, words: Words) -> Args {
        Args::new(words, Strict::of(self.env))
    }

    /// What is left of `args`; their warnings are due.
    pub fn rest(&mut self, args: Args) -> Words {
        let (rest, warnings) = args.finish();
        self.warnings.extend(warnings);
        rest
    }
}

/// A command of the language.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// What it is called in scripts.
    pub name: &'static str,
    /// What it calls itself in messages.
    pub speaks_as: &'static str,
    plan: fn(Words, &mut Scope<'_>) -> Result<Step, Fault>,
}

impl PartialEq for Command {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// The command called `name`.
#[must_use]
pub fn find(name: &[u8]) -> Option<Command> {
    all().find(|command| command.name.as_bytes() == name)
}

/// Every command.
pub fn all() -> impl Iterator<Item = Command> {
    TABLES.into_iter().flatten().copied()
}

/// What `command` asks for when it is called with `args` (without its name).
///
/// # Errors
/// Wrong usage, a variable that is not set, and what else ends the command before it does anything.
pub fn plan(command: Command, args: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    (command.plan)(args, scope)
}

const fn command(
    name: &'static str,
    plan: fn(Words, &mut Scope<'_>) -> Result<Step, Fault>,
) -> Command {
    Command {
        name,
        speaks_as: name,
        plan,
    }
}

/// Every command, by table.
const TABLES: [&[Command]; 10] = [
    capture::COMMANDS,
    control::COMMANDS,
    descriptors::COMMANDS,
    environment::COMMANDS,
    envfile::COMMANDS,
    positional::COMMANDS,
    process::COMMANDS,
    script::COMMANDS,
    substitute::COMMANDS,
    test::COMMANDS,
];
