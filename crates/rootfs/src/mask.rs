//! Masked and read-only paths: what of procfs and sysfs a container neither reads nor writes.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use ctr_sys::mount::{attach, attr, clone_tree, new_filesystem, set_attributes};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::fstat;

use crate::error::{self, Error, Result};
use crate::mounts::is_directory;
use crate::path;
use crate::root::open_host;

/// Hide files behind `/dev/null` and directories behind an empty read-only tmpfs; what is not there
/// needs no hiding.
pub(crate) fn hide(root: BorrowedFd<'_>, paths: &[String]) -> Result<()> {
    let (mut null, mut empty) = (Cover::default(), Cover::default());
    for masked in paths {
        let step = || format!("mask {masked}");
        let Some(target) = find(root, masked)? else {
            continue;
        };
        let stat = error::step("mask a path", "fstat", masked, || fstat(&target))?;
        if is_directory(stat.st_mode) {
            empty.put_on(&target, &step, || error::sys(step, empty_directory()))?;
        } else {
            null.put_on(&target, &step, host_null)?;
        }
    }
    Ok(())
}

/// What hides: one mount, attached at its first target and copied to the others.
/// KERNEL(6.15): before that a mount can only be copied where it is attached.
#[derive(Default)]
struct Cover(Option<OwnedFd>);

impl Cover {
    fn put_on(
        &mut self,
        target: &OwnedFd,
        step: &impl Fn() -> String,
        make: impl FnOnce() -> Result<OwnedFd>,
    ) -> Result<()> {
        if let Some(first) = &self.0 {
            let copy = error::sys(step, clone_tree(first.as_fd(), c"", false))?;
            return error::sys(step, attach(copy.as_fd(), target.as_fd()));
        }
        let first = make()?;
        error::sys(step, attach(first.as_fd(), target.as_fd()))?;
        self.0 = Some(first);
        Ok(())
    }
}

fn empty_directory() -> ctr_sys::Result<OwnedFd> {
    let attributes = attr::RDONLY | attr::NOSUID | attr::NODEV | attr::NOEXEC;
    let parameters = [
        ("mode", Some("0555")),
        ("size", Some("0")),
        ("nr_inodes", Some("2")),
    ];
    new_filesystem("tmpfs", &parameters, attributes)
}

/// Make paths read-only by a bind mount of each onto itself; what is not there cannot be written.
pub(crate) fn read_only(root: BorrowedFd<'_>, paths: &[String]) -> Result<()> {
    for path in paths {
        let step = || format!("make {path} read-only");
        let Some(target) = find(root, path)? else {
            continue;
        };
        let copy = error::sys(step, clone_tree(target.as_fd(), c"", true))?;
        let attributes = attr::RDONLY | attr::NOSUID | attr::NODEV | attr::NOEXEC;
        error::sys(step, set_attributes(copy.as_fd(), attributes, 0, 0, true))?;
        error::sys(step, attach(copy.as_fd(), target.as_fd()))?;
    }
    Ok(())
}

/// SECURITY: a mask's source must be the host's real null device. It is checked by type and
/// number and used by descriptor, never by a path of the container, which could have put another
/// file there (CVE-2025-31133).
fn host_null() -> Result<OwnedFd> {
    let null = open_host("/dev/null", OFlag::O_NOFOLLOW)?;
    crate::device::check(&null, "/dev/null", 1, 3)?;
    error::sys(
        || "mask a path".to_owned(),
        clone_tree(null.as_fd(), c"", false),
    )
}

fn find(root: BorrowedFd<'_>, target: &str) -> Result<Option<OwnedFd>> {
    match path::open(root, target) {
        Ok(fd) => Ok(Some(fd)),
        Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(None),
        Err(errno) => {
            let error = ctr_sys::Error::new("openat2", target, errno);
            Err(Error::new(
                format!("reach {target} in the container"),
                &error,
            ))
        }
    }
}
