//! `case`: a block chosen by patterns.

use crate::command::Scope;
use crate::command::arguments::{next_option, next_word};
use crate::fault::joined;
use crate::options::Options;
use crate::{Environment, Fault, Step, Word, Words};

const CASE: &str = "case [ -s | -S ] [ -e | -E ] [ -n | -N ] [ -i ] value { re1 { prog1... } re2 { prog2... } ... } progdefault... ";

/// `case`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The value.
    pub value: Word,
    /// The patterns with their programs, in order.
    pub branches: Vec<(Word, Words)>,
    /// `-s`: patterns of the shell; else regular expressions.
    pub is_shell: bool,
    /// `-e`: basic expressions; with `-s` a backslash is literal.
    pub basic: bool,
    /// `-i`: either case; with `-s` a leading period is special.
    pub insensitive: bool,
    /// `-N`: what matched is exported; with `-s` a slash is special.
    pub numbered: bool,
    /// What follows when none matches.
    pub rest: Words,
}

/// What came of holding the value against a pattern: `None` when it does not match, else the texts of
/// the sub-expressions (none for a pattern of the shell); or what is wrong with the pattern.
pub type Match = Result<Option<Vec<Option<Word>>>, String>;

impl Case {
    /// The regular expression for a pattern of a branch: the whole value has to match, but an
    /// alternative of several binds less than the marks at both ends (execline.md D5.1).
    #[must_use]
    pub fn expression(pattern: &[u8]) -> Word {
        joined(&[b"^", pattern, b"$"])
    }

    /// The next step: the block of the first branch whose pattern matches, or the rest. `holds` is
    /// given one pattern after the other, a regular expression as it has to be compiled or a pattern
    /// of the shell. With `-N` what has matched is set in `env`. A pattern of the shell that is none
    /// is passed over with a warning.
    ///
    /// # Errors
    /// `unable to regcomp "RE": REASON` (100).
    pub fn choose(
        self,
        env: &mut Environment,
        warnings: &mut Vec<Word>,
        mut holds: impl FnMut(&[u8]) -> Match,
    ) -> Result<Step, Fault> {
        for (pattern, program) in self.branches {
            if self.is_shell {
                match holds(&pattern) {
                    Ok(Some(_)) => return Ok(Step::Become(program)),
                    Ok(None) => {}
                    Err(_) => warnings.push(joined(&[b"invalid fnmatch pattern: ", &pattern])),
                }
                continue;
            }
            let expression = Self::expression(&pattern);
            match holds(&expression) {
                Ok(Some(groups)) => {
                    if self.numbered {
                        matched(&pattern, &groups, env);
                    }
                    return Ok(Step::Become(program));
                }
                Ok(None) => {}
                Err(reason) => {
                    return Err(Fault::wrong(joined(&[
                        b"unable to regcomp \"",
                        &expression,
                        b"\": ",
                        reason.as_bytes(),
                    ])));
                }
            }
        }
        Ok(Step::Become(self.rest))
    }
}

/// Sets in `env` what `-N` exports on a match: `0` is the pattern, `#` the number of its
/// sub-expressions, `1` and so on are their texts. `groups` has one for each sub-expression, `None`
/// for one that took no part in the match, whose text is empty.
pub fn matched(pattern: &[u8], groups: &[Option<Word>], env: &mut Environment) {
    let texts: Words = groups
        .iter()
        .map(|group| group.clone().unwrap_or_default())
        .collect();
    env.set_positionals(pattern, &texts);
}

pub(super) fn plan(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let mut it = Case {
        value: Word::new(),
        branches: Vec::new(),
        is_shell: false,
        basic: false,
        insensitive: false,
        numbered: false,
        rest: Words::new(),
    };
    let mut options = Options::new(words, "sSeEnNi");
    while let Some(given) = next_option(&mut options, CASE)? {
        match given.letter {
            b's' => it.is_shell = true,
            b'S' => it.is_shell = false,
            b'e' => it.basic = true,
            b'E' => it.basic = false,
            b'N' => it.numbered = true,
            b'n' => it.numbered = false,
            _ => it.insensitive = true,
        }
    }
    let mut args = scope.args(options.rest());
    it.value = next_word(&mut args, CASE)?;
    if args.is_empty() {
        return Err(Fault::usage(CASE));
    }
    let block = args.block("case ")?;
    let mut inner = args.inside(block);
    while let Some(pattern) = inner.word() {
        if inner.is_empty() {
            return Err(Fault::wrong("malformed case block"));
        }
        let program = inner.block("regex ")?;
        it.branches.push((pattern, program));
    }
    args.absorb(inner);
    it.rest = scope.rest(args);
    Ok(Step::Case(it))
}
