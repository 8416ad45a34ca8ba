//! TAI64N labels: moments as s6 writes them into its files and names (libtai's `tain`).
//!
//! Seconds are counted from 1970 in TAI, which s6 takes to be 37 s ahead of UTC: 10 s from the
//! beginning and 27 leap seconds. Sixteen hexadecimal digits of them, with 2^62 added, and eight of
//! nanoseconds make the label.

use std::time::Duration;

/// How far TAI is ahead of Unix time, in seconds.
const AHEAD: u64 = 37;
/// What is added to the seconds.
const BASE: u64 = 1 << 62;
/// The length of a packed label, in bytes.
pub const PACKED: usize = 12;

/// The length of a label, in hexadecimal digits.
pub const DIGITS: usize = 24;

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tai64n {
    seconds: u64,
    nanoseconds: u32,
}

impl Tai64n {
    /// The moment that lies `since` after the beginning of 1970 in UTC.
    pub fn from_unix(since: Duration) -> Self {
        Self {
            seconds: since.as_secs().saturating_add(AHEAD).saturating_add(BASE),
            nanoseconds: since.subsec_nanos(),
        }
    }

    /// The time since the beginning of 1970 in UTC; zero for moments before it.
    pub fn to_unix(self) -> Duration {
        let seconds = self.seconds.saturating_sub(BASE).saturating_sub(AHEAD);
        Duration::new(seconds, self.nanoseconds.min(999_999_999))
    }

    /// The twelve bytes that stand for it in files: seconds and nanoseconds, big-endian.
    pub fn pack(self) -> [u8; PACKED] {
        let mut packed = [0; PACKED];
        let (seconds, nanoseconds) = packed.split_at_mut(8);
        seconds.copy_from_slice(&self.seconds.to_be_bytes());
        nanoseconds.copy_from_slice(&self.nanoseconds.to_be_bytes());
        packed
    }

    /// The moment that twelve bytes stand for.
    pub fn unpack(packed: [u8; PACKED]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = packed;
        Self {
            seconds: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            nanoseconds: u32::from_be_bytes([i, j, k, l]),
        }
    }

    /// The label without the `@` that text has before it: 24 hexadecimal digits.
    pub fn label(self) -> String {
        format!("{:016x}{:08x}", self.seconds, self.nanoseconds)
    }

    /// The same digits, in ASCII, for those who write one for each line.
    pub fn digits(self) -> [u8; DIGITS] {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; DIGITS];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.pack()) {
            for (digit, half) in pair.iter_mut().zip([byte >> 4, byte & 0xf]) {
                *digit = HEX.get(usize::from(half)).copied().unwrap_or_default();
            }
        }
        digits
    }

    /// The moment that the 24 hexadecimal digits of a label stand for; `None` for what is none, and
    /// for moments before 1970 in TAI or with a second of more than 999999999 nanoseconds.
    pub fn from_digits(digits: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(digits).ok()?;
        let is_label = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (seconds, nanoseconds) = is_label.then(|| text.split_at_checked(16))??;
        let label = Self {
            seconds: u64::from_str_radix(seconds, 16).ok()?,
            nanoseconds: u32::from_str_radix(nanoseconds, 16).ok()?,
        };
        let is_sound = label.seconds >= BASE && label.nanoseconds < 1_000_000_000;
        is_sound.then_some(label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_is_that_of_s6_tai64n() {
        // 2026-11-23 17:07:02.892645448 UTC, as s6-tai64nlocal shows the label of the spec (F75).
        let unix = Duration::new(1_795_453_622, 892_645_448);
        let tai = Tai64n::from_unix(unix);
        assert_eq!(tai.label(), "400000006b0472db3534b048");
        assert_eq!(tai.to_unix(), unix);
        assert_eq!(Tai64n::unpack(tai.pack()), tai);
        assert_eq!(tai.pack()[..4], [0x40, 0, 0, 0]);
    }

    #[test]
    fn digits_are_those_of_the_label_and_are_read_again() {
        let tai = Tai64n::from_unix(Duration::new(1_795_453_622, 892_645_448));
        assert_eq!(tai.digits().as_slice(), tai.label().as_bytes());
        assert_eq!(Tai64n::from_digits(&tai.digits()), Some(tai));
        assert_eq!(Tai64n::from_digits(b"400000006B0472DB3534B048"), Some(tai));
        for wrong in [
            &b"400000006b0472db3534b04"[..],
            b"400000006b0472db3534b0488",
            b"400000006b0472db3534b04g",
            b"+00000006b0472db3534b048",
            b"000000006b0472db3534b048",
            b"400000006b0472dbffffffff",
            b"",
        ] {
            assert_eq!(Tai64n::from_digits(wrong), None);
        }
    }

    #[test]
    fn nothing_makes_it_panic() {
        for byte in [0, 0x7f, 0xff] {
            let tai = Tai64n::unpack([byte; PACKED]);
            let _ = (tai.to_unix(), tai.label());
        }
        assert_eq!(Tai64n::default().to_unix(), Duration::ZERO);
        let _ = Tai64n::from_unix(Duration::MAX);
    }
}
