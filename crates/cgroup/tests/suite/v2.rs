//! The v2 tree of a hybrid machine, taken alone: everything that needs no controller.

use ctr_cgroup::{Group, Layout, Version};
use ctr_spec::plan::{DeviceKind, DeviceRule, Resources};

use crate::scratch::{Held, Scratch, eventually, fresh_path, plan};

fn v2_layout() -> Option<Layout> {
    let mountinfo = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let cgroups = std::fs::read_to_string("/proc/self/cgroup").unwrap();
    let unified: String = cgroups
        .lines()
        .filter(|l| l.starts_with("0::"))
        .map(|l| format!("{l}\n"))
        .collect();
    let layout = Layout::from_text(&mountinfo, &unified);
    let report = layout.report();
    if report.version == Version::V2 && report.writable {
        return Some(layout);
    }
    eprintln!("skipped: needs a writable cgroup2 mount");
    None
}

#[test]
fn a_group_of_the_v2_tree_is_made_frozen_killed_and_removed() {
    let Some(layout) = v2_layout() else { return };
    let scratch = Scratch::new(&layout, Resources::default());
    let entry = scratch.group.entry().unwrap();
    assert!(entry.into.is_some() && entry.tasks.is_empty());
    let mut tree = Held::shell("for i in 1 2 3; do (while :; do sleep 0.01; done) & done; wait");
    scratch.group.attach(tree.pid()).unwrap();
    tree.go();
    eventually("the tree has grown", || {
        scratch.group.pids().unwrap().len() >= 4
    });
    scratch.group.freeze().unwrap();
    let usage = || scratch.group.stats().unwrap().cpu.unwrap().usage_us;
    let frozen = usage();
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(usage(), frozen);
    scratch.group.kill().unwrap();
    tree.child.wait().unwrap();
    assert!(scratch.group.pids().unwrap().is_empty());
    scratch.group.remove().unwrap();
    assert!(scratch.group.directories().iter().all(|d| !d.exists()));
}

#[test]
fn a_controller_that_is_not_in_the_v2_tree_is_named() {
    let Some(layout) = v2_layout() else { return };
    if layout.report().hierarchies[0]
        .controllers
        .contains(&"pids".to_owned())
    {
        eprintln!("skipped: needs a v2 tree without the pids controller");
        return;
    }
    let path = fresh_path();
    let limited = plan(
        &path,
        Resources {
            pids_limit: Some(4),
            ..Resources::default()
        },
    );
    let error = Group::create(&layout, &limited).unwrap_err();
    assert_eq!(error.code(), "CGROUP_UNAVAILABLE");
    assert!(error.to_string().contains("pids"), "{error}");
    assert!(layout.directories(&path).iter().all(|d| !d.exists()));
}

#[test]
fn limits_of_a_tree_with_controllers_are_in_force() {
    let Some(layout) = v2_layout() else { return };
    let available = layout.report().hierarchies[0].controllers.clone();
    if !["cpu", "cpuset", "memory", "pids", "io"]
        .iter()
        .all(|c| available.iter().any(|a| a == c))
    {
        eprintln!("skipped: needs a v2 tree with cpu, cpuset, memory, pids and io");
        return;
    }
    let by_name = [("memory.high", "33554432"), ("io.weight", "default 50")];
    let scratch = Scratch::new(
        &layout,
        Resources {
            cpu_quota_us: Some(20_000),
            cpu_shares: Some(1024),
            cpuset_cpus: Some("0".into()),
            memory_limit_bytes: Some(64 << 20),
            memory_swap_bytes: Some(96 << 20),
            memory_reservation_bytes: Some(1 << 20),
            pids_limit: Some(3),
            unified: by_name.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            ..Resources::default()
        },
    );
    for (file, value) in [
        ("cpu.max", "20000 100000"),
        ("cpu.weight", "100"),
        ("cpuset.cpus.effective", "0"),
        ("memory.max", "67108864"),
        ("memory.swap.max", "33554432"),
        ("memory.low", "1048576"),
        ("memory.high", "33554432"),
        ("io.weight", "default 50"),
        ("pids.max", "3"),
    ] {
        assert_eq!(scratch.value(file), value, "{file}");
    }
    let mut bomb = Held::shell("for i in 1 2 3 4 5 6; do sleep 60 & done; wait");
    scratch.group.attach(bomb.pid()).unwrap();
    bomb.go();
    eventually("a fork is refused", || {
        scratch.value("pids.events") != "max 0"
    });
    assert!(scratch.group.stats().unwrap().pids.unwrap().current <= 3);
    scratch.group.kill().unwrap();
    let missing = Resources {
        cpuset_cpus: Some("0-63".into()),
        ..Resources::default()
    };
    let path = fresh_path();
    let error = Group::create(&layout, &plan(&path, missing)).unwrap_err();
    assert_eq!(error.code(), "CGROUP_INVALID", "{error}");
    assert!(layout.directories(&path).iter().all(|d| !d.exists()));
}

#[test]
fn device_rules_hold_for_the_group_and_are_replaced_as_a_whole() {
    let Some(layout) = v2_layout().filter(|_| nix::unistd::geteuid().is_root()) else {
        eprintln!("skipped: needs root, to load a device program");
        return;
    };
    let only = |devices: &[(u32, u32)]| Resources {
        devices: std::iter::once(rule(false, None, None))
            .chain(devices.iter().map(|(major, minor)| {
                let major = Some(*major);
                rule(true, major, Some(*minor))
            }))
            .collect(),
        ..Resources::default()
    };
    let mut scratch = Scratch::new(&layout, only(&[(1, 3)]));
    assert_eq!(scratch.group.written().len(), 2);
    // A shell opens what it is asked to with its redirections, and says how that went.
    let reads = |group: &Group, device: &str| {
        let mut shell = Held::shell(&format!("exec 3< {device} || exit 1; exit 0"));
        group.attach(shell.pid()).unwrap();
        shell.go();
        shell.child.wait().unwrap().success()
    };
    assert!(reads(&scratch.group, "/dev/null"));
    assert!(!reads(&scratch.group, "/dev/zero"));
    let inner = Group::create(
        &layout,
        &plan(&format!("{}/inner", scratch.path), only(&[(1, 3), (1, 5)])),
    );
    let inner = inner.unwrap();
    assert!(reads(&inner, "/dev/null"));
    assert!(
        !reads(&inner, "/dev/zero"),
        "the group above has not allowed it"
    );

    scratch.group.set(&only(&[(1, 5)])).unwrap();
    assert!(!reads(&scratch.group, "/dev/null"));
    assert!(reads(&scratch.group, "/dev/zero"));
    assert!(reads(&inner, "/dev/zero"));
    let all = Resources {
        devices: vec![rule(true, None, None)],
        ..Resources::default()
    };
    scratch.group.set(&all).unwrap();
    assert!(reads(&scratch.group, "/dev/full"));
    assert!(!reads(&inner, "/dev/full"));
}

#[test]
fn a_group_that_limits_groups_below_it_takes_no_process_and_says_why() {
    let Some(layout) = v2_layout() else { return };
    let limit = || Resources {
        pids_limit: Some(20),
        ..Resources::default()
    };
    if !layout.report().hierarchies[0]
        .controllers
        .contains(&"pids".to_owned())
    {
        eprintln!("skipped: needs a v2 tree with the pids controller");
        return;
    }
    let outer = Scratch::new(&layout, limit());
    let mut shell = Held::shell("exit 0");
    outer.group.attach(shell.pid()).unwrap();
    let inner = plan(&format!("{}/inner", outer.path), limit());
    let refused = Group::create(&layout, &inner).unwrap_err();
    assert_eq!(refused.code(), "CGROUP_NOT_DELEGATED", "{refused}");
    shell.go();
    shell.child.wait().unwrap();
    eventually("the group is empty", || {
        outer.group.pids().unwrap().is_empty()
    });
    let inner = Group::create(&layout, &inner).unwrap();
    let shell = Held::shell("exit 0");
    let busy = outer.group.attach(shell.pid()).unwrap_err();
    assert_eq!(busy.code(), "CGROUP_BUSY");
    assert!(busy.hint().unwrap().contains("attach to a group below"));
    inner.attach(shell.pid()).unwrap();
}

#[test]
fn a_thousand_device_rules_pass_the_verifier() {
    let Some(layout) = v2_layout().filter(|_| nix::unistd::geteuid().is_root()) else {
        eprintln!("skipped: needs root, to load a device program");
        return;
    };
    let devices = (0..1000)
        .map(|n| rule(n % 3 != 0, Some(n), (n % 2 == 0).then_some(n)))
        .collect();
    let resources = Resources {
        devices,
        ..Resources::default()
    };
    let scratch = Scratch::new(&layout, resources);
    assert_eq!(scratch.group.written().len(), 1000);
}

fn rule(allow: bool, major: Option<u32>, minor: Option<u32>) -> DeviceRule {
    DeviceRule {
        allow,
        kind: major.map(|_| DeviceKind::Char),
        major,
        minor,
        read: true,
        write: allow,
        mknod: allow,
    }
}
