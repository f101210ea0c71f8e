//! The layers below the one being applied, merged as overlayfs is going to merge them.
//!
//! SECURITY: they hold an image's files too. They are only looked at, one component at a time, each
//! opened from the descriptor of the one above and never through a link; the target of a link is
//! handed back as text, for the tree to resolve inside its root.

use std::ffi::{CStr, OsStr, OsString};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, readlinkat};
use nix::sys::stat::{Mode, SFlag, fstatat};

use crate::error::{Error, Result};
use crate::tree::{file_type, open_directory};

/// The directories that lie on each other at one path, the uppermost first.
pub(crate) type Levels = Vec<Rc<OwnedFd>>;

/// What a container would see at a name if the layers ended below ours.
pub(crate) enum Found {
    /// The uppermost of the directories, whose attributes are the ones that show.
    Directory(Rc<OwnedFd>),
    /// What a symbolic link names.
    Link(OsString),
}

/// What one layer has at a name.
enum Seen {
    Nothing,
    Directory(Rc<OwnedFd>),
    Link,
    /// A file, or a whiteout: whatever further layers have does not show.
    End,
}

/// The layers below.
pub(crate) struct Below {
    roots: Levels,
    opaque: &'static CStr,
}

impl Below {
    /// The layers `lowers`, uppermost first; O_PATH descriptors will do.
    pub(crate) fn new(lowers: &[BorrowedFd<'_>], opaque: &'static CStr) -> Result<Self> {
        let mut roots = Levels::new();
        for lower in lowers {
            let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
            let root = openat(lower, ".", flags, Mode::empty())
                .map_err(|errno| Error::call("openat", "a lower layer's directory", errno))?;
            let is_last = is_opaque(&root, opaque, Path::new(""))?;
            roots.push(Rc::new(root));
            if is_last {
                break;
            }
        }
        Ok(Self { roots, opaque })
    }

    /// The root directories.
    pub(crate) fn roots(&self) -> &Levels {
        &self.roots
    }

    /// The directories called `name` in `levels`, which are those at `at`.
    pub(crate) fn enter(&self, levels: &Levels, at: &Path, name: &OsStr) -> Result<Levels> {
        let mut entered = Levels::new();
        for level in levels {
            match look(level, at, name)? {
                Seen::Nothing => {}
                Seen::Directory(fd) => {
                    let is_last = is_opaque(&fd, self.opaque, &at.join(name))?;
                    entered.push(fd);
                    if is_last {
                        break;
                    }
                }
                Seen::Link | Seen::End => break,
            }
        }
        Ok(entered)
    }
}

/// What shows at `name` in `levels`, which are the directories at `at`: `None` where a directory
/// would be new.
pub(crate) fn find(levels: &Levels, at: &Path, name: &OsStr) -> Result<Option<Found>> {
    for level in levels {
        match look(level, at, name)? {
            Seen::Nothing => {}
            Seen::Directory(fd) => return Ok(Some(Found::Directory(fd))),
            Seen::Link => {
                let target = readlinkat(&**level, name)
                    .map_err(|errno| Error::call("readlinkat", at.join(name).display(), errno))?;
                return Ok(Some(Found::Link(target)));
            }
            Seen::End => return Ok(None),
        }
    }
    Ok(None)
}

/// Whether nothing of further layers shows in a directory.
pub(crate) fn is_opaque(fd: &OwnedFd, attribute: &CStr, path: &Path) -> Result<bool> {
    match ctr_sys::xattr::get(fd, attribute) {
        Ok(value) => Ok(value.as_deref() == Some(b"y")),
        Err(error) if error.errno() == Errno::ENOTSUP => Ok(false),
        Err(error) => Err(Error::call("fgetxattr", path.display(), error.errno())),
    }
}

fn look(level: &OwnedFd, at: &Path, name: &OsStr) -> Result<Seen> {
    let found = match fstatat(level, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Err(Errno::ENOENT) => return Ok(Seen::Nothing),
        found => found.map_err(|errno| Error::call("fstatat", at.join(name).display(), errno))?,
    };
    match file_type(&found) {
        SFlag::S_IFDIR => {}
        SFlag::S_IFLNK => return Ok(Seen::Link),
        _ => return Ok(Seen::End),
    }
    open_directory(level.as_fd(), Path::new(name))
        .map(|fd| Seen::Directory(Rc::new(fd)))
        .map_err(|errno| Error::call("openat2", at.join(name).display(), errno))
}
