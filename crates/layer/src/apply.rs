//! Applying the entries of a layer, each created by us below a directory's descriptor.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{
    FchmodatFlags, Mode, SFlag, UtimensatFlags, fchmod, fchmodat, futimens, makedev, mknodat,
    utimensat,
};
use nix::unistd::{Gid, Uid, fchown, fchownat, linkat, symlinkat, syncfs};

use crate::archive::{Archive, Entry, Kind};
use crate::blob::Blob;
use crate::error::{Error, ErrorKind, Result};
use crate::name::{self, Meaning, lossy};
use crate::options::{Applied, Limits, Options};
use crate::tree::{Attributes, Directory, Tree, file_type, is_whiteout, stat};
use crate::xattrs;

/// Apply a layer blob to a directory, in the form overlayfs wants of a lower layer, and write it
/// to disk (syncfs(2)).
///
/// The directory may hold files already; nobody else may write to it meanwhile. `lowers` are the
/// directories of the layers below, uppermost first, applied with the same options, which are only
/// read: what the layer takes for granted of them is found there. The blob is read to its last
/// byte, and its digests are of all of it: compare them before the layer is used.
///
/// # Errors
///
/// See [`crate::ErrorKind`]. The directory then holds a part of the layer: remove it.
pub fn apply(
    blob: impl Read,
    directory: BorrowedFd<'_>,
    lowers: &[BorrowedFd<'_>],
    options: &Options,
) -> Result<Applied> {
    let applied = apply_within(blob, directory, lowers, options, &Limits::default())?;
    let root = openat(
        directory,
        ".",
        OFlag::O_RDONLY | OFlag::O_CLOEXEC,
        Mode::empty(),
    )
    .map_err(|errno| Error::call("openat", "the layer's directory", errno))?;
    syncfs(root).map_err(|errno| Error::call("syncfs", "the layer's directory", errno))?;
    Ok(applied)
}

/// As [`apply`], with limits of the caller's, and without waiting for the disk.
///
/// # Errors
///
/// As [`apply`].
pub fn apply_within(
    blob: impl Read,
    directory: BorrowedFd<'_>,
    lowers: &[BorrowedFd<'_>],
    options: &Options,
    limits: &Limits,
) -> Result<Applied> {
    let opaque = if options.userxattr {
        c"user.overlay.opaque"
    } else {
        c"trusted.overlay.opaque"
    };
    let mut archive = Archive::new(Blob::new(blob, options.compression), *limits);
    let mut layer = Layer {
        tree: Tree::new(directory, lowers, opaque, limits.directory_bytes)?,
        options,
        limits,
        buffer: vec![0; 128 * 1024],
        entries: 0,
        bytes: 0,
        skipped_devices: 0,
        skipped_xattrs: 0,
    };
    while let Some(entry) = archive.next_entry()? {
        layer.entries += 1;
        if layer.entries > limits.entries {
            return Err(Error::new(
                ErrorKind::Limit,
                "read layer",
                format!("more than {} entries", limits.entries),
            ));
        }
        layer.apply(&mut archive, &entry)?;
    }
    let digests = archive
        .into_inner()
        .finish()
        .map_err(|error| Error::read("read", &error))?;
    // ORDER: the times of directories last, as each entry made in one changes it.
    layer.tree.finish()?;
    Ok(Applied {
        digest: digests.blob,
        diff_id: digests.tar,
        entries: layer.entries,
        bytes: layer.bytes,
        skipped_devices: layer.skipped_devices,
        skipped_xattrs: layer.skipped_xattrs,
    })
}

/// A layer being applied.
struct Layer<'a> {
    tree: Tree,
    options: &'a Options,
    limits: &'a Limits,
    buffer: Vec<u8>,
    entries: u64,
    bytes: u64,
    skipped_devices: u64,
    skipped_xattrs: u64,
}

impl Layer<'_> {
    fn apply<R: Read>(&mut self, archive: &mut Archive<R>, entry: &Entry) -> Result<()> {
        let path = name::path(&entry.name, self.limits.path_bytes)?;
        let Some(name) = path.file_name() else {
            return self.root(entry);
        };
        let parent = path.parent().unwrap_or(Path::new(""));
        match name::meaning(&path)? {
            Meaning::Ignored => return Ok(()),
            Meaning::Opaque => {
                let at = self.tree.directory(parent)?;
                return self.tree.set_opaque(&at.fd, &at.path);
            }
            Meaning::Whiteout(hidden) => {
                let at = self.tree.directory(parent)?;
                self.whiteout(&at, &hidden)?;
                self.tree.placed(&at.path.join(hidden));
                return Ok(());
            }
            Meaning::Plain => {}
        }
        let at = self.tree.directory(parent)?;
        match &entry.kind {
            Kind::File => self.file(archive, entry, &at, name),
            Kind::Directory => self.directory(entry, &at, name),
            Kind::Symlink(target) => self.symlink(entry, &at, name, target),
            Kind::HardLink(target) => self.hard_link(&at, name, target),
            Kind::Char { major, minor } => {
                self.node(entry, &at, name, SFlag::S_IFCHR, (*major, *minor))
            }
            Kind::Block { major, minor } => {
                self.node(entry, &at, name, SFlag::S_IFBLK, (*major, *minor))
            }
            Kind::Fifo => self.node(entry, &at, name, SFlag::S_IFIFO, (0, 0)),
        }?;
        self.tree.placed(&at.path.join(name));
        Ok(())
    }

    /// The root directory itself: its attributes are the ones the container's `/` shows.
    fn root(&mut self, entry: &Entry) -> Result<()> {
        if entry.kind != Kind::Directory {
            return Err(Error::corrupt("read entry /", "the root is no directory"));
        }
        let root = self.tree.directory(Path::new(""))?;
        self.own(&root.fd, entry, &root.path)?;
        xattrs::clear(&root.fd, &root.path)?;
        self.set_xattrs(&root.fd, entry, &root.path)?;
        self.tree.set_later(
            root.path,
            Attributes {
                mode: entry.mode,
                mtime: Some(entry.mtime),
            },
        )
    }

    fn file<R: Read>(
        &mut self,
        archive: &mut Archive<R>,
        entry: &Entry,
        at: &Directory,
        name: &OsStr,
    ) -> Result<()> {
        let path = at.path.join(name);
        // SECURITY: O_EXCL never opens what is there, link or FIFO; an earlier entry of that name
        // is removed, not written to.
        let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        let fd = match openat(&*at.fd, name, flags, mode) {
            Err(Errno::EEXIST) => {
                self.tree.clear(at, name, false)?;
                openat(&*at.fd, name, flags, mode)
            }
            opened => opened,
        }
        .map_err(|errno| Error::call("openat", path.display(), errno))?;
        let mut file = File::from(fd);
        loop {
            let count = archive.read_content(&mut self.buffer)?;
            let Some(read) = self.buffer.get(..count).filter(|read| !read.is_empty()) else {
                break;
            };
            file.write_all(read).map_err(|error| {
                let errno = Errno::from_raw(error.raw_os_error().unwrap_or_default());
                Error::call("write", path.display(), errno)
            })?;
            self.bytes += read.len() as u64;
        }
        // ORDER: chown clears setuid, setgid and capabilities, so the mode and the attributes come
        // after it; every one of them is a change of the file, so its time comes last.
        self.own(&file, entry, &path)?;
        fchmod(&file, Mode::from_bits_truncate(entry.mode))
            .map_err(|errno| Error::call("fchmod", path.display(), errno))?;
        self.set_xattrs(&file, entry, &path)?;
        futimens(&file, &entry.mtime, &entry.mtime)
            .map_err(|errno| Error::call("futimens", path.display(), errno))
    }

    fn directory(&mut self, entry: &Entry, at: &Directory, name: &OsStr) -> Result<()> {
        let path = at.path.join(name);
        let (fd, is_new) = self.tree.make(at, name)?;
        self.own(&fd, entry, &path)?;
        if !is_new {
            // What it had of an earlier entry, or of the layers below.
            xattrs::clear(&fd, &path)?;
        }
        self.set_xattrs(&fd, entry, &path)?;
        self.tree.set_later(
            path,
            Attributes {
                mode: entry.mode,
                mtime: Some(entry.mtime),
            },
        )
    }

    fn symlink(
        &mut self,
        entry: &Entry,
        at: &Directory,
        name: &OsStr,
        target: &[u8],
    ) -> Result<()> {
        let path = at.path.join(name);
        if target.is_empty() || target.contains(&0) {
            return Err(Error::corrupt(
                format!("read entry {}", path.display()),
                "a bad link target",
            ));
        }
        self.tree.clear(at, name, false)?;
        symlinkat(OsStr::from_bytes(target), &*at.fd, name)
            .map_err(|errno| Error::call("symlinkat", path.display(), errno))?;
        self.finish_node(entry, at, name)
    }

    /// SECURITY: the target is the image's too. It is found like any entry, inside the root, and a
    /// last component that is a link is linked itself, never followed.
    fn hard_link(&mut self, at: &Directory, name: &OsStr, target: &[u8]) -> Result<()> {
        let path = at.path.join(name);
        let missing = || {
            Error::corrupt(
                format!("link {}", path.display()),
                format!("its target {} is no file of this layer", lossy(target)),
            )
        };
        let target_path = name::path(target, self.limits.path_bytes)?;
        let Some(target_name) = target_path.file_name() else {
            return Err(missing());
        };
        let from = self
            .tree
            .directory(target_path.parent().unwrap_or(Path::new("")))?;
        let Some(found) = stat(&from, target_name)? else {
            return Err(missing());
        };
        if file_type(&found) == SFlag::S_IFDIR || is_whiteout(&found) {
            return Err(missing());
        }
        if let Some(existing) = stat(at, name)? {
            if (existing.st_dev, existing.st_ino) == (found.st_dev, found.st_ino) {
                return Ok(());
            }
            self.tree.clear(at, name, false)?;
        }
        match linkat(&*from.fd, target_name, &*at.fd, name, AtFlags::empty()) {
            // What was cleared held the target.
            Err(Errno::ENOENT) => Err(missing()),
            linked => linked.map_err(|errno| Error::call("linkat", path.display(), errno)),
        }
    }

    fn node(
        &mut self,
        entry: &Entry,
        at: &Directory,
        name: &OsStr,
        kind: SFlag,
        (major, minor): (u32, u32),
    ) -> Result<()> {
        self.tree.clear(at, name, false)?;
        let device = makedev(u64::from(major), u64::from(minor));
        // SECURITY: a character device 0:0 is overlayfs's whiteout; an image says so by name only.
        if kind == SFlag::S_IFCHR && device == 0 {
            self.skipped_devices += 1;
            return Ok(());
        }
        match mknodat(&*at.fd, name, kind, Mode::S_IRUSR | Mode::S_IWUSR, device) {
            Err(Errno::EPERM) if kind != SFlag::S_IFIFO => {
                self.skipped_devices += 1;
                Ok(())
            }
            made => {
                made.map_err(|errno| Error::call("mknodat", at.path.join(name).display(), errno))?;
                self.finish_node(entry, at, name)
            }
        }
    }

    /// Owner, mode and time of what has no descriptor: links, devices, FIFOs.
    fn finish_node(&self, entry: &Entry, at: &Directory, name: &OsStr) -> Result<()> {
        let failed = |call| move |errno| Error::call(call, at.path.join(name).display(), errno);
        let (uid, gid) = self.owner(entry);
        fchownat(
            &*at.fd,
            name,
            Some(uid),
            Some(gid),
            AtFlags::AT_SYMLINK_NOFOLLOW,
        )
        .map_err(failed("fchownat"))?;
        if !matches!(entry.kind, Kind::Symlink(_)) {
            let mode = Mode::from_bits_truncate(entry.mode);
            fchmodat(&*at.fd, name, mode, FchmodatFlags::NoFollowSymlink)
                .map_err(failed("fchmodat"))?;
        }
        let time = &entry.mtime;
        utimensat(&*at.fd, name, time, time, UtimensatFlags::NoFollowSymlink)
            .map_err(failed("utimensat"))
    }

    /// Hide `name` of the layers below. What this layer itself has of that name stays: a whiteout
    /// speaks of the layers below only, wherever in the archive it stands.
    fn whiteout(&mut self, at: &Directory, name: &OsStr) -> Result<()> {
        let found = stat(at, name)?;
        if found.as_ref().map(file_type) == Some(SFlag::S_IFDIR) {
            let (fd, _) = self.tree.make(at, name)?;
            return self.tree.set_opaque(&fd, &at.path.join(name));
        }
        if found.is_some() {
            // A file of this layer hides what is below it anyway.
            return Ok(());
        }
        // KERNEL(5.8): device 0:0 needs no privilege.
        mknodat(&*at.fd, name, SFlag::S_IFCHR, Mode::empty(), 0)
            .map_err(|errno| Error::call("mknodat", at.path.join(name).display(), errno))
    }

    fn owner(&self, entry: &Entry) -> (Uid, Gid) {
        if self.options.squash_owner {
            return (Uid::from_raw(0), Gid::from_raw(0));
        }
        (Uid::from_raw(entry.uid), Gid::from_raw(entry.gid))
    }

    fn own(&self, fd: impl std::os::fd::AsFd, entry: &Entry, path: &Path) -> Result<()> {
        let (uid, gid) = self.owner(entry);
        fchown(fd, Some(uid), Some(gid)).map_err(|errno| {
            Error::call(
                "fchown",
                format!("{} to {uid}:{gid}", path.display()),
                errno,
            )
        })
    }

    fn set_xattrs(&mut self, fd: impl std::os::fd::AsFd, entry: &Entry, path: &Path) -> Result<()> {
        self.skipped_xattrs += xattrs::set(fd, &entry.xattrs, path)?;
        Ok(())
    }
}
