//! More time in every state of a service, and any sequence of such wishes in virtual time.

use std::time::Duration;

use proptest::prelude::*;
use sixfold_model::ServiceSpec;
use sixfold_model::rc::definition::Timeouts;

use super::super::Pulse;
use super::super::tests::{NOW, OTHER, RUN, apply, at, service};
use super::*;

fn say(service: &mut Service, now: u64, of: RunId, wait: u64) {
    let pulse = Pulse::Extend(Duration::from_millis(wait));
    let effects = apply(service, now, false, |service, context| {
        service.pulse(of, pulse, context);
    });
    assert_eq!(effects, "");
}

/// A longrun with limits of a second each way, whose run was started at [`NOW`].
fn longrun() -> Service {
    let mut spec = ServiceSpec::new("web", "/etc/s6-overlay/s6-rc.d/web");
    spec.has_run = true;
    spec.notify = true;
    let limit = Some(Duration::from_secs(1));
    let timeouts = Timeouts {
        up: limit,
        down: limit,
    };
    let mut service = Service::longrun(spec.clone(), timeouts, true);
    apply(&mut service, NOW, false, |service, context| {
        service.supervised(spec, context);
        service.start(context);
    });
    let State::Starting { run, .. } = service.state else {
        panic!("{:?}", service.state);
    };
    apply(&mut service, NOW, false, |service, context| {
        service.spawned(run, 70, context);
    });
    service
}

fn run_of(service: &Service) -> RunId {
    service.state.life().unwrap().run
}

#[test]
fn a_kill_is_put_off_and_never_comes_earlier() {
    let mut service = service("stopping");
    for (wait, of, due) in [
        (4000, RUN, 15_000),
        (0, RUN, 15_000),
        (6000, OTHER, 15_000),
        (6000, RUN, 16_000),
        (10, RUN, 16_000),
    ] {
        say(&mut service, NOW, of, wait);
        assert_eq!(service.next_timeout(), Some(at(due)), "{wait} {of:?}");
    }
    let killed = apply(&mut service, 16_000, false, Service::timer);
    assert!(killed.ends_with("log web killed"), "{killed}");
}

#[test]
fn what_has_no_deadline_gets_none() {
    for state in [
        "claiming",
        "down",
        "waiting",
        "starting",
        "up",
        "up, ready",
        "finishing",
        "backoff",
        "failed",
        "left",
    ] {
        let mut service = service(state);
        let before = service.next_timeout();
        say(&mut service, NOW, RUN, 60_000);
        assert_eq!(service.next_timeout(), before, "{state}");
    }
    let mut service = service("stopping");
    service.state = State::Stopping {
        life: *service.state.life().unwrap(),
        kill_at: None,
    };
    say(&mut service, NOW, RUN, 1);
    assert_eq!(service.next_timeout(), None);
}

#[test]
fn a_start_takes_longer_and_a_start_that_is_over_takes_no_time() {
    let mut service = longrun();
    let run = run_of(&service);
    assert_eq!(service.next_timeout(), Some(at(NOW + 1000)));
    say(&mut service, NOW + 500, run, 1500);
    assert_eq!(service.next_timeout(), Some(at(NOW + 2000)));
    apply(&mut service, NOW + 600, false, |service, context| {
        service.ready(run, context);
    });
    say(&mut service, NOW + 700, run, 1500);
    assert_eq!(service.next_timeout(), None);
    apply(&mut service, NOW + 800, false, Service::take_down);
    assert_eq!(service.next_timeout(), Some(at(NOW + 1800)));
    say(&mut service, NOW + 1700, run, 300);
    assert_eq!(service.next_timeout(), Some(at(NOW + 2000)));
}

#[test]
fn for_ever_is_long_enough() {
    let mut service = service("stopping");
    let pulse = Pulse::Extend(Duration::from_micros(u64::MAX));
    apply(&mut service, NOW, false, |service, context| {
        service.pulse(RUN, pulse, context);
    });
    let far = Duration::from_secs(86_400 * 365);
    assert!(service.next_timeout().unwrap() > at(NOW).after(far));
}

proptest! {
    /// It ends at the latest of its first deadline and of what it was given by messages that came in
    /// time, whatever else it said.
    #[test]
    fn the_deadline_is_the_latest_that_was_given_in_time(
        says in prop::collection::vec((0..2000_u64, 0..4000_u64), 0..20),
        is_start: bool,
    ) {
        let (mut service, mut due) = if is_start {
            (longrun(), NOW + 1000)
        } else {
            (service("stopping"), 15_000)
        };
        let run = run_of(&service);
        let mut now = NOW;
        for (gap, wait) in says {
            now += gap;
            if now >= due {
                break;
            }
            prop_assert_eq!(apply(&mut service, now, false, Service::timer), "");
            say(&mut service, now, run, wait);
            due = due.max(now + wait);
            prop_assert_eq!(service.next_timeout(), Some(at(due)));
        }
        prop_assert_eq!(apply(&mut service, due - 1, false, Service::timer), "");
        let effects = apply(&mut service, due, false, Service::timer);
        let end = if is_start { "failed to start, code 99" } else { "log web killed" };
        prop_assert!(effects.contains(end), "{}", effects);
    }
}
