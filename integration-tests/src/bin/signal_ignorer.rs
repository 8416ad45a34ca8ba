//! A service that no signal but KILL ends: it blocks TERM, INT, QUIT, HUP and USR1. Used by the
//! tests of grace times and of `timeout-kill`.
//!
//! usage: signal-ignorer
//!
//! Prints `ignoring` once the signals are blocked, then waits for ever.

use nix::sys::signal::{SigSet, Signal};

fn main() {
    let mut blocked = SigSet::empty();
    for signal in [
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGHUP,
        Signal::SIGUSR1,
    ] {
        blocked.add(signal);
    }
    blocked.thread_block().expect("signals can be blocked");
    println!("ignoring");
    loop {
        std::thread::park();
    }
}
