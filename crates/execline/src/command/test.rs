//! Expressions of `eltest`.

mod parser;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use super::{Command, Scope, command};
use crate::fault::joined;
use crate::options::number;
use crate::{Fault, Step, Word, Words};

pub(super) const COMMANDS: &[Command] = &[command("eltest", plan), command("s6-test", plan)];

/// An expression, read. However deep it is nested, it is a plain list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    operations: Vec<Operation>,
}

/// A step of the evaluation, which has one value at each time.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Operation {
    /// The value is what this says.
    Test(Test),
    /// The value is turned.
    Not,
    /// `-a`: if the value is false, the evaluation goes on behind the right side, here.
    And(usize),
    /// `-o`: if the value is true, the evaluation goes on behind the right side, here.
    Or(usize),
}

/// What has no expression in it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    /// `s`, `-n s`
    NotEmpty(Word),
    /// `-z s`
    Empty(Word),
    /// `-t fd`
    Terminal(Word),
    /// `-v var`
    Variable(Word),
    File(FileTest, Word),
    Text(Comparison, Word, Word),
    Number(Comparison, Word, Word),
    Files(FileComparison, Word, Word),
    /// `s =~ re`
    Matches(Word, Word),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What is asked about a file. All but [`FileTest::Link`] follow links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileTest {
    /// `-e`: it is there.
    Exists,
    /// `-f`
    Regular,
    /// `-d`
    Directory,
    /// `-b`
    BlockDevice,
    /// `-c`
    CharacterDevice,
    /// `-p`
    Fifo,
    /// `-S`
    Socket,
    /// `-h`, `-L`
    Link,
    /// `-r`
    Readable,
    /// `-w`
    Writable,
    /// `-x`
    Executable,
    /// `-s`: it is not empty.
    NotEmpty,
    /// `-g`
    SetGid,
    /// `-u`
    SetUid,
    /// `-k`
    Sticky,
    /// `-O`, `-U`: it belongs to the effective user.
    Owned,
    /// `-G`: it belongs to the effective group.
    GroupOwned,
    /// `-N`: it was changed since it was last read.
    Modified,
}

/// How two files are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileComparison {
    /// `-nt`: the first was changed later, or the second is not there.
    Newer,
    /// `-ot`: the first was changed earlier, or is not there while the second is.
    Older,
    /// `-ef`: they are the same file.
    Same,
}

/// What expressions ask about.
pub trait World {
    /// Whether this is true of a file; false when it is not there.
    fn file(&self, test: FileTest, path: &[u8]) -> bool;
    /// Whether this is true of two files.
    fn compare(&self, comparison: FileComparison, one: &[u8], other: &[u8]) -> bool;
    /// Whether a descriptor is a terminal.
    fn is_terminal(&self, fd: i32) -> bool;
    /// Whether a variable is set.
    fn is_set(&self, var: &[u8]) -> bool;
    /// Whether an extended regular expression matches some part of a text.
    ///
    /// # Errors
    /// What is wrong with the expression.
    fn matches(&self, text: &[u8], pattern: &[u8]) -> Result<bool, String>;
}

impl Expression {
    /// Reads the words of an expression. None are one that is false.
    ///
    /// # Errors
    /// Where it is wrong (exit code 100).
    pub fn parse(words: &[Word]) -> Result<Self, Fault> {
        let operations = parser::parse(words)?;
        Ok(Self { operations })
    }

    /// Whether it is true. What cannot change the result is not looked at.
    ///
    /// # Errors
    /// A word that is no number where one is wanted, and a regular expression that is none (exit code
    /// 100).
    pub fn evaluate(&self, world: &dyn World) -> Result<bool, Fault> {
        let mut value = false;
        let mut at = 0;
        while let Some(operation) = self.operations.get(at) {
            at = at.saturating_add(1);
            match operation {
                Operation::Test(test) => value = test.holds(world)?,
                Operation::Not => value = !value,
                Operation::And(behind) if !value => at = *behind,
                Operation::Or(behind) if value => at = *behind,
                Operation::And(_) | Operation::Or(_) => {}
            }
        }
        Ok(value)
    }
}

impl Test {
    fn holds(&self, world: &dyn World) -> Result<bool, Fault> {
        Ok(match self {
            Self::NotEmpty(text) => !text.is_empty(),
            Self::Empty(text) => text.is_empty(),
            Self::Terminal(word) => {
                let fd: u32 =
                    number(word).ok_or_else(|| Fault::wrong("-t requires an integer argument"))?;
                i32::try_from(fd).is_ok_and(|fd| world.is_terminal(fd))
            }
            Self::Variable(var) => world.is_set(var),
            Self::File(test, path) => world.file(*test, path),
            Self::Text(comparison, one, other) => comparison.holds(one.cmp(other)),
            Self::Number(comparison, one, other) => {
                let (Some(one), Some(other)) = (integer(one), integer(other)) else {
                    let text = format!("{} requires integer arguments", comparison.option());
                    return Err(Fault::wrong(text));
                };
                comparison.holds(one.cmp(&other))
            }
            Self::Files(comparison, one, other) => world.compare(*comparison, one, other),
            Self::Matches(text, pattern) => world.matches(text, pattern).map_err(|reason| {
                Fault::wrong(joined(&[
                    b"unable to compile ",
                    pattern,
                    b" into a regular expression: ",
                    reason.as_bytes(),
                ]))
            })?,
        })
    }
}

impl Comparison {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }

    /// What it is called for numbers.
    fn option(self) -> &'static str {
        match self {
            Self::Equal => "-eq",
            Self::NotEqual => "-ne",
            Self::Less => "-lt",
            Self::LessOrEqual => "-le",
            Self::Greater => "-gt",
            Self::GreaterOrEqual => "-ge",
        }
    }
}

/// A decimal number, which may have a sign.
fn integer(word: &[u8]) -> Option<i64> {
    let digits = match word {
        [b'+' | b'-', digits @ ..] => digits,
        digits => digits,
    };
    let is_decimal = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(word).ok()?;
    is_decimal.then(|| text.parse().ok()).flatten()
}

fn plan(words: Words, _: &mut Scope<'_>) -> Result<Step, Fault> {
    Expression::parse(&words).map(Step::Test)
}
