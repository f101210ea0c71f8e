//! A further process in a running container, and store operations: clones without new namespaces.

use std::os::fd::{AsFd, OwnedFd};

use ctr_cgroup::{Entry, Group};
use ctr_sys::clone::{Clone3, CloneFlags3, Cloned};
use nix::errno::Errno;
use nix::sched::CloneFlags;
use nix::unistd::Pid;

use super::clone::{flag, known_layout};
use super::job::{ClientId, Container, Job, Kind};
use crate::failure::{Result, Step};
use crate::report;
use crate::role::join::{self, Target};
use crate::role::store::{self, Operation};

/// How often a container may move its first process while we follow it.
const MOVES: usize = 8;

/// Descriptors of an `Exec`.
pub(super) struct ExecDescriptors {
    pub(super) plan: OwnedFd,
    /// None for a process that gets a terminal.
    pub(super) stdio: Option<[OwnedFd; 3]>,
}

/// The container to join.
pub(super) struct Running<'a> {
    pub(super) container: &'a Container,
    /// Its first process.
    pub(super) init: (Pid, &'a OwnedFd),
    /// The launcher's own procfs.
    pub(super) procfs: &'a OwnedFd,
}

/// Clone the throw-away process that joins and clones the real one as the launcher's child. The
/// second value is its pidfd, to be reaped after its first report.
pub(super) fn join(
    client: (ClientId, u64),
    running: &Running<'_>,
    descriptors: &ExecDescriptors,
) -> Result<(Job, OwnedFd)> {
    let mut namespaces = CloneFlags::empty();
    for namespace in &running.container.namespaces {
        namespaces |= flag(namespace.kind);
    }
    let group = running.container.group.as_ref();
    let mut entry = group.map(Group::entry).transpose()?;
    let (report, child_report) = report::pair()?;
    match clone_into(running, entry.as_mut())? {
        Cloned::Child(child) => join::run(
            &child,
            Target {
                init: running.init.1,
                namespaces,
                plan: &descriptors.plan,
                stdio: descriptors.stdio.as_ref().map(<[OwnedFd; 3]>::each_ref),
                report: &child_report,
                cgroup: entry.as_ref(),
            },
        ),
        Cloned::Parent(_, joiner) => Ok((Job::new(Some(client), report, Kind::Exec), joiner)),
    }
}

/// Clone into the container's group, or where the container hands controllers down in its own
/// group, which then takes no process: into the group of its first process.
fn clone_into(running: &Running<'_>, mut entry: Option<&mut Entry>) -> Result<Cloned> {
    let mut moves = 0..MOVES;
    loop {
        let into = entry.as_ref().and_then(|entry| entry.into.as_ref());
        let cloned = ctr_sys::clone::clone3(&Clone3 {
            cgroup: into.map(AsFd::as_fd),
            ..Clone3::default()
        });
        match (cloned, &running.container.group, &mut entry) {
            (Err(error), Some(group), Some(entry))
                if error.errno() == Errno::EBUSY && moves.next().is_some() =>
            {
                let path = format!("{}/cgroup", running.init.0);
                let cgroups = crate::procfs::read(running.procfs.as_fd(), &path)
                    .step_code("CONTAINER_NOT_RUNNING", "find the container's group")?;
                entry.follow(group, known_layout()?, &cgroups)?;
            }
            (cloned, _, _) => return cloned.step("clone the joining process"),
        }
    }
}

/// Clone a process for one store operation.
pub(super) fn store(client: Option<(ClientId, u64)>, operation: &Operation) -> Result<Job> {
    let (report, child_report) = report::pair()?;
    let request = Clone3 {
        flags: CloneFlags3::new(CloneFlags::empty()),
        ..Clone3::default()
    };
    match ctr_sys::clone::clone3(&request).step("clone the store process")? {
        Cloned::Child(child) => store::run(&child, operation, &child_report),
        Cloned::Parent(pid, pidfd) => Ok(Job::new(client, report, Kind::Store).of(pid, pidfd)),
    }
}
