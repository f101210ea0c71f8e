//! A further process in a running container, and store operations: clones without new namespaces.

use std::os::fd::{AsFd, OwnedFd};

use ctr_cgroup::Group;
use ctr_sys::clone::{Clone3, CloneFlags3, Cloned};
use nix::sched::CloneFlags;

use super::clone::flag;
use super::job::{ClientId, Container, Job, Kind};
use crate::failure::{Result, Step};
use crate::report;
use crate::role::join::{self, Target};
use crate::role::store::{self, Operation};

/// Descriptors of an `Exec`.
pub(super) struct ExecDescriptors {
    pub(super) plan: OwnedFd,
    /// None for a process that gets a terminal.
    pub(super) stdio: Option<[OwnedFd; 3]>,
}

/// Clone the throw-away process that joins and clones the real one as the launcher's child. The
/// second value is its pidfd, to be reaped after its first report.
pub(super) fn join(
    client: (ClientId, u64),
    container: &Container,
    init: &OwnedFd,
    descriptors: &ExecDescriptors,
) -> Result<(Job, OwnedFd)> {
    let mut namespaces = CloneFlags::empty();
    for namespace in &container.namespaces {
        namespaces |= flag(namespace.kind);
    }
    let entry = container.group.as_ref().map(Group::entry).transpose()?;
    let (report, child_report) = report::pair()?;
    let request = Clone3 {
        cgroup: entry
            .as_ref()
            .and_then(|entry| entry.into.as_ref())
            .map(AsFd::as_fd),
        ..Clone3::default()
    };
    match ctr_sys::clone::clone3(&request).step("clone the joining process")? {
        Cloned::Child(child) => join::run(
            &child,
            Target {
                init,
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
