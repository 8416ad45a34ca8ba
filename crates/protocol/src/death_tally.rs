//! `supervise/death_tally`: the last deaths of a service, 14 bytes each, the newest last
//! (s6-svdt(1)).

use crate::tai::{PACKED, Tai64n};

/// The length of one record.
pub const RECORD: usize = 14;

/// One death.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Death {
    /// When.
    pub at: Tai64n,
    /// The exit code, or 128 plus the signal's number.
    pub code: u8,
    /// The number of the signal that killed it; 0 when it exited.
    pub signal: u8,
}

impl Death {
    /// The record of it.
    pub fn pack(self) -> [u8; RECORD] {
        let mut packed = [0; RECORD];
        let bytes = self.at.pack().into_iter().chain([self.code, self.signal]);
        packed
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, byte)| *to = byte);
        packed
    }
}

/// The deaths that a file of this content tells of, oldest first. `None` when it is none: its length
/// is no multiple of [`RECORD`].
pub fn unpack(content: &[u8]) -> Option<Vec<Death>> {
    let (records, rest) = content.as_chunks::<RECORD>();
    rest.is_empty().then(|| {
        let death = |record: &[u8; RECORD]| {
            let (at, rest) = record.split_first_chunk::<PACKED>()?;
            let [code, signal] = *rest.first_chunk::<2>()?;
            Some(Death {
                at: Tai64n::unpack(*at),
                code,
                signal,
            })
        };
        records.iter().filter_map(death).collect()
    })
}

/// Whether a file of `size` bytes is one of whole records, and still holds at least one fewer than
/// `most`: then one more death is added at its end.
pub fn has_room(size: u64, most: u32) -> bool {
    let record = RECORD as u64;
    size.is_multiple_of(record) && size / record < u64::from(most)
}

/// The content of the file after one more death, when at most `most` are kept. A file that was
/// damaged begins anew.
pub fn with(content: &[u8], death: Death, most: u32) -> Vec<u8> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut all: Vec<[u8; RECORD]> = content.as_chunks::<RECORD>().0.to_vec();
    if !content.len().is_multiple_of(RECORD) {
        all.clear();
    }
    all.push(death.pack());
    let skipped = all.len().saturating_sub(most);
    all.into_iter().skip(skipped).flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn death(second: u64) -> Death {
        Death {
            at: Tai64n::from_unix(Duration::from_secs(second)),
            code: 137,
            signal: 9,
        }
    }

    #[test]
    fn records_are_those_of_s6() {
        let file = with(b"", death(1), 100);
        assert_eq!(file.len(), RECORD);
        assert_eq!(file[12..], [0x89, 0x09]);
        assert_eq!(unpack(&file), Some(vec![death(1)]));
        assert_eq!(unpack(b""), Some(Vec::new()));
        assert_eq!(unpack(&file[..13]), None);
    }

    #[test]
    fn one_is_added_as_long_as_there_are_fewer_than_are_kept() {
        assert!(has_room(0, 1));
        assert!(!has_room(0, 0));
        assert!(!has_room(14, 1));
        assert!(has_room(14, 2));
        assert!(!has_room(13, 100), "damaged");
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut file = Vec::new();
        for second in 1..=5 {
            file = with(&file, death(second), 3);
        }
        assert_eq!(unpack(&file), Some(vec![death(3), death(4), death(5)]));
        assert_eq!(with(&file, death(6), 0), b"");
        assert_eq!(unpack(&with(&file[1..], death(6), 3)), Some(vec![death(6)]));
    }
}
