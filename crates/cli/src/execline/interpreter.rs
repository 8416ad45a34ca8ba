//! The loop that carries out one command after the other, until one ends, or becomes a program that
//! is none of ours.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;

use sixfold_execline::command::script::{Invocation, Source};
use sixfold_execline::command::substitute::Glob;
use sixfold_execline::command::{self, Scope};
use sixfold_execline::fault::{Kind, code, joined};
use sixfold_execline::step::{Exec, Export, Fact};
use sixfold_execline::{Command, Environment, Fault, Step, Word, Words};
use sixfold_sys::pattern::{self, How};
use sixfold_sys::{exec, fds, files, process};

use super::children::Streams;
use super::finder::{Finder, Found};
use super::{descriptors, directories, loops, questions, waiting};
use crate::complain::reason;

/// Argument list too long.
const E2BIG: i32 = 7;

/// The size of the longest script, most of which has to be comments.
const LONGEST: usize = 64 * 1024 * 1024;

/// What carries out the commands of one process.
#[derive(Debug)]
pub(super) struct Interpreter {
    /// The environment, which the next program gets.
    pub(super) env: Environment,
    /// What the command that is carried out was called.
    called: Word,
    /// What the next command is called, if not by its name (`exec -a`).
    argv0: Option<Word>,
    /// The PATH that the command that is carried out was given. A command looks for the next program
    /// and for its children there, whatever it has made of the variable for them.
    path: Option<Word>,
    finder: Finder,
}

/// What follows a step: another one, or the end of the process with a code.
pub(super) type Next = Result<Step, u8>;

impl Interpreter {
    pub(super) fn new(env: Environment) -> Self {
        Self {
            env,
            called: Word::new(),
            argv0: None,
            path: None,
            finder: Finder::default(),
        }
    }

    /// Carries out `command`, which was `called` so, with `args` and all that follows. Returns the exit
    /// code; not at all, if the process becomes another program.
    pub(super) fn begin(&mut self, command: Command, called: Word, args: Words) -> u8 {
        self.called = called;
        let next = self.plan(command, args);
        self.go_on(command.speaks_as, next)
    }

    /// `execlineb`
    fn script(&mut self, speaker: &'static str, it: Invocation) -> Next {
        let it = Invocation {
            called: self.called.clone(),
            ..it
        };
        let content = match &it.source {
            Source::Text(text) => text.clone(),
            Source::File(path) => read_script(speaker, path)?,
        };
        let mut warnings = Vec::new();
        let planned = it.plan(&content, &mut self.env, &mut warnings);
        warn(speaker, &warnings);
        told(speaker, planned)
    }

    /// Carries out steps from `next` on; `speaker` is who complains if it cannot be executed.
    fn go_on(&mut self, mut speaker: &'static str, mut next: Next) -> u8 {
        loop {
            let step = match next {
                Ok(step) => step,
                Err(code) => return code,
            };
            next = if let Step::Become(words) = step {
                self.follow(speaker, &words).and_then(|command| {
                    let mut words = words.into_iter();
                    speaker = command.speaks_as;
                    let name = words.next().unwrap_or_default();
                    self.called = self.argv0.take().unwrap_or(name);
                    self.plan(command, words.collect())
                })
            } else {
                self.carry_out(speaker, step)
            };
        }
    }

    /// The same for an argument vector; `speaker` is who complains if it cannot be executed.
    pub(super) fn run(&mut self, speaker: &'static str, words: Words) -> u8 {
        self.go_on(speaker, Ok(Step::Become(words)))
    }

    /// What `command` asks for.
    fn plan(&mut self, command: Command, args: Words) -> Next {
        self.path = self.env.get(b"PATH").map(<[u8]>::to_vec);
        let mut warnings = Vec::new();
        let planned = command::plan(
            command,
            args,
            &mut Scope {
                env: &mut self.env,
                warnings: &mut warnings,
                glob: &|search| glob(command.speaks_as, search),
            },
        );
        warn(command.speaks_as, &warnings);
        told(command.speaks_as, planned)
    }

    /// The command of ours that `words` begin with; otherwise the process becomes the program that
    /// they name, and what comes back is why not.
    fn follow(&mut self, speaker: &'static str, words: &Words) -> Result<Command, u8> {
        let Some(name) = words.first() else {
            return Err(0);
        };
        let program = match self.find(name, words) {
            Ok(Found::Ours(command)) => return Ok(command),
            Ok(Found::File(program)) => program,
            Err(error) => return Err(cannot_exec(speaker, name, &error)),
        };
        let error = self.exec(&program, words);
        Err(cannot_exec(speaker, name, &error))
    }

    /// What the name leads to, if the kernel took a program with these words and our environment.
    pub(super) fn find(&mut self, name: &[u8], words: &Words) -> io::Result<Found> {
        if self.is_too_long(words) {
            return Err(io::Error::from_raw_os_error(E2BIG));
        }
        self.finder.find(name, self.path.as_deref())
    }

    /// Whether execve(2) would refuse these words with our environment. Commands of ours are not
    /// executed, and yet a script that would have failed has to fail.
    fn is_too_long(&self, words: &Words) -> bool {
        let mut size = size_of::<usize>() * 4;
        let mut takes = |length: usize| {
            size += length + 1 + size_of::<usize>();
            length < exec::WORD_LIMIT
        };
        let fit = words.iter().all(|word| takes(word.len()))
            && self
                .env
                .iter()
                .all(|(name, value)| takes(name.len() + 1 + value.len()));
        !fit || size > exec::size_limit()
    }

    /// Becomes the program in the file.
    fn exec(&self, program: &[u8], words: &Words) -> io::Error {
        match exec::exec(program, words, self.variables()) {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    /// The environment as a program gets it.
    pub(super) fn variables(&self) -> impl Iterator<Item = Word> {
        let env = self.env.iter();
        env.map(|(name, value)| joined(&[name, b"=", value]))
    }

    /// Does what a step asks for; gives the next one.
    fn carry_out(&mut self, speaker: &'static str, step: Step) -> Next {
        match step {
            Step::Become(words) => Ok(Step::Become(words)),
            Step::BecomeAs(exec) => self.become_as(speaker, exec),
            Step::TryBecome(first, second) => match self.try_become(first) {
                Ok(next) => Ok(next),
                Err(_) => self.become_as(speaker, second),
            },
            Step::Script(it) => self.script(speaker, it),
            Step::Exit(code) => Err(code),
            Step::Print(text, code) => match print(&text) {
                Ok(()) => Err(code),
                Err(error) => Err(fatal(speaker, b"write to stdout", &error)),
            },
            Step::Run(child, after) => {
                let outcome = self.run_child(speaker, child)?;
                let mut warnings = Vec::new();
                let next = after.resume(&mut self.env, &mut warnings, outcome);
                warn(speaker, &warnings);
                told(speaker, next)
            }
            Step::Background { child, apart, rest } => {
                let pid = self.spawn(speaker, child, apart, Streams::default())?;
                self.env.set(*b"!", pid.to_string());
                Ok(Step::Become(rest))
            }
            Step::Capture(child, after) => self.capture(speaker, child, after),
            Step::ReadInput(after) => self.read_input(speaker, after),
            Step::Loop(the_loop) => loops::run(self, speaker, the_loop),
            Step::LoopWhile(the_loop) => loops::run_while(self, speaker, the_loop),
            Step::Trap(trap) => waiting::trap(self, speaker, trap),
            Step::Wait(wait) => waiting::wait(self, speaker, wait),
            Step::Redirect(redirect) => descriptors::redirect(self, speaker, redirect),
            Step::Descriptors(what, rest) => descriptors::change(self, speaker, what, rest),
            Step::Pipeline {
                child,
                rest_writes,
                apart,
                rest,
            } => descriptors::pipeline(self, speaker, child, rest_writes, apart, rest),
            Step::Heredoc {
                fd,
                text,
                apart,
                rest,
            } => descriptors::heredoc(speaker, fd, text, apart, rest),
            Step::ChangeDir(dir, rest) => directories::change(speaker, &dir, rest),
            Step::Umask(mask, rest) => {
                files::set_umask(mask);
                Ok(Step::Become(rest))
            }
            Step::PosixCd(cd) => directories::posix_change(self, speaker, cd),
            Step::PosixUmask(umask) => directories::posix_umask(speaker, umask),
            Step::Tell(fact, export) => self.tell(speaker, fact, export),
            Step::HomeOf(user) => questions::home_of(speaker, &user),
            Step::EnvFile {
                file,
                may_be_missing,
                rest,
            } => questions::env_file(self, speaker, &file, may_be_missing, rest),
            Step::Case(case) => questions::case(self, speaker, case),
            Step::Test(expression) => questions::test(self, speaker, &expression),
        }
    }

    fn become_as(&mut self, speaker: &'static str, exec: Exec) -> Next {
        let name = exec.words.first().cloned().unwrap_or_default();
        self.try_become(exec)
            .map_err(|error| cannot_exec(speaker, &name, &error))
    }

    /// Becomes the program, or gives the step that does.
    fn try_become(&mut self, exec: Exec) -> io::Result<Step> {
        let Exec {
            mut words,
            argv0,
            without_env,
        } = exec;
        let Some(name) = words.first() else {
            return Ok(Step::Become(words));
        };
        let found = self.find(name, &words)?;
        let env = if without_env {
            std::mem::take(&mut self.env)
        } else {
            Environment::default()
        };
        let error = match found {
            Found::Ours(_) => {
                self.argv0 = argv0;
                return Ok(Step::Become(words));
            }
            Found::File(program) => {
                if let (Some(argv0), Some(first)) = (argv0, words.first_mut()) {
                    *first = argv0;
                }
                self.exec(&program, &words)
            }
        };
        if without_env {
            self.env = env;
        }
        Err(error)
    }

    fn tell(&mut self, speaker: &'static str, fact: Fact, export: Export) -> Next {
        let value = match fact {
            Fact::WorkingDirectory => directories::here(speaker)?,
            Fact::Pid => std::process::id().to_string().into_bytes(),
            Fact::ParentPid => process::parent().to_string().into_bytes(),
        };
        told(speaker, export.with(value, &mut self.env))
    }
}

/// A script, which ends at a NUL byte or with its file.
fn read_script(speaker: &str, path: &[u8]) -> Result<Word, u8> {
    let mut file = File::open(OsStr::from_bytes(path)).map_err(|error| {
        let what = joined(&[b"open ", path, b" for reading"]);
        fatal(speaker, &what, &error)
    })?;
    let mut content = Word::new();
    let mut buffer = [0; 4096];
    loop {
        let read = match file.read(&mut buffer) {
            Ok(length) => buffer.get(..length).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => {
                let what = joined(&[b"parse script in file ", path]);
                return Err(fatal(speaker, &what, &error));
            }
        };
        content.extend_from_slice(read);
        if read.is_empty() || read.contains(&0) {
            return Ok(content);
        }
        // What no execve(2) takes is no script: nothing may grow without bound.
        if content.len() > LONGEST {
            let text = joined(&[b"script in file ", path, b" is too long"]);
            return Err(report(speaker, &Fault::fatal(text, code::SYSTEM)));
        }
    }
}

/// What came of a plan or of its continuation; what is wrong is said.
pub(super) fn told<T>(speaker: &str, result: Result<T, Fault>) -> Result<T, u8> {
    result.map_err(|fault| report(speaker, &fault))
}

/// Says what is wrong, and gives the exit code.
pub(super) fn report(speaker: &str, fault: &Fault) -> u8 {
    warn(speaker, &fault.warnings);
    let speaker = speaker.as_bytes();
    match fault.kind {
        Kind::Fatal => print_line(&[speaker, b": fatal: ", &fault.text]),
        Kind::Usage => print_line(&[speaker, b": usage: ", &fault.text]),
        Kind::Plain => print_line(&[&fault.text]),
    }
    fault.code
}

/// Says that the system has refused something, and gives the exit code.
pub(super) fn fatal(speaker: &str, what: &[u8], error: &io::Error) -> u8 {
    let text = joined(&[b"unable to ", what, b": ", reason(error).as_bytes()]);
    report(speaker, &Fault::fatal(text, code::SYSTEM))
}

/// Says warnings.
pub(super) fn warn(speaker: &str, warnings: &[Word]) {
    for text in warnings {
        print_line(&[speaker.as_bytes(), b": warning: ", text]);
    }
}

/// Writes to standard output at once: what a child writes afterwards has to come afterwards.
pub(super) fn print(text: &[u8]) -> io::Result<()> {
    let mut rest = text;
    while !rest.is_empty() {
        let written = fds::write_fd(1, rest)?;
        rest = rest.get(written..).unwrap_or_default();
    }
    Ok(())
}

/// One line on standard error, in one write: other processes write there too. Its words may be no
/// UTF-8, so it is not printed by macros.
fn print_line(parts: &[&[u8]]) {
    let line = [joined(parts), b"\n".to_vec()].concat();
    // Who cannot be told cannot be told.
    let _ = io::stderr().write_all(&line);
}

fn cannot_exec(speaker: &str, name: &[u8], error: &io::Error) -> u8 {
    let code = if error.kind() == ErrorKind::NotFound {
        code::NOT_FOUND
    } else {
        code::NOT_EXECUTABLE
    };
    let text = joined(&[b"unable to exec ", name, b": ", reason(error).as_bytes()]);
    report(speaker, &Fault::fatal(text, code))
}

/// The paths that a pattern matches. What cannot be read is told where that is asked for.
fn glob(speaker: &str, glob: &Glob) -> Result<Words, Fault> {
    let how = How {
        strict: glob.strict,
        sorted: glob.sorted,
        marks: glob.marks,
        no_escape: glob.no_escape,
    };
    let failed = |error: &io::Error| {
        let reason = reason(error);
        let text = joined(&[b"unable to complete exlsn function: ", reason.as_bytes()]);
        Fault::fatal(text, code::SYSTEM)
    };
    let found = pattern::search(&glob.pattern, how).map_err(|error| failed(&error))?;
    for (path, error) in &found.unreadable {
        if glob.verbose {
            let reason = reason(error);
            let parts: [&[u8]; 4] = [
                b"while globbing, error reading ",
                path,
                b": ",
                reason.as_bytes(),
            ];
            warn(speaker, &[joined(&parts)]);
        }
        if glob.strict {
            return Err(failed(error));
        }
    }
    Ok(found.paths)
}
