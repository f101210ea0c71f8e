//! v1 control files; Documentation/admin-guide/cgroup-v1.

use std::path::{Path, PathBuf};

use ctr_spec::plan::Resources;
use nix::errno::Errno;

use super::{Compare, Written, put};
use crate::error::{Code, Error};
use crate::file;

pub(super) fn cpu(
    directory: &Path,
    resources: &Resources,
    out: &mut Vec<Written>,
) -> Result<(), Error> {
    if let Some(shares) = resources.cpu_shares {
        put(
            directory,
            "cpu.shares",
            &shares.to_string(),
            Compare::Exact,
            out,
        )?;
    }
    let period = resources
        .cpu_period_us
        .map(|v| ("cpu.cfs_period_us", v.to_string()));
    let quota = resources
        .cpu_quota_us
        .map(|v| ("cpu.cfs_quota_us", v.to_string()));
    let mut write = |value: &Option<(&str, String)>| match value {
        Some((name, value)) => put(directory, name, value, Compare::Exact, out),
        None => Ok(()),
    };
    // ORDER: period before quota, unless the new period with the old quota is more than the
    // parent has, which the kernel refuses.
    match write(&period) {
        Err(error) if error.errno() == Errno::EINVAL as i32 && quota.is_some() => {
            write(&quota)?;
            write(&period)
        }
        Err(error) => Err(error),
        Ok(()) => write(&quota),
    }
}

pub(super) fn cpuset(
    directory: &Path,
    resources: &Resources,
    out: &mut Vec<Written>,
) -> Result<(), Error> {
    for (name, list) in [
        ("cpuset.cpus", &resources.cpuset_cpus),
        ("cpuset.mems", &resources.cpuset_mems),
    ] {
        if let Some(list) = list {
            put(directory, name, list, Compare::List, out)?;
        }
    }
    Ok(())
}

/// A new v1 cpuset is empty, and no task can enter an empty one (ENOSPC): each level from below
/// `base` to `directory` takes over what its parent has.
pub(crate) fn inherit_cpuset(base: &Path, directory: &Path) -> Result<(), Error> {
    let mut levels: Vec<PathBuf> = directory
        .ancestors()
        .take_while(|at| *at != base && at.starts_with(base))
        .map(Path::to_owned)
        .collect();
    levels.reverse();
    for level in levels {
        for name in ["cpuset.cpus", "cpuset.mems"] {
            let path = level.join(name);
            if !file::read(&path)?.is_empty() {
                continue;
            }
            let parent = level.parent().unwrap_or(base).join(name);
            file::write(&path, &file::read(&parent)?)?;
        }
    }
    Ok(())
}

pub(super) fn memory(
    directory: &Path,
    resources: &Resources,
    out: &mut Vec<Written>,
) -> Result<(), Error> {
    if let Some(reservation) = resources.memory_reservation_bytes {
        put(
            directory,
            "memory.soft_limit_in_bytes",
            &reservation.to_string(),
            Compare::Bytes,
            out,
        )?;
    }
    let memsw = directory.join("memory.memsw.limit_in_bytes");
    let current = file::read_if_there(&memsw)?;
    if resources.memory_swap_bytes.is_some_and(|swap| swap != -1) && current.is_none() {
        return Err(Error::new(
            Code::Unavailable,
            "limit swap",
            memsw,
            "the kernel does not account swap",
        )
        .with_hint("boot with swapaccount=1, or limit memory only"));
    }
    let limit = resources.memory_limit_bytes;
    let swap = current
        .as_ref()
        .and(resources.memory_swap_bytes.or_else(|| default_swap(limit)));
    let limit = limit.map(|v| ("memory.limit_in_bytes", v));
    let swap = swap.map(|v| ("memory.memsw.limit_in_bytes", v));
    // ORDER: at no instant may the limit be above memory plus swap, or the kernel says EINVAL.
    let current = current
        .and_then(|text| text.parse::<u64>().ok())
        .unwrap_or(u64::MAX);
    let raises = limit.is_some_and(|(_, v)| unsigned(v) > current);
    let order = if raises { [swap, limit] } else { [limit, swap] };
    for (name, value) in order.into_iter().flatten() {
        put(directory, name, &value.to_string(), Compare::Bytes, out)?;
    }
    Ok(())
}

/// Docker's rule: as much swap as memory, when only memory is limited.
pub(super) fn default_swap(limit: Option<i64>) -> Option<i64> {
    match limit {
        Some(-1) => Some(-1),
        Some(limit) => Some(limit.saturating_mul(2)),
        None => None,
    }
}

/// The same file on v1 and v2.
pub(super) fn pids(
    directory: &Path,
    resources: &Resources,
    out: &mut Vec<Written>,
) -> Result<(), Error> {
    match resources.pids_limit {
        Some(-1) => put(directory, "pids.max", "max", Compare::Exact, out),
        Some(limit) => put(
            directory,
            "pids.max",
            &limit.to_string(),
            Compare::Exact,
            out,
        ),
        None => Ok(()),
    }
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
