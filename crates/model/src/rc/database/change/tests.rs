//! What moves and what is listed: the observations that the specification has of s6-rc, and random
//! databases against a solver that goes round until nothing changes.

use std::collections::BTreeSet;

use super::super::tests::{database, random_sources, sample};
use super::super::{FDHOLDER, ONESHOT_RUNNER, Selection};
use super::*;
use proptest::prelude::*;

fn names(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// The wish that these options of s6-rc stand for.
fn wish<'a>(options: &str, names: &'a [String]) -> Wish<'a> {
    let is = |letter| options.contains(letter);
    Wish {
        names,
        all: is('a'),
        way: if is('d') || is('D') {
            Way::Down
        } else {
            Way::Up
        },
        essential: is('D') || is('e'),
        prune: is('p'),
    }
}

/// What is stopped, what is started, and what is kept.
fn course(database: &Database, up: &str, options: &str, selected: &str) -> [String; 3] {
    let (up, selected) = (names(up), names(selected));
    let is_up = |name: &str| up.iter().any(|it| it == name);
    let course = database.course(&is_up, &wish(options, &selected)).unwrap();
    [course.stop, course.start, course.kept].map(|names| names.join(" "))
}

fn listed(options: &str, deep: bool, up: &str, selected: &str) -> Vec<String> {
    let (up, selected) = (names(up), names(selected));
    let is_up = |name: &str| up.iter().any(|it| it == name);
    let sample = sample();
    let listed = sample.listed(&is_up, &wish(options, &selected), deep);
    listed.unwrap().into_iter().map(str::to_owned).collect()
}

#[test]
fn lists_are_in_the_order_of_the_database() {
    let all = "s6rc-oneshot-runner s6rc-fdholder ess lr lready p1 p2 p3 q \
               a afterfail b fail indep slow1";
    for (options, deep, up, selected, expected) in [
        ("", false, "", "ok nest", "ess lr lready a b indep"),
        ("", true, "", "lready", "s6rc-oneshot-runner lr lready a"),
        ("d", true, "", "a", "lr lready a afterfail b"),
        ("a", false, "lr a", "", "lr a"),
        ("a", false, "lr a", "ess", "ess lr a"),
        ("e", false, "", "nest", "lr lready a b indep"),
        ("e", true, "", "lready", "lr lready a"),
        ("", false, "lr", "", ""),
        ("d", false, "lr", "", all),
        ("p", false, "", "ok", "lr lready a b indep"),
        ("", false, "", "none", ""),
    ] {
        let found = listed(options, deep, up, selected);
        assert_eq!(found, names(expected), "{options} {selected}");
    }
    let others = listed("da", false, "p1 p2 p3 q a", "ok");
    assert_eq!(
        others,
        names("s6rc-oneshot-runner s6rc-fdholder ess afterfail fail slow1")
    );
}

#[test]
fn services_start_after_what_they_need() {
    let sample = sample();
    for (up, options, selected, start) in [
        ("", "", "ok", "s6rc-oneshot-runner indep a b lr lready"),
        ("", "u", "lready", "s6rc-oneshot-runner a lr lready"),
        ("s6rc-oneshot-runner a", "", "lready", "lr lready"),
        ("", "", "pipe", "s6rc-fdholder p3 q p2 p1"),
        ("", "", "ess", "ess"),
        // What is up stays so, and what it needs is started all the same.
        ("lr", "", "lready", "s6rc-oneshot-runner a lready"),
        ("lr", "a", "", "s6rc-oneshot-runner a"),
        ("", "", "", ""),
    ] {
        let expected = [String::new(), start.to_owned(), String::new()];
        assert_eq!(course(&sample, up, options, selected), expected);
    }
}

#[test]
fn services_stop_after_what_needs_them() {
    let sample = sample();
    let up = "s6rc-oneshot-runner s6rc-fdholder ess lr lready p1 p2 p3 q a b";
    for (options, selected, stop, kept) in [
        ("d", "a", "b lready lr a", ""),
        ("d", "lr indep", "lready lr", ""),
        ("d", "p3", "q p1 p2 p3", ""),
        ("d", "ess", "", "ess"),
        ("D", "ess", "ess", ""),
        ("de", "ess", "ess", ""),
        (
            "da",
            "",
            "b q p1 lready p2 lr p3 a",
            "ess s6rc-oneshot-runner s6rc-fdholder",
        ),
        (
            "Da",
            "",
            "b q p1 lready ess p2 lr p3 a s6rc-fdholder s6rc-oneshot-runner",
            "",
        ),
    ] {
        let [stopped, started, found] = course(&sample, up, options, selected);
        assert_eq!(stopped, stop, "{options} {selected}");
        let sorted = |text: &str| {
            let mut names = names(text);
            names.sort_unstable();
            names
        };
        assert_eq!(sorted(&found), sorted(kept), "{options} {selected}");
        assert_eq!(started, "");
    }
}

#[test]
fn what_an_essential_service_needs_is_kept_with_it() {
    let database = database(
        "a/type oneshot\n a/up\n b/type oneshot\n b/up\n b/dependencies.d/a\n b/flag-essential
         c/type oneshot\n c/up\n c/dependencies.d/b\n d/type oneshot\n d/up\n d/dependencies.d/a
         e/type oneshot\n e/up\n e/flag-essential\n f/type oneshot\n f/up\n f/dependencies.d/e
         f/flag-essential",
    );
    let up = "s6rc-oneshot-runner a b c d e f";
    let [stop, _, kept] = course(&database, up, "d", "a e");
    assert_eq!((stop.as_str(), kept.as_str()), ("d c", "f b"));
    // Nobody waits for an essential service that is down.
    let [stop, _, kept] = course(&database, "s6rc-oneshot-runner a c d", "d", "a");
    assert_eq!((stop.as_str(), kept.as_str()), ("d c a", ""));
}

#[test]
fn what_is_not_chosen_goes_the_other_way() {
    let sample = sample();
    let up = "s6rc-oneshot-runner s6rc-fdholder ess lready lr p3 a b";
    let [stop, start, kept] = course(&sample, up, "p", "lr indep");
    assert_eq!(stop, "b p3 lready");
    assert_eq!(start, "indep");
    assert_eq!(kept, "ess s6rc-fdholder");
    let [stop, start, kept] = course(&sample, up, "pe", "lr indep");
    assert_eq!(stop, "b p3 lready ess s6rc-fdholder");
    assert_eq!((start.as_str(), kept.as_str()), ("indep", ""));
    let [stop, start, kept] = course(&sample, up, "pd", "lr");
    assert_eq!(stop, "lready lr");
    assert_eq!(start, "q p2 slow1 indep fail p1 afterfail");
    assert_eq!(kept, "");
}

#[test]
fn what_means_nothing_is_named() {
    let sample = sample();
    let selected = names("a nope");
    let unknown = Err("nope is not a valid identifier".to_owned());
    let is_up = |_: &str| false;
    let found = sample.course(&is_up, &wish("", &selected));
    assert_eq!(found.map(drop).map_err(|it| it.to_string()), unknown);
    let found = sample.listed(&is_up, &wish("", &selected), true);
    assert_eq!(found.map(drop).map_err(|it| it.to_string()), unknown);
    assert_eq!(sample.number(ONESHOT_RUNNER), Some(0));
    assert_eq!(sample.number(FDHOLDER), Some(1));
    assert_eq!(sample.number("ok"), None);
    assert_eq!(sample.number("slow1"), Some(14));
}

/// The selection and all it leads to, found by going round.
fn closed(database: &Database, selected: &BTreeSet<String>, way: Way) -> BTreeSet<String> {
    let mut found = selected.clone();
    loop {
        let next = database.dependencies(found.iter().map(String::as_str), way);
        let before = found.len();
        found.extend(next.unwrap().into_iter().map(str::to_owned));
        if found.len() == before {
            return found;
        }
    }
}

proptest! {
    #[test]
    fn random_wishes_are_those_of_a_naive_solver(
        text in random_sources(),
        up in prop::collection::vec(any::<bool>(), 26),
        selected in prop::collection::vec(0_u8..5, 26),
        [all, down, essential, prune] in any::<[bool; 4]>(),
    ) {
        let database = database(&text);
        let services = database.list(Selection::Services);
        let up: BTreeSet<&str> = services.iter().copied().zip(up).filter(|it| it.1).map(|it| it.0).collect();
        let chosen = |(_, choice): &(&str, u8)| *choice == 0;
        let named: Vec<String> = services.iter().copied().zip(selected).filter(chosen).map(|it| it.0.to_owned()).collect();
        let way = if down { Way::Down } else { Way::Up };
        let wish = Wish { names: &named, all, way, essential, prune };
        let course = database.course(&|name| up.contains(name), &wish).unwrap();

        let mut selection: BTreeSet<String> = named.iter().cloned().collect();
        if all {
            selection.extend(up.iter().map(|name| (*name).to_owned()));
        }
        let selection = closed(&database, &selection, way);
        // An essential service that is up, or something that such a one needs.
        let is_kept = |name: &str| !essential && up.contains(name) && database.flags(name).unwrap() & 1 == 1;
        let is_held = |name: &str| {
            let users = database.all_dependencies([name], Way::Down).unwrap();
            users.into_iter().any(is_kept)
        };
        let is_stopped = |name: &str| selection.contains(name) == down && (down || prune);
        let is_started = |name: &str| selection.contains(name) != down && (!down || prune);
        let users = |name: &str| {
            let users = database.all_dependencies([name], Way::Down).unwrap();
            users.into_iter().filter(|other| *other != name).collect::<Vec<_>>()
        };
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let naive = |is: &dyn Fn(&str) -> bool| set(&services.iter().copied().filter(|name| is(name)).collect::<Vec<_>>());
        let stop = naive(&|name| is_stopped(name) && up.contains(name) && !is_held(name));
        let start = naive(&|name| is_started(name) && !up.contains(name));
        let kept = naive(&|name| is_stopped(name) && is_kept(name) && !users(name).into_iter().any(is_held));
        prop_assert_eq!(set(&course.stop), stop);
        prop_assert_eq!(set(&course.start), start);
        prop_assert_eq!(set(&course.kept), kept);
        prop_assert_eq!(course.stop.len(), set(&course.stop).len());
        prop_assert_eq!(course.start.len(), set(&course.start).len());
        for (moved, way) in [(&course.stop, Way::Down), (&course.start, Way::Up)] {
            for (place, name) in moved.iter().enumerate() {
                for other in database.dependencies([*name], way).unwrap() {
                    let other = moved.iter().position(|it| *it == other);
                    prop_assert!(other.is_none_or(|other| other < place), "{}", name);
                }
            }
        }
        for name in course.already {
            prop_assert!(is_started(name) && up.contains(name) || is_stopped(name) && !up.contains(name));
        }
        let is_up = |name: &str| up.contains(name);
        prop_assert_eq!(
            set(&database.listed(&is_up, &wish, true).unwrap()),
            naive(&|name| selection.contains(name) && !(essential && database.flags(name).unwrap() & 1 == 1))
        );
    }
}

#[test]
fn long_chains_do_not_recurse() {
    let mut text = String::from("n0/type oneshot\n n0/up\n");
    for index in 1..3000 {
        text += &format!(
            "n{index}/type oneshot\n n{index}/up\n n{index}/dependencies.d/n{}\n",
            index - 1
        );
    }
    let database = database(&text);
    let last = names("n2999");
    let course = database.course(&|_| false, &wish("", &last)).unwrap();
    assert_eq!(course.start.len(), 3001);
    let first = names("n0");
    let course = database
        .course(&|name| name != "n2999", &wish("D", &first))
        .unwrap();
    assert_eq!((course.stop.len(), course.already.len()), (2999, 1));
}
