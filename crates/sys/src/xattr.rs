//! Extended attributes by descriptor: fsetxattr(2), fgetxattr(2), flistxattr(2), fremovexattr(2).
//!
//! Only the descriptor forms stand here: a name is never resolved, so no symbolic link is followed.
//! The descriptor must be open for reading or writing; the kernel answers EBADF to an O_PATH one.
//!
//! # Safety
//!
//! Each call passes pointers to memory that this module borrows for the duration of the call, with
//! the length the kernel may touch; the kernel keeps none of them.

#![allow(unsafe_code, reason = "nix has no wrappers for extended attributes")]

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;

use crate::{Error, Result};

/// The longest value the kernel stores, XATTR_SIZE_MAX.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;

/// The longest list of names the kernel gives, XATTR_LIST_MAX.
const MAX_LIST_BYTES: usize = 64 * 1024;

/// Set an extended attribute, replacing an existing value.
///
/// # Errors
///
/// ENOTSUP where the file system stores none of this class, EPERM without the right (`trusted.*`
/// wants CAP_SYS_ADMIN in the initial user namespace), E2BIG and ERANGE for sizes.
pub fn set(fd: impl AsFd, name: &CStr, value: &[u8]) -> Result<()> {
    let fd = fd.as_fd();
    // SAFETY: `name` is NUL-terminated and `value` is readable for `value.len()` bytes, both
    // borrowed past the call; `fd` is borrowed, so it is not closed meanwhile.
    let result = unsafe {
        libc::fsetxattr(
            fd.as_raw_fd(),
            name.as_ptr(),
            value.as_ptr().cast(),
            value.len(),
            0,
        )
    };
    if result == 0 {
        return Ok(());
    }
    Err(Error::last(
        "fsetxattr",
        format!("{}, {:?}, {} bytes", fd.as_raw_fd(), name, value.len()),
    ))
}

/// The value of an extended attribute, `None` when the file has no such attribute.
///
/// # Errors
///
/// Those of fgetxattr(2) but ENODATA.
pub fn get(fd: impl AsFd, name: &CStr) -> Result<Option<Vec<u8>>> {
    let fd = fd.as_fd();
    // A buffer of the largest size the kernel stores needs no second call for the length.
    let mut value = vec![0_u8; MAX_VALUE_BYTES];
    // SAFETY: `name` is NUL-terminated; `value` is writable for `value.len()` bytes and nothing
    // else refers to it during the call; `fd` is borrowed, so it is not closed meanwhile.
    let length = unsafe {
        libc::fgetxattr(
            fd.as_raw_fd(),
            name.as_ptr(),
            value.as_mut_ptr().cast(),
            value.len(),
        )
    };
    let Ok(length) = usize::try_from(length) else {
        if Errno::last() == Errno::ENODATA {
            return Ok(None);
        }
        return Err(Error::last(
            "fgetxattr",
            format!("{}, {:?}", fd.as_raw_fd(), name),
        ));
    };
    value.truncate(length);
    Ok(Some(value))
}

/// The names of a file's extended attributes, those of them that this process may see.
///
/// # Errors
///
/// Those of flistxattr(2).
pub fn list(fd: impl AsFd) -> Result<Vec<CString>> {
    let fd = fd.as_fd();
    let mut names = vec![0_u8; MAX_LIST_BYTES];
    // SAFETY: `names` is writable for `names.len()` bytes and nothing else refers to it during the
    // call; `fd` is borrowed, so it is not closed meanwhile.
    let length =
        unsafe { libc::flistxattr(fd.as_raw_fd(), names.as_mut_ptr().cast(), names.len()) };
    let Ok(length) = usize::try_from(length) else {
        return Err(Error::last("flistxattr", fd.as_raw_fd().to_string()));
    };
    names.truncate(length);
    Ok(names
        .split_inclusive(|byte| *byte == 0)
        .filter_map(|name| CStr::from_bytes_with_nul(name).ok())
        .map(CStr::to_owned)
        .collect())
}

/// Remove an extended attribute; one that is not there is fine.
///
/// # Errors
///
/// Those of fremovexattr(2) but ENODATA.
pub fn remove(fd: impl AsFd, name: &CStr) -> Result<()> {
    let fd = fd.as_fd();
    // SAFETY: `name` is NUL-terminated and borrowed past the call; `fd` is borrowed, so it is not
    // closed meanwhile. No memory is written.
    let result = unsafe { libc::fremovexattr(fd.as_raw_fd(), name.as_ptr()) };
    if result == 0 || Errno::last() == Errno::ENODATA {
        return Ok(());
    }
    Err(Error::last(
        "fremovexattr",
        format!("{}, {:?}", fd.as_raw_fd(), name),
    ))
}
