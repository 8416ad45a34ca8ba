//! From the bytes of a script to an argument vector: words, quotes, escapes, comments and blocks.
//!
//! The rules are those of execlineb(1). A block becomes part of the vector: every word in it gets one
//! blank more in front for each level, and its closing brace becomes the empty word.
//!
//! Deep nesting makes words of nothing but blanks: a script of 20 KB can ask for 50 MB. What no
//! kernel could pass to a program anyway is not kept ([`Script::TooLong`]); the rest of the script
//! is still read, since a syntax error in it counts first.

use crate::Words;

/// More than any Linux passes to a program: execve(2) takes at most 6 MiB.
const LIMIT: usize = 6 * 1024 * 1024;

/// What a script is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Script {
    /// An argument vector; empty for a script of nothing but blanks and comments.
    Words(Words),
    /// It is sound, and longer than any argument vector may be. Its first word.
    TooLong(Vec<u8>),
}

/// What is wrong with a script, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong.
    pub kind: SyntaxErrorKind,
    /// The line, counted from 1.
    pub line: usize,
    /// The byte in the line, counted from 1.
    pub column: usize,
}

/// What can be wrong with a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyntaxErrorKind {
    /// A quote that is not closed, an escape that makes no byte, a backslash or `{` at the end.
    Syntax,
    /// A block that is not closed; the position is that of its brace.
    UnmatchedOpen,
    /// A closing brace without a block.
    UnmatchedClose,
}

impl SyntaxErrorKind {
    /// The words of execlineb for it.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Syntax => "syntax error",
            Self::UnmatchedOpen => "unmatched {",
            Self::UnmatchedClose => "unmatched }",
        }
    }
}

/// Reads a script. A NUL byte ends it, as the end of `script` does.
///
/// # Errors
/// The first thing that is wrong.
pub fn read(script: &[u8]) -> Result<Script, SyntaxError> {
    let end = script.iter().position(|byte| *byte == 0);
    let mut lexer = Lexer {
        script: script
            .get(..end.unwrap_or(script.len()))
            .unwrap_or_default(),
        at: 0,
        open: Vec::new(),
        words: Words::new(),
        size: 0,
    };
    lexer.run()?;
    Ok(if lexer.size > LIMIT {
        Script::TooLong(lexer.words.into_iter().next().unwrap_or_default())
    } else {
        Script::Words(lexer.words)
    })
}

struct Lexer<'a> {
    script: &'a [u8],
    /// The next byte.
    at: usize,
    /// Where the blocks begin that are open.
    open: Vec<usize>,
    words: Words,
    /// How many bytes the vector has, whether they were kept or not.
    size: usize,
}

impl Lexer<'_> {
    fn run(&mut self) -> Result<(), SyntaxError> {
        while let Some(byte) = self.peek(0) {
            match byte {
                0..=b' ' => self.at += 1,
                b'#' => self.skip_line(),
                b'\\' if matches!(self.peek(1), None | Some(b'\n')) => self.at += 2,
                b'{' if self.peek(1).is_none() => return Err(self.error_at(self.at)),
                b'{' if self.peek(1).is_some_and(is_blank) => {
                    self.open.push(self.at);
                    self.at += 1;
                }
                b'}' if self.peek(1).is_none_or(is_blank) => {
                    if self.open.pop().is_none() {
                        return Err(self.error(SyntaxErrorKind::UnmatchedClose, self.at));
                    }
                    self.keep(&[]);
                    self.at += 1;
                }
                _ => self.word()?,
            }
        }
        match self.open.last() {
            Some(brace) => Err(self.error(SyntaxErrorKind::UnmatchedOpen, *brace)),
            None => Ok(()),
        }
    }

    fn word(&mut self) -> Result<(), SyntaxError> {
        let mut word = Vec::new();
        while let Some(byte) = self.peek(0).filter(|byte| !is_blank(*byte)) {
            let start = self.at;
            self.at += 1;
            match byte {
                b'"' => self.quoted(&mut word, start)?,
                b'\\' => {
                    let next = self.peek(0).ok_or_else(|| self.error_at(start))?;
                    word.push(next);
                    self.at += 1;
                }
                _ => word.push(byte),
            }
        }
        self.keep(&word);
        Ok(())
    }

    /// What follows an opening quote, which stands at `start`, up to the closing one.
    fn quoted(&mut self, word: &mut Vec<u8>, start: usize) -> Result<(), SyntaxError> {
        loop {
            let byte = self.peek(0).ok_or_else(|| self.error_at(start))?;
            let here = self.at;
            self.at += 1;
            match byte {
                b'"' => return Ok(()),
                b'\\' => {
                    let next = self.peek(0).ok_or_else(|| self.error_at(here))?;
                    self.at += 1;
                    match next {
                        b'\n' => {}
                        b'a' => word.push(7),
                        b'b' => word.push(8),
                        b't' => word.push(9),
                        b'n' => word.push(10),
                        b'v' => word.push(11),
                        b'f' => word.push(12),
                        b'r' => word.push(13),
                        b'0' if self.peek(0) == Some(b'x') => {
                            self.at += 1;
                            word.push(self.numeric(16, 2, here)?);
                        }
                        b'0' => word.push(self.numeric(8, 3, here)?),
                        b'1'..=b'9' => {
                            self.at -= 1;
                            word.push(self.numeric(10, 3, here)?);
                        }
                        other => word.push(other),
                    }
                }
                _ => word.push(byte),
            }
        }
    }

    /// The byte that at most `most` digits name; the escape begins at `start`.
    fn numeric(&mut self, radix: u32, most: usize, start: usize) -> Result<u8, SyntaxError> {
        let mut value = 0;
        for _ in 0..most {
            let digit = self
                .peek(0)
                .and_then(|byte| char::from(byte).to_digit(radix));
            let Some(digit) = digit else { break };
            value = value * radix + digit;
            self.at += 1;
        }
        // No digit at all is 0 too.
        match u8::try_from(value) {
            Ok(byte) if byte != 0 => Ok(byte),
            Ok(_) | Err(_) => Err(self.error_at(start)),
        }
    }

    /// Puts a word into the vector, with a blank for each open block.
    fn keep(&mut self, word: &[u8]) {
        let length = self.open.len() + word.len() + 1;
        self.size = self.size.saturating_add(length);
        if self.size <= LIMIT || self.words.is_empty() {
            let mut kept = vec![b' '; self.open.len()];
            kept.extend_from_slice(word);
            self.words.push(kept);
        }
    }

    fn skip_line(&mut self) {
        let rest = self.script.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == b'\n');
        self.at += end.unwrap_or(rest.len());
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.script.get(self.at.checked_add(ahead)?).copied()
    }

    fn error_at(&self, at: usize) -> SyntaxError {
        self.error(SyntaxErrorKind::Syntax, at)
    }

    fn error(&self, kind: SyntaxErrorKind, at: usize) -> SyntaxError {
        let before = self.script.get(..at).unwrap_or_default();
        let line_start = before.iter().rposition(|byte| *byte == b'\n');
        SyntaxError {
            kind,
            line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
            column: at - line_start.map_or(0, |newline| newline + 1) + 1,
        }
    }
}

/// Every control byte separates words, not the documented four alone.
fn is_blank(byte: u8) -> bool {
    byte <= b' '
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(script: &str) -> Vec<String> {
        match read(script.as_bytes()) {
            Ok(Script::Words(words)) => words
                .into_iter()
                .map(|word| String::from_utf8(word).unwrap())
                .collect(),
            other => panic!("{script}: {other:?}"),
        }
    }

    fn error(script: &str) -> (SyntaxErrorKind, usize, usize) {
        let error = read(script.as_bytes()).unwrap_err();
        (error.kind, error.line, error.column)
    }

    #[test]
    fn words_quotes_and_escapes() {
        for (script, wanted) in [
            ("", &[][..]),
            ("a b\tc\r\nd", &["a", "b", "c", "d"]),
            ("a\"b c\"d", &["ab cd"]),
            ("\"a\nb\"  x\\\ny", &["a\nb", "x\ny"]),
            ("\\#a \\{ b\\}", &["#a", "{", "b}"]),
            ("\"a\" #c\n\"#d\" e#", &["a", "#d", "e#"]),
            ("\"\" x", &["", "x"]),
            ("\"{\" {} a} }b", &["{", "{}", "a}", "}b"]),
            ("a \\\n b", &["a", "b"]),
            ("a \\", &["a"]),
            ("\"a\\\nb\"", &["ab"]),
            ("\"\\0x41\\0102\\67\\x41\\0x4Z\\1234\"", &["ABCx41\u{4}Z{4"]),
            (
                "\"\\a\\b\\t\\n\\v\\f\\r\\\\\\$\\\"\"",
                &["\x07\x08\t\n\x0b\x0c\r\\$\""],
            ),
            ("a\0b", &["a"]),
        ] {
            assert_eq!(words(script), wanted, "{script:?}");
        }
    }

    #[test]
    fn blocks_are_blanks_in_front_and_an_empty_word_behind() {
        assert_eq!(
            words("printf <%s> { a { b \"\" } c } d"),
            ["printf", "<%s>", " a", "  b", "  ", " ", " c", "", "d"]
        );
        assert_eq!(words("a { } b"), ["a", "", "b"]);
        assert_eq!(words("a { b }"), ["a", " b", ""]);
    }

    #[test]
    fn errors_tell_where() {
        use SyntaxErrorKind::{Syntax, UnmatchedClose, UnmatchedOpen};
        for (script, wanted) in [
            ("a\n b { c", (UnmatchedOpen, 2, 4)),
            ("a { b { c }", (UnmatchedOpen, 1, 3)),
            ("echo }", (UnmatchedClose, 1, 6)),
            ("echo {", (Syntax, 1, 6)),
            ("a \"b", (Syntax, 1, 3)),
            ("a b\\", (Syntax, 1, 4)),
            ("\"\\0\"", (Syntax, 1, 2)),
            ("\"\\0x\"", (Syntax, 1, 2)),
            ("\"\\256\"", (Syntax, 1, 2)),
            ("\"\\0777\"", (Syntax, 1, 2)),
            ("\"a\\", (Syntax, 1, 3)),
        ] {
            assert_eq!(error(script), wanted, "{script:?}");
        }
    }

    #[test]
    fn what_is_deep_is_bounded_and_still_checked() {
        let depth = 10_000;
        let deep = format!("x {}{}", "{ ".repeat(depth), "} ".repeat(depth));
        assert_eq!(read(deep.as_bytes()), Ok(Script::TooLong(b"x".to_vec())));
        let unmatched = format!("{deep} }}");
        assert_eq!(error(&unmatched).0, SyntaxErrorKind::UnmatchedClose);
        let long = "y".repeat(LIMIT + 1);
        assert!(matches!(read(long.as_bytes()), Ok(Script::TooLong(_))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_words_or_an_error_inside(script: Vec<u8>) {
            match read(&script) {
                Ok(Script::Words(words)) => {
                    for word in words {
                        prop_assert!(!word.contains(&0));
                    }
                }
                Ok(Script::TooLong(_)) => prop_assert!(script.len() > 1000),
                Err(error) => {
                    let line = script.split(|byte| *byte == b'\n').nth(error.line - 1);
                    prop_assert!(error.column <= line.unwrap().len());
                }
            }
        }

        #[test]
        fn what_is_quoted_comes_back(words in prop::collection::vec("[^\0]{0,12}", 0..8)) {
            let quoted: Vec<String> = words
                .iter()
                .map(|word| format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"")))
                .collect();
            let read = read(quoted.join(" ").as_bytes());
            let wanted: Words = words.iter().map(|word| word.as_bytes().to_vec()).collect();
            prop_assert_eq!(read, Ok(Script::Words(wanted)));
        }
    }
}
