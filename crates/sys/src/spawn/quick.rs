//! The fast way to start a process: std's `Command` without a step of ours between fork and exec, which
//! it starts by posix_spawn(3). That borrows our memory until the exec and copies none of it, where fork
//! copies the tables of all of it, and then, page by page, what either side writes.
//!
//! What a service needs more than std asks posix_spawn for is a session of its own, no signal blocked or
//! ignored, and the limit of descriptors that we were started with. glibc can do the first three; std
//! has no word for them (`CommandExt::setsid` is unstable). So [`posix_spawnp`] is defined here, in
//! place of the C library's, as the linker takes the first of that name: it adds to a call what
//! [`with`] was told for it, and hands all calls on to posix_spawn.
//!
//! A test in `tests/kernel/spawn.rs` fails should std go another way one day: the child has no session
//! then.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_int, c_short};
use std::os::unix::ffi::OsStringExt as _;

use super::light::{self, Berth};
use crate::process::DescriptorLimit;

/// What a process gets that std cannot ask for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extras {
    /// The limit of descriptors, if not ours.
    pub(super) limit: Option<DescriptorLimit>,
    /// Where its streams are, if it is to have no other descriptors of ours for a moment.
    pub(super) berth: Option<Berth>,
}

thread_local! {
    /// What the next process gets, if it is one of ours.
    static NEXT: Cell<Option<Extras>> = const { Cell::new(None) };
}

/// std starts processes by posix_spawn only where it can see the C library's version, by a symbol that
/// is weak: it is there if somebody wants it.
#[used]
static VERSION: unsafe extern "C" fn() -> *const c_char = libc::gnu_get_libc_version;

/// Calls `spawn`, and the process that it starts, if it does so by posix_spawn, has a session of its own,
/// no signal blocked or ignored, and `extras`.
pub(super) fn with<T>(extras: Extras, spawn: impl FnOnce() -> T) -> T {
    NEXT.set(Some(extras));
    let spawned = spawn();
    NEXT.set(None);
    spawned
}

/// posix_spawnp(3), with what [`with`] was told for this call.
///
/// # Safety
/// As posix_spawnp(3) has it.
#[unsafe(no_mangle)]
unsafe extern "C" fn posix_spawnp(
    pid: *mut libc::pid_t,
    file: *const c_char,
    actions: *const libc::posix_spawn_file_actions_t,
    attributes: *const libc::posix_spawnattr_t,
    argv: *const *mut c_char,
    envp: *const *mut c_char,
) -> c_int {
    let start = |file: *const c_char, attributes| {
        // SAFETY: all pointers are the caller's, or a path and attributes that outlive the call.
        unsafe { libc::posix_spawn(pid, file, actions, attributes, argv, envp) }
    };
    // SAFETY: the caller gives a string that ends.
    let name = unsafe { CStr::from_ptr(file) };
    let Some(Extras { limit, berth }) = NEXT.take() else {
        return searched(name, |file| start(file.as_ptr(), attributes));
    };
    if let Some(berth) = berth {
        // SAFETY: the caller gives what execve(2) wants.
        return match unsafe { light::start(berth, limit, file, argv, envp) } {
            Ok(started) => {
                // SAFETY: the caller gives a place for it.
                unsafe { pid.write(started) };
                0
            }
            Err(error) => error,
        };
    }
    // SAFETY: the caller gives attributes, or none.
    let mut own = match unsafe { attributes.as_ref() } {
        Some(given) => *given,
        None => return libc::EINVAL,
    };
    if let Err(error) = in_a_session(&mut own) {
        return error;
    }
    match limit {
        Some(limit) => limit
            .during(|| start(file, &raw const own))
            .unwrap_or_else(|error| error.raw_os_error().unwrap_or(libc::EINVAL)),
        None => start(file, &raw const own),
    }
}

/// Adds a session and signals at their defaults to attributes, or gives the number of an error.
fn in_a_session(attributes: &mut libc::posix_spawnattr_t) -> Result<(), c_int> {
    let done = |code: c_int| if code == 0 { Ok(()) } else { Err(code) };
    let mut flags: c_short = 0;
    // SAFETY: both outlive the call.
    done(unsafe { libc::posix_spawnattr_getflags(attributes, &raw mut flags) })?;
    // Every signal there is: sigfillset(3) leaves out 32 and 33, and posix_spawn would leave these
    // ignored in the child.
    // SAFETY: a sigset_t is a row of bits, for which all zeroes is a valid value.
    let mut all: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: and so is all ones; `all` is written from its beginning to its end.
    unsafe { (&raw mut all).write_bytes(0xff, 1) };
    // SAFETY: both outlive the call.
    done(unsafe { libc::posix_spawnattr_setsigdefault(attributes, &raw const all) })?;
    // SAFETY: a sigset_t is a row of bits, for which all zeroes is a valid value.
    let none: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: both outlive the call.
    done(unsafe { libc::posix_spawnattr_setsigmask(attributes, &raw const none) })?;
    let signals = libc::POSIX_SPAWN_SETSIGDEF | libc::POSIX_SPAWN_SETSIGMASK;
    let signals = c_short::try_from(signals).map_err(|_| libc::EINVAL)?;
    let wanted = libc::POSIX_SPAWN_SETSID | signals;
    // SAFETY: `attributes` outlives the call.
    done(unsafe { libc::posix_spawnattr_setflags(attributes, flags | wanted) })
}

/// Starts the program `name`, looked for in our PATH if it has no slash, and gives the number of an error
/// or 0.
fn searched(name: &CStr, start: impl Fn(&CStr) -> c_int) -> c_int {
    if name.to_bytes().contains(&b'/') {
        return start(name);
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
    let mut failure = libc::ENOENT;
    for dir in std::env::split_paths(&path) {
        let mut file = dir.into_os_string().into_vec();
        if !file.is_empty() {
            file.push(b'/');
        }
        file.extend_from_slice(name.to_bytes());
        let Ok(file) = CString::new(file) else {
            continue;
        };
        match start(&file) {
            libc::ENOENT | libc::ENOTDIR => {}
            libc::EACCES => failure = libc::EACCES,
            done => return done,
        }
    }
    failure
}
