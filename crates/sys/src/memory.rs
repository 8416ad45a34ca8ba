//! Keeping the memory small of a program that runs for as long as its container does: a host has many
//! containers.
//!
//! Called from the daemon at its beginning, and when a boot is over: nothing of that is needed again.

use std::ffi::{c_int, c_void};
use std::io;

use crate::check::check;

/// Has what is freed join the free memory beside it at once (mallopt(3), `M_MXFAST`). The C library
/// else keeps small pieces apart for the next that wants one of that size, and whatever is larger takes
/// new memory meanwhile: with 50 services that were restarted again and again the heap grew by a fifth.
pub fn keep_together() {
    // SAFETY: sets one number, before or after anything was allocated.
    unsafe { libc::mallopt(libc::M_MXFAST, 0) };
}

/// Gives back what is free in the heap, whole pages of it, and what is mapped of this executable's code
/// and constants: of these a page is mapped again, from the page cache, when it is used again.
///
/// # Errors
/// What madvise(2) reports; the rest was done all the same.
pub fn give_back() -> io::Result<()> {
    // SAFETY: takes a number, and frees nothing that is in use.
    unsafe { libc::malloc_trim(0) };
    let mut failure: c_int = 0;
    // SAFETY: `forget` has the type that is asked for, and `failure` outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(forget), (&raw mut failure).cast()) };
    if failure == 0 {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(failure))
    }
}

/// Unmaps the pages of one object's segments that nobody ever wrote to. `failure` is an int.
///
/// # Safety
/// As dl_iterate_phdr(3) calls it.
unsafe extern "C" fn forget(
    object: *mut libc::dl_phdr_info,
    _size: usize,
    failure: *mut c_void,
) -> c_int {
    // SAFETY: the C library gives a valid object.
    let object = unsafe { &*object };
    let mut segment = object.dlpi_phdr;
    for _ in 0..object.dlpi_phnum {
        // SAFETY: there are so many, one after the other.
        let header = unsafe { &*segment };
        // SAFETY: at most one past the last.
        segment = unsafe { segment.add(1) };
        if header.p_type != libc::PT_LOAD || header.p_flags & libc::PF_W != 0 {
            continue;
        }
        let Some((start, length)) = pages(object.dlpi_addr, header.p_vaddr, header.p_memsz) else {
            continue;
        };
        let start = std::ptr::with_exposed_provenance_mut::<c_void>(start);
        // SAFETY: these pages are mapped from a file, and nobody can write to them: what comes back is
        // what was there.
        let done = check(unsafe { libc::madvise(start, length, libc::MADV_DONTNEED) });
        if let Err(error) = done {
            let number = error.raw_os_error().unwrap_or(libc::EINVAL);
            // SAFETY: an int, which is not used elsewhere meanwhile.
            unsafe { failure.cast::<c_int>().write(number) };
        }
    }
    0
}

/// The start and the length of the whole pages of a segment. Its last page may be shared with the next
/// segment, which has a mapping of its own.
fn pages(base: u64, address: u64, size: u64) -> Option<(usize, usize)> {
    const PAGE: u64 = 4096;
    let start = base.checked_add(address)?;
    let end = start.checked_add(size)?.checked_next_multiple_of(PAGE)?;
    let start = start.checked_sub(start % PAGE)?;
    let length = end.checked_sub(start)?;
    Some((usize::try_from(start).ok()?, usize::try_from(length).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_goes_on_as_before() {
        let before: Vec<String> = (0..10_000).map(|number| number.to_string()).collect();
        let kept = before.iter().step_by(100).cloned().collect::<Vec<_>>();
        drop(before);
        give_back().unwrap();
        assert_eq!(kept[99], "9900");
        assert_eq!(format!("{:?}", (1.5, "text")), "(1.5, \"text\")");
    }

    #[test]
    fn pages_are_whole() {
        assert_eq!(pages(0x1000, 0x10, 0x20), Some((0x1000, 0x1000)));
        assert_eq!(pages(0, 0x1ff0, 0x20), Some((0x1000, 0x2000)));
        assert_eq!(pages(u64::MAX, 1, 1), None);
    }
}
