//! Where log lines go: a bounded queue, and the pump that writes it to the console.
//!
//! Nobody who puts a line in ever blocks on the console. What a service writes is read only while
//! the queue has room ([`Outlet::room`]); else it stays in the service's pipe, which fills until
//! the service itself blocks. Sixfold's own events have room of their own, and beyond that they are
//! dropped and counted: what services write never costs an event.
//!
//! What is held is bounded: [`ROOM`] and one turn's work beyond (128 KiB, and a record), what was read
//! and not put in yet ([`ROOM`] and one read beyond, of all streams together), and [`EVENT_ROOM`].

use std::io::ErrorKind;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sixfold_model::logging::syslog;
use sixfold_sys::fds::Console;
use tokio::sync::Notify;

use crate::catch_all::CatchAll;
use crate::record::{self, Frame, Source};
use crate::world::World;
use console::Writer;
use logger::Logger;
use queue::Queue;
use turn::Turn;

pub(crate) use turn::Permit;

mod console;
mod logger;
mod queue;
mod turn;

/// From this many bytes on, what services write stays in their pipes.
const ROOM: usize = 256 * 1024;
/// From this many bytes of them on, Sixfold's own events are dropped.
const EVENT_ROOM: usize = 128 * 1024;
/// How much is written at once.
const CHUNK: usize = 64 * 1024;
/// What putting in a line costs beside its bytes, as the turn counts.
const LINE_COST: usize = 128;
/// At the end, a console that takes nothing for this long is given up.
const PATIENCE: Duration = Duration::from_millis(300);

/// The queue of lines. Clones are the same queue.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outlet(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// What may be put in before others have their turn.
    turn: Turn,
    /// How much was read and waits to be put in.
    held_back: AtomicUsize,
    /// Lines came in.
    filled: Notify,
    /// Lines went out.
    drained: Notify,
    /// The console is to be let go of.
    released: Notify,
    /// What services write goes to the console as it is, and not as records.
    is_text: AtomicBool,
    /// Nothing goes to the console any more.
    is_silent: AtomicBool,
    /// Where everything goes besides.
    catch_all: Logger,
    /// Where the lines of syslog go in text mode.
    syslog: Logger,
}

/// What waits for the console.
#[derive(Debug, Default)]
struct Waiting {
    queue: Queue,
    /// How many events were dropped.
    dropped: u64,
    /// The console took nothing for [`PATIENCE`], and nothing since.
    stuck: bool,
    /// Where lines go at once when that is possible: in text mode services write to the console
    /// themselves, and what comes first has to stand there first.
    direct: Option<Console>,
}

impl Waiting {
    /// So many bytes were written.
    fn advance(&mut self, count: usize) {
        self.stuck = false;
        self.queue.advance(count);
    }

    /// Writes what there is, if it can be written at once. Returns whether something is left.
    fn write_through(&mut self) -> bool {
        if let Some(console) = &self.direct {
            let written = console.write(self.queue.front(usize::MAX));
            self.queue.advance(written.unwrap_or_default());
        }
        !self.queue.is_empty()
    }
}

impl Outlet {
    /// What services write goes to the console as it is from now on.
    pub(crate) fn be_text(&self) {
        self.0.is_text.store(true, Ordering::Relaxed);
    }

    /// From now on everything goes to this logger as well, or to it alone.
    pub(crate) fn catch_all(&self, logger: CatchAll, is_alone: bool) {
        self.0.catch_all.open(logger);
        self.0.is_silent.store(is_alone, Ordering::Relaxed);
    }

    /// Whether there is such a logger.
    pub(crate) fn catches_all(&self) -> bool {
        self.0.catch_all.is_open()
    }

    /// Takes lines that a service wrote. The caller has waited for room.
    pub(crate) fn take(&self, source: Source<'_>) -> Intake<'_> {
        let form = if self.is_silent() {
            Form::None
        } else if self.0.is_text.load(Ordering::Relaxed) {
            Form::Text
        } else {
            Form::Records(Frame::new(source))
        };
        Intake {
            outlet: self,
            form,
            waiting: self.lock(),
        }
    }

    /// Puts in what a service wrote, as it is to be on the console.
    pub(crate) fn push_output(&self, line: &[u8]) {
        self.push(&mut self.lock(), line, false);
    }

    /// Puts in lines for the catch-all logger alone.
    pub(crate) fn catch_lines(&self, text: &[u8]) {
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        text.split(|byte| *byte == b'\n')
            .for_each(|line| self.0.catch_all.put(line));
    }

    /// The lines of syslog go to this logger from now on, in text mode.
    pub(crate) fn keep_syslog(&self, logger: CatchAll) {
        self.0.syslog.open(logger);
    }

    /// Puts in what a program has sent to `/dev/log`, as one line. The caller has waited for room.
    pub(crate) fn push_syslog(&self, line: &[u8]) {
        self.0.turn.spend(line.len().saturating_add(LINE_COST));
        let mut translated = Vec::new();
        syslog::translate(line, &mut translated);
        self.0.catch_all.put(&translated);
        if self.0.is_text.load(Ordering::Relaxed) {
            self.0.syslog.put(&translated);
        } else if !self.is_silent() {
            self.push_output(&record::syslog(line));
        }
    }

    /// Lets the logger of syslog write what came in, until all is over.
    pub(crate) async fn serve_syslog(self, world: Rc<World>) {
        let worked = || self.0.drained.notify_waiters();
        self.0.syslog.serve(&world, worked).await;
    }

    /// Lets the catch-all logger write what came in, until all is over.
    pub(crate) async fn serve_catch_all(self, world: Rc<World>) {
        let worked = || self.0.drained.notify_waiters();
        self.0.catch_all.serve(&world, worked).await;
    }

    /// The end: the loggers write what is left.
    pub(crate) fn close_loggers(&self) {
        self.0.catch_all.close();
        self.0.syslog.close();
    }

    /// Puts in a line of Sixfold's own, newline included; drops and counts it if there is no room.
    pub(crate) fn push_event(&self, line: &[u8]) {
        if self.is_silent() {
            return;
        }
        let mut waiting = self.lock();
        if waiting.queue.event_bytes() >= EVENT_ROOM {
            waiting.dropped = waiting.dropped.saturating_add(1);
            return;
        }
        self.push(&mut waiting, line, true);
    }

    /// From now on, lines are written at once where that is possible.
    pub(crate) fn write_through(&self, console: Console) {
        self.lock().direct = Some(console);
    }

    /// Lets go of the console: the pump ends, and what is written from now on goes through
    /// `instead` or nowhere.
    pub(crate) fn release(&self, instead: Option<Console>) {
        self.lock().direct = instead;
        self.0.released.notify_one();
    }

    /// Whether the log has room for what services write.
    pub(crate) fn has_room(&self) -> bool {
        let loggers = [&self.0.catch_all, &self.0.syslog];
        let is_behind = |logger: &Logger| logger.unwritten() >= ROOM;
        !loggers.into_iter().any(is_behind) && self.lock().queue.bytes() < ROOM
    }

    /// The right to read what services write, if it can be had at once: nobody came before, and there is
    /// room.
    pub(crate) fn room_now(&self) -> Option<Permit<'_>> {
        self.0.turn.come_now().filter(|_| self.has_room())
    }

    /// Waits until what services write may be read: until those are done who came before, and there is
    /// room. Safe to be dropped at any await.
    pub(crate) async fn room(&self) -> Permit<'_> {
        let permit = self.0.turn.come().await;
        loop {
            let drained = self.0.drained.notified();
            if self.has_room() {
                return permit;
            }
            drained.await;
        }
    }

    /// As [`Outlet::room`], but gives up on a console that takes nothing. Returns whether there is
    /// room.
    pub(crate) async fn room_soon(&self) -> bool {
        if self.lock().stuck {
            return self.has_room();
        }
        if tokio::time::timeout(PATIENCE, self.room()).await.is_err() {
            self.lock().stuck = true;
        }
        self.has_room()
    }

    /// Notes that of what a stream has read, so much waits to be put in, and no longer so much.
    pub(crate) fn hold_back(&self, more: usize, less: usize) {
        let held = self.0.held_back.load(Ordering::Relaxed);
        let held = held.saturating_add(more).saturating_sub(less);
        self.0.held_back.store(held, Ordering::Relaxed);
    }

    /// Whether so much was read and waits to be put in that no more may be read than can be.
    pub(crate) fn holds_much_back(&self) -> bool {
        self.0.held_back.load(Ordering::Relaxed) >= ROOM
    }

    /// How many events were dropped so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// How many lines wait to be written.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().queue.lines()
    }

    /// Writes what comes in to `console`, until that is released.
    pub(crate) async fn pump(self, console: Console) {
        let mut writer = Writer::new(console);
        loop {
            let filled = self.0.filled.notified();
            if self.is_empty() {
                tokio::select! {
                    () = filled => continue,
                    () = self.0.released.notified() => return,
                }
            }
            self.write_some(&mut writer).await;
        }
    }

    /// Waits until everything is written, or the console takes nothing more. Returns whether
    /// everything was written.
    pub(crate) async fn flush(&self) -> bool {
        loop {
            let drained = self.0.drained.notified();
            if self.is_empty() {
                return true;
            }
            if tokio::time::timeout(PATIENCE, drained).await.is_err() {
                self.lock().stuck = true;
                return self.is_empty();
            }
        }
    }

    fn push(&self, waiting: &mut Waiting, line: &[u8], is_event: bool) {
        let write = |text: &mut Vec<u8>| text.extend_from_slice(line);
        waiting.queue.put(is_event, write);
        self.pass_on(waiting);
    }

    /// Has somebody write what waits.
    fn pass_on(&self, waiting: &mut Waiting) {
        if waiting.write_through() {
            self.0.filled.notify_one();
        }
    }

    /// Writes a chunk. When the console is gone for good, lines are taken and thrown away, as
    /// nobody can read them and the services that write them must not be held up.
    async fn write_some(&self, writer: &mut Writer) {
        let write = |console: &Console| {
            let waiting = self.lock();
            let chunk = waiting.queue.front(CHUNK);
            console.write(chunk).map(|count| (count, chunk.len()))
        };
        match writer.write(write).await {
            Ok(count) => self.advance(count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => {
                self.advance(CHUNK);
                tokio::task::yield_now().await;
            }
        }
    }

    fn advance(&self, count: usize) {
        self.lock().advance(count);
        self.0.drained.notify_waiters();
    }

    fn is_empty(&self) -> bool {
        self.lock().queue.is_empty()
    }

    fn is_silent(&self) -> bool {
        self.0.is_silent.load(Ordering::Relaxed)
    }

    /// A panic while it was held leaves nothing half done in here.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lines of one source on their way in. While it is there nothing else can be put in, events neither.
pub(crate) struct Intake<'a> {
    outlet: &'a Outlet,
    form: Form,
    waiting: MutexGuard<'a, Waiting>,
}

/// What a line is on the console.
enum Form {
    /// Nothing.
    None,
    /// As it was written.
    Text,
    /// Framed as a record.
    Records(Frame),
}

impl Intake<'_> {
    /// Puts in a line, without its newline. `is_partial`: the rest of it follows.
    pub(crate) fn line(&mut self, line: &[u8], is_partial: bool) {
        let shared = &self.outlet.0;
        shared.catch_all.put(line);
        let queue = &mut self.waiting.queue;
        let before = queue.bytes();
        queue.put(false, |text| match &self.form {
            Form::None => {}
            Form::Text => {
                text.extend_from_slice(line);
                if !is_partial {
                    text.push(b'\n');
                }
            }
            Form::Records(frame) => frame.record(line, is_partial, text),
        });
        let added = queue.bytes().saturating_sub(before).max(line.len());
        shared.turn.spend(added.saturating_add(LINE_COST));
    }

    /// Whether more may be put in in this turn.
    pub(crate) fn goes_on(&self) -> bool {
        self.outlet.0.turn.is_on()
    }
}

impl Drop for Intake<'_> {
    fn drop(&mut self) {
        self.outlet.pass_on(&mut self.waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(size: usize) -> Vec<u8> {
        let mut line = vec![b'x'; size.saturating_sub(1)];
        line.push(b'\n');
        line
    }

    #[test]
    fn events_beyond_the_limit_are_dropped_and_counted() {
        let outlet = Outlet::default();
        while outlet.dropped() == 0 {
            outlet.push_event(&line(4096));
        }
        assert_eq!(outlet.waiting(), EVENT_ROOM / 4096);
        outlet.push_event(&line(1));
        assert_eq!(outlet.dropped(), 2);
        outlet.advance(4096);
        outlet.push_event(&line(1));
        assert_eq!(outlet.dropped(), 2);
    }

    #[test]
    fn what_services_write_costs_no_event() {
        let outlet = Outlet::default();
        while outlet.has_room() {
            outlet.push_output(&line(4096));
        }
        outlet.push_output(&line(2 * ROOM));
        outlet.push_event(&line(100));
        assert_eq!(outlet.dropped(), 0);
        outlet.advance(3 * ROOM + 100);
        assert_eq!(outlet.waiting(), 0);
        outlet.push_event(&line(EVENT_ROOM));
        outlet.push_event(&line(1));
        assert_eq!(outlet.dropped(), 1);
    }
}
