//! The environment as a value, and the frames of positional variables that execline keeps in it.
//!
//! Names and values are bytes. The order in which variables were set is kept.

use std::collections::{HashMap, HashSet};

use crate::Word;

/// Variables by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    variables: Vec<(Word, Word)>,
}

impl Environment {
    /// These variables; of a name given twice the first counts, as for getenv(3).
    pub fn new(variables: impl IntoIterator<Item = (Word, Word)>) -> Self {
        let mut names = HashSet::new();
        let variables = variables.into_iter();
        let variables = variables.filter(|(name, _)| names.insert(name.clone()));
        Self {
            variables: variables.collect(),
        }
    }

    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.variables
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_slice())
    }

    /// Sets a variable.
    pub fn set(&mut self, name: impl Into<Word>, value: impl Into<Word>) {
        let (name, value) = (name.into(), value.into());
        match self.variables.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.variables.push((name, value)),
        }
    }

    /// Removes a variable and gives its value.
    pub fn remove(&mut self, name: &[u8]) -> Option<Word> {
        let at = self.variables.iter().position(|(known, _)| known == name)?;
        Some(self.variables.remove(at).1)
    }

    /// Keeps the variables for whose names `wanted` is true.
    pub fn retain(&mut self, wanted: impl Fn(&[u8]) -> bool) {
        self.variables.retain(|(name, _)| wanted(name));
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.variables.clear();
    }

    /// All variables.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_slice(), value.as_slice()))
    }

    /// Saves the variables of a frame: each is renamed by adding 1 to the level behind its colon, `V`
    /// to `V:1`, `V:1` to `V:2`. What is behind a colon and no number makes a name of no frame.
    pub fn push(&mut self, is_of_frame: impl Fn(&[u8]) -> bool) {
        for (name, _) in &mut self.variables {
            if let Some((base, level)) = split_level(name).filter(|_| is_of_frame(name)) {
                *name = with_level(base, level.saturating_add(1));
            }
        }
    }

    /// Undoes a push: `V` is dropped, `V:1` becomes `V`, `V:2` becomes `V:1`.
    pub fn pop(&mut self, is_of_frame: impl Fn(&[u8]) -> bool) {
        self.variables.retain_mut(|(name, _)| {
            match split_level(name).filter(|_| is_of_frame(name)) {
                Some((_, 0)) => return false,
                Some((base, level)) => *name = with_level(base, level.saturating_sub(1)),
                None => {}
            }
            true
        });
    }

    /// Sets the frame of positional variables: `#`, `0`, and `1`... for the arguments.
    pub fn set_positionals(&mut self, zero: &[u8], args: &[Word]) {
        self.set(*b"#", args.len().to_string());
        self.set(*b"0", zero);
        let count = u32::try_from(args.len()).unwrap_or(u32::MAX);
        self.replace_arguments(count, (1..).zip(args.iter().cloned()));
    }

    /// Removes the variables `1` to `old`, and sets those that are given with their places, which
    /// are none above `old`.
    pub fn replace_arguments(&mut self, old: u32, args: impl IntoIterator<Item = (u32, Word)>) {
        self.retain(|name| place(name).is_none_or(|place| place > old));
        let args = args.into_iter();
        let variables = args.map(|(place, arg)| (place.to_string().into_bytes(), arg));
        self.variables.extend(variables);
    }

    /// The variables whose names are numbers from 1 on, by number.
    #[must_use]
    pub fn arguments(&self) -> HashMap<u32, Word> {
        let variables = self.iter();
        let arguments = variables.filter_map(|(name, value)| Some((place(name)?, value.to_vec())));
        arguments.collect()
    }
}

/// The number that is the name of a positional variable, for all but `0`.
fn place(name: &[u8]) -> Option<u32> {
    name.first().filter(|digit| **digit != b'0')?;
    crate::options::number(name)
}

/// Whether a variable belongs to the frame of positional variables.
#[must_use]
pub fn is_positional(name: &[u8]) -> bool {
    matches!(name.first(), Some(b'#' | b'0'..=b'9'))
}

/// A name without the level behind it, and the level (0 if there is none); `None` if what is behind
/// its colon is no level.
fn split_level(name: &[u8]) -> Option<(&[u8], u32)> {
    let Some(at) = name.iter().position(|byte| *byte == b':') else {
        return Some((name, 0));
    };
    let (base, level) = name.split_at(at);
    let level = crate::options::number(level.get(1..)?)?;
    (level > 0).then_some((base, level))
}

fn with_level(base: &[u8], level: u32) -> Word {
    let mut name = base.to_vec();
    if level > 0 {
        name.extend_from_slice(format!(":{level}").as_bytes());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(variables: &[(&str, &str)]) -> Environment {
        Environment::new(
            variables
                .iter()
                .map(|(name, value)| (Word::from(*name), Word::from(*value))),
        )
    }

    #[test]
    fn variables_are_set_replaced_and_removed_in_their_order() {
        let mut it = env(&[("A", "1"), ("B", "2"), ("A", "3")]);
        assert_eq!(it.get(b"A"), Some(&b"1"[..]));
        it.set("A", "4");
        it.set("C", "");
        assert_eq!(it, env(&[("A", "4"), ("B", "2"), ("C", "")]));
        assert_eq!(it.remove(b"B"), Some(Word::from("2")));
        assert_eq!(it.remove(b"B"), None);
    }

    #[test]
    fn frames_are_pushed_and_popped() {
        let mut it = env(&[
            ("#", "1"),
            ("1", "a"),
            ("1:1", "b"),
            ("X", "x"),
            ("1:x", "y"),
        ]);
        it.push(is_positional);
        let pushed = [
            ("#:1", "1"),
            ("1:1", "a"),
            ("1:2", "b"),
            ("X", "x"),
            ("1:x", "y"),
        ];
        assert_eq!(it, env(&pushed));
        it.set_positionals(b"zero", &[b"n".to_vec()]);
        assert_eq!(it.get(b"#"), Some(&b"1"[..]));
        assert_eq!(it.get(b"0"), Some(&b"zero"[..]));
        assert_eq!(it.arguments(), HashMap::from([(1, b"n".to_vec())]));
        it.pop(is_positional);
        assert_eq!(
            it,
            env(&[
                ("#", "1"),
                ("1", "a"),
                ("1:1", "b"),
                ("X", "x"),
                ("1:x", "y")
            ])
        );
    }

    #[test]
    fn arguments_are_replaced() {
        let variables = [
            ("2", "b"),
            ("X", "x"),
            ("1", "a"),
            ("3", "c"),
            ("01", "y"),
            ("0", "z"),
        ];
        let mut it = env(&variables);
        let arguments = [(1, "a"), (2, "b"), (3, "c")].map(|(place, it)| (place, it.into()));
        assert_eq!(it.arguments(), HashMap::from(arguments));
        it.replace_arguments(2, [(2, b"new".to_vec())]);
        let wanted = [
            ("X", "x"),
            ("3", "c"),
            ("01", "y"),
            ("0", "z"),
            ("2", "new"),
        ];
        assert_eq!(it, env(&wanted));
        it.set_positionals(b"p", &[b"q".to_vec()]);
        assert_eq!(
            it,
            env(&[
                ("X", "x"),
                ("3", "c"),
                ("01", "y"),
                ("0", "p"),
                ("2", "new"),
                ("#", "1"),
                ("1", "q")
            ])
        );
    }
}
