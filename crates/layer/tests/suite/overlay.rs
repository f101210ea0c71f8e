//! What the kernel's overlayfs makes of applied layers, as root and in a user namespace.

use std::process::Command;

use ctr_layer::Options;
use tar::EntryType;

use crate::fixture::{PLAIN, Sandbox, Tar};

fn layers(userxattr: bool) -> (Sandbox, Sandbox) {
    let options = Options { userxattr, ..PLAIN };
    let (lower, upper) = (Sandbox::new(), Sandbox::new());
    let below = Tar::default()
        .file("kept", "below")
        .file("gone", "below")
        .file("opaque/hidden", "below")
        .file("tree/hidden", "below")
        .file("replaced/hidden", "below");
    lower.apply_with(&below.finish(), &options).unwrap();
    let above = Tar::default()
        .file(".wh.gone", "")
        .file("opaque/.wh..wh..opq", "")
        .file("opaque/new", "above")
        .file(".wh.tree", "")
        .file(".wh.replaced", "")
        .with(EntryType::Directory, "replaced", 0o755, |_| {})
        .file("replaced/new", "above");
    upper.apply_with(&above.finish(), &options).unwrap();
    (lower, upper)
}

/// The names of the merged tree, seen by a process with a mount namespace of its own.
fn merged(unshare: &[&str], userxattr: bool) -> Option<String> {
    if !Command::new("unshare")
        .args(unshare)
        .arg("true")
        .status()
        .is_ok_and(|s| s.success())
    {
        return None;
    }
    let (lower, upper) = layers(userxattr);
    let extra = if userxattr { ",userxattr" } else { "" };
    let options = format!(
        "lowerdir={}:{}{extra}",
        upper.root().display(),
        lower.root().display()
    );
    let script = format!(
        "mount -t overlay -o '{options}' overlay '{at}' && cd '{at}' && find . -type f | sort",
        at = lower.outside().display(),
    );
    let output = Command::new("unshare")
        .args(unshare)
        .args(["sh", "-c", &script])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8(output.stdout).unwrap())
}

const EXPECTED: &str = "./kept\n./opaque/new\n./replaced/new\n";

#[test]
fn whiteouts_hide_in_an_overlay_of_root() {
    if !nix::unistd::getuid().is_root() {
        eprintln!("skipped: only root may use trusted.overlay attributes");
        return;
    }
    match merged(&["--mount"], false) {
        Some(names) => assert_eq!(names, EXPECTED),
        None => eprintln!("skipped: no mount namespace can be made here"),
    }
}

#[test]
fn whiteouts_hide_in_an_overlay_of_a_user_namespace() {
    match merged(&["--user", "--map-root-user", "--mount"], true) {
        Some(names) => assert_eq!(names, EXPECTED),
        None => eprintln!("skipped: no user namespace can be made here"),
    }
}
