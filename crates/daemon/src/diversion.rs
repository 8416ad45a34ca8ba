//! Signals to s6-svscan that somebody wants to react to himself: an executable
//! `.s6-svscan/SIGTERM` is started instead of the built-in reaction to SIGTERM (s6-svscan(8)).

use std::path::PathBuf;

use sixfold_model::Signal;
use sixfold_protocol::paths;
use sixfold_sys::files;
use sixfold_sys::spawn::{Plan, Session, Stream};

use crate::launch;
use crate::world::World;

/// The signals that can be diverted.
const DIVERTED: [Signal; 8] = [
    Signal::HUP,
    Signal::INT,
    Signal::TERM,
    Signal::QUIT,
    Signal::USR1,
    Signal::USR2,
    Signal::PWR,
    Signal::WINCH,
];

/// Starts what is to react to `signal`, if there is anything; whether there was. It is nobody's
/// child: the reaper takes it when it ends.
pub(crate) fn take(world: &World, signal: Signal) -> bool {
    let Some(program) = program(world, signal) else {
        return false;
    };
    let plan = Plan {
        program: program.clone().into(),
        arg0: None,
        args: Vec::new(),
        env: world.base_env(),
        stdin: Stream::Inherit,
        stdout: Stream::Inherit,
        stderr: Stream::Inherit,
        session: Session::Same,
        extra: None,
        descriptor_limit: world.descriptor_limit,
        ignored: world.ignored,
    };
    match launch::start(world, plan, &world.scandir) {
        Ok(_child) => true,
        Err(error) => {
            let program = program.display();
            let text = format!("s6-svscan: warning: unable to spawn {program}: {error}");
            let text = text.as_str();
            tracing::warn!(
                event = "signal.not_diverted",
                signal = %signal,
                error = %error,
                text,
                "the program that is to react to a signal cannot be started"
            );
            false
        }
    }
}

fn program(world: &World, signal: Signal) -> Option<PathBuf> {
    let name = DIVERTED.contains(&signal).then(|| signal.to_string())?;
    let path = world.scandir.join(paths::SVSCAN).join(name);
    files::is_executable(&path).then_some(path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::subscriber::Format;
    use crate::world::tests::plain;

    #[test]
    fn only_executables_of_signals_that_can_be_diverted_count() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join(paths::SVSCAN);
        fs::create_dir(&own).unwrap();
        let mut world = plain(Format::Text);
        world.scandir = dir.path().into();
        for (name, mode) in [("SIGTERM", 0o755), ("SIGUSR1", 0o644), ("SIGABRT", 0o755)] {
            fs::write(own.join(name), "#!/bin/sh\n").unwrap();
            files::chmod(&own.join(name), mode).unwrap();
        }
        assert_eq!(program(&world, Signal::TERM), Some(own.join("SIGTERM")));
        for signal in [Signal::USR1, Signal::ABRT, Signal::HUP] {
            assert_eq!(program(&world, signal), None, "{signal}");
        }
    }
}
