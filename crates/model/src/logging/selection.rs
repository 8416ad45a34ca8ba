//! Which lines an action gets (s6.md B5.1, F62).

use super::script::{Action, Rule, Script};

/// What a regular expression of a script is made into. The expressions are extended ones of POSIX,
/// and match anywhere in a line.
pub trait Matcher {
    /// Whether it matches somewhere in `line`.
    fn is_match(&self, line: &[u8]) -> bool;
}

/// A directive that selects lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection<M> {
    /// `+re`: also those that match.
    Add(M),
    /// `-re`: but those that match.
    Remove(M),
    /// `f`: those that no action has got so far, and no others.
    Untouched,
}

impl<M: Matcher> Script<M> {
    /// Gives `line` to each action that it is selected for, in order, with the action's number (the
    /// first is 0). At the beginning, each line is selected.
    pub fn run(&self, line: &[u8], mut act: impl FnMut(usize, &Action)) {
        let mut is_selected = true;
        let mut was_touched = false;
        let mut number = 0;
        for rule in &self.rules {
            match rule {
                Rule::Select(Selection::Add(matcher)) => {
                    is_selected = is_selected || matcher.is_match(line);
                }
                Rule::Select(Selection::Remove(matcher)) => {
                    is_selected = is_selected && !matcher.is_match(line);
                }
                Rule::Select(Selection::Untouched) => is_selected = !was_touched,
                Rule::Act(action) => {
                    if is_selected {
                        was_touched = true;
                        act(number, action);
                    }
                    number += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A matcher that knows `^x`, `.` and plain text.
    struct Simple(Vec<u8>);

    impl Matcher for Simple {
        fn is_match(&self, line: &[u8]) -> bool {
            match self.0.as_slice() {
                b"." => !line.is_empty(),
                [b'^', text @ ..] => line.starts_with(text),
                [] => true,
                text => line.windows(text.len()).any(|part| part == text),
            }
        }
    }

    fn acted(words: &[&str], line: &str) -> Vec<usize> {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let script = Script::parse(&words, |text| Some(Simple(text.to_vec()))).unwrap();
        let mut acted = Vec::new();
        script.run(line.as_bytes(), |number, _| acted.push(number));
        acted
    }

    #[test]
    fn selections_apply_in_order() {
        // F62.
        let script = ["-.", "+^a", "-2", "1"];
        assert_eq!(acted(&script, "a1"), [0]);
        assert_eq!(acted(&script, "a2"), [0; 0]);
        assert_eq!(acted(&script, "b1"), [0; 0]);
        let script = ["-", "+a", "1", "f", "2"];
        assert_eq!(acted(&script, "a"), [0]);
        assert_eq!(acted(&script, "b"), [1]);
        let script = ["-^a", "+.", "1"];
        assert_eq!(acted(&script, "a"), [0]);
        assert_eq!(acted(&script, "b"), [0]);
        assert_eq!(acted(&["1", "2"], "x"), [0, 1]);
    }

    proptest! {
        #[test]
        fn f_selects_what_nothing_has_got(line in "[ab]{0,3}", words in proptest::collection::vec("[-+][ab]|f|1", 0..8)) {
            let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
            let before = words.iter().filter(|word| **word == "1").count();
            words.extend(["f", "1"]);
            let acted = acted(&words, &line);
            prop_assert!(acted.len() == 1 || !acted.contains(&before));
            prop_assert!(!acted.is_empty());
        }
    }
}
