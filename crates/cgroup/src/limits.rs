//! Limits: checked before anything is made, written, and read back.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ctr_spec::plan::Resources;
use nix::errno::Errno;
use nix::unistd::{SysconfVar, sysconf};
use serde::Serialize;

use crate::delegate::with_delegation_hint;
use crate::devices;
use crate::error::{Code, Error};
use crate::file;
use crate::group::Place;
use crate::layout::{DEVICES, Interface, Layout};

mod check;
mod v1;
mod v2;

pub(crate) use check::{check_file_name, validate};
pub(crate) use v1::inherit_cpuset;

/// One limit: what was asked for, and what the kernel made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Written {
    /// The control file.
    pub file: PathBuf,
    /// What was written.
    pub requested: String,
    /// What it says after that: memory is rounded down to pages, lists are normalised.
    pub value: String,
}

/// The controllers that these limits need, each of which the layout has.
pub(crate) fn controllers(
    layout: &Layout,
    resources: &Resources,
) -> Result<Vec<&'static str>, Error> {
    let mut needed = asked(resources);
    for controller in &needed {
        if layout.hierarchy_of(controller).is_some() || is_free(controller, resources) {
            continue;
        }
        return Err(unavailable(controller));
    }
    needed.retain(|controller| layout.hierarchy_of(controller).is_some());
    Ok(needed)
}

/// Writes the limits to the group's directories and reads each back.
pub(crate) fn apply(places: &[Place], resources: &Resources) -> Result<Vec<Written>, Error> {
    let mut out = Vec::new();
    for controller in asked(resources) {
        let Some(place) = place_of(places, controller) else {
            if is_free(controller, resources) {
                continue;
            }
            return Err(unavailable(controller));
        };
        let set = match (place.interface, controller) {
            (Interface::V1, "cpu") => v1::cpu,
            (Interface::V1, "cpuset") => v1::cpuset,
            (Interface::V1, "memory") => v1::memory,
            (Interface::V1, DEVICES) => devices::v1::write,
            (Interface::V2, DEVICES) => devices::v2::write,
            (Interface::V2, "cpu") => v2::cpu,
            (Interface::V2, "cpuset") => v2::cpuset,
            (Interface::V2, "memory") => v2::memory,
            (_, "pids") => v1::pids,
            // Asked for by the name of a file only.
            (Interface::V2, _) => continue,
            _ => return Err(unavailable(controller)),
        };
        set(&place.directory, resources, &mut out)
            .map_err(|error| with_delegation_hint(error, place.interface, &place.directory))?;
    }
    let v2 = places.iter().find(|place| place.interface == Interface::V2);
    for (name, value) in &resources.unified {
        let place = v2.ok_or_else(|| unified_unavailable(name))?;
        out.push(put_raw(&place.directory.join(name), value)?);
    }
    Ok(out)
}

/// Writes a file that this crate knows nothing of; what it says afterwards is the kernel's affair.
pub(crate) fn put_raw(path: &Path, value: &str) -> Result<Written, Error> {
    file::write(path, value)?;
    Ok(Written {
        file: path.to_owned(),
        requested: value.to_owned(),
        // Some files can only be written.
        value: file::read(path).unwrap_or_default(),
    })
}

fn unified_unavailable(name: &str) -> Error {
    let detail = "the group has no directory on cgroup v2";
    Error::new(Code::Unavailable, "set", name, detail)
        .with_hint("use the limit that means the same on v1, or a machine with cgroup v2")
}

/// As [`Layout::hierarchy_of`], for a group that is there.
fn place_of<'a>(places: &'a [Place], controller: &str) -> Option<&'a Place> {
    let has = places.iter().find(|place| place.has(controller));
    has.or_else(|| {
        let mut v2 = places
            .iter()
            .filter(|place| place.interface == Interface::V2);
        v2.find(|_| controller == DEVICES)
    })
}

fn asked(resources: &Resources) -> Vec<&'static str> {
    let r = resources;
    let by_name = |controller: &str| {
        let mut names = r.unified.keys();
        names.any(|name| name.split('.').next() == Some(controller))
    };
    let cpu = r.cpu_quota_us.is_some() || r.cpu_period_us.is_some() || r.cpu_shares.is_some();
    let cpuset = r.cpuset_cpus.is_some() || r.cpuset_mems.is_some();
    let memory = r.memory_limit_bytes.is_some()
        || r.memory_swap_bytes.is_some()
        || r.memory_reservation_bytes.is_some();
    [
        ("cpu", cpu),
        ("cpuset", cpuset),
        ("memory", memory),
        ("pids", r.pids_limit.is_some()),
        ("io", false),
        ("hugetlb", false),
        ("rdma", false),
        ("misc", false),
        (DEVICES, !r.devices.is_empty()),
    ]
    .into_iter()
    .filter_map(|(name, asked)| (asked || by_name(name)).then_some(name))
    .collect()
}

/// Rules that allow everything need no controller to enforce them.
fn is_free(controller: &str, resources: &Resources) -> bool {
    controller == DEVICES && devices::allow_everything(&resources.devices)
}

fn unavailable(controller: &str) -> Error {
    let error = Error::new(
        Code::Unavailable,
        "limit",
        "",
        format!("no {controller} controller for this group, and a limit needs it"),
    );
    match controller {
        DEVICES => error.with_hint("mount the v1 devices controller, or cgroup2, where device rules are a program"),
        _ => error.with_hint(format!(
            "see `ctr-ts cgroup tree` for what is enabled; mount or delegate {controller}, or run without this limit"
        )),
    }
}

/// How what is read back may differ from what was written.
#[derive(Clone, Copy)]
enum Compare {
    /// Word for word.
    Exact,
    /// A number of bytes that the kernel rounds to pages; -1 is unlimited.
    Bytes,
    /// A list like `0-2,5`, in any notation.
    List,
}

/// Writes a value, reads it back, and records both.
fn put(
    directory: &Path,
    name: &str,
    value: &str,
    compare: Compare,
    out: &mut Vec<Written>,
) -> Result<(), Error> {
    let path = directory.join(name);
    file::write(&path, value).map_err(|error| explain(error, name))?;
    let effective = file::read(&path)?;
    let same = match compare {
        Compare::Exact => effective == value,
        Compare::Bytes => same_bytes(value, &effective),
        Compare::List => numbers(value) == numbers(&effective),
    };
    if !same {
        let detail = format!("asked for {value:?}, the kernel made it {effective:?}");
        return Err(Error::new(Code::Invalid, "write", path, detail));
    }
    out.push(Written {
        file: path,
        requested: value.to_owned(),
        value: effective,
    });
    Ok(())
}

fn explain(error: Error, name: &str) -> Error {
    let errno = Errno::from_raw(error.errno());
    match (name, errno) {
        // KERNEL(5.10): v1 says EACCES for a set that the parent does not have.
        ("cpuset.cpus" | "cpuset.mems", Errno::EACCES) if file_is_ours(&error) => error
            .with_code(Code::Invalid)
            .with_hint("the parent group does not have all of these"),
        ("memory.limit_in_bytes" | "memory.memsw.limit_in_bytes", Errno::EBUSY) => {
            error.with_hint("the group uses more than that, and it cannot be reclaimed")
        }
        ("cpu.cfs_quota_us" | "cpu.cfs_period_us", Errno::EINVAL) => {
            error.with_hint("a group cannot have more than its parent's quota, nor less than 1 ms")
        }
        _ => error,
    }
}

/// Tells a set that the parent lacks from a file we may not open.
fn file_is_ours(error: &Error) -> bool {
    nix::unistd::eaccess(error.path(), nix::unistd::AccessFlags::W_OK).is_ok()
}

fn same_bytes(requested: &str, effective: &str) -> bool {
    let page = sysconf(SysconfVar::PAGE_SIZE)
        .ok()
        .flatten()
        .unwrap_or(4096);
    let page = i128::from(page);
    match (requested, effective) {
        ("-1", value) => is_unlimited(value),
        (requested, effective) if requested == effective => true,
        (requested, effective) => match (requested.parse::<i128>(), effective.parse::<i128>()) {
            (Ok(requested), Ok(effective)) => {
                effective <= requested && requested - effective < page
            }
            _ => false,
        },
    }
}

/// v1 writes "unlimited" as the largest number of whole pages.
pub(crate) fn is_unlimited(value: &str) -> bool {
    value == "max"
        || value == "-1"
        || value
            .parse::<u64>()
            .is_ok_and(|n| n >= i64::MAX as u64 - 0xffff_ffff)
}

/// The members of a list like `0-2,5`, cpuset(7); `None` when it is none.
fn numbers(list: &str) -> Option<BTreeSet<u32>> {
    let mut members = BTreeSet::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        // No kernel numbers that many; a range without end would fill memory here.
        if first > last || last > 65_535 {
            return None;
        }
        members.extend(first..=last);
    }
    Some(members)
}

#[cfg(test)]
mod tests;
