//! The JSON log: every line of stdout is one object, whatever is written; nothing is lost; the last
//! words come before the death; and a reader that has gone to sleep does not stop supervision.

use std::fs;
use std::time::Duration;

use serde_json::Value;
use sixfold_integration_tests::{Finished, Nest, Running, root_available};

const FLOODER: &str = env!("CARGO_BIN_EXE_log-flooder");
/// `caf\xe9 \xff\xfe end`, which is not UTF-8, in base64.
const INVALID_BASE64: &str = "Y2Fm6SD//iBlbmQ=";

/// Every line of stdout, parsed; fails when one is not an object with the fields all lines have.
fn objects(end: &Finished) -> Vec<Value> {
    end.stdout()
        .iter()
        .map(|line| {
            let object: Value = serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("{error} in {line:?}\n{end}"));
            assert!(object.is_object(), "{line:?}");
            for field in ["timestamp", "level", "message"] {
                assert!(object[field].is_string(), "no {field} in {line}");
            }
            object
        })
        .collect()
}

fn position(objects: &[Value], what: &str, wanted: impl Fn(&Value) -> bool) -> usize {
    objects.iter().position(wanted).unwrap_or_else(|| {
        let all: Vec<String> = objects.iter().map(Value::to_string).collect();
        panic!("no {what} in\n{}", all.join("\n"))
    })
}

/// Runs `log-flooder WORDS` as the CMD, and returns the objects.
fn flood(words: &[&str]) -> Vec<Value> {
    let mut cmd = vec!["/opt/flooder"];
    cmd.extend(words);
    let end = Nest::new()
        .json()
        .program("/opt/flooder", FLOODER)
        .cmd(&cmd)
        .run();
    end.assert_code(0);
    objects(&end)
}

#[test]
fn every_line_is_an_object_and_tells_where_it_came_from() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .json()
        .cont_init("10-speaks", "echo init out; echo init err >&2")
        .service(
            "web",
            "echo service out; echo service err >&2; exec sleep 1000",
        )
        .finish("web", "echo finish out")
        .cont_finish("10-bye", "echo bye out")
        .boot();
    nest.wait_line("service err");
    let end = nest.terminate();
    end.assert_code(0);
    let objects = objects(&end);
    let find = |message: &str| {
        &objects[position(&objects, message, |object| object["message"] == message)]
    };
    for (message, service, stream) in [
        ("service out", "web", "stdout"),
        ("service err", "web", "stderr"),
        ("finish out", "web", "stdout"),
    ] {
        let object = find(message);
        assert_eq!(object["service"], service, "{object}");
        assert_eq!(object["stream"], stream, "{object}");
        assert!(object["pid"].is_u64(), "{object}");
    }
    for (message, stream) in [
        ("init out", "stdout"),
        ("init err", "stderr"),
        ("bye out", "stdout"),
    ] {
        let object = find(message);
        assert_eq!(object["stream"], stream, "{object}");
        assert!(object["service"].is_string(), "{object}");
    }
}

#[test]
fn timestamps_are_rfc_3339_in_utc_with_microseconds_and_do_not_go_back() {
    if !root_available() {
        return;
    }
    let objects = flood(&["lines", "20"]);
    let stamps: Vec<&str> = objects
        .iter()
        .filter_map(|object| object["timestamp"].as_str())
        .collect();
    for stamp in &stamps {
        let shape: String = stamp
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        assert_eq!(shape, "0000-00-00T00:00:00.000000Z");
    }
    let own: Vec<&str> = objects
        .iter()
        .filter(|object| object["event"].is_string())
        .filter_map(|object| object["timestamp"].as_str())
        .collect();
    assert!(own.is_sorted(), "{own:?}");
}

#[test]
fn events_carry_what_happened_in_fields() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .json()
        .cont_init("10-fails", "exit 7")
        .service("web", "exec sleep 1000")
        .service("ready", "echo >&3; exec sleep 1000")
        .service_file("ready", "notification-fd", 0o644, "3")
        .env("S6_CMD_WAIT_FOR_SERVICES", "1")
        .cmd_sh("exit 5")
        .run();
    end.assert_code(5);
    let objects = objects(&end);
    let event = |name: &str, service: &str| {
        let index = position(&objects, &format!("{name} of {service}"), |object| {
            object["event"] == name && (service.is_empty() || object["service"] == service)
        });
        &objects[index]
    };
    assert!(event("service.started", "web")["pid"].is_u64());
    assert!(event("service.started", "ready")["pid"].is_u64());
    event("service.ready", "ready");
    let died = event("service.exited", "web");
    assert_eq!(died["signal"], 15, "{died}");
    assert!(
        died["pid"].is_u64() && died["duration_ms"].is_u64(),
        "{died}"
    );
    assert_eq!(event("script.exited", "")["exit_code"], 7);
    let cmd = event("cmd.exited", "");
    assert_eq!(cmd["exit_code"], 5, "{cmd}");
    assert!(cmd["duration_ms"].is_u64(), "{cmd}");
    event("shutdown.requested", "");
}

#[test]
fn all_lines_arrive_in_order() {
    if !root_available() {
        return;
    }
    let objects = flood(&["lines", "20000"]);
    let messages: Vec<&str> = objects
        .iter()
        .filter_map(|object| object["message"].as_str())
        .filter(|message| message.starts_with("line "))
        .collect();
    assert_eq!(messages.len(), 20_000);
    let wrong = messages
        .iter()
        .enumerate()
        .find(|(number, message)| **message != format!("line {number}"));
    assert_eq!(wrong, None);
}

#[test]
fn bytes_that_are_not_utf_8_are_carried_in_raw() {
    if !root_available() {
        return;
    }
    let objects = flood(&["invalid"]);
    let index = position(&objects, "line with raw", |object| !object["raw"].is_null());
    let object = &objects[index];
    assert_eq!(object["raw"], INVALID_BASE64, "{object}");
    let message = object["message"].as_str().expect("a message");
    assert!(
        message.starts_with("caf") && message.ends_with(" end"),
        "{object}"
    );
}

#[test]
fn nul_and_control_bytes_are_carried() {
    if !root_available() {
        return;
    }
    let objects = flood(&["nul"]);
    position(&objects, "line with NUL", |object| {
        object["message"] == "a\0b\u{1}c\u{1b}[31md\u{7f}\te"
    });
}

#[test]
fn output_without_a_final_newline_is_carried() {
    if !root_available() {
        return;
    }
    let objects = flood(&["unfinished"]);
    position(&objects, "unfinished line", |object| {
        object["message"] == "no newline here"
    });
}

#[test]
fn empty_lines_are_carried() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .json()
        .cmd_sh("echo before; echo; echo after")
        .run();
    let objects = objects(&end);
    let before = position(&objects, "before", |object| object["message"] == "before");
    assert_eq!(objects[before + 1]["message"], "");
    assert_eq!(objects[before + 2]["message"], "after");
}

#[test]
fn megabyte_line_is_split_and_nothing_is_lost() {
    if !root_available() {
        return;
    }
    const LENGTH: usize = 1_000_003;
    let objects = flood(&["long", &LENGTH.to_string()]);
    let pieces: Vec<&Value> = objects
        .iter()
        .filter(|object| object["stream"] == "stdout")
        .collect();
    let mut line = String::new();
    for (index, piece) in pieces.iter().enumerate() {
        let message = piece["message"].as_str().expect("a message");
        assert!(
            message.len() <= 16 * 1024,
            "{} bytes in one piece",
            message.len()
        );
        let last = index + 1 == pieces.len();
        assert_eq!(piece["partial"] == true, !last, "piece {index}");
        line.push_str(message);
    }
    let expected: String = (0..)
        .map(|n: u32| format!("{n:07}."))
        .take(LENGTH / 8 + 1)
        .collect();
    assert_eq!(line.len(), LENGTH);
    assert!(line == expected[..LENGTH], "the pieces are not the line");
}

#[test]
fn line_that_is_a_json_object_keeps_its_own_fields() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .json()
        .cmd_sh(
            "echo '{\"message\":\"from inside\",\"level\":\"warn\",\"time\":\"2020-01-02T03:04:05Z\",\"deep\":{\"n\":[1,2]}}'\n\
             echo '[1,2]'; echo '{broken'; echo '{}'",
        )
        .run();
    let objects = objects(&end);
    let index = position(&objects, "line with fields", |object| {
        object["fields"]["deep"]["n"][1] == 2
    });
    let object = &objects[index];
    assert_eq!(object["message"], "from inside", "{object}");
    let level = object["level"].as_str().unwrap_or_default();
    assert!(level.eq_ignore_ascii_case("warn"), "{object}");
    let all = object.to_string();
    assert!(all.contains("2020-01-02T03:04:05Z"), "{object}");
    // What is no object is text.
    position(&objects, "array", |object| object["message"] == "[1,2]");
    position(&objects, "broken", |object| object["message"] == "{broken");
}

#[test]
fn last_words_come_before_the_death() {
    if !root_available() {
        return;
    }
    let mut nest = Nest::new().json().program("/opt/flooder", FLOODER);
    for number in 0..5 {
        nest = nest
            .service(&format!("s{number}"), "exec /opt/flooder words 3")
            .finish(&format!("s{number}"), "exit 125");
    }
    let nest = nest.boot();
    nest.wait_lines("\"last words\"", 5);
    nest.wait_lines("service.exited", 5);
    let end = nest.terminate();
    let objects = objects(&end);
    for number in 0..5 {
        let service = format!("s{number}");
        let words = position(&objects, "last words", |object| {
            object["service"] == *service && object["message"] == "last words"
        });
        let death = position(&objects, "death", |object| {
            object["service"] == *service && object["event"] == "service.exited"
        });
        assert_eq!(objects[death]["exit_code"], 3);
        assert!(
            words < death,
            "{service}: {words} is not before {death}\n{end}"
        );
    }
}

#[test]
fn output_of_a_detached_process_is_still_carried() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .json()
        .service("web", "(while [ ! -e /run/go ]; do sleep 0.02; done; echo late words) & echo is-up; exec sleep 1000")
        .boot();
    nest.wait_line("\"is-up\"");
    nest.write_file("/run/go", "");
    nest.wait_line("late words");
    objects(&nest.terminate());
}

#[test]
fn stdout_that_nobody_reads_does_not_stop_supervision() {
    if !root_available() {
        return;
    }
    let nest = Nest::new()
        .json()
        .unread_stdout()
        .program("/opt/flooder", FLOODER)
        .service("flood", "exec /opt/flooder forever")
        .service("clock", "echo tick >> /tmp/ticks; exit 0")
        .boot();
    nest.wait_blocked("flooder");
    let ticks = |nest: &Running| {
        fs::read_to_string(nest.path("/tmp/ticks")).map_or(0, |ticks| ticks.lines().count())
    };
    let before = ticks(&nest);
    nest.wait_until("the other service is restarted", |nest| {
        ticks(nest) >= before + 2
    });
    nest.terminate()
        .assert_code(0)
        .assert_within(Duration::from_secs(5))
        .assert_has("log.lost");
}

#[test]
fn stdout_that_is_closed_does_not_stop_supervision() {
    if !root_available() {
        return;
    }
    // PID 1 is the left side of a pipe whose right side ends after one line: from then on every
    // write gives EPIPE.
    let nest = Nest::new()
        .json()
        .under(&[
            "/bin/bash",
            "-c",
            "\"$@\" | head -n 1; exit ${PIPESTATUS[0]}",
            "outer",
        ])
        .service(
            "clock",
            "echo tick; echo tick >&2; echo tick >> /tmp/ticks; exit 0",
        )
        .boot();
    nest.wait_until("the service is restarted", |nest| {
        fs::read_to_string(nest.path("/tmp/ticks")).is_ok_and(|ticks| ticks.lines().count() >= 3)
    });
    nest.terminate().assert_code(0);
}

#[test]
fn auto_is_json_without_a_terminal_and_text_with_one() {
    if !root_available() {
        return;
    }
    let nest = || {
        Nest::new()
            .without_env("SIXFOLD_LOG_FORMAT")
            .cmd_sh("echo words")
    };
    let piped = nest().run();
    piped.assert_code(0);
    objects(&piped);
    nest()
        .terminal()
        .run()
        .assert_code(0)
        .assert_has("[cont-init.d] done.")
        .assert_has("words");
}

#[test]
fn text_leaves_the_streams_of_services_untouched() {
    if !root_available() {
        return;
    }
    let end = Nest::new()
        .program("/opt/flooder", FLOODER)
        .cmd(&["/opt/flooder", "invalid"])
        .run();
    let lines = end.output.lines();
    assert!(
        lines
            .iter()
            .any(|line| line.bytes == b"caf\xe9 \xff\xfe end"),
        "{end}"
    );
}

#[test]
fn cmd_with_a_terminal_keeps_it_in_json_too() {
    if !root_available() {
        return;
    }
    Nest::new()
        .json()
        .terminal()
        .cmd_sh("test -t 1 && echo still a terminal")
        .run()
        .assert_code(0)
        .assert_has("still a terminal");
}
