//! The log under load: many writers, readers that stall, lines without end, streams that are closed.
//! Nothing is lost, the order of each stream is kept, and the memory that is held stays small.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use sixfold_integration_tests::{Finished, Nest, Running, Stream, root_available};

const FLOODER: &str = env!("CARGO_BIN_EXE_log-flooder");

/// What the log may make PID 1 hold beyond what it holds without one, in KiB: its queue has room for
/// 256 KiB, 128 KiB of events and 256 KiB of empty lines, and a line on its way is at most 16 KiB.
const MEMORY: u64 = 4 * 1024;

/// The messages of each service's standard output, in order.
fn messages(end: &Finished) -> BTreeMap<String, Vec<String>> {
    let mut messages: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in end.lines(Stream::Stdout) {
        let Ok(object) = serde_json::from_str::<Value>(&line) else {
            panic!("no JSON: {line:?}");
        };
        if let (Some(service), Some("stdout"), Some(message)) = (
            object["service"].as_str(),
            object["stream"].as_str(),
            object["message"].as_str(),
        ) {
            let of = messages.entry(service.to_owned()).or_default();
            of.push(message.to_owned());
        }
    }
    messages
}

fn assert_numbered(messages: &[String], count: usize) {
    assert_eq!(messages.len(), count);
    for (number, message) in messages.iter().enumerate() {
        assert_eq!(*message, format!("line {number}"));
    }
}

/// The most memory that PID 1 has held, in KiB.
fn peak(nest: &Running) -> u64 {
    let field = nest.status_field("VmHWM");
    let words = field.split_whitespace();
    words
        .filter_map(|word| word.parse().ok())
        .next()
        .unwrap_or_else(|| panic!("no number in {field:?}"))
}

#[test]
fn fifty_services_that_write_at_once_are_all_heard() {
    if !root_available() {
        return;
    }
    const SERVICES: usize = 50;
    const LINES: usize = 2000;
    let mut nest = Nest::new().json().program("/opt/flooder", FLOODER);
    for number in 0..SERVICES {
        let run = format!("/opt/flooder lines {LINES}; : > /tmp/done-$1; exec sleep 1000");
        nest = nest.service(&format!("writer-{number}"), &run);
    }
    let all = format!("while set -- /tmp/done-*; [ $# -lt {SERVICES} ]; do sleep 0.05; done");
    let end = nest.cmd_sh(&all).run();
    end.assert_code(0);
    let messages = messages(&end);
    assert_eq!(messages.len(), SERVICES);
    for of in messages.values() {
        assert_numbered(of, LINES);
    }
}

#[test]
fn a_reader_that_stalls_and_goes_on_gets_everything() {
    if !root_available() {
        return;
    }
    const LINES: usize = 50_000;
    let stalls =
        "\"$@\" | { until test -e /tmp/go; do sleep 0.02; done; cat; }; exit ${PIPESTATUS[0]}";
    let flood = format!("/opt/flooder lines {LINES}; : > /tmp/done; exec sleep 1000");
    let nest = Nest::new()
        .json()
        .under(&["/bin/bash", "-c", stalls, "outer"])
        .program("/opt/flooder", FLOODER)
        .service("flood", &flood)
        .service("clock", "echo tick >> /tmp/ticks; exit 0")
        .boot();
    nest.wait_blocked("flooder");
    let ticks = |nest: &Running| {
        fs::read_to_string(nest.path("/tmp/ticks")).map_or(0, |ticks| ticks.lines().count())
    };
    let before = ticks(&nest);
    nest.wait_until("the other service is restarted", |nest| {
        ticks(nest) > before
    });
    nest.exec(&["touch", "/tmp/go"]).assert_code(0);
    nest.wait_file("/tmp/done");
    let end = nest.terminate();
    end.assert_code(0).assert_lacks("log.lost");
    assert_numbered(&messages(&end)["flood"], LINES);
}

#[test]
fn a_hundred_megabytes_without_a_newline_pass_through_in_pieces() {
    if !root_available() {
        return;
    }
    const LENGTH: usize = 100_000_000;
    let flood = format!("/opt/flooder long {LENGTH}; : > /tmp/done; exec sleep 1000");
    let nest = Nest::new()
        .json()
        .program("/opt/flooder", FLOODER)
        .service("flood", &flood)
        .boot();
    nest.wait_line("services started");
    let before = peak(&nest);
    nest.wait_file("/tmp/done");
    let after = peak(&nest);
    assert!(
        after <= before + MEMORY,
        "PID 1 grew from {before} to {after} KiB"
    );
    let end = nest.terminate();
    end.assert_code(0);
    let pieces = &messages(&end)["flood"];
    assert_eq!(pieces.iter().map(String::len).sum::<usize>(), LENGTH);
    // Each piece begins where the one before it ends.
    let mut at = 0;
    for piece in pieces {
        let number = format!("{:07}.", at / 8 % 10_000_000);
        let expected = &number[at % 8..];
        let shown = expected.len().min(piece.len());
        assert_eq!(piece[..shown], expected[..shown], "at {at}");
        at += piece.len();
    }
}

#[test]
fn a_service_that_closes_its_streams_is_supervised_all_the_same() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .json()
        .service(
            "quiet",
            "echo before; exec > /dev/null >&-; echo after >&2; exec 2>&-; exec sleep 1000",
        )
        .service("other", "echo other runs; exec sleep 1000")
        .boot();
    nest.wait_line("\"after\"");
    nest.wait_line("other runs");
    nest.wait_until("it sleeps", |nest| !nest.named("sleep").is_empty());
    nest.exec(&["/command/s6-svstat", "/run/service/quiet"])
        .assert_has("up (pid ");
    // Nothing is there to be read, and nobody looks for it again and again.
    let switches = |nest: &Running| nest.status_field("voluntary_ctxt_switches");
    nest.wait_until("PID 1 rests", |nest| {
        let before = switches(nest);
        std::thread::yield_now();
        before == switches(nest)
    });
    nest.exec(&["/command/s6-svc", "-wr", "-r", "/run/service/quiet"])
        .assert_code(0);
    nest.wait_lines("\"after\"", 2);
    let end = nest.terminate();
    end.assert_code(0);
    assert_eq!(messages(&end)["quiet"], ["before", "before"]);
}

#[test]
fn a_file_that_is_emptied_by_who_keeps_it_goes_on_from_its_beginning() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .json()
        .under(&["/bin/sh", "-c", "exec \"$@\" >> /tmp/log", "outer"])
        .service("talker", "read line < /tmp/gate; echo \"$line\"")
        .prepare("mkdir -p \"$root/tmp\"")
        .cont_init("10", "mkfifo /tmp/gate")
        .boot();
    let log = |nest: &Running| fs::read_to_string(nest.path("/tmp/log")).unwrap_or_default();
    nest.wait_until("the services are started", |nest| {
        log(nest).contains("services started")
    });
    nest.exec(&["sh", "-c", ": > /tmp/log; echo fresh > /tmp/gate"])
        .assert_code(0);
    nest.wait_until("it goes on", |nest| log(nest).contains("fresh"));
    let text = log(&nest);
    assert!(text.starts_with('{') && !text.contains('\0'), "{text:?}");
    nest.terminate().assert_code(0);
}
