//! Mounts below the root, in the plan's order.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use ctr_spec::plan::{Atime, Attributes, Mount, MountSource, Plan, Propagation};
use ctr_sys::mount::{attr, clone_tree, new_filesystem};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::mount::MsFlags;
use nix::sys::stat::{SFlag, fstat};

use crate::Skipped;
use crate::error::{self, Result};
use crate::path::{self, Leaf};
use crate::root::open_host;

/// A host tree copied for one bind mount, and what its destination must be.
pub(crate) struct Source {
    tree: OwnedFd,
    leaf: Leaf,
}

impl Source {
    pub(crate) fn new(tree: OwnedFd, leaf: Leaf) -> Self {
        Self { tree, leaf }
    }
}

/// Whether any mount wants to see what the host mounts later.
pub(crate) fn follows_host(mounts: &[Mount]) -> bool {
    mounts.iter().any(|mount| {
        matches!(
            mount.propagation,
            Some(
                Propagation::Slave
                    | Propagation::Rslave
                    | Propagation::Shared
                    | Propagation::Rshared
            )
        )
    })
}

/// Copy the trees of all bind mounts, in order; `None` for other kinds.
pub(crate) fn open_sources(mounts: &[Mount]) -> Result<Vec<Option<Source>>> {
    mounts
        .iter()
        .map(|mount| source_of(&mount.source))
        .collect()
}

fn source_of(source: &MountSource) -> Result<Option<Source>> {
    let MountSource::Bind { path, recursive } = source else {
        return Ok(None);
    };
    let host = open_host(path, OFlag::empty()).map_err(error::Error::with_path_code)?;
    let step = || format!("copy the tree of {path}");
    let stat = error::step("look at a bind source", "fstat", path, || fstat(&host))?;
    let leaf = if is_directory(stat.st_mode) {
        Leaf::Directory
    } else {
        Leaf::File
    };
    let tree = error::sys(step, clone_tree(host.as_fd(), c"", *recursive))?;
    Ok(Some(Source { tree, leaf }))
}

/// Attach every mount of the plan below `root`.
pub(crate) fn attach_all(
    root: BorrowedFd<'_>,
    plan: &Plan,
    sources: Vec<Option<Source>>,
) -> Result<Vec<Skipped>> {
    let mut skipped = Vec::new();
    for (mount, source) in plan.mounts.iter().zip(sources) {
        match attach_one(root, mount, source) {
            Ok(()) => {}
            Err(error) if mount.optional && can_go_without(mount, error.refusal().errno()) => {
                skipped.push(Skipped {
                    destination: mount.destination.clone(),
                    reason: error.to_string(),
                });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(skipped)
}

fn attach_one(root: BorrowedFd<'_>, mount: &Mount, source: Option<Source>) -> Result<()> {
    let destination = mount.destination.as_str();
    let step = || format!("mount {destination}");
    let (tree, leaf) = match (&mount.source, source) {
        (MountSource::Cgroup, _) => return crate::cgroup::attach(root, mount),
        (
            MountSource::Filesystem {
                fs_type,
                source,
                parameters,
            },
            _,
        ) => {
            let mut all: Vec<(&str, Option<&str>)> = vec![("source", Some(source.as_str()))];
            all.extend(
                parameters
                    .iter()
                    .map(|(key, value)| (key.as_str(), value.as_deref())),
            );
            (
                error::sys(
                    step,
                    new_filesystem(fs_type, &all, bits(&mount.attributes).0),
                )?,
                Leaf::Directory,
            )
        }
        (MountSource::Content { .. }, Some(source)) => {
            // The tmpfs it is a file of has all but this one, and is private.
            if mount.attributes.readonly {
                set_attributes(source.tree.as_fd(), &mount.attributes, None, destination)?;
            }
            (source.tree, source.leaf)
        }
        (MountSource::Bind { .. }, Some(source)) => {
            set_attributes(
                source.tree.as_fd(),
                &mount.attributes,
                Some(mount.propagation),
                destination,
            )?;
            (source.tree, source.leaf)
        }
        // One was made for every mount of these kinds, but for files that were skipped together.
        (MountSource::Bind { .. } | MountSource::Content { .. }, None) => return Ok(()),
    };
    let target = path::open_or_make(root, destination, leaf)?;
    error::sys(step, ctr_sys::mount::attach(tree.as_fd(), target.as_fd()))?;
    Ok(())
}

/// Set a mount's attributes, and its propagation unless `propagation` is `None`.
pub(crate) fn set_attributes(
    mount: BorrowedFd<'_>,
    attributes: &Attributes,
    propagation: Option<Option<Propagation>>,
    destination: &str,
) -> Result<()> {
    let step = || format!("set the attributes of {destination}");
    let (set, clear) = bits(attributes);
    if let Some(propagation) = propagation {
        let (flag, recursive) = propagation_flag(propagation);
        error::sys(
            step,
            ctr_sys::mount::set_attributes(mount, 0, 0, flag.bits(), recursive),
        )?;
    }
    if set != 0 || clear != 0 {
        error::sys(
            step,
            ctr_sys::mount::set_attributes(mount, set, clear, 0, attributes.recursive),
        )?;
    }
    Ok(())
}

fn propagation_flag(propagation: Option<Propagation>) -> (MsFlags, bool) {
    match propagation {
        None | Some(Propagation::Rprivate) => (MsFlags::MS_PRIVATE, true),
        Some(Propagation::Private) => (MsFlags::MS_PRIVATE, false),
        Some(Propagation::Slave) => (MsFlags::MS_SLAVE, false),
        Some(Propagation::Rslave) => (MsFlags::MS_SLAVE, true),
        Some(Propagation::Shared) => (MsFlags::MS_SHARED, false),
        Some(Propagation::Rshared) => (MsFlags::MS_SHARED, true),
        Some(Propagation::Unbindable) => (MsFlags::MS_UNBINDABLE, false),
        Some(Propagation::Runbindable) => (MsFlags::MS_UNBINDABLE, true),
    }
}

/// Attribute bits to set and to clear.
pub(crate) fn bits(attributes: &Attributes) -> (u64, u64) {
    let mut set = 0;
    let flags = [
        (attributes.readonly, attr::RDONLY),
        (attributes.nosuid, attr::NOSUID),
        (attributes.nodev, attr::NODEV),
        (attributes.noexec, attr::NOEXEC),
        (attributes.nosymfollow, attr::NOSYMFOLLOW),
    ];
    for (wanted, bit) in flags {
        if wanted {
            set |= bit;
        }
    }
    let clear = if attributes.atime.is_some() {
        attr::ATIME_MASK
    } else {
        0
    };
    set |= match attributes.atime {
        Some(Atime::Noatime) => attr::NOATIME,
        Some(Atime::Strictatime) => attr::STRICTATIME,
        Some(Atime::Relatime) | None => 0,
    };
    (set, clear)
}

fn can_go_without(mount: &Mount, errno: Errno) -> bool {
    match errno {
        Errno::ENODEV | Errno::EPERM | Errno::EINVAL | Errno::ENOSYS | Errno::ENOENT => true,
        // A tree that has no place for a file of ours and cannot be given one.
        Errno::EROFS | Errno::EACCES | Errno::ENOTDIR | Errno::EISDIR | Errno::ELOOP => {
            matches!(mount.source, MountSource::Content { .. })
        }
        _ => false,
    }
}

pub(crate) fn is_directory(mode: u32) -> bool {
    SFlag::from_bits_truncate(mode) & SFlag::S_IFMT == SFlag::S_IFDIR
}
