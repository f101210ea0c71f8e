//! The directories of a layer being applied: resolved inside its root, reached by descriptor.
//!
//! SECURITY: every name and every symbolic link target is the image's. A directory is opened from
//! the root's descriptor by a path in which each link was already replaced by what it means inside
//! the root, and the kernel is told to accept no link and nothing above (`openat2`). So a mistake
//! in the resolution here fails; it does not leave the root.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat, fstatat, futimens, mkdirat};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, unlinkat};

use crate::below::{self, Below, Found};
use crate::error::{Error, ErrorKind, Result};
use crate::remove::remove_tree;
use crate::xattrs;

/// As the kernel's own limit, path_resolution(7).
const MAX_LINKS: usize = 40;

/// A directory of the layer, open.
#[derive(Clone)]
pub(crate) struct Directory {
    pub(crate) fd: Rc<OwnedFd>,
    /// Where it is below the root, free of symbolic links.
    pub(crate) path: PathBuf,
}

/// What a directory gets when all is in place.
#[derive(Clone, Copy)]
pub(crate) struct Attributes {
    pub(crate) mode: u32,
    /// `None` for a directory that is new and has no entry of its own.
    pub(crate) mtime: Option<TimeSpec>,
}

/// The tree below one root directory. Nobody else may write to it meanwhile.
pub(crate) struct Tree {
    root: Rc<OwnedFd>,
    below: Below,
    opaque: &'static std::ffi::CStr,
    /// Path as an entry names it -> path free of links, for directories.
    known: HashMap<PathBuf, PathBuf>,
    /// Links of the layers below that `known` leads through.
    followed: HashSet<PathBuf>,
    /// The directory used last: entries of one directory follow each other.
    last: Option<(PathBuf, Directory)>,
    /// ORDER: modes and times wait until nothing is written below any more.
    attributes: BTreeMap<PathBuf, Attributes>,
    remembered: usize,
    limit: usize,
}

/// What stood in the way of a new entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cleared {
    /// Nothing is there now.
    Free,
    /// Nothing is there now; it was a whiteout.
    Whiteout,
    /// A directory is there, and was to be kept.
    Directory,
}

impl Tree {
    /// The tree below `root`, which may be an O_PATH descriptor, on top of `lowers`.
    pub(crate) fn new(
        root: BorrowedFd<'_>,
        lowers: &[BorrowedFd<'_>],
        opaque: &'static std::ffi::CStr,
        limit: usize,
    ) -> Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let root = openat(root, ".", flags, Mode::empty())
            .map_err(|errno| Error::call("openat", "the layer's directory", errno))?;
        let mut tree = Self {
            root: Rc::new(root),
            below: Below::new(lowers, opaque)?,
            opaque,
            known: HashMap::new(),
            followed: HashSet::new(),
            last: None,
            attributes: BTreeMap::new(),
            remembered: 0,
            limit,
        };
        if let Some(like) = tree.below.roots().first().cloned() {
            tree.imitate(&Rc::clone(&tree.root), PathBuf::new(), &like)?;
        }
        Ok(tree)
    }

    /// The directory that an entry calls `path`, made where it is missing.
    pub(crate) fn directory(&mut self, path: &Path) -> Result<Directory> {
        if let Some((last, directory)) = &self.last
            && last == path
        {
            return Ok(directory.clone());
        }
        let resolved = self.resolve(path)?;
        let directory = Directory {
            fd: self.open(&resolved)?,
            path: resolved,
        };
        self.last = Some((path.to_owned(), directory.clone()));
        Ok(directory)
    }

    /// Set a directory's mode and time when all entries are in place.
    pub(crate) fn set_later(&mut self, path: PathBuf, attributes: Attributes) -> Result<()> {
        let bytes = path.as_os_str().len();
        if self.attributes.insert(path, attributes).is_none() {
            self.remember(bytes)?;
        }
        Ok(())
    }

    /// An entry is in place at `path`: a link that layers below have there is not to be seen now.
    pub(crate) fn placed(&mut self, path: &Path) {
        if self.followed.remove(path) {
            self.known.clear();
            self.last = None;
        }
    }

    /// Make `name` free in `directory`; with `keep`, a directory stays.
    pub(crate) fn clear(&mut self, at: &Directory, name: &OsStr, keep: bool) -> Result<Cleared> {
        let path = at.path.join(name);
        let Some(found) = stat(at, name)? else {
            return Ok(Cleared::Free);
        };
        match file_type(&found) {
            SFlag::S_IFDIR if keep => return Ok(Cleared::Directory),
            SFlag::S_IFDIR => {
                self.forget(&path);
                remove_tree(at.fd.as_fd(), name)?;
            }
            kind => {
                if kind == SFlag::S_IFLNK {
                    self.forget(&path);
                }
                unlinkat(&*at.fd, name, UnlinkatFlags::NoRemoveDir)
                    .map_err(|errno| Error::call("unlinkat", path.display(), errno))?;
            }
        }
        Ok(if is_whiteout(&found) {
            Cleared::Whiteout
        } else {
            Cleared::Free
        })
    }

    /// Make the directory `name`; it hides what layers below have there if it took the place of a
    /// whiteout. Also whether it is new.
    pub(crate) fn make(&mut self, at: &Directory, name: &OsStr) -> Result<(Rc<OwnedFd>, bool)> {
        let cleared = self.clear(at, name, true)?;
        let path = at.path.join(name);
        if cleared != Cleared::Directory {
            mkdirat(&*at.fd, name, Mode::S_IRWXU)
                .map_err(|errno| Error::call("mkdirat", path.display(), errno))?;
            self.set_later(
                path.clone(),
                Attributes {
                    mode: 0o755,
                    mtime: None,
                },
            )?;
        }
        let fd = self.open(&path)?;
        if cleared == Cleared::Whiteout {
            self.set_opaque(&fd, &path)?;
        }
        Ok((fd, cleared != Cleared::Directory))
    }

    /// Hide what layers below have in this directory.
    pub(crate) fn set_opaque(&mut self, fd: &OwnedFd, path: &Path) -> Result<()> {
        if !self.followed.is_empty() {
            // Some of the links may be in it.
            self.followed.clear();
            self.known.clear();
            self.last = None;
        }
        ctr_sys::xattr::set(fd, self.opaque, b"y")
            .map_err(|error| Error::call("fsetxattr", path.display(), error.errno()))
    }

    /// Give the directories their modes and times, each after those below it.
    pub(crate) fn finish(mut self) -> Result<()> {
        for (path, attributes) in std::mem::take(&mut self.attributes).into_iter().rev() {
            let fd = self.open(&path)?;
            fchmod(&*fd, Mode::from_bits_truncate(attributes.mode))
                .map_err(|errno| Error::call("fchmod", path.display(), errno))?;
            if let Some(mtime) = attributes.mtime {
                futimens(&*fd, &mtime, &mtime)
                    .map_err(|errno| Error::call("futimens", path.display(), errno))?;
            }
        }
        Ok(())
    }

    /// A directory by a path that is known to be free of links.
    fn open(&self, path: &Path) -> Result<Rc<OwnedFd>> {
        if path.as_os_str().is_empty() {
            return Ok(Rc::clone(&self.root));
        }
        open_directory(self.root.as_fd(), path)
            .map(Rc::new)
            .map_err(|errno| Error::call("openat2", path.display(), errno))
    }

    /// Where the directory that an entry calls `path` is, links replaced by what they mean inside
    /// the root, missing directories made.
    fn resolve(&mut self, path: &Path) -> Result<PathBuf> {
        let known = path
            .ancestors()
            .find_map(|up| self.known.get(up).map(|to| (up, to.clone())));
        let (mut resolved, mut rest) = match known {
            Some((up, to)) => (to, components(path.strip_prefix(up).unwrap_or(path))),
            None => (PathBuf::new(), components(path)),
        };
        let mut links = 0;
        while let Some(name) = rest.pop_front() {
            if name == ".." {
                // Only link targets hold it; at the root it stays there, as chroot(2) has it.
                resolved.pop();
                continue;
            }
            let at = Directory {
                fd: self.open(&resolved)?,
                path: resolved.clone(),
            };
            let found = stat(&at, &name)?;
            let target = match found.as_ref().map(file_type) {
                Some(SFlag::S_IFDIR) => {
                    resolved.push(name);
                    continue;
                }
                Some(SFlag::S_IFLNK) => readlinkat(&*at.fd, name.as_os_str()).map_err(|errno| {
                    Error::call("readlinkat", at.path.join(&name).display(), errno)
                })?,
                Some(_) if !found.as_ref().is_some_and(is_whiteout) => {
                    return Err(Error::corrupt(
                        format!("resolve {}", path.display()),
                        format!("{} is no directory", at.path.join(&name).display()),
                    ));
                }
                whiteout => {
                    let below = match whiteout {
                        Some(_) => None,
                        None => self.find_below(&at.path, &name)?,
                    };
                    match below {
                        Some(Found::Link(target)) => {
                            self.follow(at.path.join(&name))?;
                            target
                        }
                        Some(Found::Directory(like)) => {
                            let (fd, _) = self.make(&at, &name)?;
                            resolved.push(name);
                            self.imitate(&fd, resolved.clone(), &like)?;
                            continue;
                        }
                        // An entry below it says that the directory is new.
                        None => {
                            self.make(&at, &name)?;
                            resolved.push(name);
                            continue;
                        }
                    }
                }
            };
            links += 1;
            if links > MAX_LINKS {
                return Err(Error::corrupt(
                    format!("resolve {}", path.display()),
                    "too many symbolic links",
                ));
            }
            if target.as_bytes().starts_with(b"/") {
                resolved.clear();
            }
            let mut front = components(Path::new(&target));
            front.append(&mut rest);
            rest = front;
        }
        if self
            .known
            .insert(path.to_owned(), resolved.clone())
            .is_none()
        {
            self.remember(path.as_os_str().len() + resolved.as_os_str().len())?;
        }
        Ok(resolved)
    }

    /// What shows of the layers below at `name` in our directory `at`, which has nothing there.
    fn find_below(&self, at: &Path, name: &OsStr) -> Result<Option<Found>> {
        let mut levels = self.below.roots().clone();
        let mut path = PathBuf::new();
        let mut rest = at.components();
        loop {
            if levels.is_empty() || below::is_opaque(&*self.open(&path)?, self.opaque, &path)? {
                return Ok(None);
            }
            let Some(component) = rest.next() else {
                return below::find(&levels, &path, name);
            };
            levels = self.below.enter(&levels, &path, component.as_os_str())?;
            path.push(component);
        }
    }

    /// Make a directory of ours look like the one of the layers below that it hides.
    fn imitate(&mut self, fd: &OwnedFd, path: PathBuf, like: &OwnedFd) -> Result<()> {
        let found = fstat(like).map_err(|errno| Error::call("fstat", path.display(), errno))?;
        let (uid, gid) = (Uid::from_raw(found.st_uid), Gid::from_raw(found.st_gid));
        fchown(fd, Some(uid), Some(gid)).map_err(|errno| {
            Error::call(
                "fchown",
                format!("{} to {uid}:{gid}", path.display()),
                errno,
            )
        })?;
        xattrs::copy(like, fd, &path)?;
        self.set_later(
            path,
            Attributes {
                mode: found.st_mode & 0o7777,
                mtime: Some(TimeSpec::new(found.st_mtime, found.st_mtime_nsec)),
            },
        )
    }

    fn follow(&mut self, link: PathBuf) -> Result<()> {
        let bytes = link.as_os_str().len();
        if self.followed.insert(link) {
            self.remember(bytes)?;
        }
        Ok(())
    }

    /// A directory or link goes away: nothing known may lead through it any more.
    fn forget(&mut self, path: &Path) {
        self.known.clear();
        self.last = None;
        let below: Vec<PathBuf> = self
            .attributes
            .range(path.to_owned()..)
            .map(|(at, _)| at)
            .take_while(|at| at.starts_with(path))
            .cloned()
            .collect();
        for gone in below {
            self.attributes.remove(&gone);
        }
    }

    fn remember(&mut self, bytes: usize) -> Result<()> {
        // A name costs more than its bytes; counted without regard to what is forgotten again.
        self.remembered += bytes + 128;
        if self.remembered > self.limit {
            return Err(Error::new(
                ErrorKind::Limit,
                "remember directories",
                format!("their paths take more than {} bytes", self.limit),
            ));
        }
        Ok(())
    }
}

/// What `name` is, links not followed.
pub(crate) fn stat(at: &Directory, name: &OsStr) -> Result<Option<FileStat>> {
    match fstatat(&*at.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(Error::call("fstatat", at.path.join(name).display(), errno)),
    }
}

/// A directory below another by a path in which the kernel is to meet no link.
pub(crate) fn open_directory(at: BorrowedFd<'_>, path: &Path) -> nix::Result<OwnedFd> {
    let how = OpenHow::new()
        .flags(OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC)
        .resolve(
            ResolveFlag::RESOLVE_BENEATH
                | ResolveFlag::RESOLVE_NO_SYMLINKS
                | ResolveFlag::RESOLVE_NO_MAGICLINKS,
        );
    openat2(at, path, how)
}

pub(crate) fn file_type(found: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(found.st_mode & SFlag::S_IFMT.bits())
}

/// overlayfs's mark of a removed name.
pub(crate) fn is_whiteout(found: &FileStat) -> bool {
    file_type(found) == SFlag::S_IFCHR && found.st_rdev == 0
}

fn components(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect()
}
