//! What is written around a line: the moment in local time, alerts and status files (s6.md B5.1).

/// A moment in local time, as far as seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LocalTime {
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

/// The length of `YYYY-MM-DD HH:MM:SS.nnnnnnnnn` in bytes.
pub const LOCAL_LENGTH: usize = 29;

/// `YYYY-MM-DD HH:MM:SS.nnnnnnnnn`, as `T` puts it before a line. Numbers that do not fit lose their
/// first digits.
#[must_use]
pub fn local_stamp(time: LocalTime, nanoseconds: u32) -> [u8; LOCAL_LENGTH] {
    let mut stamp = *b"0000-00-00 00:00:00.000000000";
    let year = u32::try_from(time.year.rem_euclid(10_000)).unwrap_or_default();
    let parts = [
        (0..4, year),
        (5..7, time.month),
        (8..10, time.day),
        (11..13, time.hour),
        (14..16, time.minute),
        (17..19, time.second),
        (20..29, nanoseconds),
    ];
    for (place, mut number) in parts {
        for digit in stamp.get_mut(place).into_iter().flatten().rev() {
            *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
        }
    }
    stamp
}

/// How much longer than the limit of an alert a line has to be to be cut: as much as the dots take
/// that tell of it.
const DOTS: &[u8] = b"...";

/// What an alert has of `line`, and what stands behind it. 0 is without limit.
#[must_use]
pub fn alerted(line: &[u8], limit: usize) -> (&[u8], &'static [u8]) {
    let is_long = limit > 0 && line.len() > limit.saturating_add(DOTS.len());
    match line.get(..limit) {
        Some(begin) if is_long => (begin, DOTS),
        Some(_) | None => (line, b""),
    }
}

/// Makes of `line`, stamps and prefix included, what a status file of `size` bytes holds: filled up
/// with newlines, or cut; with 0, the line and a newline.
pub fn status(line: &mut Vec<u8>, size: usize) {
    if size == 0 {
        line.push(b'\n');
    } else {
        line.resize(size, b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_time_is_written_in_full() {
        let time = LocalTime {
            year: 2026,
            month: 1,
            day: 2,
            hour: 3,
            minute: 4,
            second: 60,
        };
        let stamp =
            |time, nanoseconds| String::from_utf8(local_stamp(time, nanoseconds).to_vec()).unwrap();
        assert_eq!(stamp(time, 892_645_448), "2026-01-02 03:04:60.892645448");
        assert_eq!(stamp(time, 7), "2026-01-02 03:04:60.000000007");
        let odd = LocalTime {
            year: -1,
            month: u32::MAX,
            ..time
        };
        assert_eq!(stamp(odd, u32::MAX), "9999-95-02 03:04:60.294967295");
    }

    #[test]
    fn alerts_are_cut_when_that_makes_them_shorter() {
        assert_eq!(alerted(b"xxxxxxxx", 5), (&b"xxxxxxxx"[..], &b""[..]));
        assert_eq!(alerted(b"xxxxxxxxx", 5), (&b"xxxxx"[..], DOTS));
        assert_eq!(alerted(b"xxxxxxxxx", 0), (&b"xxxxxxxxx"[..], &b""[..]));
        assert_eq!(alerted(b"xxxxxxxxx", usize::MAX).1, b"");
    }

    #[test]
    fn status_files_have_their_size() {
        let filled = |line: &[u8], size| {
            let mut content = line.to_vec();
            status(&mut content, size);
            content
        };
        assert_eq!(filled(b"foo", 5), b"foo\n\n");
        assert_eq!(filled(b"fo", 0), b"fo\n");
        assert_eq!(filled(b"a-long-line", 5), b"a-lon");
    }
}
