//! The container's cgroup: where it is, and what it limits.

use std::collections::{BTreeMap, HashMap};

use oci_spec::runtime as oci;

use crate::devices;
use crate::error::{Code, Error};
use crate::paths;
use crate::plan::{Cgroup, Requirement, Resources};
use crate::request::CgroupRequest;

/// Where containers are grouped below their owner's cgroup when the configuration names no place.
const DEFAULT_PARENT: &str = "ctr-ts";

/// The kernel's bounds on a CPU period and on the smallest quota, in microseconds.
const MIN_CPU_US: u64 = 1_000;
const MAX_CPU_PERIOD_US: u64 = 1_000_000;

/// The cgroup of a container, or none when the request is `off`.
pub(crate) fn cgroup(
    linux: &oci::Linux,
    id: &str,
    request: CgroupRequest,
) -> Result<Option<Cgroup>, Error> {
    let resources = match linux.resources() {
        Some(resources) => limits(resources)?,
        None => Resources::default(),
    };
    let path = path(linux, id)?;
    let limit = first_limit(&resources);
    let policy = match (request, limit) {
        (CgroupRequest::Off, Some(limit)) => {
            return Err(Error::new(
                Code::InvalidCgroup,
                limit,
                "limit a container that is to have no cgroup",
            )
            .with_hint("leave the limit out, or ask for a cgroup"));
        }
        (CgroupRequest::Off, None) => return Ok(None),
        // A limit that was asked for is never given up for lack of a group.
        (CgroupRequest::Preferred, None) => Requirement::Preferred,
        (CgroupRequest::Required, _) | (CgroupRequest::Preferred, Some(_)) => Requirement::Required,
    };
    Ok(Some(Cgroup {
        path,
        resources,
        policy,
    }))
}

fn path(linux: &oci::Linux, id: &str) -> Result<String, Error> {
    let field = "linux.cgroupsPath";
    let Some(path) = linux.cgroups_path() else {
        return Ok(format!("{DEFAULT_PARENT}/{id}"));
    };
    let text = paths::text(path, field)?;
    if text.is_empty() {
        return Ok(format!("{DEFAULT_PARENT}/{id}"));
    }
    if text.matches(':').count() == 2 && !text.contains('/') {
        return Err(Error::new(
            Code::UnsupportedField,
            field,
            format!("place the container in {text:?}: the systemd form slice:prefix:name is not supported"),
        )
        .with_hint("use a path, for example /ctr-ts/name"));
    }
    paths::without_parents(path, field)
        .map_err(|error| Error::new(Code::InvalidCgroup, field, error.to_string()))
}

/// The field of the first limit that needs a cgroup. "Unlimited" needs none. Device rules alone do
/// not count: whether a container is safe without them depends on its capabilities and user
/// namespace, so who needs them asks for `required`.
fn first_limit(resources: &Resources) -> Option<&'static str> {
    let limits = |value: Option<i64>| value.is_some_and(|value| value > 0);
    [
        (limits(resources.cpu_quota_us), "linux.resources.cpu.quota"),
        (
            resources.cpu_period_us.is_some(),
            "linux.resources.cpu.period",
        ),
        (resources.cpu_shares.is_some(), "linux.resources.cpu.shares"),
        (resources.cpuset_cpus.is_some(), "linux.resources.cpu.cpus"),
        (resources.cpuset_mems.is_some(), "linux.resources.cpu.mems"),
        (
            limits(resources.memory_limit_bytes),
            "linux.resources.memory.limit",
        ),
        (
            limits(resources.memory_swap_bytes),
            "linux.resources.memory.swap",
        ),
        (
            limits(resources.memory_reservation_bytes),
            "linux.resources.memory.reservation",
        ),
        (limits(resources.pids_limit), "linux.resources.pids.limit"),
        (!resources.unified.is_empty(), "linux.resources.unified"),
    ]
    .into_iter()
    .find_map(|(is_set, field)| is_set.then_some(field))
}

/// The limits. As in runc, a 0 where 0 makes no sense means that the limit is not set.
fn limits(input: &oci::LinuxResources) -> Result<Resources, Error> {
    let mut resources = Resources {
        devices: devices::rules(input.devices().as_ref())?,
        unified: unified(input.unified().as_ref())?,
        ..Resources::default()
    };
    if let Some(cpu) = input.cpu() {
        cpu_limits(cpu, &mut resources)?;
    }
    if let Some(memory) = input.memory() {
        memory_limits(memory, &mut resources)?;
    }
    if let Some(pids) = input.pids() {
        resources.pids_limit = amount(Some(pids.limit()), "linux.resources.pids.limit")?;
    }
    Ok(resources)
}

fn cpu_limits(cpu: &oci::LinuxCpu, resources: &mut Resources) -> Result<(), Error> {
    resources.cpu_quota_us = amount(cpu.quota(), "linux.resources.cpu.quota")?;
    if let Some(quota) = resources.cpu_quota_us
        && quota > 0
    {
        in_range(
            quota.unsigned_abs(),
            MIN_CPU_US,
            i64::MAX.unsigned_abs(),
            "linux.resources.cpu.quota",
        )?;
    }
    resources.cpu_period_us = cpu.period().filter(|period| *period != 0);
    if let Some(period) = resources.cpu_period_us {
        in_range(
            period,
            MIN_CPU_US,
            MAX_CPU_PERIOD_US,
            "linux.resources.cpu.period",
        )?;
    }
    resources.cpu_shares = cpu.shares().filter(|shares| *shares != 0);
    if let Some(shares) = resources.cpu_shares {
        in_range(shares, 2, 262_144, "linux.resources.cpu.shares")?;
    }
    resources.cpuset_cpus = list(cpu.cpus().as_deref(), "linux.resources.cpu.cpus")?;
    resources.cpuset_mems = list(cpu.mems().as_deref(), "linux.resources.cpu.mems")?;
    Ok(())
}

fn memory_limits(memory: &oci::LinuxMemory, resources: &mut Resources) -> Result<(), Error> {
    let swap_field = "linux.resources.memory.swap";
    let limit = amount(memory.limit(), "linux.resources.memory.limit")?;
    let swap = amount(memory.swap(), swap_field)?;
    let reservation = amount(memory.reservation(), "linux.resources.memory.reservation")?;
    if let Some(swap) = swap
        && swap > 0
    {
        // `swap` counts memory and swap together.
        match limit {
            Some(limit) if limit > 0 && limit <= swap => {}
            Some(limit) if limit > 0 => {
                return Err(Error::new(
                    Code::InvalidLimit,
                    swap_field,
                    format!("limit memory and swap to {swap}: less than the memory limit {limit}"),
                ));
            }
            _ => {
                return Err(Error::new(
                    Code::InvalidLimit,
                    swap_field,
                    format!("limit memory and swap to {swap} without a memory limit"),
                ));
            }
        }
    }
    if let (Some(reservation), Some(limit)) = (reservation, limit)
        && limit > 0
        && reservation > limit
    {
        return Err(Error::new(
            Code::InvalidLimit,
            "linux.resources.memory.reservation",
            format!("reserve {reservation} bytes: more than the memory limit {limit}"),
        ));
    }
    resources.memory_limit_bytes = limit;
    resources.memory_swap_bytes = swap;
    resources.memory_reservation_bytes = reservation;
    Ok(())
}

/// SECURITY: the name becomes a file below the group; it may neither lead elsewhere nor be one that
/// moves processes or changes what the group is.
fn unified(files: Option<&HashMap<String, String>>) -> Result<BTreeMap<String, String>, Error> {
    let word = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    for name in files.into_iter().flat_map(HashMap::keys) {
        let of_a_controller = name.contains('.') && name.split('.').all(word);
        if !of_a_controller || name.starts_with("cgroup.") {
            return Err(Error::new(
                Code::InvalidLimit,
                "linux.resources.unified",
                format!("write {name:?}: not a control file of a controller"),
            )
            .with_hint("name it like memory.high"));
        }
    }
    Ok(files
        .into_iter()
        .flatten()
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect())
}

/// A positive amount, or -1 for unlimited; 0 is "not set".
fn amount(value: Option<i64>, field: &str) -> Result<Option<i64>, Error> {
    match value {
        None | Some(0) => Ok(None),
        Some(value) if value >= -1 => Ok(Some(value)),
        Some(value) => Err(Error::new(
            Code::InvalidLimit,
            field,
            format!("limit to {value}: use a positive number, or -1 for no limit"),
        )),
    }
}

fn in_range(value: u64, min: u64, max: u64, field: &str) -> Result<(), Error> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(Error::new(
        Code::InvalidLimit,
        field,
        format!("limit to {value}: not between {min} and {max}"),
    ))
}

/// A list of numbers and ranges, cpuset(7): `0-3,7`.
fn list(value: Option<&str>, field: &str) -> Result<Option<String>, Error> {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let is_range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        match (first.parse::<u16>(), last.parse::<u16>()) {
            (Ok(first_number), Ok(last_number)) => {
                first_number <= last_number && !first.starts_with('+') && !last.starts_with('+')
            }
            _ => false,
        }
    };
    if value.split(',').all(is_range) {
        return Ok(Some(value.to_owned()));
    }
    Err(Error::new(
        Code::InvalidLimit,
        field,
        format!("use list {value:?}: not numbers and ranges such as 0-3,7"),
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use serde_json::{Value, json};

    fn plan(linux: Value, request: CgroupRequest) -> Result<Option<Cgroup>, Error> {
        cgroup(&serde_json::from_value(linux).unwrap(), "box", request)
    }

    fn limited(resources: Value) -> Result<Resources, Error> {
        let linux = json!({"resources": resources});
        plan(linux, CgroupRequest::Preferred).map(|cgroup| cgroup.unwrap().resources)
    }

    #[test]
    fn limits_are_carried_over() {
        let resources = limited(json!({
            "cpu": {"quota": 20_000, "period": 100_000, "shares": 512, "cpus": "0-1,3", "mems": "0"},
            "memory": {"limit": 1 << 20, "swap": 2 << 20, "reservation": 1 << 19},
            "pids": {"limit": 64}, "devices": [{"allow": false, "access": "rwm"}]}))
        .unwrap();
        assert_eq!(resources.cpu_quota_us, Some(20_000));
        assert_eq!(resources.cpu_period_us, Some(100_000));
        assert_eq!(resources.cpu_shares, Some(512));
        assert_eq!(resources.cpuset_cpus.as_deref(), Some("0-1,3"));
        assert_eq!(resources.memory_limit_bytes, Some(1 << 20));
        assert_eq!(resources.memory_swap_bytes, Some(2 << 20));
        assert_eq!(resources.memory_reservation_bytes, Some(1 << 19));
        assert_eq!(
            (resources.pids_limit, resources.devices.len()),
            (Some(64), 1)
        );
    }

    #[test]
    fn zero_is_not_a_limit_and_minus_one_is_unlimited() {
        let resources =
            limited(json!({"cpu": {"quota": 0, "period": 0, "shares": 0}, "memory": {"limit": -1, "swap": -1},
                "pids": {"limit": 0}}))
            .unwrap();
        assert_eq!(resources.cpu_quota_us, None);
        assert_eq!(
            (resources.memory_limit_bytes, resources.memory_swap_bytes),
            (Some(-1), Some(-1))
        );
        assert_eq!(resources.pids_limit, None);
    }

    #[test]
    fn limits_out_of_range_are_refused() {
        for bad in [
            json!({"cpu": {"quota": 999}}),
            json!({"cpu": {"quota": -2}}),
            json!({"cpu": {"period": 999}}),
            json!({"cpu": {"period": 1_000_001}}),
            json!({"cpu": {"shares": 1}}),
            json!({"cpu": {"shares": 262_145}}),
            json!({"cpu": {"cpus": "3-1"}}),
            json!({"cpu": {"cpus": "0,"}}),
            json!({"cpu": {"mems": "a"}}),
            json!({"memory": {"limit": -5}}),
            json!({"memory": {"swap": 100}}),
            json!({"memory": {"limit": 100, "swap": 99}}),
            json!({"memory": {"limit": 100, "reservation": 101}}),
            json!({"pids": {"limit": -7}}),
        ] {
            assert_eq!(
                limited(bad.clone()).unwrap_err().code(),
                "INVALID_LIMIT",
                "{bad}"
            );
        }
    }

    #[test]
    fn files_of_v2_are_carried_over_by_name_and_lead_nowhere_else() {
        let resources = limited(json!({"unified": {"memory.high": "1M", "io.weight": "50"}}));
        let files: Vec<_> = resources.unwrap().unified.into_iter().collect();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(files, [pair("io.weight", "50"), pair("memory.high", "1M")]);
        for bad in [
            "memory",
            "../x.y",
            "a.b/c",
            "cgroup.procs",
            "cgroup.freeze",
            ".max",
            "",
        ] {
            let error = limited(json!({"unified": {bad: "1"}})).unwrap_err();
            assert_eq!(error.code(), "INVALID_LIMIT", "{bad}");
        }
    }

    #[test]
    fn a_limit_makes_the_cgroup_required() {
        let policy = |linux, request| plan(linux, request).unwrap().map(|cgroup| cgroup.policy);
        let limited = json!({"resources": {"pids": {"limit": 5}}});
        assert_eq!(
            policy(json!({}), CgroupRequest::Preferred),
            Some(Requirement::Preferred)
        );
        assert_eq!(
            policy(limited.clone(), CgroupRequest::Preferred),
            Some(Requirement::Required)
        );
        let unlimited =
            json!({"resources": {"pids": {"limit": -1}, "devices": [{"allow": false}]}});
        assert_eq!(
            policy(unlimited, CgroupRequest::Preferred),
            Some(Requirement::Preferred)
        );
        assert_eq!(
            policy(json!({}), CgroupRequest::Required),
            Some(Requirement::Required)
        );
        assert_eq!(policy(json!({}), CgroupRequest::Off), None);
        let unlimited =
            json!({"resources": {"pids": {"limit": -1}, "devices": [{"allow": false}]}});
        assert_eq!(
            policy(unlimited, CgroupRequest::Preferred),
            Some(Requirement::Preferred)
        );
        let error = plan(limited, CgroupRequest::Off).unwrap_err();
        assert_eq!(
            (error.code(), error.field()),
            ("INVALID_CGROUP", Some("linux.resources.pids.limit"))
        );
    }

    #[test]
    fn the_group_has_a_place_that_nobody_can_climb_out_of() {
        let path = |value: Value| plan(json!({"cgroupsPath": value}), CgroupRequest::Preferred);
        assert_eq!(path(Value::Null).unwrap().unwrap().path, "ctr-ts/box");
        assert_eq!(path(json!("/a//b")).unwrap().unwrap().path, "/a/b");
        assert_eq!(path(json!("a/b")).unwrap().unwrap().path, "a/b");
        for bad in ["../a", "/a/../..", "/", "a\0"] {
            assert_eq!(
                path(json!(bad)).unwrap_err().code(),
                "INVALID_CGROUP",
                "{bad:?}"
            );
        }
        assert_eq!(
            path(json!("system.slice:ctr:a")).unwrap_err().code(),
            "UNSUPPORTED_FIELD"
        );
    }
}
