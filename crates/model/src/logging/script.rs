//! The script of s6-log, read (s6.md B5.1).
//!
//! Each word is a directive: a selection, a setting that holds for the actions after it, or an action.

use std::fmt;
use std::time::Duration;

use super::rotation::Rotation;
use super::selection::Selection;

/// A script. `M` is what its regular expressions are made into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script<M> {
    /// What is done with a line, in order.
    pub rules: Vec<Rule<M>>,
    /// There are selections behind the last action, which do nothing.
    pub has_extraneous: bool,
}

/// One thing that is done with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule<M> {
    /// It is selected, or is not any more.
    Select(Selection<M>),
    /// If selected, it is written.
    Act(Action),
}

/// Where a line is written, and what before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The moment as a TAI64N label comes first (`t`).
    pub has_tai: bool,
    /// Then the moment in local time (`T`).
    pub has_local: bool,
    /// Then this and a space (`p`); nothing if it is empty.
    pub prefix: Vec<u8>,
    /// Where to.
    pub target: Target,
}

/// Where lines are written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Standard output (`1`).
    Stdout,
    /// Standard error, as an alert (`2`).
    Alert {
        /// Lines much longer than this are cut (`E`); 0 is without limit.
        limit: usize,
    },
    /// A file that holds the last line (`=`).
    Status {
        /// The file.
        path: Vec<u8>,
        /// How many bytes it always has (`^`); 0 for as many as the line needs.
        size: usize,
    },
    /// A log directory (`/` and `.`).
    Directory(DirectoryAction),
}

/// A log directory of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryAction {
    /// Where it is.
    pub path: Vec<u8>,
    /// When a new file is begun, and which old ones are kept.
    pub rotation: Rotation,
    /// What a full file goes through.
    pub processor: Option<Processor>,
}

/// What a full file goes through before it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Processor {
    /// A line for `execlineb -Pc` (`!`).
    Execline(Vec<u8>),
    /// A line for `/bin/sh -c` (`?`).
    Shell(Vec<u8>),
}

/// What is wrong with a script. Its text is s6-log's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptError {
    /// What it is.
    pub kind: ScriptErrorKind,
    /// Which word of the script it is about (the first is 0); the number of words for the whole.
    pub word: usize,
    /// The byte in that word where it begins.
    pub byte: usize,
    /// The word.
    pub text: Vec<u8>,
}

/// The ways in which a script is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptErrorKind {
    /// There is no such directive, or its number is none, or its regular expression.
    Unrecognized,
    /// Something is too much or missing.
    Syntax,
    /// A tolerance of more than half the size.
    Conflict,
    /// There is nothing to be done.
    NoAction,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(&self.text);
        match self.kind {
            ScriptErrorKind::Unrecognized => write!(f, "unrecognized directive: {text}"),
            ScriptErrorKind::Syntax => write!(f, "syntax error at directive: {text}"),
            ScriptErrorKind::Conflict => {
                write!(f, "directive {text} conflicts with previous s directive")
            }
            ScriptErrorKind::NoAction => f.write_str("no action directive specified"),
        }
    }
}

impl std::error::Error for ScriptError {}

impl<M> Script<M> {
    /// Reads the words of a script. `compile` makes a matcher of a regular expression, if it is one.
    ///
    /// # Errors
    /// The first thing that is wrong, which is what s6-log reports.
    pub fn parse(
        words: &[&[u8]],
        compile: impl FnMut(&[u8]) -> Option<M>,
    ) -> Result<Self, ScriptError> {
        let mut reader = Reader {
            settings: Settings::default(),
            rules: Vec::new(),
            compile,
        };
        for (number, word) in words.iter().enumerate() {
            reader.word(word).map_err(|(kind, byte)| ScriptError {
                kind,
                word: number,
                byte,
                text: word.to_vec(),
            })?;
        }
        let is_action = |rule: &Rule<M>| matches!(rule, Rule::Act(_));
        let Some(last) = reader.rules.iter().rposition(is_action) else {
            return Err(ScriptError {
                kind: ScriptErrorKind::NoAction,
                word: words.len(),
                byte: 0,
                text: Vec::new(),
            });
        };
        let has_extraneous = last + 1 < reader.rules.len();
        reader.rules.truncate(last + 1);
        Ok(Self {
            rules: reader.rules,
            has_extraneous,
        })
    }

    /// The actions in order.
    pub fn actions(&self) -> impl Iterator<Item = &Action> + Clone {
        self.rules.iter().filter_map(|rule| match rule {
            Rule::Act(action) => Some(action),
            Rule::Select(_) => None,
        })
    }
}

/// What holds for the next action.
struct Settings {
    has_tai: bool,
    has_local: bool,
    prefix: Vec<u8>,
    alert: u32,
    status: u32,
    rotation: Rotation,
    processor: Option<Processor>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            has_tai: false,
            has_local: false,
            prefix: Vec::new(),
            alert: 200,
            status: 1001,
            rotation: Rotation::default(),
            processor: None,
        }
    }
}

struct Reader<M, C> {
    settings: Settings,
    rules: Vec<Rule<M>>,
    compile: C,
}

/// What is wrong with a word, and where in it.
type Wrong = (ScriptErrorKind, usize);

impl<M, C: FnMut(&[u8]) -> Option<M>> Reader<M, C> {
    fn word(&mut self, word: &[u8]) -> Result<(), Wrong> {
        let Some((letter, rest)) = word.split_first() else {
            return Err((ScriptErrorKind::Unrecognized, 0));
        };
        let settings = &mut self.settings;
        let rotation = &mut settings.rotation;
        match letter {
            b'+' => {
                let matcher = self.matcher(rest)?;
                self.rules.push(Rule::Select(Selection::Add(matcher)));
            }
            b'-' => {
                let matcher = self.matcher(rest)?;
                self.rules.push(Rule::Select(Selection::Remove(matcher)));
            }
            b'f' => {
                nothing(rest)?;
                self.rules.push(Rule::Select(Selection::Untouched));
            }
            b'n' => rotation.keep = number(rest)?,
            b's' => rotation.set_size(number(rest)?),
            b'S' => rotation.total = number(rest)?,
            b'l' => {
                let tolerance = number(rest)?;
                if !rotation.set_tolerance(tolerance) {
                    return Err((ScriptErrorKind::Conflict, 1));
                }
            }
            b'r' => rotation.retry = Duration::from_millis(number::<u32>(rest)?.into()),
            b'R' => {
                let seconds = Some(number::<u32>(rest)?).filter(|seconds| *seconds > 0);
                rotation.interval = seconds.map(|seconds| Duration::from_secs(seconds.into()));
            }
            b'E' => settings.alert = number(rest)?,
            b'^' => settings.status = number(rest)?,
            b'p' => settings.prefix = rest.to_vec(),
            b'!' => settings.processor = processor(rest, Processor::Execline),
            b'?' => settings.processor = processor(rest, Processor::Shell),
            b't' => {
                nothing(rest)?;
                settings.has_tai = true;
            }
            b'T' => {
                nothing(rest)?;
                settings.has_local = true;
            }
            b'1' => {
                nothing(rest)?;
                self.act(Target::Stdout);
            }
            b'2' => {
                nothing(rest)?;
                let limit = size(settings.alert);
                self.act(Target::Alert { limit });
            }
            b'=' => {
                if rest.is_empty() {
                    return Err((ScriptErrorKind::Syntax, 1));
                }
                let size = size(settings.status);
                self.act(Target::Status {
                    path: rest.to_vec(),
                    size,
                });
            }
            b'.' | b'/' => {
                let directory = DirectoryAction {
                    path: word.to_vec(),
                    rotation: settings.rotation,
                    processor: settings.processor.clone(),
                };
                self.act(Target::Directory(directory));
            }
            _ => return Err((ScriptErrorKind::Unrecognized, 0)),
        }
        Ok(())
    }

    fn matcher(&mut self, expression: &[u8]) -> Result<M, Wrong> {
        (self.compile)(expression).ok_or((ScriptErrorKind::Unrecognized, 1))
    }

    fn act(&mut self, target: Target) {
        self.rules.push(Rule::Act(Action {
            has_tai: std::mem::take(&mut self.settings.has_tai),
            has_local: std::mem::take(&mut self.settings.has_local),
            prefix: self.settings.prefix.clone(),
            target,
        }));
    }
}

/// A directive that is one letter has nothing behind it.
fn nothing(rest: &[u8]) -> Result<(), Wrong> {
    if rest.is_empty() {
        Ok(())
    } else {
        Err((ScriptErrorKind::Syntax, 1))
    }
}

fn number<T: std::str::FromStr>(digits: &[u8]) -> Result<T, Wrong> {
    let wrong = digits.iter().position(|byte| !byte.is_ascii_digit());
    let text = std::str::from_utf8(digits).ok().filter(|_| wrong.is_none());
    let number = text.and_then(|text| text.parse().ok());
    number.ok_or((ScriptErrorKind::Unrecognized, 1 + wrong.unwrap_or_default()))
}

fn processor(line: &[u8], kind: fn(Vec<u8>) -> Processor) -> Option<Processor> {
    (!line.is_empty()).then(|| kind(line.to_vec()))
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
