//! seccomp(2): install a compiled filter.
#![allow(unsafe_code, reason = "seccomp has no safe wrapper in nix")]

use nix::errno::Errno;

use crate::{Error, Result};

/// Bytes of one `struct sock_filter`.
const INSTRUCTION_BYTES: usize = 8;

/// Attach a filter to the calling process for good. `program` is an array of native-endian
/// `struct sock_filter`; with `log`, refused calls are logged (SECCOMP_FILTER_FLAG_LOG).
///
/// # Errors
///
/// EACCES without no_new_privs or CAP_SYS_ADMIN; EINVAL for a program the kernel rejects.
pub fn install(program: &[u8], log: bool) -> Result<()> {
    let invalid = || {
        Error::new(
            "seccomp",
            format!("program of {} bytes", program.len()),
            Errno::EINVAL,
        )
    };
    let count = program.len() / INSTRUCTION_BYTES;
    if count == 0 || !program.len().is_multiple_of(INSTRUCTION_BYTES) {
        return Err(invalid());
    }
    let instructions: Vec<libc::sock_filter> = program
        .chunks_exact(INSTRUCTION_BYTES)
        .map(|bytes| libc::sock_filter {
            code: u16::from_ne_bytes([bytes[0], bytes[1]]),
            jt: bytes[2],
            jf: bytes[3],
            k: u32::from_ne_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
        })
        .collect();
    let filter = libc::sock_fprog {
        len: u16::try_from(count).map_err(|_| invalid())?,
        filter: instructions.as_ptr().cast_mut(),
    };
    let flags = if log {
        libc::SECCOMP_FILTER_FLAG_LOG
    } else {
        0
    };
    // SAFETY: filter names `count` instructions that live across the call; the kernel copies them
    // and writes nothing.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            flags,
            &raw const filter,
        )
    };
    if result < 0 {
        return Err(Error::last(
            "seccomp",
            format!("SECCOMP_SET_MODE_FILTER, {count} instructions"),
        ));
    }
    Ok(())
}
