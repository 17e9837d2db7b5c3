//! Calls that a signal may interrupt.

use nix::errno::Errno;

/// Makes a call again while it ends with EINTR or EAGAIN, as libdrm's `drmIoctl` does.
///
/// Not for calls in which EAGAIN means "nothing there" on a non-blocking file.
///
/// # Errors
/// Whatever else the call returns.
pub fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_call_is_made_again() {
        let mut answers = vec![Ok(7), Err(Errno::EAGAIN), Err(Errno::EINTR)];
        assert_eq!(retry(|| answers.pop().unwrap()), Ok(7));
        assert_eq!(retry(|| Err::<(), _>(Errno::EINVAL)), Err(Errno::EINVAL));
    }
}
