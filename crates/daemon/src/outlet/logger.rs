//! A logger beside the console: the catch-all logger, and that of syslog.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::catch_all::{self, CatchAll};
use crate::world::World;

/// A logger, if there is one.
#[derive(Debug, Default)]
pub(super) struct Logger {
    writer: Mutex<Option<CatchAll>>,
    /// Lines came in for it.
    caught: Notify,
}

impl Logger {
    /// Everything goes to `writer` from now on.
    pub(super) fn open(&self, writer: CatchAll) {
        *self.lock() = Some(writer);
    }

    /// Whether there is one.
    pub(super) fn is_open(&self) -> bool {
        self.lock().is_some()
    }

    /// Takes a line, without its newline.
    pub(super) fn put(&self, line: &[u8]) {
        if let Some(writer) = self.lock().as_mut() {
            writer.put(line);
            self.caught.notify_one();
        }
    }

    /// How many bytes wait to be written.
    pub(super) fn unwritten(&self) -> usize {
        self.lock().as_ref().map_or(0, CatchAll::unwritten)
    }

    /// Writes what comes in, until the logger is closed; `worked` is called each time. `world` keeps
    /// the processes that nobody else may wait for.
    pub(super) async fn serve(&self, world: &World, worked: impl Fn()) {
        let mut told = None;
        let mut children: Vec<i32> = Vec::new();
        loop {
            let caught = self.caught.notified();
            let work = self.lock().as_mut().map(|writer| {
                let (next, troubles) = writer.work();
                (next, troubles, writer.children().collect::<Vec<i32>>())
            });
            let Some((next, troubles, fresh)) = work else {
                return;
            };
            {
                let mut owned = world.owned.borrow_mut();
                children.iter().for_each(|child| {
                    owned.remove(child);
                });
                owned.extend(&fresh);
            }
            children = fresh;
            worked();
            // The same again and again is told once: it would fill what is full already.
            for trouble in &troubles {
                let text = trouble.to_string();
                if told.as_ref() != Some(&text) {
                    catch_all::tell(trouble);
                    told = Some(text);
                }
            }
            match next {
                Some(next) => {
                    let _ = tokio::time::timeout(next, caught).await;
                }
                None => caught.await,
            }
        }
    }

    /// The end: what is left is written.
    pub(super) fn close(&self) {
        let writer = self.lock().take();
        let troubles = writer.map(CatchAll::close).unwrap_or_default();
        // The console may still be there to be told.
        troubles.iter().for_each(catch_all::tell);
    }

    /// A panic while it was held leaves nothing half done in here.
    fn lock(&self) -> MutexGuard<'_, Option<CatchAll>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
