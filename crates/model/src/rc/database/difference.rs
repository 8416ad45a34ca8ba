//! What differs between two databases, as a supervisor has to know that goes over from one to the other.
//! What lies in the directories of longruns is not in a database, and is compared by who can read them.

use std::collections::BTreeSet;

use super::{Action, Database, Service, Type};

/// What differs about one service or bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its name.
    pub name: String,
    /// In what way.
    pub change: Change,
}

/// In what way a service differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is new, and of that type.
    Added(Type),
    /// It is gone, and was of that type.
    Removed(Type),
    /// It is another one now.
    Changed(BTreeSet<Part>),
}

/// A part of a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What it is: `type`.
    Type,
    /// The command line of its way up.
    Up,
    /// The command line of its way down.
    Down,
    /// What it needs.
    Dependencies,
    /// What reads its output: `producer-for`.
    Consumer,
    /// `timeout-up` or `timeout-down`.
    Timeouts,
    /// `flag-essential` or `flag-recommended`.
    Flags,
    /// What a bundle holds.
    Contents,
}

impl Part {
    /// The word for it: the name of its file where it has one.
    pub fn word(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Up => "up",
            Self::Down => "down",
            Self::Dependencies => "dependencies",
            Self::Consumer => "producer-for",
            Self::Timeouts => "timeouts",
            Self::Flags => "flags",
            Self::Contents => "contents",
        }
    }

    /// Whether a service that is up has to be taken down before it can be what it is now. What it needs
    /// and how long it may take only matters the next time that it moves.
    pub fn needs_restart(self) -> bool {
        match self {
            Self::Type | Self::Up | Self::Consumer => true,
            Self::Down | Self::Dependencies | Self::Timeouts | Self::Flags | Self::Contents => {
                false
            }
        }
    }
}

impl Change {
    /// Whether a service that is up has to be taken down before this takes effect.
    pub fn needs_restart(&self) -> bool {
        match self {
            Self::Added(_) => false,
            Self::Removed(_) => true,
            Self::Changed(parts) => parts.iter().any(|part| part.needs_restart()),
        }
    }
}

impl Database {
    /// What differs in `fresh`, by name.
    pub fn differences(&self, fresh: &Self) -> Vec<Difference> {
        let names = |of: &Self| -> BTreeSet<String> {
            of.names.keys().chain(of.bundles.keys()).cloned().collect()
        };
        let all = names(self)
            .union(&names(fresh))
            .cloned()
            .collect::<Vec<_>>();
        let differences = all.into_iter().filter_map(|name| {
            let change = match (self.type_of(&name), fresh.type_of(&name)) {
                (Err(_), Ok(new)) => Change::Added(new),
                (Ok(old), Err(_)) => Change::Removed(old),
                (Err(_), Err(_)) => return None,
                (Ok(old), Ok(new)) => Change::Changed(self.parts(fresh, &name, old, new)),
            };
            let is_same = matches!(&change, Change::Changed(parts) if parts.is_empty());
            (!is_same).then_some(Difference { name, change })
        });
        differences.collect()
    }

    /// The parts that differ of something that both have.
    fn parts(&self, fresh: &Self, name: &str, old: Type, new: Type) -> BTreeSet<Part> {
        let mut parts = BTreeSet::new();
        if old != new {
            parts.insert(Part::Type);
        }
        let (Some(one), Some(other)) = (self.named(name), fresh.named(name)) else {
            let held = |of: &Self| {
                let held = of.contents(name).unwrap_or_default();
                held.into_iter().map(str::to_owned).collect::<Vec<_>>()
            };
            if held(self) != held(fresh) {
                parts.insert(Part::Contents);
            }
            return parts;
        };
        let timeouts = |it: &Service| (it.timeout_up, it.timeout_down);
        let flags = |it: &Service| (it.essential, it.recommended);
        for (part, differs) in [
            (Part::Timeouts, timeouts(one) != timeouts(other)),
            (Part::Flags, flags(one) != flags(other)),
            (Part::Dependencies, self.needed(one) != fresh.needed(other)),
        ] {
            if differs {
                parts.insert(part);
            }
        }
        match (&one.action, &other.action) {
            (
                Action::Oneshot { up, down },
                Action::Oneshot {
                    up: new_up,
                    down: new_down,
                },
            ) => {
                if up != new_up {
                    parts.insert(Part::Up);
                }
                if down != new_down {
                    parts.insert(Part::Down);
                }
            }
            (Action::Longrun { consumer }, Action::Longrun { consumer: new }) => {
                let of = |of: &Self, consumer: &Option<usize>| {
                    let name = consumer.and_then(|consumer| of.name(consumer).map(str::to_owned));
                    name.unwrap_or_default()
                };
                if of(self, consumer) != of(fresh, new) {
                    parts.insert(Part::Consumer);
                }
            }
            (Action::Oneshot { .. }, Action::Longrun { .. })
            | (Action::Longrun { .. }, Action::Oneshot { .. }) => {}
        }
        parts
    }

    /// What its author said that a service needs, and what its pipe asks for.
    fn needed(&self, service: &Service) -> BTreeSet<&str> {
        let needs = service.authored_needs();
        needs.filter_map(|index| self.name(index)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::database;
    use super::*;

    fn differences(old: &str, new: &str) -> Vec<String> {
        let differences = database(old).differences(&database(new));
        let lines = differences.into_iter().map(|it| match &it.change {
            Change::Added(_) => format!("+{}", it.name),
            Change::Removed(_) => format!("-{}", it.name),
            Change::Changed(parts) => {
                let words: Vec<&str> = parts.iter().map(|part| part.word()).collect();
                let mark = if it.change.needs_restart() { "!" } else { "~" };
                format!("{mark}{} {}", it.name, words.join(" "))
            }
        });
        lines.collect()
    }

    const OLD: &str = "
        a/type oneshot\n a/up one\n a/down two
        b/type longrun\n b/run\n b/producer-for c
        c/type longrun\n c/run\n c/consumer-for b
        d/type longrun\n d/run
        all/type bundle\n all/contents.d/a\n all/contents.d/b
    ";

    #[test]
    fn what_is_the_same_does_not_differ() {
        assert_eq!(differences(OLD, OLD), [""; 0]);
    }

    #[test]
    fn each_part_is_named_and_only_some_need_a_restart() {
        let new = |old: &str, new: &str| differences(OLD, &OLD.replace(old, new));
        assert_eq!(new("a/up one", "a/up other"), ["!a up"]);
        assert_eq!(new("a/down two", ""), ["~a down"]);
        assert_eq!(
            new("a/up one", "a/up one\n a/timeout-up 5"),
            ["~a timeouts"]
        );
        assert_eq!(new("d/run", "d/run\n d/flag-essential"), ["~d flags"]);
        assert_eq!(
            new("d/run", "d/run\n d/dependencies.d/a"),
            ["~d dependencies"]
        );
        assert_eq!(new("all/contents.d/b", ""), ["~all contents"]);
        assert_eq!(
            new("d/type longrun\n d/run", "d/type oneshot\n d/up x"),
            ["!d type"]
        );
        assert_eq!(new("d/type longrun\n d/run", ""), ["-d"]);
        assert_eq!(new("d/run", "d/run\n e/type oneshot\n e/up x"), ["+e"]);
    }

    #[test]
    fn the_end_of_a_pipe_belongs_to_who_writes_there() {
        let new = OLD
            .replace("b/producer-for c", "")
            .replace("c/consumer-for b", "");
        let found = differences(OLD, &new);
        // It needed its reader.
        assert_eq!(found, ["!b dependencies producer-for"]);
    }
}
