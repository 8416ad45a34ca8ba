//! From the words of a oneshot to a program. No process is started.

use std::fs;

use sixfold_sys::files;

use super::*;
use crate::subscriber::Format;
use crate::subscriber::tests::logged;
use crate::world::tests::plain;
use sixfold_protocol::paths;

/// A world whose PATH is `bin`, where `program` and, of execline's commands, `if` are.
fn world(bin: &Path) -> World {
    let mut world = plain(Format::Text);
    for name in ["program", "if"] {
        fs::write(bin.join(name), "#!/bin/sh\n").unwrap();
        files::chmod(&bin.join(name), 0o755).unwrap();
    }
    world.path = bin.into();
    world
}

fn called(world: &World, words: &[&str]) -> Result<Call, SpawnFailure> {
    let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
    call(world, "it", &words)
}

#[test]
fn a_program_is_looked_for_in_the_path() {
    let bin = tempfile::tempdir().unwrap();
    let world = world(bin.path());
    let (program, args, env, place) = called(&world, &["program", "a", ""]).unwrap();
    assert_eq!(program.program, bin.path().join("program").as_os_str());
    assert_eq!(program.arg0.as_deref(), Some(OsStr::new("program")));
    assert_eq!(args, ["a", ""]);
    assert_eq!(place, Path::new(paths::RC_ONESHOTS));
    let own = (OsString::from("RC_NAME"), OsString::from("it"));
    assert!(env.contains(&own) && env.len() == 2, "{env:?}");
}

#[test]
fn a_command_of_execline_is_ours_unless_the_image_has_another() {
    let bin = tempfile::tempdir().unwrap();
    let world = world(bin.path());
    let (program, args, ..) = called(&world, &["foreground", " true", "", "x"]).unwrap();
    assert_eq!(program.program, "/own/sixfold");
    assert_eq!(program.arg0.as_deref(), Some(OsStr::new("foreground")));
    assert_eq!(args, [" true", "", "x"]);
    let (program, ..) = called(&world, &["if", ""]).unwrap();
    assert_eq!(program.program, bin.path().join("if").as_os_str());
}

#[test]
fn a_path_is_a_script_like_any_other() {
    let dir = tempfile::tempdir().unwrap();
    let world = world(dir.path());
    let script = dir.path().join("script");
    fs::write(&script, "#!/bin/sh -e\n").unwrap();
    files::chmod(&script, 0o644).unwrap();
    let script = script.to_str().unwrap();
    let mut found = None;
    let text = logged(Format::Text, 2, || {
        found = Some(called(&world, &[script, "a"]).unwrap());
    });
    let (program, args, ..) = found.unwrap();
    assert_eq!(program.program, "/bin/sh");
    assert_eq!(program.args, ["-e", script]);
    assert_eq!(args, ["a"]);
    assert!(text.contains("not executable"), "{text}");
}

#[test]
fn what_is_not_there_is_said() {
    let bin = tempfile::tempdir().unwrap();
    let world = world(bin.path());
    for (words, said) in [
        (&["nosuch"][..], "nosuch: cannot be run for oneshot it"),
        (&["/no/such/file"], "/no/such/file: cannot be read"),
        (&["", "x"], "cannot be run for oneshot it"),
    ] {
        let text = logged(Format::Text, 2, || {
            let failure = called(&world, words).unwrap_err();
            assert_eq!(failure, SpawnFailure::NotFound, "{words:?}");
        });
        assert!(text.contains(said), "{text}");
    }
    assert_eq!(called(&world, &[]).unwrap_err(), SpawnFailure::NotFound);
}
