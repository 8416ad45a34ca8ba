//! Where `tracing` events go: to the outlet, as JSON or as the text that s6-overlay prints.
//!
//! An event's `text` field is what text mode prints, verbatim and line by line; JSON leaves it
//! out. Warnings and errors without it are printed with the program's name, as are all events from
//! verbosity 3 on.

use std::fmt::{Debug, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::outlet::Outlet;
use crate::record::{Object, timestamp};

/// From this verbosity on, text mode prints all events, not only those of s6-overlay.
const ALL_IN_TEXT: u8 = 3;

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// One JSON object a line.
    Json,
    /// The messages of s6-overlay.
    Text,
}

/// Sends all events of this process to `outlet`. `verbosity` is `S6_VERBOSITY`, 0 to 5; text begins
/// with `name`, where an event has no text of its own.
pub(crate) fn install(outlet: Outlet, format: Format, verbosity: u8, name: &'static str) {
    let layer = ToOutlet {
        outlet,
        format,
        verbosity,
        name,
    };
    // It can only fail when one is installed already, which then serves as well.
    let _ = registry().with(layer).try_init();
}

struct ToOutlet {
    outlet: Outlet,
    format: Format,
    verbosity: u8,
    name: &'static str,
}

impl<S: Subscriber> Layer<S> for ToOutlet {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        // Libraries have their own events; they are no news to a user of the container.
        metadata.target().starts_with("sixfold") && *metadata.level() <= most(self.verbosity)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = *event.metadata().level();
        let line = match self.format {
            Format::Json => Some(json(level, event)),
            Format::Text => text(level, event, self.verbosity, self.name),
        };
        if self.outlet.catches_all()
            && let Some(text) = text(level, event, self.verbosity, self.name)
        {
            self.outlet.catch_lines(&text);
        }
        if let Some(line) = line {
            self.outlet.push_event(&line);
        }
    }
}

/// The most detailed level that `verbosity` shows.
fn most(verbosity: u8) -> Level {
    match verbosity {
        0 => Level::ERROR,
        1 => Level::WARN,
        2 | 3 => Level::INFO,
        4 => Level::DEBUG,
        _ => Level::TRACE,
    }
}

fn json(level: Level, event: &Event<'_>) -> Vec<u8> {
    let mut message = Message::default();
    event.record(&mut message);
    let mut fields = JsonFields(Object::new());
    fields.0.string("timestamp", &timestamp());
    fields.0.string("level", level.as_str());
    fields.0.string("message", &message.0);
    event.record(&mut fields);
    fields.0.finish()
}

fn text(level: Level, event: &Event<'_>, verbosity: u8, name: &str) -> Option<Vec<u8>> {
    let mut fields = TextFields::default();
    event.record(&mut fields);
    if let Some(mut text) = fields.text {
        text.push('\n');
        return Some(text.into_bytes());
    }
    if level > Level::WARN && verbosity < ALL_IN_TEXT {
        return None;
    }
    let word = match level {
        Level::ERROR => "error",
        Level::WARN => "warning",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    };
    let mut line = format!("{name}: {word}: {}", fields.message);
    if !fields.rest.is_empty() {
        let _ = write!(line, " ({})", fields.rest);
    }
    line.push('\n');
    Some(line.into_bytes())
}

/// The message alone.
#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

/// Every field but the message and the text, as JSON.
struct JsonFields(Object);

impl JsonFields {
    fn is_wanted(field: &Field) -> bool {
        field.name() != "message" && field.name() != "text"
    }
}

impl Visit for JsonFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if Self::is_wanted(field) {
            self.0.string(field.name(), value);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.raw(field.name(), &value.to_string());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.raw(field.name(), &value.to_string());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0
            .raw(field.name(), if value { "true" } else { "false" });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if Self::is_wanted(field) {
            self.0.string(field.name(), &format!("{value:?}"));
        }
    }
}

/// The fields for a line of text.
#[derive(Default)]
struct TextFields {
    text: Option<String>,
    message: String,
    rest: String,
}

impl Visit for TextFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "text" => self.text = Some(value.to_owned()),
            "message" => value.clone_into(&mut self.message),
            "event" => {}
            name => self.add(name, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => self.add(name, value),
        }
    }
}

impl TextFields {
    fn add(&mut self, name: &str, value: &dyn Debug) {
        if !self.rest.is_empty() {
            self.rest.push_str(", ");
        }
        // Writing to a string cannot fail.
        let _ = write!(self.rest, "{name} {value:?}");
    }
}

#[cfg(test)]
#[path = "subscriber_tests.rs"]
pub(crate) mod tests;
