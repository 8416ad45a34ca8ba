//! The one executable. Which command it is depends on the name it is called by.

#![cfg_attr(not(test), no_main)]

mod applets;
mod check;
mod complain;
mod contenv;
mod control;
mod exec;
mod execline;
mod fix_attrs;
mod graph;
mod halt;
mod help;
mod image;
mod init;
mod install;
mod ipc;
mod log;
mod options;
mod process;
mod rc;
mod reload;
mod run;
mod supervise;
mod svscanctl;
mod tools;

use complain::ExitCode;

sixfold_sys::main!(run_command);

/// What the process does, from its first line to its exit code.
fn run_command() -> u8 {
    // As PID 1, a signal that comes before anything listens is lost: nothing may come before this.
    let blocked = sixfold_sys::signals::block_all();
    let code: ExitCode = applets::dispatch(std::env::args_os().collect(), blocked);
    code.number()
}
