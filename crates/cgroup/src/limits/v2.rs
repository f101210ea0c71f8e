//! v2 control files; Documentation/admin-guide/cgroup-v2.rst.

use std::path::Path;

use ctr_spec::plan::Resources;

use super::{Compare, Written, put, v1};
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
            "cpu.weight",
            &weight(shares).to_string(),
            Compare::Exact,
            out,
        )?;
    }
    if resources.cpu_quota_us.is_none() && resources.cpu_period_us.is_none() {
        return Ok(());
    }
    // What is not asked for stays, so that one line can carry both.
    let current = file::read(&directory.join("cpu.max"))?;
    let (quota, period) = current.split_once(' ').unwrap_or(("max", "100000"));
    let quota = match resources.cpu_quota_us {
        Some(-1) => "max".to_owned(),
        Some(quota) => quota.to_string(),
        None => quota.to_owned(),
    };
    let period = resources
        .cpu_period_us
        .map_or_else(|| period.to_owned(), |v| v.to_string());
    put(
        directory,
        "cpu.max",
        &format!("{quota} {period}"),
        Compare::Exact,
        out,
    )
}

/// The OCI runtimes' conversion of v1 shares (2 to 262144) to a weight (1 to 10000).
fn weight(shares: u64) -> u64 {
    1 + shares.saturating_sub(2) * 9999 / 262_142
}

pub(super) fn cpuset(
    directory: &Path,
    resources: &Resources,
    out: &mut Vec<Written>,
) -> Result<(), Error> {
    v1::cpuset(directory, resources, out)
}

pub(super) fn memory(
    directory: &Path,
    resources: &Resources,
    out: &mut Vec<Written>,
) -> Result<(), Error> {
    if let Some(reservation) = resources.memory_reservation_bytes {
        put(
            directory,
            "memory.low",
            &text(reservation),
            Compare::Bytes,
            out,
        )?;
    }
    if let Some(limit) = resources.memory_limit_bytes {
        put(directory, "memory.max", &text(limit), Compare::Bytes, out)?;
    }
    let total = resources
        .memory_swap_bytes
        .or_else(|| v1::default_swap(resources.memory_limit_bytes));
    let Some(total) = total else { return Ok(()) };
    let file = directory.join("memory.swap.max");
    if file::read_if_there(&file)?.is_none() {
        return match resources.memory_swap_bytes {
            None | Some(-1) => Ok(()),
            Some(_) => Err(Error::new(
                Code::Unavailable,
                "limit swap",
                file,
                "the kernel does not account swap",
            )
            .with_hint("boot with swapaccount=1, or limit memory only")),
        };
    }
    let swap = if total == -1 {
        -1
    } else {
        total - memory_limit(directory, resources, total)?
    };
    put(
        directory,
        "memory.swap.max",
        &text(swap),
        Compare::Bytes,
        out,
    )
}

/// v2 limits swap alone: the memory limit, now or of before, is taken off the total.
fn memory_limit(directory: &Path, resources: &Resources, total: i64) -> Result<i64, Error> {
    if let Some(limit) = resources.memory_limit_bytes {
        return Ok(limit);
    }
    let path = directory.join("memory.max");
    let limit = file::read(&path)?
        .parse::<i64>()
        .ok()
        .filter(|limit| *limit <= total);
    limit.ok_or_else(|| {
        Error::new(
            Code::Invalid,
            "limit swap",
            path,
            "memory plus swap is below the memory limit, or there is none",
        )
        .with_hint("set a memory limit with it")
    })
}

fn text(value: i64) -> String {
    if value == -1 {
        "max".to_owned()
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::weight;

    #[test]
    fn shares_become_weights_over_the_whole_range() {
        assert_eq!([weight(2), weight(1024), weight(262_144)], [1, 39, 10_000]);
    }
}
