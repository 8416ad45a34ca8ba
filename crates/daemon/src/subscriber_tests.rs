//! What becomes of an event, read at the other end of a pipe.

use std::os::fd::AsRawFd as _;

use serde_json::Value;
use sixfold_sys::fds;

use super::*;

/// What `action` logs in this format and verbosity. It must fit into a pipe.
pub(crate) fn logged(format: Format, verbosity: u8, action: impl FnOnce()) -> String {
    let (reader, writer) = fds::pipe().unwrap();
    let outlet = Outlet::default();
    outlet.write_through(fds::console(writer.as_raw_fd()).unwrap());
    let layer = ToOutlet {
        outlet: outlet.clone(),
        format,
        verbosity,
        name: "sixfold",
    };
    tracing::subscriber::with_default(registry().with(layer), action);
    assert_eq!(outlet.waiting(), 0, "it did not fit");
    fds::set_nonblocking(&reader, true).unwrap();
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = fds::read(&reader, &mut buffer) {
        bytes.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8(bytes).unwrap()
}

fn records(action: impl FnOnce()) -> Vec<Value> {
    let lines = logged(Format::Json, 5, action);
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_record_has_every_field_but_the_text() {
    let service = "we\"b";
    let absent: Option<i32> = None;
    let records = records(|| {
        tracing::info!(
            event = "service.exited",
            service,
            pid = 12_i32,
            exit_code = Some(-1_i32),
            signal = absent,
            count = u64::MAX,
            asked = true,
            ratio = 0.5,
            shown = %"a\nb",
            debugged = ?Some(1),
            text = "for people",
            "service {}",
            "died"
        );
    });
    let [record] = records.as_slice() else {
        panic!("one event is one line: {records:?}");
    };
    let mut record = record.as_object().unwrap().clone();
    let time = record.remove("timestamp").unwrap();
    assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
    let expected = serde_json::json!({
        "level": "INFO",
        "message": "service died",
        "event": "service.exited",
        "service": "we\"b",
        "pid": 12,
        "exit_code": -1,
        "count": u64::MAX,
        "asked": true,
        "ratio": "0.5",
        "shown": "a\nb",
        "debugged": "Some(1)",
    });
    assert_eq!(Value::Object(record), expected);
}

#[test]
fn the_verbosity_chooses_the_levels() {
    let all = || {
        tracing::error!("e");
        tracing::warn!("w");
        tracing::info!("i");
        tracing::debug!("d");
        tracing::trace!("t");
    };
    for (verbosity, shown) in [
        (0, "e"),
        (1, "ew"),
        (2, "ewi"),
        (3, "ewi"),
        (4, "ewid"),
        (5, "ewidt"),
    ] {
        let lines = logged(Format::Json, verbosity, all);
        let messages: String = lines
            .lines()
            .map(|line| {
                let record: Value = serde_json::from_str(line).unwrap();
                record["message"].as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(messages, shown, "{verbosity}");
    }
}

#[test]
fn people_get_the_text_as_it_is_and_only_what_concerns_them() {
    let all = || {
        let text = "[cont-init.d] done.";
        tracing::info!(event = "stage.done", text, "cont-init.d done");
        tracing::error!(event = "a", path = "/x", line = 3_u32, "broken");
        tracing::warn!(event = "b", "odd");
        tracing::info!(event = "c", service = "web", pid = 7, "started");
        tracing::debug!(event = "d", "detail");
    };
    let text = "[cont-init.d] done.\n";
    let error = "sixfold: error: broken (path \"/x\", line 3)\n";
    let warning = "sixfold: warning: odd\n";
    let info = "sixfold: info: started (service \"web\", pid 7)\n";
    let debug = "sixfold: debug: detail\n";
    for (verbosity, expected) in [
        (0, error.to_owned()),
        (1, [error, warning].concat()),
        (2, [text, error, warning].concat()),
        (3, [text, error, warning, info].concat()),
        (4, [text, error, warning, info, debug].concat()),
    ] {
        assert_eq!(
            logged(Format::Text, verbosity, all),
            expected,
            "{verbosity}"
        );
    }
}

#[test]
fn texts_that_are_absent_are_no_texts() {
    let text: Option<&str> = None;
    let lines = logged(Format::Text, 2, || {
        tracing::info!(text, "nothing for people");
        tracing::warn!(text, "a warning all the same");
    });
    assert_eq!(lines, "sixfold: warning: a warning all the same\n");
}

#[test]
fn libraries_are_not_heard() {
    let lines = logged(Format::Json, 5, || {
        tracing::error!(target: "mio::poll", "registering");
        tracing::error!(target: "sixfold", "ours");
    });
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert!(lines.contains("ours"), "{lines}");
}
