//! Limits as the kernel took them, and as it enforces them.

use std::time::{Duration, Instant};

use ctr_spec::plan::{DeviceKind, DeviceRule, Resources};

use crate::scratch::{Held, Scratch, eventually, v1_layout};

fn every_limit() -> Resources {
    Resources {
        cpu_quota_us: Some(20_000),
        cpu_period_us: Some(100_000),
        cpu_shares: Some(512),
        cpuset_cpus: Some("0".into()),
        memory_limit_bytes: Some((64 << 20) + 5),
        memory_reservation_bytes: Some(32 << 20),
        pids_limit: Some(40),
        ..Resources::default()
    }
}

#[test]
fn every_limit_is_written_read_back_and_reported() {
    let Some(layout) = v1_layout() else { return };
    let scratch = Scratch::new(&layout, every_limit());
    assert_eq!(scratch.value("cpu.cfs_quota_us"), "20000");
    assert_eq!(scratch.value("cpu.cfs_period_us"), "100000");
    assert_eq!(scratch.value("cpu.shares"), "512");
    assert_eq!(scratch.value("cpuset.cpus"), "0");
    assert!(
        !scratch.value("cpuset.mems").is_empty(),
        "memory nodes are inherited"
    );
    assert_eq!(
        scratch.value("memory.limit_in_bytes"),
        (64 << 20).to_string()
    );
    assert_eq!(
        scratch.value("memory.soft_limit_in_bytes"),
        (32 << 20).to_string()
    );
    assert_eq!(scratch.value("pids.max"), "40");
    let written = scratch.group.written();
    let limit = written
        .iter()
        .find(|w| w.file.ends_with("memory.limit_in_bytes"))
        .unwrap();
    assert_eq!(limit.requested, ((64 << 20) + 5).to_string());
    assert_eq!(
        limit.value,
        (64 << 20).to_string(),
        "what is in force, not what was asked for"
    );
    assert!(written.iter().all(|w| w.file.exists()));
}

#[test]
fn a_group_without_cpuset_limit_has_no_cpuset_directory() {
    let Some(layout) = v1_layout() else { return };
    let scratch = Scratch::new(&layout, Resources::default());
    assert!(
        scratch
            .group
            .directories()
            .iter()
            .all(|d| !d.join("cpuset.cpus").exists())
    );
    assert!(scratch.group.written().is_empty());
}

#[test]
fn limits_of_a_group_can_be_raised_and_lowered_in_one_call() {
    let Some(layout) = v1_layout() else { return };
    let mut scratch = Scratch::new(
        &layout,
        Resources {
            memory_limit_bytes: Some(32 << 20),
            ..Resources::default()
        },
    );
    for mib in [128_i64, 16, 64] {
        let resources = Resources {
            memory_limit_bytes: Some(mib << 20),
            cpu_period_us: Some(if mib == 16 { 10_000 } else { 100_000 }),
            cpu_quota_us: Some(if mib == 16 { 5_000 } else { 50_000 }),
            ..Resources::default()
        };
        scratch.group.set(&resources).unwrap();
        assert_eq!(
            scratch.value("memory.limit_in_bytes"),
            (mib << 20).to_string()
        );
    }
    let unlimited = Resources {
        memory_limit_bytes: Some(-1),
        cpu_quota_us: Some(-1),
        pids_limit: Some(-1),
        ..Resources::default()
    };
    scratch.group.set(&unlimited).unwrap();
    assert_eq!(scratch.value("cpu.cfs_quota_us"), "-1");
    assert_eq!(scratch.value("pids.max"), "max");
    assert_eq!(
        scratch.group.stats().unwrap().memory.unwrap().limit_bytes,
        None
    );
}

#[test]
fn raw_files_are_written_and_unknown_ones_refused() {
    let Some(layout) = v1_layout() else { return };
    let mut scratch = Scratch::new(&layout, Resources::default());
    scratch.group.set_raw("pids.max", "17").unwrap();
    assert_eq!(scratch.value("pids.max"), "17");
    assert_eq!(scratch.group.written()[0].value, "17");
    assert_eq!(
        scratch
            .group
            .set_raw("pids.nothing", "1")
            .unwrap_err()
            .code(),
        "CGROUP_UNAVAILABLE"
    );
    assert_eq!(
        scratch
            .group
            .set_raw("pids.max", "many")
            .unwrap_err()
            .code(),
        "CGROUP_INVALID"
    );
}

#[test]
fn a_busy_process_gets_the_share_of_its_quota_and_is_throttled() {
    let Some(layout) = v1_layout() else { return };
    let scratch = Scratch::new(
        &layout,
        Resources {
            cpu_quota_us: Some(20_000),
            cpu_period_us: Some(100_000),
            ..Resources::default()
        },
    );
    let mut busy = Held::shell("while :; do :; done");
    scratch.group.attach(busy.pid()).unwrap();
    busy.go();
    let usage = || scratch.group.stats().unwrap().cpu.unwrap().usage_us;
    let (start, before) = (Instant::now(), usage());
    std::thread::sleep(Duration::from_millis(1500));
    let used = usage() - before;
    let elapsed = u64::try_from(start.elapsed().as_micros()).unwrap();
    let cpu = scratch.group.stats().unwrap().cpu.unwrap();
    assert!(used * 4 <= elapsed, "{used} us of {elapsed} us");
    assert!(used > 0 && cpu.user_us > 0);
    assert!(
        cpu.periods > 0 && cpu.throttled_periods > 0 && cpu.throttled_us > 0,
        "{cpu:?}"
    );
}

#[test]
fn forks_beyond_the_task_limit_fail() {
    let Some(layout) = v1_layout() else { return };
    let scratch = Scratch::new(
        &layout,
        Resources {
            pids_limit: Some(5),
            ..Resources::default()
        },
    );
    // dash ends with an error at the first fork that fails.
    let mut shell = Held::shell("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 20 & done; exit 0");
    scratch.group.attach(shell.pid()).unwrap();
    shell.go();
    assert!(!shell.child.wait().unwrap().success());
    let pids = scratch.group.stats().unwrap().pids.unwrap();
    assert_eq!(pids.limit, Some(5));
    assert!(scratch.group.pids().unwrap().len() <= 5);
}

#[test]
fn what_the_oom_killer_took_is_counted() {
    let Some(layout) = v1_layout() else { return };
    let scratch = Scratch::new(
        &layout,
        Resources {
            memory_limit_bytes: Some(8 << 20),
            ..Resources::default()
        },
    );
    assert_eq!(scratch.group.oom_kills().unwrap(), 0);
    let mut hungry = Held::shell("exec dd if=/dev/zero of=/dev/null bs=64M count=1");
    scratch.group.attach(hungry.pid()).unwrap();
    hungry.go();
    assert!(!hungry.child.wait().unwrap().success());
    eventually("the kill is counted", || {
        scratch.group.oom_kills().unwrap() > 0
    });
    let memory = scratch.group.stats().unwrap().memory.unwrap();
    assert_eq!(memory.limit_bytes, Some(8 << 20));
    assert!(
        memory.oom_kills > 0 && memory.peak_bytes.unwrap() > 4 << 20,
        "{memory:?}"
    );
}

#[test]
fn device_rules_replace_what_the_parent_allows() {
    let Some(layout) = v1_layout() else { return };
    let rule = |allow, kind, major, minor| DeviceRule {
        allow,
        kind,
        major,
        minor,
        read: true,
        write: true,
        mknod: true,
    };
    let devices = vec![
        rule(false, None, None, None),
        rule(true, Some(DeviceKind::Char), Some(1), Some(3)),
    ];
    let scratch = Scratch::new(
        &layout,
        Resources {
            devices,
            ..Resources::default()
        },
    );
    assert_eq!(scratch.value("devices.list"), "c 1:3 rwm");
    // The shell may open /dev/null and not /dev/zero.
    for (device, allowed) in [("/dev/null", true), ("/dev/zero", false)] {
        let mut shell = Held::shell(&format!(": <{device}"));
        scratch.group.attach(shell.pid()).unwrap();
        shell.go();
        assert_eq!(shell.child.wait().unwrap().success(), allowed, "{device}");
    }
}
