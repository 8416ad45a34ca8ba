//! Commands on the process itself: directory, umask, pids, what it becomes.

mod directory;
mod mode;
#[cfg(test)]
mod tests;

pub use directory::{Destination, destination};
pub use mode::{apply_mode, format_mask};

use super::arguments::{next_option, next_word};
use super::{Command, Scope, command};
use crate::block::Args;
use crate::fault::joined;
use crate::options::{Options, number};
use crate::step::{Exec, Export, Fact, PosixCd, PosixUmask, check_variable};
use crate::{Fault, Step, Word, Words};

pub(super) const COMMANDS: &[Command] = &[
    speaking_as("execline-cd", command("cd", plan_cd)),
    command("exec", plan_exec),
    command("execline-cd", plan_cd),
    command("execline-umask", plan_umask),
    command("exit", plan_exit),
    command("getcwd", plan_getcwd),
    command("getpid", plan_getpid),
    command("homeof", plan_homeof),
    command("posix-cd", plan_posix_cd),
    command("posix-umask", plan_posix_umask),
    command("tryexec", plan_tryexec),
    speaking_as("execline-umask", command("umask", plan_umask)),
];

const CD: &str = "cd path prog...";
const EXEC: &str = "exec [ -c ] [ -l ] [ -a argv0 ] prog...";
const EXIT: &str = "exit [ exitcode ]";
const GETCWD: &str = "getcwd [ -E | -e ] variable prog...";
const GETPID: &str = "getpid [ -E | -e ] [ -P | -p ] variable prog...";
const HOMEOF: &str = "homeof user";
const POSIX_CD: &str = "posix-cd [ -L | -P ] [ - | path ] [ prog... ]";
const POSIX_UMASK: &str = "posix-umask [ -S ] [ mask ] [ prog... ]";
const TRYEXEC: &str = "tryexec [ -n ] [ -c ] [ -l ] [ -a argv0 ] { command... } remainder...";
const UMASK: &str = "umask value prog...";

const fn speaking_as(name: &'static str, command: Command) -> Command {
    Command {
        speaks_as: name,
        ..command
    }
}

/// One word, and the program behind it, which has to be there.
fn word_and_rest(
    mut args: Args,
    scope: &mut Scope<'_>,
    synopsis: &'static str,
) -> Result<(Word, Words), Fault> {
    let word = next_word(&mut args, synopsis)?;
    let rest = scope.rest(args);
    if rest.is_empty() {
        return Err(Fault::usage(synopsis));
    }
    Ok((word, rest))
}

fn plan_cd(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let (dir, rest) = word_and_rest(scope.args(words), scope, CD)?;
    Ok(Step::ChangeDir(dir, rest))
}

fn plan_umask(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let (value, rest) = word_and_rest(scope.args(words), scope, UMASK)?;
    let mask = mode::octal(&value).ok_or_else(|| Fault::usage(UMASK))?;
    Ok(Step::Umask(mask, rest))
}

fn plan_getcwd(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    plan_tell(words, scope, "Ee", GETCWD, Fact::WorkingDirectory)
}

fn plan_getpid(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    plan_tell(words, scope, "EePp", GETPID, Fact::Pid)
}

fn plan_tell(
    words: Words,
    scope: &mut Scope<'_>,
    letters: &'static str,
    synopsis: &'static str,
    mut fact: Fact,
) -> Result<Step, Fault> {
    let mut autoimport = false;
    let mut options = Options::new(words, letters);
    while let Some(given) = next_option(&mut options, synopsis)? {
        match given.letter {
            b'E' => autoimport = true,
            b'e' => autoimport = false,
            b'P' => fact = Fact::ParentPid,
            _ => fact = Fact::Pid,
        }
    }
    let (var, rest) = word_and_rest(scope.args(options.rest()), scope, synopsis)?;
    check_variable(&var)?;
    let export = Export {
        var,
        autoimport,
        rest,
    };
    Ok(Step::Tell(fact, export))
}

fn plan_homeof(words: Words, _: &mut Scope<'_>) -> Result<Step, Fault> {
    let user = words.into_iter().next();
    user.map(Step::HomeOf).ok_or_else(|| Fault::usage(HOMEOF))
}

fn plan_exit(words: Words, _: &mut Scope<'_>) -> Result<Step, Fault> {
    let code = match words.first() {
        None => 0,
        Some(word) => number::<u32>(word).ok_or_else(|| Fault::usage(EXIT))?,
    };
    // As exit(3) does, it keeps the lowest byte.
    let [.., code] = code.to_be_bytes();
    Ok(Step::Exit(code))
}

/// `-c`, `-l`, `-a`: how a program is executed.
#[derive(Default)]
struct Manner {
    without_env: bool,
    is_login: bool,
    argv0: Option<Word>,
}

impl Manner {
    fn take(&mut self, letter: u8, value: Word) {
        match letter {
            b'c' => self.without_env = true,
            b'l' => self.is_login = true,
            _ => self.argv0 = Some(value),
        }
    }

    fn exec(self, words: Words) -> Exec {
        let mut argv0 = self.argv0;
        if self.is_login {
            let name = argv0.as_ref().or_else(|| words.first());
            argv0 = name.map(|name| joined(&[b"-", name]));
        }
        Exec {
            words,
            argv0,
            without_env: self.without_env,
        }
    }
}

fn plan_exec(words: Words, _: &mut Scope<'_>) -> Result<Step, Fault> {
    let mut manner = Manner::default();
    let mut options = Options::new(words, "cla:");
    while let Some(given) = next_option(&mut options, EXEC)? {
        manner.take(given.letter, given.value);
    }
    let rest = options.rest();
    if rest.is_empty() {
        return Err(Fault::usage(EXEC));
    }
    Ok(Step::BecomeAs(manner.exec(rest)))
}

fn plan_tryexec(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let mut manner = Manner::default();
    let mut rest_is_first = false;
    let mut options = Options::new(words, "ncla:");
    while let Some(given) = next_option(&mut options, TRYEXEC)? {
        match given.letter {
            b'n' => rest_is_first = true,
            letter => manner.take(letter, given.value),
        }
    }
    let mut args = scope.args(options.rest());
    let block = args.block("")?;
    if block.is_empty() {
        return Err(Fault::wrong("empty block"));
    }
    let rest = scope.rest(args);
    let (first, second) = if rest_is_first {
        if rest.is_empty() {
            return Err(Fault::wrong("empty remainder not allowed with -n"));
        }
        (rest, block)
    } else {
        (block, rest)
    };
    let second = Exec {
        words: second,
        ..Exec::default()
    };
    Ok(Step::TryBecome(manner.exec(first), second))
}

fn plan_posix_cd(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let mut physical = false;
    let mut options = Options::new(words, "LP");
    while let Some(given) = next_option(&mut options, POSIX_CD)? {
        physical = given.letter == b'P';
    }
    let mut args = scope.args(options.rest());
    let dir = args.word();
    let rest = scope.rest(args);
    Ok(Step::PosixCd(PosixCd {
        physical,
        dir,
        rest,
    }))
}

fn plan_posix_umask(words: Words, scope: &mut Scope<'_>) -> Result<Step, Fault> {
    let mut symbolic = false;
    let mut options = Options::new(words, "S");
    while next_option(&mut options, POSIX_UMASK)?.is_some() {
        symbolic = true;
    }
    let mut args = scope.args(options.rest());
    let mask = args.word();
    let rest = scope.rest(args);
    Ok(Step::PosixUmask(PosixUmask {
        symbolic,
        mask,
        rest,
    }))
}
