//! Removing a directory tree that a container could write to.
//!
//! SECURITY: names, depth and modes below are the container's. Nothing is resolved by more than
//! one component, no link is followed, no mount is entered, and neither descriptors nor stack grow
//! with the depth (a process can nest directories far deeper than PATH_MAX).

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{FchmodatFlags, FileStat, Mode, fchmod, fchmodat, fstat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::error::{Error, ErrorKind, Result};

/// Names read at a time: bounds memory in a directory of millions.
const BATCH: usize = 1024;

/// A directory being emptied; all but the innermost are closed.
struct Level {
    /// Its name in the level above.
    name: OsString,
    device: u64,
    inode: u64,
    /// Directories in it that are still to be entered.
    pending: Vec<OsString>,
}

/// Remove `name` from the directory `parent`, with all below it. One that is not there is fine.
///
/// Directories without permissions for their owner are given them first. The caller must see to it
/// that no process still writes to the tree.
///
/// # Errors
///
/// `LAYER_UNSAFE_PATH` when `name` is not one plain component, `LAYER_IO` for what a call said:
/// EBUSY or EXDEV when a file system is mounted below.
pub fn remove_tree(parent: BorrowedFd<'_>, name: &OsStr) -> Result<()> {
    if matches!(name.as_bytes(), b"" | b"." | b"..") || name.as_bytes().contains(&b'/') {
        return Err(Error::new(
            ErrorKind::UnsafePath,
            format!("remove {}", name.display()),
            "not a plain name",
        ));
    }
    if unlink(parent, name)? {
        return Ok(());
    }
    let Some((mut current, top)) = enter(parent, name, None)? else {
        return Ok(());
    };
    let device = top.device;
    let mut levels = vec![top];
    while let Some(level) = levels.last_mut() {
        if level.pending.is_empty() {
            level.pending = remove_files(&current)?;
        }
        if let Some(name) = level.pending.pop() {
            if let Some((fd, below)) = enter(current.as_fd(), &name, Some(device))? {
                current = fd;
                levels.push(below);
            }
            continue;
        }
        // Empty now: back to the level above, and remove it there.
        let Some(done) = levels.pop() else { break };
        match levels.last() {
            Some(above) => {
                current = leave(&current, above)?;
                remove_directory(current.as_fd(), &done.name)?;
            }
            None => remove_directory(parent, &done.name)?,
        }
    }
    Ok(())
}

/// Unlink what is no directory; false when it is one.
fn unlink(at: BorrowedFd<'_>, name: &OsStr) -> Result<bool> {
    match unlinkat(at, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(true),
        Err(Errno::EISDIR) => Ok(false),
        Err(errno) => Err(Error::call("unlinkat", name.display(), errno)),
    }
}

fn remove_directory(at: BorrowedFd<'_>, name: &OsStr) -> Result<()> {
    match unlinkat(at, name, UnlinkatFlags::RemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(Error::call("rmdir", name.display(), errno)),
    }
}

/// Open the directory `name`, on `device` if given; `None` when it is gone.
fn enter(
    at: BorrowedFd<'_>,
    name: &OsStr,
    device: Option<u64>,
) -> Result<Option<(OwnedFd, Level)>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let fd = match openat(at, name, flags, Mode::empty()) {
        Err(Errno::ENOENT) => return Ok(None),
        Err(Errno::EACCES) => {
            fchmodat(at, name, Mode::S_IRWXU, FchmodatFlags::NoFollowSymlink)
                .map_err(|errno| Error::call("fchmodat", name.display(), errno))?;
            openat(at, name, flags, Mode::empty())
        }
        opened => opened,
    }
    .map_err(|errno| Error::call("openat", name.display(), errno))?;
    let found = stat(&fd, name)?;
    if device.is_some_and(|device| device != found.st_dev) {
        // Never empty what is mounted there: it is somebody else's.
        return Err(Error::call("enter", name.display(), Errno::EXDEV));
    }
    if found.st_mode & 0o700 != 0o700 {
        // Who may write without it (root) need not own it either: its failure tells nothing.
        let _ = fchmod(&fd, Mode::S_IRWXU);
    }
    let level = Level {
        name: name.to_owned(),
        device: found.st_dev,
        inode: found.st_ino,
        pending: Vec::new(),
    };
    Ok(Some((fd, level)))
}

/// The directory above, checked to be the one we came from.
fn leave(current: &OwnedFd, above: &Level) -> Result<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let fd = openat(current, "..", flags, Mode::empty())
        .map_err(|errno| Error::call("openat", above.name.display(), errno))?;
    let found = stat(&fd, &above.name)?;
    if (found.st_dev, found.st_ino) != (above.device, above.inode) {
        return Err(Error::new(
            ErrorKind::UnsafePath,
            format!("remove {}", above.name.display()),
            "it was moved meanwhile",
        ));
    }
    Ok(fd)
}

/// Unlink the files of a directory and return names of directories in it; none when it is empty.
fn remove_files(current: &OwnedFd) -> Result<Vec<OsString>> {
    loop {
        let names = read_names(current)?;
        if names.is_empty() {
            return Ok(names);
        }
        let mut directories = Vec::new();
        for name in names {
            if !unlink(current.as_fd(), &name)? {
                directories.push(name);
            }
        }
        if !directories.is_empty() {
            return Ok(directories);
        }
    }
}

fn read_names(current: &OwnedFd) -> Result<Vec<OsString>> {
    // An open of its own, so that each reading starts at the beginning.
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mut directory = Dir::openat(current, ".", flags, Mode::empty())
        .map_err(|errno| Error::call("openat", ".", errno))?;
    let mut names = Vec::new();
    for entry in directory.iter() {
        let entry = entry.map_err(|errno| Error::call("getdents64", ".", errno))?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(OsStr::from_bytes(name).to_owned());
        }
        if names.len() == BATCH {
            break;
        }
    }
    Ok(names)
}

fn stat(fd: &OwnedFd, name: &OsStr) -> Result<FileStat> {
    fstat(fd).map_err(|errno| Error::call("fstat", name.display(), errno))
}
