//! What the fuzz targets do with their input, and the test of their corpus too. Each must come to an
//! end, without a panic, whatever the bytes.

use sixfold_execline::block::Args;
use sixfold_execline::command::{self, Scope};
use sixfold_execline::strict::Strict;
use sixfold_execline::substitution::Substitution;
use sixfold_execline::{Environment, Word, Words, lexer};

/// A script.
pub(crate) fn lexer(input: &[u8]) {
    if let Ok(lexer::Script::Words(words)) = lexer::read(input) {
        let mut args = Args::new(words, Strict::Warn);
        while args.block("").is_ok() {}
    }
}

/// An argument vector, its words between NUL bytes, which begins with a command.
pub(crate) fn commands(input: &[u8]) {
    let mut words = input.split(|byte| *byte == 0).map(<[u8]>::to_vec);
    let Some(command) = words.next().and_then(|name| command::find(&name)) else {
        return;
    };
    let variables = [
        "#=2",
        "0=zero",
        "1=one",
        "2=two",
        "VAR=a b",
        "ELGETOPT_a=1",
        "FD0=3",
    ];
    let mut env = Environment::new(variables.iter().filter_map(|variable| {
        let (name, value) = variable.split_once('=')?;
        Some((Word::from(name), Word::from(value)))
    }));
    let mut warnings = Vec::new();
    let found = |_: &command::substitute::Glob| Ok(Words::from([b"one".to_vec(), b"two".to_vec()]));
    let mut scope = Scope {
        env: &mut env,
        warnings: &mut warnings,
        glob: &found,
    };
    let _ = command::plan(command, words.collect(), &mut scope);
}

/// Lines: the first one and others with a NUL are a key and the words of its value, between NUL
/// bytes; the rest are the words in which they are put.
pub(crate) fn substitution(input: &[u8]) {
    let mut values = Substitution::default();
    let mut words = Words::new();
    for (index, line) in input.split(|byte| *byte == b'\n').enumerate() {
        if index == 0 || line.contains(&0) {
            let mut parts = line.split(|byte| *byte == 0).map(<[u8]>::to_vec);
            let key = parts.next().unwrap_or_default();
            let _ = values.add(key, parts.collect());
        } else {
            words.push(line.to_vec());
        }
    }
    let _ = values.apply(words);
}
