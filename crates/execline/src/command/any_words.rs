//! No command panics, whatever its words, its environment, and what comes of what it asks for.

use proptest::prelude::*;

use super::control::Outcome;
use super::testing::env;
use super::{Scope, all, plan};
use crate::{Ended, Environment, Fault, Step, Word, Words};

/// Words that mean something to some command, and any others.
fn word() -> impl Strategy<Value = Word> {
    const TELLING: [&str; 48] = [
        "",
        "",
        "",
        " ",
        " a",
        "  a",
        "a",
        "-",
        "--",
        "-n",
        "-N",
        "-x",
        "-X",
        "-t",
        "-i",
        "-I",
        "-E",
        "-P",
        "-p",
        "-d",
        "-D",
        "-0",
        "-o",
        "-a",
        "-s",
        "-r",
        "-w",
        "-f",
        "--read",
        "--t=",
        "0",
        "1",
        "7",
        "256",
        "4294967296",
        "-1",
        "99999999999999999999",
        "TERM",
        " TERM",
        " KILL",
        "default",
        "(",
        ")",
        "!",
        "=",
        "=~",
        "-eq",
        "\\a",
    ];
    prop_oneof![
        6 => prop::sample::select(&TELLING[..]).prop_map(Word::from),
        1 => prop::collection::vec(1..=255u8, 0..6),
        1 => "[$][{]?[#0-9@a?]*[}]?".prop_map(Word::from),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        any::<u8>().prop_map(|code| Outcome::Ended(Ended::Code(code))),
        any::<u8>().prop_map(|signal| Outcome::Ended(Ended::Signal(signal))),
        (word(), any::<bool>()).prop_map(|(program, is_missing)| Outcome::NotSpawned {
            program,
            reason: "for some reason".to_owned(),
            is_missing,
        }),
    ]
}

/// What follows after a step, as far as this crate decides it.
fn follow(
    step: Step,
    env: &mut Environment,
    outcome: &Outcome,
    read: &[u8],
) -> Option<Result<Step, Fault>> {
    let mut warnings = Vec::new();
    match step {
        Step::Run(_, after) => Some(after.resume(env, &mut warnings, outcome.clone())),
        Step::Capture(_, after) => {
            let after = if read.is_empty() {
                after.lenient()
            } else {
                after
            };
            Some(after.resume(env, &mut warnings, read.to_vec(), outcome.clone()))
        }
        Step::ReadInput(after) => Some(after.resume(env, &mut warnings, read.to_vec())),
        Step::Case(case) => {
            let mut turn = 0;
            Some(case.choose(env, &mut warnings, |pattern| {
                turn += 1;
                match pattern.len() % 3 {
                    0 => Err("for some reason".to_owned()),
                    1 => Ok(None),
                    _ => Ok(Some(vec![None, Some(read.to_vec())])),
                }
            }))
        }
        Step::Script(it) => Some(it.plan(read, env, &mut warnings)),
        Step::Tell(_, export) => Some(export.with(read.to_vec(), env)),
        Step::Loop(it) => {
            let (words, _) = it.child(env, read);
            Some(Ok(Step::Become(words)))
        }
        Step::LoopWhile(it) => Some(Err(it.not_spawned(outcome.clone()))),
        Step::Become(_)
        | Step::BecomeAs(_)
        | Step::TryBecome(..)
        | Step::Exit(_)
        | Step::Print(..)
        | Step::Background { .. }
        | Step::Trap(_)
        | Step::Wait(_)
        | Step::Redirect(_)
        | Step::Descriptors(..)
        | Step::Pipeline { .. }
        | Step::Heredoc { .. }
        | Step::ChangeDir(..)
        | Step::Umask(..)
        | Step::PosixCd(_)
        | Step::PosixUmask(_)
        | Step::HomeOf(_)
        | Step::EnvFile { .. }
        | Step::Test(_) => None,
    }
}

proptest! {
    #[test]
    fn any_words_are_planned(
        words in prop::collection::vec(word(), 0..12),
        value in word(),
        strict in prop::sample::select(&["0", "1", "2", "", "x"][..]),
        outcome in outcome(),
        read in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        for command in all() {
            let mut env = env(&[("EXECLINE_STRICT", strict), ("#", "2"), ("1", "a"), ("0", "z")]);
            env.set("2", value.as_slice());
            env.set("a", value.as_slice());
            let mut warnings = Vec::new();
            let mut scope = Scope {
                env: &mut env,
                warnings: &mut warnings,
                glob: &|_| Ok(Words::from([b"x".to_vec(), b"y".to_vec()])),
            };
            let mut next = plan(command, words.clone(), &mut scope).ok();
            while let Some(step) = next {
                next = follow(step, &mut env, &outcome, &read).and_then(Result::ok);
            }
        }
    }
}
