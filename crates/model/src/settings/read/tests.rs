//! The settings that each variable gives, and the findings.

use super::*;
use crate::Severity;
use crate::text::LONGEST;
use proptest::prelude::*;

fn read(vars: &[(&str, &str)]) -> (Settings, Vec<Diagnostic>) {
    Settings::from_env(
        vars.iter()
            .map(|(name, value)| (OsStr::new(*name), OsStr::new(*value))),
    )
}

/// The settings, for variables that all make sense.
fn quiet(vars: &[(&str, &str)]) -> Settings {
    let (settings, diagnostics) = read(vars);
    assert_eq!(diagnostics, Vec::new());
    settings
}

/// The one finding about this variable, which must have left every default in place.
fn finding(name: &str, value: &str) -> String {
    let (settings, diagnostics) = read(&[(name, value)]);
    assert_eq!(settings, Settings::default(), "{name}={value}");
    let [diagnostic] = diagnostics.as_slice() else {
        panic!("{name}={value}: {diagnostics:?}");
    };
    assert_eq!(diagnostic.severity, Severity::Warning);
    assert_eq!(diagnostic.path, None);
    diagnostic.message.clone()
}

#[test]
fn nothing_set_and_everything_empty_are_the_defaults() {
    assert_eq!(quiet(&[]), Settings::default());
    let empty: Vec<_> = HONOURED
        .iter()
        .chain(&WITHOUT_EFFECT)
        .chain(&OF_THE_BUILD)
        .map(|name| (*name, ""))
        .collect();
    assert_eq!(quiet(&empty), Settings::default());
    let defaults = Settings::default();
    assert_eq!(defaults.verbosity, 2);
    assert_eq!(defaults.kill_finish_maxtime, None);
    assert_eq!(defaults.services_gracetime, Some(Duration::from_secs(3)));
    assert_eq!(defaults.kill_gracetime, Duration::from_secs(3));
    assert_eq!(defaults.boot_maxtime, None);
}

#[test]
fn every_honoured_variable_changes_something_and_is_sorted() {
    for name in HONOURED {
        let value = match name {
            "SIXFOLD_LOG_FORMAT" => "json",
            "S6_WAIT_FOR_CLOSING_FD" => "3",
            _ => "1",
        };
        assert_ne!(quiet(&[(name, value)]), Settings::default(), "{name}");
    }
    assert!(HONOURED.is_sorted());
}

#[test]
fn flags() {
    for (value, on) in [("0", false), ("00", false), ("1", true), ("010", true)] {
        assert_eq!(quiet(&[("S6_KEEP_ENV", value)]).keep_env, on, "{value}");
    }
    let huge = "9".repeat(50);
    assert!(quiet(&[("S6_SYNC_DISKS", &huge)]).sync_disks);
    assert_eq!(
        finding("S6_KEEP_ENV", "yes"),
        "S6_KEEP_ENV is \"yes\" and must be 0 (off) or another number (on); taken as 0"
    );
    for value in ["-1", " 1", "1 ", "true", "0x1", "1\n"] {
        assert!(finding("S6_CMD_USE_TERMINAL", value).contains("S6_CMD_USE_TERMINAL"));
    }
}

#[test]
fn times() {
    let settings = quiet(&[
        ("S6_KILL_FINISH_MAXTIME", "5000"),
        ("S6_SERVICES_GRACETIME", "0"),
        ("S6_CMD_WAIT_FOR_SERVICES_MAXTIME", "600000"),
        ("S6_KILL_GRACETIME", "0"),
        ("S6_SERVICES_READYTIME", "50"),
    ]);
    assert_eq!(settings.kill_finish_maxtime, Some(Duration::from_secs(5)));
    assert_eq!(settings.services_gracetime, None);
    assert_eq!(settings.boot_maxtime, Some(Duration::from_secs(600)));
    assert_eq!(settings.kill_gracetime, Duration::ZERO);
    let huge = "9".repeat(50);
    let settings = quiet(&[("S6_SERVICES_GRACETIME", &huge)]);
    assert_eq!(settings.services_gracetime, Some(LONGEST));
}

#[test]
fn times_that_make_no_sense() {
    let message = finding("S6_SERVICES_GRACETIME", "3s");
    assert!(message.contains("\"3s\" and must be a number of milliseconds"));
    assert!(message.ends_with("; taken as 3000"), "{message}");
    let message = finding("S6_KILL_FINISH_MAXTIME", "-5");
    assert!(
        message.ends_with("; taken as 0, without limit"),
        "{message}"
    );
    assert!(finding("S6_KILL_GRACETIME", "3.5").ends_with("; taken as 3000"));
    assert!(finding("S6_SERVICES_READYTIME", "x").contains("S6_SERVICES_READYTIME is \"x\""));
}

#[test]
fn the_last_grace_time_has_an_upper_bound() {
    let exact = quiet(&[("S6_KILL_GRACETIME", "300000")]);
    assert_eq!(exact.kill_gracetime, Duration::from_secs(300));
    for value in ["300001", "99999999999999999999999"] {
        let (settings, diagnostics) = read(&[("S6_KILL_GRACETIME", value)]);
        assert_eq!(settings.kill_gracetime, Duration::from_secs(300));
        assert_eq!(diagnostics.len(), 1);
        let message = &diagnostics[0].message;
        assert!(message.contains(&format!("\"{value}\"")), "{message}");
        assert!(message.ends_with("; taken as 300000"), "{message}");
    }
}

#[test]
fn verbosity_and_behaviour() {
    for (value, verbosity) in [("0", 0), ("5", 5), ("6", 5), ("1000", 5)] {
        assert_eq!(quiet(&[("S6_VERBOSITY", value)]).verbosity, verbosity);
    }
    assert!(finding("S6_VERBOSITY", "$(is-debug)").ends_with("; taken as 2"));
    for (value, behaviour) in [
        ("0", Behaviour::Continue),
        ("1", Behaviour::Warn),
        ("2", Behaviour::Stop),
        ("77", Behaviour::Stop),
    ] {
        let settings = quiet(&[("S6_BEHAVIOUR_IF_STAGE2_FAILS", value)]);
        assert_eq!(settings.behaviour, behaviour);
    }
    assert!(finding("S6_BEHAVIOUR_IF_STAGE2_FAILS", "stop").ends_with("; taken as 0"));
}

#[test]
fn commands_are_split_without_quoting() {
    let settings = quiet(&[
        ("S6_STAGE2_HOOK", " hook\ts6-boot \n"),
        ("S6_CMD_ARG0", "echo 'a b' *"),
    ]);
    assert_eq!(settings.stage2_hook, ["hook", "s6-boot"]);
    assert_eq!(settings.cmd_arg0, ["echo", "'a", "b'", "*"]);
    assert!(quiet(&[("S6_CMD_ARG0", " \t ")]).cmd_arg0.is_empty());
}

#[test]
fn profiles_are_plain_names() {
    let settings = quiet(&[("S6_RUNTIME_PROFILE", "dev.1")]);
    assert_eq!(settings.runtime_profile, Some("dev.1".into()));
    for wrong in ["..", ".", "/", "a/b", "../x"] {
        assert!(finding("S6_RUNTIME_PROFILE", wrong).ends_with("; taken as unset"));
    }
}

#[test]
fn log_formats() {
    for (value, format) in [
        ("auto", LogFormat::Auto),
        ("JSON", LogFormat::Json),
        ("Text", LogFormat::Text),
    ] {
        assert_eq!(quiet(&[("SIXFOLD_LOG_FORMAT", value)]).log_format, format);
    }
    assert_eq!(
        finding("SIXFOLD_LOG_FORMAT", "xml"),
        "SIXFOLD_LOG_FORMAT is \"xml\" and must be auto, json or text; taken as auto"
    );
}

#[test]
fn the_global_path_is_taken_as_it_is() {
    let settings = quiet(&[("S6_GLOBAL_PATH", "/opt:sbin:")]);
    assert_eq!(settings.global_path, Some("/opt:sbin:".into()));
}

#[test]
fn descriptors_begin_after_the_standard_streams() {
    for (value, fd) in [
        ("0", None),
        ("3", Some(3)),
        ("2147483647", Some(2_147_483_647)),
    ] {
        let settings = quiet(&[("S6_WAIT_FOR_CLOSING_FD", value)]);
        assert_eq!(settings.wait_for_closing_fd, fd, "{value}");
    }
    for value in ["1", "2", "-3", "three", "2147483648"] {
        let message = finding("S6_WAIT_FOR_CLOSING_FD", value);
        assert!(message.ends_with("; taken as 0"), "{message}");
    }
}

#[test]
fn former_names_are_pointed_out() {
    for (former, name) in RENAMED {
        assert_eq!(
            finding(former, "1"),
            format!("unknown variable {former}; did you mean {name}")
        );
        assert!(HONOURED.contains(&name));
    }
}

#[test]
fn what_has_no_effect_is_accepted_in_silence() {
    for name in OF_THE_BUILD {
        quiet(&[(name, "v3.2.1.0")]);
    }
    quiet(&[
        ("S6_YES_I_WANT_A_WORLD_WRITABLE_RUN_BECAUSE_KUBERNETES", "1"),
        ("S6_HOME", "/home/s6"),
        ("S6_PATH", "/command"),
        ("S6_", "x"),
        ("SIXFOLD_SOMETHING", "x"),
        ("PATH", "/bin"),
        ("KEEP_ENV", "yes"),
    ]);
}

#[test]
fn the_directory_of_bundles_is_taken_as_it_is() {
    let settings = quiet(&[("S6_RUNTIME_BUNDLEDIR", "/opt/bundles")]);
    assert_eq!(settings.runtime_bundledir, Some("/opt/bundles".into()));
    assert_eq!(quiet(&[]).runtime_bundledir, None);
}

#[test]
fn misspellings_are_pointed_out() {
    assert_eq!(
        finding("S6_CMD_WAIT_FOR_SERVICE", "1"),
        "unknown variable S6_CMD_WAIT_FOR_SERVICE; did you mean S6_CMD_WAIT_FOR_SERVICES"
    );
    assert_eq!(
        finding("S6_BEHAVIOR_IF_STAGE2_FAILS", "2"),
        "unknown variable S6_BEHAVIOR_IF_STAGE2_FAILS; did you mean S6_BEHAVIOUR_IF_STAGE2_FAILS"
    );
    assert!(finding("S6_LOGGINGS", "2").ends_with("did you mean S6_LOGGING"));
    assert!(finding("SIXFOLD_LOG_FROMAT", "json").ends_with("did you mean SIXFOLD_LOG_FORMAT"));
}

#[test]
fn the_first_of_two_counts_and_findings_are_ordered() {
    let settings = quiet(&[("S6_VERBOSITY", "1"), ("S6_VERBOSITY", "no")]);
    assert_eq!(settings.verbosity, 1);
    let (_, diagnostics) = read(&[("S6_VERBOSITY", "a"), ("S6_KEEP_ENV", "b")]);
    let names: Vec<_> = diagnostics
        .iter()
        .map(|d| d.message.split(' ').next().unwrap())
        .collect();
    assert_eq!(names, ["S6_KEEP_ENV", "S6_VERBOSITY"]);
}

proptest! {
    #[test]
    fn any_bytes_give_at_most_one_finding_each(
        index in 0_usize..40,
        name in prop::collection::vec(1_u8.., 0..20),
        value in prop::collection::vec(1_u8.., 0..50),
    ) {
        let known: Vec<_> = HONOURED.iter().chain(&WITHOUT_EFFECT).collect();
        let name = match known.get(index) {
            Some(known) => OsString::from(known),
            None => {
                let mut own = OsString::from("S6_");
                own.push(OsStr::from_bytes(&name));
                own
            }
        };
        let value = OsStr::from_bytes(&value);
        let (settings, diagnostics) = Settings::from_env([(name.as_os_str(), value)]);
        prop_assert!(diagnostics.len() <= 1);
        prop_assert!(settings.verbosity <= 5);
        prop_assert!(settings.kill_gracetime <= Duration::from_secs(300));
        for diagnostic in diagnostics {
            prop_assert!(diagnostic.message.contains(&*name.to_string_lossy()));
        }
    }

    #[test]
    fn a_number_is_a_number_of_milliseconds(number in 1_u64..1_000_000_000_000) {
        let settings = quiet(&[("S6_SERVICES_GRACETIME", &number.to_string())]);
        prop_assert_eq!(settings.services_gracetime, Some(Duration::from_millis(number)));
    }
}
