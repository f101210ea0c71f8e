//! An ordinary user: told what to do, and able to work in what was given to it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use ctr_cgroup::{Group, Layout};
use ctr_spec::plan::Resources;

use crate::scratch::{Scratch, fresh_path, plan, v1_layout};

const NOBODY: u32 = 65_534;
const ROLE: &str = "CTR_CGROUP_TEST_PATH";

/// Runs the named test of this binary as nobody; its output.
fn as_nobody(test: &str, path: &str) -> String {
    // The build may lie where only root can read.
    let open = tempfile::tempdir().unwrap();
    fs::set_permissions(open.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = open.path().join("suite");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let output = Command::new(&program)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(ROLE, path)
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    text
}

fn is_root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        eprintln!("skipped: needs root to become another user");
    }
    root
}

#[test]
fn an_undelegated_group_is_refused_with_the_directory_and_the_remedy() {
    let limit = Resources {
        pids_limit: Some(4),
        ..Resources::default()
    };
    if let Ok(path) = std::env::var(ROLE) {
        let layout = Layout::detect().unwrap();
        for resources in [limit, Resources::default()] {
            let error = Group::create(&layout, &plan(&path, resources)).unwrap_err();
            assert_eq!(error.code(), "CGROUP_NOT_DELEGATED");
            let hint = error.hint().unwrap();
            assert!(
                hint.contains("ctr-test-") && hint.contains("chown") && hint.contains("65534"),
                "{hint}"
            );
        }
        assert!(!layout.report().writable);
        eprintln!("refused as expected");
        return;
    }
    let Some(layout) = v1_layout().filter(|_| is_root()) else {
        return;
    };
    let path = format!("{}/x", fresh_path());
    let output = as_nobody(
        "user::an_undelegated_group_is_refused_with_the_directory_and_the_remedy",
        &path,
    );
    assert!(output.contains("refused as expected"), "{output}");
    assert!(layout.directories(&path).iter().all(|d| !d.exists()));
}

#[test]
fn a_user_limits_and_kills_in_the_hierarchies_given_to_it() {
    if let Ok(path) = std::env::var(ROLE) {
        let layout = Layout::detect().unwrap();
        let group = Group::create(
            &layout,
            &plan(
                &path,
                Resources {
                    pids_limit: Some(9),
                    ..Resources::default()
                },
            ),
        )
        .unwrap();
        assert_eq!(group.directories().len(), 2, "{:?}", group.directories());
        let mut child = Command::new("sleep").arg("20").spawn().unwrap();
        group.attach(i32::try_from(child.id()).unwrap()).unwrap();
        assert_eq!(group.stats().unwrap().pids.unwrap().limit, Some(9));
        // No freezer was given: the kill goes by pid.
        assert_eq!(group.freeze().unwrap_err().code(), "CGROUP_UNAVAILABLE");
        group.kill().unwrap();
        assert!(!child.wait().unwrap().success());
        group.remove().unwrap();
        let memory = Resources {
            memory_limit_bytes: Some(64 << 20),
            ..Resources::default()
        };
        assert_eq!(
            Group::create(&layout, &plan(&path, memory))
                .unwrap_err()
                .code(),
            "CGROUP_NOT_DELEGATED"
        );
        eprintln!("limited as expected");
        return;
    }
    let Some(layout) = v1_layout().filter(|_| is_root()) else {
        return;
    };
    let top = Scratch::new(&layout, Resources::default());
    let given: Vec<PathBuf> = top
        .group
        .directories()
        .into_iter()
        .filter(|d| d.join("pids.max").exists() || d.join("cpu.shares").exists())
        .collect();
    for directory in &given {
        chown(directory, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let output = as_nobody(
        "user::a_user_limits_and_kills_in_the_hierarchies_given_to_it",
        &format!("{}/x", top.path),
    );
    assert!(output.contains("limited as expected"), "{output}");
    assert!(given.iter().all(|d| !d.join("x").exists()));
}
