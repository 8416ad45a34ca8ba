//! Bundles that are added to a database, and taken out of it, after it was compiled: what
//! `s6-rc-bundle` does. Services cannot be.

use super::query::mark;
use super::{Database, QueryError};
use crate::rc::sources::reserved_prefix;

/// Which bundles change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BundleChange {
    /// Bundles that are taken out.
    pub delete: Vec<String>,
    /// Bundles that are added, with the names of what they hold: services and bundles that are in the
    /// database before the change.
    pub add: Vec<(String, Vec<String>)>,
    /// A bundle that is there may be added in its place, and one that is not there be taken out.
    pub force: bool,
}

/// Why bundles cannot be changed so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// What is to be added is there.
    #[error("identifier {0} already exists")]
    Exists(String),
    /// What is to be taken out, or to be held, is not there.
    #[error("identifier {0} does not exist")]
    Unknown(String),
    /// It is a service.
    #[error("identifier {0} does not represent a bundle")]
    NoBundle(String),
    /// Nothing can be called so.
    #[error("{0:?} cannot be the name of a bundle")]
    Name(String),
}

impl Database {
    /// This database with other bundles. A bundle that is both taken out and added is replaced.
    ///
    /// # Errors
    /// When something is to be taken out, added or held that cannot be.
    pub fn with_bundles(&self, change: &BundleChange) -> Result<Self, BundleError> {
        for (name, _) in &change.add {
            self.check_added(name, change.force)?;
        }
        for name in &change.delete {
            self.check_deleted(name, change.force)?;
        }
        let mut added = Vec::with_capacity(change.add.len());
        for (name, contents) in &change.add {
            let numbers = self.numbers(contents.iter().map(String::as_str));
            let numbers = numbers.map_err(|error| match error {
                QueryError::Unknown { name } | QueryError::WrongType { name, .. } => {
                    BundleError::Unknown(name)
                }
            })?;
            added.push((name.clone(), self.authored_among(numbers)));
        }
        let mut changed = self.clone();
        for name in &change.delete {
            changed.bundles.remove(name);
        }
        changed.bundles.extend(added);
        Ok(changed)
    }

    fn check_added(&self, name: &str, force: bool) -> Result<(), BundleError> {
        if self.names.contains_key(name) {
            return Err(if force {
                BundleError::NoBundle(name.to_owned())
            } else {
                BundleError::Exists(name.to_owned())
            });
        }
        if name.is_empty() || name.contains(['\0', '\n']) || reserved_prefix(name).is_some() {
            return Err(BundleError::Name(name.to_owned()));
        }
        if self.bundles.contains_key(name) && !force {
            return Err(BundleError::Exists(name.to_owned()));
        }
        Ok(())
    }

    fn check_deleted(&self, name: &str, force: bool) -> Result<(), BundleError> {
        if self.names.contains_key(name) {
            return Err(BundleError::NoBundle(name.to_owned()));
        }
        if self.bundles.contains_key(name) || force {
            Ok(())
        } else {
            Err(BundleError::Unknown(name.to_owned()))
        }
    }

    /// These services, each once and in order, without s6-rc's own: no bundle holds those.
    fn authored_among(&self, numbers: Vec<usize>) -> Vec<usize> {
        let mut marks = self.none();
        for number in numbers {
            mark(&mut marks, number);
        }
        let marked = marks.iter().enumerate().filter(|(_, mark)| **mark);
        let numbers = marked.map(|(number, _)| number);
        numbers
            .filter(|number| *number >= super::IMPLICIT.len())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn change(delete: &str, add: &[(&str, &str)], force: bool) -> Result<Database, BundleError> {
        let add = add
            .iter()
            .map(|(name, contents)| ((*name).to_owned(), names(contents)));
        sample().with_bundles(&BundleChange {
            delete: names(delete),
            add: add.collect(),
            force,
        })
    }

    #[test]
    fn bundles_come_and_go() {
        let changed = change(
            "nest none",
            &[("new", "pipe a lr a"), ("all", "ok nest"), ("zero", "")],
            false,
        )
        .unwrap();
        let contents = |name: &str| changed.contents(name).map(|it| it.join(" "));
        assert_eq!(contents("new").unwrap(), "lr p1 p2 p3 q a");
        // What they held before counts.
        assert_eq!(contents("all").unwrap(), "ess lr lready a b indep");
        assert_eq!(contents("zero").unwrap(), "");
        assert!(contents("nest").is_err());
        assert_eq!(
            Database::from_bytes(&changed.to_bytes()).as_ref(),
            Ok(&changed)
        );
        let replaced = change("ok", &[("ok", "a")], true).unwrap();
        assert_eq!(replaced.contents("ok"), Ok(vec!["a"]));
        assert_eq!(change("nope", &[], true), Ok(sample()));
        // What s6-rc has of its own is no part of a bundle.
        let own = change("", &[("own", "s6rc-fdholder p1")], false).unwrap();
        assert_eq!(own.contents("own"), Ok(vec!["p1"]));
        assert_eq!(Database::from_bytes(&own.to_bytes()), Ok(own));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let of = |name: &str| name.to_owned();
        for (delete, add, force, error) in [
            ("", &[("ok", "a")][..], false, BundleError::Exists(of("ok"))),
            ("ok", &[("ok", "a")], false, BundleError::Exists(of("ok"))),
            ("", &[("lr", "a")], false, BundleError::Exists(of("lr"))),
            ("", &[("lr", "a")], true, BundleError::NoBundle(of("lr"))),
            ("nope", &[], false, BundleError::Unknown(of("nope"))),
            ("lr", &[], false, BundleError::NoBundle(of("lr"))),
            ("lr", &[], true, BundleError::NoBundle(of("lr"))),
            (
                "",
                &[("new", "a nope")],
                true,
                BundleError::Unknown(of("nope")),
            ),
            (
                "",
                &[("new", "a"), ("newer", "new")],
                false,
                BundleError::Unknown(of("new")),
            ),
            (
                "",
                &[("s6rc-x", "a")],
                true,
                BundleError::Name(of("s6rc-x")),
            ),
            ("", &[("", "a")], true, BundleError::Name(of(""))),
            ("", &[("a\nb", "a")], false, BundleError::Name(of("a\nb"))),
        ] {
            assert_eq!(change(delete, add, force), Err(error));
        }
    }
}
