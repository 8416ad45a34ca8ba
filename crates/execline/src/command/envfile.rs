//! `envfile`, and the format of its files (execline.md D4.1).

use super::{Command, Scope, command};
use crate::{Fault, Step, Word, Words};

pub(super) const COMMANDS: &[Command] = &[command("envfile", envfile)];

const ENVFILE: &str = "envfile [ -i | -I ] file prog...";

fn envfile(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let usage = || Fault::usage(ENVFILE);
    let mut args = scope.args(words);
    let mut may_be_missing = false;
    args.options("iI", |given| {
        may_be_missing = given.letter == b'I';
        Ok(())
    })
    .map_err(|_| usage())?;
    let file = args.word().ok_or_else(usage)?;
    let rest = scope.rest(args);
    if rest.is_empty() {
        return Err(usage());
    }
    Ok(Step::EnvFile {
        file,
        may_be_missing,
        rest,
    })
}

/// Reads a file of variables: their names and values, in order; a name may come several times. A NUL
/// byte ends it, as the end of `bytes` does.
///
/// # Errors
/// The line, counted from 1, in which something is wrong.
pub fn parse(bytes: &[u8]) -> Result<Vec<(Word, Word)>, usize> {
    let end = bytes.iter().position(|byte| *byte == 0);
    let (bytes, _) = bytes.split_at(end.unwrap_or(bytes.len()));
    let mut reader = Reader { bytes, line: 1 };
    reader.variables().ok_or(reader.line)
}

/// What is left of a file. Reading gives `None` for an error in the present line.
struct Reader<'a> {
    bytes: &'a [u8],
    line: usize,
}

impl Reader<'_> {
    fn variables(&mut self) -> Option<Vec<(Word, Word)>> {
        let mut variables = Vec::new();
        loop {
            self.skip_while(is_blank);
            match self.bytes.first() {
                None => return Some(variables),
                Some(b'\n') => {
                    self.next();
                }
                Some(b'#') => self.skip_while(|byte| byte != b'\n'),
                Some(_) => {
                    let key = self.key()?;
                    self.skip_while(is_blank);
                    variables.push((key, self.value()?));
                }
            }
        }
    }

    /// A name, up to its `=`.
    fn key(&mut self) -> Option<Word> {
        let end = |byte: &u8| {
            is_blank(*byte) || matches!(byte, b'=' | b'\n' | b'\\' | b'"' | b'\'' | b'?')
        };
        let key = self.bytes.get(..self.bytes.iter().position(end)?)?;
        let key = (!key.is_empty()).then(|| key.to_vec())?;
        self.bytes = self.bytes.get(key.len()..)?;
        self.skip_while(is_blank);
        self.bytes = self.bytes.strip_prefix(b"=")?;
        Some(key)
    }

    /// A value, up to the end of its line.
    fn value(&mut self) -> Option<Word> {
        let mut value = Word::new();
        // How much of it is not blanks that may turn out to be at the end.
        let mut kept = 0;
        loop {
            match self.bytes.first() {
                None | Some(b'\n') => break,
                Some(b'"') => {
                    self.next();
                    self.quoted(&mut value)?;
                    kept = value.len();
                }
                Some(b'\\') => {
                    self.next();
                    match self.next()? {
                        b'\n' => {}
                        byte if is_blank(byte) || matches!(byte, b'\\' | b'"') => value.push(byte),
                        _ => return None,
                    }
                    kept = value.len();
                }
                Some(byte) => {
                    value.push(*byte);
                    if !is_blank(*byte) {
                        kept = value.len();
                    }
                    self.next();
                }
            }
        }
        value.truncate(kept);
        // No variable can hold what is behind a NUL, which an escape can make.
        value.truncate(value.iter().position(|byte| *byte == 0).unwrap_or(kept));
        Some(value)
    }

    /// What follows an opening quote, up to and with the closing one.
    fn quoted(&mut self, value: &mut Word) -> Option<()> {
        loop {
            match self.bytes.first()? {
                b'\n' => return None,
                b'"' => {
                    self.next();
                    return Some(());
                }
                b'\\' => {
                    self.next();
                    value.extend(self.escape()?);
                }
                byte => {
                    value.push(*byte);
                    self.next();
                }
            }
        }
    }

    /// What a backslash in quotes makes with what follows it: a byte, or nothing for a line's end.
    fn escape(&mut self) -> Option<Option<u8>> {
        Some(Some(match self.next()? {
            b'\n' => return Some(None),
            b'a' => 7,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 11,
            b'f' => 12,
            b'r' => b'\r',
            b'x' => {
                let high = self.digit(16)?;
                let low = self.digit(16)?;
                high * 16 + low
            }
            first @ b'0'..=b'7' => {
                let mut byte = first - b'0';
                for _ in 0..2 {
                    let Some(digit) = self.digit(8) else { break };
                    // Of what is beyond a byte the lower bits count.
                    byte = byte.wrapping_mul(8).wrapping_add(digit);
                }
                byte
            }
            other => other,
        }))
    }

    /// The digit that comes next, if it is one.
    fn digit(&mut self, radix: u32) -> Option<u8> {
        let digit = char::from(*self.bytes.first()?).to_digit(radix)?;
        self.next();
        u8::try_from(digit).ok()
    }

    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.bytes.first().is_some_and(|byte| wanted(*byte)) {
            self.next();
        }
    }

    fn next(&mut self) -> Option<u8> {
        let (byte, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        if *byte == b'\n' {
            self.line = self.line.saturating_add(1);
        }
        Some(*byte)
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | 12)
}

#[cfg(test)]
mod tests;
