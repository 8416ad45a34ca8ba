//! What `strace -f -ttt -o FILE` writes: a process id, a time in seconds, and what happened.

/// How many calls began from the time `begun` on and before `ended`.
pub fn calls(trace: &str, begun: f64, ended: f64) -> u32 {
    let calls = trace.lines().filter(|line| {
        let mut words = line.split_whitespace().skip(1);
        let time = words.next().and_then(|time| time.parse::<f64>().ok());
        let is_within = time.is_some_and(|time| (begun..ended).contains(&time));
        // `+++ exited`, `--- SIGCHLD` and `<... resumed>` are no beginnings.
        let is_call = words.next().is_some_and(|word| {
            word.starts_with(|first: char| first == '_' || first.is_ascii_lowercase())
        });
        is_within && is_call
    });
    u32::try_from(calls.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::calls;

    const TRACE: &str = "\
10 100.000001 epoll_wait(3,  <unfinished ...>\n\
10 101.500000 <... epoll_wait resumed>[], 8, 1000) = 0\n\
10 101.500100 clock_gettime(CLOCK_MONOTONIC, {tv_sec=1, tv_nsec=2}) = 0\n\
11 101.600000 --- SIGCHLD {si_signo=SIGCHLD} ---\n\
11 101.700000 _exit(0)                  = ?\n\
11 101.800000 +++ exited with 0 +++\n\
10 109.000000 poll([{fd=4}], 1, 5000 <detached ...>\n";

    #[test]
    fn only_beginnings_within_the_time_count() {
        assert_eq!(calls(TRACE, 101.0, 105.0), 2);
        assert_eq!(calls(TRACE, 0.0, 1000.0), 4);
        assert_eq!(calls(TRACE, 102.0, 105.0), 0);
        assert_eq!(calls("", 0.0, 1000.0), 0);
    }
}
