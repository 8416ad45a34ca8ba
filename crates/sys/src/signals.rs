//! Masks, dispositions, signalfd and kill, with signals as numbers from 1 to 64.
//!
//! Must never decode through an enum that has no real-time signals, and must never let a pid of 0,
//! -1 or 1 slip through to kill(2): each of these reaches far more than one process. Called from
//! the first line of `main` ([`block_all`]), the daemon's signal task and the applets.

use std::io;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use crate::check::{check, check_len, invalid, retry};

/// The highest signal number of Linux.
const LAST: i32 = 64;

/// Blocks every signal that can be blocked. The first thing `main` does: as PID 1 a signal that
/// comes before there is a handler is lost for good, whereas a blocked one stays pending.
///
/// Gives what was blocked before.
///
/// # Errors
/// What sigprocmask(2) reports.
pub fn block_all() -> io::Result<Mask> {
    let mut set = empty_set();
    // SAFETY: `set` is an initialised sigset_t.
    check(unsafe { libc::sigfillset(&raw mut set) })?;
    change_mask(libc::SIG_SETMASK, &set).map(Mask)
}

/// Signals that were blocked.
#[derive(Clone, Copy)]
pub struct Mask(libc::sigset_t);

impl Mask {
    /// Blocks these and no others: what a short-lived command wants instead of [`block_all`].
    ///
    /// # Errors
    /// What sigprocmask(2) reports.
    pub fn restore(self) -> io::Result<()> {
        change_mask(libc::SIG_SETMASK, &self.0).map(drop)
    }
}

/// Takes these signals out of the mask; the others stay as they are.
///
/// # Errors
/// `InvalidInput` for a number that is no signal or that the C library keeps for itself (32, 33).
pub fn unblock(signals: &[i32]) -> io::Result<()> {
    change_mask(libc::SIG_UNBLOCK, &set_of(signals)?).map(drop)
}

/// Blocks these signals in addition to those that are. Gives what was blocked before.
///
/// # Errors
/// `InvalidInput` for a number that is no signal or that the C library keeps for itself (32, 33).
pub fn block(signals: &[i32]) -> io::Result<Mask> {
    change_mask(libc::SIG_BLOCK, &set_of(signals)?).map(Mask)
}

/// Gives a signal that is ignored its default effect again, and says whether it was ignored: SIGCHLD,
/// while it is ignored, is not sent.
///
/// # Errors
/// `InvalidInput` for what is no signal.
pub fn heed(signal: i32) -> io::Result<bool> {
    let was_ignored = is_ignored(signal);
    if was_ignored {
        set_disposition(signal, libc::SIG_DFL)?;
    }
    Ok(was_ignored)
}

/// What a program wants that this process becomes after having listened to signals: nothing blocked,
/// and everything at its default but those in `ignored`.
///
/// # Errors
/// What sigaction(2) or sigprocmask(2) report.
pub fn reset_for_exec(ignored: Ignored) -> io::Result<()> {
    reset_dispositions();
    ignored.apply()?;
    clear_mask()
}

/// Ignores `signal` from now on. Children inherit this, unless they are started by a
/// [`crate::spawn::Plan`], which resets it.
///
/// # Errors
/// `InvalidInput` for what is no signal or cannot be ignored (KILL, STOP).
pub fn ignore(signal: i32) -> io::Result<()> {
    set_disposition(signal, libc::SIG_IGN)
}

/// Signals that were ignored when this process was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ignored(u64);

/// Ends the ignoring of signals that whoever started us has asked for (a shell does, for INT and
/// QUIT of its background jobs), so that they can be listened to; and says which they were, as our
/// children are to ignore them still ([`crate::spawn::Plan::ignored`]). SIGPIPE and SIGCHLD do not
/// count: we ignore the one ourselves, and the other is needed.
///
/// # Errors
/// What sigaction(2) reports.
pub fn take_ignored() -> io::Result<Ignored> {
    let mut ignored = Ignored::default();
    for signal in 1..=LAST {
        if matches!(signal, libc::SIGPIPE | libc::SIGCHLD) || !is_ignored(signal) {
            continue;
        }
        set_disposition(signal, libc::SIG_DFL)?;
        ignored.0 |= bit(signal);
    }
    Ok(ignored)
}

impl Ignored {
    /// Ignores them again. Async-signal-safe: runs between fork and exec.
    pub(crate) fn apply(self) -> io::Result<()> {
        for signal in (1..=LAST).filter(|signal| self.0 & bit(*signal) != 0) {
            set_disposition(signal, libc::SIG_IGN)?;
        }
        Ok(())
    }
}

fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

fn is_ignored(signal: i32) -> bool {
    // SAFETY: sigaction is plain data for which all zeroes is valid.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: only the old action is written, into `action`, which outlives the call. An error (32,
    // 33) leaves it as it is.
    unsafe { libc::sigaction(signal, ptr::null(), &raw mut action) };
    action.sa_sigaction == libc::SIG_IGN
}

/// SIGALRM again and again, to end system calls that wait. It does nothing else, and is back at its
/// default when this is dropped.
#[derive(Debug)]
pub struct Alarm(());

impl Alarm {
    /// The first after `first`, the others a moment apart: one that comes before the call that it is
    /// to end does no harm.
    ///
    /// # Errors
    /// What sigaction(2) and setitimer(2) report.
    pub fn every(first: std::time::Duration) -> io::Result<Self> {
        extern "C" fn nothing(_signal: libc::c_int) {}
        let handler: extern "C" fn(libc::c_int) = nothing;
        // No SA_RESTART: the call is to be interrupted.
        set_disposition(libc::SIGALRM, handler as libc::sighandler_t)?;
        set_timer(first, std::time::Duration::from_millis(10))?;
        Ok(Self(()))
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let none = std::time::Duration::ZERO;
        // They worked before; what is left of them ends with the process.
        let _ = set_timer(none, none);
        let _ = set_disposition(libc::SIGALRM, libc::SIG_DFL);
    }
}

fn set_timer(first: std::time::Duration, then: std::time::Duration) -> io::Result<()> {
    let time = |duration: std::time::Duration| libc::timeval {
        tv_sec: libc::time_t::try_from(duration.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_usec: duration.subsec_micros().into(),
    };
    let timer = libc::itimerval {
        it_interval: time(then),
        it_value: time(first),
    };
    // SAFETY: `timer` outlives the call; a null old value is allowed.
    check(unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, ptr::null_mut()) })
        .map(drop)
}

/// Sends `signal` to one process.
///
/// # Errors
/// `InvalidInput` unless `pid` is greater than 1 and `signal` is 1 to 64; ESRCH, EPERM as kill(2).
pub fn send(pid: i32, signal: i32) -> io::Result<()> {
    if pid <= 1 || !is_signal(signal) {
        return Err(invalid());
    }
    // SAFETY: kill takes two numbers and touches no memory of ours.
    check(unsafe { libc::kill(pid, signal) }).map(drop)
}

/// Sends `signal` to a process group. Only for a group whose leader is not yet reaped, or that is
/// known to have members: otherwise the number may be somebody else's by now.
///
/// # Errors
/// `InvalidInput` unless `pgid` is greater than 1 and `signal` is 1 to 64; ESRCH, EPERM as kill(2).
pub fn send_group(pgid: i32, signal: i32) -> io::Result<()> {
    if pgid <= 1 || !is_signal(signal) {
        return Err(invalid());
    }
    // SAFETY: kill takes two numbers and touches no memory of ours.
    check(unsafe { libc::kill(-pgid, signal) }).map(drop)
}

/// Sends `signal` to every process of the pid namespace but this one: kill(-1). Only PID 1 may.
///
/// # Errors
/// EPERM when this process is not PID 1: there it would reach the whole machine or session.
/// ESRCH when nobody is left. `InvalidInput` unless `signal` is 1 to 64.
pub fn send_all(signal: i32) -> io::Result<()> {
    if !crate::process::is_init() {
        return Err(io::Error::from_raw_os_error(libc::EPERM));
    }
    if !is_signal(signal) {
        return Err(invalid());
    }
    // SAFETY: kill takes two numbers and touches no memory of ours.
    check(unsafe { libc::kill(-1, signal) }).map(drop)
}

/// Whether any process besides this one is left in the pid namespace (zombies that nobody has
/// collected count). Only PID 1 learns something from it; it sends nothing.
#[must_use]
pub fn anyone_left() -> bool {
    // SAFETY: signal 0 only checks whether there is somebody to send to.
    let result = check(unsafe { libc::kill(-1, 0) });
    !matches!(result, Err(error) if error.raw_os_error() == Some(libc::ESRCH))
}

/// A signal taken from a [`SignalFd`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// The number, 1 to 64.
    pub signal: i32,
    /// The sender's pid; 0 when it is outside the pid namespace, or the kernel.
    pub sender: i32,
    /// Whether the kernel raised it (SI_KERNEL), as it does for a terminal's ^C.
    pub from_kernel: bool,
}

/// Waits for one of `signals`, which must be blocked. For commands that have nothing else to do;
/// the daemon reads a [`SignalFd`].
///
/// # Errors
/// `InvalidInput` for a number that is no signal; otherwise what sigwaitinfo(2) reports.
pub fn wait_next(signals: &[i32]) -> io::Result<Received> {
    let set = set_of(signals)?;
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: both point to memory of their types that outlives the call; zeroed siginfo is valid.
    let signal = retry(|| check(unsafe { libc::sigwaitinfo(&raw const set, info.as_mut_ptr()) }))?;
    // SAFETY: plain data, zeroed at first and then filled by the kernel.
    let info = unsafe { info.assume_init() };
    let from_kernel = info.si_code == libc::SI_KERNEL;
    let sender = if from_kernel {
        0
    } else {
        // SAFETY: reads a member of plain data; where no process sent it, it is 0 or unused.
        unsafe { info.si_pid() }
    };
    Ok(Received {
        signal,
        sender,
        from_kernel,
    })
}

/// A descriptor from which blocked signals are read: signalfd(2), close-on-exec, non-blocking.
#[derive(Debug)]
pub struct SignalFd(OwnedFd);

impl SignalFd {
    /// A descriptor for these signals. They must be blocked, or they are delivered in the usual way
    /// and never seen here.
    ///
    /// # Errors
    /// `InvalidInput` for a number that is no signal; otherwise what signalfd(2) reports.
    pub fn new(signals: &[i32]) -> io::Result<Self> {
        let set = set_of(signals)?;
        let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
        // SAFETY: `set` is an initialised sigset_t that outlives the call.
        let fd = check(unsafe { libc::signalfd(-1, &raw const set, flags) })?;
        // SAFETY: the kernel has just given us this descriptor; nobody else owns it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Takes the next signal; `None` when none is pending. Several of the same classic signal may
    /// have been merged into one by the kernel.
    ///
    /// # Errors
    /// What read(2) reports, except EAGAIN and EINTR.
    pub fn read(&self) -> io::Result<Option<Received>> {
        let mut record = MaybeUninit::<libc::signalfd_siginfo>::zeroed();
        let size = size_of::<libc::signalfd_siginfo>();
        let fd = self.0.as_raw_fd();
        // SAFETY: `record` is writable memory of exactly `size` bytes.
        let result =
            retry(|| check_len(unsafe { libc::read(fd, record.as_mut_ptr().cast(), size) }));
        match result {
            Ok(length) if length == size => {}
            Ok(_short) => return Err(io::Error::from_raw_os_error(libc::EIO)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
        // SAFETY: plain data, zeroed at first and then filled by the kernel.
        let record = unsafe { record.assume_init() };
        let from_kernel = record.ssi_code == libc::SI_KERNEL;
        Ok(Some(Received {
            signal: i32::try_from(record.ssi_signo).unwrap_or(0),
            sender: if from_kernel {
                0
            } else {
                i32::try_from(record.ssi_pid).unwrap_or(0)
            },
            from_kernel,
        }))
    }
}

impl AsFd for SignalFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for SignalFd {
    fn as_raw_fd(&self) -> i32 {
        self.0.as_raw_fd()
    }
}

/// Sets every signal back to its default. Async-signal-safe: runs between fork and exec.
///
/// By the bare system call, because sigaction(3) refuses 32 and 33, which the C library keeps for
/// itself. They need it too: its posix_spawn leaves them ignored in every process that it starts,
/// and so perhaps in us.
pub(crate) fn reset_dispositions() {
    // The kernel's own struct differs from the C library's, but on every architecture it is
    // smaller than this, and all zeroes is SIG_DFL with no flags and an empty mask.
    let default = [0_u64; 8];
    let set_size: libc::c_long = 8;
    for signal in 1..=LAST {
        let null = ptr::null_mut::<u64>();
        let (call, signal) = (libc::SYS_rt_sigaction, libc::c_long::from(signal));
        // SAFETY: the kernel reads a struct from `default`, which is large enough, and writes
        // nothing, the old action's address being null. EINVAL for KILL and STOP is expected.
        unsafe { libc::syscall(call, signal, default.as_ptr(), null, set_size) };
    }
}

/// Empties the signal mask. Async-signal-safe.
pub fn clear_mask() -> io::Result<()> {
    change_mask(libc::SIG_SETMASK, &empty_set()).map(drop)
}

/// Runs `action` with `signal` blocked and restores the mask. Async-signal-safe if `action` is.
pub(crate) fn with_blocked<T>(
    signal: i32,
    action: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    let before = change_mask(libc::SIG_BLOCK, &set_of(&[signal])?)?;
    let result = action();
    change_mask(libc::SIG_SETMASK, &before)?;
    result
}

fn is_signal(number: i32) -> bool {
    (1..=LAST).contains(&number)
}

fn set_disposition(signal: i32, handler: libc::sighandler_t) -> io::Result<()> {
    // SAFETY: sigaction is plain data for which all zeroes is valid: no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler;
    // SAFETY: `action` is initialised and outlives the call; a null old action is allowed. The
    // handler is SIG_DFL, SIG_IGN, or a function that does nothing.
    check(unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) }).map(drop)
}

fn empty_set() -> libc::sigset_t {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: `set` is writable memory for one sigset_t; the call cannot fail.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: zeroed and then initialised by sigemptyset.
    unsafe { set.assume_init() }
}

fn set_of(signals: &[i32]) -> io::Result<libc::sigset_t> {
    let mut set = empty_set();
    for &signal in signals {
        if !is_signal(signal) {
            return Err(invalid());
        }
        // SAFETY: `set` is an initialised sigset_t.
        check(unsafe { libc::sigaddset(&raw mut set, signal) })?;
    }
    Ok(set)
}

/// Changes this thread's mask (the process has one thread) and returns the one before.
fn change_mask(how: i32, set: &libc::sigset_t) -> io::Result<libc::sigset_t> {
    let mut before = empty_set();
    // SAFETY: both sets are initialised and outlive the call.
    match unsafe { libc::pthread_sigmask(how, ptr::from_ref(set), &raw mut before) } {
        0 => Ok(before),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_reaching_targets_are_refused() {
        for pid in [1, 0, -1, -5, i32::MIN] {
            assert_eq!(
                send(pid, 0).unwrap_err().kind(),
                io::ErrorKind::InvalidInput
            );
            assert_eq!(
                send(pid, 18).unwrap_err().kind(),
                io::ErrorKind::InvalidInput
            );
            assert_eq!(
                send_group(pid, 18).unwrap_err().kind(),
                io::ErrorKind::InvalidInput
            );
        }
        // A test never runs as PID 1.
        assert_eq!(send_all(18).unwrap_err().raw_os_error(), Some(libc::EPERM));
    }

    #[test]
    fn what_is_no_signal_is_refused() {
        let own = i32::try_from(std::process::id()).unwrap();
        for signal in [0, -1, 65, 1000] {
            assert_eq!(
                send(own, signal).unwrap_err().kind(),
                io::ErrorKind::InvalidInput
            );
            assert_eq!(
                unblock(&[signal]).unwrap_err().kind(),
                io::ErrorKind::InvalidInput
            );
            assert_eq!(
                SignalFd::new(&[signal]).unwrap_err().kind(),
                io::ErrorKind::InvalidInput
            );
        }
        assert!(ignore(libc::SIGKILL).is_err());
    }
}
