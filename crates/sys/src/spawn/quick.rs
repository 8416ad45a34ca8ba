//! How std's `Command` is brought to start a process by `light`.
//!
//! It has two ways: fork, and posix_spawn(3), where it has nothing to do between fork and exec and sees a
//! C library that is new enough. The second is one call of `posix_spawnp` with program, words and
//! environment, and no other way leads to its `Child`, which tokio needs. So both functions that it
//! calls for this are defined here, in place of the C library's, as the linker takes the first of a
//! name: [`gnu_get_libc_version`], which says what lets std go this way, and [`posix_spawnp`], which
//! goes it; and only while [`with`] is called. All other commands of this executable fork, as they do
//! in any static one. (The C library's own posix_spawn is no way: it begins with clone3(2), and where a
//! filter of system calls refuses that with EPERM, as older container engines do, it gives up.)
//!
//! A test in `tests/kernel/spawn.rs` fails should std go another way one day: the child has no session
//! then.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int};

use super::light::{self, Errand};

thread_local! {
    /// How the next process starts, if it is one of ours.
    static NEXT: Cell<Option<Errand>> = const { Cell::new(None) };
}

/// Calls `spawn`, and the process that it starts is started as `errand` says.
pub(super) fn with<T>(errand: Errand, spawn: impl FnOnce() -> T) -> T {
    NEXT.set(Some(errand));
    let spawned = spawn();
    NEXT.set(None);
    spawned
}

/// The C library's version, as far as std has to know it: none, and it forks.
#[unsafe(no_mangle)]
extern "C" fn gnu_get_libc_version() -> *const c_char {
    let version = if NEXT.get().is_some() { c"2.24" } else { c"" };
    version.as_ptr()
}

/// posix_spawnp(3), for what [`with`] was told; nobody else comes here.
///
/// # Safety
/// As posix_spawnp(3) has it.
#[unsafe(no_mangle)]
unsafe extern "C" fn posix_spawnp(
    pid: *mut libc::pid_t,
    file: *const c_char,
    _actions: *const libc::posix_spawn_file_actions_t,
    _attributes: *const libc::posix_spawnattr_t,
    argv: *const *mut c_char,
    envp: *const *mut c_char,
) -> c_int {
    let Some(errand) = NEXT.take() else {
        return libc::ENOSYS;
    };
    // SAFETY: the caller gives a string that ends.
    let file = unsafe { CStr::from_ptr(file) };
    or_by_shell(file, argv, |file, argv| {
        // SAFETY: the caller gives what execve(2) wants.
        match unsafe { light::start(errand, file.as_ptr(), argv, envp) } {
            Ok(started) => {
                // SAFETY: the caller gives a place for it.
                unsafe { pid.write(started) };
                0
            }
            Err(error) => error,
        }
    })
}

/// Starts the program `file`; and if the kernel does not know what it is, as a script of the shell, as
/// execvp(3) does, by which programs are started that are not started here.
fn or_by_shell(
    file: &CStr,
    argv: *const *mut c_char,
    start: impl Fn(&CStr, *const *mut c_char) -> c_int,
) -> c_int {
    let code = start(file, argv);
    if code != libc::ENOEXEC {
        return code;
    }
    let shell = c"/bin/sh";
    let mut words = vec![shell.as_ptr().cast_mut(), file.as_ptr().cast_mut()];
    let mut word = argv;
    // The first is what the program was to be called.
    // SAFETY: `argv` is a row that ends with a null, which is not passed.
    while !unsafe { *word }.is_null() {
        // SAFETY: the null is still to come.
        word = unsafe { word.add(1) };
        // SAFETY: the null at most.
        words.push(unsafe { *word });
    }
    if words.last().is_some_and(|last| !last.is_null()) {
        words.push(std::ptr::null_mut());
    }
    start(shell, words.as_ptr())
}
