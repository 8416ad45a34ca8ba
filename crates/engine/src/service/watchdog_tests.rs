//! The watchdog in every state of a service, and what it leads to.

use super::super::START_INTERVAL;
use super::super::tests::{NOW, OTHER, RUN, apply, at, service, show};
use super::*;
use crate::input::Exit;

const INTERVAL: Duration = Duration::from_millis(1000);

/// A service in that state at [`NOW`], with a watchdog that bites a second later if it watches.
fn watched(state: &str, watches: bool) -> Service {
    let mut service = service(state);
    service.watchdog = Watchdog::new(Some(INTERVAL));
    if watches {
        service.watchdog.watch(at(NOW));
    }
    service
}

fn say(service: &mut Service, now: u64, pulse: Pulse) -> String {
    apply(service, now, false, |service, context| {
        service.pulse(RUN, pulse, context);
    })
}

fn timer(service: &mut Service, now: u64) -> String {
    apply(service, now, false, Service::timer)
}

#[test]
fn readiness_begins_the_watch() {
    let mut service = watched("up", false);
    assert_eq!(service.next_timeout(), None);
    apply(&mut service, NOW, false, |service, context| {
        service.ready(RUN, context);
    });
    assert_eq!(service.next_timeout(), Some(at(NOW + 1000)));

    let mut service = watched("up", false);
    assert_eq!(say(&mut service, NOW, Pulse::Alive), "");
    assert_eq!(service.next_timeout(), Some(at(NOW + 1000)), "unready");
}

#[test]
fn a_start_reads_the_interval_anew() {
    let mut service = watched("starting", true);
    service.spec.watchdog = Some(INTERVAL * 3);
    apply(&mut service, NOW, false, |service, context| {
        service.spawned(RUN, 70, context);
        assert_eq!(service.next_timeout(), None);
        service.ready(RUN, context);
    });
    assert_eq!(service.next_timeout(), Some(at(NOW + 3000)));
}

#[test]
fn each_sign_of_life_moves_the_deadline() {
    let mut service = watched("up, ready", true);
    assert_eq!(say(&mut service, NOW + 900, Pulse::Alive), "");
    assert_eq!(service.next_timeout(), Some(at(NOW + 1900)));
    assert_eq!(timer(&mut service, NOW + 1899), "");
    assert_eq!(
        timer(&mut service, NOW + 1900),
        "log web silent for 1000ms; signal web SIGABRT process"
    );
    assert_eq!(
        show(&service),
        "stopping 7 ready until 13900, wanted, reached"
    );
}

#[test]
fn without_an_interval_nothing_is_watched() {
    let mut service = service("up, ready");
    assert_eq!(say(&mut service, NOW, Pulse::Alive), "");
    assert_eq!(service.next_timeout(), None);
    assert_eq!(
        say(&mut service, NOW, Pulse::Trigger),
        "log web triggered its watchdog; signal web SIGABRT process",
        "who says so is believed"
    );
}

#[test]
fn the_interval_may_change() {
    let mut service = watched("up, ready", true);
    let half = Some(INTERVAL / 2);
    assert_eq!(say(&mut service, NOW + 100, Pulse::Every(half)), "");
    assert_eq!(service.next_timeout(), Some(at(NOW + 600)));
    say(&mut service, NOW + 200, Pulse::Every(None));
    assert_eq!(service.next_timeout(), None);

    let mut service = watched("up", false);
    say(&mut service, NOW, Pulse::Every(half));
    assert_eq!(service.next_timeout(), None, "it is not ready");
    apply(&mut service, NOW, false, |service, context| {
        service.ready(RUN, context);
    });
    assert_eq!(service.next_timeout(), Some(at(NOW + 500)));
}

#[test]
fn who_does_not_end_is_killed() {
    for (timeout_kill, kill_at) in [(Some(Duration::from_millis(200)), 200), (None, 5000)] {
        let mut service = watched("up, ready", true);
        service.spec.timeout_kill = timeout_kill;
        timer(&mut service, NOW + 1000);
        let kill_at = NOW + 1000 + kill_at;
        assert_eq!(service.next_timeout(), Some(at(kill_at)));
        assert_eq!(
            timer(&mut service, kill_at),
            "signal web SIGKILL process; signal web SIGCONT process; log web killed"
        );
        let after = at(kill_at).after(KILL_INTERVAL);
        assert_eq!(service.next_timeout(), Some(after));
    }
}

#[test]
fn a_bite_was_not_asked_for_unless_somebody_asks_too() {
    for (is_asked, shown, state) in [
        (false, "exited signal 6 2000ms;", "starting 21, wanted"),
        (true, "exited signal 6 2000ms asked;", "down, unwanted"),
    ] {
        let mut service = watched("up", true);
        service.spec.has_finish = false;
        apply(&mut service, NOW, false, |service, context| {
            service.pulse(RUN, Pulse::Trigger, context);
            if is_asked {
                service.bring_down(context);
            }
        });
        let said = apply(&mut service, NOW + 1500, false, |service, context| {
            service.exited(RUN, Exit::Signal(6), context);
        });
        assert!(said.contains(shown), "{said}");
        assert_eq!(show(&service), state);
    }
}

#[test]
fn quick_bites_count_as_quick_deaths() {
    let mut service = watched("up", true);
    service.spec.has_finish = false;
    apply(&mut service, NOW, false, |service, context| {
        service.pulse(RUN, Pulse::Trigger, context);
        service.exited(RUN, Exit::Signal(6), context);
    });
    assert_eq!(service.quick_deaths, 1);
    let until = 9500 + START_INTERVAL.as_millis();
    assert_eq!(show(&service), format!("backoff until {until}, wanted"));
}

#[test]
fn a_paused_service_owes_nothing() {
    use crate::service::Command;
    let mut service = watched("up, ready", true);
    apply(&mut service, NOW + 500, false, |service, context| {
        service.obey(Command::Pause(Target::Process), context);
    });
    assert_eq!(service.next_timeout(), None);
    assert_eq!(timer(&mut service, NOW + 60_000), "");
    apply(&mut service, NOW + 60_000, false, |service, context| {
        service.obey(Command::Continue(Target::Process), context);
    });
    assert_eq!(service.next_timeout(), Some(at(NOW + 61_000)));
}

#[test]
fn only_the_present_run_is_heard_and_only_while_it_is_up() {
    for state in [
        "claiming",
        "down",
        "waiting",
        "starting",
        "stopping",
        "finishing",
        "backoff",
        "failed",
        "broken",
        "left",
    ] {
        let mut service = watched(state, true);
        let before = show(&service);
        for pulse in [Pulse::Alive, Pulse::Trigger, Pulse::Every(Some(INTERVAL))] {
            assert_eq!(say(&mut service, NOW, pulse), "", "{state}");
        }
        assert_eq!(service.watchdog_due(), None, "{state}");
        assert_eq!(show(&service), before);
    }
    let mut service = watched("up", true);
    let said = apply(&mut service, NOW + 10, false, |service, context| {
        service.pulse(OTHER, Pulse::Trigger, context);
        service.pulse(OTHER, Pulse::Alive, context);
    });
    assert_eq!(said, "");
    assert_eq!(service.next_timeout(), Some(at(NOW + 1000)));
}

#[test]
fn both_kinds_of_announcement_are_awaited() {
    for (fd, socket, awaited) in [
        (None, false, false),
        (Some(3), false, true),
        (None, true, true),
        (Some(3), true, true),
    ] {
        let mut service = service("starting");
        service.spec.notification_fd = fd;
        service.spec.notify = socket;
        apply(&mut service, NOW, false, |service, context| {
            service.spawned(RUN, 70, context);
        });
        assert_eq!(service.is_reached(), !awaited);
        apply(&mut service, NOW, false, |service, context| {
            service.ready(RUN, context);
        });
        assert!(service.is_reached());
    }
}
