//! Values that cannot be, found before anything is made.

use ctr_spec::plan::{DeviceKind, Resources};

use super::numbers;
use crate::error::{Code, Error};

/// Refuses values that no kernel takes or that would silently mean something else.
pub(crate) fn validate(resources: &Resources) -> Result<(), Error> {
    let r = resources;
    let or_unlimited = |value: Option<i64>, least: i64| value.is_none_or(|v| v == -1 || v >= least);
    let rules = [
        (
            "cpuQuotaUs",
            or_unlimited(r.cpu_quota_us, 1000),
            "1000 or more microseconds, or -1 for unlimited",
        ),
        (
            "cpuPeriodUs",
            r.cpu_period_us
                .is_none_or(|v| (1000..=1_000_000).contains(&v)),
            "1000 to 1000000 microseconds",
        ),
        (
            "cpuShares",
            r.cpu_shares.is_none_or(|v| (2..=262_144).contains(&v)),
            "2 to 262144",
        ),
        (
            "cpusetCpus",
            is_list(r.cpuset_cpus.as_deref()),
            "a list like 0-2,5",
        ),
        (
            "cpusetMems",
            is_list(r.cpuset_mems.as_deref()),
            "a list like 0-1",
        ),
        (
            "memoryLimitBytes",
            or_unlimited(r.memory_limit_bytes, 1),
            "1 or more bytes, or -1 for unlimited",
        ),
        (
            "memorySwapBytes",
            or_unlimited(r.memory_swap_bytes, 1),
            "1 or more bytes, or -1 for unlimited",
        ),
        (
            "memoryReservationBytes",
            or_unlimited(r.memory_reservation_bytes, 0),
            "0 or more bytes, or -1 for unlimited",
        ),
        (
            "pidsLimit",
            or_unlimited(r.pids_limit, 1),
            "1 or more tasks, or -1 for unlimited",
        ),
    ];
    for (name, holds, range) in rules {
        if !holds {
            return Err(invalid(&format!("{name} is out of range"), range));
        }
    }
    if let (Some(memory), Some(swap)) = (r.memory_limit_bytes, r.memory_swap_bytes)
        && swap != -1
        && (memory == -1 || swap < memory)
    {
        return Err(invalid(
            "memorySwapBytes is below memoryLimitBytes",
            "memory and swap together: at least the memory limit",
        ));
    }
    for name in r.unified.keys() {
        check_file_name(name)?;
        if name.starts_with("cgroup.") {
            return Err(invalid(
                &format!("{name} is of the group itself"),
                "files of controllers only, as memory.high",
            ));
        }
    }
    if r.devices
        .iter()
        .any(|rule| rule.kind == Some(DeviceKind::Fifo))
    {
        return Err(invalid(
            "a device rule names a FIFO",
            "character and block devices only",
        ));
    }
    if r.devices
        .iter()
        .any(|rule| !(rule.read || rule.write || rule.mknod))
    {
        return Err(invalid(
            "a device rule names no access",
            "at least one of read, write, mknod",
        ));
    }
    Ok(())
}

/// Takes what looks like `controller.name` and moves no process.
pub(crate) fn check_file_name(file: &str) -> Result<(), Error> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let well_formed = file.split('.').count() >= 2
        && file
            .split('.')
            .all(|part| !part.is_empty() && part.chars().all(word));
    if !well_formed {
        return Err(
            Error::new(Code::Invalid, "set", file, "no name of a control file")
                .with_hint("name it like memory.swappiness"),
        );
    }
    if matches!(file, "cgroup.procs" | "cgroup.threads") {
        return Err(Error::new(
            Code::Invalid,
            "set",
            file,
            "it moves processes, in one hierarchy only",
        )
        .with_hint("attach the process to the group"));
    }
    Ok(())
}

fn is_list(list: Option<&str>) -> bool {
    list.is_none_or(|list| numbers(list).is_some())
}

fn invalid(what: &str, range: &str) -> Error {
    Error::new(Code::Invalid, "check limits", "", what).with_hint(range)
}
