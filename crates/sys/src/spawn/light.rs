//! The fast way for a process that has very many descriptors, as the supervisor of a thousand services
//! has: a new process shares them, leaves all but a few, and so copies and closes none of the others.
//! Both a fork and posix_spawn(3) copy all to the child, and its exec closes each.
//!
//! It is clone(2) with CLONE_VM, CLONE_VFORK and CLONE_FILES: the child has our memory and our
//! descriptors, and we stand still until it has begun its program or ended. Its first step is
//! close_range(2) with CLOSE_RANGE_UNSHARE, which gives it a table of its own with the lowest
//! descriptors alone. What it is to have must be among these: a [`Kit`] keeps four places there.

use std::cell::Cell;
use std::convert::Infallible;
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::resource::{Resource, getrlimit};

use super::{Stream, set_cloexec};
use crate::check::{check, invalid, retry};
use crate::process::DescriptorLimit;
use crate::{signals, wait};

/// How much stack a child has until its exec: it makes a few system calls.
const STACK: usize = 16 * 1024;

/// What is kept to start processes with: make it early, while the lowest descriptors are free.
#[derive(Debug)]
pub struct Kit {
    /// For the three standard streams of the next process, and for one descriptor more; `/dev/null`
    /// meanwhile.
    places: [OwnedFd; 4],
    null: OwnedFd,
    stack: Box<[MaybeUninit<Cell<u8>>]>,
}

impl Kit {
    /// A kit.
    ///
    /// # Errors
    /// `Unsupported` or `PermissionDenied` where close_range(2) is missing (before Linux 5.9, or by a
    /// filter of system calls); EMFILE; what open(2) reports for `/dev/null`.
    pub fn new() -> io::Result<Self> {
        // Closes nothing: nobody has a descriptor so high.
        close_range(c_int::MAX, 0)?;
        let null: OwnedFd = File::options()
            .read(true)
            .write(true)
            .open("/dev/null")?
            .into();
        let place = || null.try_clone();
        Ok(Self {
            places: [place()?, place()?, place()?, place()?],
            null,
            stack: Box::new_uninit_slice(STACK),
        })
    }

    /// Calls `act` with an errand for a process with these streams, and perhaps a descriptor that it has
    /// under that number, 3 or higher.
    ///
    /// # Errors
    /// `InvalidInput` for another number; what dup3(2) reports, and what `act` does.
    pub(super) fn with<T>(
        &self,
        streams: &[Stream; 3],
        extra: Option<&(OwnedFd, c_int)>,
        limit: Option<DescriptorLimit>,
        act: impl FnOnce(Errand) -> io::Result<T>,
    ) -> io::Result<T> {
        if let Some((_, number)) = extra {
            let (most, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
            if *number < 3 || u64::try_from(*number).is_ok_and(|number| number >= most) {
                return Err(invalid());
            }
        }
        let own = |(stream, number): (&Stream, c_int)| match stream {
            Stream::Inherit => Some(number),
            Stream::Fd(fd) => Some(fd.as_raw_fd()),
            Stream::Null => None,
        };
        let sources = streams.iter().zip(0..).map(own);
        let sources = sources.chain([extra.map(|(fd, _)| fd.as_raw_fd())]);
        let filled = || self.places.iter().zip(sources.clone());
        let put =
            || filled().try_for_each(|(place, source)| source.map_or(Ok(()), |it| put(it, place)));
        let done = put().and_then(|()| act(self.errand(extra.map(|(_, number)| *number), limit)));
        // Else a pipe would never end that all its writers have left.
        for (place, _) in filled().filter(|(_, source)| source.is_some()) {
            put_back(&self.null, place);
        }
        done
    }

    fn errand(&self, extra: Option<c_int>, limit: Option<DescriptorLimit>) -> Errand {
        let end = self.stack.as_ptr_range().end;
        Errand {
            places: self.places.each_ref().map(AsRawFd::as_raw_fd),
            // The stack grows down, and begins at a multiple of 16.
            stack: end.wrapping_sub(end.addr() % 16).cast_mut().cast(),
            extra,
            limit,
        }
    }
}

fn put(from: c_int, place: &OwnedFd) -> io::Result<()> {
    // SAFETY: takes numbers and touches no memory of ours. What was in the place is known there only.
    check(unsafe { libc::dup3(from, place.as_raw_fd(), libc::O_CLOEXEC) }).map(drop)
}

fn put_back(null: &OwnedFd, place: &OwnedFd) {
    // Both are open, and none of what dup3(2) can fail for else.
    let _ = retry(|| put(null.as_raw_fd(), place));
}

/// How a process is to start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Errand {
    places: [c_int; 4],
    stack: *mut c_void,
    /// The number of what is in the last place, if something is.
    extra: Option<c_int>,
    /// The limit of descriptors, if not ours.
    limit: Option<DescriptorLimit>,
}

/// What the child is given.
struct Work {
    errand: Errand,
    file: *const c_char,
    argv: *const *mut c_char,
    envp: *const *mut c_char,
    /// Why it could not: the number of an error.
    failure: Cell<c_int>,
}

/// Starts the program `file` in a session of its own, with no signal blocked or ignored, with what is in
/// the places and no other descriptors; and returns its pid, or the number of an error.
///
/// # Safety
/// `file` is a string that ends, `argv` and `envp` are rows of such that end with a null.
pub(super) unsafe fn start(
    errand: Errand,
    file: *const c_char,
    argv: *const *mut c_char,
    envp: *const *mut c_char,
) -> Result<libc::pid_t, c_int> {
    let number = |error: io::Error| error.raw_os_error().unwrap_or(libc::EINVAL);
    let work = Work {
        errand,
        file,
        argv,
        envp,
        failure: Cell::new(0),
    };
    // A handler of ours must not run in the child, which has our memory.
    let mask = signals::block_all().map_err(number)?;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_FILES | libc::SIGCHLD;
    let argument = (&raw const work).cast_mut().cast();
    // SAFETY: the stack is large enough, and nobody else uses it: we stand still until the child has
    // begun its program or ended. `work` outlives that.
    let cloned = check(unsafe { libc::clone(run, errand.stack, flags, argument) });
    mask.restore().map_err(number)?;
    let pid = cloned.map_err(number)?;
    match work.failure.get() {
        0 => Ok(pid),
        failure => {
            // It has ended, and nobody knows of it.
            wait::wait_for(pid).map_err(number)?;
            Err(failure)
        }
    }
}

/// The child. Async-signal-safe calls only, no allocation.
extern "C" fn run(work: *mut c_void) -> c_int {
    // SAFETY: `start` gives work that outlives us.
    let work = unsafe { &*work.cast::<Work>() };
    let Err(error) = work.run();
    work.failure
        .set(error.raw_os_error().unwrap_or(libc::EINVAL));
    127
}

impl Work {
    fn run(&self) -> io::Result<Infallible> {
        let Errand {
            places: [first, second, third, fourth],
            extra,
            limit,
            stack: _,
        } = self.errand;
        // Until here the descriptors are the parent's.
        let last = first.max(second).max(third).max(fourth);
        close_range(last.saturating_add(1), libc::CLOSE_RANGE_UNSHARE)?;
        for (place, number) in [(first, 0), (second, 1), (third, 2)] {
            // SAFETY: takes numbers; the table is ours alone now.
            check(unsafe { libc::dup2(place, number) })?;
        }
        // Last: the number may be one of the other places, or its own.
        match extra {
            Some(number) if number == fourth => set_cloexec(number, false)?,
            // SAFETY: takes numbers; what of ours had this number is of no use here.
            Some(number) => check(unsafe { libc::dup2(fourth, number) }).map(drop)?,
            None => {}
        }
        // SAFETY: takes nothing and touches no memory of ours.
        check(unsafe { libc::setsid() })?;
        if let Some(limit) = limit {
            limit.apply()?;
        }
        signals::reset_dispositions();
        signals::clear_mask()?;
        // SAFETY: `start` was given what execve(2) wants.
        unsafe { libc::execve(self.file, self.argv.cast(), self.envp.cast()) };
        Err(io::Error::last_os_error())
    }
}

/// Closes the descriptors from `first` on; with CLOSE_RANGE_UNSHARE in a table of its own, which has
/// those below alone.
fn close_range(first: c_int, flags: c_uint) -> io::Result<()> {
    let first = c_uint::try_from(first).map_err(|_| invalid())?;
    // SAFETY: takes numbers; what is closed is nobody's, or the copy of a child that goes on without.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, first, c_uint::MAX, flags) };
    check(c_int::try_from(closed).unwrap_or(-1)).map(drop)
}
