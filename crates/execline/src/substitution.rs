//! Putting values into words: `$key` and `${key}` (execline.md D2.1, D2.2).
//!
//! One pass replaces all references of a substitution at once; what was put in is not looked at
//! again. A value may be several words: a word with a reference to it is repeated for each, and with
//! several such references for each combination, the left one changing slowest.
//!
//! A few references in a short word can ask for more words than there are atoms. What no kernel could
//! pass to a program anyway is not built ([`TooLong`]).

use std::collections::HashMap;
use std::ops::RangeInclusive;

use crate::{Fault, Word, Words};

/// More than any Linux passes to a program: execve(2) takes at most 6 MiB, of words with their NUL
/// and of pointers to them.
const LIMIT: usize = 6 * 1024 * 1024;

/// What is put in for which key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Substitution {
    values: HashMap<Word, Words>,
    /// These numbers stand for one empty word each.
    empty: Option<RangeInclusive<u32>>,
}

/// A key that cannot be added: it is empty, or has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadKey;

/// The words would be more than execve(2) takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooLong {
    /// The first of them.
    pub program: Word,
}

impl From<TooLong> for Fault {
    fn from(too_long: TooLong) -> Self {
        Self::too_long(&too_long.program)
    }
}

impl Substitution {
    /// Adds a value, of no word, one, or many. A key with a `$`, `{`, `}` or backslash in it is taken,
    /// and never found.
    ///
    /// # Errors
    /// [`BadKey`].
    pub fn add(&mut self, key: Word, value: Words) -> Result<(), BadKey> {
        self.check(&key)?;
        self.values.insert(key, value);
        Ok(())
    }

    /// Whether a value can be added for `key`.
    ///
    /// # Errors
    /// [`BadKey`].
    pub fn check(&self, key: &[u8]) -> Result<(), BadKey> {
        if key.is_empty() || self.values.contains_key(key) || self.stands_for_empty(key) {
            return Err(BadKey);
        }
        Ok(())
    }

    /// Lets `numbers` stand for one empty word each: positional parameters
    /// that were not given. To be called once.
    ///
    /// # Errors
    /// [`BadKey`] if one of them has a value.
    pub fn fill(&mut self, numbers: RangeInclusive<u32>) -> Result<(), BadKey> {
        self.empty = Some(numbers);
        let mut keys = self.values.keys();
        if keys.any(|key| self.stands_for_empty(key)) {
            return Err(BadKey);
        }
        Ok(())
    }

    /// `words` with the values in the place of the references.
    ///
    /// # Errors
    /// [`TooLong`].
    pub fn apply(&self, words: Words) -> Result<Words, TooLong> {
        let mut done = Words::with_capacity(words.len());
        let mut room = LIMIT;
        for word in words {
            match self.word(&word, &mut room) {
                Ok(made) => done.extend(made),
                Err(Full) => {
                    let program = done.into_iter().next().unwrap_or(word);
                    return Err(TooLong { program });
                }
            }
        }
        Ok(done)
    }

    /// What becomes of one word; `room` is what it may take of [`LIMIT`], and less afterwards.
    fn word(&self, word: &[u8], room: &mut usize) -> Result<Words, Full> {
        let mut made = Made::new(*room);
        // What is the same in all words made of this one, and not yet in `made`.
        let mut text = Word::new();
        let mut left = word;
        while !left.is_empty() {
            let backslashes = left.iter().take_while(|byte| **byte == b'\\').count();
            let (quotes, behind) = left.split_at(backslashes);
            if let Some((key, length)) = reference(behind)
                && let Some(value) = self.value(key)
            {
                let (whole, behind) = behind.split_at(length);
                text.extend(quotes.iter().skip(backslashes.div_ceil(2)));
                left = behind;
                if backslashes % 2 == 1 {
                    text.extend_from_slice(whole);
                } else {
                    match value {
                        [] => return Ok(Words::new()),
                        [one] => text.extend_from_slice(one),
                        many => {
                            made.append(&std::mem::take(&mut text))?;
                            made.multiply(many)?;
                        }
                    }
                }
            } else {
                // No reference, or none of ours: the backslashes, or else one byte, stay.
                let (same, behind) = left.split_at(backslashes.max(1));
                text.extend_from_slice(same);
                left = behind;
            }
            if text.len() > *room {
                return Err(Full);
            }
        }
        made.append(&text)?;
        *room = room.saturating_sub(made.size);
        Ok(made.words)
    }

    fn value(&self, key: &[u8]) -> Option<&[Word]> {
        const EMPTY: &[Word] = &[Word::new()];
        let value = self.values.get(key).map(Vec::as_slice);
        value.or_else(|| self.stands_for_empty(key).then_some(EMPTY))
    }

    fn stands_for_empty(&self, key: &[u8]) -> bool {
        let Some(empty) = self.empty.as_ref().filter(|_| key.first() != Some(&b'0')) else {
            return false;
        };
        crate::options::number(key).is_some_and(|number| empty.contains(&number))
    }
}

/// There is no room for more.
#[derive(Debug)]
struct Full;

/// The words made of one word, as far as it is read.
struct Made {
    words: Words,
    /// What they take of [`LIMIT`].
    size: usize,
    /// What they may take.
    room: usize,
}

impl Made {
    fn new(room: usize) -> Self {
        Self {
            words: vec![Word::new()],
            size: size_of_word(&[]),
            room,
        }
    }

    /// Puts `text` behind each of the words.
    fn append(&mut self, text: &[u8]) -> Result<(), Full> {
        let more = text.len().saturating_mul(self.words.len());
        self.grow_to(self.size.saturating_add(more))?;
        for word in &mut self.words {
            word.extend_from_slice(text);
        }
        Ok(())
    }

    /// Repeats each of the words for each of `choices`, which it gets behind it.
    fn multiply(&mut self, choices: &[Word]) -> Result<(), Full> {
        let text: usize = choices.iter().map(Vec::len).sum();
        let before = self.size.saturating_mul(choices.len());
        let more = text.saturating_mul(self.words.len());
        self.grow_to(before.saturating_add(more))?;
        let words = self.words.iter();
        self.words = words
            .flat_map(|word| choices.iter().map(|choice| [&word[..], choice].concat()))
            .collect();
        Ok(())
    }

    fn grow_to(&mut self, size: usize) -> Result<(), Full> {
        if size > self.room {
            return Err(Full);
        }
        self.size = size;
        Ok(())
    }
}

/// What a word takes of [`LIMIT`].
fn size_of_word(word: &[u8]) -> usize {
    word.len() + 1 + size_of::<usize>()
}

/// The key of the reference that `bytes` begin with, and the length of the reference.
fn reference(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let behind = bytes.strip_prefix(b"$")?;
    let (key, braces) = match behind.strip_prefix(b"{") {
        Some(inside) => (inside, 2),
        None => (behind, 0),
    };
    let end = key
        .iter()
        .position(|byte| matches!(byte, b'\\' | b'$' | b'{' | b'}'));
    // In braces the key has to end at the closing one.
    if braces > 0 && end.and_then(|end| key.get(end)) != Some(&b'}') {
        return None;
    }
    let key = key.get(..end.unwrap_or(key.len()))?;
    Some((key, 1 + key.len() + braces))
}

#[cfg(test)]
mod tests;
