//! Tests of what is in `test`.

use proptest::prelude::*;

use super::*;
use crate::command::testing::{list, plan_words, said, step};
use crate::{Environment, Step};

/// A world in which a file is what its name says.
struct Toy;

impl World for Toy {
    fn file(&self, test: FileTest, path: &[u8]) -> bool {
        format!("{test:?}").as_bytes() == path
    }

    fn compare(&self, comparison: FileComparison, one: &[u8], other: &[u8]) -> bool {
        match comparison {
            FileComparison::Newer => one > other,
            FileComparison::Older => one < other,
            FileComparison::Same => one == other,
        }
    }

    fn is_terminal(&self, fd: i32) -> bool {
        fd == 1
    }

    fn is_set(&self, var: &[u8]) -> bool {
        var == b"SET"
    }

    fn matches(&self, text: &[u8], pattern: &[u8]) -> Result<bool, String> {
        if pattern == b"a(b" {
            return Err("Unmatched (".to_owned());
        }
        let mut places = text.windows(pattern.len().max(1));
        Ok(pattern.is_empty() || places.any(|place| place == pattern))
    }
}

/// `true`, `false`, or what is wrong.
fn result(words: &[Word]) -> Result<bool, String> {
    let expression = Expression::parse(words).map_err(|fault| said(&fault))?;
    let value = expression.evaluate(&Toy);
    value.map_err(|fault| said(&fault))
}

fn result_of(words: &str) -> Result<bool, String> {
    let words: Vec<&str> = words.split_terminator(' ').collect();
    // An empty word is written as a dot.
    let words = words
        .iter()
        .map(|word| if *word == "." { "" } else { word });
    result(&words.map(Word::from).collect::<Vec<Word>>())
}

#[test]
fn expressions_are_evaluated() {
    for words in [
        "a",
        "-q",
        "--",
        "-",
        "==",
        "-n a",
        "-z .",
        "! .",
        "! ! a",
        "( a )",
        "( ( ( a ) ) )",
        "a -a b",
        "a -o .",
        ". -a a -o a",
        "a -o . -a .",
        "! a -o a",
        "! ( a -a . )",
        "! a = b",
        "a = a",
        "a != b",
        "a < b",
        "a <= a",
        "b > a",
        "b >= a",
        "a -a ! .",
        "-n a -a -n b",
        "abc =~ b",
        "a =~ .",
        "1 -eq 1",
        "01 -eq 1",
        "-1 -eq -1",
        "+1 -eq 1",
        "\\-1 -eq \\-1",
        "00 -eq 0",
        "1 -lt 2",
        "1 -le 1",
        "2 -gt -9",
        "2 -ge 2",
        "1 -ne 2",
        "2147483648 -gt 1",
        "9223372036854775807 -gt 1",
        "-t 1",
        "-t 01",
        "-v SET",
        "-v \\SET",
        "\\a",
        "\\\\ = \\\\",
        "\\= = \\=",
        "-n \\-n",
        "\\-n = \\-n",
        "\\ = .",
        "-z \\",
        "b -nt a",
        "a -ot b",
        "a -ef a",
        "1 -eq 1 -o a -eq 1",
        "a -o 1 -eq x",
        "a -o -t x",
        "a -o a =~ a(b",
        "a -a b -a c",
        ". -o . -o a",
        ". -a . -o a -a a",
    ] {
        assert_eq!(result_of(words), Ok(true), "{words}");
    }
    for words in [
        "",
        ".",
        "! a",
        "-n .",
        "-z a",
        ". -o .",
        ". -a a",
        "a = b",
        "a -a . -a a",
        "b < a",
        "a > a",
        "a >= b",
        "! . -a .",
        "! a = a",
        "( a = b )",
        "a = b -a c = c",
        "abc =~ c.",
        "1 -ge 2",
        "-t 0",
        "-t 4294967295",
        "-v NOPE",
        "-v .",
        "\\",
        "\\\\\\ = \\\\",
        "\\\\-n = \\-n",
        ". -a 1 -eq x",
        ". -a -t x",
        "9 -lt 10 -a 9 -gt 10",
    ] {
        assert_eq!(result_of(words), Ok(false), "{words}");
    }
}

#[test]
fn files_are_asked_about() {
    for (letters, test) in [
        ("e", FileTest::Exists),
        ("f", FileTest::Regular),
        ("d", FileTest::Directory),
        ("b", FileTest::BlockDevice),
        ("c", FileTest::CharacterDevice),
        ("p", FileTest::Fifo),
        ("S", FileTest::Socket),
        ("hL", FileTest::Link),
        ("r", FileTest::Readable),
        ("w", FileTest::Writable),
        ("x", FileTest::Executable),
        ("s", FileTest::NotEmpty),
        ("g", FileTest::SetGid),
        ("u", FileTest::SetUid),
        ("k", FileTest::Sticky),
        ("OU", FileTest::Owned),
        ("G", FileTest::GroupOwned),
        ("N", FileTest::Modified),
    ] {
        for letter in letters.chars() {
            assert_eq!(result_of(&format!("-{letter} {test:?}")), Ok(true));
            assert_eq!(result_of(&format!("-{letter} else")), Ok(false));
        }
    }
}

#[test]
fn errors_tell_where() {
    for (words, place) in [
        ("a b", 1),
        ("a b c", 1),
        ("-n", 1),
        ("-n = -n", 1),
        ("-n -n", 1),
        ("-n )", 1),
        ("-z !", 1),
        ("-z a b", 2),
        ("-x", 1),
        ("-t", 1),
        ("-v =", 1),
        ("!", 1),
        ("! !", 2),
        ("! -n", 2),
        ("! -a b", 1),
        ("( )", 1),
        ("(", 1),
        ("( (", 2),
        ("( ! )", 2),
        ("( a -a )", 3),
        ("( a ) b", 3),
        ("( a ) = a", 3),
        ("( a ) ( b )", 3),
        (")", 0),
        (") (", 0),
        ("a ) b", 2),
        ("a ) (", 2),
        ("a -a", 2),
        ("-a a", 0),
        ("-a", 0),
        ("-o -o -o", 0),
        ("=", 0),
        ("= a", 0),
        ("a =", 2),
        ("a = =", 2),
        ("a = (", 2),
        ("a = ! b", 2),
        ("a = -a", 2),
        ("a == a", 1),
        ("a = b = c", 3),
        ("\\= = =", 2),
        ("abc =~ (", 2),
        ("1 -eq", 2),
        ("1 -eq 2 3", 3),
        ("a ( b )", 1),
        ("a ! b", 1),
        ("a -n b", 1),
        ("a -a -a b", 2),
        ("a -o -o a", 2),
        ("/tmp -ef", 2),
    ] {
        let wanted = format!("100 parse error at argument {place}");
        assert_eq!(result_of(words), Err(wanted), "{words}");
    }
    for (words, text) in [
        ("( a", "parse error: too many left parentheses"),
        ("( ( a )", "parse error: too many left parentheses"),
        ("a -o ( b", "parse error: too many left parentheses"),
        ("a )", "parse error: bad right parenthesis at argument 2"),
        (
            "( a ) )",
            "parse error: bad right parenthesis at argument 4",
        ),
        (
            "( a ) ) )",
            "parse error: bad right parenthesis at argument 4",
        ),
        (
            "a ) -a b",
            "parse error: bad right parenthesis at argument 2",
        ),
        (
            "a -o b ) -a c",
            "parse error: bad right parenthesis at argument 4",
        ),
        ("1 -eq a", "-eq requires integer arguments"),
        ("a -ne 1", "-ne requires integer arguments"),
        (". -lt .", "-lt requires integer arguments"),
        ("1a -le 1", "-le requires integer arguments"),
        ("- -gt 1", "-gt requires integer arguments"),
        (
            "9223372036854775808 -ge 1",
            "-ge requires integer arguments",
        ),
        ("-t x", "-t requires an integer argument"),
        ("-t -1", "-t requires an integer argument"),
        ("-t +1", "-t requires an integer argument"),
        ("-t 99999999999", "-t requires an integer argument"),
        (
            "a =~ a(b",
            "unable to compile a(b into a regular expression: Unmatched (",
        ),
    ] {
        assert_eq!(result_of(words), Err(format!("100 {text}")), "{words}");
    }
}

#[test]
fn both_names_ask_for_the_same() {
    for name in ["eltest", "s6-test"] {
        let Step::Test(expression) = step(&format!("{name} a = a")) else {
            panic!();
        };
        assert_eq!(expression.evaluate(&Toy), Ok(true));
        let words = list(&[name, "a", "b"]);
        let (fault, _) = plan_words(words, &mut Environment::default());
        assert_eq!(said(&fault.unwrap_err()), "100 parse error at argument 1");
    }
}

#[test]
fn depth_needs_no_stack() {
    const DEPTH: usize = 200_000;
    let repeated = |word: &str, count| vec![Word::from(word); count];
    let parens = [repeated("(", DEPTH), repeated("a", 1), repeated(")", DEPTH)].concat();
    assert_eq!(result(&parens), Ok(true));
    let nots = [repeated("!", DEPTH), repeated("a", 1)].concat();
    assert_eq!(result(&nots), Ok(true));
    let pair = vec![list(&["a", "-a"]); DEPTH].concat();
    let chain = [pair, repeated("", 1)].concat();
    assert_eq!(result(&chain), Ok(false));
    let open = repeated("(", DEPTH);
    assert_eq!(
        result(&open),
        Err(format!("100 parse error at argument {DEPTH}"))
    );
}

/// The grammar, read by recursion and evaluated at once; `None` for what is no expression.
struct Reference<'a> {
    words: &'a [&'a str],
    at: usize,
}

impl<'a> Reference<'a> {
    fn value(words: &'a [&'a str]) -> Option<bool> {
        if words.is_empty() {
            return Some(false);
        }
        let mut it = Self { words, at: 0 };
        let value = it.any_of()?;
        (it.at == words.len()).then_some(value)
    }

    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).copied()
    }

    fn skip(&mut self, word: &str) -> bool {
        let is_there = self.peek() == Some(word);
        self.at += usize::from(is_there);
        is_there
    }

    fn any_of(&mut self) -> Option<bool> {
        let mut value = self.all_of()?;
        while self.skip("-o") {
            value |= self.all_of()?;
        }
        Some(value)
    }

    fn all_of(&mut self) -> Option<bool> {
        let mut value = self.one()?;
        while self.skip("-a") {
            value &= self.one()?;
        }
        Some(value)
    }

    fn one(&mut self) -> Option<bool> {
        if self.skip("!") {
            return Some(!self.one()?);
        }
        if self.skip("(") {
            let value = self.any_of()?;
            return self.skip(")").then_some(value);
        }
        if self.skip("-n") {
            return Some(!self.data()?.is_empty());
        }
        if self.skip("-z") {
            return Some(self.data()?.is_empty());
        }
        let one = self.data()?;
        if self.skip("=") {
            return Some(one == self.data()?);
        }
        if self.skip("<") {
            return Some(one < self.data()?);
        }
        Some(!one.is_empty())
    }

    fn data(&mut self) -> Option<&'a str> {
        let word = self.peek()?;
        if ["(", ")", "!", "-a", "-o", "-n", "-z", "=", "<"].contains(&word) {
            return None;
        }
        self.at += 1;
        Some(word.strip_prefix('\\').unwrap_or(word))
    }
}

/// A sound expression.
fn sound() -> impl Strategy<Value = Vec<&'static str>> {
    let leaf = prop::sample::select(vec![
        &["a"][..],
        &[""],
        &["-n", "a"],
        &["-z", "a"],
        &["a", "=", "b"],
        &["a", "<", "b"],
        &["\\-a", "=", "\\-a"],
    ]);
    leaf.prop_map(<[&str]>::to_vec)
        .prop_recursive(5, 40, 2, |inner| {
            prop_oneof![
                inner.clone().prop_map(|it| [vec!["!"], it].concat()),
                inner
                    .clone()
                    .prop_map(|it| [vec!["("], it, vec![")"]].concat()),
                (inner.clone(), inner.clone())
                    .prop_map(|(one, other)| [one, vec!["-a"], other].concat()),
                (inner.clone(), inner).prop_map(|(one, other)| [one, vec!["-o"], other].concat()),
            ]
        })
}

proptest! {
    #[test]
    fn sound_expressions_are_what_the_grammar_says(words in sound()) {
        let wanted = Reference::value(&words);
        prop_assert!(wanted.is_some());
        prop_assert_eq!(result(&list(&words)).ok(), wanted);
    }

    #[test]
    fn any_words_are_what_the_grammar_says(words in prop::collection::vec(
        prop::sample::select(
            &["a", "b", "", "!", "(", ")", "-a", "-o", "-n", "-z", "=", "<", "\\-n"][..],
        ),
        0..9,
    )) {
        prop_assert_eq!(result(&list(&words)).ok(), Reference::value(&words));
    }
}
