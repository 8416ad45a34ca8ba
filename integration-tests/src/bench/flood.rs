//! The lines that services of the benchmark write: of the lengths that programs write, some hundred bytes
//! at the mean. The helper writes them, and the benchmark counts them.

use std::io::Write as _;

/// How long a block is at least, in bytes: about what a pipe holds.
const BLOCK: usize = 60 << 10;

/// Whole lines, to be written again and again.
pub fn block() -> Vec<u8> {
    let mut block = Vec::with_capacity(BLOCK + 200);
    let mut number = 0_usize;
    while block.len() < BLOCK {
        let filling = "x".repeat(20 + number.wrapping_mul(7919) % 140);
        // Memory takes whatever is written to it.
        let _ = writeln!(block, "line {number:04} {filling}");
        number += 1;
    }
    block
}

/// How many lines a flood of `bytes` bytes has.
pub fn lines(bytes: usize) -> usize {
    let block = block();
    let whole = bytes / block.len();
    let rest = &block[..bytes % block.len()];
    whole * newlines(&block) + newlines(rest) + 1
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::{block, lines, newlines};

    #[test]
    fn a_block_is_whole_lines_of_some_hundred_bytes() {
        let block = block();
        assert_eq!(block.last(), Some(&b'\n'));
        let mean = block.len() / newlines(&block);
        assert!((80..130).contains(&mean), "{mean}");
    }

    #[test]
    fn lines_are_those_of_blocks_and_rest() {
        let block = block();
        // The last newline is that of the end.
        assert_eq!(lines(2 * block.len()), 2 * newlines(&block) + 1);
        assert_eq!(lines(block.len() + 1), newlines(&block) + 1);
    }
}
