//! Which hierarchies this process sees, and where a group's directories lie in them.

use std::fs;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, eaccess};
use serde::Serialize;

use crate::base::{self, Base, Caller};
use crate::error::{Code, Error};
use crate::file;
use crate::mountinfo::{self, Mount};
use crate::path::GroupPath;

/// The leaf that takes the caller when its own v2 group must hand controllers down.
pub(crate) const CALLER_LEAF: &str = "ctr-ts.caller";

/// Controllers a group is made for: limits, accounting, freezing. cpuset only when asked for.
const USED: [&str; 6] = ["cpu", "cpuacct", "memory", "pids", "devices", "freezer"];

/// The v1 controller of device rules; on v2 they are a program.
pub(crate) const DEVICES: &str = "devices";

/// Which interface of cgroups(7) is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Version {
    /// v1 hierarchies only.
    V1,
    /// v1 hierarchies with controllers, and a cgroup2 mount beside them.
    Hybrid,
    /// One cgroup2 hierarchy holds every controller.
    V2,
    /// No hierarchy is mounted.
    None,
}

/// Interface of one hierarchy or group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Interface {
    V1,
    V2,
}

/// One mounted hierarchy.
#[derive(Clone, Debug)]
pub(crate) struct Hierarchy {
    pub(crate) interface: Interface,
    /// v1: as mounted; v2: those that groups below our base can have.
    pub(crate) controllers: Vec<String>,
    pub(crate) mount: PathBuf,
    /// The group that the mount shows at its top, as our cgroup namespace names it.
    root: String,
    /// Our own group, as our cgroup namespace names it.
    own: String,
    /// Our own group's directory; `None` when the mount does not show it.
    pub(crate) own_directory: Option<PathBuf>,
    /// v2: the processes that look are in the leaf `ctr-ts.caller` of our own group.
    pub(crate) aside: bool,
    /// v2: the group that ours are made below; `None` until it is looked for, or without our own.
    pub(crate) base: Option<Base>,
    pub(crate) readonly: bool,
}

/// The hierarchies of this machine as the calling process sees them.
#[derive(Clone, Debug)]
pub struct Layout {
    pub(crate) hierarchies: Vec<Hierarchy>,
}

/// A [`Layout`] for people and programs.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LayoutReport {
    /// Which interface.
    pub version: Version,
    /// Whether groups with limits can be made, in every hierarchy that would be used.
    pub writable: bool,
    /// Every mounted hierarchy.
    pub hierarchies: Vec<HierarchyReport>,
}

/// One hierarchy of a [`LayoutReport`].
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HierarchyReport {
    /// `v1` or `v2`.
    pub interface: String,
    /// Controllers that our groups can have here.
    pub controllers: Vec<String>,
    /// Those that groups made now have without more ado.
    pub enabled_for_children: Vec<String>,
    /// Where it is mounted.
    pub mount: PathBuf,
    /// Our own group, as /proc/self/cgroup names it.
    pub own: String,
    /// Its directory; absent when the mount does not show it.
    pub own_directory: Option<PathBuf>,
    /// The directory that our groups are made below; on v2 it may be one above our own.
    pub base: Option<PathBuf>,
    /// Whether this process may make groups below it, with limits.
    pub writable: bool,
    /// Whether our groups have a directory here.
    pub used: bool,
}

impl Layout {
    /// Reads the layout of the calling process.
    ///
    /// # Errors
    ///
    /// `CGROUP_UNAVAILABLE` when /proc cannot be read. A machine without cgroups is not an error.
    pub fn detect() -> Result<Self, Error> {
        let read = |path: &str| {
            fs::read_to_string(path)
                .map_err(|e| Error::io("read", Path::new(path), &e).with_code(Code::Unavailable))
        };
        Ok(Self::from_text(
            &read("/proc/self/mountinfo")?,
            &read("/proc/self/cgroup")?,
        ))
    }

    /// The layout that these texts of /proc/self/mountinfo and /proc/self/cgroup describe.
    #[must_use]
    pub fn from_text(mountinfo: &str, cgroups: &str) -> Self {
        let mut hierarchies = parse(mountinfo, cgroups);
        for hierarchy in hierarchies
            .iter_mut()
            .filter(|h| h.interface == Interface::V2)
        {
            if let Some(own) = &hierarchy.own_directory {
                let caller = Caller::current(&hierarchy.mount);
                let base = base::choose(caller, &hierarchy.mount, own);
                hierarchy.controllers = words(&base.top.join("cgroup.controllers"));
                hierarchy.base = Some(base);
            }
        }
        Self { hierarchies }
    }

    /// Which interface is in use.
    #[must_use]
    pub fn version(&self) -> Version {
        let v1 = self
            .hierarchies
            .iter()
            .any(|h| h.interface == Interface::V1 && !h.controllers.is_empty());
        let v2 = self
            .hierarchies
            .iter()
            .any(|h| h.interface == Interface::V2);
        match (v1, v2) {
            (true, true) => Version::Hybrid,
            (true, false) => Version::V1,
            (false, true) => Version::V2,
            (false, false) => Version::None,
        }
    }

    /// What there is, for `doctor`, `explain` and `ctr-ts cgroup`.
    #[must_use]
    pub fn report(&self) -> LayoutReport {
        let hierarchies: Vec<_> = self
            .hierarchies
            .iter()
            .map(|h| self.report_one(h))
            .collect();
        let mut used = hierarchies.iter().filter(|h| h.used).peekable();
        LayoutReport {
            version: self.version(),
            writable: used.peek().is_some() && used.all(|h| h.writable),
            hierarchies,
        }
    }

    fn report_one(&self, hierarchy: &Hierarchy) -> HierarchyReport {
        let base = hierarchy.base_directory();
        let enabled = match (base, hierarchy.interface) {
            (Some(base), Interface::V2) => words(&base.join("cgroup.subtree_control")),
            (None, Interface::V2) => Vec::new(),
            (_, Interface::V1) => hierarchy.controllers.clone(),
        };
        HierarchyReport {
            interface: match hierarchy.interface {
                Interface::V1 => "v1".to_owned(),
                Interface::V2 => "v2".to_owned(),
            },
            controllers: hierarchy.controllers.clone(),
            enabled_for_children: enabled,
            mount: hierarchy.mount.clone(),
            own: hierarchy.own.clone(),
            own_directory: hierarchy.own_directory.clone(),
            base: base.map(Path::to_owned),
            writable: hierarchy.is_writable(),
            used: self.uses(hierarchy),
        }
    }

    /// The path that names the same group for every process of this machine: on v2 that of the
    /// hierarchy's root, for the base of another process may be another one. Elsewhere the path is
    /// given back as it is.
    #[must_use]
    pub fn resolve(&self, path: &str) -> String {
        let base = match self.hierarchies.as_slice() {
            [one] if self.version() == Version::V2 => one.base_directory().zip(Some(&one.mount)),
            _ => None,
        };
        let below = base.and_then(|(base, mount)| base.strip_prefix(mount).ok());
        match below.filter(|_| !path.starts_with('/')) {
            Some(below) => Path::new("/").join(below).join(path).display().to_string(),
            None => path.to_owned(),
        }
    }

    /// Every directory that a group of this path can have; cpuset's too, although a group has it
    /// only when a cpuset was asked for. Empty for a path that names no group.
    #[must_use]
    pub fn directories(&self, path: &str) -> Vec<PathBuf> {
        match GroupPath::parse(path) {
            Ok(path) => self
                .places_of(&path)
                .into_iter()
                .map(|(_, directory)| directory)
                .collect(),
            Err(_) => Vec::new(),
        }
    }

    /// Hierarchies our groups may use, each with the group's directory in it.
    pub(crate) fn places_of(&self, path: &GroupPath) -> Vec<(&Hierarchy, PathBuf)> {
        self.hierarchies
            .iter()
            .filter(|h| self.uses(h) || h.has("cpuset"))
            .filter_map(|h| Some((h, h.base(path)?.join(path.relative()))))
            .collect()
    }

    /// The cgroup2 hierarchy.
    pub(crate) fn v2(&self) -> Option<&Hierarchy> {
        self.hierarchies
            .iter()
            .find(|h| h.interface == Interface::V2)
    }

    /// The hierarchy that limits what the controller is about. Device rules have none on v2, where
    /// any group can have them.
    pub(crate) fn hierarchy_of(&self, controller: &str) -> Option<&Hierarchy> {
        let mut ours = self
            .hierarchies
            .iter()
            .filter(|h| h.own_directory.is_some());
        ours.clone()
            .find(|h| h.has(controller))
            .or_else(|| ours.find(|h| controller == DEVICES && h.interface == Interface::V2))
    }

    /// On a hybrid machine the cgroup2 tree counts only for controllers that v1 does not hold.
    pub(crate) fn uses(&self, hierarchy: &Hierarchy) -> bool {
        hierarchy.own_directory.is_some()
            && match hierarchy.interface {
                Interface::V2 if self.version() == Version::V2 => true,
                _ => USED.iter().any(|controller| hierarchy.has(controller)),
            }
    }
}

impl Hierarchy {
    pub(crate) fn has(&self, controller: &str) -> bool {
        self.controllers.iter().any(|c| c == controller)
    }

    /// The directory of a group as the kernel names it to us, in /proc/PID/cgroup.
    pub(crate) fn directory_of(&self, group: &str) -> Option<PathBuf> {
        shown_at(&self.root, &self.mount, group)
    }

    /// The directory that a path's components are below.
    pub(crate) fn base(&self, path: &GroupPath) -> Option<PathBuf> {
        if path.absolute {
            Some(self.mount.clone())
        } else {
            self.base_directory().map(Path::to_owned)
        }
    }

    /// The directory that our groups are below.
    pub(crate) fn base_directory(&self) -> Option<&Path> {
        match &self.base {
            Some(base) => Some(&base.directory),
            None => self.own_directory.as_deref(),
        }
    }

    fn is_writable(&self) -> bool {
        let may = AccessFlags::W_OK | AccessFlags::X_OK;
        !self.readonly
            && self.base.as_ref().is_none_or(|base| base.hands_down)
            && self
                .base_directory()
                .is_some_and(|base| eaccess(base, may).is_ok())
    }
}

/// Hierarchies in the order of /proc/self/cgroup; v2 controllers are left to the caller.
pub(crate) fn parse(mountinfo: &str, cgroups: &str) -> Vec<Hierarchy> {
    let mounts = mountinfo::visible_cgroup_mounts(mountinfo);
    cgroups
        .lines()
        .filter_map(|line| parse_group(line, &mounts))
        .collect()
}

fn parse_group(line: &str, mounts: &[Mount]) -> Option<Hierarchy> {
    let mut parts = line.splitn(3, ':');
    let (id, controllers, own) = (parts.next()?, parts.next()?, parts.next()?);
    let interface = match (id, controllers) {
        ("0", "") => Interface::V2,
        (_, "") => return None,
        _ => Interface::V1,
    };
    let names: Vec<&str> = controllers
        .split(',')
        .filter(|name| !name.is_empty())
        .collect();
    let matches = |mount: &&Mount| match interface {
        Interface::V2 => mount.fs_type == "cgroup2",
        Interface::V1 => {
            mount.fs_type == "cgroup"
                && names
                    .iter()
                    .all(|name| mount.options.iter().any(|o| o == name))
        }
    };
    // A container manager may mount one hierarchy several times: writable with our group wins.
    let mount = mounts.iter().filter(matches).min_by_key(|mount| {
        (
            own_directory(mount, own, interface).is_none(),
            mount.readonly,
        )
    })?;
    Some(Hierarchy {
        interface,
        controllers: names
            .iter()
            .filter(|n| !n.starts_with("name="))
            .map(|n| (*n).to_owned())
            .collect(),
        mount: mount.point.clone(),
        root: mount.root.clone(),
        own: own.to_owned(),
        own_directory: own_directory(mount, own, interface),
        aside: is_aside(own, interface),
        base: None,
        readonly: mount.readonly,
    })
}

/// Where the mount shows our own group.
fn own_directory(mount: &Mount, own: &str, interface: Interface) -> Option<PathBuf> {
    let directory = shown_at(&mount.root, &mount.point, own)?;
    match directory.parent().filter(|_| is_aside(own, interface)) {
        // A mount of the leaf alone does not show the group above.
        Some(above) => above.starts_with(&mount.point).then(|| above.to_owned()),
        None => Some(directory),
    }
}

fn is_aside(own: &str, interface: Interface) -> bool {
    interface == Interface::V2 && Path::new(own).ends_with(CALLER_LEAF)
}

/// Where a mount shows a group. `/..` in either path leads out of our cgroup namespace.
fn shown_at(root: &str, point: &Path, group: &str) -> Option<PathBuf> {
    if root.starts_with("/..") || group.starts_with("/..") {
        return None;
    }
    let below = Path::new(group).strip_prefix(root).ok()?;
    if below.as_os_str().is_empty() {
        return Some(point.to_owned());
    }
    Some(point.join(below))
}

fn words(path: &Path) -> Vec<String> {
    let text = file::read_if_there(path).ok().flatten().unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
