//! The world's own answers, and a world for the tests of those who need one.

use super::*;
use crate::subscriber::tests::logged;

/// A world without a container: no terminal, no settings, a PATH, and two commands of its own.
/// Tests change what they are about.
pub(crate) fn plain(format: Format) -> World {
    World {
        role: Role::Container,
        scandir: paths::SCANDIR.into(),
        longest_name: 251,
        settings: Settings::default(),
        format,
        outlet: Outlet::default(),
        is_init: false,
        has_terminal: false,
        exe: "/own/sixfold".into(),
        applets: &["init", "with-contenv"],
        workdir: "/no/such/directory".into(),
        path: "/usr/bin:/bin".into(),
        full_env: vec![
            ("PATH".into(), "/usr/bin:/bin".into()),
            ("SECRET".into(), "x y".into()),
        ],
        console: None,
        descriptor_limit: None,
        kit: Kit::new().ok(),
        ignored: Ignored::default(),
        console_holder: None,
        owned: RefCell::default(),
        foreground: Cell::default(),
        pipes: RefCell::default(),
        longruns: RefCell::default(),
        live: RefCell::default(),
        caller: RefCell::default(),
        reported: RefCell::default(),
        said: RefCell::default(),
    }
}

#[test]
fn scripts_get_the_path_alone_unless_they_are_to_have_all() {
    let mut world = plain(Format::Text);
    assert_eq!(
        world.base_env(),
        [("PATH".into(), OsString::from("/usr/bin:/bin"))]
    );
    world.settings.keep_env = true;
    assert_eq!(world.base_env(), world.full_env);
}

#[test]
fn a_profile_replaces_etc() {
    let mut world = plain(Format::Text);
    assert_eq!(world.user_dir("services.d"), Path::new("/etc/services.d"));
    world.settings.runtime_profile = Some("dev".into());
    assert_eq!(
        world.user_dir("services.d"),
        Path::new("/etc/cont-profile.d/dev/services.d")
    );
}

#[test]
fn interpreters_are_recognised_by_their_last_name() {
    let world = plain(Format::Text);
    for (interpreter, applet) in [
        ("/usr/bin/with-contenv", Some("with-contenv")),
        ("/command/with-contenv", Some("with-contenv")),
        ("with-contenv", Some("with-contenv")),
        ("/usr/bin/with-contenv2", None),
        ("/with-contenv/sh", None),
        ("/", None),
        ("", None),
    ] {
        assert_eq!(
            world.applet_of(Path::new(interpreter)),
            applet,
            "{interpreter}"
        );
    }
}

#[test]
fn each_finding_is_reported_once() {
    let world = plain(Format::Text);
    let one = Diagnostic::warning(Path::new("/etc/one"), "is odd", "mend it").at_line(3);
    let other = Diagnostic::error(Path::new("/etc/other"), "is broken", "replace it");
    let text = logged(Format::Text, 2, || {
        world.report(&[one.clone(), other.clone(), one.clone()]);
        world.report(&[other]);
    });
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[0].starts_with("sixfold: warning: /etc/one:3: is odd"),
        "{text}"
    );
    assert!(
        lines[1].starts_with("sixfold: error: /etc/other: is broken"),
        "{text}"
    );
    let other_world = plain(Format::Json);
    let json = logged(Format::Json, 2, || other_world.report(&[one]));
    let record: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(record["event"], "diagnostic");
    assert_eq!(record["level"], "WARN");
    assert_eq!(record["message"], "is odd");
    assert_eq!(record["path"], "/etc/one");
    assert_eq!(record["line"], 3);
    assert_eq!(record["mend"], "mend it");
    assert_eq!(
        record["text"],
        serde_json::Value::Null,
        "text is for people"
    );
}
