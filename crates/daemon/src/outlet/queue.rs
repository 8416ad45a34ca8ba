//! The bytes that wait to be written to the console, and whose they are.

use std::collections::VecDeque;

/// An empty queue keeps no more memory than this.
const KEPT: usize = 64 * 1024;

/// The bytes that wait. Whole lines, as a rule; the first may have been written in part.
#[derive(Debug, Default)]
pub(super) struct Queue {
    text: Vec<u8>,
    /// How much of `text` has been written.
    written: usize,
    /// Whose the bytes are that wait, in order. None is empty.
    stretches: VecDeque<Stretch>,
    event_bytes: usize,
}

/// Bytes of one kind that stand together.
#[derive(Debug)]
struct Stretch {
    length: usize,
    is_event: bool,
}

impl Queue {
    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.stretches.is_empty()
    }

    /// How many bytes wait.
    pub(super) fn bytes(&self) -> usize {
        self.text.len().saturating_sub(self.written)
    }

    /// How many of these are of Sixfold's own events.
    pub(super) fn event_bytes(&self) -> usize {
        self.event_bytes
    }

    /// How many lines wait, one that was written in part included.
    pub(super) fn lines(&self) -> usize {
        memchr::memchr_iter(b'\n', self.front(usize::MAX)).count()
    }

    /// Puts in what `write` puts at the end of the bytes it is given.
    pub(super) fn put<T>(&mut self, is_event: bool, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let before = self.text.len();
        let result = write(&mut self.text);
        let length = self.text.len().saturating_sub(before);
        if length == 0 {
            return result;
        }
        if is_event {
            self.event_bytes = self.event_bytes.saturating_add(length);
        }
        match self.stretches.back_mut() {
            Some(last) if last.is_event == is_event => {
                last.length = last.length.saturating_add(length);
            }
            _ => self.stretches.push_back(Stretch { length, is_event }),
        }
        result
    }

    /// The next bytes to be written, at most so many.
    pub(super) fn front(&self, most: usize) -> &[u8] {
        let end = self.text.len().min(self.written.saturating_add(most));
        self.text.get(self.written..end).unwrap_or_default()
    }

    /// So many bytes were written.
    pub(super) fn advance(&mut self, count: usize) {
        let mut left = count.min(self.bytes());
        self.written = self.written.saturating_add(left);
        while let Some(first) = self.stretches.front_mut() {
            let gone = left.min(first.length);
            first.length -= gone;
            left -= gone;
            if first.is_event {
                self.event_bytes = self.event_bytes.saturating_sub(gone);
            }
            if first.length > 0 {
                break;
            }
            self.stretches.pop_front();
        }
        self.tidy();
    }

    /// Gives up the room of what was written, once it is the larger part: each byte is moved no more
    /// than once on the average.
    fn tidy(&mut self) {
        if self.is_empty() {
            self.text.clear();
            self.text.shrink_to(KEPT);
            self.written = 0;
        } else if self.written >= self.bytes() {
            self.text.drain(..self.written);
            self.written = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_that_wait_are_counted() {
        let mut queue = Queue::default();
        queue.put(false, |text| text.extend_from_slice(b"one\ntwo\n"));
        assert_eq!(queue.lines(), 2);
        queue.advance(2);
        assert_eq!(queue.lines(), 2, "of the first, a part waits");
        queue.advance(2);
        assert_eq!(queue.lines(), 1);
    }

    proptest! {
        /// What comes out is what went in, whatever is written in whatever pieces; and events are
        /// counted as long as they wait.
        #[test]
        fn bytes_come_out_in_order(steps in proptest::collection::vec((any::<bool>(), 0_usize..200, 0_usize..300), 0..100)) {
            let mut queue = Queue::default();
            let (mut put, mut seen, mut kinds) = (Vec::new(), Vec::new(), VecDeque::new());
            for (is_event, length, count) in steps {
                let piece: Vec<u8> = (put.len()..).map(|at| u8::try_from(at % 251).unwrap()).take(length).collect();
                queue.put(is_event, |text| text.extend_from_slice(&piece));
                kinds.extend(std::iter::repeat_n(is_event, length));
                put.extend(piece);
                let front = queue.front(count).to_vec();
                queue.advance(front.len());
                kinds.drain(..front.len());
                seen.extend(front);
                prop_assert_eq!(queue.bytes(), kinds.len());
                prop_assert_eq!(queue.event_bytes(), kinds.iter().filter(|is_event| **is_event).count());
                prop_assert_eq!(queue.is_empty(), kinds.is_empty());
            }
            seen.extend(queue.front(usize::MAX));
            prop_assert_eq!(seen, put);
        }
    }
}
