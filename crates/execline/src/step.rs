//! What a command asks for: the one thing to be done outside, and what follows.
//!
//! A step is made by [`crate::plan`] and carried out by the applets. Steps that start a child or read
//! something have a continuation, which turns what came of it into the next step.

use crate::command::{capture, control, script, test};
use crate::{Environment, Fault, Word, Words};

/// The one thing to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Become the program that the words name, which may be a command of execline again. No words:
    /// exit with 0.
    Become(Words),
    /// The same with a choice of `argv[0]` and environment (`exec`).
    BecomeAs(Exec),
    /// Become the first, or, if the exec itself fails, the second (`tryexec`).
    TryBecome(Exec, Exec),
    /// Run a script (`execlineb`).
    Script(script::Invocation),
    /// End with this code.
    Exit(u8),
    /// Write this to standard output and end with the code.
    Print(Word, u8),
    /// Run a child and wait for it, then go on as the continuation says.
    Run(Words, control::AfterRun),
    /// Start a child, put its pid into `!`, become the rest (`background`). `apart`: it is made by a
    /// second fork, so that it is not our child.
    Background {
        /// The child.
        child: Words,
        /// `-d`.
        apart: bool,
        /// The rest.
        rest: Words,
    },
    /// Run a child and read its standard output to the end (`backtick`).
    Capture(Words, capture::AfterCapture),
    /// Read standard input to the end (`withstdinas`).
    ReadInput(capture::AfterInput),
    /// Run a child for each value (`forx`, `forstdin`, `forbacktickx`).
    Loop(control::Loop),
    /// Run a child again and again (`loopwhilex`).
    LoopWhile(control::LoopWhile),
    /// Run a child and handlers for signals (`trap`).
    Trap(control::Trap),
    /// Wait for processes (`wait`).
    Wait(control::Wait),
    /// Open a file at a descriptor (`redirfd`).
    Redirect(Redirect),
    /// Something with descriptors, then become the rest.
    Descriptors(Descriptors, Words),
    /// A pipe between a child and the rest (`pipeline`).
    Pipeline {
        /// The child.
        child: Words,
        /// `-w`: the rest writes and the child reads.
        rest_writes: bool,
        /// `-d`: the child is made by a second fork.
        apart: bool,
        /// The rest.
        rest: Words,
    },
    /// A child writes `text` into a pipe that the rest reads on `fd` (`heredoc`).
    Heredoc {
        /// The descriptor.
        fd: i32,
        /// What is written.
        text: Word,
        /// `-d`: the child is made by a second fork.
        apart: bool,
        /// The rest.
        rest: Words,
    },
    /// Change the working directory (`cd`).
    ChangeDir(Word, Words),
    /// Set the umask (`umask`).
    Umask(u32, Words),
    /// Change the working directory as POSIX has it (`posix-cd`).
    PosixCd(PosixCd),
    /// Show or set the umask as POSIX has it (`posix-umask`).
    PosixUmask(PosixUmask),
    /// Put a fact about the process into a variable.
    Tell(Fact, Export),
    /// Print a user's home directory (`homeof`).
    HomeOf(Word),
    /// Read a file of variables (`envfile`): [`crate::command::envfile::parse`].
    EnvFile {
        /// Its path, `-` for standard input.
        file: Word,
        /// `-I`: a missing file is no error.
        may_be_missing: bool,
        /// The rest.
        rest: Words,
    },
    /// Choose a block by patterns (`case`).
    Case(control::Case),
    /// Evaluate an expression (`eltest`).
    Test(test::Expression),
}

/// A program to become.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exec {
    /// The program and its arguments.
    pub words: Words,
    /// What it sees as its name, if not the first word.
    pub argv0: Option<Word>,
    /// It gets no environment; it is looked up in the PATH of the present one.
    pub without_env: bool,
}

/// A variable that gets a value, and the program that follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The variable.
    pub var: Word,
    /// `-E`: the value is substituted for `${var}` in the rest and not exported.
    pub autoimport: bool,
    /// The program.
    pub rest: Words,
}

impl Export {
    /// The next step when `value` is known: the variable is set and the rest follows. With
    /// `autoimport` the rest is preceded by `importas -ui`, as in the original: it is `importas` that
    /// speaks when the rest cannot be executed.
    ///
    /// # Errors
    /// `invalid variable name` for a name that no variable can have.
    pub fn with(self, value: Word, env: &mut Environment) -> Result<Step, Fault> {
        let words = self.words();
        check_variable(&self.var)?;
        env.set(self.var, value);
        Ok(Step::Become(words))
    }

    /// What is executed when the variable is set: the rest, with `autoimport` preceded by `importas`.
    #[must_use]
    pub fn words(&self) -> Words {
        let mut words = Words::new();
        if self.autoimport {
            // The name may begin with a hyphen: it is no option of importas.
            words.extend(["importas", "-ui", "--"].map(Word::from));
            words.extend([self.var.clone(), self.var.clone()]);
        }
        words.extend_from_slice(&self.rest);
        words
    }
}

/// Whether a variable can be called `name`: not if it is empty or has a `=`.
///
/// # Errors
/// `invalid variable name`, as `forx`, `getcwd` and their like have it.
pub fn check_variable(name: &[u8]) -> Result<(), Fault> {
    if name.is_empty() || name.contains(&b'=') {
        return Err(Fault::wrong("invalid variable name"));
    }
    Ok(())
}

/// A fact about the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// The working directory (`getcwd`).
    WorkingDirectory,
    /// The pid (`getpid`).
    Pid,
    /// The parent's pid (`getpid -P`).
    ParentPid,
}

/// `redirfd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// How the file is opened.
    pub mode: Open,
    /// `-n`.
    pub nonblocking: bool,
    /// `-b`: afterwards it is blocking if it was opened non-blocking, and the other way round.
    pub changes_blocking: bool,
    /// Where it goes: a descriptor, or (`-f`) whatever is free, told in a variable.
    pub to: Target,
    /// The file.
    pub file: Word,
    /// The rest.
    pub rest: Words,
}

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// `-r`
    Read,
    /// `-w`: created, and emptied.
    Write,
    /// `-u`: for both; it must be there.
    Update,
    /// `-a`: created, and appended to.
    Append,
    /// `-x`: created; it must not be there.
    Exclusive,
    /// Something else, put together from the long options (`--read --create`).
    Flags(OpenFlags),
}

impl Open {
    /// The same, flag by flag.
    #[must_use]
    pub fn flags(self) -> OpenFlags {
        let mut flags = OpenFlags {
            write: true,
            ..OpenFlags::default()
        };
        match self {
            Self::Flags(flags) => return flags,
            Self::Read => {
                flags.write = false;
                flags.read = true;
            }
            Self::Write => {
                flags.create = true;
                flags.truncate = true;
            }
            Self::Update => flags.read = true,
            Self::Append => {
                flags.create = true;
                flags.append = true;
            }
            Self::Exclusive => {
                flags.create = true;
                flags.exclusive = true;
            }
        }
        flags
    }
}

/// How a file is opened, flag by flag. It is read or written, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenFlags {
    /// `--read`
    pub read: bool,
    /// `--write`
    pub write: bool,
    /// `--append`: `O_APPEND`
    pub append: bool,
    /// `--create`: `O_CREAT`
    pub create: bool,
    /// `--trunc`: `O_TRUNC`
    pub truncate: bool,
    /// `--excl`: `O_EXCL`
    pub exclusive: bool,
}

/// Where an opened file goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// This descriptor.
    Fd(i32),
    /// Any, whose number the variable gets; with `true` it is substituted instead (`-E`).
    Variable(Word, bool),
}

/// What can be done with descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Descriptors {
    /// `fdmove`: `from` is put at `to`, and closed unless it is a `copy`.
    Move {
        /// Where to.
        to: i32,
        /// Where from.
        from: i32,
        /// `-c`.
        copy: bool,
    },
    /// `fdclose`
    Close(i32),
    /// `fdblock`: with `false` non-blocking.
    Block(i32, bool),
    /// `fdswap`
    Swap(i32, i32),
    /// `fdreserve`: this many free ones are told in `FD0`, `FD1`...
    Reserve(u32),
    /// `piperw`: a pipe, read here and written there.
    Pipe {
        /// The reading end.
        read: i32,
        /// The writing end.
        write: i32,
    },
}

/// `posix-cd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PosixCd {
    /// `-P`: links are followed; else names are taken as they stand.
    pub physical: bool,
    /// Where to; `None` is `$HOME`.
    pub dir: Option<Word>,
    /// The rest.
    pub rest: Words,
}

/// `posix-umask`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PosixUmask {
    /// `-S`: it is shown in letters.
    pub symbolic: bool,
    /// The mask; `None` shows it.
    pub mask: Option<Word>,
    /// The rest.
    pub rest: Words,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn export(var: &str, autoimport: bool) -> Export {
        Export {
            var: var.into(),
            autoimport,
            rest: vec![b"echo".to_vec(), b"$x".to_vec()],
        }
    }

    #[test]
    fn a_value_is_exported_and_importas_may_take_it_back() {
        for (autoimport, wanted) in [
            (false, &["echo", "$x"][..]),
            (true, &["importas", "-ui", "--", "-x", "-x", "echo", "$x"]),
        ] {
            let mut env = Environment::default();
            let step = export("-x", autoimport).with(b"v".to_vec(), &mut env);
            let wanted: Words = wanted.iter().map(|word| Word::from(*word)).collect();
            assert_eq!(step, Ok(Step::Become(wanted)));
            assert_eq!(env.get(b"-x"), Some(&b"v"[..]));
        }
    }

    #[test]
    fn no_variable_is_called_nothing_or_has_an_equals_sign() {
        for var in ["", "=", "a=b"] {
            let mut env = Environment::default();
            let fault = export(var, true).with(b"v".to_vec(), &mut env);
            assert_eq!(fault, Err(Fault::wrong("invalid variable name")));
            assert_eq!(env, Environment::default());
        }
    }
}
