//! The table of commands. A command is chosen by the name of the executable, or by its first
//! argument: `sixfold s6-svscanctl ...` is `s6-svscanctl ...`.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::LazyLock;

use sixfold_execline::Command;
use sixfold_execline::command as language;
use sixfold_sys::fds;
use sixfold_sys::signals::{self, Mask};

use crate::complain::{self, ExitCode, SYSTEM, USAGE, reason};
use crate::{
    check, contenv, control, execline, fix_attrs, graph, halt, help, init, install, ipc, log,
    process, rc, reload, run, supervise, svscanctl, tools,
};

/// One command.
#[derive(Clone, Copy)]
pub(crate) struct Applet {
    /// The name it is called by.
    pub(crate) name: &'static str,
    /// What it does, for the help.
    pub(crate) summary: &'static str,
    /// What it is for, which decides where it is listed and installed.
    pub(crate) kind: Kind,
    run: Run,
}

/// How a command is run with the arguments after its name.
#[derive(Clone, Copy)]
enum Run {
    /// By a function of its own.
    Function(fn(Vec<OsString>) -> ExitCode),
    /// As a command of execline.
    Language(Command),
    /// As one of the small tools, which reports wrong usage with this synopsis.
    Tool(&'static str, tools::Run),
}

impl Applet {
    /// A command of s6 or s6-overlay.
    pub(crate) const fn compatible(
        name: &'static str,
        summary: &'static str,
        run: fn(Vec<OsString>) -> ExitCode,
    ) -> Self {
        Self {
            name,
            summary,
            kind: Kind::Compatible,
            run: Run::Function(run),
        }
    }

    /// One of the small tools.
    pub(crate) const fn tool(
        name: &'static str,
        summary: &'static str,
        synopsis: &'static str,
        run: tools::Run,
    ) -> Self {
        Self {
            name,
            summary,
            kind: Kind::Compatible,
            run: Run::Tool(synopsis, run),
        }
    }

    /// A command of execline.
    fn of_language(command: Command) -> Self {
        Self {
            name: command.name,
            summary: "a command of execline",
            kind: Kind::Language,
            run: Run::Language(command),
        }
    }

    fn run(&self, args: Vec<OsString>) -> ExitCode {
        match self.run {
            Run::Function(run) => run(args),
            Run::Language(command) => execline::run(command, args),
            Run::Tool(synopsis, run) => tools::finish(self.name, synopsis, run, args),
        }
    }
}

/// What a command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A command of Sixfold's own, for people.
    Own,
    /// A command of s6 or s6-overlay, installed under its name.
    Compatible,
    /// The interpreter and the commands of execline, installed under their names.
    Language,
    /// A command that s6-overlay keeps in `/run/s6/basedir/bin`, made there at boot.
    Basedir,
    /// A part of the boot.
    Internal,
}

/// Every command but those of execline, by table.
const TABLES: [&[Applet]; 8] = [
    OWN,
    supervise::APPLETS,
    control::APPLETS,
    process::APPLETS,
    log::APPLETS,
    rc::APPLETS,
    tools::APPLETS,
    ipc::APPLETS,
];

/// The commands of Sixfold and of s6-overlay.
const OWN: &[Applet] = &[
    Applet {
        name: "init",
        summary: "be PID 1: boot the container, supervise, stop in order",
        kind: Kind::Internal,
        run: Run::Function(init::init),
    },
    Applet {
        name: "run",
        summary: "boot a service tree on this machine, without Docker",
        kind: Kind::Own,
        run: Run::Function(run::run),
    },
    Applet {
        name: "install",
        summary: "put /init and the commands into an image",
        kind: Kind::Own,
        run: Run::Function(install::install),
    },
    Applet {
        name: "check",
        summary: "report everything that is wrong with an image's services",
        kind: Kind::Own,
        run: Run::Function(check::check),
    },
    Applet {
        name: "graph",
        summary: "draw an image's services and what they wait for",
        kind: Kind::Own,
        run: Run::Function(graph::graph),
    },
    Applet {
        name: "reload",
        summary: "read the services of s6-rc again, and restart what changed",
        kind: Kind::Own,
        run: Run::Function(reload::reload),
    },
    Applet::compatible(
        "s6-overlay-suexec",
        "be PID 1, for an /init of the image's own",
        init::suexec,
    ),
    Applet::compatible(
        "with-contenv",
        "run a program with the container's environment",
        contenv::with_contenv,
    ),
    Applet::compatible(
        "printcontenv",
        "print a variable of the container's environment",
        contenv::printcontenv,
    ),
    Applet::compatible(
        "s6-svscanctl",
        "control the supervision: stop, rescan",
        svscanctl::svscanctl,
    ),
    Applet {
        name: "halt",
        summary: "stop the container in order",
        kind: Kind::Basedir,
        run: Run::Function(halt::halt),
    },
    Applet {
        name: "poweroff",
        summary: "the same",
        kind: Kind::Basedir,
        run: Run::Function(halt::poweroff),
    },
    Applet {
        name: "reboot",
        summary: "the same",
        kind: Kind::Basedir,
        run: Run::Function(halt::reboot),
    },
    Applet {
        name: "shutdown",
        summary: "the same, with the usual options",
        kind: Kind::Basedir,
        run: Run::Function(halt::shutdown),
    },
    Applet {
        name: "fix-attrs",
        summary: "apply one file of fix-attrs.d",
        kind: Kind::Internal,
        run: Run::Function(fix_attrs::fix_attrs),
    },
];

/// Runs the command that `words` (the whole argument vector) name. `blocked` is what
/// came of blocking the signals.
pub(crate) fn dispatch(words: Vec<OsString>, blocked: io::Result<Mask>) -> ExitCode {
    let mut words = words.into_iter();
    let called = words.next().unwrap_or_default();
    let own_name = Path::new(&called)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut rest: Vec<OsString> = words.collect();
    let name = if find(&own_name).is_some() {
        own_name
    } else if rest.is_empty() {
        "help".to_owned()
    } else {
        rest.remove(0).to_string_lossy().into_owned()
    };
    let prepared = blocked.and_then(|mask| prepare(&name, mask));
    if let Err(error) = prepared {
        return complain::fatal(
            &name,
            format!("unable to begin: {}", reason(&error)),
            SYSTEM,
        );
    }
    match (find(&name), name.as_str()) {
        (Some(applet), _) => applet.run(rest),
        (None, "help" | "--help" | "-h") => help::overview(),
        (None, "version" | "--version" | "-V") => help::version(),
        (None, unknown) => {
            let message = format!("{unknown} is no command of Sixfold (see sixfold --help)");
            complain::fatal("sixfold", message, USAGE)
        }
    }
}

/// Makes the process what the command expects. The commands of execline find it as it was given to
/// them, closed descriptors and ignored signals too: what they become has to find it so. The others
/// would write their messages into a file of theirs, if that were opened as descriptor 2.
fn prepare(name: &str, mask: Mask) -> io::Result<()> {
    const PIPE: i32 = 13;
    if find(name).is_none_or(|applet| applet.kind != Kind::Language) {
        fds::ensure_std()?;
    }
    if keeps_signals_blocked(name) {
        // Who reads what we write may go away.
        signals::ignore(PIPE)
    } else {
        mask.restore()
    }
}

/// init and run listen in their own way. The commands that stop the container are themselves
/// stopped by it, and must still return as if they were not.
fn keeps_signals_blocked(name: &str) -> bool {
    let is_stop = find(name).is_some_and(|applet| applet.kind == Kind::Basedir);
    is_stop
        || matches!(
            name,
            "init" | "s6-overlay-suexec" | "run" | "s6-svscanctl" | "s6-svscan" | "s6-supervise"
        )
}

/// Every command.
pub(crate) fn all() -> impl Iterator<Item = Applet> {
    let of_language = language::all().map(Applet::of_language);
    TABLES.into_iter().flatten().copied().chain(of_language)
}

/// The names of all commands, for scripts whose interpreter is one of them.
pub(crate) fn names() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| all().map(|applet| applet.name).collect());
    &NAMES
}

fn find(name: &str) -> Option<Applet> {
    all().find(|applet| applet.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names = names().to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all().count());
        assert!(names.iter().all(|name| !name.is_empty()));
    }

    #[test]
    fn no_command_is_called_like_what_the_dispatch_takes_itself() {
        for taken in ["sixfold", "help", "version"] {
            assert!(find(taken).is_none(), "{taken}");
        }
        assert!(names().iter().all(|name| !name.starts_with('-')));
    }

    #[test]
    fn signals_stay_blocked_where_the_stop_would_hit_or_somebody_listens() {
        for name in [
            "init",
            "s6-overlay-suexec",
            "run",
            "s6-svscanctl",
            "s6-svscan",
            "s6-supervise",
            "halt",
            "poweroff",
            "reboot",
            "shutdown",
        ] {
            assert!(keeps_signals_blocked(name), "{name}");
        }
        for name in [
            "with-contenv",
            "printcontenv",
            "fix-attrs",
            "install",
            "help",
        ] {
            assert!(!keeps_signals_blocked(name), "{name}");
        }
    }
}
