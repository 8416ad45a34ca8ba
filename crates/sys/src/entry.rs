//! The entry of the program: the C library's, not std's.
//!
//! std opens `/dev/null` where 0, 1 or 2 are closed, and ignores SIGPIPE, before `main`. A command that
//! becomes another program would hand both on, and the program would not find what it was given. What
//! std does beyond that is a handler that names a stack overflow, and a name for the thread.

use std::panic::{UnwindSafe, catch_unwind};

/// Makes a function without arguments that gives the exit code the program's entry. To be used once,
/// in a `no_main` executable.
#[macro_export]
macro_rules! main {
    ($run:path) => {
        /// Called by the C library.
        #[cfg(not(test))]
        #[unsafe(no_mangle)]
        extern "C" fn main(_count: i32, _words: *const *const u8) -> i32 {
            $crate::entry::enter($run)
        }

        // The tests of the executable have an entry of their own, beside which this one counts as used.
        #[cfg(test)]
        fn main() {
            $crate::entry::enter($run)
        }
    };
}

/// Runs the program and ends the process, with what was written to standard output flushed. A panic,
/// which has been printed, gives 101, as with std.
pub fn enter(run: impl FnOnce() -> u8 + UnwindSafe) -> ! {
    const PANICKED: u8 = 101;
    let code = catch_unwind(run).unwrap_or(PANICKED);
    std::process::exit(i32::from(code))
}
