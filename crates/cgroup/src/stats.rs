//! What a group used, in the same shape and units on v1 and v2.

use std::path::Path;

use serde::Serialize;

use crate::error::Error;
use crate::file;
use crate::group::Place;
use crate::layout::Interface;
use crate::limits::is_unlimited;

/// Usage up to now. A part whose controller the group lacks is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Processor time.
    pub cpu: Option<CpuStats>,
    /// Memory.
    pub memory: Option<MemoryStats>,
    /// Tasks.
    pub pids: Option<PidsStats>,
}

/// Processor time of a group, in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CpuStats {
    /// All of it.
    pub usage_us: u64,
    /// In user mode.
    pub user_us: u64,
    /// In the kernel.
    pub system_us: u64,
    /// Quota periods that passed while the group ran; 0 without a quota.
    pub periods: u64,
    /// Periods in which it was throttled.
    pub throttled_periods: u64,
    /// How long it was held back.
    pub throttled_us: u64,
}

/// Memory of a group, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MemoryStats {
    /// In use now, page cache included.
    pub current_bytes: u64,
    /// The most there was; absent where the kernel does not count it (v2 before 5.19).
    pub peak_bytes: Option<u64>,
    /// The limit; absent when unlimited.
    pub limit_bytes: Option<u64>,
    /// Processes the OOM killer took, groups below included.
    pub oom_kills: u64,
}

/// Tasks of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PidsStats {
    /// Now.
    pub current: u64,
    /// The limit; absent when unlimited.
    pub limit: Option<u64>,
}

impl Stats {
    pub(crate) fn read(places: &[Place]) -> Result<Self, Error> {
        let v2 = places.iter().find(|place| place.interface == Interface::V2);
        Ok(Self {
            cpu: match v2 {
                // KERNEL(4.15): usage is counted without the cpu controller, throttling with it.
                Some(place) if !v1_has(places, "cpu") => cpu_v2(&place.directory)?,
                _ => cpu_v1(places)?,
            },
            memory: memory(places)?,
            pids: pids(places)?,
        })
    }
}

/// Kills by the OOM killer in the group and below it.
pub(crate) fn oom_kills(places: &[Place]) -> Result<u64, Error> {
    let Some(place) = with(places, "memory") else {
        return Ok(0);
    };
    match place.interface {
        Interface::V2 => {
            Ok(field(&place.directory.join("memory.events"), "oom_kill")?.unwrap_or(0))
        }
        // v1 counts where the process was; v2 in every group above it too.
        Interface::V1 => {
            let mut sum = 0;
            for directory in file::walk(&place.directory)? {
                sum += field(&directory.join("memory.oom_control"), "oom_kill")?.unwrap_or(0);
            }
            Ok(sum)
        }
    }
}

fn cpu_v2(directory: &Path) -> Result<Option<CpuStats>, Error> {
    let Some(text) = file::read_if_there(&directory.join("cpu.stat"))? else {
        return Ok(None);
    };
    let get = |name| field_of(&text, name).unwrap_or(0);
    Ok(Some(CpuStats {
        usage_us: get("usage_usec"),
        user_us: get("user_usec"),
        system_us: get("system_usec"),
        periods: get("nr_periods"),
        throttled_periods: get("nr_throttled"),
        throttled_us: get("throttled_usec"),
    }))
}

fn cpu_v1(places: &[Place]) -> Result<Option<CpuStats>, Error> {
    let mut stats = CpuStats::default();
    let mut any = false;
    if let Some(place) = with(places, "cpuacct") {
        // The kernel counts in nanoseconds.
        let micros = |name: &str| -> Result<Option<u64>, Error> {
            Ok(number(&place.directory.join(name))?.map(|nanos| nanos / 1000))
        };
        if let Some(usage) = micros("cpuacct.usage")? {
            any = true;
            stats.usage_us = usage;
            stats.user_us = micros("cpuacct.usage_user")?.unwrap_or(0);
            stats.system_us = micros("cpuacct.usage_sys")?.unwrap_or(0);
        }
    }
    if let Some(place) = with(places, "cpu")
        && let Some(text) = file::read_if_there(&place.directory.join("cpu.stat"))?
    {
        any = true;
        stats.periods = field_of(&text, "nr_periods").unwrap_or(0);
        stats.throttled_periods = field_of(&text, "nr_throttled").unwrap_or(0);
        stats.throttled_us = field_of(&text, "throttled_time").unwrap_or(0) / 1000;
    }
    Ok(any.then_some(stats))
}

fn memory(places: &[Place]) -> Result<Option<MemoryStats>, Error> {
    let Some(place) = with(places, "memory") else {
        return Ok(None);
    };
    let (current, peak, limit) = match place.interface {
        Interface::V1 => (
            "memory.usage_in_bytes",
            "memory.max_usage_in_bytes",
            "memory.limit_in_bytes",
        ),
        Interface::V2 => ("memory.current", "memory.peak", "memory.max"),
    };
    let Some(current_bytes) = number(&place.directory.join(current))? else {
        return Ok(None);
    };
    Ok(Some(MemoryStats {
        current_bytes,
        peak_bytes: number(&place.directory.join(peak))?,
        limit_bytes: limited(&place.directory.join(limit))?,
        oom_kills: oom_kills(places)?,
    }))
}

fn pids(places: &[Place]) -> Result<Option<PidsStats>, Error> {
    let Some(place) = with(places, "pids") else {
        return Ok(None);
    };
    let Some(current) = number(&place.directory.join("pids.current"))? else {
        return Ok(None);
    };
    Ok(Some(PidsStats {
        current,
        limit: limited(&place.directory.join("pids.max"))?,
    }))
}

fn with<'a>(places: &'a [Place], controller: &str) -> Option<&'a Place> {
    places.iter().find(|place| place.has(controller))
}

fn v1_has(places: &[Place], controller: &str) -> bool {
    with(places, controller).is_some_and(|place| place.interface == Interface::V1)
}

fn number(path: &Path) -> Result<Option<u64>, Error> {
    Ok(file::read_if_there(path)?.and_then(|text| text.parse().ok()))
}

fn limited(path: &Path) -> Result<Option<u64>, Error> {
    Ok(file::read_if_there(path)?
        .filter(|text| !is_unlimited(text))
        .and_then(|text| text.parse().ok()))
}

fn field(path: &Path, name: &str) -> Result<Option<u64>, Error> {
    Ok(file::read_if_there(path)?.and_then(|text| field_of(&text, name)))
}

/// The value of one line `name value`.
fn field_of(text: &str, name: &str) -> Option<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use std::fs;

    use super::*;
    use crate::group::Group;

    #[test]
    fn v2_files_are_read_into_the_same_shape() {
        let group = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("cgroup.controllers", "cpu memory pids\n"),
            (
                "cpu.stat",
                "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 5\nnr_throttled 4\nthrottled_usec 3\n",
            ),
            ("memory.current", "4096\n"),
            ("memory.max", "max\n"),
            (
                "memory.events",
                "low 0\noom 3\noom_kill 2\noom_group_kill 0\n",
            ),
            ("pids.current", "7\n"),
            ("pids.max", "9\n"),
        ] {
            fs::write(group.path().join(name), text).unwrap();
        }
        let stats = Group::from_directories(vec![group.path().to_owned()])
            .stats()
            .unwrap();
        let cpu = CpuStats {
            usage_us: 30,
            user_us: 20,
            system_us: 10,
            periods: 5,
            throttled_periods: 4,
            throttled_us: 3,
        };
        assert_eq!(stats.cpu, Some(cpu));
        assert_eq!(
            stats.memory,
            Some(MemoryStats {
                current_bytes: 4096,
                peak_bytes: None,
                limit_bytes: None,
                oom_kills: 2
            })
        );
        assert_eq!(
            stats.pids,
            Some(PidsStats {
                current: 7,
                limit: Some(9)
            })
        );
    }

    #[test]
    fn a_group_without_a_controller_has_no_numbers_for_it() {
        let group = tempfile::tempdir().unwrap();
        fs::write(group.path().join("cgroup.controllers"), "\n").unwrap();
        fs::write(group.path().join("cpu.stat"), "usage_usec 30\n").unwrap();
        let stats = Group::from_directories(vec![group.path().to_owned()])
            .stats()
            .unwrap();
        assert_eq!(stats.cpu.unwrap().usage_us, 30);
        assert_eq!((stats.memory, stats.pids), (None, None));
    }

    #[test]
    fn a_group_that_is_gone_is_not_found() {
        let group = Group::from_directories(vec!["/proc/no-such-group".into()]);
        assert_eq!(group.stats().unwrap_err().code(), "CGROUP_NOT_FOUND");
    }
}
