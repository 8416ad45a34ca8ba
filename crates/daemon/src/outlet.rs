//! Where log lines go: a bounded queue, and the pump that writes it to the console.
//!
//! Nobody who puts a line in ever blocks on the console. What a service writes is read only while
//! the queue has room ([`Outlet::room`]); else it stays in the service's pipe, which fills until
//! the service itself blocks. Sixfold's own events have room of their own, and beyond that they are
//! dropped and counted: what services write never costs an event.
//!
//! What is held is bounded: [`ROOM`] and what one read of a pipe can make of it beyond (2 KiB, which
//! are some 256 KiB of records if every line is empty), and [`EVENT_ROOM`].

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sixfold_model::logging::syslog;
use sixfold_sys::fds::Console;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;

use crate::catch_all::{self, CatchAll};
use crate::record::{self, Source};
use crate::watch;
use crate::world::World;

/// From this many bytes on, what services write stays in their pipes.
const ROOM: usize = 256 * 1024;
/// From this many bytes of them on, Sixfold's own events are dropped.
const EVENT_ROOM: usize = 128 * 1024;
/// How much is written at once.
const CHUNK: usize = 64 * 1024;
/// At the end, a console that takes nothing for this long is given up.
const PATIENCE: Duration = Duration::from_millis(300);

/// The queue of lines. Clones are the same queue.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outlet(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Lines came in.
    filled: Notify,
    /// Lines went out.
    drained: Notify,
    /// Where a line goes at once when nothing waits before it: in text mode services write to the
    /// console themselves, and what comes first has to stand there first.
    direct: Mutex<Option<Console>>,
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

/// A logger beside the console.
#[derive(Debug, Default)]
struct Logger {
    writer: Mutex<Option<CatchAll>>,
    /// Lines came in for it.
    caught: Notify,
}

impl Logger {
    fn put(&self, line: &[u8]) {
        if let Some(writer) = lock(&self.writer).as_mut() {
            writer.put(line);
            self.caught.notify_one();
        }
    }

    fn unwritten(&self) -> usize {
        let writer = lock(&self.writer);
        writer.as_ref().map_or(0, CatchAll::unwritten)
    }
}

#[derive(Debug, Default)]
struct Queue {
    lines: VecDeque<Line>,
    /// How much of the first line has been written.
    written: usize,
    bytes: usize,
    /// How many of these are of events.
    event_bytes: usize,
    dropped: u64,
    /// The console took nothing for [`PATIENCE`], and nothing since.
    stuck: bool,
}

/// A line that waits.
#[derive(Debug)]
struct Line {
    text: Vec<u8>,
    is_event: bool,
}

impl Outlet {
    /// What services write goes to the console as it is from now on.
    pub(crate) fn be_text(&self) {
        self.0.is_text.store(true, Ordering::Relaxed);
    }

    /// From now on everything goes to this logger as well, or to it alone.
    pub(crate) fn catch_all(&self, logger: CatchAll, is_alone: bool) {
        *lock(&self.0.catch_all.writer) = Some(logger);
        self.0.is_silent.store(is_alone, Ordering::Relaxed);
    }

    /// Whether there is such a logger.
    pub(crate) fn catches_all(&self) -> bool {
        lock(&self.0.catch_all.writer).is_some()
    }

    /// Puts in a line that a service wrote, without its newline. The caller has waited for room.
    /// `is_partial`: the rest of it follows.
    pub(crate) fn push_line(&self, source: Source<'_>, line: &[u8], is_partial: bool) {
        self.0.catch_all.put(line);
        if self.0.is_silent.load(Ordering::Relaxed) {
            return;
        }
        if self.0.is_text.load(Ordering::Relaxed) {
            let end: &[u8] = if is_partial { b"" } else { b"\n" };
            self.push_output([line, end].concat());
        } else {
            self.push_output(record::format(source, line, is_partial));
        }
    }

    /// Puts in what a service wrote, as it is to be on the console.
    pub(crate) fn push_output(&self, line: Vec<u8>) {
        self.push(line, false);
    }

    /// Puts in lines for the catch-all logger alone.
    pub(crate) fn catch_lines(&self, text: &[u8]) {
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        text.split(|byte| *byte == b'\n')
            .for_each(|line| self.0.catch_all.put(line));
    }

    /// The lines of syslog go to this logger from now on, in text mode.
    pub(crate) fn keep_syslog(&self, logger: CatchAll) {
        *lock(&self.0.syslog.writer) = Some(logger);
    }

    /// Puts in what a program has sent to `/dev/log`, as one line. The caller has waited for room.
    pub(crate) fn push_syslog(&self, line: &[u8]) {
        let mut translated = Vec::new();
        syslog::translate(line, &mut translated);
        self.0.catch_all.put(&translated);
        if self.0.is_text.load(Ordering::Relaxed) {
            self.0.syslog.put(&translated);
        } else if !self.0.is_silent.load(Ordering::Relaxed) {
            self.push_output(record::syslog(line));
        }
    }

    /// Lets the logger of syslog write what came in, until all is over.
    pub(crate) async fn serve_syslog(self, owned: Rc<World>) {
        self.serve_logger(&self.0.syslog, &owned).await;
    }

    /// Lets the catch-all logger write what came in, until all is over. `owned` are the processes that
    /// nobody else may wait for.
    pub(crate) async fn serve_catch_all(self, owned: Rc<World>) {
        self.serve_logger(&self.0.catch_all, &owned).await;
    }

    async fn serve_logger(&self, logger: &Logger, owned: &World) {
        let mut told = None;
        let mut children: Vec<i32> = Vec::new();
        loop {
            let caught = logger.caught.notified();
            let worked = lock(&logger.writer).as_mut().map(|writer| {
                let (next, troubles) = writer.work();
                (next, troubles, writer.children().collect::<Vec<i32>>())
            });
            let Some((next, troubles, fresh)) = worked else {
                return;
            };
            {
                let mut owned = owned.owned.borrow_mut();
                children.iter().for_each(|child| {
                    owned.remove(child);
                });
                owned.extend(&fresh);
            }
            children = fresh;
            self.0.drained.notify_waiters();
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

    /// The end: the loggers write what is left.
    pub(crate) fn close_loggers(&self) {
        for logger in [&self.0.catch_all, &self.0.syslog] {
            let writer = lock(&logger.writer).take();
            let troubles = writer.map(CatchAll::close).unwrap_or_default();
            // The console may still be there to be told.
            troubles.iter().for_each(catch_all::tell);
        }
    }

    /// Puts in a line of Sixfold's own, newline included; drops and counts it if there is no room.
    pub(crate) fn push_event(&self, line: Vec<u8>) {
        if self.0.is_silent.load(Ordering::Relaxed) {
            return;
        }
        {
            let mut queue = self.lock();
            if queue.event_bytes >= EVENT_ROOM {
                queue.dropped = queue.dropped.saturating_add(1);
                return;
            }
        }
        self.push(line, true);
    }

    /// From now on, lines are written at once where that is possible.
    pub(crate) fn write_through(&self, console: Console) {
        *lock(&self.0.direct) = Some(console);
    }

    /// Lets go of the console: the pump ends, and what is written from now on goes through
    /// `instead` or nowhere.
    pub(crate) fn release(&self, instead: Option<Console>) {
        *lock(&self.0.direct) = instead;
        self.0.released.notify_one();
    }

    /// Whether what services write may be read now.
    pub(crate) fn has_room(&self) -> bool {
        let is_behind = |logger: &Logger| logger.unwritten() >= ROOM;
        let loggers = [&self.0.catch_all, &self.0.syslog];
        !loggers.into_iter().any(is_behind) && self.lock().bytes < ROOM
    }

    /// Waits until there is room for what services write.
    pub(crate) async fn room(&self) {
        loop {
            let drained = self.0.drained.notified();
            if self.has_room() {
                return;
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

    /// How many events were dropped so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// How many lines wait to be written.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().lines.len()
    }

    /// Writes what comes in to `console`, until that is released.
    pub(crate) async fn pump(self, console: Console) {
        let mut writer = Writer::new(console);
        loop {
            let filled = self.0.filled.notified();
            if self.waiting() == 0 {
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
            if self.waiting() == 0 {
                return true;
            }
            if tokio::time::timeout(PATIENCE, drained).await.is_err() {
                self.lock().stuck = true;
                return self.waiting() == 0;
            }
        }
    }

    fn push(&self, mut line: Vec<u8>, is_event: bool) {
        let mut queue = self.lock();
        let direct = lock(&self.0.direct);
        if let (Some(console), true) = (direct.as_ref(), queue.lines.is_empty()) {
            let written = console.write(&line).unwrap_or_default();
            line.drain(..written.min(line.len()));
            if line.is_empty() {
                return;
            }
        }
        drop(direct);
        queue.bytes = queue.bytes.saturating_add(line.len());
        if is_event {
            queue.event_bytes = queue.event_bytes.saturating_add(line.len());
        }
        queue.lines.push_back(Line {
            text: line,
            is_event,
        });
        drop(queue);
        self.0.filled.notify_one();
    }

    /// Writes a chunk. When the console is gone for good, lines are taken and thrown away, as
    /// nobody can read them and the services that write them must not be held up.
    async fn write_some(&self, writer: &mut Writer) {
        let chunk = self.chunk();
        match writer.write(&chunk).await {
            Ok(count) => self.advance(count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => {
                self.advance(chunk.len());
                tokio::task::yield_now().await;
            }
        }
    }

    fn chunk(&self) -> Vec<u8> {
        let queue = self.lock();
        let mut chunk = Vec::new();
        let mut skip = queue.written;
        for line in &queue.lines {
            chunk.extend_from_slice(line.text.get(skip..).unwrap_or_default());
            skip = 0;
            if chunk.len() >= CHUNK {
                break;
            }
        }
        chunk
    }

    fn advance(&self, count: usize) {
        let mut queue = self.lock();
        queue.stuck = false;
        let mut left = count;
        while let Some((first, is_event)) = queue.front() {
            let rest = first.saturating_sub(queue.written);
            if left < rest {
                queue.written = queue.written.saturating_add(left);
                break;
            }
            left -= rest;
            queue.written = 0;
            queue.bytes = queue.bytes.saturating_sub(first);
            if is_event {
                queue.event_bytes = queue.event_bytes.saturating_sub(first);
            }
            queue.lines.pop_front();
        }
        drop(queue);
        self.0.drained.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        lock(&self.0.queue)
    }
}

impl Queue {
    /// How long the first line is, and whether it is an event.
    fn front(&self) -> Option<(usize, bool)> {
        let line = self.lines.front()?;
        Some((line.text.len(), line.is_event))
    }
}

/// A panic while it was held leaves nothing half done in here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The console, with or without a place in the event loop.
enum Writer {
    /// A pipe, socket or terminal.
    Polled(AsyncFd<Console>),
    /// A file, or a device that is always ready.
    Plain(Console),
}

impl Writer {
    fn new(console: Console) -> Self {
        if !console.pollable() {
            return Self::Plain(console);
        }
        match watch::writable(console) {
            Ok(polled) => Self::Polled(polled),
            Err(console) => Self::Plain(console),
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Polled(console) => loop {
                let mut ready = console.writable().await?;
                if let Ok(result) = ready.try_io(|console| console.get_ref().write(bytes)) {
                    return result;
                }
            },
            Self::Plain(console) => {
                let written = console.write(bytes);
                // A file takes everything at once: let others have their turn.
                tokio::task::yield_now().await;
                written
            }
        }
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
            outlet.push_event(line(4096));
        }
        assert_eq!(outlet.waiting(), EVENT_ROOM / 4096);
        outlet.push_event(line(1));
        assert_eq!(outlet.dropped(), 2);
        outlet.advance(4096);
        outlet.push_event(line(1));
        assert_eq!(outlet.dropped(), 2);
    }

    #[test]
    fn what_services_write_costs_no_event() {
        let outlet = Outlet::default();
        while outlet.has_room() {
            outlet.push_output(line(4096));
        }
        outlet.push_output(line(2 * ROOM));
        outlet.push_event(line(100));
        assert_eq!(outlet.dropped(), 0);
        outlet.advance(3 * ROOM + 100);
        assert_eq!(outlet.waiting(), 0);
        outlet.push_event(line(EVENT_ROOM));
        outlet.push_event(line(1));
        assert_eq!(outlet.dropped(), 1);
    }

    #[test]
    fn partial_writes_lose_nothing() {
        let outlet = Outlet::default();
        outlet.push_output(b"one\n".to_vec());
        outlet.push_output(b"two\n".to_vec());
        let mut seen = Vec::new();
        for step in [1, 4, 2, 1] {
            let chunk = outlet.chunk();
            seen.extend_from_slice(&chunk[..step]);
            outlet.advance(step);
        }
        assert_eq!(seen, b"one\ntwo\n");
        assert_eq!(outlet.waiting(), 0);
        assert!(outlet.chunk().is_empty());
    }
}
