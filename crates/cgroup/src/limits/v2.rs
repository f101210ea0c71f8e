//! v2 control files; Documentation/admin-guide/cgroup-v2.rst.

use std::path::Path;

use ctr_spec::plan::Resources;

use super::{Compare, Written, numbers, put, v1};
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

/// v1 shares (2 to 262144, default 1024) as a weight (1 to 10000, default 100), by the runtime
/// specification's curve: quadratic in the logarithm, so that the least, the default and the most
/// of one are those of the other.
fn weight(shares: u64) -> u64 {
    match shares {
        0..=2 => 1,
        3..=262_143 => {
            // Exact: below 2^53.
            let log = (shares as f64).log2();
            let exponent = (log * log + 125.0 * log) / 612.0 - 7.0 / 34.0;
            let weight = 10_f64.powf(exponent).ceil().clamp(1.0, 10_000.0);
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a whole number between 1 and 10000"
            )]
            let weight = weight as u64;
            weight
        }
        _ => 10_000,
    }
}

/// KERNEL(5.0): v2 takes processors and nodes that the parent does not have, and then gives others.
pub(super) fn cpuset(
    directory: &Path,
    resources: &Resources,
    out: &mut Vec<Written>,
) -> Result<(), Error> {
    v1::cpuset(directory, resources, out)?;
    for (name, asked) in [
        ("cpuset.cpus.effective", &resources.cpuset_cpus),
        ("cpuset.mems.effective", &resources.cpuset_mems),
    ] {
        let path = directory.join(name);
        let Some((asked, given)) = asked.as_ref().zip(file::read_if_there(&path)?) else {
            continue;
        };
        if numbers(asked) != numbers(&given) {
            let detail = format!("asked for {asked:?}, the group has {given:?}");
            return Err(Error::new(Code::Invalid, "limit", path, detail)
                .with_hint("the parent group does not have all of these"));
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
        // -1 is v1's word for none, its default; here `max` would protect all the group ever uses.
        put(
            directory,
            "memory.low",
            &reservation.max(0).to_string(),
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
    fn the_least_the_default_and_the_most_shares_are_those_of_the_weight() {
        assert_eq!([weight(2), weight(1024), weight(262_144)], [1, 100, 10_000]);
    }

    #[test]
    fn more_shares_are_never_less_weight() {
        let weights: Vec<u64> = (2..262_200).step_by(7).map(weight).collect();
        assert!(weights.is_sorted());
        assert_eq!([weight(512), weight(2048), weight(4096)], [59, 174, 303]);
    }
}
