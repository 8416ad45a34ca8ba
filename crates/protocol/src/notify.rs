//! What a service says on the socket of `NOTIFY_SOCKET`: assignments, one a line (sd_notify(3)).
//!
//! Never looks at who says it; that is for whoever holds the socket. What is unknown, or has a value
//! that makes no sense, is left out, as systemd leaves it out: a service may say more than we listen
//! to. Called from the units of the daemon.

use std::time::Duration;

/// The variable that names the socket.
pub const SOCKET_VARIABLE: &str = "NOTIFY_SOCKET";
/// The variable that holds the interval of the watchdog, in microseconds.
pub const WATCHDOG_VARIABLE: &str = "WATCHDOG_USEC";
/// The variable that holds the process for which [`WATCHDOG_VARIABLE`] is meant; without it, it is meant
/// for whoever sees it (sd_watchdog_enabled(3)).
pub const WATCHDOG_PID_VARIABLE: &str = "WATCHDOG_PID";

/// The most bytes that are taken of one datagram (systemd: NOTIFY_BUFFER_MAX); a longer one is refused.
pub const MOST: usize = 4096;

/// One thing that a service says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignment {
    /// `READY=1`: it is started, or has read its configuration again.
    Ready,
    /// `RELOADING=1`: it reads its configuration again, and says [`Self::Ready`] when it has.
    Reloading,
    /// `STOPPING=1`: it is about to end.
    Stopping,
    /// `STATUS=TEXT`: what it is doing, for people. Control characters have become blanks.
    Status(String),
    /// `ERRNO=NUMBER`: why it fails, 1 or more.
    Errno(i32),
    /// `WATCHDOG=1`: it is alive.
    Alive,
    /// `WATCHDOG=trigger`: it knows that it is not, and wants to be treated so at once.
    Trigger,
    /// `WATCHDOG_USEC=N`: from now on it says [`Self::Alive`] at least this often; nothing (0, or the
    /// largest number there is) is never.
    WatchdogEvery(Option<Duration>),
    /// `EXTEND_TIMEOUT_USEC=N`: its start or its end takes this much longer, from now on.
    Extend(Duration),
    /// `MAINPID=PID`: the process that is to count as the service, 1 or more.
    MainPid(i32),
}

/// The assignments in `datagram` that mean something here, in their order; it may hold any bytes.
pub fn parse(datagram: &[u8]) -> Vec<Assignment> {
    let lines = datagram.split(|byte| *byte == b'\n');
    lines.filter_map(assignment).collect()
}

fn assignment(line: &[u8]) -> Option<Assignment> {
    let at = line.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (line.get(..at)?, line.get(at.saturating_add(1)..)?);
    match (name, value) {
        (b"READY", b"1") => Some(Assignment::Ready),
        (b"RELOADING", b"1") => Some(Assignment::Reloading),
        (b"STOPPING", b"1") => Some(Assignment::Stopping),
        (b"WATCHDOG", b"1") => Some(Assignment::Alive),
        (b"WATCHDOG", b"trigger") => Some(Assignment::Trigger),
        (b"STATUS", text) => Some(Assignment::Status(printable(text))),
        (b"ERRNO", number) => positive(number).map(Assignment::Errno),
        (b"MAINPID", number) => positive(number).map(Assignment::MainPid),
        (b"EXTEND_TIMEOUT_USEC", number) => {
            decimal(number).map(|wait| Assignment::Extend(Duration::from_micros(wait)))
        }
        (b"WATCHDOG_USEC", number) => {
            let microseconds = decimal(number)?;
            let is_never = microseconds == 0 || microseconds == u64::MAX;
            let interval = (!is_never).then(|| Duration::from_micros(microseconds));
            Some(Assignment::WatchdogEvery(interval))
        }
        _ => None,
    }
}

/// The text without anything that could pass for a line of its own or move a terminal's cursor.
fn printable(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let blank = |letter: char| if letter.is_control() { ' ' } else { letter };
    text.trim().chars().map(blank).collect()
}

fn positive(digits: &[u8]) -> Option<i32> {
    let number = decimal(digits)?;
    i32::try_from(number).ok().filter(|number| *number > 0)
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let is_decimal = digits.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(digits).ok().filter(|_| is_decimal)?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_assignment_is_known() {
        let text = "READY=1\nRELOADING=1\nMONOTONIC_USEC=5\nSTOPPING=1\nSTATUS=Serving, a=b\nERRNO=2\n\
                    WATCHDOG=1\nWATCHDOG=trigger\nWATCHDOG_USEC=1500000\nMAINPID=4711\n\
                    EXTEND_TIMEOUT_USEC=250000";
        let expected = [
            Assignment::Ready,
            Assignment::Reloading,
            Assignment::Stopping,
            Assignment::Status("Serving, a=b".to_owned()),
            Assignment::Errno(2),
            Assignment::Alive,
            Assignment::Trigger,
            Assignment::WatchdogEvery(Some(Duration::from_millis(1500))),
            Assignment::MainPid(4711),
            Assignment::Extend(Duration::from_millis(250)),
        ];
        assert_eq!(parse(text.as_bytes()), expected);
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        for text in [
            &b""[..],
            b"\n\n",
            b"=",
            b"=1",
            b"READY",
            b"READY=",
            b"READY=0",
            b"READY=11",
            b" READY=1",
            b"READY=1\r",
            b"ready=1",
            b"WATCHDOG=0",
            b"ERRNO=0",
            b"ERRNO=-2",
            b"ERRNO=EIO",
            b"MAINPID=",
            b"MAINPID=0",
            b"MAINPID=-1",
            b"MAINPID=+7",
            b"MAINPID=4294967297",
            b"WATCHDOG_USEC=",
            b"WATCHDOG_USEC=1s",
            b"WATCHDOG_USEC=18446744073709551616",
            b"BARRIER=1",
            b"FDSTORE=1\nFDNAME=x",
            b"EXTEND_TIMEOUT_USEC=",
            b"EXTEND_TIMEOUT_USEC=-5",
            b"EXTEND_TIMEOUT_USEC=5s",
            b"X_OWN=1",
            b"\xff\xfe=\0",
        ] {
            assert_eq!(parse(text), [], "{}", String::from_utf8_lossy(text));
        }
        assert_eq!(parse(b"X=1\nREADY=1\n"), [Assignment::Ready]);
    }

    #[test]
    fn a_watchdog_may_be_taken_away() {
        for never in ["0", "18446744073709551615"] {
            let text = format!("WATCHDOG_USEC={never}");
            let expected = [Assignment::WatchdogEvery(None)];
            assert_eq!(parse(text.as_bytes()), expected);
        }
    }

    #[test]
    fn a_status_is_one_line_of_text() {
        for (text, status) in [
            (&b"STATUS="[..], ""),
            (b"STATUS=  two words \t", "two words"),
            (b"STATUS=\x1b[2Jgone\rover", "\u{20}[2Jgone over"),
            (b"STATUS=caf\xc3\xa9 \xff", "café \u{fffd}"),
        ] {
            assert_eq!(parse(text), [Assignment::Status(status.to_owned())]);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let lines = bytes.split(|byte| *byte == b'\n').count();
            prop_assert!(parse(&bytes).len() <= lines);
        }

        #[test]
        fn anything_after_a_known_name_is_taken(
            name in prop::sample::select(vec![
                "READY", "RELOADING", "STOPPING", "STATUS", "ERRNO", "WATCHDOG", "WATCHDOG_USEC", "MAINPID",
                "EXTEND_TIMEOUT_USEC",
            ]),
            value in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut line = name.as_bytes().to_vec();
            line.push(b'=');
            line.extend(value);
            for found in parse(&line) {
                match found {
                    Assignment::Status(text) => {
                        prop_assert!(!text.contains(char::is_control));
                    }
                    Assignment::Errno(number) | Assignment::MainPid(number) => prop_assert!(number > 0),
                    Assignment::WatchdogEvery(interval) => {
                        prop_assert_ne!(interval, Some(Duration::ZERO));
                    }
                    Assignment::Ready
                    | Assignment::Reloading
                    | Assignment::Stopping
                    | Assignment::Alive
                    | Assignment::Trigger
                    | Assignment::Extend(_) => {}
                }
            }
        }
    }
}
