//! `s6-quote`, `s6-unquote`, and the same for each line: `s6-quote-filter`, `s6-unquote-filter`.

use std::fmt::Display;
use std::io;
use std::os::unix::ffi::OsStrExt as _;

use super::call::{Call, Failure, Outcome, first};
use super::quote::{self, Delimiters, Wrong};
use super::stream;
use crate::complain::{self, USAGE, reason};

/// Invalid argument; broken pipe; protocol error. What these say is what is said of quotes.
const EINVAL: i32 = 22;
const EPIPE: i32 = 32;
const EPROTO: i32 = 71;

/// The options of all four.
struct Options {
    delimiters: Vec<u8>,
    /// Whether strings are put into quotes.
    has_quotes: bool,
    /// Whether a newline follows.
    ends: bool,
    strictness: Strictness,
}

/// What is said of a line that cannot be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strictness {
    Quiet,
    Short,
    Verbose,
    Fatal,
}

impl Options {
    fn read(
        call: &mut Call,
        letters: &'static str,
    ) -> Result<(Self, Vec<std::ffi::OsString>), Failure> {
        let (given, words) = call.options(letters)?;
        let mut options = Self {
            delimiters: b"\"".to_vec(),
            has_quotes: true,
            ends: true,
            strictness: Strictness::Short,
        };
        for option in given {
            match option.letter {
                b'd' => options.delimiters = option.value.as_bytes().to_vec(),
                b'n' => options.ends = false,
                b'q' => options.strictness = Strictness::Quiet,
                b'Q' => options.strictness = Strictness::Short,
                b'v' => options.strictness = Strictness::Verbose,
                b'w' => options.strictness = Strictness::Fatal,
                _ => options.has_quotes = false,
            }
        }
        Ok((options, words))
    }

    /// The delimiters, to quote with.
    fn to_quote(&self) -> Result<Delimiters<'_>, Failure> {
        if self.has_quotes && self.delimiters.is_empty() {
            let message = "no character to quote with!".to_owned();
            return Err(Failure::Fatal(message, USAGE));
        }
        let error = || io::Error::from_raw_os_error(EINVAL);
        Delimiters::new(&self.delimiters).ok_or_else(|| Failure::unable("quote", &error()))
    }

    fn quoted(&self, bytes: &[u8], delimiters: Delimiters<'_>) -> Vec<u8> {
        let mark = delimiters.first().filter(|_| self.has_quotes);
        let mut quoted: Vec<u8> = mark.into_iter().collect();
        quote::quote(bytes, delimiters, &mut quoted);
        quoted.extend(mark);
        quoted
    }
}

/// `s6-quote [ -n ] [ -u ] [ -d delim ] string`
pub(super) fn quote(mut call: Call) -> Outcome {
    let (options, words) = Options::read(&mut call, "nud:")?;
    let string = first(&words)?.as_bytes();
    let quoted = options.quoted(string, options.to_quote()?);
    stream::print(&[&quoted, if options.ends { b"\n" } else { b"" }])?;
    Ok(0)
}

/// `s6-quote-filter [ -u ] [ -d delim ]`
pub(super) fn quote_filter(mut call: Call) -> Outcome {
    let (options, _) = Options::read(&mut call, "ud:")?;
    let delimiters = options.to_quote()?;
    stream::filter(|line, out| {
        out.put(&options.quoted(&line.bytes, delimiters))?;
        out.put(if line.is_ended { b"\n" } else { b"" })
    })?;
    Ok(0)
}

/// What is wrong, in the words of the system, and where.
fn told(wrong: Wrong) -> (String, usize) {
    let (number, at) = match wrong {
        Wrong::Unfinished(at) => (EPIPE, at),
        Wrong::Escape(at) => (EPROTO, at),
    };
    (reason(&io::Error::from_raw_os_error(number)), at)
}

/// `s6-unquote [ -n ] [ -d delim ] string`
pub(super) fn unquote(mut call: Call) -> Outcome {
    let (options, words) = Options::read(&mut call, "nd:")?;
    let string = first(&words)?.as_bytes();
    let fatal = |message: String| Failure::Fatal(message, USAGE);
    // Delimiters that are none are told of after the first character, as ever.
    let is_quoted = !options.delimiters.is_empty();
    let inner = match string.split_first() {
        None if is_quoted => {
            return Err(fatal("the empty string isn't a quoted string".to_owned()));
        }
        Some((mark, _)) if is_quoted && !options.delimiters.contains(mark) => {
            return Err(fatal("invalid starting quote character".to_owned()));
        }
        Some((_, inner)) if is_quoted => inner,
        Some(_) | None => string,
    };
    let unable = |why: &str, at: usize| {
        let at = at + usize::from(is_quoted);
        fatal(format!("unable to unquote at character {at}: {why}"))
    };
    let delimiters = Delimiters::new(&options.delimiters)
        .ok_or_else(|| unable(&reason(&io::Error::from_raw_os_error(EINVAL)), 0))?;
    let found = quote::unquote(inner, delimiters).map_err(|wrong| {
        let (why, at) = told(wrong);
        unable(&why, at)
    })?;
    if is_quoted && found.end == inner.len() {
        return Err(fatal("no ending quote character".to_owned()));
    }
    if is_quoted && found.end + 1 < inner.len() {
        let (at, all) = (found.end + 1, inner.len());
        let message =
            format!("found ending quote character at position {at}/{all}; ignoring remainder");
        complain::warn(call.name, message);
    }
    stream::print(&[&found.bytes, if options.ends { b"\n" } else { b"" }])?;
    Ok(0)
}

/// `s6-unquote-filter [ -q | -Q | -v | -w ] [ -d delim ]`: a line that cannot be read is printed as it
/// is, with a warning; or ends this, with `-w`.
pub(super) fn unquote_filter(mut call: Call) -> Outcome {
    let (options, _) = Options::read(&mut call, "qQvwd:")?;
    let (name, strictness) = (call.name, options.strictness);
    let delimiters = Delimiters::new(&options.delimiters);
    stream::filter(|line, out| {
        let bytes = unquoted(
            name,
            strictness,
            &options.delimiters,
            delimiters,
            &line.bytes,
        )?;
        out.put(bytes.as_deref().unwrap_or(&line.bytes))?;
        out.put(if line.is_ended { b"\n" } else { b"" })
    })?;
    Ok(0)
}

/// What a line means; nothing, if that cannot be told.
fn unquoted(
    name: &str,
    strictness: Strictness,
    marks: &[u8],
    delimiters: Option<Delimiters<'_>>,
    line: &[u8],
) -> Result<Option<Vec<u8>>, Failure> {
    let refuse = |what: &str, verbose: &str| match strictness {
        Strictness::Quiet => Ok(None),
        Strictness::Short => {
            complain::warn(name, what);
            Ok(None)
        }
        Strictness::Verbose => {
            complain::warn(name, format_args!("{verbose}line: {}", shown(line)));
            Ok(None)
        }
        Strictness::Fatal => Err(Failure::Fatal(what.to_owned(), USAGE)),
    };
    let is_quoted = !marks.is_empty();
    let inner = match line.split_first() {
        None if is_quoted => {
            return match strictness {
                Strictness::Quiet => Ok(None),
                Strictness::Short | Strictness::Verbose => {
                    complain::warn(name, "empty line");
                    Ok(None)
                }
                Strictness::Fatal => Err(Failure::Fatal("empty line".to_owned(), USAGE)),
            };
        }
        Some((mark, _)) if is_quoted && !marks.contains(mark) => {
            let what = "invalid starting quote character";
            return refuse(what, &format!("{what} in "));
        }
        Some((_, inner)) if is_quoted => inner,
        Some(_) | None => line,
    };
    let unable = |why: &str| match strictness {
        // The reason comes after the line then.
        Strictness::Verbose => {
            let line = shown(line);
            complain::warn(name, format_args!("unable to unquote line: {line}: {why}"));
            Ok(None)
        }
        Strictness::Quiet | Strictness::Short | Strictness::Fatal => {
            refuse(&format!("unable to unquote: {why}"), "")
        }
    };
    let Some(delimiters) = delimiters else {
        return unable(&reason(&io::Error::from_raw_os_error(EINVAL)));
    };
    let found = match quote::unquote(inner, delimiters) {
        Ok(found) => found,
        Err(wrong) => return unable(&told(wrong).0),
    };
    if is_quoted && found.end == inner.len() {
        let what = "unable to unquote: no ending quote character";
        return refuse(what, &format!("{what} in "));
    }
    let is_told = matches!(strictness, Strictness::Verbose | Strictness::Fatal);
    if is_quoted && found.end + 1 < inner.len() && is_told {
        let (at, all) = (found.end + 1, inner.len());
        let message = format!(
            "found ending quote character at position {at}/{all}, ignoring remainder of line: {}",
            shown(line)
        );
        complain::warn(name, message);
    }
    Ok(Some(found.bytes))
}

/// The beginning of a line, for a message.
fn shown(line: &[u8]) -> impl Display {
    const MOST: usize = 39;
    const SHORTENED: usize = 36;
    let text = String::from_utf8_lossy(line);
    if line.len() < MOST {
        text.into_owned()
    } else {
        let beginning = line.get(..SHORTENED).unwrap_or_default();
        format!("{}...", String::from_utf8_lossy(beginning))
    }
}
