//! A service without a shell, for a root that holds nothing else: static, needs no file. As `run`
//! it says so and waits for a signal; as `finish` (called with arguments beyond the name) it says
//! with what it was called.

use std::io::Write;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut err = std::io::stderr();
    if words.len() > 1 {
        let _ = writeln!(err, "plain service finished: {}", words.join(" "));
        return;
    }
    let _ = writeln!(err, "plain service runs");
    loop {
        std::thread::park();
    }
}
