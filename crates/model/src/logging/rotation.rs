//! When a log directory begins a new file, what full ones are called, and which of them go (s6.md
//! B5.1, B5.2).

use std::time::Duration;

/// The limits of a file's size, in bytes; others are taken to them.
const SMALLEST: u32 = 4096;
const LARGEST: u32 = 268_435_455;

/// What a log directory keeps. The default is s6-log's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// How many full files are kept (`n`).
    pub keep: u32,
    /// How many bytes all of them may have together (`S`); 0 is without limit.
    pub total: u64,
    /// How long to wait before what has failed is tried again (`r`).
    pub retry: Duration,
    /// After how much time a file is full, whatever its size (`R`).
    pub interval: Option<Duration>,
    /// How many bytes make a file full (`s`).
    size: u32,
    /// How many less may do (`l`).
    tolerance: u32,
}

impl Default for Rotation {
    fn default() -> Self {
        Self {
            keep: 10,
            total: 0,
            retry: Duration::from_secs(2),
            interval: None,
            size: 99_999,
            tolerance: 2000,
        }
    }
}

impl Rotation {
    /// Sets the size of a file, in bytes, as near as it is allowed.
    pub fn set_size(&mut self, size: u32) {
        self.size = size.clamp(SMALLEST, LARGEST);
    }

    /// Sets the tolerance, in bytes; whether it is no more than half the size, else nothing is set.
    pub fn set_tolerance(&mut self, tolerance: u32) -> bool {
        let fits = tolerance <= self.size / 2;
        if fits {
            self.tolerance = tolerance;
        }
        fits
    }

    /// Whether a file of `size` bytes is full.
    #[must_use]
    pub fn is_full(&self, size: u64) -> bool {
        // The size may have been set after the tolerance.
        let least = self.size.saturating_sub(self.tolerance).max(1);
        size >= u64::from(least)
    }
}

/// How the file that is kept came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It is whole, and went through the processor if there is one: `.s`.
    Whole,
    /// Who wrote it was interrupted: `.u`.
    Interrupted,
}

/// The name of a file that is kept, from the 24 digits of the TAI64N label of now.
#[must_use]
pub fn archive_name(digits: &[u8], ending: Ending) -> String {
    let letter = match ending {
        Ending::Whole => 's',
        Ending::Interrupted => 'u',
    };
    format!("@{}.{letter}", String::from_utf8_lossy(digits))
}

/// Whether a file of this name is one that was kept.
#[must_use]
pub fn is_archive(name: &[u8]) -> bool {
    match name {
        [b'@', digits @ .., b'.', b's' | b'u'] => {
            digits.len() == 24 && digits.iter().all(u8::is_ascii_hexdigit)
        }
        _ => false,
    }
}

/// A file that was kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Archive {
    /// Its name, which tells its age.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
}

/// Those that are too many, the oldest first.
#[must_use]
pub fn surplus(mut archives: Vec<Archive>, rotation: &Rotation) -> Vec<Archive> {
    archives.sort_unstable();
    let keep = usize::try_from(rotation.keep).unwrap_or(usize::MAX);
    let mut total: u64 = archives.iter().map(|archive| archive.size).sum();
    let mut gone = archives.len().saturating_sub(keep);
    for (number, archive) in archives.iter().enumerate() {
        let is_much = rotation.total > 0 && total > rotation.total;
        if number >= gone && !is_much {
            break;
        }
        gone = gone.max(number + 1);
        total -= archive.size;
    }
    archives.truncate(gone);
    archives
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(sizes: &[u64]) -> Vec<Archive> {
        let name = |number: usize| archive_name(format!("{number:024x}").as_bytes(), Ending::Whole);
        let sizes = sizes.iter().enumerate();
        sizes
            .map(|(number, size)| Archive {
                name: name(number),
                size: *size,
            })
            .collect()
    }

    #[test]
    fn sizes_are_kept_in_bounds_and_tolerated() {
        let mut rotation = Rotation::default();
        assert!(!rotation.is_full(97_998));
        assert!(rotation.is_full(97_999));
        rotation.set_size(1);
        assert!(!rotation.is_full(2095));
        assert!(rotation.is_full(2096), "F64: s4096");
        assert!(!rotation.set_tolerance(2049));
        assert!(rotation.set_tolerance(0));
        assert!(!rotation.is_full(4095));
        rotation.set_size(u32::MAX);
        assert!(rotation.set_tolerance(100_000_000));
        rotation.set_size(4096);
        assert!(!rotation.is_full(0), "an empty file is never full");
        assert!(rotation.is_full(1));
    }

    #[test]
    fn names_tell_how_files_ended() {
        let digits = b"400000006b0472db3534b048";
        let whole = archive_name(digits, Ending::Whole);
        assert_eq!(whole, "@400000006b0472db3534b048.s");
        let interrupted = archive_name(digits, Ending::Interrupted);
        assert!(is_archive(whole.as_bytes()) && is_archive(interrupted.as_bytes()));
        for name in [
            "@400000006b0472db3534b048.t",
            "@400000006b0472db3534b04.s",
            "400000006b0472db3534b048.s",
            "@400000006b0472db3534b04g.u",
            "current",
            "",
        ] {
            assert!(!is_archive(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn the_oldest_go() {
        let names = |sizes: &[u64], keep, total| {
            let mut rotation = Rotation::default();
            (rotation.keep, rotation.total) = (keep, total);
            surplus(of(sizes), &rotation).len()
        };
        assert_eq!(names(&[1; 5], 3, 0), 2);
        assert_eq!(names(&[1; 5], 0, 0), 5);
        assert_eq!(names(&[100, 100, 100, 100, 100, 1], 10, 250), 3);
        assert_eq!(names(&[5], 10, 4), 1);
        assert_eq!(names(&[5], 10, 5), 0);
        assert_eq!(names(&[], 0, 1), 0);
    }

    proptest! {
        #[test]
        fn what_is_kept_is_within_its_limits(sizes in proptest::collection::vec(0..50_u64, 0..12), keep in 0..12_u32, total in 0..200_u64) {
            let rotation = Rotation { keep, total, ..Rotation::default() };
            let gone = surplus(of(&sizes), &rotation).len();
            let kept = &sizes[gone..];
            let fits = |kept: &[u64]| kept.len() <= keep as usize && (total == 0 || kept.iter().sum::<u64>() <= total);
            prop_assert!(fits(kept));
            prop_assert!(gone == 0 || !fits(&sizes[gone - 1..]), "one more would have fitted");
        }
    }
}
