//! Removing trees that do not want to be removed.

use std::fs::{self, File};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, mkdirat};

use crate::fixture::Sandbox;

fn remove(parent: &Path, name: &str) -> Result<(), &'static str> {
    let parent = File::open(parent).unwrap();
    ctr_layer::remove_tree(parent.as_fd(), name.as_ref()).map_err(|error| error.code())
}

#[test]
fn links_in_a_tree_are_removed_and_not_followed() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("t/a/b")).unwrap();
    symlink(sandbox.outside(), sandbox.path("t/a/out")).unwrap();
    symlink("../../..", sandbox.path("t/up")).unwrap();
    symlink(sandbox.outside(), sandbox.path("top")).unwrap();
    assert_eq!(remove(&sandbox.root(), "t"), Ok(()));
    assert_eq!(remove(&sandbox.root(), "top"), Ok(()));
    assert_eq!(fs::read_dir(sandbox.root()).unwrap().count(), 0);
    assert!(sandbox.outside_is_untouched());
}

#[test]
fn directories_without_permissions_are_removed() {
    let sandbox = Sandbox::new();
    for name in ["t/none/below", "t/unreadable/below", "t/unwritable/below"] {
        fs::create_dir_all(sandbox.path(name)).unwrap();
        fs::write(sandbox.path(name).join("file"), "x").unwrap();
    }
    for (name, mode) in [
        ("none", 0),
        ("unreadable", 0o300),
        ("unwritable", 0o500),
        ("", 0),
    ] {
        let path = sandbox.path("t").join(name);
        fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }
    assert_eq!(remove(&sandbox.root(), "t"), Ok(()));
    assert!(!sandbox.path("t").exists());
}

#[test]
fn a_tree_deeper_than_any_path_is_removed() {
    let sandbox = Sandbox::new();
    let mut at = OwnedFd::from(File::open(sandbox.root()).unwrap());
    // Each level has a sibling, so that going back up is done for more than removal.
    for _ in 0..5000 {
        for name in ["deeper", "sibling"] {
            mkdirat(&at, name, Mode::S_IRWXU).unwrap();
        }
        at = openat(
            &at,
            "deeper",
            OFlag::O_DIRECTORY | OFlag::O_CLOEXEC,
            Mode::empty(),
        )
        .unwrap();
    }
    assert_eq!(remove(&sandbox.root(), "deeper"), Ok(()));
    assert!(!sandbox.path("deeper").exists());
}

#[test]
fn a_directory_of_more_names_than_one_reading_is_emptied() {
    let sandbox = Sandbox::new();
    for n in 0..1500 {
        fs::create_dir_all(sandbox.path(format!("t/d{n}"))).unwrap();
        fs::write(sandbox.path(format!("t/f{n}")), "").unwrap();
    }
    assert_eq!(remove(&sandbox.root(), "t"), Ok(()));
    assert!(!sandbox.path("t").exists());
}

#[test]
fn only_plain_names_are_removed_and_a_missing_one_is_fine() {
    let sandbox = Sandbox::new();
    assert_eq!(remove(&sandbox.root(), "missing"), Ok(()));
    for name in ["", ".", "..", "../outside", "a/b", "/"] {
        assert_eq!(
            remove(&sandbox.root(), name),
            Err("LAYER_UNSAFE_PATH"),
            "{name}"
        );
    }
    assert!(sandbox.outside_is_untouched());
}
