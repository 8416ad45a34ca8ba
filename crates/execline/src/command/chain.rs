//! For tests: what becomes of a script, command after command, as a text that can be compared.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::substitute::Glob;
use super::{Command, Scope, find, plan};
use crate::fault::Kind;
use crate::lexer::{Script, read};
use crate::{Environment, Fault, Step, Word, Words};

/// What became of a script.
pub(crate) struct Ran {
    /// `<word>` for each word of the program that is to be executed in the end; any other step as it
    /// is, for debugging; or the message of a fault with its code. Warnings come before it, a line
    /// each.
    pub(crate) text: String,
    /// The environment in the end.
    pub(crate) env: Environment,
}

/// Variables as an environment.
pub(crate) fn environment(variables: &[(&str, &str)]) -> Environment {
    let variables = variables.iter();
    Environment::new(variables.map(|(name, value)| (Word::from(*name), Word::from(*value))))
}

/// Plans the commands of `script` until one asks for more than to become the next, or the next is no
/// command.
pub(crate) fn run(variables: &[(&str, &str)], script: &str) -> Ran {
    let words = match read(script.as_bytes()) {
        Ok(Script::Words(words)) => words,
        other => panic!("{script}: {other:?}"),
    };
    run_words(environment(variables), words)
}

/// The same for words.
pub(crate) fn run_words(mut env: Environment, mut words: Words) -> Ran {
    let mut text = String::new();
    loop {
        let Some(command) = words.first().and_then(|word| find(word)) else {
            for word in &words {
                write!(text, "<{}>", String::from_utf8_lossy(word)).unwrap();
            }
            return Ran { text, env };
        };
        let mut warnings = Vec::new();
        let mut scope = Scope {
            env: &mut env,
            warnings: &mut warnings,
            glob: &glob,
        };
        let outcome = plan(command, words.split_off(1), &mut scope);
        for warning in warnings {
            let warning = String::from_utf8_lossy(&warning).into_owned();
            writeln!(text, "{}: warning: {warning}", command.speaks_as).unwrap();
        }
        match outcome {
            Ok(Step::Become(next)) => words = next,
            Ok(other) => {
                write!(text, "{other:?}").unwrap();
                return Ran { text, env };
            }
            Err(fault) => {
                text.push_str(&message(command, &fault));
                return Ran { text, env };
            }
        }
    }
}

fn message(command: Command, fault: &Fault) -> String {
    let name = command.speaks_as;
    let text = String::from_utf8_lossy(&fault.text);
    let code = fault.code;
    match fault.kind {
        Kind::Fatal => format!("{name}: fatal: {text} ({code})"),
        Kind::Usage => format!("{name}: usage: {text} ({code})"),
        Kind::Plain => format!("{text} ({code})"),
    }
}

/// Paths: two for `g*`, none for another pattern with a star, an error for `denied`.
fn glob(glob: &Glob) -> Result<Words, Fault> {
    match glob.pattern.as_slice() {
        b"g*" => Ok(vec![b"g1".to_vec(), b"g 2".to_vec()]),
        b"denied" => {
            let text = "unable to complete exlsn function: Permission denied";
            Err(Fault::fatal(text, 111))
        }
        _ => Ok(Words::new()),
    }
}

/// Whether a script becomes `wanted`, for each of a table.
pub(crate) fn assert_all(variables: &[(&str, &str)], table: &[(&str, &str)]) {
    for (script, wanted) in table {
        assert_eq!(run(variables, script).text, *wanted, "{script}");
    }
}

/// Words as commands may be given them: options, blocks, references, numbers, names of commands.
pub(crate) fn any_words() -> impl Strategy<Value = Words> {
    let word = prop_oneof![
        Just(Word::new()),
        "-[a-zA-Z0-9]{0,3}".prop_map(Word::from),
        "( {0,2}|\\$)[a-z#@0-9=]{0,2}".prop_map(Word::from),
        "[0-9]{1,11}".prop_map(Word::from),
        prop::sample::select(super::all().map(|it| it.name).collect::<Vec<_>>())
            .prop_map(|name| format!(" {name}").into_bytes()),
        any::<Word>(),
    ];
    prop::collection::vec(word, 0..12)
}

/// Environments with positional variables and others.
pub(crate) fn any_environment() -> impl Strategy<Value = Environment> {
    let name = prop_oneof![
        "[#0-5]".prop_map(Word::from),
        "[#0-9A-Z!?]{1,3}(:[0-9]{1,2})?".prop_map(Word::from),
        "ELGETOPT_[a-c](:[12])?".prop_map(Word::from),
        Just(Word::from("EXECLINE_STRICT")),
        any::<Word>(),
    ];
    let value = prop_oneof![
        "[0-9]{0,2}".prop_map(Word::from),
        "[ a-]{0,3}".prop_map(Word::from),
        any::<Word>()
    ];
    prop::collection::vec((name, value), 0..12).prop_map(Environment::new)
}

proptest! {
    /// No command panics, whatever it is given.
    #[test]
    fn any_words_are_planned_or_refused(words in any_words(), env in any_environment()) {
        for command in super::all() {
            let mut env = env.clone();
            let mut warnings = Vec::new();
            let mut scope = Scope { env: &mut env, warnings: &mut warnings, glob: &glob };
            let _ = plan(command, words.clone(), &mut scope);
        }
    }
}
