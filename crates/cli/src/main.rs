//! The one executable. Which command it is depends on the name it is called by.

mod applets;
mod complain;
mod contenv;
mod control;
mod exec;
mod fix_attrs;
mod halt;
mod help;
mod init;
mod install;
mod options;
mod process;
mod run;
mod supervise;
mod svscanctl;

use std::process::ExitCode;

fn main() -> ExitCode {
    // As PID 1, a signal that comes before anything listens is lost: nothing may come before this.
    let blocked = sixfold_sys::signals::block_all();
    applets::dispatch(std::env::args_os().collect(), blocked)
}
