//! What stands before a line: labels, local time (s6.md B5.1).

use std::time::Duration;

use sixfold_model::logging::{Action, LOCAL_LENGTH, LocalTime, local_stamp};
use sixfold_protocol::tai::{DIGITS, Tai64n};
use sixfold_sys::local_time::{self, Parts};

/// What is behind the local time of a line; with one space more than behind a label.
const BEHIND_LOCAL: &[u8] = b"  ";

/// The stamps of one line. Both are of the same moment, whatever is written how often.
#[derive(Debug)]
pub struct Stamps {
    has_tai: bool,
    has_local: bool,
    tai: [u8; DIGITS],
    local: [u8; LOCAL_LENGTH],
    /// The second that was asked for last, and what it is in local time.
    second: Option<(u64, LocalTime)>,
}

impl Stamps {
    /// Stamps for lines that go to these actions.
    pub fn new<'a>(actions: impl Iterator<Item = &'a Action> + Clone) -> Self {
        Self {
            has_tai: actions.clone().any(|action| action.has_tai),
            has_local: actions.clone().any(|action| action.has_local),
            tai: [0; DIGITS],
            local: [0; LOCAL_LENGTH],
            second: None,
        }
    }

    /// Whether any action has a stamp: else nobody needs to ask for the time.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        self.has_tai || self.has_local
    }

    /// Takes the moment of the next line.
    pub fn set(&mut self, wall: Duration) {
        if self.has_tai {
            self.tai = Tai64n::from_unix(wall).digits();
        }
        if self.has_local {
            let time = match self.second {
                Some((second, time)) if second == wall.as_secs() => time,
                Some(_) | None => {
                    let time = local(wall.as_secs());
                    self.second = Some((wall.as_secs(), time));
                    time
                }
            };
            self.local = local_stamp(time, wall.subsec_nanos());
        }
    }

    /// Appends to `out` what stands before the line in this action.
    pub fn put(&self, action: &Action, out: &mut Vec<u8>) {
        if action.has_tai {
            out.push(b'@');
            out.extend_from_slice(&self.tai);
            out.push(b' ');
        }
        if action.has_local {
            out.extend_from_slice(&self.local);
            out.extend_from_slice(BEHIND_LOCAL);
        }
        if !action.prefix.is_empty() {
            out.extend_from_slice(&action.prefix);
            out.push(b' ');
        }
    }
}

/// A second in local time; where the C library has none, the beginning of time.
fn local(second: u64) -> LocalTime {
    local_time::local(second).map_or_else(LocalTime::default, of)
}

/// What the C library says, as the model has it.
pub fn of(parts: Parts) -> LocalTime {
    LocalTime {
        year: parts.year,
        month: parts.month,
        day: parts.day,
        hour: parts.hour,
        minute: parts.minute,
        second: parts.second,
    }
}

#[cfg(test)]
mod tests {
    use sixfold_model::logging::Script;

    use super::*;

    #[test]
    fn stamps_come_before_the_prefix() {
        let script = Script::<()>::parse(&[b"t", b"T", b"pfoo", b"1", b"2"], |_| None).unwrap();
        let mut stamps = Stamps::new(script.actions());
        assert!(stamps.is_needed());
        stamps.set(Duration::new(1_795_453_622, 892_645_448));
        let mut actions = script.actions();
        let mut put = || {
            let mut out = Vec::new();
            stamps.put(actions.next().unwrap(), &mut out);
            String::from_utf8(out).unwrap()
        };
        let line = put();
        let (label, rest) = line.split_at(26);
        assert_eq!(label, "@400000006b0472db3534b048 ");
        assert!(rest.starts_with("2026-11-2"), "{rest}");
        assert!(rest.ends_with(".892645448  foo "), "{rest}");
        assert_eq!(put(), "foo ");
    }

    #[test]
    fn nobody_asks_for_the_time_in_vain() {
        let script = Script::<()>::parse(&[b"1"], |_| None).unwrap();
        assert!(!Stamps::new(script.actions()).is_needed());
    }
}
