//! Turns the C convention "-1 and errno" into `io::Result`, and repeats what a signal interrupted.
//!
//! Must never allocate: it also runs between fork and exec. Called from the modules beside it.

use std::io;

/// `result` as a success, or errno as an error when it is negative.
pub(crate) fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

/// The same for calls that return a length; a negative one is an error.
pub(crate) fn check_len(result: libc::ssize_t) -> io::Result<usize> {
    usize::try_from(result).map_err(|_negative| io::Error::last_os_error())
}

/// Repeats `call` while it fails with EINTR.
pub(crate) fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// The error for an argument that the kernel must not even see; carries EINVAL, so no allocation.
pub(crate) fn invalid() -> io::Error {
    io::Error::from_raw_os_error(libc::EINVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_is_invalid_input() {
        assert_eq!(invalid().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn retry_repeats_only_interruptions() {
        let mut calls = 0;
        let result = retry(|| {
            calls += 1;
            if calls < 3 {
                Err(io::Error::from_raw_os_error(libc::EINTR))
            } else {
                Ok(calls)
            }
        });
        assert_eq!(result.unwrap(), 3);
        let error = retry(|| -> io::Result<()> { Err(io::Error::from_raw_os_error(libc::EIO)) });
        assert_eq!(error.unwrap_err().raw_os_error(), Some(libc::EIO));
    }
}
