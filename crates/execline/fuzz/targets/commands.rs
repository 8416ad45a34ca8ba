//! Fuzzes the planning of every command with argument vectors.

#![no_main]

#[path = "../bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|input: &[u8]| bodies::commands(input));
