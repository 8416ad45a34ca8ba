//! Tells a command line of execline from a shell script in its place.
//!
//! s6-rc takes nearly any text as a command line: it passes `&&` on as a word, and lines as one
//! command. People write shell there more often than they make any other mistake. Only what an
//! execline command line has no use for is reported; a `#!` line is a comment to execline, and
//! `exec PATH` is a command of it.
//!
//! Never decides whether a text is sound execline: that is the caller's parser. Called from `reader`.

use crate::text::quoted;

/// Something that only a shell gives a meaning to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sign {
    /// The line, counted from 1.
    pub(super) line: u32,
    /// What was found, and what it is here.
    pub(super) message: String,
    /// It cannot have been meant; else it is only unlikely.
    pub(super) is_error: bool,
}

/// Words that stand between commands of a shell.
const OPERATORS: [&[u8]; 9] = [b"&&", b"||", b"|", b"|&", b";", b";;", b"&", b"[[", b"]]"];
/// Words that end or continue a compound command, at the beginning of a line.
const KEYWORDS: [&[u8]; 10] = [
    b"then",
    b"fi",
    b"do",
    b"done",
    b"else",
    b"elif",
    b"esac",
    b"while",
    b"until",
    b"function",
];
/// What a shell does itself and no program does, as the first word.
const BUILTINS: [&[u8]; 15] = [
    b"set",
    b"source",
    b".",
    b"unset",
    b"local",
    b"declare",
    b"typeset",
    b"readonly",
    b"eval",
    b"unalias",
    b"alias",
    b"let",
    b"shopt",
    b"for",
    b"return",
];
/// Commands of execline that have a block where the shell's command of that name has none.
const BLOCK_COMMANDS: [&[u8]; 3] = [b"if", b"while", b"trap"];
/// Programs that do their work and end, so that no command can follow in the same command line.
const ENDING: [&[u8]; 14] = [
    b"echo", b"mkdir", b"chown", b"chmod", b"cp", b"mv", b"rm", b"ln", b"touch", b"sleep", b"cat",
    b"sed", b"printf", b"install",
];
/// Commands of execline that give a meaning to `$NAME`.
const SUBSTITUTING: [&[u8]; 18] = [
    b"importas",
    b"import",
    b"define",
    b"backtick",
    b"multisubstitute",
    b"multidefine",
    b"elglob",
    b"elgetpositionals",
    b"forx",
    b"forstdin",
    b"forbacktickx",
    b"getpid",
    b"getcwd",
    b"withstdinas",
    b"dollarat",
    b"runblock",
    b"execlineb",
    b"loopwhilex",
];

/// What of `text` only a shell could mean: the first error, or else every doubt.
pub(super) fn signs(text: &[u8]) -> Vec<Sign> {
    let words = words(text);
    let error = words
        .first()
        .and_then(|first| wrong_start(first, words.get(1)))
        .or_else(|| wrong_word(&words));
    match error {
        Some(sign) => vec![sign],
        None => doubts(&words),
    }
}

/// One word, by the rules of execline.
struct Word {
    text: Vec<u8>,
    line: u32,
    /// Part of it was in double quotes or behind a backslash.
    is_quoted: bool,
    /// It is the first of its line.
    is_first: bool,
}

fn words(text: &[u8]) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut bytes = text.iter().copied().peekable();
    let mut line = 1_u32;
    let mut last_line = 0;
    while let Some(byte) = bytes.next() {
        match byte {
            b'\n' => line = line.saturating_add(1),
            0..=b' ' => {}
            b'#' => while bytes.next_if(|byte| *byte != b'\n').is_some() {},
            _ => {
                let mut word = Word {
                    text: Vec::new(),
                    line,
                    is_quoted: false,
                    is_first: line != last_line,
                };
                last_line = line;
                let mut next = Some(byte);
                let mut in_quotes = false;
                while let Some(byte) = next {
                    match byte {
                        b'"' => {
                            in_quotes = !in_quotes;
                            word.is_quoted = true;
                        }
                        b'\\' => {
                            word.is_quoted = true;
                            if let Some(escaped) = bytes.next() {
                                line = line.saturating_add(u32::from(escaped == b'\n'));
                                word.text.push(escaped);
                            }
                        }
                        _ => {
                            line = line.saturating_add(u32::from(byte == b'\n'));
                            word.text.push(byte);
                        }
                    }
                    next = bytes.next_if(|byte| in_quotes || *byte > b' ');
                }
                words.push(word);
            }
        }
    }
    words
}

/// The finding that the command line begins as none can.
fn wrong_start(first: &Word, second: Option<&Word>) -> Option<Sign> {
    let text = first.text.as_slice();
    let shown = quoted(text);
    let takes_block = |word: &Word| word.text == b"{" || word.text.starts_with(b"-");
    let message = if first.is_quoted {
        return None;
    } else if BLOCK_COMMANDS.contains(&text) && !second.is_some_and(takes_block) {
        format!(
            "{shown} without a block in braces is shell, and this is a command line of execline"
        )
    } else if BUILTINS.contains(&text) || KEYWORDS.contains(&text) {
        format!("{shown} is shell, and this is a command line of execline")
    } else if text.ends_with(b"()") || second.is_some_and(|word| word.text.starts_with(b"()")) {
        format!("{shown} begins a function of a shell, and this is a command line of execline")
    } else if text == b"export" && second.is_some_and(|word| is_assignment(&word.text)) {
        "export of execline takes the name and the value as two words, and the command after them"
            .to_owned()
    } else if is_assignment(text) {
        format!("{shown} assigns a variable in a shell; here it is the name of a program")
    } else {
        return None;
    };
    Some(Sign {
        line: first.line,
        message,
        is_error: true,
    })
}

/// The first word that stands for something else in a shell.
fn wrong_word(words: &[Word]) -> Option<Sign> {
    let mut previous: Option<&Word> = None;
    let mut is_find = false;
    for word in words {
        let text = word.text.as_slice();
        let ends_command = |word: &Word| word.text.ends_with(b";");
        let begins = word.is_first || previous.is_some_and(ends_command);
        is_find |= [&b"-exec"[..], b"-execdir", b"-ok", b"-okdir"].contains(&text);
        let is_operator = OPERATORS.contains(&text) && !(text == b";" && is_find)
            || (text.len() > 1 && text.ends_with(b";") && !is_find)
            || is_redirection(text)
            || text.starts_with(b"$(")
            || text.starts_with(b"`")
            || (KEYWORDS.contains(&text) && begins);
        let is_open_quote = text.starts_with(b"'") && !(text.len() > 1 && text.ends_with(b"'"));
        if !word.is_quoted && (is_operator || is_open_quote) {
            let shown = quoted(text);
            return Some(Sign {
                line: word.line,
                message: if is_operator {
                    format!(
                        "{shown} is shell; in this command line of execline it is a word like any other"
                    )
                } else {
                    format!("single quotes do not quote in execline: {shown} is a word of its own")
                },
                is_error: true,
            });
        }
        previous = Some(word);
    }
    None
}

/// What looks like shell and works in some way.
fn doubts(words: &[Word]) -> Vec<Sign> {
    let mut signs = Vec::new();
    let has = |known: &[&[u8]]| words.iter().any(|word| known.contains(&base(&word.text)));
    // A shell that is given its text as an argument does the rest itself.
    let passes_text = words
        .iter()
        .any(|word| word.text.starts_with(b"-") && word.text.ends_with(b"c"));
    if !has(&SUBSTITUTING)
        && !passes_text
        && let Some(word) = words.iter().find(|word| names_variable(&word.text))
    {
        signs.push(Sign {
            line: word.line,
            message: format!(
                "{} is not replaced by the value of a variable: execline does that only after importas",
                quoted(&word.text)
            ),
            is_error: false,
        });
    }
    if let Some(first) = words.first()
        && let Some(next) = words.iter().skip(1).find(|word| word.is_first)
        && (ENDING.contains(&base(&first.text)) || is_script(&first.text) && is_script(&next.text))
    {
        signs.push(Sign {
            line: next.line,
            message: format!(
                "the lines are one command line: {} is an argument of {}",
                quoted(&next.text),
                quoted(&first.text)
            ),
            is_error: false,
        });
    }
    signs
}

/// The name of a program without its directory.
fn base(text: &[u8]) -> &[u8] {
    text.rsplit(|byte| *byte == b'/').next().unwrap_or(text)
}

fn is_script(text: &[u8]) -> bool {
    text.starts_with(b"/") && (text.ends_with(b".sh") || text.ends_with(b"/run"))
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether it is `NAME=...`.
fn is_assignment(text: &[u8]) -> bool {
    let mut parts = text.splitn(2, |byte| *byte == b'=');
    let (name, value) = (parts.next().unwrap_or_default(), parts.next());
    value.is_some()
        && name.first().is_some_and(|byte| !byte.is_ascii_digit())
        && name.iter().all(|byte| is_name(*byte))
}

/// Whether it begins like `>`, `2>`, `&>` or `<`.
fn is_redirection(text: &[u8]) -> bool {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = text.get(digits..).unwrap_or_default();
    matches!(rest, [b'>' | b'<', ..] | [b'&', b'>', ..])
}

/// Whether a variable of a shell is named in it.
fn names_variable(text: &[u8]) -> bool {
    text.windows(2).any(|pair| match pair {
        [b'$', next] => next.is_ascii_alphabetic() || matches!(next, b'_' | b'{'),
        _ => false,
    })
}

#[cfg(test)]
#[path = "shell_tests.rs"]
mod tests;
