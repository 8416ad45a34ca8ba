//! Tests of what is in `substitution`.

use proptest::prelude::*;

use super::*;

fn words(words: &[&str]) -> Words {
    words.iter().map(|word| Word::from(*word)).collect()
}

fn substitution(values: &[(&str, &[&str])]) -> Substitution {
    let mut substitution = Substitution::default();
    for (key, value) in values {
        substitution.add((*key).into(), words(value)).unwrap();
    }
    substitution
}

/// `word` with x=v, e empty, n no word, m two words, and numbers up to 2 empty.
fn made(word: &str) -> Vec<String> {
    let values: [(&str, &[&str]); 8] = [
        ("x", &["v"]),
        ("e", &[""]),
        ("n", &[]),
        ("m", &["1", "2"]),
        ("a b", &["c"]),
        ("/", &["slash"]),
        ("q$x", &["never"]),
        ("{x", &["never"]),
    ];
    let mut substitution = substitution(&values);
    substitution.fill(1..=2).unwrap();
    let made = substitution.apply(words(&[word])).unwrap();
    made.into_iter()
        .map(|word| String::from_utf8(word).unwrap())
        .collect()
}

#[test]
fn references_are_found_and_replaced() {
    for (word, wanted) in [
        ("", ""),
        ("x", "x"),
        ("$x", "v"),
        ("${x}", "v"),
        ("a${x}b", "avb"),
        ("$x$x", "vv"),
        ("$x${x}$x", "vvv"),
        ("[$x", "[v"),
        ("$x]", "$x]"),
        ("$x y", "$x y"),
        ("$x/bin", "$x/bin"),
        ("$a b", "c"),
        ("${a b}", "c"),
        ("$/", "slash"),
        ("$y", "$y"),
        ("${y}", "${y}"),
        ("  ${x}", "  v"),
        ("a${e}b", "ab"),
        ("${e}", ""),
        // What is no reference.
        ("$", "$"),
        ("x$", "x$"),
        ("$}", "$}"),
        ("$}x", "$}x"),
        ("${}", "${}"),
        ("${", "${"),
        ("${x", "${x"),
        ("$ {x}", "$ {x}"),
        ("${{x}}", "${{x}}"),
        ("{$x}", "{v}"),
        ("{${x}}", "{v}"),
        ("$x}", "v}"),
        ("$x{y}", "v{y}"),
        // A reference inside what looked like one.
        ("${${x}}", "${v}"),
        ("${q${x}", "${qv"),
        ("${q$x}", "${qv}"),
        ("${q$y", "${q$y"),
        ("$q{$x", "$q{v"),
        ("$q$x", "$qv"),
        ("$$x", "$v"),
        ("${}$x", "${}v"),
        // Backslashes.
        ("\\$x", "$x"),
        ("\\${x}", "${x}"),
        ("\\\\$x", "\\v"),
        ("\\\\\\$x", "\\$x"),
        ("\\\\\\\\$x", "\\\\v"),
        ("\\\\$y", "\\\\$y"),
        ("\\$y", "\\$y"),
        ("\\\\\\$y$x", "\\\\\\$yv"),
        ("\\$x$x", "$xv"),
        ("$x\\$x", "v$x"),
        ("$x\\\\$x", "v\\v"),
        ("${x}\\\\${x}", "v\\v"),
        ("$x\\", "v\\"),
        ("$x\\\\", "v\\\\"),
        ("\\\\q$x", "\\\\qv"),
        ("${x\\}", "${x\\}"),
        ("${q\\$x}", "${q$x}"),
        ("${q\\\\$x}", "${q\\v}"),
        ("\\${q${x}}", "\\${qv}"),
        ("\\", "\\"),
        ("\\\\", "\\\\"),
        // Numbers.
        ("$1${2}.", "."),
        ("$0", "$0"),
        ("$3", "$3"),
        ("$01", "$01"),
        ("$+1", "$+1"),
        ("$99999999999", "$99999999999"),
    ] {
        assert_eq!(made(word), [wanted], "{word}");
    }
}

#[test]
fn a_value_may_be_no_word_or_many() {
    for (word, wanted) in [
        ("$n", &[][..]),
        ("a${n}b", &[]),
        ("${m}${n}", &[]),
        ("\\${n}", &["${n}"]),
        ("$m", &["1", "2"]),
        ("  a${m}b", &["  a1b", "  a2b"]),
        ("${m}-${m}", &["1-1", "1-2", "2-1", "2-2"]),
        ("${m}${x}$e$m", &["1v1", "1v2", "2v1", "2v2"]),
        (
            "$m$m$m",
            &["111", "112", "121", "122", "211", "212", "221", "222"],
        ),
    ] {
        assert_eq!(made(word), wanted, "{word}");
    }
}

#[test]
fn what_was_put_in_is_not_looked_at_again() {
    let substitution = substitution(&[("x", &["${y}", "\\"]), ("y", &["2"])]);
    let made = substitution.apply(words(&["$x$y"])).unwrap();
    assert_eq!(made, words(&["${y}2", "\\2"]));
}

#[test]
fn keys_are_neither_empty_nor_given_twice() {
    let mut it = substitution(&[("x", &[])]);
    assert_eq!(it.add(Word::new(), Words::new()), Err(BadKey));
    assert_eq!(it.add("x".into(), Words::new()), Err(BadKey));
    it.fill(1..=3).unwrap();
    assert_eq!(it.clone().fill(0..=3), Ok(()));
    assert_eq!(it.add("3".into(), Words::new()), Err(BadKey));
    assert_eq!(it.add("4".into(), Words::new()), Ok(()));
    assert_eq!(it.add("0".into(), Words::new()), Ok(()));
    assert_eq!(it.fill(4..=7), Err(BadKey));
}

#[test]
fn what_no_kernel_would_take_is_not_built() {
    let two = substitution(&[("m", &["", ""]), ("n", &[])]);
    let program = || words(&["echo"]);
    let many = [program(), words(&[&"$m".repeat(60)])].concat();
    let fault = two.apply(many).map_err(Fault::from);
    let text = "unable to exec echo: Argument list too long";
    assert_eq!(fault, Err(Fault::fatal(text, 126)));
    // As many as there is room for.
    assert_eq!(
        two.apply(words(&[&"$m".repeat(19)])).unwrap().len(),
        1 << 19
    );
    assert!(two.apply(words(&[&"$m".repeat(20)])).is_err());

    let long = "l".repeat(LIMIT / 8);
    let one = substitution(&[("l", &[long.as_str()])]);
    assert!(one.apply(words(&[&"$l".repeat(7)])).is_ok());
    assert!(one.apply(words(&[&"$l".repeat(100_000)])).is_err());
    let twice = one.apply(vec![b"$l$l$l$l".to_vec(); 2]).unwrap_err();
    assert_eq!(twice.program, long.repeat(4).into_bytes());
}

/// The words of a word, made naively: all references first, then one word after the other by
/// recursion.
fn naive(values: &[(Word, Words)], word: &[u8]) -> Words {
    let Some(dollar) = word.iter().position(|byte| *byte == b'$') else {
        return vec![word.to_vec()];
    };
    let (before, from) = word.split_at(dollar);
    let found = values.iter().find_map(|(key, value)| {
        let braced = [b"${", &key[..], b"}"].concat();
        if from.starts_with(&braced) {
            return Some((value, braced.len()));
        }
        let bare = [b"$", &key[..]].concat();
        let end = from.get(bare.len());
        let ends = matches!(end, None | Some(b'\\' | b'$' | b'{' | b'}'));
        (from.starts_with(&bare) && ends).then_some((value, bare.len()))
    });
    let prefixed = |prefix: &[u8], length: usize| -> Words {
        let rest = naive(values, &from[length..]);
        rest.iter().map(|rest| [prefix, rest].concat()).collect()
    };
    let Some((value, length)) = found else {
        return prefixed(&word[..=dollar], 1);
    };
    let text = before.iter().rposition(|byte| *byte != b'\\');
    let (text, quotes) = before.split_at(text.map_or(0, |at| at + 1));
    let before = [text, &quotes[..quotes.len() / 2]].concat();
    if quotes.len() % 2 == 1 {
        return prefixed(&[&before, &from[..length]].concat(), length);
    }
    let starts = value.iter().map(|value| [&before[..], value].concat());
    starts.flat_map(|start| prefixed(&start, length)).collect()
}

proptest! {
    #[test]
    fn it_does_as_the_naive_one(
        word in "[\\\\$$$$xxyy{{}} a]{0,24}",
        x in prop::collection::vec("[\\\\$x{} ]{0,3}", 0..4),
        y in prop::collection::vec("[\\\\$y{} ]{0,3}", 0..3),
    ) {
        let to_words = |words: Vec<String>| words.into_iter().map(Word::from).collect::<Words>();
        let values = [(Word::from("x"), to_words(x)), (Word::from("y"), to_words(y))];
        let mut substitution = Substitution::default();
        for (key, value) in values.clone() {
            substitution.add(key, value).unwrap();
        }
        let made = substitution.apply(vec![word.clone().into()]);
        prop_assert_eq!(made, Ok(naive(&values, word.as_bytes())));
    }

    #[test]
    fn there_are_as_many_words_as_combinations(lengths in prop::collection::vec(0_usize..5, 0..6)) {
        let mut substitution = Substitution::default();
        let mut word = Word::new();
        for (index, length) in lengths.iter().enumerate() {
            let key = format!("k{index}");
            word.extend_from_slice(format!("${{{key}}}").as_bytes());
            let value = (0..*length).map(|value| value.to_string().into()).collect();
            substitution.add(key.into(), value).unwrap();
        }
        let made = substitution.apply(vec![word]).unwrap();
        prop_assert_eq!(made.len(), lengths.iter().product::<usize>());
        // The left one changes slowest.
        prop_assert!(made.is_sorted());
    }

    #[test]
    fn any_bytes_are_taken(words: Vec<Word>, key: Word, value: Vec<Word>, first: u32, last: u32) {
        let mut substitution = Substitution::default();
        let _ = substitution.add(key, value);
        let _ = substitution.fill(first..=last);
        let _ = substitution.apply(words);
    }
}
