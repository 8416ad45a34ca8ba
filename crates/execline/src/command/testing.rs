//! What the tests of commands share.

use super::{Scope, find, plan};
use crate::command::control::Outcome;
use crate::fault::Kind;
use crate::lexer::{self, Script};
use crate::{Ended, Environment, Fault, Step, Word, Words};

/// The words of a script.
pub(crate) fn words(script: &str) -> Words {
    match lexer::read(script.as_bytes()) {
        Ok(Script::Words(words)) => words,
        other => panic!("{script}: {other:?}"),
    }
}

/// An environment of these variables.
pub(crate) fn env(variables: &[(&str, &str)]) -> Environment {
    let pair = |(name, value): &(&str, &str)| (Word::from(*name), Word::from(*value));
    Environment::new(variables.iter().map(pair))
}

/// What a command with these words asks for, and its warnings.
pub(crate) fn plan_words(words: Words, env: &mut Environment) -> (Result<Step, Fault>, Vec<Word>) {
    let mut words = words.into_iter();
    let command = find(&words.next().unwrap()).unwrap();
    let mut warnings = Vec::new();
    let mut scope = Scope {
        env,
        warnings: &mut warnings,
        glob: &|_| Ok(Words::new()),
    };
    let step = plan(command, words.collect(), &mut scope);
    (step, warnings)
}

/// What the command in a script asks for, without any variable.
pub(crate) fn step(script: &str) -> Step {
    let (step, warnings) = plan_words(words(script), &mut Environment::default());
    assert_eq!(warnings, Vec::<Word>::new(), "{script}");
    step.unwrap_or_else(|fault| panic!("{script}: {fault:?}"))
}

/// What the command in a script says is wrong.
pub(crate) fn refusal(script: &str) -> String {
    refusal_of(words(script))
}

/// The same for words, which may be no blocks that end.
pub(crate) fn refusal_of(words: Words) -> String {
    let (step, _) = plan_words(words.clone(), &mut Environment::default());
    said(&step.expect_err(&format!("{words:?}")))
}

/// A fault as text: its exit code and its words, or `usage`.
pub(crate) fn said(fault: &Fault) -> String {
    let text = String::from_utf8_lossy(&fault.text);
    match fault.kind {
        Kind::Usage => {
            assert_eq!(fault.code, 100);
            "usage".to_owned()
        }
        Kind::Fatal => format!("{} {text}", fault.code),
        Kind::Plain => format!("{} plain {text}", fault.code),
    }
}

/// Words from texts.
pub(crate) fn list(texts: &[&str]) -> Words {
    texts.iter().map(|text| Word::from(*text)).collect()
}

/// A child that exited with a code.
pub(crate) fn exited(code: u8) -> Outcome {
    Outcome::Ended(Ended::Code(code))
}

/// A child that a signal killed.
pub(crate) fn killed(signal: u8) -> Outcome {
    Outcome::Ended(Ended::Signal(signal))
}

/// A program that is not there, or cannot be executed.
pub(crate) fn not_spawned(program: &str, is_missing: bool) -> Outcome {
    Outcome::NotSpawned {
        program: program.into(),
        reason: if is_missing {
            "No such file or directory".to_owned()
        } else {
            "Permission denied".to_owned()
        },
        is_missing,
    }
}
