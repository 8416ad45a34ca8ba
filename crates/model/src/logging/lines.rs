//! A stream of bytes, cut into lines: at newlines and NULs, and where a line gets too long
//! (s6-log -l).
//!
//! Nothing is copied for a line, and nothing allocated while lines are shorter than the buffer.

use std::ops::Range;

/// How many bytes s6-log reads at once. It looks at the size of a file after each block of lines that
/// it has read, so blocks are part of what a file holds: here they are cut in the same places, however
/// much is read at once.
pub const BLOCK: usize = 8191;
/// How much is read at once.
const READ: usize = 128 * 1024;

/// The lines of a stream.
#[derive(Debug)]
pub struct Lines {
    buffer: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// Up to where there is no end of a line behind `start`.
    searched: usize,
    /// Where what was read ends.
    end: usize,
    /// A line that ends beyond belongs to the next block.
    block: usize,
    /// Whether lines of this block were given.
    has_given: bool,
    /// The longest line; `None` is without end.
    limit: Option<usize>,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A line, without its end.
    Line(&'a [u8]),
    /// The lines so far are a block: after them a file may be full.
    Block,
}

impl Lines {
    /// A stream whose lines have at most `limit` bytes, longer ones being cut; 0 is without limit.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            buffer: vec![0; READ],
            start: 0,
            searched: 0,
            end: 0,
            block: BLOCK,
            has_given: false,
            limit: Some(limit).filter(|limit| *limit > 0),
        }
    }

    /// Where to read into; never empty. [`Lines::filled`] takes what was read. To be called when
    /// [`Lines::next`] has nothing more.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.searched = self.searched.saturating_sub(self.start);
            self.start = 0;
        }
        if self.buffer.len() - self.end < READ / 2 {
            // A long line: room for as much again, so that all of it is moved a few times only.
            self.buffer.resize(self.buffer.len().saturating_mul(2), 0);
        } else if self.end == 0 && self.buffer.len() > READ {
            self.buffer.truncate(READ);
            self.buffer.shrink_to_fit();
        }
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }

    /// Takes `count` bytes that were put at the beginning of [`Lines::space`].
    pub fn filled(&mut self, count: usize) {
        self.block = self.end.saturating_add(BLOCK);
        self.end = self.end.saturating_add(count).min(self.buffer.len());
    }

    /// Takes these bytes.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let space = self.space();
            let count = space.len().min(bytes.len());
            let (now, later) = bytes.split_at(count);
            if let Some(space) = space.get_mut(..count) {
                space.copy_from_slice(now);
            }
            self.filled(count);
            bytes = later;
        }
    }

    /// The next line or end of a block; `None` when there is none before more is read. What was read
    /// at once ends a block, which is not told once more.
    #[expect(
        clippy::should_implement_trait,
        reason = "what it gives is borrowed from it"
    )]
    pub fn next(&mut self) -> Option<Piece<'_>> {
        let found = self.line()?;
        if self.has_given && found.next > self.block {
            self.has_given = false;
            let ahead = (found.next - self.block).div_ceil(BLOCK);
            self.block = self.block.saturating_add(ahead.saturating_mul(BLOCK));
            return Some(Piece::Block);
        }
        self.has_given = true;
        self.start = found.next;
        self.searched = found.next;
        self.buffer.get(found.line).map(Piece::Line)
    }

    /// The beginning of a line whose end was not read yet.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Forgets [`Lines::rest`].
    pub fn drop_rest(&mut self) {
        self.start = self.end;
        self.searched = self.end;
    }

    fn line(&mut self) -> Option<Found> {
        let unsearched = self.buffer.get(self.searched..self.end)?;
        let end = find_end(unsearched).map(|place| self.searched + place);
        let length = end.unwrap_or(self.end) - self.start;
        match (self.limit, end) {
            (Some(limit), _) if length > limit => {
                self.searched = self.start;
                let cut = self.start + limit;
                Some(Found {
                    line: self.start..cut,
                    next: cut,
                })
            }
            (_, Some(end)) => {
                // If a block ends before this line, it is not looked for again.
                self.searched = end;
                Some(Found {
                    line: self.start..end,
                    next: end + 1,
                })
            }
            (_, None) => {
                self.searched = self.end;
                None
            }
        }
    }
}

struct Found {
    line: Range<usize>,
    /// Where the next begins.
    next: usize,
}

/// Where the first newline or NUL is. Eight bytes at a time: a byte of a word is zero where the word
/// less 0x01 in each byte has a high bit that the word has not.
fn find_end(bytes: &[u8]) -> Option<usize> {
    const WORD: usize = size_of::<u64>();
    const ONES: u64 = u64::from_ne_bytes([1; WORD]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; WORD]);
    const NEWLINES: u64 = u64::from_ne_bytes([b'\n'; WORD]);
    let is_end = |byte: &u8| matches!(byte, b'\n' | 0);
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let mut chunks = bytes.chunks_exact(WORD);
    let mut place = 0;
    for chunk in &mut chunks {
        let word = u64::from_le_bytes(chunk.try_into().unwrap_or_default());
        let found = zeros(word) | zeros(word ^ NEWLINES);
        if found != 0 {
            // The lowest one is right; those above it may be its echo.
            let byte = usize::try_from(found.trailing_zeros() / 8).unwrap_or_default();
            return Some(place + byte);
        }
        place += WORD;
    }
    let rest = chunks.remainder().iter().position(is_end);
    rest.map(|rest| place + rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(limit: usize, parts: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<u8>) {
        let mut lines = Lines::new(limit);
        let mut found = Vec::new();
        for part in parts {
            lines.feed(part);
            while let Some(piece) = lines.next() {
                match piece {
                    Piece::Line(line) => found.push(line.to_vec()),
                    Piece::Block => {}
                }
            }
        }
        let rest = lines.rest().to_vec();
        (found, rest)
    }

    fn lengths(limit: usize, length: usize) -> Vec<usize> {
        let text = [vec![b'x'; length], vec![b'\n']].concat();
        let (lines, rest) = lines(limit, &[&text]);
        assert_eq!(rest, b"");
        lines.iter().map(Vec::len).collect()
    }

    #[test]
    fn newlines_and_nuls_end_lines_and_a_rest_is_kept() {
        let (lines, rest) = lines(0, &[b"a\nb\0", b"", b"\nc", b"d\ne"]);
        let expected: [&[u8]; 4] = [b"a", b"b", b"", b"cd"];
        assert_eq!(lines, expected);
        assert_eq!(rest, b"e");
    }

    #[test]
    fn long_lines_are_cut() {
        assert_eq!(lengths(48, 47), [47]);
        assert_eq!(lengths(48, 48), [48]);
        assert_eq!(lengths(48, 49), [48, 1]);
        assert_eq!(lengths(48, 97), [48, 48, 1]);
        assert_eq!(lengths(0, 1_000_000), [1_000_000]);
        assert_eq!(lengths(300_000, 1_000_000).len(), 4);
        // It may still end there.
        let (found, rest) = lines(48, &[&[b'x'; 48]]);
        assert_eq!((found.len(), rest.len()), (0, 48));
    }

    #[test]
    fn blocks_end_where_s6_log_stops_reading() {
        let numbers: String = (1..=3000).map(|number| format!("{number}\n")).collect();
        let mut lines = Lines::new(8192);
        lines.feed(numbers.as_bytes());
        let (mut size, mut sizes) = (0, Vec::new());
        while let Some(piece) = lines.next() {
            match piece {
                Piece::Line(line) => size += line.len() + 1,
                Piece::Block => sizes.push(std::mem::take(&mut size)),
            }
        }
        // As s6-log 2.11.3.2 makes files of it (F64).
        assert_eq!((sizes, size), (vec![8188], 5705));
        let numbers: String = (1..=9000).map(|number| format!("{number}\n")).collect();
        let mut lines = Lines::new(8192);
        lines.feed(numbers.as_bytes());
        let (mut size, mut sizes) = (0, Vec::new());
        while let Some(piece) = lines.next() {
            match piece {
                Piece::Line(line) => size += line.len() + 1,
                Piece::Block => sizes.push(std::mem::take(&mut size)),
            }
        }
        assert_eq!((sizes, size), (vec![8188, 8190, 8195, 8190, 8190], 2940));
    }

    #[test]
    fn the_buffer_grows_for_a_long_line_only() {
        let mut lines = Lines::new(0);
        lines.feed(&[b'x'; 10 * READ]);
        assert_eq!(lines.next(), None);
        assert_eq!(lines.rest().len(), 10 * READ);
        lines.feed(b"\n");
        assert!(matches!(lines.next(), Some(Piece::Line(line)) if line.len() == 10 * READ));
        assert_eq!(lines.next(), None);
        assert_eq!(lines.space().len(), READ);
        lines.feed(b"gone");
        lines.drop_rest();
        assert_eq!(lines.rest(), b"");
    }

    proptest! {
        #[test]
        fn chunks_make_no_difference(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(0), Just(b'x'), any::<u8>()], 0..400),
            cuts in proptest::collection::vec(0..400_usize, 0..8),
            limit in prop_oneof![Just(0), 1..60_usize],
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let parts: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            let (found, rest) = lines(limit, &parts);

            let mut expected: Vec<Vec<u8>> = Vec::new();
            let mut pieces: Vec<&[u8]> = bytes.split(|byte| matches!(byte, b'\n' | 0)).collect();
            let mut last = pieces.pop().unwrap_or_default();
            let limit = if limit == 0 { usize::MAX } else { limit };
            for mut piece in pieces {
                while piece.len() > limit {
                    expected.push(piece[..limit].to_vec());
                    piece = &piece[limit..];
                }
                expected.push(piece.to_vec());
            }
            while last.len() > limit {
                expected.push(last[..limit].to_vec());
                last = &last[limit..];
            }
            prop_assert_eq!(found, expected);
            prop_assert_eq!(rest, last);
        }

        #[test]
        fn ends_are_found_wherever_they_are(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let expected = bytes.iter().position(|byte| matches!(byte, b'\n' | 0));
            prop_assert_eq!(find_end(&bytes), expected);
        }
    }
}
