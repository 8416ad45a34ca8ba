//! Tests of what is in `process`.

use proptest::prelude::*;

use super::*;
use crate::Environment;
use crate::command::testing::{env, list, refusal, said, step};

fn exec(words: &[&str], argv0: Option<&str>, without_env: bool) -> Exec {
    Exec {
        words: list(words),
        argv0: argv0.map(Word::from),
        without_env,
    }
}

fn tells(fact: Fact, autoimport: bool) -> Step {
    let export = Export {
        var: b"x".to_vec(),
        autoimport,
        rest: list(&["a"]),
    };
    Step::Tell(fact, export)
}

#[test]
fn the_process_is_changed() {
    for (script, wanted) in [
        ("cd / a", Step::ChangeDir(b"/".to_vec(), list(&["a"]))),
        ("cd -- a", Step::ChangeDir(b"--".to_vec(), list(&["a"]))),
        ("execline-cd \"\" a", Step::ChangeDir(vec![], list(&["a"]))),
        ("umask 022 a", Step::Umask(0o022, list(&["a"]))),
        ("execline-umask 7 a", Step::Umask(7, list(&["a"]))),
        ("umask 1777 a", Step::Umask(0o777, list(&["a"]))),
        ("umask 10000 a", Step::Umask(0, list(&["a"]))),
        ("getcwd x a", tells(Fact::WorkingDirectory, false)),
        ("getcwd -E x a", tells(Fact::WorkingDirectory, true)),
        ("getcwd -Ee x a", tells(Fact::WorkingDirectory, false)),
        ("getpid x a", tells(Fact::Pid, false)),
        ("getpid -EP x a", tells(Fact::ParentPid, true)),
        ("getpid -Pp x a", tells(Fact::Pid, false)),
        ("homeof -z", Step::HomeOf(b"-z".to_vec())),
        ("homeof a b", Step::HomeOf(b"a".to_vec())),
        ("exit", Step::Exit(0)),
        ("exit 003 x", Step::Exit(3)),
        ("exit 300", Step::Exit(44)),
        ("exit 4294967295", Step::Exit(255)),
        ("exec a b", Step::BecomeAs(exec(&["a", "b"], None, false))),
        ("exec -c a", Step::BecomeAs(exec(&["a"], None, true))),
        ("exec -l a", Step::BecomeAs(exec(&["a"], Some("-a"), false))),
        (
            "exec -l /b/a",
            Step::BecomeAs(exec(&["/b/a"], Some("-/b/a"), false)),
        ),
        (
            "exec -a x a",
            Step::BecomeAs(exec(&["a"], Some("x"), false)),
        ),
        (
            "exec -a x -a y a",
            Step::BecomeAs(exec(&["a"], Some("y"), false)),
        ),
        (
            "exec -lca x a",
            Step::BecomeAs(exec(&["a"], Some("-x"), true)),
        ),
    ] {
        assert_eq!(step(script), wanted, "{script}");
    }
}

#[test]
fn tryexec_has_a_second_choice() {
    let plain = |words: &[&str]| exec(words, None, false);
    for (script, first, second) in [
        ("tryexec { a } b", plain(&["a"]), plain(&["b"])),
        ("tryexec { a }", plain(&["a"]), plain(&[])),
        ("tryexec -n { a } b", plain(&["b"]), plain(&["a"])),
        (
            "tryexec -c { a } b",
            exec(&["a"], None, true),
            plain(&["b"]),
        ),
        (
            "tryexec -l { a } b",
            exec(&["a"], Some("-a"), false),
            plain(&["b"]),
        ),
        (
            "tryexec -a x { a } b",
            exec(&["a"], Some("x"), false),
            plain(&["b"]),
        ),
        (
            "tryexec -na x { a } b",
            exec(&["b"], Some("x"), false),
            plain(&["a"]),
        ),
    ] {
        assert_eq!(step(script), Step::TryBecome(first, second), "{script}");
    }
}

#[test]
fn wrong_usage_is_refused() {
    for (script, text) in [
        ("cd", "usage"),
        ("cd /", "usage"),
        ("umask", "usage"),
        ("umask 022", "usage"),
        ("umask 8 a", "usage"),
        ("umask 022a a", "usage"),
        ("umask \"\" a", "usage"),
        ("umask u=rwx a", "usage"),
        ("umask -- 022 a", "usage"),
        ("umask 40000000000 a", "usage"),
        ("getcwd x", "usage"),
        ("getcwd -P x a", "usage"),
        ("getcwd = a", "100 invalid variable name"),
        ("getpid x", "usage"),
        ("getpid -z x a", "usage"),
        ("getpid \"\" a", "100 invalid variable name"),
        ("homeof", "usage"),
        ("exit a", "usage"),
        ("exit -1", "usage"),
        ("exit +3", "usage"),
        ("exit \"\"", "usage"),
        ("exit 0x10", "usage"),
        ("exit -- 3", "usage"),
        ("exit 4294967296", "usage"),
        ("exec", "usage"),
        ("exec -c", "usage"),
        ("exec -a", "usage"),
        ("exec -c -a x", "usage"),
        ("exec -z a", "usage"),
        ("tryexec", "100 unterminated block"),
        ("tryexec a", "100 unterminated block"),
        ("tryexec -z { a } b", "usage"),
        ("tryexec { }", "100 empty block"),
        ("tryexec -n { } b", "100 empty block"),
        (
            "tryexec -n { a }",
            "100 empty remainder not allowed with -n",
        ),
        ("posix-cd -z", "usage"),
        ("posix-umask -z", "usage"),
    ] {
        assert_eq!(refusal(script), text, "{script}");
    }
}

#[test]
fn commands_with_another_name_speak_as_the_original() {
    for (name, speaker) in [
        ("cd", "execline-cd"),
        ("execline-cd", "execline-cd"),
        ("umask", "execline-umask"),
        ("execline-umask", "execline-umask"),
        ("posix-cd", "posix-cd"),
    ] {
        let command = crate::command::find(name.as_bytes()).unwrap();
        assert_eq!((command.name, command.speaks_as), (name, speaker));
    }
}

#[test]
fn masks_are_changed_by_numbers_and_letters() {
    for (mode, before, after) in [
        ("0", 0o027, 0),
        ("22", 0, 0o022),
        ("0777", 0, 0o777),
        ("1777", 0, 0o777),
        ("10000", 0o27, 0),
        ("", 0o027, 0o027),
        (",", 0o027, 0o027),
        ("u", 0o027, 0o027),
        ("--", 0o027, 0o027),
        ("u=rwx", 0o027, 0o027),
        ("g+w", 0o027, 0o007),
        ("g-w", 0o027, 0o027),
        ("a=rx", 0o027, 0o222),
        ("=rx", 0o027, 0o222),
        ("+w", 0o027, 0o005),
        ("-w", 0o027, 0o227),
        ("+rw,-x", 0o027, 0o111),
        ("u=g", 0o027, 0o227),
        ("g=u", 0o027, 0o007),
        ("g=o-r", 0o027, 0o077),
        ("ugo=u", 0o027, 0),
        ("a+u", 0o027, 0),
        ("u-g", 0o027, 0o527),
        ("u=g+r", 0o027, 0o227),
        ("u=r+g", 0o027, 0o227),
        ("u+x,g-x", 0o027, 0o037),
        ("ug=rw", 0o027, 0o117),
        ("u=rw,g=u,o=g", 0o027, 0o111),
        ("u=rwx,g=rx,o=", 0o022, 0o027),
        ("u=rwxst", 0o027, 0o027),
        ("u=r+w", 0o027, 0o127),
        ("u+=r", 0o027, 0o327),
        ("uu=r", 0o027, 0o327),
        ("=", 0o027, 0o777),
        ("=+r", 0o027, 0o333),
        ("u=", 0o027, 0o727),
        ("a=,u=rw", 0o027, 0o177),
        ("a+rwx", 0o027, 0),
        ("a-rwx", 0o027, 0o777),
        ("+X", 0o027, 0o026),
        ("u+X", 0o777, 0o677),
        ("o=w,", 0o027, 0o025),
        (",o=w", 0o027, 0o025),
    ] {
        assert_eq!(apply_mode(mode.as_bytes(), before), Ok(after), "{mode}");
    }
    for mode in [
        "8",
        "022a",
        "0x",
        "40000000000",
        "u=uu",
        "u=ur",
        "u=rg",
        "s=r",
        "u=r w",
        "7,u+r",
        "rwx",
    ] {
        let fault = apply_mode(mode.as_bytes(), 0o027).unwrap_err();
        assert_eq!(said(&fault), "1 invalid mode string", "{mode}");
    }
}

#[test]
fn masks_are_shown() {
    for (mask, octal, symbolic) in [
        (0o000, "0000", "u=rwx,g=rwx,o=rwx"),
        (0o777, "0777", "u=,g=,o="),
        (0o022, "0022", "u=rwx,g=rx,o=rx"),
        (0o027, "0027", "u=rwx,g=rx,o="),
        (0o111, "0111", "u=rw,g=rw,o=rw"),
        (0o444, "0444", "u=wx,g=wx,o=wx"),
    ] {
        assert_eq!(format_mask(mask, false), octal.as_bytes());
        assert_eq!(format_mask(mask, true), symbolic.as_bytes());
        assert_eq!(apply_mode(symbolic.as_bytes(), 0o153), Ok(mask));
    }
    for (script, symbolic, mask, rest) in [
        ("posix-umask", false, None, &[][..]),
        ("posix-umask -S", true, None, &[]),
        ("posix-umask -S u=r a", true, Some("u=r"), &["a"]),
        ("posix-umask -- -x", false, Some("-x"), &[]),
    ] {
        let wanted = PosixUmask {
            symbolic,
            mask: mask.map(Word::from),
            rest: list(rest),
        };
        assert_eq!(step(script), Step::PosixUmask(wanted), "{script}");
    }
}

/// The directories of the tests.
fn look(path: &[u8]) -> Result<(), String> {
    const DIRS: [&str; 6] = ["/d", "/d/link", "/d/real", "/usr", "/usr/bin", "./real"];
    if DIRS.iter().any(|dir| dir.as_bytes() == path) {
        Ok(())
    } else if path.starts_with(b"/file") {
        Err("Not a directory".to_owned())
    } else {
        Err("No such file or directory".to_owned())
    }
}

/// Where a `posix-cd` goes from /d, the new PWD if it is not asked of the system, and what is
/// printed.
fn goes(script: &str, variables: &[(&str, &str)]) -> Result<(String, String, String), String> {
    let text = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
    let Step::PosixCd(cd) = step(script) else {
        panic!("{script}");
    };
    let mut env = env(variables);
    let found = destination(&cd, &env, b"/d", &look).map_err(|fault| said(&fault))?;
    let path = text(&found.path);
    let line = found.arrived(&mut env, b"/before", b"(asked)");
    assert_eq!(env.get(b"OLDPWD"), Some(&b"/before"[..]));
    let pwd = text(env.get(b"PWD").unwrap());
    Ok((path, pwd, text(&line.unwrap_or_default())))
}

#[test]
fn posix_cd_goes_where_posix_says() {
    let lost = [("PWD", "/d/link")];
    let usual: &[(&str, &str)] = &[("PWD", "/d")];
    for (script, variables, path, pwd, line) in [
        ("posix-cd", &[("HOME", "/usr")][..], "/usr", "/usr", ""),
        ("posix-cd link", usual, "/d/link", "/d/link", ""),
        ("posix-cd link a", &[], "/d/link", "/d/link", ""),
        ("posix-cd link", &[("PWD", "rel")], "/d/link", "/d/link", ""),
        ("posix-cd -P link", usual, "link", "(asked)", ""),
        ("posix-cd -PL link", usual, "/d/link", "/d/link", ""),
        ("posix-cd link/..", usual, "/d", "/d", ""),
        ("posix-cd -P link/..", usual, "link/..", "(asked)", ""),
        (
            "posix-cd ./link/./.././/real",
            usual,
            "/d/real",
            "/d/real",
            "",
        ),
        ("posix-cd /usr/../d/", usual, "/d", "/d", ""),
        ("posix-cd ///usr", usual, "/usr", "/usr", ""),
        ("posix-cd /..", usual, "/", "/", ""),
        ("posix-cd .", usual, "/d", "/d", ""),
        ("posix-cd ..", usual, "/", "/", ""),
        ("posix-cd ..", &lost, "/d", "/d", ""),
        ("posix-cd -P ..", &lost, "..", "(asked)", ""),
        ("posix-cd nosuch", usual, "/d/nosuch", "/d/nosuch", ""),
        (
            "posix-cd -",
            &[("OLDPWD", "/usr")],
            "/usr",
            "/usr",
            "/usr\n",
        ),
        (
            "posix-cd -P -",
            &[("OLDPWD", "/usr")],
            "/usr",
            "(asked)",
            "(asked)\n",
        ),
        (
            "posix-cd bin",
            &[("CDPATH", "/x:/usr")],
            "/usr/bin",
            "/usr/bin",
            "/usr/bin\n",
        ),
        (
            "posix-cd bin",
            &[("CDPATH", "/usr/")],
            "/usr/bin",
            "/usr/bin",
            "/usr/bin\n",
        ),
        (
            "posix-cd -P bin",
            &[("CDPATH", "/usr")],
            "/usr/bin",
            "(asked)",
            "(asked)\n",
        ),
        (
            "posix-cd real",
            &[("CDPATH", ":/usr")],
            "/d/real",
            "/d/real",
            "",
        ),
        (
            "posix-cd real",
            &[("CDPATH", "/x")],
            "/d/real",
            "/d/real",
            "",
        ),
        (
            "posix-cd ./bin",
            &[("CDPATH", "/usr")],
            "/d/bin",
            "/d/bin",
            "",
        ),
        ("posix-cd ../bin", &[("CDPATH", "/usr")], "/bin", "/bin", ""),
        ("posix-cd /bin", &[("CDPATH", "/usr")], "/bin", "/bin", ""),
    ] {
        let wanted = Ok((path.to_owned(), pwd.to_owned(), line.to_owned()));
        assert_eq!(goes(script, variables), wanted, "{script} {variables:?}");
    }
}

#[test]
fn posix_cd_refuses_what_leads_nowhere() {
    for (script, variables, text) in [
        ("posix-cd", &[][..], "usage"),
        ("posix-cd", &[("HOME", "")], "usage"),
        ("posix-cd \"\" a", &[("HOME", "/d")], "usage"),
        ("posix-cd -", &[], "usage"),
        ("posix-cd -", &[("OLDPWD", "")], "usage"),
        (
            "posix-cd nosuch/..",
            &[],
            "111 unable to canonicalize /d/nosuch/..: problem with /d/nosuch: No such file or directory",
        ),
        (
            "posix-cd /file/../x",
            &[],
            "111 unable to canonicalize /file/../x: problem with /file: Not a directory",
        ),
    ] {
        assert_eq!(goes(script, variables), Err(text.to_owned()), "{script}");
    }
}

proptest! {
    #[test]
    fn any_mode_and_path_is_taken_or_refused(
        mode in "[ugoarwxXst+=,0-9-]{0,12}",
        mask in 0..0o1000u32,
        path in "[a./:-]{0,20}",
    ) {
        if let Ok(after) = apply_mode(mode.as_bytes(), mask) {
            prop_assert!(after < 0o1000);
        }
        let cd = PosixCd {
            physical: false,
            dir: Some(path.as_bytes().to_vec()),
            rest: Words::new(),
        };
        let env = Environment::default();
        if let Ok(found) = destination(&cd, &env, b"/here", &|_| Ok(())) {
            prop_assert_eq!(found.path.first(), Some(&b'/'));
            let dots = |name: &[u8]| matches!(name, b"." | b"..");
            prop_assert!(!found.path.split(|byte| *byte == b'/').any(dots));
        }
    }
}
