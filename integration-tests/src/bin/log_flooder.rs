//! Writes what is hard to log. Used by the tests of the log pump, as a service's `run` or the CMD.
//!
//! usage: log-flooder KIND [N]
//!
//! lines N      N lines `line 0` to `line N-1`, then exits 0
//! forever      lines without end, as fast as they are taken
//! long N       one line of N bytes and its newline, then exits 0
//! invalid      a line with bytes that are not UTF-8, then exits 0
//! nul          a line with NUL and control bytes, then exits 0
//! unfinished   `no newline here`, without a newline, then exits 0
//! words N      `last words` and exits N at once

use std::io::{BufWriter, Write, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let kind = arguments.next().unwrap_or_default();
    let number: Option<u32> = arguments.next().and_then(|word| word.parse().ok());
    let mut out = BufWriter::new(stdout().lock());
    let written = match (kind.as_str(), number) {
        ("lines", Some(count)) => (0..count).try_for_each(|line| writeln!(out, "line {line}")),
        ("forever", None) => (0_u64..).try_for_each(|line| writeln!(out, "line {line}")),
        ("long", Some(length)) => {
            // No two 16 KiB pieces are alike, so a lost or swapped one shows.
            let length = usize::try_from(length).expect("a length fits");
            let mut line: String = (0..)
                .map(|n: u32| format!("{:07}.", n % 10_000_000))
                .take(length / 8 + 1)
                .collect();
            line.truncate(length);
            writeln!(out, "{line}")
        }
        ("invalid", None) => out.write_all(b"caf\xe9 \xff\xfe end\n"),
        ("nul", None) => out.write_all(b"a\0b\x01c\x1b[31md\x7f\te\n"),
        ("unfinished", None) => out.write_all(b"no newline here"),
        ("words", Some(_)) => writeln!(out, "last words"),
        _ => {
            eprintln!("usage: log-flooder lines N|forever|long N|invalid|nul|unfinished|words N");
            return ExitCode::from(100);
        }
    };
    if written.and_then(|()| out.flush()).is_err() {
        return ExitCode::FAILURE;
    }
    let code = if kind == "words" { number } else { None };
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(0))
}
