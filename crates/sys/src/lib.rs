//! The kernel layer: every raw system call and every `unsafe` block of Sixfold.
//!
//! Nothing here decides anything or starts a thread, or keeps global state but for the moment of a spawn
//! (whose turn the working directory is, and how the next process starts). The daemon (PID 1, or a
//! child subreaper) and the command-line applets call it; it calls only the kernel. Signals are
//! plain numbers from 1 to 64 throughout, so that the real-time ones are never lost in an enum.
//!
//! `unsafe` is denied in the whole workspace; the modules that lift that are the ones marked below.

pub mod datagrams;
pub mod directory;
pub mod entry;
pub mod exec;
pub mod fifodir;
pub mod files;
pub mod identity;
pub mod limits;
pub mod local;
pub mod mount;
pub mod poll;
pub mod process;
pub mod session;
pub mod users;
pub mod watch;

#[expect(unsafe_code, reason = "getdents64(2), which the C library only wraps")]
mod entries;
#[expect(unsafe_code, reason = "environ(7) as it is")]
pub mod environ;
#[expect(
    unsafe_code,
    reason = "raw descriptor numbers, close_range, epoll, poll and send"
)]
pub mod fds;
#[expect(
    unsafe_code,
    reason = "opens with flags that std cannot express without libc"
)]
pub mod fifo;
#[expect(unsafe_code, reason = "fork, and the end of the process in between")]
pub mod fork;
#[expect(unsafe_code, reason = "localtime_r of the C library")]
pub mod local_time;
#[expect(unsafe_code, reason = "locks that nix offers without the test for one")]
pub mod lock;
#[expect(
    unsafe_code,
    reason = "mallopt, malloc_trim, and madvise on the executable's own segments"
)]
pub mod memory;
#[expect(unsafe_code, reason = "what the kernel says beside a message")]
pub mod notify;
#[expect(
    unsafe_code,
    reason = "descriptors that only their numbers are known of"
)]
pub mod numbers;
#[expect(unsafe_code, reason = "descriptors that come with a message")]
pub mod passing;
#[expect(unsafe_code, reason = "glob and fnmatch of the C library")]
pub mod pattern;
#[expect(unsafe_code, reason = "regcomp, regexec and regerror of the C library")]
pub mod regex;
#[expect(
    unsafe_code,
    reason = "clone, and what the new process does before it execs"
)]
pub mod sandbox;
#[expect(
    unsafe_code,
    reason = "signal sets, signalfd and kill with real-time numbers"
)]
pub mod signals;
#[expect(unsafe_code, reason = "code that runs between fork and exec")]
pub mod spawn;
#[expect(unsafe_code, reason = "nice(2)")]
pub mod system;
#[expect(unsafe_code, reason = "foreground process groups by descriptor number")]
pub mod terminal;
#[expect(
    unsafe_code,
    reason = "waitid and waitpid without an enum that lacks real-time signals"
)]
pub mod wait;

mod check;
