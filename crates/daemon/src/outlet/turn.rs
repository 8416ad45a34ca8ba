//! Who may put lines into the log, one after the other, and how much before everything else has its
//! turn.
//!
//! All that reads what programs write shares one allowance for each turn of the event loop, however
//! many programs write. Supervision is held up by that much, and no more.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

/// What may be put in in one turn, as [`Turn::spend`] counts: some tens of microseconds.
const ALLOWANCE: usize = 128 * 1024;

/// What is left of the allowance, and who waits for it.
#[derive(Debug)]
pub(super) struct Turn {
    /// Serves who waits in the order in which they came.
    line: Semaphore,
    left: AtomicUsize,
}

impl Default for Turn {
    fn default() -> Self {
        Self {
            line: Semaphore::new(1),
            left: AtomicUsize::new(ALLOWANCE),
        }
    }
}

/// The right to put something in, until it is dropped.
#[must_use = "without it others put something in at the same time"]
#[derive(Debug)]
pub(crate) struct Permit<'a>(#[expect(dead_code, reason = "held")] Option<SemaphorePermit<'a>>);

impl Turn {
    /// Waits until those are done who came before. When the allowance is used up, the event loop looks
    /// first for what has happened outside, and all else that can go on does. Safe to be dropped.
    pub(super) async fn come(&self) -> Permit<'_> {
        // It is never closed.
        let permit = Permit(self.line.acquire().await.ok());
        if !self.is_on() {
            tokio::task::yield_now().await;
            self.left.store(ALLOWANCE, Ordering::Relaxed);
        }
        permit
    }

    /// The right to put something in, if nobody came before and something is left.
    pub(super) fn come_now(&self) -> Option<Permit<'_>> {
        let permit = self.is_on().then(|| self.line.try_acquire().ok());
        permit.flatten().map(|permit| Permit(Some(permit)))
    }

    /// Whether something is left.
    pub(super) fn is_on(&self) -> bool {
        self.left.load(Ordering::Relaxed) > 0
    }

    /// Takes so many bytes of records, perhaps more than are left.
    pub(super) fn spend(&self, bytes: usize) {
        let left = self.left.load(Ordering::Relaxed);
        self.left
            .store(left.saturating_sub(bytes), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use tokio::task::LocalSet;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn all_come_in_order() {
        let turn = Rc::new(Turn::default());
        let order = Rc::new(RefCell::new(Vec::new()));
        let local = LocalSet::new();
        for taker in 0..3 {
            let (turn, order) = (Rc::clone(&turn), Rc::clone(&order));
            local.spawn_local(async move {
                for _ in 0..3 {
                    let _permit = turn.come().await;
                    assert!(turn.is_on());
                    turn.spend(ALLOWANCE);
                    order.borrow_mut().push(taker);
                }
            });
        }
        local.await;
        // The first came twice before the others were there.
        assert_eq!(*order.borrow(), [0, 0, 1, 2, 0, 1, 2, 1, 2]);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn who_goes_away_holds_nobody_up() {
        let turn = Turn::default();
        turn.spend(ALLOWANCE);
        let gone = tokio::time::timeout(std::time::Duration::ZERO, turn.come()).await;
        drop(gone);
        let _permit = turn.come().await;
        assert!(turn.is_on());
    }
}
