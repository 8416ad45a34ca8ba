//! Single promises of the engine's documentation, each with the shortest story that puts it to the
//! test. The words of the stories are those of `scenarios.rs`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a story that cannot be read is a failed test"
)]

#[path = "support/stage.rs"]
mod stage;

const BOOT: &str = "> boot\n> listed fix-attrs.d\n> listed cont-init.d\n";

/// The effects of the last input of a story.
fn last(policy: &str, story: &str) -> Vec<String> {
    let text = stage::play(&format!("policy {policy}\n{story}"), "story");
    let (_, effects) = text.trim_end().rsplit_once("> ").unwrap();
    effects.lines().skip(1).map(str::to_owned).collect()
}

/// All effects of a story.
fn all(policy: &str, story: &str) -> Vec<String> {
    let text = stage::play(&format!("policy {policy}\n{story}"), "story");
    let lines = text.lines().filter(|line| !line.starts_with("> "));
    lines.map(str::to_owned).collect()
}

fn count(lines: &[String], wanted: &str) -> usize {
    lines.iter().filter(|line| *line == wanted).count()
}

/// `Engine::is_over`: nothing is done after the end.
#[test]
fn nothing_is_done_after_the_end() {
    let story = format!(
        "{BOOT}> services web:timeout-kill=1000\n> spawned web\n> signal TERM outside\n\
         > signal TERM outside\n> after 2000ms\n"
    );
    assert_eq!(last("", &story).last().unwrap(), "exit");
    let none: [&str; 0] = [];
    assert_eq!(last("", &format!("{story}> after 60000ms\n")), none);
    assert_eq!(last("", &format!("{story}> deadline\n")), ["none"]);
    assert_eq!(
        last("", &format!("{story}> exited web signal KILL\n")),
        none
    );
}

/// `Engine::handle`: unexpected inputs are harmless; a stop that came before the boot is not lost.
#[test]
fn a_stop_before_the_boot_stops() {
    let none: [&str; 0] = [];
    assert_eq!(last("", "> signal TERM outside\n> boot\n"), none);
}

/// `Event::GraceExpired` is about services that did not stop in time; each is left behind once.
#[test]
fn a_service_is_left_behind_once() {
    let story = format!(
        "{BOOT}> services web:log\n> spawned web/log\n> spawned web\n> stop\n> after 1000ms\n\
         > listed cont-finish.d 01-slow\n> spawned cont-init.d\n> after 5000ms\n"
    );
    let effects = all("services-gracetime=1000", &story);
    let expired = effects.iter().filter(|line| line.contains("grace expired"));
    assert_eq!(expired.count(), 1, "{effects:#?}");
}

/// Pure code panics on no input, however little sense it makes.
#[test]
fn any_signal_number_has_a_code() {
    for number in [i32::MIN, -1, 0, 9, 64, i32::MAX] {
        let code = sixfold_engine::Exit::Signal(number).shell_code();
        assert_eq!(code, number.saturating_add(128), "{number}");
    }
}

/// A broken service does not keep the rest from booting: neither its producer nor the CMD.
#[test]
fn a_logger_without_run_holds_nothing_up() {
    let story = format!("{BOOT}> services web:log-no-run\n");
    let effects = last("cmd=sh", &story);
    assert_eq!(count(&effects, "spawn web run"), 1, "{effects:#?}");
    let effects = last("cmd=sh", &format!("{story}> spawned web\n"));
    assert_eq!(count(&effects, "spawn cmd sh"), 1, "{effects:#?}");
}

/// The same for a logger with a `down` file.
#[test]
fn a_logger_that_is_to_stay_down_holds_nothing_up() {
    let story = format!("{BOOT}> services web:log-down\n");
    let effects = last("cmd=sh", &story);
    assert_eq!(count(&effects, "spawn web run"), 1, "{effects:#?}");
}

/// The same for a logger that fails for good before it is ready.
#[test]
fn a_logger_that_failed_holds_nothing_up() {
    let story = format!(
        "{BOOT}> services web:log-finish,log-notify\n> spawned web/log\n> exited web/log code 1\n\
         > spawned web/log\n> exited web/log code 125\n"
    );
    let effects = last("wait-for-services cmd=sh", &story);
    assert_eq!(count(&effects, "spawn web run"), 1, "{effects:#?}");
}

/// A service that cannot be started is tried again; meanwhile the rest boots.
#[test]
fn a_service_that_cannot_be_started_does_not_hold_up_the_cmd() {
    let story = format!("{BOOT}> services web\n> unspawned web not-found\n");
    let effects = last("cmd=sh", &story);
    assert_eq!(count(&effects, "spawn cmd sh"), 1, "{effects:#?}");
}

/// `Engine::stop`: only what was begun has to be undone. cont-init.d was not, so cont-finish.d is
/// not run (s6-rc takes down what is up).
#[test]
fn a_stage_that_never_began_has_nothing_to_undo() {
    let stop = "> boot\n> listed fix-attrs.d 01\n> spawned fix-attrs.d\n> stop\n";
    let effects = last("", stop);
    assert_eq!(count(&effects, "list cont-finish.d"), 0, "{effects:#?}");
    let hook = "> boot\n> listed stage2-hook hook\n> spawned stage2-hook\n\
                > exited stage2-hook code 7\n";
    let effects = last("hook behaviour=2", hook);
    assert_eq!(count(&effects, "record-exit-code 7"), 1, "{effects:#?}");
    assert_eq!(count(&effects, "log stop requested: boot failed"), 1);
    assert_eq!(count(&effects, "list cont-finish.d"), 0, "{effects:#?}");
}

/// A stop during boot stops, and a hung script of any stage gets the grace time from then on.
#[test]
fn the_stage_at_work_is_told_at_the_stop() {
    for (policy, stage, before) in [
        ("hook", "stage2-hook", ""),
        ("", "fix-attrs.d", ""),
        ("", "cont-init.d", "> listed fix-attrs.d\n"),
    ] {
        let story = format!("> boot\n{before}> listed {stage} 01 02\n> spawned {stage}\n> stop\n");
        let effects = last(policy, &story);
        let term = format!("signal {stage} SIGTERM group");
        assert_eq!(count(&effects, &term), 1, "{effects:#?}");
    }
}

/// `Sequence::give_up`: when boot took too long, whatever is left of the way up is given up, also
/// where it is still being listed.
#[test]
fn a_stage_that_is_being_listed_is_given_up() {
    let story = "> boot\n> after 1000ms\n> listed fix-attrs.d 01\n";
    let effects = last("boot-maxtime=1000", story);
    assert_eq!(count(&effects, "spawn fix-attrs.d 01"), 0, "{effects:#?}");
}

/// `Engine::handle`: repeated inputs are harmless. A script's limit begins once.
#[test]
fn a_repeated_start_does_not_prolong_a_limit() {
    let story = format!(
        "{BOOT}> services\n> stop\n> listed cont-finish.d 01\n> spawned cont-init.d\n\
         > after 900ms\n> spawned cont-init.d\n> deadline\n"
    );
    assert_eq!(last("finish-maxtime=1000", &story), ["at 1000ms"]);
}

/// A script is told once that it has to end, also where boot takes too long and therefore stops.
#[test]
fn a_script_is_told_once() {
    let story = "> boot\n> listed fix-attrs.d\n> listed cont-init.d 01\n> spawned cont-init.d\n\
                 > after 1000ms\n";
    let effects = last("boot-maxtime=1000 behaviour=2", story);
    let told = count(&effects, "signal cont-init.d SIGTERM group");
    assert_eq!(told, 1, "{effects:#?}");
}
