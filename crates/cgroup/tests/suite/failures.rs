//! What is refused, and that it leaves nothing behind.

use ctr_cgroup::{Group, Layout};
use ctr_spec::plan::Resources;

use crate::scratch::{Scratch, fresh_path, plan, v1_layout};

fn assert_nothing_at(layout: &Layout, path: &str) {
    for directory in layout.directories(path) {
        assert!(
            !directory.exists(),
            "{} was left behind",
            directory.display()
        );
    }
}

#[test]
fn a_limit_that_the_kernel_refuses_leaves_no_directory() {
    let Some(layout) = v1_layout() else { return };
    let cases = [
        Resources {
            cpuset_cpus: Some("4000".into()),
            ..Resources::default()
        },
        Resources {
            cpuset_mems: Some("900".into()),
            ..Resources::default()
        },
        Resources {
            cpu_quota_us: Some(1),
            ..Resources::default()
        },
        Resources {
            cpu_shares: Some(1),
            pids_limit: Some(4),
            ..Resources::default()
        },
    ];
    for resources in cases {
        let top = fresh_path();
        let path = format!("{top}/ctr-ts/x");
        let error = Group::create(&layout, &plan(&path, resources.clone())).unwrap_err();
        assert_eq!(error.code(), "CGROUP_INVALID", "{resources:?}: {error}");
        assert_nothing_at(&layout, &path);
        assert_nothing_at(&layout, &top);
    }
}

#[test]
fn a_group_that_is_there_is_not_touched() {
    let Some(layout) = v1_layout() else { return };
    let first = Scratch::new(
        &layout,
        Resources {
            pids_limit: Some(11),
            ..Resources::default()
        },
    );
    let again = plan(
        &first.path,
        Resources {
            pids_limit: Some(22),
            ..Resources::default()
        },
    );
    let error = Group::create(&layout, &again).unwrap_err();
    assert_eq!(error.code(), "CGROUP_EXISTS");
    assert!(error.hint().is_some());
    assert_eq!(first.value("pids.max"), "11");
    assert!(first.group.directories().iter().all(|d| d.is_dir()));
}

#[test]
fn a_name_taken_in_one_hierarchy_leaves_the_others_clean() {
    let Some(layout) = v1_layout() else { return };
    let path = fresh_path();
    let directories = layout.directories(&path);
    let taken = directories
        .iter()
        .rfind(|d| !d.parent().unwrap().join("cpuset.cpus").exists())
        .unwrap();
    std::fs::create_dir(taken).unwrap();
    let result = Group::create(&layout, &plan(&path, Resources::default()));
    let left: Vec<_> = directories.iter().filter(|d| d.exists()).collect();
    std::fs::remove_dir(taken).unwrap();
    assert_eq!(result.unwrap_err().code(), "CGROUP_EXISTS");
    assert_eq!(left, [taken]);
}

#[test]
fn a_missing_controller_is_named() {
    let Some(_) = v1_layout() else { return };
    let mountinfo = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let cgroups = std::fs::read_to_string("/proc/self/cgroup").unwrap();
    let without: String = cgroups
        .lines()
        .filter(|l| !l.contains(":pids"))
        .map(|l| format!("{l}\n"))
        .collect();
    let layout = Layout::from_text(&mountinfo, &without);
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
    assert_nothing_at(&layout, &path);
}

#[test]
fn without_any_hierarchy_a_group_is_unavailable() {
    let layout = Layout::from_text("20 1 8:1 / / rw - ext4 /dev/sda rw\n", "0::/\n");
    for resources in [
        Resources::default(),
        Resources {
            pids_limit: Some(4),
            ..Resources::default()
        },
    ] {
        let error = Group::create(&layout, &plan("x", resources)).unwrap_err();
        assert_eq!(error.code(), "CGROUP_UNAVAILABLE");
        assert!(error.hint().is_some());
    }
}

#[test]
fn pids_that_are_no_process_are_refused() {
    let Some(layout) = v1_layout() else { return };
    let scratch = Scratch::new(&layout, Resources::default());
    for pid in [0, -1, i32::MAX] {
        let error = scratch.group.attach(pid).unwrap_err();
        assert_eq!(error.code(), "CGROUP_INVALID", "{pid}");
        assert!(error.to_string().contains(&pid.to_string()), "{error}");
    }
    assert!(scratch.group.pids().unwrap().is_empty());
}
