//! Files of a procfs instance that is held by descriptor.

use std::io::{Read, Write};
use std::os::fd::BorrowedFd;

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

use crate::failure::call;

/// Write a whole value to an existing file.
pub(crate) fn write(procfs: BorrowedFd<'_>, path: &str, value: &str) -> ctr_sys::Result<()> {
    let mut file = open(procfs, path, OFlag::O_WRONLY)?;
    call(
        "write",
        &format!("{path}, {value:?}"),
        file.write_all(value.as_bytes()),
    )
}

/// Read a whole file.
pub(crate) fn read(procfs: BorrowedFd<'_>, path: &str) -> ctr_sys::Result<String> {
    let mut file = open(procfs, path, OFlag::O_RDONLY)?;
    let mut text = String::new();
    call("read", path, file.read_to_string(&mut text))?;
    Ok(text)
}

fn open(procfs: BorrowedFd<'_>, path: &str, flags: OFlag) -> ctr_sys::Result<std::fs::File> {
    let resolve = ResolveFlag::RESOLVE_BENEATH
        | ResolveFlag::RESOLVE_NO_MAGICLINKS
        | ResolveFlag::RESOLVE_NO_XDEV;
    let how = OpenHow::new()
        .flags(flags | OFlag::O_CLOEXEC)
        .resolve(resolve);
    call("openat2", path, openat2(procfs, path, how)).map(std::fs::File::from)
}
