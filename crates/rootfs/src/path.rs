//! Paths below the new root, resolved and made by descriptor.
//!
//! SECURITY: an image chooses every link in its tree. Resolution is the kernel's own, scoped to the
//! root's descriptor (RESOLVE_IN_ROOT), and crosses no magic link; what is created is created
//! relative to a directory that was opened that way (CVE-2017-1002101, CVE-2021-30465,
//! CVE-2024-45310 classes).

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::Mode;

use crate::error::{Error, Result};

/// What a missing destination becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaf {
    Directory,
    File,
}

/// Open an existing path below `root` with O_PATH; the last component's link is followed, inside.
pub(crate) fn open(root: BorrowedFd<'_>, path: &str) -> std::result::Result<OwnedFd, Errno> {
    lookup(
        root,
        path,
        OFlag::O_PATH,
        ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS,
    )
}

/// As [`open`], but a symbolic link anywhere in the path is refused with ELOOP.
pub(crate) fn open_no_links(
    root: BorrowedFd<'_>,
    path: &str,
) -> std::result::Result<OwnedFd, Errno> {
    lookup(
        root,
        path,
        OFlag::O_PATH,
        ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_SYMLINKS,
    )
}

/// Open `path` below `root`, making what is missing: directories (0755) and, for a file, an empty
/// one. Kernel file systems' own places (`/proc`, `/sys`, `/dev`) must not be reached through links.
pub(crate) fn open_or_make(root: BorrowedFd<'_>, path: &str, leaf: Leaf) -> Result<OwnedFd> {
    let find = if is_kernel_path(path) {
        open_no_links
    } else {
        open
    };
    match find(root, path) {
        Ok(fd) => return Ok(fd),
        Err(Errno::ENOENT) => {}
        Err(errno) => return Err(failed("openat2", path, errno)),
    }
    let (parent, name) = split(path);
    let parent = if parent.is_empty() {
        root.try_clone_to_owned()
            .map_err(|_| failed("dup", path, Errno::last()))?
    } else {
        open_or_make(root, parent, Leaf::Directory)?
    };
    make(parent.as_fd(), name, leaf).map_err(|errno| failed("mkdirat", path, errno))?;
    find(root, path).map_err(|errno| failed("openat2", path, errno))
}

/// The directory and the last component of a normalised absolute path.
pub(crate) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn make(parent: BorrowedFd<'_>, name: &str, leaf: Leaf) -> std::result::Result<(), Errno> {
    match leaf {
        Leaf::Directory => nix::sys::stat::mkdirat(parent, name, Mode::from_bits_truncate(0o755)),
        Leaf::File => nix::fcntl::openat(
            parent,
            name,
            OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC,
            Mode::from_bits_truncate(0o644),
        )
        .map(drop),
    }
}

fn lookup(
    root: BorrowedFd<'_>,
    path: &str,
    flags: OFlag,
    resolve: ResolveFlag,
) -> std::result::Result<OwnedFd, Errno> {
    let how = OpenHow::new()
        .flags(flags | OFlag::O_CLOEXEC)
        .resolve(resolve);
    loop {
        match openat2(root, path, how) {
            // A rename elsewhere in the system made the scoped walk uncertain; the kernel asks to
            // try again.
            Err(Errno::EAGAIN) => {}
            result => return result,
        }
    }
}

fn is_kernel_path(path: &str) -> bool {
    ["/proc", "/sys", "/dev"].iter().any(|top| {
        path.strip_prefix(top)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

fn failed(call: &'static str, path: &str, errno: Errno) -> Error {
    Error::new(
        format!("reach {path} in the container"),
        &ctr_sys::Error::new(call, path, errno),
    )
}
