//! Local time, by the C library: `TZ`, or else `/etc/localtime`, as all programs of the image see it.
//!
//! Called from applets.

use std::mem::MaybeUninit;

/// A moment in local time, as far as seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// The year.
    pub year: i64,
    /// The month, from 1.
    pub month: u32,
    /// The day of the month, from 1.
    pub day: u32,
    /// The hour.
    pub hour: u32,
    /// The minute.
    pub minute: u32,
    /// The second.
    pub second: u32,
}

/// The second that lies `seconds` after the beginning of 1970 in UTC, in local time; `None` where its
/// year has no number.
#[must_use]
pub fn local(seconds: u64) -> Option<Parts> {
    let seconds = libc::time_t::try_from(seconds).ok()?;
    broken_down(|parts| {
        // SAFETY: both point to memory of their types that outlives the call.
        unsafe { !libc::localtime_r(&raw const seconds, parts.as_mut_ptr()).is_null() }
    })
}

/// The same in UTC.
#[must_use]
pub fn utc(seconds: u64) -> Option<Parts> {
    let seconds = libc::time_t::try_from(seconds).ok()?;
    broken_down(|parts| {
        // SAFETY: both point to memory of their types that outlives the call.
        unsafe { !libc::gmtime_r(&raw const seconds, parts.as_mut_ptr()).is_null() }
    })
}

fn broken_down(fill: impl FnOnce(&mut MaybeUninit<libc::tm>) -> bool) -> Option<Parts> {
    let mut parts = MaybeUninit::zeroed();
    if !fill(&mut parts) {
        return None;
    }
    // SAFETY: plain data, zeroed at first and then filled by the C library.
    let parts = unsafe { parts.assume_init() };
    let number = |number: libc::c_int| u32::try_from(number).unwrap_or_default();
    Some(Parts {
        year: i64::from(parts.tm_year) + 1900,
        month: number(parts.tm_mon) + 1,
        day: number(parts.tm_mday),
        hour: number(parts.tm_hour),
        minute: number(parts.tm_min),
        second: number(parts.tm_sec),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_broken_down() {
        let parts = utc(1_795_453_622).unwrap();
        assert_eq!((parts.year, parts.month, parts.day), (2026, 11, 23));
        assert_eq!((parts.hour, parts.minute, parts.second), (17, 7, 2));
        // Wherever this runs, the minutes of half the world are those of UTC; the year is.
        assert_eq!(local(1_795_453_622).unwrap().year, 2026);
        assert_eq!(utc(u64::MAX), None);
        assert_eq!(local(1 << 62), None);
    }
}
