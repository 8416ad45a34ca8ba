//! `s6-rc-db [ -u | -d ] [ -l live ] [ -c compiled ] [ -b ] command`: what a compiled database says.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::PathBuf;

use sixfold_model::rc::Database;
use sixfold_model::rc::database::{QueryError, Selection, Way};
use sixfold_protocol::paths::{RC, RC_COMPILED};

use super::files;
use crate::complain::{self, ExitCode};
use crate::options::{Options, WrongUsage};

pub(super) const NAME: &str = "s6-rc-db";
const SYNOPSIS: &str = "s6-rc-db [ -u | -d ] [ -l live ] [ -c compiled ] [ -b ] command... (check, list, type, timeout, script, flags, contents, dependencies, all-dependencies, pipeline, atomics)";
/// There is no such name.
const UNKNOWN: u8 = 3;
/// The question makes no sense for what the name means.
const WRONG_TYPE: u8 = 5;

/// A question.
#[derive(Debug, PartialEq, Eq)]
enum Question {
    Check,
    List(Selection),
    Type(String),
    Timeout(String),
    Script(String),
    Flags(String),
    Contents(String),
    Dependencies(Vec<String>),
    AllDependencies(Vec<String>),
    Pipeline(String),
    Atomics(Vec<String>),
}

/// What the command line says.
struct Order {
    /// The directory of the database.
    compiled: PathBuf,
    way: Way,
    question: Question,
}

/// The command.
pub(super) fn db(args: Vec<OsString>) -> ExitCode {
    let Ok(order) = read_order(args) else {
        return complain::usage(NAME, SYNOPSIS);
    };
    let database = match files::read(NAME, &order.compiled) {
        Ok(database) => database,
        Err(code) => return code,
    };
    match answer(&database, &order.question, order.way) {
        Ok(text) => {
            // A reader that went away is no reason to fail.
            let _ = std::io::stdout().write_all(&text);
            ExitCode::SUCCESS
        }
        Err(error @ QueryError::Unknown { .. }) => {
            let message = format!("{error} in {}", order.compiled.display());
            complain::fatal(NAME, message, UNKNOWN)
        }
        Err(error @ QueryError::WrongType { .. }) => complain::fatal(NAME, error, WRONG_TYPE),
    }
}

fn read_order(args: Vec<OsString>) -> Result<Order, WrongUsage> {
    let mut options = Options::new(args, "udl:c:b");
    let (mut way, mut live, mut compiled) = (Way::Up, PathBuf::from(RC), None);
    while let Some(option) = options.next()? {
        match option.letter {
            b'u' => way = Way::Up,
            b'd' => way = Way::Down,
            b'l' => live = option.value.into(),
            b'c' => compiled = Some(PathBuf::from(option.value)),
            // A database is written whole and never changed, so nothing locks it (-b).
            _ => {}
        }
    }
    let rest = options.rest();
    let (command, names) = rest.split_first().ok_or(WrongUsage)?;
    Ok(Order {
        compiled: compiled.unwrap_or_else(|| live.join(RC_COMPILED)),
        way,
        question: question(command, names).ok_or(WrongUsage)?,
    })
}

/// The question that a command and the words after it ask. As with the other commands of s6, words
/// that it has no use for do not matter.
fn question(command: &OsStr, words: &[OsString]) -> Option<Question> {
    let names: Vec<String> = words
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let first = || names.first().cloned();
    let some = || (!names.is_empty()).then(|| names.clone());
    match command.to_str()? {
        "check" => Some(Question::Check),
        "list" => {
            let selection = match first()?.as_str() {
                "all" => Selection::All,
                "services" => Selection::Services,
                "oneshots" => Selection::Oneshots,
                "longruns" => Selection::Longruns,
                "bundles" => Selection::Bundles,
                _ => return None,
            };
            Some(Question::List(selection))
        }
        "type" => first().map(Question::Type),
        "timeout" => first().map(Question::Timeout),
        "script" => first().map(Question::Script),
        "flags" => first().map(Question::Flags),
        "contents" => first().map(Question::Contents),
        "dependencies" => some().map(Question::Dependencies),
        "all-dependencies" => some().map(Question::AllDependencies),
        "pipeline" => first().map(Question::Pipeline),
        "atomics" => some().map(Question::Atomics),
        _ => None,
    }
}

/// What is printed.
fn answer(database: &Database, question: &Question, way: Way) -> Result<Vec<u8>, QueryError> {
    fn each(names: &[String]) -> impl Iterator<Item = &str> {
        names.iter().map(String::as_str)
    }
    let names = match question {
        // What is wrong with a database is found when it is read.
        Question::Check => Vec::new(),
        Question::List(selection) => database.list(*selection),
        Question::Type(name) => return Ok(line(database.type_of(name)?)),
        Question::Timeout(name) => return Ok(line(database.timeout(name, way)?)),
        Question::Flags(name) => return Ok(line(format_args!("{:08x}", database.flags(name)?))),
        Question::Script(name) => {
            let words = database.script(name, way)?.iter();
            return Ok(words.flat_map(|word| [word, &b"\0"[..]].concat()).collect());
        }
        Question::Pipeline(name) => {
            let links = database.pipeline(name)?.into_iter();
            let lines = links.flat_map(|(from, to)| line(format_args!("{from}/{to}")));
            return Ok(lines.collect());
        }
        Question::Contents(name) => database.contents(name)?,
        Question::Dependencies(names) => database.dependencies(each(names), way)?,
        Question::AllDependencies(names) => database.all_dependencies(each(names), way)?,
        Question::Atomics(names) => database.atomics(each(names))?,
    };
    Ok(names.into_iter().flat_map(line).collect())
}

fn line(text: impl std::fmt::Display) -> Vec<u8> {
    format!("{text}\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(words: &[&str]) -> Option<(PathBuf, Way, Question)> {
        let order = read_order(words.iter().map(OsString::from).collect()).ok()?;
        Some((order.compiled, order.way, order.question))
    }

    #[test]
    fn the_live_database_is_asked_unless_another_is_named() {
        let asked = |words: &[&str]| order(words).map(|(compiled, ..)| compiled);
        for (words, compiled) in [
            (&["check"][..], "/run/s6-rc/compiled"),
            (&["-l", "/run/live", "check"], "/run/live/compiled"),
            (&["-b", "-c", "db", "check"], "db"),
            (&["-cdb", "-l", "x", "check"], "db"),
        ] {
            assert_eq!(asked(words), Some(PathBuf::from(compiled)), "{words:?}");
        }
    }

    #[test]
    fn questions_are_told_apart() {
        let names = || vec!["a".to_owned(), "b".to_owned()];
        for (words, way, question) in [
            (
                &["list", "all"][..],
                Way::Up,
                Question::List(Selection::All),
            ),
            (
                &["-d", "script", "a"],
                Way::Down,
                Question::Script("a".to_owned()),
            ),
            (
                &["-du", "atomics", "a", "b"],
                Way::Up,
                Question::Atomics(names()),
            ),
            (
                &["-d", "dependencies", "a", "b"],
                Way::Down,
                Question::Dependencies(names()),
            ),
            (&["type", "a", "b"], Way::Up, Question::Type("a".to_owned())),
        ] {
            let found = order(words).map(|(_, way, question)| (way, question));
            assert_eq!(found, Some((way, question)), "{words:?}");
        }
        for wrong in [
            &[][..],
            &["-x", "check"],
            &["nope"],
            &["list"],
            &["list", "nope"],
            &["type"],
            &["dependencies"],
            &["atomics"],
            &["-c"],
        ] {
            assert_eq!(order(wrong), None, "{wrong:?}");
        }
    }
}
