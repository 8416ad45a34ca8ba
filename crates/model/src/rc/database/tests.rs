//! The answers of `s6-rc-db`, question by question, and what becomes of bytes.

use super::super::fixture::{graph, image, layer};
use super::*;
use crate::rc::fixture::any_syntax;
use crate::rc::{Origin, read};
use proptest::prelude::*;

/// The services that the specification of s6-rc's answers was observed with.
const SAMPLE: &str = "
    a/type oneshot\n a/up echo up-a\n a/down echo down-a\n a/timeout-down 700
    b/type oneshot\n b/up\n b/dependencies.d/a
    fail/type oneshot\n fail/up false\n afterfail/type oneshot\n afterfail/up
    afterfail/dependencies.d/fail\n afterfail/dependencies.d/b
    indep/type oneshot\n indep/up true\n indep/flag-recommended
    slow1/type oneshot\n slow1/up sleep 2\n slow1/timeout-up 500
    lr/type longrun\n lr/run\n lr/dependencies.d/a
    lready/type longrun\n lready/run\n lready/dependencies.d/lr
    ess/type longrun\n ess/run\n ess/flag-essential
    p1/type longrun\n p1/run\n p1/producer-for p2
    p2/type longrun\n p2/run\n p2/producer-for p3\n p2/consumer-for p1
    p3/type longrun\n p3/run\n p3/consumer-for p2\\nq\n p3/pipeline-name pipe
    q/type longrun\n q/run\n q/producer-for p3
    ok/type bundle\n ok/contents.d/a\n ok/contents.d/b\n ok/contents.d/indep\n ok/contents.d/lr
    ok/contents.d/lready
    nest/type bundle\n nest/contents.d/ok\n nest/contents.d/ess
    none/type bundle\n none/contents.d/
";

pub(super) fn database(text: &str) -> Database {
    let (graph, _) = read(&[layer(Origin::Image, "s", text)], &any_syntax);
    Database::of(&graph)
}

pub(super) fn sample() -> Database {
    database(SAMPLE)
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn lists_are_in_the_order_of_s6_rc() {
    let sample = sample();
    let longruns = "s6rc-oneshot-runner s6rc-fdholder ess lr lready p1 p2 p3 q";
    let oneshots = "a afterfail b fail indep slow1";
    let bundles = "nest none ok pipe";
    for (selection, names) in [
        (Selection::Longruns, longruns.to_owned()),
        (Selection::Oneshots, oneshots.to_owned()),
        (Selection::Services, format!("{longruns} {oneshots}")),
        (Selection::Bundles, bundles.to_owned()),
        (Selection::All, format!("{longruns} {oneshots} {bundles}")),
    ] {
        assert_eq!(sample.list(selection), words(&names), "{selection:?}");
    }
    let empty = database("");
    assert_eq!(empty.list(Selection::All), [ONESHOT_RUNNER, FDHOLDER]);
}

#[test]
fn types_timeouts_and_flags() {
    let sample = sample();
    for (name, found) in [
        ("a", "oneshot"),
        ("lr", "longrun"),
        (FDHOLDER, "longrun"),
        ("pipe", "bundle"),
    ] {
        assert_eq!(sample.type_of(name).unwrap().to_string(), found);
    }
    for (name, up, down) in [("a", 0, 700), ("slow1", 500, 0), ("lr", 0, 0)] {
        assert_eq!(sample.timeout(name, Way::Up), Ok(up), "{name}");
        assert_eq!(sample.timeout(name, Way::Down), Ok(down), "{name}");
    }
    for (name, flags) in [("ess", 1), ("indep", 2), ("a", 0), (ONESHOT_RUNNER, 1)] {
        assert_eq!(sample.flags(name), Ok(flags), "{name}");
    }
}

#[test]
fn scripts() {
    let sample = sample();
    let script = |name, way| {
        let words = sample.script(name, way).unwrap().iter();
        let words = words.map(|word| String::from_utf8_lossy(word).into_owned());
        words.collect::<Vec<_>>()
    };
    assert_eq!(script("a", Way::Up), ["echo", "up-a"]);
    assert_eq!(script("a", Way::Down), ["echo", "down-a"]);
    assert_eq!(script("b", Way::Up), Vec::<String>::new());
    assert_eq!(script("slow1", Way::Down), Vec::<String>::new());
}

#[test]
fn bundles_are_flat() {
    let sample = sample();
    assert_eq!(
        sample.contents("nest"),
        Ok(words("ess lr lready a b indep"))
    );
    assert_eq!(sample.contents("none"), Ok(Vec::new()));
    assert_eq!(sample.contents("pipe"), Ok(words("p1 p2 p3 q")));
    assert_eq!(
        sample.atomics(["nest", "q", "a"]),
        Ok(words("indep b a q lready lr ess"))
    );
}

#[test]
fn dependencies_lead_both_ways() {
    let sample = sample();
    for (names, up, down) in [
        ("a", ONESHOT_RUNNER, "b lr"),
        ("lready", "lr", ""),
        ("afterfail", "fail b s6rc-oneshot-runner", ""),
        ("ok", "a lr s6rc-oneshot-runner", "b afterfail lready lr"),
        ("lready ess", "lr", ""),
        ("p1", "p2 s6rc-fdholder", ""),
        ("p3", FDHOLDER, "q p2"),
        (FDHOLDER, "", "q p3 p2 p1"),
    ] {
        let found = |way| {
            let mut found = sample.dependencies(words(names), way).unwrap();
            // Told apart from the order, which has a test of its own.
            found.sort_unstable();
            found
        };
        let sorted = |text| {
            let mut names = words(text);
            names.sort_unstable();
            names
        };
        assert_eq!(found(Way::Up), sorted(up), "{names}");
        assert_eq!(found(Way::Down), sorted(down), "{names}");
    }
    assert_eq!(
        sample.dependencies(["b", "lready"], Way::Up),
        Ok(words("a lr s6rc-oneshot-runner"))
    );
    assert_eq!(
        sample.all_dependencies(["lready"], Way::Up),
        Ok(words("a lready lr s6rc-oneshot-runner"))
    );
    assert_eq!(
        sample.all_dependencies(["a"], Way::Down),
        Ok(words("b afterfail a lready lr"))
    );
}

#[test]
fn pipelines_are_told_pipe_by_pipe() {
    let sample = sample();
    let links = [("p1", "p2"), ("p2", "p3"), ("q", "p3")];
    for name in ["p1", "p2", "p3", "q"] {
        assert_eq!(sample.pipeline(name).unwrap(), links, "{name}");
    }
    assert_eq!(sample.pipeline("lr"), Ok(Vec::new()));
}

#[test]
fn questions_that_make_no_sense() {
    let sample = sample();
    let message = |error: Result<_, QueryError>| error.map_err(|it| it.to_string());
    let unknown = Err("nope is not a valid identifier".to_owned());
    assert_eq!(message(sample.type_of("nope").map(drop)), unknown);
    assert_eq!(message(sample.timeout("nope", Way::Up).map(drop)), unknown);
    assert_eq!(message(sample.contents("nope").map(drop)), unknown);
    assert_eq!(message(sample.atomics(["a", "nope"]).map(drop)), unknown);
    assert_eq!(
        message(sample.dependencies(["nope"], Way::Up).map(drop)),
        unknown
    );
    let bundle = Err("identifier ok represents a bundle".to_owned());
    assert_eq!(message(sample.timeout("ok", Way::Up).map(drop)), bundle);
    assert_eq!(message(sample.flags("ok").map(drop)), bundle);
    assert_eq!(message(sample.script("ok", Way::Up).map(drop)), bundle);
    assert_eq!(message(sample.pipeline("ok").map(drop)), bundle);
    let longrun = Err("identifier lr represents a longrun".to_owned());
    assert_eq!(message(sample.script("lr", Way::Up).map(drop)), longrun);
    assert_eq!(message(sample.contents("lr").map(drop)), longrun);
    let oneshot = Err("identifier a represents a oneshot".to_owned());
    assert_eq!(message(sample.pipeline("a").map(drop)), oneshot);
}

#[test]
fn what_cannot_start_is_left_out() {
    let database = database(
        "a/type oneshot\n a/up\n b/type oneshot\n b/up\n b/dependencies.d/nope
         c/type oneshot\n c/up\n c/dependencies.d/b\n d/type x
         s6rc-x/type oneshot\n s6rc-x/up
         g/type bundle\n g/contents.d/a\n g/contents.d/c\n g/contents.d/d\n g/contents.d/nope
         h/type bundle\n h/contents.d/h\n h/contents.d/a",
    );
    assert_eq!(
        database.list(Selection::All),
        [ONESHOT_RUNNER, FDHOLDER, "a", "g", "h"]
    );
    assert_eq!(database.contents("g"), Ok(vec!["a"]));
    assert_eq!(database.contents("h"), Ok(vec!["a"]));
    assert_eq!(Database::from_bytes(&database.to_bytes()), Ok(database));
}

#[test]
fn the_stages_of_the_boot_are_services_like_others() {
    let (graph, _) = graph("web/type longrun\n web/run\n user/contents.d/web");
    let database = Database::of(&graph);
    assert_eq!(
        database.contents("top"),
        Ok(vec![
            "web",
            "fix-attrs",
            "legacy-cont-init",
            "legacy-services"
        ])
    );
    assert!(image("").tree.entries.is_empty());
}

#[test]
fn bytes_are_read_back() {
    let sample = sample();
    let bytes = sample.to_bytes();
    assert!(bytes.starts_with(b"sixfold s6-rc database 1\n"));
    assert_eq!(Database::from_bytes(&bytes).as_ref(), Ok(&sample));
    assert_eq!(Database::from_bytes(&bytes).unwrap().to_bytes(), bytes);
    for end in 0..bytes.len() {
        assert!(Database::from_bytes(&bytes[..end]).is_err(), "{end}");
    }
    let longer = [&bytes[..], b"\0"].concat();
    assert_eq!(Database::from_bytes(&longer), Err(ReadError::TooLong));
    assert_eq!(Database::from_bytes(b"foreign"), Err(ReadError::Foreign));
    assert_eq!(
        Database::from_bytes(b"sixfold s6-rc database 12\n..."),
        Err(ReadError::Version("12".to_owned()))
    );
    let empty = database("");
    assert_eq!(Database::from_bytes(&empty.to_bytes()), Ok(empty));
}

/// A database as its author wrote it down, sound or not.
fn written(services: Vec<Service>, bundles: &[(&str, &[usize])]) -> Result<Database, ReadError> {
    let bundles = bundles
        .iter()
        .map(|(name, contents)| ((*name).to_owned(), contents.to_vec()))
        .collect();
    // Not connected: what is written is what stands here.
    let mut services: Vec<Service> = services;
    services.splice(0..0, IMPLICIT.map(Service::own));
    let database = Database {
        services,
        bundles,
        names: BTreeMap::new(),
    };
    Database::from_bytes(&database.to_bytes())
}

fn made(name: &str, action: Action, needs: &[usize]) -> Service {
    Service {
        essential: false,
        action,
        needs: needs.to_vec(),
        ..Service::own(name)
    }
}

fn oneshot(name: &str, needs: &[usize]) -> Service {
    let (up, down) = (vec![b"true".to_vec()], Vec::new());
    made(name, Action::Oneshot { up, down }, needs)
}

fn longrun(name: &str, consumer: Option<usize>, needs: &[usize]) -> Service {
    made(name, Action::Longrun { consumer }, needs)
}

#[test]
fn what_makes_no_database_is_refused() {
    let fault = |services, bundles: &[(&str, &[usize])]| match written(services, bundles) {
        Err(ReadError::Fault(fault)) => fault,
        other => panic!("{other:?}"),
    };
    let number = |name: &str, number| Fault::Number {
        name: name.to_owned(),
        number,
    };
    for name in ["", "a\nb", "s6rc-x"] {
        let found = fault(vec![oneshot(name, &[])], &[]);
        assert_eq!(found, Fault::Name(name.to_owned()));
    }
    assert_eq!(
        fault(vec![oneshot("a", &[])], &[("a", &[])]),
        Fault::Name("a".to_owned())
    );
    assert_eq!(
        fault(vec![oneshot("b", &[]), oneshot("a", &[])], &[]),
        Fault::Order("a".to_owned())
    );
    assert_eq!(fault(vec![oneshot("a", &[7])], &[]), number("a", 7));
    assert_eq!(
        fault(vec![oneshot("a", &[])], &[("g", &[1])]),
        number("g", 1)
    );
    assert_eq!(
        fault(
            vec![oneshot("a", &[]), oneshot("b", &[])],
            &[("g", &[3, 2])]
        ),
        Fault::Order("g".to_owned())
    );
    assert_eq!(
        fault(vec![oneshot("a", &[3]), oneshot("b", &[2])], &[]),
        Fault::Cycle("a".to_owned())
    );
    assert_eq!(
        fault(
            vec![longrun("a", Some(3), &[]), longrun("b", None, &[])],
            &[]
        ),
        Fault::Pipe("a".to_owned())
    );
    assert_eq!(
        fault(vec![longrun("a", Some(3), &[3]), oneshot("b", &[])], &[]),
        number("a", 3)
    );
    let mut nul = oneshot("a", &[]);
    nul.action = Action::Oneshot {
        up: vec![b"a\0b".to_vec()],
        down: Vec::new(),
    };
    assert_eq!(fault(vec![nul], &[]), Fault::Word("a".to_owned()));
}

/// Sources with that many services, whose needs and contents are numbers.
pub(super) fn random_sources() -> impl Strategy<Value = String> {
    let service = (
        0_u8..6,
        prop::collection::vec(0_usize..24, 0..5),
        any::<bool>(),
    );
    prop::collection::vec(service, 0..24).prop_map(|services| {
        let mut text = String::new();
        for (index, (kind, targets, flag)) in services.iter().enumerate() {
            let (files, list) = match kind {
                0 => ("type bundle", "contents.d"),
                1 | 2 => ("type oneshot", "dependencies.d"),
                _ => ("type longrun", "dependencies.d"),
            };
            text += &format!("n{index}/{files}\n");
            text += &match kind {
                0 => format!("n{index}/{list}/\n"),
                1 => format!("n{index}/up echo {index}\n n{index}/timeout-up {index}\n"),
                2 => format!("n{index}/up\n n{index}/down echo\n"),
                _ => format!("n{index}/run\n"),
            };
            if *flag {
                text += &format!("n{index}/flag-essential\n");
            }
            for target in targets.iter().filter(|it| **it < index || **it == 23) {
                text += &format!("n{index}/{list}/n{target}\n");
            }
            // The longrun before it reads what a longrun writes.
            let before = index.checked_sub(1).and_then(|it| services.get(it));
            if let (5, Some((5, ..))) = (kind, before) {
                let before = index - 1;
                text += &format!("n{index}/producer-for n{before}\n");
                text += &format!("n{before}/consumer-for n{index}\n");
            }
        }
        text
    })
}

proptest! {
    #[test]
    fn random_graphs_are_read_back(text in random_sources()) {
        let database = database(&text);
        let bytes = database.to_bytes();
        let read = Database::from_bytes(&bytes);
        prop_assert_eq!(read.as_ref(), Ok(&database));
        for name in database.list(Selection::Services) {
            let all = database.all_dependencies([name], Way::Up).unwrap();
            for other in database.dependencies([name], Way::Up).unwrap() {
                prop_assert!(all.contains(&other));
                prop_assert!(database.dependencies([other], Way::Down).unwrap().contains(&name));
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _ = Database::from_bytes(&bytes);
        let _ = Database::from_bytes(&[b"sixfold s6-rc database 1\n", &bytes[..]].concat());
    }

    #[test]
    fn what_is_spoilt_is_read_or_refused(at: prop::sample::Index, byte: u8) {
        let mut bytes = sample().to_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(database) = Database::from_bytes(&bytes) {
            prop_assert_eq!(database.to_bytes(), bytes);
            let _ = database.pipeline("p1");
            let _ = database.all_dependencies(database.list(Selection::All), Way::Down);
        }
    }
}
