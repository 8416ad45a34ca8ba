//! Reads the rules of `/etc/fix-attrs.d`: which paths get which owner and modes at boot.
//!
//! Never expands a pattern and never touches a file; the daemon does, in the first stage of the
//! boot. The format is that of s6-overlay's documentation, not of its scripts, which lose the last
//! line without a newline, refuse `-` as a mode and fail on directories with two entries.

mod account;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::Diagnostic;
use crate::text::{line_end_mend, quoted};

pub use account::{Account, AccountError, Accounts};

/// The largest mode: setuid, setgid, sticky, and permissions for all.
const MAX_MODE: u32 = 0o7777;
/// What a line must look like.
const FORMAT: &str = "write PATH RECURSE ACCOUNT FILE-MODE DIRECTORY-MODE, such as \
                      /data true www-data,33:33 0644 0755";

/// One line: chown, then chmod, what the pattern matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The line in the file, counted from 1.
    pub line: u32,
    /// The paths, as a glob; without a match there is nothing to do.
    pub pattern: OsString,
    /// Whether to go down into directories.
    pub recurse: bool,
    /// The owner and group to set.
    pub account: Account,
    /// The permission bits for what is no directory, 0 to 0o7777; `None` leaves them.
    pub file_mode: Option<u32>,
    /// The permission bits for directories, 0 to 0o7777; `None` leaves them.
    pub dir_mode: Option<u32>,
}

/// Reads the rules of one file, which lies at `file`, in the order of its lines.
///
/// A line has five fields between blanks: pattern, `true` or `false`, account (see [`Account`]),
/// octal mode of files, octal mode of directories, where `-` leaves a mode. Empty lines and lines
/// that begin with `#` are skipped. The last line may lack its newline, and CRLF line ends are a
/// warning. A line that makes no sense is left out, with an error for each field that is wrong;
/// the others count.
pub fn parse(file: &Path, content: &[u8]) -> (Vec<Rule>, Vec<Diagnostic>) {
    let mut rules = Vec::new();
    let mut diagnostics = Vec::new();
    let mut crlf = false;
    for (index, text) in content.split(|&byte| byte == b'\n').enumerate() {
        let line = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
        let stripped = text.strip_suffix(b"\r");
        if stripped.is_some() && !crlf {
            crlf = true;
            let message = "CRLF line end; read without the carriage returns";
            diagnostics.push(Diagnostic::warning(file, message, line_end_mend(file)).at_line(line));
        }
        let fields: Vec<&[u8]> = stripped
            .unwrap_or(text)
            .split(|byte| matches!(byte, b' ' | b'\t'))
            .filter(|field| !field.is_empty())
            .collect();
        if fields.first().is_none_or(|field| field.starts_with(b"#")) {
            continue;
        }
        match read_rule(line, &fields) {
            Ok(rule) => rules.push(rule),
            Err(faults) => diagnostics.extend(faults.into_iter().map(|fault| {
                Diagnostic::error(file, format!("{}; line skipped", fault.found), fault.mend)
                    .at_line(line)
            })),
        }
    }
    (rules, diagnostics)
}

/// What is wrong with one field, and how to mend it.
struct Fault {
    found: String,
    mend: &'static str,
}

/// The rule that these fields make, or everything that is wrong with them.
fn read_rule(line: u32, fields: &[&[u8]]) -> Result<Rule, Vec<Fault>> {
    let &[pattern, recurse, account, file_mode, dir_mode] = fields else {
        return Err(vec![Fault {
            found: format!("{} instead of 5 fields", fields.len()),
            mend: FORMAT,
        }]);
    };
    let mut faults = Vec::new();
    let mut keep = |fault: Fault| faults.push(fault);
    let pattern = read_pattern(pattern).map_err(&mut keep).ok();
    let recurse = read_recurse(recurse).map_err(&mut keep).ok();
    let account = read_account(account).map_err(&mut keep).ok();
    let file_mode = read_mode(file_mode).map_err(&mut keep).ok();
    let dir_mode = read_mode(dir_mode).map_err(&mut keep).ok();
    match (pattern, recurse, account, file_mode, dir_mode) {
        (Some(pattern), Some(recurse), Some(account), Some(file_mode), Some(dir_mode)) => {
            Ok(Rule {
                line,
                pattern,
                recurse,
                account,
                file_mode,
                dir_mode,
            })
        }
        _ => Err(faults),
    }
}

fn read_pattern(field: &[u8]) -> Result<OsString, Fault> {
    if field.contains(&0) {
        return Err(Fault {
            found: format!("the path {} holds a NUL byte", quoted(field)),
            mend: "remove the NUL byte",
        });
    }
    Ok(OsStr::from_bytes(field).to_owned())
}

fn read_recurse(field: &[u8]) -> Result<bool, Fault> {
    match field {
        b"true" => Ok(true),
        b"false" => Ok(false),
        other => Err(Fault {
            found: format!("the second field, recurse, is {}", quoted(other)),
            mend: "write true or false",
        }),
    }
}

fn read_account(field: &[u8]) -> Result<Account, Fault> {
    Account::parse(field).ok_or_else(|| Fault {
        found: format!("the third field, account, is {}", quoted(field)),
        mend: "write USER or USER:GROUP, with ,UID:GID in numbers after it for a fallback",
    })
}

fn read_mode(field: &[u8]) -> Result<Option<u32>, Fault> {
    if field == b"-" {
        return Ok(None);
    }
    let mode = field.iter().try_fold(0_u32, |mode, &digit| {
        matches!(digit, b'0'..=b'7')
            .then(|| mode * 8 + u32::from(digit - b'0'))
            .filter(|&mode| mode <= MAX_MODE)
    });
    mode.map(Some).ok_or_else(|| Fault {
        found: format!("{} is not a mode", quoted(field)),
        mend: "write an octal number from 0 to 7777, such as 0755, or - to leave the mode",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Severity;
    use proptest::prelude::*;

    const FILE: &str = "/etc/fix-attrs.d/01-x";

    fn parsed(content: &str) -> (Vec<Rule>, Vec<Diagnostic>) {
        parse(Path::new(FILE), content.as_bytes())
    }

    fn sound(content: &str) -> Vec<Rule> {
        let (rules, diagnostics) = parsed(content);
        assert_eq!(diagnostics, Vec::new(), "{content}");
        rules
    }

    /// The findings for lines of which none is a rule.
    fn refused(content: &str) -> Vec<String> {
        let (rules, diagnostics) = parsed(content);
        assert_eq!(rules, Vec::new(), "{content}");
        assert!(diagnostics.iter().all(|d| d.severity == Severity::Error));
        diagnostics.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_line_is_a_rule() {
        let rules = sound("/data/*.log \t true pihole:root 0644 2755\n");
        let expected = Rule {
            line: 1,
            pattern: "/data/*.log".into(),
            recurse: true,
            account: Account::parse(b"pihole:root").unwrap(),
            file_mode: Some(0o644),
            dir_mode: Some(0o2755),
        };
        assert_eq!(rules, [expected]);
    }

    #[test]
    fn lines_that_images_have() {
        let rules = sound(
            "/etc/resolv.conf false doesntexist,0:1000 0664 0664\n\
             /app true node 0600 0700\n\
             /etc/nginx true nginx 674 674\n\
             /var/www/html false nginx 0755 0755",
        );
        let modes: Vec<_> = rules.iter().map(|r| (r.file_mode, r.dir_mode)).collect();
        assert_eq!(
            modes,
            [
                (Some(0o664), Some(0o664)),
                (Some(0o600), Some(0o700)),
                (Some(0o674), Some(0o674)),
                (Some(0o755), Some(0o755)),
            ]
        );
    }

    #[test]
    fn comments_and_empty_lines_are_skipped_and_counted() {
        let rules = sound("# comment\n#/x true a 0 0\n\n \t\n  # indented\n/a#b false x - -");
        assert_eq!(rules.len(), 1);
        assert_eq!(rules[0].line, 6);
        assert_eq!(rules[0].pattern, "/a#b");
        assert_eq!((rules[0].file_mode, rules[0].dir_mode), (None, None));
        assert_eq!(sound(""), Vec::new());
    }

    #[test]
    fn crlf_is_one_warning() {
        let (rules, diagnostics) =
            parsed("/a true x 0644 0755\n/b true x 0644 0755\r\n\r\n/c true x 0644 -\r\n");
        assert_eq!(rules.len(), 3);
        assert_eq!(rules[2].dir_mode, None);
        assert_eq!(diagnostics.len(), 1);
        assert_eq!(diagnostics[0].severity, Severity::Warning);
        assert_eq!(diagnostics[0].line, Some(2));
        assert!(diagnostics[0].mend.contains(FILE));
    }

    #[test]
    fn a_wrong_line_leaves_the_others() {
        let (rules, diagnostics) =
            parsed("/a yes x 0644 0755\n/b true x 0644 0755\n/c true x 0644\n");
        assert_eq!(rules.len(), 1);
        assert_eq!(rules[0].line, 2);
        let lines: Vec<_> = diagnostics.iter().map(|d| d.line.unwrap()).collect();
        assert_eq!(lines, [1, 3]);
    }

    #[test]
    fn wrong_fields_are_named() {
        assert_eq!(
            refused("/a yes x 0644 0755"),
            [
                "/etc/fix-attrs.d/01-x:1: the second field, recurse, is \"yes\"; line skipped \
              (write true or false)"
            ]
        );
        for (content, fields) in [("*", 1), ("/a true x 0644", 4), ("/a true x 0 0 0", 6)] {
            let found = refused(content);
            assert_eq!(found.len(), 1);
            assert!(found[0].contains(&format!(": {fields} instead of 5 fields;")));
            assert!(found[0].contains("PATH RECURSE ACCOUNT FILE-MODE DIRECTORY-MODE"));
        }
        for mode in [
            "8",
            "0x1",
            "10000",
            "77777777777777777777",
            "u+x",
            "--",
            "-1",
        ] {
            let found = refused(&format!("/a true x {mode} 0"));
            assert!(found[0].contains(&format!("\"{mode}\" is not a mode")));
        }
        assert!(refused("/a true x,y 0 0")[0].contains("third field, account, is \"x,y\""));
        assert!(refused("/a\0b true x 0 0")[0].contains("NUL"));
        assert_eq!(refused("/a maybe x,y 9 9").len(), 4);
        assert_eq!(refused("/a TRUE x 0 0").len(), 1);
    }

    #[test]
    fn extreme_modes() {
        let rules = sound("/a true x 0 7777\n/b true x 00000000007777 -");
        assert_eq!(
            (rules[0].file_mode, rules[0].dir_mode),
            (Some(0), Some(0o7777))
        );
        assert_eq!(rules[1].file_mode, Some(0o7777));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(content: Vec<u8>) {
            let (rules, _) = parse(Path::new(FILE), &content);
            prop_assert!(rules.len() <= content.len());
        }

        #[test]
        fn each_line_is_a_rule_or_a_finding(
            lines in prop::collection::vec("/[a-z*#]{0,3} (true|false|no) [a-z0-9:,]{1,9} [0-9-]{1,4} [0-7]{1,5}", 0..6),
        ) {
            let (rules, diagnostics) = parsed(&lines.join("\n"));
            for line in 1..=u32::try_from(lines.len()).unwrap() {
                let rule = rules.iter().any(|rule| rule.line == line);
                let finding = diagnostics.iter().any(|d| d.line == Some(line));
                prop_assert!(rule != finding, "line {line}");
            }
        }
    }
}
