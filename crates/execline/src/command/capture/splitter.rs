//! A stream as values, for the loops that read.

use crate::fault::code;
use crate::options::number;
use crate::{Fault, Word, Words};

/// How long a value may get. Linux takes no word and no variable of more than 128 KiB, so what is
/// longer could be given to no child; what is beyond this is dropped, and the child still cannot be
/// started.
const LIMIT: usize = 256 * 1024;

/// How many digits the length of a netstring may have.
const DIGITS: usize = 20;

/// How a stream is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Separation {
    /// `-d`, `-0`: each of these bytes ends a value; without any, the values are netstrings.
    pub delimiters: Word,
    /// `-N`: the byte that ends a value is a part of it, and an end of the stream in the middle of a
    /// value ends that too; else such a value is dropped.
    pub keeps_delimiters: bool,
    /// `-C`: a value of nothing but its delimiter is passed over.
    pub skips_empty: bool,
}

impl Default for Separation {
    /// Lines.
    fn default() -> Self {
        Self {
            delimiters: b"\n".to_vec(),
            keeps_delimiters: false,
            skips_empty: false,
        }
    }
}

/// Cuts a stream into values. A value ends before its first NUL, as every word does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Splitter {
    how: Separation,
    /// What was read and is no whole value yet; of a netstring, its text.
    pending: Word,
    netstring: Netstring,
    /// What is wrong behind the values that were given.
    fault: Option<Fault>,
}

/// Where in a netstring the stream is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Netstring {
    /// In the digits.
    Length(Word),
    /// In the text, with so many bytes to come.
    Text(u64),
}

impl Default for Netstring {
    fn default() -> Self {
        Self::Length(Word::new())
    }
}

impl Splitter {
    /// One that cuts so.
    #[must_use]
    pub fn new(how: Separation) -> Self {
        Self {
            how,
            ..Self::default()
        }
    }

    /// Takes the next bytes and gives the values that are whole now.
    ///
    /// # Errors
    /// Bytes that are no netstring, where netstrings are wanted (111). Values before them are given
    /// first; then this is told by the next call.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Words, Fault> {
        let mut values = Words::new();
        for byte in bytes {
            if self.fault.is_some() {
                break;
            }
            if self.how.delimiters.is_empty() {
                self.take_netstring(*byte, &mut values);
            } else {
                self.take(*byte, &mut values);
            }
        }
        match &self.fault {
            Some(fault) if values.is_empty() => Err(fault.clone()),
            Some(_) | None => Ok(values),
        }
    }

    /// What is left at the end, if that is a value too.
    ///
    /// # Errors
    /// As [`Splitter::feed`], and an end in the middle of a netstring.
    pub fn finish(&mut self) -> Result<Option<Word>, Fault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let rest = std::mem::take(&mut self.pending);
        if self.how.delimiters.is_empty() {
            return if std::mem::take(&mut self.netstring) == Netstring::default() {
                Ok(None)
            } else {
                Err(bad_netstring("Broken pipe"))
            };
        }
        let is_value = self.how.keeps_delimiters && !rest.is_empty();
        Ok(is_value.then(|| before_nul(rest)))
    }

    fn take(&mut self, byte: u8, values: &mut Words) {
        let is_end = self.how.delimiters.contains(&byte);
        let is_empty = self.pending.is_empty();
        if !is_end || self.how.keeps_delimiters {
            self.keep(byte);
        }
        if is_end {
            let value = std::mem::take(&mut self.pending);
            if !(is_empty && self.how.skips_empty) {
                values.push(before_nul(value));
            }
        }
    }

    fn take_netstring(&mut self, byte: u8, values: &mut Words) {
        match &mut self.netstring {
            Netstring::Length(digits) if byte == b':' => match number(digits) {
                Some(length) => self.netstring = Netstring::Text(length),
                None => self.fault = Some(bad_netstring("Protocol error")),
            },
            Netstring::Length(digits) if digits.len() < DIGITS => digits.push(byte),
            Netstring::Text(0) if byte == b',' => {
                self.netstring = Netstring::default();
                values.push(before_nul(std::mem::take(&mut self.pending)));
            }
            Netstring::Length(_) | Netstring::Text(0) => {
                self.fault = Some(bad_netstring("Protocol error"));
            }
            Netstring::Text(to_come) => {
                *to_come = to_come.saturating_sub(1);
                self.keep(byte);
            }
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.pending.len() < LIMIT {
            self.pending.push(byte);
        }
    }
}

fn before_nul(mut value: Word) -> Word {
    if let Some(end) = value.iter().position(|byte| *byte == 0) {
        value.truncate(end);
    }
    value
}

fn bad_netstring(reason: &str) -> Fault {
    Fault::fatal(format!("unable to netstring_get: {reason}"), code::SYSTEM)
}
