//! How each kind of work becomes a process: which program, with which arguments, environment,
//! directory and streams.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use sixfold_engine::{Listing, SpawnFailure, Work};
use sixfold_model::script;
use sixfold_model::{Diagnostic, ServiceSpec, Severity};
use sixfold_protocol::paths;
use sixfold_sys::directory::Visit;
use sixfold_sys::spawn::{Kit, Plan, Session, Stream};
use sixfold_sys::{files, lock};
use tokio::process::Child;

use crate::charge::Charge;
use crate::world::World;
use crate::{contenv, snapshot};

use program::{Program, is_missing};
pub(crate) use program::{inspect, inspect_longrun, linked};

pub(crate) mod notify;
mod oneshot;
mod program;

/// The streams of a new process, as the unit has prepared them.
pub(crate) struct Streams {
    /// Standard input.
    pub(crate) stdin: Stream,
    /// Standard output.
    pub(crate) stdout: Stream,
    /// Standard error.
    pub(crate) stderr: Stream,
    /// The descriptor for readiness, and its number.
    pub(crate) notification: Option<(OwnedFd, i32)>,
}

/// A service directory at the moment when something of it is started.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// What it says.
    pub(crate) spec: ServiceSpec,
    /// Where it was when that was last looked at.
    pub(crate) dir: PathBuf,
    /// What knows where it is now.
    pub(crate) charge: Option<Rc<Charge>>,
}

impl Place {
    /// The same directory, wherever it is now: it may have been renamed.
    pub(crate) fn now(mut self) -> Self {
        if let Some(charge) = &self.charge {
            self.dir = charge.path();
        }
        self
    }
}

/// What processes are started with. Where the system has no way for it, they are started all the same, by
/// a fork.
pub(crate) fn kit() -> Option<Kit> {
    let kit = Kit::new().inspect_err(|error| {
        tracing::debug!(
            event = "spawn.slow",
            error = %error,
            "processes are started in a slower way, as close_range(2) cannot be used"
        );
    });
    kit.ok()
}

/// The one place where the daemon starts a process, in `dir`; or in `/`, and a warning, if this user
/// cannot enter it: the program would be blamed for it.
pub(crate) fn start(world: &World, plan: Plan, dir: &Path) -> io::Result<Child> {
    let visit = match Visit::to(dir) {
        Ok(visit) => visit,
        Err(error) => {
            world.report(&[Diagnostic::warning(
                dir,
                format!("cannot be entered, so what should run there runs in /: {error}"),
                "let this user enter it, or set another WORKDIR",
            )]);
            Visit::to(Path::new("/"))?
        }
    };
    let spawned = plan.spawn(world.kit.as_ref(), |command| {
        tokio::process::Command::from(command).spawn()
    });
    if let Err(error) = visit.end() {
        tracing::error!(
            event = "spawn.directory",
            error = %error,
            "the supervisor cannot go back to its own directory, and works elsewhere from now on"
        );
    }
    spawned
}

/// The plan for `work`, and the directory where it begins. `place` is the service's, where it is one.
pub(crate) fn plan(
    world: &World,
    place: Option<&Place>,
    work: &Work,
    streams: Streams,
) -> Result<(Plan, PathBuf), SpawnFailure> {
    let (program, extra_args, env, dir) = match work {
        Work::Run | Work::Finish { .. } => {
            let place = place.ok_or(SpawnFailure::NotRunnable)?;
            let (file, args) = service_call(&place.spec, work);
            let program = service_program(world, place, file, work)?;
            (program, args, world.base_env(), place.dir.clone())
        }
        Work::Step { listing, step } => step_call(world, *listing, &step.path)?,
        Work::Oneshot { service, words } => oneshot::call(world, service, words)?,
        Work::Cmd { argv } => {
            let (program, args) = argv.split_first().ok_or(SpawnFailure::NotFound)?;
            let program = Program {
                program: program.clone(),
                arg0: None,
                args: args.to_vec(),
            };
            (
                program,
                Vec::new(),
                cmd_environment(world),
                world.workdir.clone(),
            )
        }
    };
    let is_foreground = matches!(work, Work::Cmd { .. }) && world.has_terminal;
    let plan = Plan {
        program: program.program,
        arg0: program.arg0,
        args: program.args.into_iter().chain(extra_args).collect(),
        env,
        stdin: streams.stdin,
        stdout: streams.stdout,
        stderr: streams.stderr,
        session: if is_foreground {
            Session::Foreground
        } else {
            Session::New
        },
        extra: streams.notification,
        descriptor_limit: world.descriptor_limit,
        ignored: world.ignored,
    };
    Ok((plan, dir))
}

/// How to start a script of a service: by the name that s6-supervise calls it by, `./run`, which is
/// what it sees as `$0`. Where nothing may be executed, as below a `/run` that is mounted noexec,
/// the image's own copy is started. The scripts of a longrun are links into the image, which may be
/// executed wherever the links are.
fn service_program(
    world: &World,
    place: &Place,
    file: &str,
    work: &Work,
) -> Result<Program, SpawnFailure> {
    let here = place.dir.join(file);
    if world.longrun(place.spec.identity).is_some() {
        let script = linked(&here);
        let mut program = inspect_longrun(world, &script)?;
        program.shorten(&script, file);
        return Ok(locked(world, place, work, program));
    }
    let may_execute = files::may_execute_in(&place.dir);
    let source = if may_execute || !place.spec.source.join(file).is_file() {
        here
    } else {
        place.spec.source.join(file)
    };
    let mut program = inspect(world, &source)?;
    if may_execute {
        program.shorten(&source, file);
    }
    Ok(locked(world, place, work, program))
}

/// `program`, behind the lock of its service if it has one (`lock-fd`).
fn locked(world: &World, place: &Place, work: &Work, program: Program) -> Program {
    match (work, place.spec.lock_fd) {
        (Work::Run, Some(fd)) => {
            warn_if_locked(place);
            program.behind_lock(world, fd)
        }
        _ => program,
    }
}

/// Says so when the service will have to wait for its lock. The lock is never ours, so that looking
/// at the file drops nothing.
fn warn_if_locked(place: &Place) {
    // What is wrong with the file is told by who takes the lock.
    if !lock::is_locked(&place.dir.join(paths::SERVICE_LOCK)).unwrap_or_default() {
        return;
    }
    let name = place.spec.name.as_str();
    let what = "another instance of the service is already running, child will block";
    let text = format!("s6-supervise {name}: warning: {what}");
    let text = text.as_str();
    tracing::warn!(event = "service.locked", service = name, text, "{what}");
}

/// The file and the arguments of `run` and `finish` (s6-supervise: the service's name is the
/// argument of run; finish gets exit code or 256, signal, name, and process group).
fn service_call(spec: &ServiceSpec, work: &Work) -> (&'static str, Vec<OsString>) {
    match work {
        Work::Finish { exit, pgid } => {
            let (code, signal) = exit.finish_arguments();
            let args = vec![
                code.to_string().into(),
                signal.to_string().into(),
                spec.name.clone().into(),
                pgid.to_string().into(),
            ];
            ("finish", args)
        }
        Work::Run | Work::Step { .. } | Work::Oneshot { .. } | Work::Cmd { .. } => {
            ("run", vec![spec.name.clone().into()])
        }
    }
}

type Call = (Program, Vec<OsString>, Vec<(OsString, OsString)>, PathBuf);

fn step_call(world: &World, listing: Listing, path: &Path) -> Result<Call, SpawnFailure> {
    let mut env = world.base_env();
    match listing {
        Listing::Hook => {
            let args = world.settings.stage2_hook.iter().skip(1).cloned().collect();
            let found = lookup(world, path).ok_or_else(|| {
                world.report(&[Diagnostic::error(
                    path,
                    "the command in S6_STAGE2_HOOK was not found",
                    "correct S6_STAGE2_HOOK, or install the command",
                )]);
                SpawnFailure::NotFound
            })?;
            Ok((inspect(world, &found)?, args, env, PathBuf::from("/")))
        }
        Listing::FixAttrs => {
            let program = Program {
                program: world.exe.clone().into(),
                arg0: Some("fix-attrs".into()),
                args: Vec::new(),
            };
            let mut args: Vec<OsString> = Vec::new();
            if world.settings.fix_attrs_hidden {
                args.push("--hidden".into());
            }
            args.push(path.into());
            Ok((program, args, env, PathBuf::from("/")))
        }
        Listing::ContInit => {
            set(&mut env, OsStr::new("RC_NAME"), "legacy-cont-init".into());
            Ok((
                inspect(world, path)?,
                Vec::new(),
                env,
                world.workdir.clone(),
            ))
        }
        Listing::ContFinish => {
            set(&mut env, OsStr::new("RC_NAME"), "legacy-cont-init".into());
            // v1 and v2 give them what is there, S6_STAGE2_EXITED among it.
            for (name, value) in variables(world, paths::ENV_STAGE3) {
                set(&mut env, &name, value);
            }
            Ok((inspect(world, path)?, Vec::new(), env, PathBuf::from("/")))
        }
    }
}

/// The variables in a directory; none, and a warning, when it cannot be read.
fn variables(world: &World, dir: &str) -> Vec<(OsString, OsString)> {
    contenv::load(Path::new(dir)).unwrap_or_else(|error| {
        world.report(&[Diagnostic::warning(
            &error.path,
            format!("cannot be read as a variable: {}", error.source),
            "let it hold one file for each variable, and nothing else",
        )]);
        Vec::new()
    })
}

/// The CMD's environment: the container's, as boot scripts have left it.
fn cmd_environment(world: &World) -> Vec<(OsString, OsString)> {
    if world.settings.keep_env {
        return world.full_env.clone();
    }
    let found = variables(world, paths::CONTAINER_ENVIRONMENT);
    if found.is_empty() {
        world.full_env.clone()
    } else {
        found
    }
}

/// Says why a program that cannot be started cannot be, as far as its file tells.
pub(crate) fn explain(world: &World, program: &OsStr) {
    let Some(path) = lookup(world, Path::new(program)) else {
        return;
    };
    let Ok(file) = snapshot::file(&path) else {
        return;
    };
    // Warnings tell what is done about a script all the same; nothing was done here.
    let inspection = script::inspect(&path, &file);
    let mut errors = inspection.diagnostics;
    errors.retain(|diagnostic| diagnostic.severity == Severity::Error);
    let missing = inspection
        .interpreter
        .filter(|interpreter| is_missing(interpreter));
    errors.extend(missing.map(|interpreter| script::missing_interpreter(&path, &interpreter)));
    world.report(&errors);
}

fn set(env: &mut Vec<(OsString, OsString)>, name: &OsStr, value: OsString) {
    env.retain(|(known, _)| known != name);
    env.push((name.into(), value));
}

/// Finds a command as execvp(3) would.
fn lookup(world: &World, program: &Path) -> Option<PathBuf> {
    if program.as_os_str().as_encoded_bytes().contains(&b'/') {
        return program.is_file().then(|| program.to_owned());
    }
    std::env::split_paths(&world.path)
        .map(|dir| dir.join(program))
        .find(|path| path.is_file())
}

#[cfg(test)]
#[path = "launch_tests.rs"]
mod tests;
