//! A container, from the request to the clone3 child.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::OnceLock;

use ctr_cgroup::{Entry, Group, Layout, Version};
use ctr_spec::plan::{
    Cgroup, IdMap, IdMaps, Namespace, NamespaceKind, OverlayUpper, Requirement, Resources,
};
use ctr_sys::clone::{Clone3, CloneFlags3, Cloned};
use nix::sched::CloneFlags;
use nix::unistd::Pid;

use super::job::{ClientId, Container, Job, Kind};
use crate::failure::{Result, Step, call};
use crate::protocol::{Enforcement, Failure, Launch};
use crate::report;
use crate::role::init::{self, Inheritance, in_user_namespace};

/// Descriptors of a `Launch`, in the protocol's order.
pub(super) struct LaunchDescriptors {
    pub(super) plan: OwnedFd,
    /// None for a process that gets a terminal.
    pub(super) stdio: Option<[OwnedFd; 3]>,
    pub(super) lock: OwnedFd,
}

/// Clone a container. On failure nothing of it is left but the state directory, which is removed by
/// the caller.
pub(super) fn clone(
    procfs: &OwnedFd,
    client: ClientId,
    launch: Launch,
    descriptors: LaunchDescriptors,
) -> std::result::Result<Job, (Failure, Box<Container>)> {
    let Launch {
        token,
        id,
        namespaces,
        id_maps,
        cgroup,
        state_directory,
        name_file,
        terminal: _,
        upper,
        keep,
    } = launch;
    let mut container = Box::new(Container {
        id,
        namespaces,
        group: None,
        lock: Some(descriptors.lock),
        state_directory: state_directory.into(),
        name_file: name_file.map(Into::into),
        upper,
        keep,
    });
    match clone_in(
        procfs,
        &mut container,
        id_maps,
        cgroup,
        descriptors.plan,
        descriptors.stdio,
    ) {
        Ok((pid, pidfd, report)) => {
            let kind = Kind::Container(container);
            Ok(Job::new(Some((client, token)), report, kind).of(pid, pidfd))
        }
        Err(failure) => Err((failure, container)),
    }
}

fn clone_in(
    procfs: &OwnedFd,
    container: &mut Container,
    id_maps: Option<IdMaps>,
    cgroup: Option<Cgroup>,
    plan: OwnedFd,
    stdio: Option<[OwnedFd; 3]>,
) -> Result<(Pid, OwnedFd, OwnedFd)> {
    let (flags, join) = namespaces(&container.namespaces)?;
    make_upper(container.upper.as_ref())?;
    let (group, enforcement) = make_group(cgroup.as_ref())?;
    container.group = group;
    let entry: Option<Entry> = container.group.as_ref().map(Group::entry).transpose()?;
    let (report, child_report) = report::pair()?;
    let gate = id_maps
        .is_some()
        .then(|| {
            call(
                "pipe2",
                "O_CLOEXEC",
                nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC),
            )
            .step("open the gate")
        })
        .transpose()?;
    let request = Clone3 {
        flags: CloneFlags3::new(flags),
        exit_signal: 0,
        cgroup: entry
            .as_ref()
            .and_then(|entry| entry.into.as_ref())
            .map(AsFd::as_fd),
    };
    match ctr_sys::clone::clone3(&request).step("make the container's namespaces")? {
        Cloned::Child(child) => init::run(
            &child,
            Inheritance {
                plan: &plan,
                stdio: stdio.as_ref().map(<[OwnedFd; 3]>::each_ref),
                report: &child_report,
                gate: gate.as_ref().map(|(read, _)| read),
                cgroup: entry.as_ref(),
                join: &join,
                enforcement,
            },
        ),
        Cloned::Parent(pid, pidfd) => {
            if let (Some(maps), Some((_, gate))) = (id_maps, gate) {
                if let Err(failure) = write_maps(procfs, pid, &maps) {
                    // The gate closes unwritten with this function, so the child ends by itself.
                    drop(gate);
                    let _ = ctr_sys::pidfd::wait(pidfd.as_fd());
                    return Err(failure);
                }
                let _ = nix::unistd::write(&gate, &[1]);
            }
            Ok((pid, pidfd, report))
        }
    }
}

/// Clone flags for what is made, and open files for what is joined.
fn namespaces(namespaces: &[Namespace]) -> Result<(CloneFlags, Vec<(NamespaceKind, OwnedFd)>)> {
    let mut flags = CloneFlags::empty();
    let mut join = Vec::new();
    for namespace in namespaces {
        match (&namespace.path, namespace.kind) {
            // ORDER: made by unshare after placement, or its root would be the launcher's group.
            (None, NamespaceKind::Cgroup) => {}
            (None, NamespaceKind::Time) => return Err(unsupported("a new time namespace")),
            (None, kind) => flags |= flag(kind),
            (
                Some(path),
                NamespaceKind::Network
                | NamespaceKind::Ipc
                | NamespaceKind::Uts
                | NamespaceKind::Cgroup,
            ) => {
                let file = call("open", path, fs::File::open(path))
                    .step_code("FILE_NOT_FOUND", "open a namespace")?;
                join.push((namespace.kind, file.into()));
            }
            (Some(_), kind) => return Err(unsupported(&format!("joining a {kind:?} namespace"))),
        }
    }
    if !flags.contains(CloneFlags::CLONE_NEWNS) {
        // SECURITY: without one, init's pivot_root would replace the launcher's own root.
        return Err(unsupported(
            "a container without a mount namespace of its own",
        ));
    }
    if !flags.contains(CloneFlags::CLONE_NEWPID) {
        return Err(unsupported(
            "a container without a PID namespace of its own",
        ));
    }
    Ok((flags, join))
}

fn unsupported(what: &str) -> Failure {
    Failure::new(
        "UNSUPPORTED_FIELD",
        format!("make the container: {what} is not supported yet"),
        "clone3",
        "",
    )
}

/// The clone flag of a namespace kind.
pub(crate) fn flag(kind: NamespaceKind) -> CloneFlags {
    match kind {
        NamespaceKind::User => CloneFlags::CLONE_NEWUSER,
        NamespaceKind::Pid => CloneFlags::CLONE_NEWPID,
        NamespaceKind::Mount => CloneFlags::CLONE_NEWNS,
        NamespaceKind::Uts => CloneFlags::CLONE_NEWUTS,
        NamespaceKind::Ipc => CloneFlags::CLONE_NEWIPC,
        NamespaceKind::Network => CloneFlags::CLONE_NEWNET,
        NamespaceKind::Cgroup => CloneFlags::CLONE_NEWCGROUP,
        // Not among clone3's here; never in a plan that passed `namespaces`.
        NamespaceKind::Time => CloneFlags::empty(),
    }
}

fn make_upper(upper: Option<&OverlayUpper>) -> Result<()> {
    let Some(OverlayUpper::Directory { path }) = upper else {
        return Ok(());
    };
    for name in ["upper", "work"] {
        let directory = Path::new(path).join(name);
        call(
            "mkdir",
            &directory.display().to_string(),
            fs::create_dir_all(&directory),
        )
        .step("make the writable layer")?;
    }
    Ok(())
}

/// Make the group, or say why the container goes without: never in silence.
fn make_group(cgroup: Option<&Cgroup>) -> Result<(Option<Group>, Vec<Enforcement>)> {
    let Some(cgroup) = cgroup.filter(|cgroup| cgroup.policy != Requirement::Off) else {
        return Ok((None, Vec::new()));
    };
    let mut cgroup = cgroup.clone();
    let device_rules = enforce_device_rules(&mut cgroup)?;
    match known_layout().and_then(|layout| Group::create(layout, &cgroup)) {
        Ok(group) => Ok((Some(group), device_rules.into_iter().collect())),
        Err(error)
            if cgroup.policy == Requirement::Preferred
                && cgroup.resources == Resources::default() =>
        {
            let enforcement = Enforcement {
                feature: "cgroup".to_owned(),
                requested: "preferred".to_owned(),
                supported: false,
                enforced: false,
                reason: Some(error.to_string()),
            };
            Ok((None, vec![enforcement]))
        }
        Err(error) => Err(error.into()),
    }
}

/// What becomes of the group's device rules. In a user namespace on v2 they are left out where that
/// is no loss: the kernel takes no device program there. It makes no device there either, and opens
/// only those that somebody outside had made reachable.
fn enforce_device_rules(cgroup: &mut Cgroup) -> Result<Option<Enforcement>> {
    if cgroup.resources.devices.is_empty() {
        return Ok(None);
    }
    let impossible =
        known_layout().is_ok_and(|layout| layout.version() == Version::V2) && in_user_namespace()?;
    let reason = "a user namespace cannot load them, and cannot make devices";
    if impossible && !may_leave_out_devices(cgroup) {
        let mut failure = Failure::new(
            "CGROUP_UNAVAILABLE",
            format!("set the device rules: {reason}"),
            "bpf",
            "",
        );
        failure.hint = Some(
            "leave out MKNOD and device rules, and give devices for reading and writing".to_owned(),
        );
        return Err(failure);
    }
    if impossible {
        cgroup.resources.devices.clear();
    }
    let requested = if impossible { "preferred" } else { "required" };
    Ok(Some(Enforcement {
        feature: "device rules".to_owned(),
        requested: requested.to_owned(),
        supported: !impossible,
        enforced: !impossible,
        reason: impossible.then(|| reason.to_owned()),
    }))
}

/// Whether a user namespace keeps what these device rules are for.
///
/// SECURITY: it does not where a device is given for less than reading and writing, for nothing
/// else holds back the rest; nor where something is denied after all that the namespace would open.
/// A group that is required for other reasons than its limits is required for its rules.
fn may_leave_out_devices(cgroup: &Cgroup) -> bool {
    let Resources { devices, .. } = &cgroup.resources;
    let without = Resources {
        devices: Vec::new(),
        ..cgroup.resources.clone()
    };
    let is_required = cgroup.policy == Requirement::Required && without == Resources::default();
    let (first, rest) = devices.split_at(devices.len().min(1));
    let denied = rest.iter().any(|rule| !rule.allow) || first.iter().any(|rule| rule.allow);
    // A rule for every number is about no device in particular: `c *:* m`.
    let in_part = rest
        .iter()
        .any(|rule| rule.major.is_some() && !(rule.read && rule.write));
    !is_required && !denied && !in_part
}

/// The layout, looked at once: hierarchies are not mounted or moved under a running launcher, and
/// it never changes its own group.
pub(super) fn known_layout() -> std::result::Result<&'static Layout, ctr_cgroup::Error> {
    static LAYOUT: OnceLock<Layout> = OnceLock::new();
    if let Some(layout) = LAYOUT.get() {
        return Ok(layout);
    }
    let found = Layout::detect()?;
    Ok(LAYOUT.get_or_init(|| found))
}

fn write_maps(procfs: &OwnedFd, pid: Pid, maps: &IdMaps) -> Result<()> {
    let (uids, gids) = match maps {
        IdMaps::Explicit { uids, gids } => (uids.clone(), gids.clone()),
        IdMaps::Inherit => (own_map("uid_map")?, own_map("gid_map")?),
    };
    for (file, map) in [("uid_map", uids), ("gid_map", gids)] {
        let text: String = map
            .iter()
            .map(|line| format!("{} {} {}\n", line.container_id, line.host_id, line.size))
            .collect();
        crate::procfs::write(procfs.as_fd(), &format!("{pid}/{file}"), &text)
            .step_code("ID_MAP_REFUSED", "map the container's ids")?;
    }
    Ok(())
}

/// The identity over what the launcher's own user namespace maps.
fn own_map(file: &str) -> Result<Vec<IdMap>> {
    let path = format!("/proc/self/{file}");
    let text = call("read", &path, fs::read_to_string(&path)).step("map the container's ids")?;
    let line = |line: &str| {
        let mut fields = line.split_ascii_whitespace().map(str::parse::<u32>);
        let (inside, _, size) = (fields.next()?.ok()?, fields.next()?, fields.next()?.ok()?);
        Some(IdMap {
            container_id: inside,
            host_id: inside,
            size,
        })
    };
    Ok(text.lines().filter_map(line).collect())
}

#[cfg(test)]
mod tests {
    use ctr_spec::plan::{DeviceKind, DeviceRule};

    use super::*;

    fn rule(allow: bool, major: Option<u32>, access: &str) -> DeviceRule {
        DeviceRule {
            allow,
            kind: major.map(|_| DeviceKind::Char),
            major,
            minor: None,
            read: access.contains('r'),
            write: access.contains('w'),
            mknod: access.contains('m'),
        }
    }

    #[test]
    fn device_rules_are_left_out_only_where_a_user_namespace_does_the_same() {
        let usual = || {
            vec![
                rule(false, None, "rwm"),
                rule(true, None, "m"),
                rule(true, Some(1), "rwm"),
            ]
        };
        let and = |last: DeviceRule| [usual(), vec![last]].concat();
        let limited = |devices| Resources {
            pids_limit: Some(9),
            devices,
            ..Resources::default()
        };
        let plain = |devices| Resources {
            devices,
            ..Resources::default()
        };
        let may = |policy, resources| {
            may_leave_out_devices(&Cgroup {
                path: "ctr-ts/a".to_owned(),
                resources,
                policy,
            })
        };
        use Requirement::{Preferred, Required};
        assert!(may(Preferred, plain(usual())));
        assert!(may(Preferred, plain(and(rule(true, Some(10), "rw")))));
        // Required, but for the limit.
        assert!(may(Required, limited(usual())));
        assert!(!may(Required, plain(usual())));
        for last in [
            rule(true, Some(10), "r"),
            rule(true, Some(10), "wm"),
            rule(false, Some(10), "rwm"),
        ] {
            assert!(!may(Preferred, plain(and(last.clone()))), "{last:?}");
            assert!(!may(Required, limited(and(last.clone()))), "{last:?}");
        }
        // Everything but one kind.
        let all_but = vec![rule(true, None, "rwm"), rule(false, Some(8), "rwm")];
        assert!(!may(Preferred, plain(all_but)));
    }
}
