//! The root file system's own mount: a bind of a directory, or an overlay.

use std::os::fd::{AsFd, OwnedFd};

use ctr_spec::plan::{OverlayUpper, Root, RootSource};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::mount::{MntFlags, MsFlags};
use nix::sys::stat::{Mode, mkdirat};

use crate::error::{self, Error, Result};

/// The kernel copies one page of mount options.
const OPTIONS_BYTES: usize = 4000;

/// Attach the root's tree on top of the current `/` and return its descriptor. Path look-ups from
/// `/` do not see it until pivot_root: a walk starts below what is stacked on its first directory.
pub(crate) fn attach(root: &Root) -> Result<OwnedFd> {
    match &root.source {
        RootSource::Bind { path } => bind(path),
        RootSource::Overlay {
            lower,
            upper,
            userxattr,
        } => overlay(lower, upper, *userxattr),
    }
}

fn bind(path: &str) -> Result<OwnedFd> {
    let step = || format!("open the root file system {path}");
    let source = open_host(path, OFlag::O_DIRECTORY).map_err(|error| error.with_path_code())?;
    let tree = error::sys(step, ctr_sys::mount::clone_tree(source.as_fd(), c"", true))?;
    error::sys(
        step,
        ctr_sys::mount::set_attributes(tree.as_fd(), 0, 0, MsFlags::MS_PRIVATE.bits(), true),
    )?;
    stack_on_root(tree)
}

/// The overlay is mounted inside a scratch tmpfs of its own, so that its places have short names
/// whatever the store's path is, and so that the upper directory can be on that tmpfs.
/// KERNEL(6.5): fsconfig takes layers one by one from there on; mount(2) serves every version.
fn overlay(lower: &[String], upper: &OverlayUpper, userxattr: bool) -> Result<OwnedFd> {
    let size = match upper {
        OverlayUpper::Tmpfs {
            size_bytes: Some(bytes),
        } => bytes.to_string(),
        OverlayUpper::Tmpfs { size_bytes: None } | OverlayUpper::Directory { .. } => {
            "50%".to_owned()
        }
    };
    let scratch = error::sys(
        || "make the scratch file system".to_owned(),
        ctr_sys::mount::new_filesystem(
            "tmpfs",
            &[("mode", Some("0755")), ("size", Some(&size))],
            0,
        ),
    )?;
    let scratch = stack_on_root(scratch)?;
    for name in ["merged", "upper", "work"] {
        let mode = Mode::from_bits_truncate(0o755);
        error::step("make the scratch file system", "mkdirat", name, || {
            mkdirat(&scratch, name, mode)
        })?;
    }
    error::step("make the scratch file system", "fchdir", "scratch", || {
        nix::unistd::fchdir(&scratch)
    })?;
    let (upperdir, workdir) = match upper {
        OverlayUpper::Tmpfs { .. } => ("upper".to_owned(), "work".to_owned()),
        OverlayUpper::Directory { path } => (format!("{path}/upper"), format!("{path}/work")),
    };
    // Layers of a long path or with a separator in their name are given by descriptor.
    let plain = lower.iter().map(String::len).sum::<usize>() + upperdir.len() + workdir.len()
        < OPTIONS_BYTES / 2
        && !lower.iter().any(|path| path.contains([':', ',', '\\']));
    let mut held = Vec::new();
    let mut layers = Vec::with_capacity(lower.len());
    for path in lower {
        if plain {
            layers.push(path.clone());
        } else {
            let layer = open_host(path, OFlag::O_DIRECTORY)?;
            layers.push(format!(
                "/proc/self/fd/{}",
                std::os::fd::AsRawFd::as_raw_fd(&layer)
            ));
            held.push(layer);
        }
    }
    let mut options = format!(
        "lowerdir={},upperdir={upperdir},workdir={workdir}",
        layers.join(":")
    );
    if userxattr {
        options.push_str(",userxattr");
    }
    if matches!(upper, OverlayUpper::Tmpfs { .. }) {
        // KERNEL(5.10): no sync on a file system that is gone with the container.
        options.push_str(",volatile");
    }
    error::step(
        "mount the root file system",
        "mount",
        &format!("overlay, {options}"),
        || {
            nix::mount::mount(
                Some("overlay"),
                "merged",
                Some("overlay"),
                MsFlags::empty(),
                Some(options.as_str()),
            )
        },
    )?;
    let merged = error::step("mount the root file system", "openat", "merged", || {
        openat(
            &scratch,
            "merged",
            OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC,
            Mode::empty(),
        )
    })?;
    let tree = error::sys(
        || "mount the root file system".to_owned(),
        ctr_sys::mount::clone_tree(merged.as_fd(), c"", false),
    )?;
    // SECURITY: the scratch leaves the namespace before the root is stacked on `/`. Were it still
    // stacked there, it and not the host's tree would be what `pivot` detaches, and a process that
    // joins the namespace later would land in the host's tree. The overlay holds its own references.
    error::step(
        "detach the scratch file system",
        "umount2",
        "scratch, MNT_DETACH",
        || nix::mount::umount2(".", MntFlags::MNT_DETACH),
    )?;
    error::step("mount the root file system", "chdir", "/", || {
        nix::unistd::chdir("/")
    })?;
    stack_on_root(tree)
}

fn stack_on_root(tree: OwnedFd) -> Result<OwnedFd> {
    let top = open_host("/", OFlag::O_DIRECTORY)?;
    error::sys(
        || "attach the root file system".to_owned(),
        ctr_sys::mount::attach(tree.as_fd(), top.as_fd()),
    )?;
    Ok(tree)
}

/// Open a path of the host with O_PATH.
pub(crate) fn open_host(path: &str, flags: OFlag) -> Result<OwnedFd> {
    let failed = |errno: Errno| {
        Error::new(
            format!("open {path} on the host"),
            &ctr_sys::Error::new("openat", format!("{path}, O_PATH"), errno),
        )
    };
    openat(
        AT_FDCWD,
        path,
        OFlag::O_PATH | OFlag::O_CLOEXEC | flags,
        Mode::empty(),
    )
    .map_err(failed)
}
