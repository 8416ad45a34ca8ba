//! What a service is told of the socket on which it announces itself, in its environment
//! (sd_notify(3), sd_watchdog_enabled(3)).

use std::path::Path;
use std::time::Duration;

use sixfold_protocol::notify::{SOCKET_VARIABLE, WATCHDOG_PID_VARIABLE, WATCHDOG_VARIABLE};
use sixfold_sys::spawn::Plan;

/// Tells the process of `plan` that it announces itself on the socket at `path`, and how often it has
/// to say that it is alive. What this process was told of these itself was meant for nobody else.
///
/// `WATCHDOG_PID` is left out: the process has no number yet, and whoever sees none takes the interval
/// as meant for itself.
pub(crate) fn tell(plan: &mut Plan, path: &Path, watchdog: Option<Duration>) {
    let ours = [SOCKET_VARIABLE, WATCHDOG_VARIABLE, WATCHDOG_PID_VARIABLE];
    plan.env
        .retain(|(name, _)| !ours.iter().any(|own| name == own));
    plan.env.push((SOCKET_VARIABLE.into(), path.into()));
    if let Some(interval) = watchdog {
        let microseconds = interval.as_micros().to_string();
        plan.env
            .push((WATCHDOG_VARIABLE.into(), microseconds.into()));
    }
}
