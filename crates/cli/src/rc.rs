//! The commands of s6-rc. Some work on files: `s6-rc-compile` makes a database of source directories,
//! `s6-rc-db` answers questions about one, `s6-rc-bundle` changes its bundles. The others ask the
//! supervisor of a scan directory, PID 1 as a rule, which does what is asked ([`live`]).

mod bundle;
mod change;
mod command;
mod compile;
mod conversion;
mod db;
mod dry_run;
mod files;
mod init;
pub(crate) mod live;
mod reload;
mod telling;
mod update;

use std::ffi::OsString;

use crate::applets::Applet;
use crate::complain::{self, ExitCode};
use crate::options::{Options, WrongUsage, number};

/// Their table.
pub(crate) const APPLETS: &[Applet] = &[
    Applet::compatible(
        compile::NAME,
        "check s6-rc source directories, and make a database of them",
        compile::compile,
    ),
    Applet::compatible(
        telling::NAME,
        "bring services of s6-rc up or down, and list them",
        command::s6_rc,
    ),
    Applet::compatible(
        dry_run::SHOW,
        "print a command line instead of executing it",
        dry_run::show,
    ),
    Applet::compatible(
        init::NAME,
        "take a database's services into a scan directory",
        init::init,
    ),
    Applet::compatible(
        update::NAME,
        "go over to another s6-rc database",
        update::update,
    ),
    Applet::compatible(
        bundle::NAME,
        "change the bundles of an s6-rc database",
        bundle::bundle,
    ),
    Applet::compatible(db::NAME, "ask an s6-rc database", db::db),
    Applet::compatible(
        FORMAT_UPGRADE,
        "nothing: s6-rc databases have one format here",
        format_upgrade,
    ),
];

const FORMAT_UPGRADE: &str = "s6-rc-format-upgrade";
const FORMAT_UPGRADE_SYNOPSIS: &str =
    "s6-rc-format-upgrade [ -v verbosity ] [ -t timeout ] [ -l live ] [ -b ] [ newdb ]";

/// `s6-rc-format-upgrade`: there is no older format that a live database could have.
fn format_upgrade(args: Vec<OsString>) -> ExitCode {
    match verbosity_of_upgrade(args) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => {
            let message = "nothing to do: s6-rc databases have one format here";
            complain::info(FORMAT_UPGRADE, message);
            ExitCode::SUCCESS
        }
        Err(WrongUsage) => complain::usage(FORMAT_UPGRADE, FORMAT_UPGRADE_SYNOPSIS),
    }
}

fn verbosity_of_upgrade(args: Vec<OsString>) -> Result<u32, WrongUsage> {
    let mut options = Options::new(args, "v:t:l:b");
    let mut verbosity = 1;
    while let Some(option) = options.next()? {
        match option.letter {
            b'v' => verbosity = number(&option.value).ok_or(WrongUsage)?,
            b't' => {
                number::<u32>(&option.value).ok_or(WrongUsage)?;
            }
            _ => {}
        }
    }
    Ok(verbosity)
}
