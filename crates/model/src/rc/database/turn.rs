//! What it takes to go over from one database to another: only what changed is taken down, with what
//! needs it, and comes up again as it is now.
//!
//! Called from the daemon, for a reload and for `s6-rc-update`.

use std::collections::BTreeSet;

use super::change::Wish;
use super::query::mark;
use super::{Database, Way};
use crate::rc::stock;

/// What is up, and what is to be.
#[derive(Clone, Copy)]
pub struct Present<'a> {
    /// Whether a service of the old database is up.
    pub is_up: &'a dyn Fn(&str) -> bool,
    /// Whether a service of the old database has failed to get up, so that it is worth a new try.
    pub has_failed: &'a dyn Fn(&str) -> bool,
    /// The services that have to be taken down before they can be what they are now, or are gone.
    pub restart: &'a BTreeSet<String>,
    /// What the boot starts by the old database, and by the new one.
    pub boot: [&'a BTreeSet<String>; 2],
}

/// What moves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn {
    /// What is taken down while the old database holds, each after what needs it.
    pub stop: Vec<String>,
    /// What is brought up once the new one does, each after what it needs.
    pub start: Vec<String>,
}

impl Database {
    /// What moves on the way to `fresh`. What somebody took down by hand stays down, and what somebody
    /// brought up stays up.
    pub fn turn(&self, fresh: &Self, present: &Present<'_>) -> Turn {
        let up: BTreeSet<&str> = self
            .services()
            .filter(|name| (present.is_up)(name))
            .collect();
        let [old_boot, new_boot] = present.boot;
        let is_in_boot = |name: &str| new_boot.contains(name);
        let is_left = |name: &str| fresh.number(name).is_some();
        // What the boot no longer starts, but for what somebody's own services need.
        let own = up
            .iter()
            .filter(|name| !old_boot.contains(**name) && is_left(name));
        let needed = fresh.moved(Way::Up, &|_| false, own.copied());
        let dropped: BTreeSet<&str> = up
            .iter()
            .filter(|name| old_boot.contains(**name) && !is_in_boot(name))
            .filter(|name| !needed.iter().any(|needed| needed == **name))
            .copied()
            .collect();
        let roots = up.iter().filter(|name| present.restart.contains(**name));
        let roots = roots.chain(&dropped).copied();
        let stop = self.fallen(&up, roots);
        let stopped: BTreeSet<&str> = stop.iter().map(String::as_str).collect();
        let is_still_up = |name: &str| up.contains(name) && !stopped.contains(name);
        // Those that were up, with what they need now; and what the boot starts that it did not, or
        // could not.
        let again = up.iter().copied().filter(|name| !dropped.contains(name));
        let is_tried = |name: &str| !old_boot.contains(name) || (present.has_failed)(name);
        let tried = new_boot.iter().map(String::as_str);
        let tried = tried.filter(|name| !up.contains(name) && is_tried(name));
        let roots = again.chain(tried).filter(|name| is_left(name));
        let start = fresh.moved(Way::Up, &is_still_up, roots);
        Turn { stop, start }
    }

    /// What goes down with `roots`, in order. The stages of boot stay, and what only they stand between:
    /// what they have done does not depend on who has changed since.
    fn fallen<'a>(&self, up: &BTreeSet<&str>, roots: impl Iterator<Item = &'a str>) -> Vec<String> {
        let stages = [stock::FIX_ATTRS, stock::CONT_INIT, stock::SERVICES];
        let mut falls = self.none();
        let mut stack: Vec<usize> = roots.filter_map(|name| self.number(name)).collect();
        while let Some(index) = stack.pop() {
            let is_stage = self.name(index).is_some_and(|name| stages.contains(&name));
            if !is_stage && mark(&mut falls, index) {
                stack.extend(self.next(index, Way::Down));
            }
        }
        let falls = |name: &str| {
            self.number(name)
                .and_then(|index| falls.get(index).copied())
        };
        let is_up = |name: &str| up.contains(name);
        let mut order = self.moved(Way::Down, &is_up, up.iter().copied());
        order.retain(|name| falls(name) == Some(true));
        order
    }

    /// The services that move one way for `names`, which all mean something.
    fn moved<'a>(
        &self,
        way: Way,
        is_up: &dyn Fn(&str) -> bool,
        names: impl Iterator<Item = &'a str>,
    ) -> Vec<String> {
        let names: Vec<String> = names.map(str::to_owned).collect();
        let wish = Wish {
            names: &names,
            all: false,
            way,
            essential: true,
            prune: false,
        };
        let course = self.course(is_up, &wish).unwrap_or_default();
        let moved = match way {
            Way::Up => course.start,
            Way::Down => course.stop,
        };
        moved.into_iter().map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::database;
    use super::*;

    const OLD: &str = "
        a/type oneshot\n a/up one
        b/type longrun\n b/run\n b/dependencies.d/a
        c/type longrun\n c/run\n c/dependencies.d/b
        d/type longrun\n d/run
        extra/type longrun\n extra/run\n extra/dependencies.d/d
    ";

    fn names(text: &str) -> BTreeSet<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// The services that move: those of the words, of which the first two tell what the boot starts by
    /// either database, the third what is up, the fourth what changed, the last what has failed.
    fn turn(new: &str, words: [&str; 5]) -> (String, String) {
        let [old_boot, new_boot, up, restart, failed] = words.map(names);
        let own = |name: &str| name.starts_with("s6rc-");
        let turn = database(OLD).turn(
            &database(new),
            &Present {
                is_up: &|name| up.contains(name) || own(name),
                has_failed: &|name| failed.contains(name),
                restart: &restart,
                boot: [&old_boot, &new_boot],
            },
        );
        (turn.stop.join(" "), turn.start.join(" "))
    }

    #[test]
    fn what_changed_is_restarted_with_what_needs_it() {
        let all = "a b c d";
        let moved = |restart| turn(OLD, [all, all, all, restart, ""]);
        let of = |stop: &str, start: &str| (stop.to_owned(), start.to_owned());
        assert_eq!(moved(""), of("", ""));
        assert_eq!(moved("c"), of("c", "c"));
        assert_eq!(moved("a"), of("c b a", "a b c"));
        // What is down has nothing to be taken down, and nobody wants it.
        assert_eq!(moved("extra"), of("", ""));
    }

    #[test]
    fn what_the_boot_starts_is_started_and_what_it_does_not_is_stopped() {
        let new = format!("{OLD} e/type oneshot\n e/up x\n d/dependencies.d/e");
        let of = |stop: &str, start: &str| (stop.to_owned(), start.to_owned());
        let (old_boot, new_boot) = ("a b d", "a b d e");
        let fresh = turn(&new, [old_boot, new_boot, old_boot, "", ""]);
        assert_eq!(fresh, of("", "e"));
        assert_eq!(turn(OLD, ["a b d", "a b", "a b d", "", ""]), of("d", ""));
        // Somebody's own service needs it.
        let by_hand = turn(OLD, ["a b d", "a b", "a b d extra", "", ""]);
        assert_eq!(by_hand, of("", ""));
        let without = OLD.replace("d/type longrun\n d/run\n", "");
        let without = without.replace("extra/dependencies.d/d", "");
        let gone = turn(&without, ["a b d", "a b", "a b d extra", "d", ""]);
        assert_eq!(gone, of("extra d", "extra"));
    }

    #[test]
    fn what_failed_is_tried_again_and_what_somebody_took_down_is_not() {
        let of = |stop: &str, start: &str| (stop.to_owned(), start.to_owned());
        let moved = |failed| turn(OLD, ["a b c", "a b c", "a", "", failed]);
        assert_eq!(moved(""), of("", ""));
        assert_eq!(moved("b c"), of("", "b c"));
        assert_eq!(moved("c"), of("", "b c"));
    }
}
