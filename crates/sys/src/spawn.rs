//! What a child process is to be, and the std `Command` that makes it so.
//!
//! There are two ways. The fast one needs a [`Kit`], see `light` and `quick`. Where there is none, or what
//! is asked for goes beyond it, the command has a `pre_exec` step, and therefore std forks: between fork
//! and exec only async-signal-safe calls are made and nothing is allocated. std resets the signal mask
//! before that step; here the dispositions follow and the mask is emptied once more, last.
//!
//! The program is looked up by execvp(3) in the PATH of [`Plan::env`], not in our own; a name with
//! a slash is taken relative to the working directory, which is ours at the time
//! ([`crate::directory::Visit`]). The umask is inherited. All descriptors from 3 up are expected to be
//! close-on-exec ([`crate::fds::close_others_on_exec`]); only [`Plan::extra`] passes.
//!
//! Called from the one place in the daemon that spawns, and from applets.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::sched::CloneFlags;

use crate::check::{check, invalid};
use crate::process::DescriptorLimit;
use crate::signals::Ignored;
use crate::{signals, terminal};

pub use light::Kit;

mod light;
mod quick;

/// Where one of the three standard streams of a child goes.
#[derive(Debug)]
pub enum Stream {
    /// The same as ours.
    Inherit,
    /// `/dev/null`.
    Null,
    /// This descriptor; ours is closed after the spawn.
    Fd(OwnedFd),
}

impl From<Stream> for Stdio {
    fn from(stream: Stream) -> Self {
        match stream {
            Stream::Inherit => Self::inherit(),
            Stream::Null => Self::null(),
            Stream::Fd(fd) => Self::from(fd),
        }
    }
}

/// The session and process group of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// A session of its own, without a terminal: setsid(2).
    New,
    /// A process group of its own in our session, made the foreground group of the first of the
    /// child's descriptors 0, 1, 2 that is our controlling terminal. Without such a terminal there
    /// is only the group.
    Foreground,
    /// Our session and our process group.
    Same,
}

/// A child to be spawned.
#[derive(Debug)]
pub struct Plan {
    /// The program: a path, or a name to be found in the PATH of `env`.
    pub program: OsString,
    /// What the child sees as `argv[0]`, if that is not `program`.
    pub arg0: Option<OsString>,
    /// The arguments after `argv[0]`.
    pub args: Vec<OsString>,
    /// The whole environment; nothing is inherited. Of a name given twice the last value counts.
    pub env: Vec<(OsString, OsString)>,
    /// Descriptor 0.
    pub stdin: Stream,
    /// Descriptor 1.
    pub stdout: Stream,
    /// Descriptor 2.
    pub stderr: Stream,
    /// Session and process group.
    pub session: Session,
    /// A descriptor and the number it must have in the child, as s6's `notification-fd` asks for.
    /// With 0, 1 or 2 it replaces that stream.
    pub extra: Option<(OwnedFd, i32)>,
    /// The limit of descriptors that the child gets, if not ours.
    pub descriptor_limit: Option<DescriptorLimit>,
    /// The signals that the child ignores; it has the default for all others.
    pub ignored: Ignored,
}

impl Plan {
    /// Spawns it: `spawn` is given the command, which is good for this once, and starts it at once. With a
    /// `kit` that is faster where we have many descriptors.
    ///
    /// # Errors
    /// When the number for `extra` is negative or beyond RLIMIT_NOFILE (`InvalidInput`), or no
    /// descriptor is left (EMFILE); and what `spawn` reports.
    pub fn spawn<T>(
        self,
        kit: Option<&Kit>,
        spawn: impl FnOnce(Command) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut streams = [self.stdin, self.stdout, self.stderr];
        let mut extra = self.extra;
        if let Some((fd, number)) = extra.take() {
            let index = usize::try_from(number).map_err(|_negative| invalid())?;
            match streams.get_mut(index) {
                Some(stream) => *stream = Stream::Fd(fd),
                None => extra = Some((fd, number)),
            }
        }
        let mut command = Command::new(&self.program);
        command.args(self.args).env_clear().envs(self.env);
        if let Some(arg0) = self.arg0 {
            command.arg0(arg0);
        }
        let (session, limit, ignored) = (self.session, self.descriptor_limit, self.ignored);
        let is_path = self.program.as_bytes().contains(&b'/');
        let is_plain = session == Session::New && ignored == Ignored::default();
        if let Some(kit) = kit.filter(|_| is_path && is_plain) {
            return kit.with(&streams, extra.as_ref(), limit, |errand| {
                quick::with(errand, || spawn(command))
            });
        }
        let [stdin, stdout, stderr] = streams;
        command.stdin(stdin).stdout(stdout).stderr(stderr);
        let placement = extra.map(|(fd, number)| Placement::prepare(fd, number));
        let placement = placement.transpose()?;
        // SAFETY: `prepare_child` makes async-signal-safe calls only and does not allocate.
        unsafe {
            command.pre_exec(move || prepare_child(session, placement.as_ref(), limit, ignored))
        };
        spawn(command)
    }
}

/// Has a command start its program with no signal blocked, whatever is blocked here: std passes the
/// mask on. It forks for that, where it would else have a faster way.
pub fn with_empty_mask(command: &mut Command) {
    // SAFETY: makes async-signal-safe calls only and does not allocate.
    unsafe { command.pre_exec(signals::clear_mask) };
}

/// Has the command's child have each of these descriptors under its number, 3 or higher. Spawn it at
/// once, and drop it after that: until then the numbers are held in this process where they were free, and
/// expected to stay occupied where they were not.
///
/// # Errors
/// `InvalidInput` for a number that is none, or beyond RLIMIT_NOFILE; EMFILE.
pub fn with_descriptors(command: &mut Command, wanted: Vec<(OwnedFd, i32)>) -> io::Result<()> {
    let highest = wanted.iter().map(|(_, number)| *number).max();
    let least = highest.unwrap_or_default().saturating_add(1);
    let mut placements = Vec::with_capacity(wanted.len());
    for (fd, number) in wanted {
        if number < 3 {
            return Err(invalid());
        }
        // Out of the way of all that is wanted: what is put at one number must not be the source of
        // another.
        // SAFETY: F_DUPFD_CLOEXEC takes a number and touches no memory of ours.
        let copy = check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, least) })?;
        // SAFETY: the kernel has just given us this descriptor; nobody else owns it.
        let copy = unsafe { OwnedFd::from_raw_fd(copy) };
        drop(fd);
        placements.push(Placement::prepare(copy, number)?);
    }
    let apply = move || placements.iter().try_for_each(Placement::apply);
    // SAFETY: makes async-signal-safe calls only and does not allocate.
    unsafe { command.pre_exec(apply) };
    Ok(())
}

/// Runs `spawn`, and the process that it starts is process 1 of a new pid namespace. Only the next
/// process is: afterwards children are born into our own namespace again.
///
/// # Errors
/// What `spawn` reports; EPERM without CAP_SYS_ADMIN; `NotFound` where `/proc` is missing, without
/// which there is no way back.
pub fn in_new_pid_namespace<T>(spawn: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let own = std::fs::File::open("/proc/self/ns/pid")?;
    nix::sched::unshare(CloneFlags::CLONE_NEWPID)?;
    let spawned = spawn();
    // The process spawned is the namespace's first; if it has failed, nothing can be born there.
    nix::sched::setns(&own, CloneFlags::CLONE_NEWPID)?;
    spawned
}

/// How the extra descriptor gets its number in the child.
///
/// std tells the parent of a failed exec through a pipe whose number is unknown here. If the wanted
/// number is free when std opens that pipe, the pipe can land on it, and putting our descriptor
/// there in the child would turn a failed exec into a silent success. So the number is occupied in
/// the parent before std can take it.
#[derive(Debug)]
enum Placement {
    /// It has the number already, in the parent too, close-on-exec; the child lifts that.
    Held(OwnedFd),
    /// Something else of the parent has the number, so std's pipe cannot. The child, where that
    /// something is of no use, puts ours over it.
    Over {
        source: OwnedFd,
        number: i32,
        occupant: Identity,
    },
}

impl Placement {
    fn prepare(source: OwnedFd, number: i32) -> io::Result<Self> {
        set_cloexec(source.as_raw_fd(), true)?;
        if source.as_raw_fd() == number {
            return Ok(Self::Held(source));
        }
        // SAFETY: F_DUPFD_CLOEXEC takes a number and touches no memory of ours.
        let fd = check(unsafe { libc::fcntl(source.as_raw_fd(), libc::F_DUPFD_CLOEXEC, number) })?;
        // SAFETY: the kernel has just given us this descriptor; nobody else owns it.
        let copy = unsafe { OwnedFd::from_raw_fd(fd) };
        if fd == number {
            return Ok(Self::Held(copy));
        }
        Ok(Self::Over {
            source,
            number,
            occupant: Identity::of(number)?,
        })
    }

    /// In the child.
    fn apply(&self) -> io::Result<()> {
        match self {
            Self::Held(fd) => set_cloexec(fd.as_raw_fd(), false),
            Self::Over {
                source,
                number,
                occupant,
            } => {
                if Identity::of(*number)? != *occupant {
                    // The occupant was closed after all, and this may be std's pipe: better a
                    // reported failure than one that cannot be reported.
                    return Err(io::Error::from_raw_os_error(libc::EBUSY));
                }
                // SAFETY: the number is none of std's, see above, and nothing in this process
                // uses what it was before exec.
                check(unsafe { libc::dup2(source.as_raw_fd(), *number) }).map(drop)
            }
        }
    }
}

/// Which file a descriptor refers to.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    device: libc::dev_t,
    inode: libc::ino_t,
}

impl Identity {
    fn of(fd: i32) -> io::Result<Self> {
        // SAFETY: stat is plain data for which all zeroes is a valid value.
        let mut stat: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: `stat` outlives the call.
        check(unsafe { libc::fstat(fd, &raw mut stat) })?;
        Ok(Self {
            device: stat.st_dev,
            inode: stat.st_ino,
        })
    }
}

/// The step between fork and exec. Async-signal-safe calls only, no allocation.
fn prepare_child(
    session: Session,
    placement: Option<&Placement>,
    limit: Option<DescriptorLimit>,
    ignored: Ignored,
) -> io::Result<()> {
    match session {
        Session::New => {
            // SAFETY: takes nothing and touches no memory of ours.
            check(unsafe { libc::setsid() })?;
        }
        Session::Foreground => {
            // SAFETY: takes two numbers and touches no memory of ours.
            check(unsafe { libc::setpgid(0, 0) })?;
            // SAFETY: takes nothing and cannot fail.
            let own = unsafe { libc::getpid() };
            if let Some(fd) = (0..=2).find(|fd| terminal::is_controlling(*fd)) {
                terminal::set_foreground(fd, own)?;
            }
        }
        Session::Same => {}
    }
    if let Some(placement) = placement {
        placement.apply()?;
    }
    if let Some(limit) = limit {
        limit.apply()?;
    }
    signals::reset_dispositions();
    ignored.apply()?;
    signals::clear_mask()
}

fn set_cloexec(fd: i32, on: bool) -> io::Result<()> {
    let flags = if on { libc::FD_CLOEXEC } else { 0 };
    // SAFETY: F_SETFD takes a number and touches no memory of ours.
    check(unsafe { libc::fcntl(fd, libc::F_SETFD, flags) }).map(drop)
}
