//! `supervise/status`: 35 bytes that say what a service is doing (s6-svstat(1); the layout of s6
//! 2.11 and, again, of 2.14 and later).

use crate::tai::{PACKED, Tai64n};

/// The length of the file.
pub const LENGTH: usize = 35;
/// The length that it has with s6 2.13, which writes the process group too, after `pid`.
const LENGTH_WITH_GROUP: usize = 43;
const PAUSED: u8 = 1;
const FINISHING: u8 = 2;
const WANTED_UP: u8 = 4;
const READY: u8 = 8;

/// How a process ended, as waitpid(2) tells it: exit code in the high byte, signal in the low seven
/// bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WaitStatus(pub u16);

impl WaitStatus {
    /// That of a process that exited with `code`, of which the low eight bits count.
    pub fn exited(code: i32) -> Self {
        Self(u16::from(code.to_le_bytes()[0]) << 8)
    }

    /// That of a process that the signal of this number killed.
    pub fn killed(signal: i32) -> Self {
        Self(u16::from(signal.to_le_bytes()[0] & 0x7f))
    }

    /// The exit code, if it was not a signal.
    pub fn code(self) -> Option<u8> {
        let [code, _] = self.0.to_be_bytes();
        (self.0 & 0x7f == 0).then_some(code)
    }

    /// The signal's number, if it was one.
    pub fn signal(self) -> Option<u8> {
        let [_, low] = self.0.to_be_bytes();
        Some(low & 0x7f).filter(|signal| *signal != 0)
    }
}

/// What the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Status {
    /// The last change: when `run` started, or when it died.
    pub changed: Tai64n,
    /// When the service last became ready; while it is down, when its finish script was over.
    pub ready_since: Tai64n,
    /// The process of `run`, or of `finish` while that runs; 0 when there is none.
    pub pid: u64,
    /// How `run` last ended.
    pub exit: WaitStatus,
    /// It was stopped by `s6-svc -p`. Before the first start: it has not been started yet.
    pub paused: bool,
    /// `pid` is that of the finish script.
    pub finishing: bool,
    /// It is meant to be up.
    pub wanted_up: bool,
    /// Up: it announced its readiness. Down: its finish script is over.
    pub ready: bool,
}

impl Status {
    /// The contents of the file.
    pub fn pack(&self) -> [u8; LENGTH] {
        let mut packed = [0; LENGTH];
        let flags = [
            (self.paused, PAUSED),
            (self.finishing, FINISHING),
            (self.wanted_up, WANTED_UP),
            (self.ready, READY),
        ];
        let flags = flags
            .into_iter()
            .filter(|(is_set, _)| *is_set)
            .fold(0, |all, (_, flag)| all | flag);
        let bytes = (self.changed.pack().into_iter())
            .chain(self.ready_since.pack())
            .chain(self.pid.to_be_bytes())
            .chain(self.exit.0.to_be_bytes())
            .chain([flags]);
        packed
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, byte)| *to = byte);
        packed
    }

    /// What a file of this content says; `None` when it is too short to be one. That of s6 2.13 is
    /// understood too, and its process group, which is `pid`, left out.
    pub fn unpack(content: &[u8]) -> Option<Self> {
        let (changed, rest) = content.split_first_chunk::<PACKED>()?;
        let (ready_since, rest) = rest.split_first_chunk::<PACKED>()?;
        let (pid, rest) = rest.split_first_chunk::<8>()?;
        let rest = match content.len() {
            LENGTH_WITH_GROUP => rest.get(8..)?,
            _ => rest,
        };
        let (exit, rest) = rest.split_first_chunk::<2>()?;
        let flags = *rest.first()?;
        Some(Self {
            changed: Tai64n::unpack(*changed),
            ready_since: Tai64n::unpack(*ready_since),
            pid: u64::from_be_bytes(*pid),
            exit: WaitStatus(u16::from_be_bytes(*exit)),
            paused: flags & PAUSED != 0,
            finishing: flags & FINISHING != 0,
            wanted_up: flags & WANTED_UP != 0,
            ready: flags & READY != 0,
        })
    }

    /// Whether `run` is alive.
    pub fn is_up(&self) -> bool {
        self.pid != 0 && !self.finishing
    }

    /// Whether it was never started since its supervision began.
    pub fn is_fresh(&self) -> bool {
        self.pid == 0 && self.paused
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_layout_is_that_of_s6() {
        let status = Status {
            changed: Tai64n::from_unix(Duration::from_secs(1)),
            ready_since: Tai64n::from_unix(Duration::from_secs(2)),
            pid: 0x0102,
            exit: WaitStatus::killed(15),
            wanted_up: true,
            ready: true,
            ..Status::default()
        };
        let packed = status.pack();
        assert_eq!(packed[..9], [0x40, 0, 0, 0, 0, 0, 0, 38, 0]);
        assert_eq!(packed[19], 39);
        assert_eq!(packed[24..], [0, 0, 0, 0, 0, 0, 1, 2, 0, 15, 12]);
        assert_eq!(Status::unpack(&packed), Some(status));
        assert_eq!(Status::unpack(&packed[..34]), None);
        assert_eq!(Status::unpack(b""), None);
    }

    #[test]
    fn the_longer_layout_is_understood() {
        let status = Status {
            pid: 9,
            exit: WaitStatus::exited(3),
            ready: true,
            ..Status::default()
        };
        let mut longer = status.pack().to_vec();
        longer.splice(32..32, 9_u64.to_be_bytes());
        assert_eq!(Status::unpack(&longer), Some(status));
        assert_eq!(Status::unpack(&longer[..34]), None);
    }

    #[test]
    fn every_flag_survives() {
        for flags in 0..16_u8 {
            let status = Status {
                paused: flags & 1 != 0,
                finishing: flags & 2 != 0,
                wanted_up: flags & 4 != 0,
                ready: flags & 8 != 0,
                ..Status::default()
            };
            let packed = status.pack();
            assert_eq!(packed[34], flags);
            assert_eq!(Status::unpack(&packed), Some(status));
        }
    }

    #[test]
    fn ends_are_told_apart() {
        assert_eq!(WaitStatus::exited(3).code(), Some(3));
        assert_eq!(WaitStatus::exited(3).signal(), None);
        assert_eq!(WaitStatus::exited(256).code(), Some(0));
        assert_eq!(WaitStatus::killed(64).signal(), Some(64));
        assert_eq!(WaitStatus::killed(9).code(), None);
        assert_eq!(WaitStatus::exited(7).0, 0x0700);
    }
}
