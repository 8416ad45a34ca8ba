//! What the benchmark `peers` is made of as far as it touches nothing: its options, its numbers, its
//! goals and its reports. Here and not in the benchmark itself, so that `cargo test` tests it.

pub mod chart;
pub mod dpkg;
pub mod flood;
pub mod goals;
pub mod html;
pub mod json;
pub mod markdown;
pub mod options;
pub mod peers;
pub mod results;
pub mod statistics;
pub mod trace;
