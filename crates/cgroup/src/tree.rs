//! Groups as a tree of names: in v1 one name joins the directories of all hierarchies.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::{Code, Error};
use crate::file;
use crate::group::Group;
use crate::layout::{Interface, Layout};
use crate::limits::is_unlimited;
use crate::path::GroupPath;

/// Deeper groups are left out.
const DEPTH: usize = 16;

/// Limits shown, with the values that mean none.
const LIMITS: [(&str, &[&str]); 15] = [
    ("cpu.cfs_quota_us", &[]),
    ("cpu.shares", &["1024"]),
    ("cpu.max", &[]),
    ("cpu.weight", &["100"]),
    ("cpuset.cpus", &[""]),
    ("cpuset.mems", &[""]),
    ("memory.limit_in_bytes", &[]),
    ("memory.memsw.limit_in_bytes", &[]),
    ("memory.soft_limit_in_bytes", &[]),
    ("memory.max", &[]),
    ("memory.swap.max", &[]),
    ("memory.low", &["0"]),
    ("pids.max", &[]),
    ("devices.list", &["a *:* rwm"]),
    ("freezer.state", &["THAWED"]),
];

/// One group with the groups below it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// Last part of the path; the path itself at the top.
    pub name: String,
    /// Its directory in each hierarchy that has it.
    pub directories: Vec<PathBuf>,
    /// Controllers with files here.
    pub controllers: Vec<String>,
    /// Controllers that groups directly below have.
    pub enabled_for_children: Vec<String>,
    /// Limits in force: control file and value. What is unlimited is left out.
    pub limits: BTreeMap<String, String>,
    /// Processes in the group itself.
    pub pids: usize,
    /// Groups directly below, by name.
    pub children: Vec<Node>,
}

impl Layout {
    /// The group of this path and all below it; `/` is the root of every hierarchy and the empty
    /// path is our own group. Reading races with other processes: what is gone meanwhile is left
    /// out.
    ///
    /// # Errors
    ///
    /// `CGROUP_NOT_FOUND` when no hierarchy has the group.
    pub fn tree(&self, path: &str) -> Result<Node, Error> {
        let parsed = GroupPath::parse_or_root(path)?;
        let group = Group::open_path(self, &parsed)?;
        node(path, &group.directories(), DEPTH)?
            .ok_or_else(|| Error::new(Code::NotFound, "open group", path, "no such group"))
    }
}

impl Group {
    /// Limits in force: control file and value. What is unlimited is left out.
    ///
    /// # Errors
    ///
    /// A file that is there and cannot be read.
    pub fn limits(&self) -> Result<BTreeMap<String, String>, Error> {
        limits(&self.directories())
    }
}

impl Node {
    /// A group that is nowhere yet.
    pub(crate) fn empty(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            directories: Vec::new(),
            controllers: Vec::new(),
            enabled_for_children: Vec::new(),
            limits: BTreeMap::new(),
            pids: 0,
            children: Vec::new(),
        }
    }
}

fn node(name: &str, directories: &[PathBuf], depth: usize) -> Result<Option<Node>, Error> {
    let mut names = BTreeSet::new();
    let mut there = Vec::new();
    for directory in directories {
        if let Some(children) = file::children(directory)? {
            names.extend(children);
            there.push(directory.clone());
        }
    }
    if there.is_empty() {
        return Ok(None);
    }
    let group = Group::from_directories(there.clone());
    let mut children = Vec::new();
    for child in names.iter().filter(|_| depth > 0) {
        let below: Vec<PathBuf> = there
            .iter()
            .map(|d| d.join(child))
            .filter(|d| d.is_dir())
            .collect();
        children.extend(node(child, &below, depth - 1)?);
    }
    let controllers = group
        .places()
        .iter()
        .flat_map(|place| place.controllers.clone())
        .collect();
    Ok(Some(Node {
        name: name.to_owned(),
        controllers,
        enabled_for_children: enabled(&group)?,
        limits: limits(&there)?,
        pids: own_pids(&there)?,
        directories: there,
        children,
    }))
}

fn enabled(group: &Group) -> Result<Vec<String>, Error> {
    let mut enabled = Vec::new();
    for place in group.places() {
        match place.interface {
            Interface::V1 => enabled.extend(place.controllers.iter().cloned()),
            Interface::V2 => {
                let text = file::read_if_there(&place.directory.join("cgroup.subtree_control"))?;
                enabled.extend(
                    text.unwrap_or_default()
                        .split_whitespace()
                        .map(str::to_owned),
                );
            }
        }
    }
    Ok(enabled)
}

fn limits(directories: &[PathBuf]) -> Result<BTreeMap<String, String>, Error> {
    let mut limits = BTreeMap::new();
    for directory in directories {
        for (name, none) in LIMITS {
            let Some(value) = file::read_if_there(&directory.join(name))? else {
                continue;
            };
            let unlimited = is_unlimited(value.split(' ').next().unwrap_or(&value));
            if !unlimited && !none.contains(&value.as_str()) {
                limits.insert(name.to_owned(), value);
            }
        }
        add_period(directory, &mut limits)?;
    }
    Ok(limits)
}

/// A v1 quota means nothing without its period.
fn add_period(directory: &Path, limits: &mut BTreeMap<String, String>) -> Result<(), Error> {
    const PERIOD: &str = "cpu.cfs_period_us";
    if limits.contains_key("cpu.cfs_quota_us")
        && let Some(value) = file::read_if_there(&directory.join(PERIOD))?
    {
        limits.insert(PERIOD.to_owned(), value);
    }
    Ok(())
}

fn own_pids(directories: &[PathBuf]) -> Result<usize, Error> {
    let mut most = 0;
    for directory in directories {
        let text = file::read_if_there(&directory.join("cgroup.procs"))?.unwrap_or_default();
        most = most.max(text.lines().count());
    }
    Ok(most)
}
