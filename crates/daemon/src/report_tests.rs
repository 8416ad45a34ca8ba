//! What the engine says, as people and programs get to see it.

use serde_json::Value;
use sixfold_engine::{Cause, Listing, Origin};

use super::*;
use crate::subscriber::Format;
use crate::subscriber::tests::logged;

const SECOND: Duration = Duration::from_millis(1000);

fn text(event: &Event) -> String {
    logged(Format::Text, 2, || report(event))
}

fn record(event: &Event) -> Value {
    let line = logged(Format::Json, 4, || report(event));
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{event:?}: {error}: {line:?}"))
}

fn exited(listing: Listing, exit: Exit) -> Event {
    Event::ScriptExited {
        listing,
        name: "10-x".to_owned(),
        pid: Some(7),
        exit,
        duration: SECOND,
    }
}

#[test]
fn stages_speak_as_s6_overlay_v2_does() {
    let started = |listing| Event::ScriptStarted {
        listing,
        name: "10-x".to_owned(),
    };
    for (event, words) in [
        (
            Event::StageStarted(Listing::FixAttrs),
            "[fix-attrs.d] applying ownership & permissions fixes...\n",
        ),
        (
            Event::StageStarted(Listing::ContInit),
            "[cont-init.d] executing container initialization scripts...\n",
        ),
        (
            Event::StageStarted(Listing::ContFinish),
            "[cont-finish.d] executing container finish scripts...\n",
        ),
        (
            started(Listing::FixAttrs),
            "[fix-attrs.d] 10-x: applying... \n",
        ),
        (
            started(Listing::ContInit),
            "[cont-init.d] 10-x: executing... \n",
        ),
        (
            exited(Listing::ContInit, Exit::Code(0)),
            "[cont-init.d] 10-x: exited 0.\n",
        ),
        (
            exited(Listing::ContInit, Exit::Signal(9)),
            "[cont-init.d] 10-x: exited 137.\n",
        ),
        (Event::StageDone(Listing::ContInit), "[cont-init.d] done.\n"),
        (Event::ServicesStarting, "[services.d] starting services\n"),
        (
            Event::ServicesStarted {
                count: 2,
                duration: SECOND,
            },
            "[services.d] done.\n",
        ),
        (
            Event::CmdExited {
                program: "app".to_owned(),
                pid: Some(7),
                exit: Exit::Signal(15),
                duration: SECOND,
            },
            "[cmd] app exited 143\n",
        ),
        (
            Event::FinalTerm,
            "[s6-finish] sending all processes the TERM signal.\n",
        ),
        (
            Event::FinalKill,
            "[s6-finish] sending all processes the KILL signal and exiting.\n",
        ),
    ] {
        assert_eq!(text(&event), words, "{event:?}");
    }
}

#[test]
fn the_hook_is_silent_while_all_is_well() {
    for event in [
        Event::StageStarted(Listing::Hook),
        Event::StageDone(Listing::Hook),
        exited(Listing::Hook, Exit::Code(0)),
    ] {
        assert_eq!(text(&event), "", "{event:?}");
    }
    assert_eq!(
        text(&exited(Listing::Hook, Exit::Code(3))),
        "[stage2-hook] 10-x: exited 3.\n"
    );
}

#[test]
fn records_say_how_a_service_ended() {
    let died = |exit, asked, repeated| Event::ServiceExited {
        service: "web".to_owned(),
        pid: 7,
        exit,
        duration: Duration::from_micros(1_234_999),
        asked,
        repeated,
    };
    let record_of = |exit, asked, repeated| record(&died(exit, asked, repeated));
    let by_code = record_of(Exit::Code(3), false, false);
    assert_eq!(by_code["event"], "service.exited");
    assert_eq!(by_code["level"], "INFO");
    assert_eq!(by_code["service"], "web");
    assert_eq!(by_code["pid"], 7);
    assert_eq!(by_code["exit_code"], 3);
    assert_eq!(by_code["signal"], Value::Null);
    assert_eq!(by_code["duration_ms"], 1234);
    assert_eq!(by_code["asked"], false);
    assert_eq!(by_code["message"], "service died: exited 3");
    let by_signal = record_of(Exit::Signal(15), true, false);
    assert_eq!(by_signal["exit_code"], Value::Null);
    assert_eq!(by_signal["signal"], 15);
    assert_eq!(by_signal["asked"], true);
    assert_eq!(
        by_signal["message"],
        format!("service stopped: killed by {}", Signal::TERM)
    );
    assert_eq!(record_of(Exit::Code(1), false, true)["level"], "DEBUG");
    let real_time = record_of(Exit::Signal(65), false, false);
    assert_eq!(real_time["message"], "service died: killed by signal 65");
}

/// Each kind of event that is about a problem is heard at the lowest verbosity that it deserves.
#[test]
fn problems_are_heard_without_information() {
    let web = || "web".to_owned();
    let warnings = [
        Event::ScriptInterrupted {
            listing: Listing::ContInit,
            name: web(),
            signal: Signal::TERM,
        },
        Event::StageFailed {
            listing: Listing::ContInit,
            failures: 1,
            fatal: true,
        },
        exited(Listing::ContInit, Exit::Code(1)),
        Event::ServiceFlapping {
            service: web(),
            deaths: 10,
            exit: Exit::Code(1),
        },
        Event::ServiceUnstartable {
            service: web(),
            tries: 1,
            retry: SECOND,
        },
        Event::FinishTimedOut { service: web() },
        Event::ServiceKilled {
            service: web(),
            pid: 7,
        },
        Event::ServiceFailed { service: web() },
        Event::GraceExpired {
            services: vec![web(), "db".to_owned()],
        },
        Event::KillRequested,
    ];
    let errors = [
        Event::BootTimedOut {
            waiting: vec![web()],
            fatal: false,
        },
        Event::Unkillable,
    ];
    for event in &warnings {
        assert_eq!(record(event)["level"], "WARN", "{event:?}");
        assert_eq!(logged(Format::Text, 0, || report(event)), "", "{event:?}");
        assert!(logged(Format::Text, 1, || report(event)).ends_with('\n'));
    }
    for event in &errors {
        assert_eq!(record(event)["level"], "ERROR", "{event:?}");
        assert!(logged(Format::Text, 0, || report(event)).ends_with('\n'));
    }
}

#[test]
fn what_is_plain_information_has_its_fields() {
    let web = || "web".to_owned();
    for (event, name) in [
        (
            Event::ServiceStarted {
                service: web(),
                pid: 7,
                repeated: false,
            },
            "service.started",
        ),
        (
            Event::ServiceReady {
                service: web(),
                pid: 7,
                duration: SECOND,
            },
            "service.ready",
        ),
        (
            Event::ServiceStopping {
                service: web(),
                pid: 7,
                signal: Signal::TERM,
            },
            "service.stopping",
        ),
        (
            Event::FinishExited {
                service: web(),
                pid: 7,
                exit: Exit::Code(0),
                repeated: false,
            },
            "finish.exited",
        ),
        (
            Event::CmdStarted {
                pid: 7,
                program: "app".to_owned(),
            },
            "cmd.started",
        ),
    ] {
        let record = record(&event);
        assert_eq!(record["event"], name);
        assert_eq!(record["level"], "INFO");
        assert_eq!(record["pid"], 7);
        assert!(record["service"].is_string(), "{record}");
        assert_eq!(text(&event), "", "s6-overlay says nothing about it");
    }
    let signalled = record(&Event::CmdSignalled {
        signal: Signal::INT,
    });
    assert_eq!(signalled["signal"], 2);
}

#[test]
fn a_stop_says_who_wanted_it() {
    let causes = [
        Cause::Signal {
            signal: Signal::TERM,
            origin: Origin::Outside,
        },
        Cause::Command,
        Cause::CmdEnded,
        Cause::BootFailed,
    ];
    let mut seen: Vec<String> = causes
        .into_iter()
        .map(|cause| {
            let mut record = record(&Event::StopRequested(cause));
            record["timestamp"].take();
            assert!(record["event"].is_string());
            record.to_string()
        })
        .collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 4, "{seen:?}");
}

#[test]
fn services_of_s6_rc_are_told_as_s6_rc_tells_them() {
    use sixfold_engine::event::Transition::{Start, Stop};
    let service = || "web".to_owned();
    for (transition, begun, done, failed) in [
        (Start, "web: starting", "web successfully started", "start"),
        (Stop, "web: stopping", "web successfully stopped", "stop"),
    ] {
        let service = service();
        let event = Event::RcBegun {
            service,
            transition,
        };
        assert_eq!(text(&event), format!("s6-rc: info: service {begun}\n"));
        let service = "web".to_owned();
        let event = Event::RcDone {
            service,
            transition,
        };
        assert_eq!(text(&event), format!("s6-rc: info: service {done}\n"));
        for (exit, end) in [
            (Exit::Code(4), "exited 4"),
            (Exit::Signal(9), "crashed with signal 9"),
        ] {
            let service = "web".to_owned();
            let event = Event::RcFailed {
                service,
                transition,
                exit,
            };
            let words = format!("s6-rc: warning: unable to {failed} service web: command {end}\n");
            assert_eq!(text(&event), words);
            assert_eq!(logged(Format::Text, 1, || report(&event)), words);
        }
    }
    let event = Event::RcFailed {
        service: service(),
        transition: Stop,
        exit: Exit::Code(4),
    };
    let found = record(&event);
    assert_eq!(found["event"], "rc.failed");
    assert_eq!(found["service"], "web");
    assert_eq!(found["exit_code"], 4);
    assert_eq!(found["direction"], "down");
}

#[test]
fn what_is_missing_at_the_end_of_boot_is_named() {
    for (fatal, end) in [
        (false, "a, b\n"),
        (
            true,
            "the container stops (S6_BEHAVIOUR_IF_STAGE2_FAILS=2)\n",
        ),
    ] {
        let services = vec!["a".to_owned(), "b".to_owned()];
        let event = Event::RcIncomplete { services, fatal };
        let words = text(&event);
        assert!(
            words.contains("Not up: a, b") && words.ends_with(end),
            "{words}"
        );
        assert_eq!(record(&event)["event"], "rc.incomplete");
    }
}

#[test]
fn a_watchdog_that_bites_says_why() {
    let bite = |silent| Event::ServiceWatchdog {
        service: "web".to_owned(),
        pid: 7,
        silent,
    };
    let late = record(&bite(Some(SECOND)));
    assert_eq!(late["level"], "WARN");
    assert_eq!(late["event"], "service.watchdog");
    assert_eq!(late["silent_ms"], 1000);
    assert_eq!(late["service"], "web");
    assert_eq!(
        late["message"],
        "service has not said WATCHDOG=1 for 1000 ms and is ended by SIGABRT"
    );
    let asked = record(&bite(None));
    assert!(asked.get("silent_ms").is_none());
    assert_eq!(
        text(&bite(None)),
        "sixfold: warning: service said WATCHDOG=trigger and is ended by SIGABRT (service \"web\", pid 7)\n"
    );
}
