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

/// Most links that lead on to another link: as many as the kernel follows.
const MAX_LINKS: u32 = 40;

/// Open `path` below `root`, making what is missing: directories (0755) and, for a file, an empty
/// one. A link to what is missing is followed inside: images are shipped with an /etc/resolv.conf
/// that leads into /run. Kernel file systems' own places (`/proc`, `/sys`, `/dev`) must not be
/// reached through links.
pub(crate) fn open_or_make(root: BorrowedFd<'_>, path: &str, leaf: Leaf) -> Result<OwnedFd> {
    make_through(root, path, leaf, MAX_LINKS)
}

fn make_through(root: BorrowedFd<'_>, path: &str, leaf: Leaf, links: u32) -> Result<OwnedFd> {
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
    let (above, name) = split(path);
    let parent = if above.is_empty() {
        root.try_clone_to_owned()
            .map_err(|_| failed("dup", path, Errno::last()))?
    } else {
        make_through(root, above, Leaf::Directory, links)?
    };
    match make(parent.as_fd(), name, leaf) {
        Ok(()) => {}
        // It was not found and is there: a link to what is not.
        Err(Errno::EEXIST) if links > 0 => {
            let link = nix::fcntl::readlinkat(&parent, name)
                .map_err(|errno| failed("readlinkat", path, errno))?;
            let target = join(above, &link.to_string_lossy());
            return make_through(root, &target, leaf, links - 1);
        }
        Err(errno) => return Err(failed("mkdirat", path, errno)),
    }
    find(root, path).map_err(|errno| failed("openat2", path, errno))
}

/// Where a link in `directory` leads, as text. Where `..` follows a link this differs from what the
/// kernel does, and another file of the container is made: never one outside, for the path is
/// looked up below the root like any other.
fn join(directory: &str, link: &str) -> String {
    let mut parts: Vec<&str> = if link.starts_with('/') {
        Vec::new()
    } else {
        directory
            .split('/')
            .filter(|part| !part.is_empty())
            .collect()
    };
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
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

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn links_lead_on_from_their_directory_and_never_above_the_root() {
        for (directory, link, target) in [
            ("/etc", "resolv.real", "/etc/resolv.real"),
            ("/etc", "../run/stub/resolv.conf", "/run/stub/resolv.conf"),
            ("/etc", "/run/./x", "/run/x"),
            ("", "a", "/a"),
            ("/etc", "../../../../x", "/x"),
            ("/a/b", "..", "/a"),
        ] {
            assert_eq!(join(directory, link), target, "{directory} {link}");
        }
    }
}
