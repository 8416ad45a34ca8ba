//! Reaping the processes that are nobody's: orphans, which the kernel gives to PID 1 (or to the
//! nearest child subreaper).
//!
//! The danger: a plain `waitpid(-1)` would also take the statuses of children that belong to a
//! unit, and tokio would then wait for them for ever. So nothing is taken before it is known whose
//! it is. A peek (`waitid` with `WNOWAIT`) shows the head of the queue of dead children; an orphan
//! is reaped, an owned child is left to its unit. But the peek keeps showing the same head, so
//! behind an owned child that its unit has not got to yet, the orphans are found by their state in
//! `/proc` instead.

use std::collections::HashSet;
use std::rc::Rc;

use sixfold_sys::wait::{self, Peek};
use sixfold_sys::{process, signals};
use tokio::signal::unix::Signal;
use tokio::sync::mpsc::UnboundedSender;

use crate::world::World;

/// How many are reaped before others have their turn.
const BATCH: usize = 256;

/// How many turns a unit is given to wait for its dead child before the orphans behind that are looked
/// for.
const PATIENCE: usize = 4;

/// Reaps orphans whenever a child dies, for ever. After each turn that reaped any, their number is
/// sent to `news`.
pub(crate) async fn serve(world: Rc<World>, mut children: Signal, news: UnboundedSender<usize>) {
    let mut has_proc = true;
    loop {
        loop {
            let (mut reaped, mut head) = reap_front(&world.owned.borrow());
            let mut patience = PATIENCE;
            // Its unit is about to wait for it; looking through /proc costs more than a few turns. When
            // many end at once, each in its turn comes to the head of the queue.
            while let Head::Owned(pid) = head {
                if patience == 0 {
                    reaped += reap_behind(&world.owned.borrow(), BATCH, &mut has_proc);
                    break;
                }
                tokio::task::yield_now().await;
                let (more, next) = reap_front(&world.owned.borrow());
                reaped += more;
                patience = if next == Head::Owned(pid) {
                    patience - 1
                } else {
                    PATIENCE
                };
                head = next;
            }
            if reaped > 0 && news.send(reaped).is_err() {
                return;
            }
            if reaped < BATCH {
                break;
            }
            tokio::task::yield_now().await;
        }
        resume_foreground(&world);
        // Signals that came meanwhile are remembered by the stream: none is missed.
        if children.recv().await.is_none() {
            return;
        }
    }
}

/// Lets a CMD go on that ^Z has stopped. A shell would offer `fg`; here nobody could ever resume it,
/// and the terminal would be dead. (A shell as the CMD is not stopped: its jobs are its own.)
fn resume_foreground(world: &World) {
    let Some(pid) = world.foreground.get() else {
        return;
    };
    if let Ok(Some(SIGTSTP)) = wait::stopped_by(pid) {
        tracing::info!(
            event = "cmd.resumed",
            service = "cmd",
            pid,
            "the cmd was stopped from the terminal and goes on"
        );
        // It can have died since.
        let _ = signals::send_group(pid, SIGCONT);
    }
}

/// What a terminal sends on ^Z.
const SIGTSTP: i32 = 20;
const SIGCONT: i32 = 18;

/// What is at the head of the queue of dead children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    /// A child that belongs to a unit: its id.
    Owned(i32),
    /// Nobody, or one more orphan than a turn takes.
    Clear,
}

/// Reaps up to [`BATCH`] orphans from the head of the queue, and returns how many it were.
fn reap_front(owned: &HashSet<i32>) -> (usize, Head) {
    let mut reaped = 0;
    while reaped < BATCH {
        match wait::peek() {
            Ok(Peek::Child(pid)) if !owned.contains(&pid) => {
                if !reap(pid) {
                    return (reaped, Head::Clear);
                }
                reaped += 1;
            }
            Ok(Peek::Child(pid)) => return (reaped, Head::Owned(pid)),
            Ok(Peek::NoneReady | Peek::NoChildren) => return (reaped, Head::Clear),
            Err(error) => {
                tracing::error!(event = "reap.failed", error = %error, "cannot look for dead children");
                return (reaped, Head::Clear);
            }
        }
    }
    (reaped, Head::Clear)
}

/// Reaps orphans that are hidden behind an owned child.
fn reap_behind(owned: &HashSet<i32>, limit: usize, has_proc: &mut bool) -> usize {
    if !*has_proc {
        return 0;
    }
    match process::zombies_of_self() {
        Ok(zombies) => {
            let orphans = zombies
                .into_iter()
                .filter(|pid| !owned.contains(pid))
                .take(limit);
            orphans.map(reap).filter(|done| *done).count()
        }
        Err(error) => {
            *has_proc = false;
            tracing::warn!(
                event = "reap.without_proc",
                error = %error,
                mend = "mount /proc",
                "/proc cannot be read: orphans are reaped later than they could be"
            );
            0
        }
    }
}

fn reap(pid: i32) -> bool {
    match wait::reap(pid) {
        Ok(Some(_)) => {
            tracing::trace!(event = "orphan.reaped", pid, "orphan reaped");
            true
        }
        Ok(None) => false,
        Err(error) => {
            tracing::warn!(event = "reap.failed", pid, error = %error, "an orphan could not be reaped");
            false
        }
    }
}

#[cfg(test)]
#[path = "reaper_tests.rs"]
mod tests;
