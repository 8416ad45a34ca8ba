//! Scripts as s6-log 2.11.3.2 takes and refuses them (F61, observed).

use proptest::prelude::*;

use super::*;

fn parse(words: &[&str]) -> Result<Script<Vec<u8>>, ScriptError> {
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    // What regcomp(3) would refuse, as far as these tests go.
    let compile = |text: &[u8]| (!text.contains(&b'[')).then(|| text.to_vec());
    Script::parse(&words, compile)
}

fn error(words: &[&str]) -> (String, usize, usize) {
    let error = parse(words).unwrap_err();
    (error.to_string(), error.word, error.byte)
}

fn directories(words: &[&str]) -> Vec<DirectoryAction> {
    let script = parse(words).unwrap();
    let targets = script.actions().map(|action| action.target.clone());
    targets
        .filter_map(|target| match target {
            Target::Directory(directory) => Some(directory),
            Target::Stdout | Target::Alert { .. } | Target::Status { .. } => None,
        })
        .collect()
}

#[test]
fn what_is_no_directive_is_told_with_its_place() {
    let unrecognized = |word: &str, byte| (format!("unrecognized directive: {word}"), 0, byte);
    for (word, byte) in [
        ("", 0),
        ("x", 0),
        ("zzz", 0),
        ("n", 1),
        ("nx", 1),
        ("n5x", 2),
        ("n-1", 1),
        ("n+1", 1),
        ("n4294967296", 1),
        ("s99999999999", 1),
        ("Ex", 1),
        ("^", 1),
        ("+[", 1),
        ("-a[b", 1),
    ] {
        assert_eq!(error(&[word, "1"]), unrecognized(word, byte));
    }
    let syntax = |word: &str| (format!("syntax error at directive: {word}"), 1, 1);
    for word in ["foo", "ff", "tt", "Tx", "11", "22", "="] {
        assert_eq!(error(&["t", word, "1"]), syntax(word));
    }
    for words in [&["t"][..], &["n5", "+a"], &[]] {
        let message = "no action directive specified".to_owned();
        assert_eq!(error(words), (message, words.len(), 0));
    }
    let conflict = "directive l6000 conflicts with previous s directive".to_owned();
    assert_eq!(error(&["s10000", "l6000", "1"]), (conflict, 1, 1));
    assert!(parse(&["l9000", "s10000", "1"]).is_ok());
}

#[test]
fn stamps_are_for_the_next_action_and_settings_stay() {
    let script = parse(&["t", "t", "1", "pa", "T", "t", "2", "p", "E5", "2", "=st"]).unwrap();
    let actions: Vec<Action> = script.actions().cloned().collect();
    let action = |has_tai, has_local, prefix: &str, target| Action {
        has_tai,
        has_local,
        prefix: prefix.into(),
        target,
    };
    let path = b"st".to_vec();
    let status = Target::Status { path, size: 1001 };
    assert_eq!(
        actions,
        [
            action(true, false, "", Target::Stdout),
            action(true, true, "a", Target::Alert { limit: 200 }),
            action(false, false, "", Target::Alert { limit: 5 }),
            action(false, false, "", status),
        ]
    );
    let [one, two, three] = <[DirectoryAction; 3]>::try_from(directories(&[
        "./a", "n3", "s5000", "S7", "r100", "R60", "!gzip", "/b", "!", "n0", "?cat", "..",
    ]))
    .unwrap();
    assert_eq!(one.rotation, Rotation::default());
    assert_eq!((one.path.as_slice(), one.processor), (&b"./a"[..], None));
    assert_eq!((two.rotation.keep, two.rotation.total), (3, 7));
    assert_eq!(two.rotation.retry, Duration::from_millis(100));
    assert_eq!(two.rotation.interval, Some(Duration::from_secs(60)));
    assert_eq!(two.processor, Some(Processor::Execline(b"gzip".to_vec())));
    assert_eq!(three.rotation.keep, 0);
    assert_eq!(three.processor, Some(Processor::Shell(b"cat".to_vec())));
}

#[test]
fn only_selections_behind_the_last_action_are_told() {
    for (words, has_extraneous) in [
        (&["1", "+a"][..], true),
        (&["1", "f"], true),
        (&["1", "n5"], false),
        (&["1", "t"], false),
        (&["+a", "1"], false),
    ] {
        let script = parse(words).unwrap();
        assert_eq!(script.has_extraneous, has_extraneous, "{words:?}");
        assert!(matches!(script.rules.last(), Some(Rule::Act(_))));
    }
}

proptest! {
    #[test]
    fn errors_lie_inside_the_script(words in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..6), 0..6)) {
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        if let Err(error) = Script::parse(&words, |text| Some(text.to_vec())) {
            match words.get(error.word) {
                Some(word) => {
                    prop_assert_eq!(*word, error.text.as_slice());
                    prop_assert!(error.byte <= word.len());
                }
                None => prop_assert_eq!(error.kind, ScriptErrorKind::NoAction),
            }
        }
    }
}
