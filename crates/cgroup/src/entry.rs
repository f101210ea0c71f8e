//! The way into a group for a process that does not exist yet.

use std::fs::OpenOptions;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use nix::libc::{O_DIRECTORY, O_NOFOLLOW};
use nix::unistd::write;

use crate::error::{Code, Error};
use crate::group::Group;
use crate::layout::{Interface, Layout};

/// Open descriptors that place a process in a group; all close on exec.
///
/// v1 is entered by the new process itself, which writes `0` to each of `tasks` (two orders of
/// magnitude cheaper than a parent that writes a pid to `cgroup.procs`); v2 by handing `into` to
/// clone3(2) with `CLONE_INTO_CGROUP`. A hybrid group may have both.
#[derive(Debug)]
pub struct Entry {
    /// `tasks` of each v1 hierarchy, open for writing.
    pub tasks: Vec<OwnedFd>,
    /// The group's directory in the v2 hierarchy.
    pub into: Option<OwnedFd>,
    paths: Vec<PathBuf>,
}

impl Entry {
    pub(crate) fn open(group: &Group) -> Result<Self, Error> {
        let mut entry = Self {
            tasks: Vec::new(),
            into: None,
            paths: Vec::new(),
        };
        for place in group.places() {
            match place.interface {
                Interface::V1 => {
                    let path = place.directory.join("tasks");
                    let file = OpenOptions::new()
                        .write(true)
                        .open(&path)
                        .map_err(|e| Error::io("open", &path, &e))?;
                    entry.tasks.push(file.into());
                    entry.paths.push(path);
                }
                Interface::V2 => entry.into = Some(open_directory(&place.directory)?),
            }
        }
        Ok(entry)
    }

    /// Leads on v2 to where a process of the group is: in the group or in one below it. It is for
    /// a group that no process can enter (EBUSY), because what runs in it has moved to groups
    /// below, to hand controllers down to them, as systemd and a nested container engine do.
    ///
    /// `cgroups` is the text of the process's /proc/PID/cgroup, read by the calling process.
    ///
    /// # Errors
    ///
    /// `CGROUP_BUSY` when the process is elsewhere; else that its group is gone or another's.
    pub fn follow(&mut self, group: &Group, layout: &Layout, cgroups: &str) -> Result<(), Error> {
        let mut places = group.places().iter();
        let Some(place) = places.find(|place| place.interface == Interface::V2) else {
            return Ok(());
        };
        let directory = cgroups
            .lines()
            .find_map(|line| line.strip_prefix("0::"))
            .and_then(|path| layout.v2()?.directory_of(path));
        // SECURITY: the container made these groups and moves its processes as it likes. Where it
        // has got one out of its group, no limit and no device rule of that group would hold.
        let directory = directory.filter(|at| is_at_or_below(at, &place.directory));
        let directory = directory.ok_or_else(|| {
            let detail = "it hands controllers down, and its first process is not in it";
            Error::new(Code::Busy, "enter", &place.directory, detail)
                .with_hint("move the container's first process back into the container's group")
        })?;
        self.into = Some(open_directory(&directory)?);
        Ok(())
    }

    /// Moves the calling *thread* into the v1 directories: call it while the process has only one.
    /// It does not enter v2.
    ///
    /// # Errors
    ///
    /// The first refused write; directories before it hold the thread.
    pub fn enter(&self) -> Result<(), Error> {
        for (tasks, path) in self.tasks.iter().zip(&self.paths) {
            write(tasks, b"0").map_err(|errno| Error::system("enter", path, errno))?;
        }
        Ok(())
    }
}

/// No name in the kernel's tree is `..`; one that is would lead out unseen.
fn is_at_or_below(directory: &Path, group: &Path) -> bool {
    let plain = |part: Component<'_>| part != Component::ParentDir;
    directory.starts_with(group) && directory.components().all(plain)
}

fn open_directory(path: &Path) -> Result<OwnedFd, Error> {
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(O_DIRECTORY | O_NOFOLLOW)
        .open(path);
    opened
        .map(OwnedFd::from)
        .map_err(|e| Error::io("open", path, &e))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use std::fs;
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn a_process_is_followed_to_groups_below_and_nowhere_else() {
        let root = tempfile::tempdir().unwrap();
        for group in ["ctr-ts/a/init/ctr-ts.caller", "ctr-ts/ab", "other"] {
            fs::create_dir_all(root.path().join(group)).unwrap();
        }
        let directory = root.path().join("ctr-ts/a");
        fs::write(directory.join("cgroup.controllers"), "pids\n").unwrap();
        let mountinfo = format!(
            "30 22 0:26 /box {} rw - cgroup2 cgroup2 rw\n",
            root.path().display()
        );
        let layout = Layout::from_text(&mountinfo, "0::/box/other\n");
        let group = Group::from_directories(vec![directory]);
        let follow = |cgroups: &str| {
            let mut entry = group.entry().unwrap();
            entry.follow(&group, &layout, cgroups)?;
            let link = format!("/proc/self/fd/{}", entry.into.as_ref().unwrap().as_raw_fd());
            let path = fs::read_link(link).unwrap();
            let below = path.strip_prefix(root.path()).unwrap();
            Ok::<_, Error>(below.display().to_string())
        };
        for below in [
            "ctr-ts/a",
            "ctr-ts/a/init",
            // Somebody's caller in the container, who stepped aside from a group there.
            "ctr-ts/a/init/ctr-ts.caller",
        ] {
            assert_eq!(follow(&format!("0::/box/{below}\n")).unwrap(), below);
        }
        for elsewhere in [
            "0::/box/other\n",
            "0::/box/ctr-ts/ab\n",
            "0::/box/ctr-ts/a/../ab\n",
            "0::/ctr-ts/a\n",
            "0::/../ctr-ts/a\n",
            "1:pids:/box/ctr-ts/a\n",
            "",
        ] {
            let error = follow(elsewhere).unwrap_err();
            assert_eq!(error.code(), "CGROUP_BUSY", "{elsewhere:?}");
        }
        assert_eq!(
            follow("0::/box/ctr-ts/a/gone\n").unwrap_err().code(),
            "CGROUP_NOT_FOUND"
        );
    }
}
