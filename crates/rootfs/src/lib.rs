//! A container's file system tree, built by descriptor and entered by pivot_root(2).
//!
//! [`enter`] runs in the container's new mount namespace, before anything of the image has run.
//! Host paths are opened first, while the host's tree is the only one; every path of the image is
//! resolved below the new root's descriptor with openat2(2) RESOLVE_IN_ROOT and NO_MAGICLINKS, so
//! that no link of the image leads out. There is no fall-back to a path string.

#![forbid(unsafe_code)]

mod cgroup;
mod content;
mod device;
mod error;
mod mask;
mod mounts;
mod path;
mod root;
pub mod terminal;

use std::os::fd::AsFd;

use ctr_spec::plan::Plan;
use nix::mount::{MntFlags, MsFlags};

pub use error::{Error, Result};
pub use terminal::Terminal;

/// What the caller knows and a Plan does not say.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// The process is in a user namespace other than the initial one: mknod is refused there, and
    /// device nodes are bound from the host instead.
    pub in_user_namespace: bool,
}

/// A mount that the plan marks optional and the kernel refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Destination inside the container.
    pub destination: String,
    /// What the kernel said.
    pub reason: String,
}

/// What [`enter`] made.
#[derive(Debug)]
pub struct Entered {
    /// The optional mounts that could not be had.
    pub skipped: Vec<Skipped>,
    /// The terminal, for a process that gets one.
    pub terminal: Option<Terminal>,
}

/// Build the tree that `plan` lists in the current mount namespace and make it the root.
///
/// On failure the mount namespace is in an
/// undefined state and the process must end.
///
/// # Errors
///
/// The step, call, arguments and errno of the first refusal; code `MOUNT_FAILED` unless a host path
/// is missing (`FILE_NOT_FOUND`) or out of reach (`PERMISSION_DENIED`), or the terminal cannot be
/// had (`TERMINAL_REFUSED`).
pub fn enter(plan: &Plan, situation: Situation) -> Result<Entered> {
    // ORDER: before any mount, or mounts would propagate to the host.
    let propagation = if mounts::follows_host(&plan.mounts) {
        MsFlags::MS_SLAVE
    } else {
        MsFlags::MS_PRIVATE
    };
    error::step(
        "make the mount namespace private",
        "mount",
        "/, MS_REC|MS_PRIVATE",
        || {
            nix::mount::mount(
                None::<&str>,
                "/",
                None::<&str>,
                MsFlags::MS_REC | propagation,
                None::<&str>,
            )
        },
    )?;
    // ORDER: host paths are opened while nothing covers them.
    let mut sources = mounts::open_sources(&plan.mounts)?;
    let hosts = device::open_hosts(&plan.devices, situation)?;
    let root = root::attach(&plan.root)?;
    let mut skipped = content::open_sources(&plan.mounts, &mut sources)?;
    skipped.extend(mounts::attach_all(root.as_fd(), plan, sources)?);
    device::make_all(root.as_fd(), plan, hosts)?;
    // ORDER: after /dev is filled, so that `/dev/console` covers a node of that name, and before
    // paths become read-only.
    let terminal = if plan.process.terminal {
        let terminal = terminal::open(root.as_fd())?;
        skipped.extend(terminal::bind_console(root.as_fd(), terminal.peer.as_fd()));
        Some(terminal)
    } else {
        None
    };
    mask::read_only(root.as_fd(), &plan.readonly_paths)?;
    mask::hide(root.as_fd(), &plan.masked_paths)?;
    pivot(root.as_fd())?;
    // ORDER: after the last creation below the root.
    mounts::set_attributes(root.as_fd(), &plan.root.attributes, None, "/")?;
    Ok(Entered { skipped, terminal })
}

fn pivot(root: std::os::fd::BorrowedFd<'_>) -> Result<()> {
    error::step("enter the new root", "fchdir", "new root", || {
        nix::unistd::fchdir(root)
    })?;
    error::step("enter the new root", "pivot_root", "., .", || {
        nix::unistd::pivot_root(".", ".")
    })?;
    // The old root is stacked on the new one at "."; detaching it takes the whole host tree along.
    error::step("detach the host's tree", "umount2", "., MNT_DETACH", || {
        nix::mount::umount2(".", MntFlags::MNT_DETACH)
    })?;
    error::step("enter the new root", "chdir", "/", || {
        nix::unistd::chdir("/")
    })?;
    refuse_stacked_root()
}

/// SECURITY: a mount left on top of the root is invisible from here but is where setns(2) puts a
/// process that joins later. `..` of the root steps onto such a mount, so both must be one.
fn refuse_stacked_root() -> Result<()> {
    let step = "check that the host's tree is gone";
    let look = |path: &str| error::step(step, "stat", path, || nix::sys::stat::stat(path));
    let (root, above) = (look("/")?, look("/..")?);
    if (root.st_dev, root.st_ino) == (above.st_dev, above.st_ino) {
        return Ok(());
    }
    let error = ctr_sys::Error::new(
        "stat",
        "/..: another tree is stacked on the root",
        nix::errno::Errno::EBUSY,
    );
    Err(Error::new(step, &error))
}
