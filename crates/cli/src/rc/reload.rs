//! `s6-rc reload`: tells services that are up to read their configuration again.

use std::path::Path;

use sixfold_model::rc::Database;
use sixfold_model::rc::database::{FDHOLDER, ONESHOT_RUNNER, Type, Way, Wish};
use sixfold_protocol::paths;
use sixfold_sys::fifo;

use super::command::{Order, database, status, unanswered};
use super::dry_run;
use super::telling::{NAME, PROGRESS, WARNINGS};
use crate::complain::{self, ExitCode, FAILED, reason, say};

/// Tells the services that `order` names, and them alone. Nothing is told when one of them cannot be.
pub(super) fn reload(order: &Order) -> Result<ExitCode, ExitCode> {
    let status = status(order)?;
    let database = database(&order.live)?;
    let is_up = |name: &str| status.up.iter().any(|it| it == name);
    // The services themselves, whichever way was asked for: nothing is followed here.
    let wish = Wish {
        way: Way::Up,
        essential: false,
        ..order.wish()
    };
    let services = database
        .listed(&is_up, &wish, false)
        .map_err(|error| unanswered(&error, &order.live))?;
    for name in &services {
        check(&database, name, is_up(name))?;
    }
    let mut code = ExitCode::SUCCESS;
    // s6-rc's own have nothing to read.
    let own = [ONESHOT_RUNNER, FDHOLDER];
    for name in services.into_iter().filter(|name| !own.contains(name)) {
        let dir = order.live.join("servicedirs").join(name);
        if order.dry.is_some() {
            if order.verbosity > 0 {
                let show = dry_run::SHOW;
                say(format_args!("{show}: s6-svc -l -T 0 -- {}", dir.display()));
            }
        } else if !tell(order, name, &dir) {
            code = ExitCode::from(FAILED);
            continue;
        }
        if order.verbosity >= PROGRESS {
            let dry = if order.dry.is_some() {
                "simulation: "
            } else {
                ""
            };
            let message = format!("{dry}service {name} successfully reloaded");
            complain::info(NAME, message);
        }
    }
    Ok(code)
}

/// Refuses what cannot be told.
fn check(database: &Database, name: &str, is_up: bool) -> Result<(), ExitCode> {
    if !is_up {
        let message =
            format!("unable to reload service {name}: it is not up (start it: s6-rc start {name})");
        return Err(complain::fatal(NAME, message, FAILED));
    }
    if database.type_of(name) == Ok(Type::Oneshot) {
        let message = format!(
            "unable to reload service {name}: the reload scripts of oneshots are not run yet (run what its reload file says, or: s6-rc stop {name} && s6-rc start {name})"
        );
        return Err(complain::fatal(NAME, message, FAILED));
    }
    Ok(())
}

/// Tells the supervisor of a longrun; whether it could be told.
fn tell(order: &Order, name: &str, dir: &Path) -> bool {
    match fifo::write_control(&dir.join(paths::CONTROL), b"l") {
        Ok(()) => true,
        Err(error) => {
            if order.verbosity >= WARNINGS {
                let message = format!("unable to reload service {name}: {}", reason(&error));
                complain::warn(NAME, message);
            }
            false
        }
    }
}
