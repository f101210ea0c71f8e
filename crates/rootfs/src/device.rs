//! Device nodes and links of the container's `/dev`.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use ctr_spec::plan::{Device, DeviceKind, Plan};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{FchmodatFlags, Mode, SFlag, fchmodat, fstat, major, makedev, minor, mknodat};
use nix::unistd::{Gid, Uid, fchownat, symlinkat};

use crate::Situation;
use crate::error::{self, Error, Result};
use crate::path::{self, Leaf};
use crate::root::open_host;

/// Copies of host nodes for a process that may not mknod, in the order of `devices`.
pub(crate) fn open_hosts(devices: &[Device], situation: Situation) -> Result<Vec<Option<OwnedFd>>> {
    devices
        .iter()
        .map(|device| {
            if !situation.in_user_namespace || device.kind == DeviceKind::Fifo {
                return Ok(None);
            }
            let host = open_host(&device.path, OFlag::O_NOFOLLOW).map_err(Error::with_path_code)?;
            check(&host, &device.path, device.major, device.minor)?;
            let step = || format!("copy the node {}", device.path);
            error::sys(step, ctr_sys::mount::clone_tree(host.as_fd(), c"", false)).map(Some)
        })
        .collect()
}

/// Make (or bind) every device node and link of the plan.
pub(crate) fn make_all(
    root: BorrowedFd<'_>,
    plan: &Plan,
    hosts: Vec<Option<OwnedFd>>,
) -> Result<()> {
    for (device, host) in plan.devices.iter().zip(hosts) {
        match host {
            Some(host) => {
                let target = path::open_or_make(root, &device.path, Leaf::File)?;
                let step = || format!("bind the node {}", device.path);
                error::sys(step, ctr_sys::mount::attach(host.as_fd(), target.as_fd()))?;
            }
            None => make(root, device)?,
        }
    }
    for (link, target) in &plan.dev_links {
        let (parent, name) = path::split(link);
        let parent = path::open_or_make(root, parent, Leaf::Directory)?;
        match symlinkat(target.as_str(), &parent, name) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => {
                let error = ctr_sys::Error::new("symlinkat", format!("{target}, {link}"), errno);
                return Err(Error::new(format!("make the link {link}"), &error));
            }
        }
    }
    Ok(())
}

fn make(root: BorrowedFd<'_>, device: &Device) -> Result<()> {
    let (parent, name) = path::split(&device.path);
    let parent = path::open_or_make(root, parent, Leaf::Directory)?;
    let kind = match device.kind {
        DeviceKind::Char => SFlag::S_IFCHR,
        DeviceKind::Block => SFlag::S_IFBLK,
        DeviceKind::Fifo => SFlag::S_IFIFO,
    };
    let mode = Mode::from_bits_truncate(device.mode);
    let number = makedev(u64::from(device.major), u64::from(device.minor));
    let step = format!("make the node {}", device.path);
    let arguments = format!(
        "{}, {}:{}, {:o}",
        device.path, device.major, device.minor, device.mode
    );
    error::step(&step, "mknodat", &arguments, || {
        mknodat(&parent, name, kind, mode, number)
    })?;
    // ORDER: ownership first, for chown clears set-id bits; then the mode, which the umask cut.
    if device.uid != 0 || device.gid != 0 {
        let (uid, gid) = (Uid::from_raw(device.uid), Gid::from_raw(device.gid));
        error::step(&step, "fchownat", &arguments, || {
            fchownat(
                &parent,
                name,
                Some(uid),
                Some(gid),
                AtFlags::AT_SYMLINK_NOFOLLOW,
            )
        })?;
    }
    error::step(&step, "fchmodat", &arguments, || {
        fchmodat(&parent, name, mode, FchmodatFlags::FollowSymlink)
    })
}

/// Fail unless `node` is the character device `wanted_major`:`wanted_minor`.
pub(crate) fn check(
    node: &OwnedFd,
    path: &str,
    wanted_major: u32,
    wanted_minor: u32,
) -> Result<()> {
    let stat = error::step("check a device node", "fstat", path, || fstat(node))?;
    let kind = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT;
    let is_device = kind == SFlag::S_IFCHR || kind == SFlag::S_IFBLK;
    if is_device
        && major(stat.st_rdev) == u64::from(wanted_major)
        && minor(stat.st_rdev) == u64::from(wanted_minor)
    {
        return Ok(());
    }
    let error = ctr_sys::Error::new(
        "fstat",
        format!("{path}: not the device {wanted_major}:{wanted_minor}"),
        Errno::ENXIO,
    );
    Err(Error::new(format!("check the node {path}"), &error))
}
