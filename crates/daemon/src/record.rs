//! One line of JSON for what a program wrote.
//!
//! Nothing is lost: bytes that are no UTF-8 are carried a second time, exactly, in `raw` (base64);
//! a line that is itself a JSON object is carried whole and verbatim under `fields`, and its own
//! message, level and time become the line's.

use std::collections::BTreeMap;
use std::mem;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;
use sixfold_model::logging::syslog;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use text::Text;

mod text;

/// The keys under which loggers put their message, level and time, most usual first.
const MESSAGE_KEYS: [&str; 2] = ["message", "msg"];
const LEVEL_KEYS: [&str; 3] = ["level", "severity", "lvl"];
const TIME_KEYS: [&str; 4] = ["timestamp", "time", "ts", "@timestamp"];

/// Which stream a program wrote to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// Who wrote a line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    /// The service's, script's or stage's name.
    pub(crate) service: &'a str,
    /// The stream.
    pub(crate) stream: Stream,
    /// The process that was last started with that stream.
    pub(crate) pid: Option<i32>,
}

/// The present time, RFC 3339 in UTC with microseconds.
pub(crate) fn timestamp() -> String {
    let mut text = String::with_capacity(27);
    // Writing to a string cannot fail.
    let _ = SystemTime.format_time(&mut Writer::new(&mut text));
    text
}

/// What the records of one source have in common at one moment.
pub(crate) struct Frame {
    time: String,
    /// Up to the message.
    head: Vec<u8>,
    /// Between the message and what only some records have.
    tail: Vec<u8>,
}

impl Frame {
    /// The frame of what `source` writes now.
    pub(crate) fn new(source: Source<'_>) -> Self {
        let time = timestamp();
        let mut head = Object::new();
        head.string("timestamp", &time);
        head.string("level", "INFO");
        head.key("message");
        let mut tail = Object::after();
        tail.string("service", source.service);
        tail.string("stream", source.stream.name());
        if let Some(pid) = source.pid {
            tail.raw("pid", &pid.to_string());
        }
        Self {
            time,
            head: head.0,
            tail: tail.0,
        }
    }

    /// Appends the JSON line, newline included, for `line` (without its newline). `partial`: the rest
    /// of it follows in the next record.
    pub(crate) fn record(&self, line: &[u8], partial: bool, out: &mut Vec<u8>) {
        match text::look(line) {
            Text::Plain => {
                out.extend_from_slice(&self.head);
                out.push(b'"');
                out.extend_from_slice(line);
                out.push(b'"');
                out.extend_from_slice(&self.tail);
            }
            Text::Object => {
                let mut record = Object(mem::take(out));
                match object(line) {
                    Some(own) => self.adopt(&own, line, &mut record),
                    None => self.tell(line, &mut record),
                }
                *out = record.0;
            }
            Text::Other => {
                let mut record = Object(mem::take(out));
                self.tell(line, &mut record);
                *out = record.0;
            }
        }
        if partial {
            out.extend_from_slice(b",\"partial\":true");
        }
        out.extend_from_slice(b"}\n");
    }

    /// The record of a line of text.
    fn tell(&self, line: &[u8], record: &mut Object) {
        record.0.extend_from_slice(&self.head);
        record.value(&String::from_utf8_lossy(line));
        record.0.extend_from_slice(&self.tail);
        if std::str::from_utf8(line).is_err() {
            record.string("raw", &STANDARD.encode(line));
        }
    }

    /// The record of a JSON object.
    fn adopt(&self, own: &BTreeMap<String, &RawValue>, line: &[u8], record: &mut Object) {
        record.0.push(b'{');
        match pick(own, &TIME_KEYS, is_string) {
            Some(time) => record.raw("timestamp", time.get()),
            None => record.string("timestamp", &self.time),
        }
        match pick(own, &LEVEL_KEYS, is_scalar) {
            Some(level) => record.raw("level", level.get()),
            None => record.string("level", "INFO"),
        }
        let text = String::from_utf8_lossy(line);
        match pick(own, &MESSAGE_KEYS, is_string) {
            Some(message) => record.raw("message", message.get()),
            None => record.string("message", &text),
        }
        record.0.extend_from_slice(&self.tail);
        record.raw("fields", &text);
    }
}

/// The JSON line, newline included, for a line that a program has sent to syslog.
pub(crate) fn syslog(line: &[u8]) -> Vec<u8> {
    let (origin, rest) = syslog::origin(line);
    let message = syslog::message(rest);
    let level = match origin.map(|origin| origin.priority) {
        Some("emerg" | "alert" | "crit" | "err") => "ERROR",
        Some("warn") => "WARN",
        Some("debug") => "DEBUG",
        Some(_) | None => "INFO",
    };
    let mut out = Object::new();
    out.string("timestamp", &timestamp());
    out.string("level", level);
    out.string("message", &String::from_utf8_lossy(message.text));
    out.string("service", "syslog");
    if let Some(origin) = origin {
        out.string("facility", origin.facility);
        out.string("severity", origin.priority);
    }
    if let Some(program) = message.program {
        out.string("program", &String::from_utf8_lossy(program));
    }
    if let Some(pid) = message.pid {
        out.raw("pid", &pid.to_string());
    }
    if std::str::from_utf8(rest).is_err() {
        out.string("raw", &STANDARD.encode(rest));
    }
    out.finish()
}

/// A JSON object in the making, from the last brace in the bytes on. Keys are ours and need no escape.
pub(crate) struct Object(Vec<u8>);

impl Object {
    /// An empty object.
    pub(crate) fn new() -> Self {
        let mut text = Vec::with_capacity(256);
        text.push(b'{');
        Self(text)
    }

    /// What follows in an object that has members already.
    fn after() -> Self {
        Self(Vec::new())
    }

    /// Adds a string.
    pub(crate) fn string(&mut self, key: &str, value: &str) {
        self.key(key);
        self.value(value);
    }

    /// Adds a value that is JSON already.
    pub(crate) fn raw(&mut self, key: &str, json: &str) {
        self.key(key);
        self.0.extend_from_slice(json.trim().as_bytes());
    }

    /// The finished line.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.0.extend_from_slice(b"}\n");
        self.0
    }

    fn key(&mut self, key: &str) {
        if self.0.last() != Some(&b'{') {
            self.0.push(b',');
        }
        self.0.push(b'"');
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn value(&mut self, value: &str) {
        // Writing to a vector cannot fail, and every string is serialisable.
        let _ = serde_json::to_writer(&mut self.0, value);
    }
}

/// The members of `line` if it is a JSON object.
fn object(line: &[u8]) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::from_slice(line).ok()
}

fn pick<'a>(
    own: &BTreeMap<String, &'a RawValue>,
    keys: &[&str],
    fits: fn(&str) -> bool,
) -> Option<&'a RawValue> {
    keys.iter()
        .filter_map(|key| own.get(*key).copied())
        .find(|value| fits(value.get()))
}

fn is_string(json: &str) -> bool {
    json.starts_with('"')
}

fn is_scalar(json: &str) -> bool {
    !json.starts_with(['{', '[', 'n'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    const SOURCE: Source<'static> = Source {
        service: "web",
        stream: Stream::Stderr,
        pid: Some(42),
    };

    fn format(line: &[u8], partial: bool) -> Vec<u8> {
        let mut out = b"before\n".to_vec();
        Frame::new(SOURCE).record(line, partial, &mut out);
        out.split_off("before\n".len())
    }

    fn parsed(line: &[u8], partial: bool) -> Value {
        let record = format(line, partial);
        assert_eq!(record.iter().filter(|byte| **byte == b'\n').count(), 1);
        serde_json::from_slice(&record).unwrap()
    }

    #[test]
    fn a_plain_line() {
        let record = parsed(b"hello \"you\"\t\x01\0", false);
        assert_eq!(record["message"], "hello \"you\"\t\u{1}\0");
        assert_eq!(record["service"], "web");
        assert_eq!(record["stream"], "stderr");
        assert_eq!(record["pid"], 42);
        assert_eq!(record["level"], "INFO");
        assert!(record.get("partial").is_none() && record.get("raw").is_none());
        let time = record["timestamp"].as_str().unwrap();
        assert!(
            time.len() == 27 && time.ends_with('Z') && time.as_bytes()[19] == b'.',
            "{time}"
        );
    }

    #[test]
    fn a_json_object_keeps_its_message_level_and_time() {
        let line =
            br#" {"time":"2020-01-02T03:04:05Z","lvl":"warn","msg":"m","n":1.10,"a":{"b":null}} "#;
        let record = parsed(line, false);
        assert_eq!(record["timestamp"], "2020-01-02T03:04:05Z");
        assert_eq!(record["level"], "warn");
        assert_eq!(record["message"], "m");
        assert_eq!(record["fields"]["a"]["b"], Value::Null);
        let text = String::from_utf8(format(line, false)).unwrap();
        assert!(
            text.contains("\"n\":1.10"),
            "numbers stay as they were written: {text}"
        );
    }

    #[test]
    fn a_line_of_syslog_has_its_parts_in_fields() {
        let parsed = |line: &[u8]| -> Value { serde_json::from_slice(&syslog(line)).unwrap() };
        let record = parsed(b"<11>Nov 26 12:00:00 app[7]: it broke");
        assert_eq!(record["level"], "ERROR");
        assert_eq!(record["message"], "it broke");
        assert_eq!(record["service"], "syslog");
        assert_eq!(record["facility"], "user");
        assert_eq!(record["severity"], "err");
        assert_eq!(record["program"], "app");
        assert_eq!(record["pid"], 7);
        let plain = parsed(b"no form \xff");
        assert_eq!(plain["level"], "INFO");
        assert!(plain.get("facility").is_none() && plain.get("raw").is_some());
    }

    #[test]
    fn what_is_no_json_object_is_text() {
        for line in [
            &b"{broken"[..],
            b"[1]",
            b"12",
            b"{\"a\":1} tail",
            b"{\"a\":\xff}",
        ] {
            let record = parsed(line, false);
            assert!(record.get("fields").is_none());
            assert_eq!(record["message"], String::from_utf8_lossy(line).as_ref());
        }
        assert_eq!(parsed(b"{}", false)["message"], "{}");
    }

    proptest! {
        #[test]
        fn every_line_is_carried_without_loss(line in proptest::collection::vec(any::<u8>(), 0..200), partial: bool) {
            let line: Vec<u8> = line.into_iter().filter(|byte| *byte != b'\n').collect();
            let record = parsed(&line, partial);
            let carried = match record.get("raw") {
                Some(raw) => STANDARD.decode(raw.as_str().unwrap()).unwrap(),
                None => record["message"].as_str().unwrap().as_bytes().to_vec(),
            };
            prop_assert_eq!(carried, line);
            prop_assert_eq!(record.get("partial").is_some(), partial);
        }
    }
}
