//! The container's view of its cgroups, mounted from inside its own cgroup namespace.

use std::fs;
use std::os::fd::{AsFd, BorrowedFd};

use ctr_spec::plan::Mount;
use ctr_sys::mount::{attach as attach_tree, new_filesystem};
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, mkdirat};

use crate::error::{self, Error, Result};
use crate::mounts::bits;
use crate::path::{self, Leaf};

/// Mount cgroup2 where it is the host's only hierarchy, else a tmpfs with one mount for each v1
/// hierarchy that this process is in. On the initial mounts of v1 the namespace's root shows the
/// container's group as `/`.
pub(crate) fn attach(root: BorrowedFd<'_>, mount: &Mount) -> Result<()> {
    let destination = mount.destination.as_str();
    let step = || format!("mount {destination}");
    let (attributes, _) = bits(&mount.attributes);
    let text = fs::read_to_string("/proc/self/cgroup").map_err(|cause| {
        let errno = Errno::from_raw(cause.raw_os_error().unwrap_or(0));
        Error::new(
            step(),
            &ctr_sys::Error::new("read", "/proc/self/cgroup", errno),
        )
    })?;
    let hierarchies = v1_hierarchies(&text);
    let target = path::open_or_make(root, destination, Leaf::Directory)?;
    if hierarchies.is_empty() {
        let tree = error::sys(
            step,
            new_filesystem("cgroup2", &[("source", Some("cgroup"))], attributes),
        )?;
        return error::sys(step, attach_tree(tree.as_fd(), target.as_fd()));
    }
    let parameters = [
        ("source", Some("cgroup")),
        ("mode", Some("0755")),
        ("size", Some("64k")),
    ];
    let shelf = error::sys(
        step,
        new_filesystem(
            "tmpfs",
            &parameters,
            attributes & !ctr_sys::mount::attr::RDONLY,
        ),
    )?;
    error::sys(step, attach_tree(shelf.as_fd(), target.as_fd()))?;
    for hierarchy in hierarchies {
        let mut parameters: Vec<(&str, Option<&str>)> = vec![("source", Some("cgroup"))];
        match hierarchy.strip_prefix("name=") {
            Some(name) => parameters.extend([("none", None), ("name", Some(name))]),
            None => parameters.extend(hierarchy.split(',').map(|controller| (controller, None))),
        }
        let tree = error::sys(step, new_filesystem("cgroup", &parameters, attributes))?;
        // The shelf is ours alone: its directories need no scoped walk from the root.
        let name = hierarchy.trim_start_matches("name=");
        let mode = Mode::from_bits_truncate(0o755);
        error::step(&step(), "mkdirat", name, || mkdirat(&shelf, name, mode))?;
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let target = error::step(&step(), "openat", name, || {
            openat(&shelf, name, flags, Mode::empty())
        })?;
        error::sys(step, attach_tree(tree.as_fd(), target.as_fd()))?;
    }
    // ORDER: read-only after the last directory on it is made.
    error::sys(
        step,
        ctr_sys::mount::set_attributes(shelf.as_fd(), attributes, 0, 0, false),
    )
}

/// Controller lists of the v1 hierarchies in the text of /proc/self/cgroup, cgroups(7).
fn v1_hierarchies(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| line.split(':').nth(1))
        .filter(|controllers| !controllers.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::v1_hierarchies;

    #[test]
    fn hybrid_lists_v1_hierarchies_and_not_the_unified_one() {
        let text = "3:name=systemd:/\n2:cpu,cpuacct:/a\n1:memory:/a\n0::/\n";
        assert_eq!(
            v1_hierarchies(text),
            ["name=systemd", "cpu,cpuacct", "memory"]
        );
        assert!(v1_hierarchies("0::/user.slice\n").is_empty());
    }
}
