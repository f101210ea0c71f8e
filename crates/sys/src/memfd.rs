//! memfd_create(2): immutable messages and programs.

use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::{Error, Result};

/// A memfd with `content`, sealed against every change.
///
/// # Errors
///
/// As memfd_create(2), write(2) and fcntl(2) F_ADD_SEALS.
pub fn sealed(name: &str, content: &[u8]) -> Result<OwnedFd> {
    let failed = |call: &'static str| move |errno| Error::new(call, name, errno);
    let memfd = memfd_create(name, MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)
        .map_err(failed("memfd_create"))?;
    let mut file = std::fs::File::from(memfd);
    let io = |call: &'static str| {
        move |cause: std::io::Error| {
            Error::new(
                call,
                name,
                Errno::from_raw(cause.raw_os_error().unwrap_or(libc::EIO)),
            )
        }
    };
    file.write_all(content).map_err(io("write"))?;
    let seals = SealFlag::F_SEAL_WRITE
        | SealFlag::F_SEAL_SHRINK
        | SealFlag::F_SEAL_GROW
        | SealFlag::F_SEAL_SEAL;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals)).map_err(failed("fcntl"))?;
    file.seek(SeekFrom::Start(0)).map_err(io("lseek"))?;
    Ok(file.into())
}

/// The content of a sealed memfd that a less trusted process may still hold.
///
/// # Errors
///
/// EPERM when it is not sealed against writing and shrinking.
pub fn read_sealed(memfd: BorrowedFd<'_>) -> Result<Vec<u8>> {
    let failed = |errno| {
        Error::new(
            "fcntl",
            format!("{}, F_GET_SEALS", memfd.as_raw_fd()),
            errno,
        )
    };
    let seals = fcntl(memfd, FcntlArg::F_GET_SEALS).map_err(failed)?;
    let wanted = SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_SHRINK;
    if !SealFlag::from_bits_truncate(seals).contains(wanted) {
        return Err(failed(Errno::EPERM));
    }
    let io = |cause: std::io::Error| {
        Error::new(
            "read",
            "sealed memfd",
            Errno::from_raw(cause.raw_os_error().unwrap_or(libc::EIO)),
        )
    };
    let mut file = std::fs::File::from(memfd.try_clone_to_owned().map_err(io)?);
    let mut content = Vec::new();
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    file.read_to_end(&mut content).map_err(io)?;
    Ok(content)
}
