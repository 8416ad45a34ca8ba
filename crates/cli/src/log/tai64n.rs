//! `s6-tai64n`, `s6-tai64nlocal`: labels before lines, and what they say in local time (F75).

use std::ffi::OsString;

use sixfold_daemon::logdir::stamping;
use sixfold_model::logging::{LOCAL_LENGTH, local_stamp};
use sixfold_protocol::tai::{DIGITS, Tai64n};
use sixfold_sys::local_time;

use super::clock;
use super::filter::{self, Line};
use crate::complain::{self, ExitCode};
use crate::options::Options;

pub(super) const TAI64N: &str = "s6-tai64n";
pub(super) const TAI64NLOCAL: &str = "s6-tai64nlocal";
const LOCAL_SYNOPSIS: &str = "s6-tai64nlocal [ -g ]";

/// `s6-tai64n`: a label and a space before each line. The last one gets a newline if it has none. It
/// looks at no arguments, as that of s6.
pub(super) fn tai64n(_args: Vec<OsString>) -> ExitCode {
    filter::run(TAI64N, |line, out| {
        let (Line::Whole(text) | Line::Rest(text)) = line;
        out.push(b'@');
        out.extend_from_slice(&Tai64n::from_unix(clock::wall()).digits());
        out.push(b' ');
        out.extend_from_slice(text);
        out.push(b'\n');
    })
}

/// `s6-tai64nlocal [ -g ]`: the label that a line begins with becomes local time, or UTC. What stands
/// without a newline at the end stays as it is.
pub(super) fn tai64nlocal(args: Vec<OsString>) -> ExitCode {
    let mut options = Options::new(args, "g");
    let mut is_utc = false;
    loop {
        match options.next() {
            Ok(Some(_)) => is_utc = true,
            Ok(None) => break,
            Err(_) => return complain::usage(TAI64NLOCAL, LOCAL_SYNOPSIS),
        }
    }
    filter::run(TAI64NLOCAL, |line, out| match line {
        Line::Whole(text) => {
            localize(text, is_utc, out);
            out.push(b'\n');
        }
        Line::Rest(text) => out.extend_from_slice(text),
    })
}

fn localize(line: &[u8], is_utc: bool, out: &mut Vec<u8>) {
    match stamp(line, is_utc) {
        Some((stamp, rest)) => {
            out.extend_from_slice(&stamp);
            out.extend_from_slice(rest);
        }
        None => out.extend_from_slice(line),
    }
}

fn stamp(line: &[u8], is_utc: bool) -> Option<([u8; LOCAL_LENGTH], &[u8])> {
    let (digits, rest) = line.strip_prefix(b"@")?.split_at_checked(DIGITS)?;
    let moment = Tai64n::from_digits(digits)?.to_unix();
    let seconds = moment.as_secs();
    let parts = if is_utc {
        local_time::utc(seconds)
    } else {
        local_time::local(seconds)
    };
    // A year of five digits has no place.
    let parts = parts.filter(|parts| parts.year < 10_000)?;
    let stamp = local_stamp(stamping::of(parts), moment.subsec_nanos());
    Some((stamp, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_label_at_the_beginning_is_converted() {
        let converted = |line: &str| {
            let mut out = Vec::new();
            localize(line.as_bytes(), true, &mut out);
            String::from_utf8(out).unwrap()
        };
        let time = "2026-11-23 17:07:02.892645448";
        assert_eq!(
            converted("@400000006b0472db3534b048 y"),
            format!("{time} y")
        );
        assert_eq!(converted("@400000006b0472db3534b048"), time);
        assert_eq!(converted("@400000006B0472DB3534B048x"), format!("{time}x"));
        for line in [
            "x @400000006b0472db3534b048",
            "@bad",
            "@400000006b0472db3534b04 z",
            "@000000006b0472db3534b048 q",
            "@4fffffffffffffff3534b048 big",
            "",
        ] {
            assert_eq!(converted(line), line);
        }
    }
}
