//! Placing, freezing, killing, removing.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use ctr_cgroup::{Group, Layout};
use ctr_spec::plan::Resources;
use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use crate::scratch::{Held, Scratch, eventually, fresh_path, plan, v1_layout};

#[test]
fn an_attached_process_is_in_every_hierarchy_of_the_group() {
    let Some(layout) = v1_layout() else { return };
    let scratch = Scratch::new(&layout, Resources::default());
    let held = Held::shell("sleep 20");
    scratch.group.attach(held.pid()).unwrap();
    assert_eq!(scratch.group.pids().unwrap(), [held.pid()]);
    let groups = fs::read_to_string(format!("/proc/{}/cgroup", held.pid())).unwrap();
    let placed = groups
        .lines()
        .filter(|line| line.ends_with(&scratch.path))
        .count();
    assert_eq!(placed, scratch.group.directories().len(), "{groups}");
    let stats = scratch.group.stats().unwrap();
    assert_eq!(stats.pids.unwrap().current, 1);
    assert!(stats.cpu.is_some() && stats.memory.is_some());
}

#[test]
fn a_thread_that_enters_takes_its_children_along() {
    let Some(layout) = v1_layout() else { return };
    let scratch = Scratch::new(&layout, Resources::default());
    let entry = scratch.group.entry().unwrap();
    assert_eq!(entry.tasks.len(), scratch.group.directories().len());
    assert!(
        entry.into.is_none(),
        "nothing of the group is in the v2 tree"
    );
    // v1 moves threads one by one: only this one enters, and it ends here.
    let child = std::thread::scope(|scope| {
        scope
            .spawn(|| {
                entry.enter().unwrap();
                let groups = fs::read_to_string("/proc/thread-self/cgroup").unwrap();
                assert_eq!(
                    groups
                        .lines()
                        .filter(|l| l.ends_with(&scratch.path))
                        .count(),
                    entry.tasks.len()
                );
                Command::new("sleep")
                    .arg("20")
                    .stdin(Stdio::null())
                    .spawn()
                    .unwrap()
            })
            .join()
            .unwrap()
    });
    let mut child = child;
    eventually("the thread is gone", || {
        scratch.group.pids().unwrap() == [i32::try_from(child.id()).unwrap()]
    });
    scratch.group.kill().unwrap();
    assert!(!child.wait().unwrap().success());
}

#[test]
fn a_frozen_group_uses_no_time_until_it_is_thawed() {
    let Some(layout) = v1_layout() else { return };
    let scratch = Scratch::new(
        &layout,
        Resources {
            cpu_quota_us: Some(30_000),
            ..Resources::default()
        },
    );
    let mut busy = Held::shell("while :; do :; done");
    scratch.group.attach(busy.pid()).unwrap();
    busy.go();
    let usage = || scratch.group.stats().unwrap().cpu.unwrap().usage_us;
    eventually("it runs", || usage() > 10_000);
    scratch.group.freeze().unwrap();
    let frozen = usage();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(usage(), frozen);
    scratch.group.thaw().unwrap();
    eventually("it goes on", || usage() > frozen);
    scratch.group.freeze().unwrap();
    // Killing a frozen group thaws it, or nothing in it could die.
    scratch.group.kill().unwrap();
    assert!(!busy.child.wait().unwrap().success());
}

#[test]
fn a_tree_of_forking_shells_is_killed_as_a_whole() {
    let Some(layout) = v1_layout() else { return };
    let scratch = Scratch::new(
        &layout,
        Resources {
            pids_limit: Some(32),
            ..Resources::default()
        },
    );
    let inner = "for j in 1 2 3; do (while :; do sleep 0.01; done) & done; wait";
    let mut tree = Held::shell(&format!("for i in 1 2 3 4; do ({inner}) & done; wait"));
    scratch.group.attach(tree.pid()).unwrap();
    tree.go();
    eventually("the tree has grown", || {
        scratch.group.pids().unwrap().len() >= 12
    });
    scratch.group.kill().unwrap();
    assert!(scratch.group.pids().unwrap().is_empty());
    tree.child.wait().unwrap();
    // The kernel counts the orphans until PID 1 has reaped them.
    eventually("no task is counted", || {
        scratch.group.stats().unwrap().pids.unwrap().current == 0
    });
}

/// Who dies between freezing a group and thawing it leaves processes that no signal ends.
#[test]
fn what_dies_of_a_signal_is_not_frozen_for_it() {
    let Some(layout) = v1_layout() else { return };
    let scratch = Scratch::new(&layout, Resources::default());
    let mut held = Held::shell("sleep 20 & sleep 20");
    scratch.group.attach(held.pid()).unwrap();
    held.go();
    eventually("both run", || scratch.group.pids().unwrap().len() == 3);
    let directories = scratch.group.directories();
    let control = directories
        .iter()
        .map(|directory| directory.join("freezer.state"))
        .find(|control| control.exists())
        .unwrap();
    let watch = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC).unwrap();
    watch.add_watch(&control, AddWatchFlags::IN_MODIFY).unwrap();
    scratch.group.kill().unwrap();
    held.child.wait().unwrap();
    assert_eq!(watch.read_events().unwrap_err(), Errno::EAGAIN);
    scratch.group.freeze().unwrap();
    assert!(
        !watch.read_events().unwrap().is_empty(),
        "the watch is deaf"
    );
    scratch.group.thaw().unwrap();
}

#[test]
fn removing_takes_the_groups_below_along_and_leaves_nothing() {
    let Some(layout) = v1_layout() else { return };
    let scratch = Scratch::new(&layout, Resources::default());
    let directories = scratch.group.directories();
    for directory in &directories {
        fs::create_dir_all(directory.join("a/b")).unwrap();
        fs::create_dir(directory.join("c")).unwrap();
    }
    scratch.group.remove().unwrap();
    assert!(directories.iter().all(|d| !d.exists()));
    scratch.group.remove().unwrap();
    assert!(scratch.group.pids().unwrap().is_empty());
    scratch.group.kill().unwrap();
    assert_eq!(
        scratch.group.stats().unwrap_err().code(),
        "CGROUP_NOT_FOUND"
    );
}

#[test]
fn a_group_that_is_gone_from_some_hierarchies_is_removed_from_the_others() {
    let Some(layout) = v1_layout() else { return };
    let scratch = Scratch::new(&layout, Resources::default());
    let directories = scratch.group.directories();
    fs::remove_dir(&directories[0]).unwrap();
    Group::from_directories(directories.clone())
        .remove()
        .unwrap();
    assert!(directories.iter().all(|d| !d.exists()));
}

#[test]
fn a_group_with_processes_is_not_removed_and_loses_nothing() {
    let Some(layout) = v1_layout() else { return };
    let scratch = Scratch::new(&layout, Resources::default());
    let held = Held::shell("sleep 20");
    scratch.group.attach(held.pid()).unwrap();
    let below = scratch.group.directories()[0].join("below");
    fs::create_dir(&below).unwrap();
    let error = scratch.group.remove().unwrap_err();
    assert_eq!(error.code(), "CGROUP_BUSY");
    assert!(below.exists());
    assert_eq!(scratch.group.pids().unwrap(), [held.pid()]);
}

#[test]
fn the_common_parent_goes_with_its_last_group() {
    let Some(layout) = v1_layout() else { return };
    // A parent of our own, so that no other user of `ctr-ts` decides this test.
    let top = Scratch::new(&layout, Resources::default());
    let make = |name: &str| {
        let path = format!("{}/ctr-ts/{name}", top.path);
        Group::create(&layout, &plan(&path, Resources::default())).unwrap()
    };
    let (first, second) = (make("a"), make("b"));
    let parent = first.directories()[0].parent().unwrap().to_owned();
    first.remove().unwrap();
    assert!(parent.exists());
    second.remove().unwrap();
    assert!(!parent.exists());
}

#[test]
fn groups_made_and_removed_at_once_do_not_trip_over_their_parent() {
    let Some(layout) = v1_layout() else { return };
    let top = Scratch::new(&layout, Resources::default());
    let work = |layout: &Layout, n: usize| {
        for round in 0..20 {
            let path = format!("{}/ctr-ts/{n}-{round}", top.path);
            Group::create(layout, &plan(&path, Resources::default()))
                .unwrap()
                .remove()
                .unwrap();
        }
    };
    std::thread::scope(|scope| {
        for n in 0..4 {
            let (layout, work) = (&layout, &work);
            scope.spawn(move || work(layout, n));
        }
    });
    assert!(!top.group.directories()[0].join("ctr-ts").exists());
}

#[test]
fn an_opened_group_is_the_one_that_was_made() {
    let Some(layout) = v1_layout() else { return };
    let scratch = Scratch::new(&layout, Resources::default());
    let opened = Group::open(&layout, &scratch.path).unwrap();
    assert_eq!(opened.directories(), scratch.group.directories());
    let missing = Group::open(&layout, &fresh_path()).unwrap_err();
    assert_eq!(missing.code(), "CGROUP_NOT_FOUND");
    let node = layout.tree(&scratch.path).unwrap();
    assert_eq!(node.directories, scratch.group.directories());
    assert!(node.controllers.contains(&"pids".to_owned()) && node.children.is_empty());
}

#[test]
fn ending_a_group_kills_what_is_in_it_and_removes_it() {
    let Some(layout) = v1_layout() else { return };
    for with_process in [false, true] {
        let scratch = Scratch::new(&layout, Resources::default());
        let directories = scratch.group.directories();
        let mut held = Held::shell("sleep 20");
        if with_process {
            scratch.group.attach(held.pid()).unwrap();
        }
        held.go();
        scratch.group.end().unwrap();
        assert!(directories.iter().all(|d| !d.exists()));
        if with_process {
            assert!(!held.child.wait().unwrap().success());
        } else {
            assert!(
                held.child.try_wait().unwrap().is_none(),
                "a stranger was killed"
            );
        }
    }
}
