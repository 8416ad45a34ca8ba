//! `ucspilogd`: lines of syslog from standard input, put into words (F79).

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use sixfold_model::logging::syslog;

use super::filter::{self, Line};
use crate::complain::{self, ExitCode};
use crate::options::Options;

pub(super) const NAME: &str = "ucspilogd";
const SYNOPSIS: &str = "ucspilogd [ -D default ] [ var... ]";

/// `ucspilogd [ -D default ] [ var... ]`: the values of the variables, then what a line of syslog says,
/// behind the label that the line begins with.
pub(super) fn ucspilogd(args: Vec<OsString>) -> ExitCode {
    let mut options = Options::new(args, "D:");
    let mut default = OsString::from("<undefined>");
    loop {
        match options.next() {
            Ok(Some(option)) => default = option.value,
            Ok(None) => break,
            Err(_) => return complain::usage(NAME, SYNOPSIS),
        }
    }
    let mut prefix = Vec::new();
    for name in options.rest() {
        // No variable has such a name, and std would not look for it.
        let is_name = !name.is_empty() && !name.as_bytes().contains(&b'=');
        let value = is_name.then(|| std::env::var_os(&name)).flatten();
        prefix.extend(value.unwrap_or_else(|| default.clone()).into_vec());
        prefix.extend_from_slice(b": ");
    }
    filter::run(NAME, |line, out| {
        let mut rest = match line {
            Line::Whole(text) => text,
            Line::Rest(text) => text.strip_suffix(b"\0").unwrap_or(text),
        };
        // A NUL ends a line too.
        loop {
            let end = rest.iter().position(|byte| *byte == 0);
            put(
                rest.get(..end.unwrap_or(rest.len())).unwrap_or_default(),
                &prefix,
                out,
            );
            match end.and_then(|end| rest.get(end + 1..)) {
                Some(more) => rest = more,
                None => break,
            }
        }
    })
}

fn put(line: &[u8], prefix: &[u8], out: &mut Vec<u8>) {
    let (label, rest) = syslog::label(line);
    out.extend_from_slice(label);
    out.extend_from_slice(prefix);
    syslog::translate(rest, out);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_comes_first_and_then_the_variables() {
        let mut out = Vec::new();
        put(b"@400000006b0472db3534b048 <30>d", b"1.2.3.4: ", &mut out);
        put(b"plain", b"1.2.3.4: ", &mut out);
        let expected = b"@400000006b0472db3534b048 1.2.3.4: daemon.info: d\n1.2.3.4: plain\n";
        assert_eq!(out, expected);
    }
}
