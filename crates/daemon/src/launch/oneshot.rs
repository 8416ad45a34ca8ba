//! The command lines of oneshots of s6-rc. They are words, and no script: the first one is a program
//! that gets the others. Where that is a command of execline, it is carried out by this executable.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use sixfold_engine::SpawnFailure;
use sixfold_execline::command;
use sixfold_model::Diagnostic;

use super::{Call, Program, inspect, lookup, set};
use crate::world::World;

/// How to start the command line `words` of the oneshot `service`.
pub(super) fn call(world: &World, service: &str, words: &[Vec<u8>]) -> Result<Call, SpawnFailure> {
    let (first, rest) = words.split_first().ok_or(SpawnFailure::NotFound)?;
    let mut env = world.base_env();
    set(&mut env, OsStr::new("RC_NAME"), service.into());
    let args = rest.iter().map(|word| OsStr::from_bytes(word).into());
    let place = world.oneshot_directory();
    let program = program(world, service, first, &place)?;
    Ok((program, args.collect(), env, place))
}

fn program(
    world: &World,
    service: &str,
    name: &[u8],
    place: &Path,
) -> Result<Program, SpawnFailure> {
    let word = OsStr::from_bytes(name);
    if name.contains(&b'/') {
        return inspect(world, &place.join(word));
    }
    let found = lookup(world, Path::new(word)).filter(|_| !name.is_empty());
    match found {
        Some(path) => {
            let mut program = inspect(world, &path)?;
            // Programs with many names go by the one they were called by.
            if program.program == path.as_os_str() {
                program.arg0 = Some(word.to_owned());
            }
            Ok(program)
        }
        None if command::find(name).is_some() => Ok(Program {
            program: world.exe.clone().into(),
            arg0: Some(word.to_owned()),
            args: Vec::new(),
        }),
        None => {
            world.report(&[missing(world, service, word)]);
            Err(SpawnFailure::NotFound)
        }
    }
}

fn missing(world: &World, service: &str, word: &OsStr) -> Diagnostic {
    let path: OsString = world.path.clone();
    Diagnostic::error(
        Path::new(word),
        format!(
            "cannot be run for oneshot {service}: it is in no directory of PATH ({})",
            path.display()
        ),
        "install it in the image, or write its whole path in the up or down file",
    )
}

#[cfg(test)]
#[path = "oneshot_tests.rs"]
mod tests;
