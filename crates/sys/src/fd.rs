//! Descriptors as a set: a cloned child closes all it inherited but a keep-list.
#![allow(unsafe_code, reason = "close_range has no safe wrapper in nix")]

use std::os::fd::{AsRawFd, BorrowedFd};

use crate::clone::Child;
use crate::{Error, Result};

/// Close every descriptor from 3 up that is not in `keep` (close_range(2), 5.9).
///
/// Only a fresh clone can ask for it: its descriptors are copies of the parent's, and its owners
/// among the copied values are dead weight, as the child ends in execve or `_exit` without
/// unwinding. The caller must not touch an owner that is not in `keep` afterwards; it would meet
/// EBADF or a descriptor opened later, as with any stale number.
///
/// # Errors
///
/// As close_range(2).
pub fn close_all_except(_child: &Child, keep: &[BorrowedFd<'_>]) -> Result<()> {
    let mut keep: Vec<u32> = keep
        .iter()
        .map(|fd| fd.as_raw_fd().cast_unsigned())
        .filter(|fd| *fd > 2)
        .collect();
    keep.sort_unstable();
    keep.dedup();
    let mut first = 3u32;
    for fd in keep {
        if fd > first {
            close_range(first, fd - 1)?;
        }
        first = fd + 1;
    }
    close_range(first, u32::MAX)
}

fn close_range(first: u32, last: u32) -> Result<()> {
    // SAFETY: close_range takes three integers and no memory. The process is a clone that shares
    // no descriptor table with another (callers cannot ask for CLONE_FILES), so what it closes is
    // its own copy.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    if result < 0 {
        return Err(Error::last("close_range", format!("{first}, {last}")));
    }
    Ok(())
}
