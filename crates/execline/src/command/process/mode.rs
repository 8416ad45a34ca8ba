//! Masks for the modes of new files: octal and in letters (umask(1p)).

use crate::command::arguments::split_while;
use crate::fault::code;
use crate::{Fault, Word};

const ALL: u32 = 0o777;

/// The mask that an octal number is; `None` for what is none of 32 bits. Bits that a mask has not are
/// dropped.
pub(super) fn octal(value: &[u8]) -> Option<u32> {
    let is_octal = !value.is_empty() && value.iter().all(|byte| matches!(byte, b'0'..=b'7'));
    let text = std::str::from_utf8(value).ok()?;
    let mask = is_octal.then(|| u32::from_str_radix(text, 8).ok())?;
    mask.map(|mask| mask & ALL)
}

/// The mask after `mode` was applied to `mask`: an octal number is the new one, letters change what
/// it lets through. A clause without an action changes nothing, as `s` and `t` do; `X` is `x`.
///
/// # Errors
/// `invalid mode string`, exit code 1.
pub fn apply_mode(mode: &[u8], mask: u32) -> Result<u32, Fault> {
    let changed = if mode.first().is_some_and(u8::is_ascii_digit) {
        octal(mode)
    } else {
        symbolic(mode, !mask & ALL).map(|allowed| !allowed & ALL)
    };
    changed.ok_or_else(|| Fault::fatal("invalid mode string", code::FAILED))
}

/// What is let through after the clauses, one after the other.
fn symbolic(mode: &[u8], mut allowed: u32) -> Option<u32> {
    for clause in mode.split(|byte| *byte == b',') {
        let (who, actions) = split_while(clause, |byte| b"ugoa".contains(byte));
        let who = match who {
            [] => ALL,
            who => who.iter().fold(0, |bits, who| bits | bits_of(*who)),
        };
        let mut rest = actions;
        while let Some((action, behind)) = rest.split_first() {
            let (bits, behind) = permissions(behind, allowed)?;
            let bits = bits & who;
            allowed = match action {
                b'+' => allowed | bits,
                b'-' => allowed & !bits,
                b'=' => allowed & !who | bits,
                _ => return None,
            };
            rest = behind;
        }
    }
    Some(allowed)
}

fn bits_of(who: u8) -> u32 {
    match who {
        b'u' => 0o700,
        b'g' => 0o070,
        b'o' => 0o007,
        _ => ALL,
    }
}

/// The permissions at the beginning of what is behind an action, for everybody, and what follows: one
/// letter whose permissions are copied, or any number of those that name some.
fn permissions(letters: &[u8], allowed: u32) -> Option<(u32, &[u8])> {
    if let Some((who @ (b'u' | b'g' | b'o'), behind)) = letters.split_first() {
        let copied = match who {
            b'u' => allowed >> 6,
            b'g' => allowed >> 3,
            _ => allowed,
        };
        return Some(((copied & 7) * 0o111, behind));
    }
    let (letters, behind) = split_while(letters, |byte| !b"+-=".contains(byte));
    let mut bits = 0;
    for letter in letters {
        bits |= match letter {
            b'r' => 0o444,
            b'w' => 0o222,
            b'x' | b'X' => 0o111,
            b's' | b't' => 0,
            _ => return None,
        };
    }
    Some((bits, behind))
}

/// A mask as `posix-umask` shows it, without a newline: `0022`, or what it lets through in letters,
/// `u=rwx,g=rx,o=rx`.
#[must_use]
pub fn format_mask(mask: u32, symbolic: bool) -> Word {
    if !symbolic {
        return format!("{:04o}", mask & ALL).into();
    }
    let shown = [("u", 6), ("g", 3), ("o", 0)].map(|(who, shift)| {
        let allowed = !mask >> shift;
        let letters = [("r", 4), ("w", 2), ("x", 1)];
        let letters = letters
            .iter()
            .filter(|(_, bit)| allowed & bit != 0)
            .map(|(letter, _)| *letter);
        format!("{who}={}", letters.collect::<String>())
    });
    shown.join(",").into()
}
