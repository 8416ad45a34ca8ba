//! The inputs of the fuzz targets, run on any compiler: none of them may end in a panic. The seeds are
//! mutated too, a little and always in the same way, so that a change that breaks on the neighbours of
//! a seed is found without a fuzzer.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

#[path = "../fuzz/bodies.rs"]
mod bodies;

use std::fs;
use std::path::Path;

/// How many neighbours of each seed are tried.
const NEIGHBOURS: u64 = 200;

#[test]
fn lexer() {
    run("lexer", bodies::lexer);
}

#[test]
fn substitution() {
    run("substitution", bodies::substitution);
}

#[test]
fn commands() {
    run("commands", bodies::commands);
}

fn run(target: &str, body: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut seeds = 0;
    for entry in fs::read_dir(&corpus).unwrap() {
        let seed = fs::read(entry.unwrap().path()).unwrap();
        body(&seed);
        for round in 0..NEIGHBOURS {
            body(&neighbour(&seed, round));
        }
        seeds += 1;
    }
    assert!(seeds >= 10, "{seeds} seeds in {}", corpus.display());
}

/// The seed with some bytes replaced, doubled or removed, as `round` has it.
fn neighbour(seed: &[u8], round: u64) -> Vec<u8> {
    // Bytes that mean something to the language come often.
    const SPECIAL: &[u8] = b" \n\0\"\\{}$#0x19-=:,\xff";
    let mut bytes = seed.to_vec();
    let mut state = round.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % below.max(1)
    };
    for _ in 0..=random(4) {
        let at = random(bytes.len() + 1);
        let special = SPECIAL[random(SPECIAL.len())];
        match random(3) {
            0 => bytes.insert(at, special),
            1 if at < bytes.len() => bytes[at] = special,
            _ if at < bytes.len() => drop(bytes.remove(at)),
            _ => bytes.extend_from_within(..at / 2),
        }
    }
    bytes
}
