//! The conversion file of `s6-rc-update`: what became of services that have another name in the new
//! database, and which of them are to be restarted whether they changed or not.
//!
//! Each line holds the old name of a service, `->` and its new name if it has one, and `restart` if
//! that is wanted; it is read as execlineb would.

use std::collections::{BTreeMap, BTreeSet};

use sixfold_execline::lexer::{self, Script, SyntaxErrorKind};
use sixfold_model::rc::Database;
use sixfold_model::rc::database::{QueryError, Selection, Type};

/// What a file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Conversion {
    /// Old names, and the new ones.
    pub(super) renamed: Vec<(String, String)>,
    /// Old names of services to be restarted.
    pub(super) restarted: Vec<String>,
}

/// What is wrong with a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mistake {
    /// A line is no words.
    Syntax(String),
    /// A line has a brace that belongs to no other.
    Braces(String),
    /// A word means nothing.
    Keyword(String),
    /// A service is not in the old database.
    Unknown(String),
    /// It is a bundle there.
    Bundle(String),
    /// It is told of twice.
    Twice(String),
    /// There is no such name in the new database.
    Undefined(String),
    /// More than one service would become this one.
    Target {
        /// The new one.
        new: String,
        /// The last of the old ones.
        old: String,
    },
}

/// Reads a file about the services of `old` that become those of `new`.
pub(super) fn read(text: &[u8], old: &Database, new: &Database) -> Result<Conversion, Mistake> {
    let mut conversion = Conversion::default();
    let mut told = BTreeSet::new();
    for line in text.split(|byte| *byte == b'\n') {
        let words = words(line)?;
        let mut words = words.into_iter();
        let Some(name) = words.next() else {
            continue;
        };
        match old.type_of(&name) {
            Ok(Type::Longrun | Type::Oneshot) => {}
            Ok(Type::Bundle) => return Err(Mistake::Bundle(name)),
            Err(QueryError::Unknown { .. } | QueryError::WrongType { .. }) => {
                return Err(Mistake::Unknown(name));
            }
        }
        if !told.insert(name.clone()) {
            return Err(Mistake::Twice(name));
        }
        let mut rest: Vec<String> = words.collect();
        if rest.len() > 1 && rest.first().is_some_and(|word| word == "->") {
            let renamed = rest.drain(..2).nth(1).unwrap_or_default();
            conversion.renamed.push((name.clone(), renamed));
        }
        if let Some(word) = rest.iter().find(|word| *word != "restart") {
            return Err(Mistake::Keyword(word.clone()));
        }
        if !rest.is_empty() {
            conversion.restarted.push(name);
        }
    }
    check(&conversion, old, new)?;
    Ok(conversion)
}

fn words(line: &[u8]) -> Result<Vec<String>, Mistake> {
    let shown = || String::from_utf8_lossy(line).into_owned();
    match lexer::read(line) {
        Ok(Script::Words(words)) => {
            let texts = words
                .iter()
                .map(|word| String::from_utf8_lossy(word).into_owned());
            Ok(texts.collect())
        }
        Ok(Script::TooLong(_)) => Err(Mistake::Syntax(shown())),
        Err(error) => Err(match error.kind {
            SyntaxErrorKind::Syntax => Mistake::Syntax(shown()),
            SyntaxErrorKind::UnmatchedOpen | SyntaxErrorKind::UnmatchedClose => {
                Mistake::Braces(shown())
            }
        }),
    }
}

/// Whether each old service becomes something that is there, and no two of them the same.
fn check(conversion: &Conversion, old: &Database, new: &Database) -> Result<(), Mistake> {
    let renamed: BTreeMap<&str, &str> = conversion
        .renamed
        .iter()
        .map(|(old, new)| (old.as_str(), new.as_str()))
        .collect();
    let mut targets = BTreeSet::new();
    for name in old.list(Selection::Services).into_iter().rev() {
        let new_name = renamed.get(name).copied();
        let Ok(becomes) = new.atomics([new_name.unwrap_or(name)]) else {
            match new_name {
                Some(new_name) => return Err(Mistake::Undefined(new_name.to_owned())),
                // It is gone.
                None => continue,
            }
        };
        for target in becomes {
            if !targets.insert(target) {
                return Err(Mistake::Target {
                    new: target.to_owned(),
                    old: name.to_owned(),
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sixfold_daemon::sources::command_syntax;
    use sixfold_model::rc::{self, Layer, Origin};

    use super::*;

    /// The database of these oneshots, and of a bundle for each name with an equals sign.
    fn database(names: &str) -> Database {
        let dir = tempfile::tempdir().unwrap();
        for name in names.split_whitespace() {
            let (name, contents) = name.split_once('=').unwrap_or((name, ""));
            let service = dir.path().join(name);
            std::fs::create_dir(&service).unwrap();
            if contents.is_empty() {
                std::fs::write(service.join("type"), "oneshot\n").unwrap();
                std::fs::write(service.join("up"), "true\n").unwrap();
            } else {
                std::fs::write(service.join("type"), "bundle\n").unwrap();
                std::fs::write(service.join("contents"), contents.replace(',', "\n")).unwrap();
            }
        }
        let root = std::path::Path::new("/");
        let layer = Layer {
            origin: Origin::Image,
            dir: dir.path().to_owned(),
            tree: sixfold_daemon::sources::definitions(root, dir.path()).unwrap(),
        };
        let (graph, _) = rc::read(&[layer], &command_syntax);
        Database::of(&graph)
    }

    #[test]
    fn renaming_and_restarting() {
        let (old, new) = (database("a b c d"), database("a bb c x y dd=x,y"));
        let text = b"# comment\n\n  b -> bb # why\n\"a\" restart\nd -> dd restart";
        let pair = |old: &str, new: &str| (old.to_owned(), new.to_owned());
        assert_eq!(
            read(text, &old, &new),
            Ok(Conversion {
                renamed: vec![pair("b", "bb"), pair("d", "dd")],
                restarted: vec!["a".to_owned(), "d".to_owned()],
            })
        );
        assert_eq!(read(b"", &old, &new), Ok(Conversion::default()));
    }

    #[test]
    fn mistakes_are_told_apart() {
        let (old, new) = (database("a b g=a"), database("a b c"));
        let of = |text: &str| text.to_owned();
        for (text, mistake) in [
            ("a \"", Mistake::Syntax(of("a \""))),
            ("a { b", Mistake::Braces(of("a { b"))),
            ("a }", Mistake::Braces(of("a }"))),
            ("a later", Mistake::Keyword(of("later"))),
            ("a ->", Mistake::Keyword(of("->"))),
            ("a -> c d", Mistake::Keyword(of("d"))),
            ("nope restart", Mistake::Unknown(of("nope"))),
            ("g -> c", Mistake::Bundle(of("g"))),
            ("a restart\na -> c", Mistake::Twice(of("a"))),
            ("a -> nope", Mistake::Undefined(of("nope"))),
            (
                "a -> b",
                Mistake::Target {
                    new: of("b"),
                    old: of("a"),
                },
            ),
        ] {
            assert_eq!(read(text.as_bytes(), &old, &new), Err(mistake), "{text}");
        }
    }
}
