//! A service that does what it is told and nothing else, so that all that is counted while it runs is
//! its supervisor's. Static, starts no process, is silent.
//!
//! As an interpreter, `#!/opt/gated-writer` waits for a signal. `#!/opt/gated-writer gate=FIFO` reads
//! orders from that FIFO, one a line, until its end, and then waits:
//!
//! lines N      writes N lines to standard output, each with a write(2) of its own
//! blocks N     writes N blocks of 64 KiB, each 1024 lines of 64 bytes in one write(2)

use std::fs::File;
use std::io::{BufRead, BufReader, Write, stdout};

const LINE: [u8; 64] = {
    let mut line = [b'.'; 64];
    line[63] = b'\n';
    line
};

fn main() {
    let gate = std::env::args().find_map(|word| word.strip_prefix("gate=").map(str::to_owned));
    if let Some(gate) = gate {
        let gate = File::open(&gate).unwrap_or_else(|error| panic!("{gate}: {error}"));
        for order in BufReader::new(gate).lines().map_while(Result::ok) {
            obey(&order);
        }
    }
    loop {
        std::thread::park();
    }
}

fn obey(order: &str) {
    let (what, count) = order.split_once(' ').expect("an order has two words");
    let count: usize = count.parse().expect("the second word is a number");
    let piece = match what {
        "lines" => LINE.to_vec(),
        "blocks" => LINE.repeat(1024),
        _ => panic!("no such order: {what}"),
    };
    // Standard output is buffered by lines: what ends with one goes out at once, in one write(2).
    let mut out = stdout().lock();
    for _ in 0..count {
        out.write_all(&piece).expect("somebody reads");
    }
}
