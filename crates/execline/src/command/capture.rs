//! Commands that read something to its end: `backtick`, `withstdinas`, and the lines of loops.

mod splitter;
#[cfg(test)]
mod tests;

pub use splitter::{Separation, Splitter};

use super::arguments::{next_option, next_word};
use super::control::Outcome;
use super::{Command, Scope, command};
use crate::fault::{code, joined};
use crate::options::Options;
use crate::step::{Export, check_variable};
use crate::{Ended, Environment, Fault, Step, Word, Words};

pub(super) const COMMANDS: &[Command] = &[
    command("backtick", plan_backtick),
    command("withstdinas", plan_withstdinas),
];

const BACKTICK: &str =
    "backtick [ -i | -I | -x | -D default ] [ -N | -n ] [ -E | -e ] var { prog... } remainder...";
const WITHSTDINAS: &str =
    "withstdinas [ -i | -I | -D default ] [ -N | -n ] [ -E | -e ] var remainder...";

const NUL_IN_OUTPUT: &str = "child process output contained a null character";

/// What follows when the output of a child is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AfterCapture {
    /// The variable that gets it.
    pub var: Word,
    /// The rest.
    pub rest: Words,
    /// `-E`
    autoimport: bool,
    /// `-N`
    keeps_newline: bool,
    on_failure: OnFailure,
}

/// What is done about a child that fails, and about a NUL in its output.
#[derive(Debug, Clone, PartialEq, Eq)]
enum OnFailure {
    /// No option says so: it is the end.
    Unsaid,
    /// The same before version 2.8: the output counts as with `-I`, but `?` is not set.
    Overlooked,
    /// `-i`: it is the end.
    Fatal,
    /// `-I`: the output counts.
    Ignored,
    /// `-x`: the variable is removed.
    Removes,
    /// `-D`: this is the value.
    Replaces(Word),
}

impl AfterCapture {
    /// The same for a script that was written for execline before version 2.8: without an option about
    /// it, it goes on after a child that fails.
    #[must_use]
    pub fn lenient(self) -> Self {
        let on_failure = match self.on_failure {
            OnFailure::Unsaid => OnFailure::Overlooked,
            said @ (OnFailure::Overlooked
            | OnFailure::Fatal
            | OnFailure::Ignored
            | OnFailure::Removes
            | OnFailure::Replaces(_)) => said,
        };
        Self { on_failure, ..self }
    }

    /// The next step, by the output of the child and what came of it; warnings are put into
    /// `warnings`, the variable and `?` are set in `env`.
    ///
    /// # Errors
    /// A child that could not be spawned, and with the default a child that failed or wrote a NUL.
    pub fn resume(
        self,
        env: &mut Environment,
        warnings: &mut Vec<Word>,
        output: Word,
        outcome: Outcome,
    ) -> Result<Step, Fault> {
        let ended = outcome.ended(None)?;
        let has_nul = output.contains(&0);
        let value = match self.on_failure {
            OnFailure::Unsaid | OnFailure::Fatal => {
                fatal_failure(ended, has_nul)?;
                Some(text_of(output, self.keeps_newline))
            }
            OnFailure::Ignored | OnFailure::Overlooked => Some(text_of(output, self.keeps_newline)),
            OnFailure::Removes | OnFailure::Replaces(_) if !ended.is_success() || has_nul => {
                if ended.is_success() {
                    warnings.push(NUL_IN_OUTPUT.into());
                }
                match &self.on_failure {
                    OnFailure::Replaces(value) => Some(value.clone()),
                    OnFailure::Unsaid
                    | OnFailure::Overlooked
                    | OnFailure::Fatal
                    | OnFailure::Ignored
                    | OnFailure::Removes => None,
                }
            }
            OnFailure::Removes | OnFailure::Replaces(_) => {
                Some(text_of(output, self.keeps_newline))
            }
        };
        let tells_end = match self.on_failure {
            OnFailure::Unsaid | OnFailure::Fatal | OnFailure::Overlooked => false,
            OnFailure::Ignored | OnFailure::Removes | OnFailure::Replaces(_) => true,
        };
        if tells_end {
            env.set(*b"?", ended.number().to_string());
        }
        let is_set = value.is_some();
        match value {
            Some(value) => env.set(self.var.as_slice(), value),
            None => drop(env.remove(&self.var)),
        }
        if !self.autoimport {
            return Ok(Step::Become(self.rest));
        }
        let imported = is_set.then_some(self.var.as_slice());
        let told = tells_end.then_some(&b"?"[..]);
        Ok(Step::Become(with_imports(
            imported.into_iter().chain(told),
            self.rest,
        )))
    }
}

/// The end, if a child has failed or its output has a NUL.
fn fatal_failure(ended: Ended, has_nul: bool) -> Result<(), Fault> {
    let (text, code) = match ended {
        Ended::Code(0) if !has_nul => return Ok(()),
        Ended::Code(0) => (NUL_IN_OUTPUT, code::NUL),
        Ended::Code(_) => ("child process exited non-zero", ended.exit_code()),
        Ended::Signal(_) => ("child process crashed", ended.exit_code()),
    };
    Err(Fault::fatal(text, code))
}

/// The words that put these variables in place in the rest, all at once, and remove them.
fn with_imports<'a>(variables: impl Iterator<Item = &'a [u8]>, rest: Words) -> Words {
    let mut words: Words = vec![b"multisubstitute".to_vec()];
    for variable in variables {
        // The name may begin with a hyphen: it is no option of importas.
        let directive: [&[u8]; 5] = [b"importas", b"-ui", b"--", variable, variable];
        words.extend(directive.map(|word| joined(&[b" ", word])));
    }
    words.push(Word::new());
    words.extend(rest);
    words
}

/// What a variable can hold of something that was read: what is before the first NUL, without a
/// newline at its end.
fn text_of(mut read: Word, keeps_newline: bool) -> Word {
    if let Some(end) = read.iter().position(|byte| *byte == 0) {
        read.truncate(end);
    }
    if !keeps_newline && read.last() == Some(&b'\n') {
        read.pop();
    }
    read
}

fn plan_backtick(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let mut on_failure = OnFailure::Unsaid;
    let mut keeps_newline = false;
    let mut autoimport = false;
    let mut options = Options::new(words, "iIxD:NnEe");
    while let Some(given) = next_option(&mut options, BACKTICK)? {
        match given.letter {
            b'i' => on_failure = OnFailure::Fatal,
            b'I' => on_failure = OnFailure::Ignored,
            b'x' => on_failure = OnFailure::Removes,
            b'D' => on_failure = OnFailure::Replaces(given.value),
            b'N' => keeps_newline = true,
            b'n' => keeps_newline = false,
            b'E' => autoimport = true,
            _ => autoimport = false,
        }
    }
    let mut args = scope.args(options.rest());
    let var = next_word(&mut args, BACKTICK)?;
    if args.is_empty() {
        return Err(Fault::usage(BACKTICK));
    }
    check_variable(&var)?;
    let child = args.block("")?;
    if child.is_empty() {
        return Err(Fault::wrong("empty block"));
    }
    let rest = scope.rest(args);
    if rest.is_empty() {
        let text = "the command line after the block must not be empty";
        return Err(Fault::wrong(text));
    }
    let after = AfterCapture {
        var,
        rest,
        autoimport,
        keeps_newline,
        on_failure,
    };
    Ok(Step::Capture(child, after))
}

/// What follows when standard input is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AfterInput {
    /// The variable that gets it.
    pub var: Word,
    /// The rest.
    pub rest: Words,
    /// `-E`
    autoimport: bool,
    /// `-N`
    keeps_newline: bool,
    on_nul: OnNul,
    /// `-D`
    default: Option<Word>,
}

/// What is done about a NUL in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnNul {
    /// No option says so: the default counts, or what is before it.
    Unsaid,
    /// `-i`: it is the end.
    Fatal,
    /// `-I`: the variable is removed.
    Removes,
}

impl AfterInput {
    /// The next step, by what was read; warnings are put into `warnings`, the variable is set in
    /// `env`.
    ///
    /// # Errors
    /// With `-i` a NUL in it.
    pub fn resume(
        self,
        env: &mut Environment,
        warnings: &mut Vec<Word>,
        input: Word,
    ) -> Result<Step, Fault> {
        let has_nul = input.contains(&0);
        let export = Export {
            var: self.var,
            autoimport: self.autoimport,
            rest: self.rest,
        };
        let text = |input| text_of(input, self.keeps_newline);
        let value = match (self.on_nul, self.default) {
            (OnNul::Fatal, _) if has_nul => {
                let text = "stdin contained a null character";
                return Err(Fault::fatal(text, code::FAILED));
            }
            (OnNul::Removes, _) if has_nul => {
                env.remove(&export.var);
                return Ok(Step::Become(export.words()));
            }
            (OnNul::Unsaid, Some(default)) if has_nul => {
                let text = "stdin contained a null character - using default instead";
                warnings.push(text.into());
                default
            }
            (OnNul::Unsaid | OnNul::Fatal | OnNul::Removes, _) => text(input),
        };
        export.with(value, env)
    }
}

fn plan_withstdinas(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let mut on_nul = OnNul::Unsaid;
    let mut default = None;
    let mut keeps_newline = false;
    let mut autoimport = false;
    let mut options = Options::new(words, "iID:NnEe");
    while let Some(given) = next_option(&mut options, WITHSTDINAS)? {
        match given.letter {
            b'i' => on_nul = OnNul::Fatal,
            b'I' => on_nul = OnNul::Removes,
            b'D' => default = Some(given.value),
            b'N' => keeps_newline = true,
            b'n' => keeps_newline = false,
            b'E' => autoimport = true,
            _ => autoimport = false,
        }
    }
    let mut args = scope.args(options.rest());
    let var = next_word(&mut args, WITHSTDINAS)?;
    check_variable(&var)?;
    let rest = scope.rest(args);
    Ok(Step::ReadInput(AfterInput {
        var,
        rest,
        autoimport,
        keeps_newline,
        on_nul,
        default,
    }))
}
