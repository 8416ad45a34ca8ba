//! From work to a plan: programs, words, environments, directories. No process is started.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use sixfold_engine::{Exit, Step};
use sixfold_model::tree;

use super::program::{clean, first_line_words};
use super::*;
use crate::clock::Clock;
use crate::subscriber::Format;
use crate::subscriber::tests::logged;
use crate::world::tests::plain;

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

fn script(dir: &Path, name: &str, content: &str, mode: u32) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, content).unwrap();
    files::chmod(&path, mode).unwrap();
    path
}

fn streams() -> Streams {
    Streams {
        stdin: Stream::Null,
        stdout: Stream::Null,
        stderr: Stream::Null,
        notification: None,
    }
}

fn planned(world: &World, place: Option<&Place>, work: &Work) -> Plan {
    planned_in(world, place, work).0
}

/// With the directory where it begins.
fn planned_in(world: &World, place: Option<&Place>, work: &Work) -> (Plan, PathBuf) {
    plan(world, place, work, streams()).unwrap_or_else(|failure| panic!("{work:?}: {failure:?}"))
}

fn step(listing: Listing, path: &Path) -> Work {
    let step = Step {
        name: "x".to_owned(),
        path: path.to_owned(),
    };
    Work::Step { listing, step }
}

fn value<'a>(plan: &'a Plan, name: &str) -> Option<&'a OsStr> {
    let found = plan.env.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_os_str())
}

#[test]
fn run_and_finish_are_called_as_s6_supervise_calls_them() {
    let spec = ServiceSpec::new("web/log", "/etc/services.d/web/log");
    assert_eq!(
        service_call(&spec, &Work::Run),
        ("run", words(&["web/log"]))
    );
    for (exit, code, signal) in [
        (Exit::Code(0), "0", "0"),
        (Exit::Code(255), "255", "0"),
        (Exit::Signal(15), "256", "15"),
        (Exit::Signal(64), "256", "64"),
    ] {
        let finish = Work::Finish { exit, pgid: 77 };
        assert_eq!(
            service_call(&spec, &finish),
            ("finish", words(&[code, signal, "web/log", "77"]))
        );
    }
}

/// A service in `dir` that was read from there.
fn place(dir: &Path) -> Place {
    Place {
        spec: ServiceSpec::new("web", dir),
        dir: dir.to_owned(),
        charge: None,
    }
}

#[test]
fn a_service_runs_where_it_is_supervised() {
    let (image, live) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for dir in [&image, &live] {
        script(dir.path(), "run", "#!/bin/sh\n", 0o755);
        script(dir.path(), "finish", "#!/bin/sh\n", 0o755);
    }
    let world = plain(Format::Text);
    let place = Place {
        dir: live.path().to_owned(),
        ..place(image.path())
    };
    let (plan, dir) = planned_in(&world, Some(&place), &Work::Run);
    assert_eq!(plan.program, "./run");
    assert_eq!(plan.args, words(&["web"]));
    assert_eq!(dir, live.path());
    assert_eq!(plan.env, world.base_env());
    assert_eq!(plan.session, Session::New);
    let exit = Exit::Code(1);
    let plan = planned(&world, Some(&place), &Work::Finish { exit, pgid: 5 });
    assert_eq!(plan.program, "./finish");
    assert_eq!(plan.args, words(&["1", "0", "web", "5"]));
}

#[test]
fn a_script_that_is_not_executable_is_named_in_the_same_way() {
    let dir = tempfile::tempdir().unwrap();
    script(dir.path(), "run", "#!/bin/sh -e\n", 0o644);
    let plan = planned(&plain(Format::Text), Some(&place(dir.path())), &Work::Run);
    assert_eq!(plan.program, "/bin/sh");
    assert_eq!(plan.args, words(&["-e", "./run", "web"]));
}

#[test]
fn a_service_is_started_where_its_directory_has_gone() {
    let root = tempfile::tempdir().unwrap();
    let (old, new) = (root.path().join("old"), root.path().join("new"));
    fs::create_dir(&old).unwrap();
    script(&old, "run", "#!/bin/sh\n", 0o755);
    let (charge, _fifo) = Charge::take(&old, Clock::start()).unwrap();
    let place = Place {
        charge: Some(Rc::new(charge)),
        ..place(&old)
    };
    fs::rename(&old, &new).unwrap();
    let (_, dir) = planned_in(&plain(Format::Text), Some(&place.now()), &Work::Run);
    assert_eq!(dir, new.canonicalize().unwrap());
}

#[test]
fn a_lock_is_taken_by_a_process_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    script(dir.path(), "run", "#!/bin/sh\n", 0o755);
    script(dir.path(), "finish", "#!/bin/sh\n", 0o755);
    let world = plain(Format::Text);
    let mut place = place(dir.path());
    place.spec.lock_fd = Some(9);
    let plan = planned(&world, Some(&place), &Work::Run);
    assert_eq!(plan.program, world.exe);
    assert_eq!(plan.arg0.as_deref(), Some(OsStr::new("s6-setlock")));
    let expected = ["-d", "9", "--", "supervise/service-lock", "./run", "web"];
    assert_eq!(plan.args, words(&expected));
    let exit = Exit::Code(1);
    let plan = planned(&world, Some(&place), &Work::Finish { exit, pgid: 5 });
    assert_eq!(plan.program, "./finish");
}

#[test]
fn each_stage_has_its_environment_and_directory() {
    let dir = tempfile::tempdir().unwrap();
    let path = script(dir.path(), "10-x", "#!/bin/sh\n", 0o755);
    let mut world = plain(Format::Text);
    world.workdir = dir.path().to_owned();

    let (init, begins_in) = planned_in(&world, None, &step(Listing::ContInit, &path));
    assert_eq!(init.program, path.as_os_str());
    assert!(init.args.is_empty());
    assert_eq!(begins_in, dir.path());
    assert_eq!(
        value(&init, "RC_NAME"),
        Some(OsStr::new("legacy-cont-init"))
    );
    assert_eq!(value(&init, "PATH"), Some(world.path.as_os_str()));
    assert_eq!(value(&init, "SECRET"), None);
    assert_eq!(init.env.len(), 2);

    let (finish, begins_in) = planned_in(&world, None, &step(Listing::ContFinish, &path));
    assert_eq!(begins_in, Path::new("/"));
    assert_eq!(
        value(&finish, "RC_NAME"),
        Some(OsStr::new("legacy-cont-init"))
    );
    assert_eq!(value(&finish, "SECRET"), None);

    world.settings.stage2_hook = words(&["x", "one", "two"]);
    let (hook, begins_in) = planned_in(&world, None, &step(Listing::Hook, &path));
    assert_eq!(hook.program, path.as_os_str());
    assert_eq!(hook.args, words(&["one", "two"]));
    assert_eq!(begins_in, Path::new("/"));
    assert_eq!(hook.env, world.base_env());

    world.settings.keep_env = true;
    let all = planned(&world, None, &step(Listing::ContInit, &path));
    assert_eq!(value(&all, "SECRET"), Some(OsStr::new("x y")));
    assert_eq!(value(&all, "RC_NAME"), Some(OsStr::new("legacy-cont-init")));
    assert_eq!(all.session, Session::New);
}

#[test]
fn fix_attrs_is_this_executable_under_another_name() {
    let mut world = plain(Format::Text);
    let file = Path::new("/etc/fix-attrs.d/01-x");
    let plan = planned(&world, None, &step(Listing::FixAttrs, file));
    assert_eq!(plan.program, "/own/sixfold");
    assert_eq!(plan.arg0, Some("fix-attrs".into()));
    assert_eq!(plan.args, words(&["/etc/fix-attrs.d/01-x"]));
    world.settings.fix_attrs_hidden = true;
    let plan = planned(&world, None, &step(Listing::FixAttrs, file));
    assert_eq!(plan.args, words(&["--hidden", "/etc/fix-attrs.d/01-x"]));
}

#[tokio::test(flavor = "current_thread")]
async fn what_should_begin_in_a_missing_directory_begins_in_the_root() {
    let world = plain(Format::Text);
    let dir = tempfile::tempdir().unwrap();
    let found = dir.path().join("found");
    for (wanted, expected) in [
        (dir.path(), dir.path()),
        (Path::new("/missing"), "/".as_ref()),
    ] {
        let cmd = Work::Cmd {
            argv: words(&["/bin/sh", "-c", "pwd > \"$0\"", found.to_str().unwrap()]),
        };
        let mut child = start(&world, planned(&world, None, &cmd), wanted).unwrap();
        assert!(child.wait().await.unwrap().success());
        let text = fs::read_to_string(&found).unwrap();
        assert_eq!(Path::new(text.trim()), expected.canonicalize().unwrap());
    }
}

#[test]
fn the_cmd_gets_the_terminal() {
    let cmd = Work::Cmd {
        argv: words(&["app", "-x", ""]),
    };
    let mut world = plain(Format::Text);
    world.settings.keep_env = true;
    let plan = planned(&world, None, &cmd);
    assert_eq!(plan.program, "app");
    assert_eq!(plan.args, words(&["-x", ""]));
    assert_eq!(plan.env, world.full_env);
    assert_eq!(plan.session, Session::New);
    world.has_terminal = true;
    assert_eq!(planned(&world, None, &cmd).session, Session::Foreground);
    let path = Path::new("/etc/fix-attrs.d/01-x");
    let stage = planned(&world, None, &step(Listing::FixAttrs, path));
    assert_eq!(
        stage.session,
        Session::New,
        "the terminal is the CMD's alone"
    );
}

#[test]
fn what_makes_no_sense_is_not_started() {
    let world = plain(Format::Text);
    for (work, expected) in [
        (Work::Run, SpawnFailure::NotRunnable),
        (Work::Cmd { argv: Vec::new() }, SpawnFailure::NotFound),
        (
            step(Listing::Hook, Path::new("/no/such/hook")),
            SpawnFailure::NotFound,
        ),
        (
            step(Listing::ContInit, Path::new("/no/such/script")),
            SpawnFailure::NotFound,
        ),
        (
            step(Listing::ContInit, Path::new("/etc")),
            SpawnFailure::NotRunnable,
        ),
    ] {
        let failure = plan(&world, None, &work, streams()).err();
        assert_eq!(failure, Some(expected), "{work:?}");
    }
    assert_eq!(world.reported.borrow().len(), 3, "hook, script, directory");
}

#[test]
fn sound_scripts_are_left_to_the_kernel() {
    let dir = tempfile::tempdir().unwrap();
    let path = script(dir.path(), "run", "#!/bin/sh -e\n", 0o755);
    let world = plain(Format::Text);
    let expected = Program {
        program: path.clone().into(),
        arg0: None,
        args: Vec::new(),
    };
    assert_eq!(inspect(&world, &path), Ok(expected));
    assert!(world.reported.borrow().is_empty());
}

#[test]
fn scripts_that_the_kernel_refuses_run_through_their_interpreter() {
    let dir = tempfile::tempdir().unwrap();
    for (content, mode, program, args) in [
        ("#! /bin/sh  -e x \n", 0o644, "/bin/sh", vec!["-e x"]),
        ("echo x\n", 0o755, "/bin/sh", vec![]),
        ("\u{feff}#!/bin/sh\n", 0o755, "/bin/sh", vec![]),
    ] {
        let path = script(dir.path(), "run", content, mode);
        let world = plain(Format::Text);
        let mut args = words(&args);
        args.push(path.clone().into());
        let expected = Program {
            program: program.into(),
            arg0: None,
            args,
        };
        assert_eq!(inspect(&world, &path), Ok(expected), "{content:?}");
        assert!(!world.reported.borrow().is_empty(), "{content:?}");
    }
}

#[test]
fn this_executable_stands_in_for_a_missing_command_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    for mode in [0o755, 0o644] {
        let content = "#!/no/such/place/with-contenv sh -e\necho x\n";
        let path = script(dir.path(), "run", content, mode);
        let world = plain(Format::Text);
        let expected = Program {
            program: "/own/sixfold".into(),
            arg0: Some("with-contenv".into()),
            args: vec!["sh -e".into(), path.clone().into()],
        };
        assert_eq!(inspect(&world, &path), Ok(expected), "{mode:o}");
    }
    // One that is there is not replaced.
    let real = dir.path().join("with-contenv");
    std::os::unix::fs::symlink("/bin/sh", &real).unwrap();
    let path = script(dir.path(), "own", &format!("#!{}\n", real.display()), 0o755);
    let program = inspect(&plain(Format::Text), &path).unwrap();
    assert_eq!(program.program, path.as_os_str());
}

#[test]
fn a_missing_interpreter_is_named_with_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = script(dir.path(), "run", "#!/no/such/python3\n", 0o755);
    let world = plain(Format::Text);
    let text = logged(Format::Text, 2, || {
        assert_eq!(inspect(&world, &path), Err(SpawnFailure::NotFound));
    });
    let place = format!(
        "sixfold: error: {}:1: the interpreter /no/such/python3 does not exist",
        path.display()
    );
    assert!(text.starts_with(&place), "{text}");
}

#[test]
fn carriage_returns_are_taken_out_of_a_copy() {
    let dir = tempfile::tempdir().unwrap();
    let copies = dir.path().join("copies");
    let path = script(dir.path(), "run", "#!/bin/sh\r\necho x\r\nexit\n", 0o644);
    for _ in 0..2 {
        let copy = clean(&path, &copies).unwrap();
        let relative = path.strip_prefix("/").unwrap();
        assert_eq!(copy, copies.join(relative), "two scripts have two copies");
        assert_eq!(fs::read(&copy).unwrap(), b"#!/bin/sh\necho x\nexit\n");
        let mode = fs::metadata(&copy).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o755);
    }
    assert!(
        fs::read(&path).unwrap().contains(&b'\r'),
        "the image's own file stays as it is"
    );
    assert!(clean(&dir.path().join("missing"), &copies).is_err());
}

#[test]
fn first_lines_are_split_as_the_kernel_does() {
    for (head, expected) in [
        (&b"#!/bin/sh\nrest"[..], &["/bin/sh"][..]),
        (b"#!/bin/sh", &["/bin/sh"]),
        (b"#!  /bin/sh  \n", &["/bin/sh"]),
        (b"#!/usr/bin/env  -S  a b \n", &["/usr/bin/env", "-S  a b"]),
        (b"#!/bin/sh\t-e\r\n", &["/bin/sh", "-e"]),
        (b"#!\n", &[]),
        (b"", &[]),
    ] {
        assert_eq!(first_line_words(head), words(expected), "{head:?}");
    }
}

#[test]
fn commands_are_found_in_the_containers_path() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    fs::create_dir_all(one.join("tool")).unwrap();
    fs::create_dir(&two).unwrap();
    let tool = script(&two, "tool", "", 0o755);
    let mut world = plain(Format::Text);
    world.path = std::env::join_paths([&one, &two]).unwrap();
    let found = lookup(&world, Path::new("tool"));
    assert_eq!(found, Some(tool.clone()), "a directory is no command");
    assert_eq!(lookup(&world, &tool), Some(tool));
    assert_eq!(lookup(&world, Path::new("other")), None);
    assert_eq!(lookup(&world, Path::new("./tool")), None);
    assert_eq!(lookup(&world, &one), None);
}

#[test]
fn a_relative_interpreter_is_left_to_the_kernel() {
    let dir = tempfile::tempdir().unwrap();
    let run = script(dir.path(), "run", "#!./no-such-tool-here\n", 0o755);
    let program = inspect(&plain(Format::Text), &run).unwrap();
    assert_eq!(program.program, run);
}

#[test]
fn a_longrun_runs_whatever_the_mode_of_its_files_in_the_image() {
    use std::os::unix::fs::{MetadataExt as _, symlink};
    let (image, live) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let world = plain(Format::Text);
    let mut place = place(live.path());
    let metadata = fs::metadata(live.path()).unwrap();
    let identity = tree::Identity {
        device: metadata.dev(),
        inode: metadata.ino(),
    };
    place.spec.identity = Some(identity);
    let dirs = (live.path().to_owned(), image.path().to_owned());
    world.longruns.borrow_mut().insert(identity, dirs);

    let source = script(image.path(), "run", "#!/bin/sh -e\n", 0o644);
    symlink(&source, live.path().join("run")).unwrap();
    let said = logged(Format::Text, 2, || {
        let plan = planned(&world, Some(&place), &Work::Run);
        assert_eq!(plan.program, "/bin/sh");
        assert_eq!(plan.args, words(&["-e", "./run", "web"]));
    });
    assert_eq!(said, "");
    files::chmod(&source, 0o755).unwrap();
    assert_eq!(planned(&world, Some(&place), &Work::Run).program, "./run");

    // What else is wrong is said of the file in the image.
    script(image.path(), "run", "#!/no/such/interpreter\n", 0o644);
    let said = logged(Format::Text, 2, || {
        let failure = plan(&world, Some(&place), &Work::Run, streams()).map(drop);
        assert_eq!(failure, Err(SpawnFailure::NotFound));
    });
    assert!(said.contains(source.to_str().unwrap()), "{said}");
    assert!(!said.contains("not executable"), "{said}");
}
