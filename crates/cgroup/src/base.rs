//! v2: below which group ours are made.
//!
//! A v2 group other than the hierarchy's root cannot both hold processes and hand controllers down
//! (the rule of "no internal processes", cgroups(7)), and our own group holds at least our caller.
//! So our groups are made below the *base*: the nearest group, from our own one upwards, that
//!
//! - is ours to arrange: its directory, `cgroup.procs` and `cgroup.subtree_control` are ours to
//!   write, and where systemd arranges the tree and we are root, who may write all of it, it is
//!   marked as delegated or is the hierarchy's root, and
//! - can hand controllers down: it is the hierarchy's root, or it holds no processes and either has
//!   controllers or can be given some by a parent of which the same is true.
//!
//! Where there is none our own group is the base all the same: what needs no controller (freezing,
//! killing, device rules) works below it, and a limit is refused.
//!
//! A caller who is alone in a group that was given to it makes that group the base, by moving to
//! the leaf `ctr-ts.caller` ([`crate::Layout::step_aside`]). That happens when its launcher starts,
//! before anybody asks for a limit, for later nobody could; and it lasts as long as the group:
//!
//! - The caller, and all it starts, is in the leaf from then on. Others may still enter the group.
//! - The first limit enables its controllers in the group. From then on no process can enter the
//!   group itself (EBUSY): `kubectl exec` into such a pod fails. Controllers for statistics alone
//!   are not enabled there, so containers without limits do not have that price, nor those numbers.
//!
//! | who calls, from where | base |
//! |---|---|
//! | root on a machine without systemd | the nearest group without processes, at last the root |
//! | root below systemd | a unit with `Delegate=yes` that holds its processes in a group below, else the root |
//! | a user below `user@.service` | the slice their scope or service is in |
//! | a user in a session scope (ssh, console) | none: that scope and its parents are root's |
//! | whoever was given a group and is in a group below it | the group that was given |
//! | the only process of a container with a cgroup namespace | its root, once the caller is in the leaf `ctr-ts.caller` |

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, eaccess};

use crate::delegate::{CONTROL, words};
use crate::file;
use crate::path::OURS;

/// Controllers that limits are made of.
pub(crate) const LIMITING: [&str; 3] = ["cpu", "memory", "pids"];

/// Where systemd says that it runs, sd_booted(3).
const SYSTEMD: &str = "/run/systemd/system";

/// What systemd marks a delegated group with; the second one since version 251.
const DELEGATED: [&std::ffi::CStr; 2] = [c"trusted.delegate", c"user.delegate"];

/// The group that ours are made below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) directory: PathBuf,
    /// The outermost group above it that is ours to arrange: from here on controllers are enabled.
    pub(crate) top: PathBuf,
    /// Whether it can hand controllers down. If not, it is our own group.
    pub(crate) hands_down: bool,
}

impl Base {
    /// Whether the group holds groups alone, so that nobody minds what it hands down: one from the
    /// top to the base, and the common parent of ours. One further below is somebody's own, who may
    /// want processes in it.
    pub(crate) fn is_for_groups(&self, group: &Path) -> bool {
        let above = group.starts_with(&self.top) && self.directory.starts_with(group);
        self.hands_down && (above || group == self.directory.join(OURS))
    }
}

/// Who asks, as far as that changes what is theirs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    /// Who may write all of a tree that is systemd's: root.
    below_systemd: bool,
}

impl Caller {
    /// Judged by what may be written and not by the user id: the launcher of an ordinary user is
    /// user 0 of a namespace of its own, and must come to the same base as the process it is for.
    pub(crate) fn current(mount: &Path) -> Self {
        let all = eaccess(mount, AccessFlags::W_OK | AccessFlags::X_OK).is_ok();
        Self {
            below_systemd: all && Path::new(SYSTEMD).exists(),
        }
    }

    /// Whether the group is the caller's to arrange.
    pub(crate) fn may_arrange(self, mount: &Path, group: &Path) -> bool {
        let writable = |path: &Path, also| eaccess(path, AccessFlags::W_OK | also).is_ok();
        writable(group, AccessFlags::X_OK)
            && writable(&group.join("cgroup.procs"), AccessFlags::empty())
            && writable(&group.join(CONTROL), AccessFlags::empty())
            && (!self.below_systemd || group == mount || is_delegated(mount, group))
    }

    fn can_hand_down(self, mount: &Path, group: &Path) -> bool {
        if is_root(group) {
            return true;
        }
        let has_some = || {
            let text = file::read(&group.join("cgroup.controllers")).unwrap_or_default();
            words(&text).iter().any(|c| LIMITING.contains(&c.as_str()))
        };
        let is_given = || {
            let above = group.parent().filter(|_| group != mount);
            above.is_some_and(|above| {
                self.may_arrange(mount, above) && self.can_hand_down(mount, above)
            })
        };
        !is_occupied(group) && (has_some() || is_given())
    }
}

/// The base for a caller whose own group this is.
pub(crate) fn choose(caller: Caller, mount: &Path, own: &Path) -> Base {
    let up = |from: &Path| -> Vec<PathBuf> {
        from.ancestors()
            .take_while(|at| at.starts_with(mount))
            .map(Path::to_owned)
            .collect()
    };
    let found = up(own)
        .into_iter()
        .find(|at| caller.may_arrange(mount, at) && caller.can_hand_down(mount, at));
    let hands_down = found.is_some();
    let directory = found.unwrap_or_else(|| own.to_owned());
    let top = up(&directory)
        .into_iter()
        .skip(1)
        .take_while(|at| caller.may_arrange(mount, at))
        .last()
        .unwrap_or_else(|| directory.clone());
    Base {
        directory,
        top,
        hands_down,
    }
}

/// Only the hierarchy's root has no type; the root of a cgroup namespace has one.
fn is_root(group: &Path) -> bool {
    !group.join("cgroup.type").exists()
}

/// Whether the group is one that its processes keep from handing controllers down. One whose
/// processes cannot be listed is taken for such: it is part of a threaded subtree.
pub(crate) fn is_occupied(group: &Path) -> bool {
    let procs = file::read(&group.join("cgroup.procs"));
    !is_root(group) && !procs.is_ok_and(|text| text.is_empty())
}

/// Whether systemd gave the group, or one above it, to somebody else to arrange.
fn is_delegated(mount: &Path, group: &Path) -> bool {
    group
        .ancestors()
        .take_while(|at| at.starts_with(mount))
        .filter_map(|at| File::open(at).ok())
        .any(|at| {
            DELEGATED.iter().any(
                |name| matches!(ctr_sys::xattr::get(&at, name), Ok(Some(value)) if value == b"1"),
            )
        })
}

/// Whether the group holds these processes and no others.
pub(crate) fn holds_only(group: &Path, pids: &[i32]) -> bool {
    let text = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    !text.is_empty()
        && text
            .lines()
            .all(|line| line.parse().is_ok_and(|pid: i32| pids.contains(&pid)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    const NOBODY: Caller = Caller {
        below_systemd: false,
    };

    /// Plain files where the kernel would have a cgroup2 mount: path, processes, controllers.
    fn tree(groups: &[(&str, &str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, procs, controllers) in groups {
            let at = root.path().join(path);
            fs::create_dir_all(&at).unwrap();
            fs::write(at.join("cgroup.procs"), procs).unwrap();
            fs::write(at.join("cgroup.controllers"), controllers).unwrap();
            fs::write(at.join(CONTROL), "").unwrap();
            if !path.is_empty() {
                fs::write(at.join("cgroup.type"), "domain\n").unwrap();
            }
        }
        root
    }

    fn chosen(root: &tempfile::TempDir, own: &str) -> (String, String, bool) {
        let base = choose(NOBODY, root.path(), &root.path().join(own));
        let shown = |path: &Path| {
            let below = path.strip_prefix(root.path()).unwrap();
            format!("/{}", below.display())
        };
        (shown(&base.directory), shown(&base.top), base.hands_down)
    }

    #[test]
    fn the_base_is_the_nearest_group_without_processes() {
        let all = "cpu memory pids\n";
        let root = tree(&[
            ("", "1\n2\n", all),
            ("a", "", all),
            ("a/b", "", all),
            ("a/b/shell", "7\n", ""),
            ("full", "3\n", all),
            ("full/inner", "", ""),
            ("full/inner/shell", "4\n", ""),
        ]);
        let expect = |own, base: &str, top: &str| {
            assert_eq!(
                chosen(&root, own),
                (base.to_owned(), top.to_owned(), true),
                "{own}"
            );
        };
        expect("", "/", "/");
        expect("a/b/shell", "/a/b", "/");
        expect("a/b", "/a/b", "/");
        // A group with processes has nothing to give to the one below it.
        expect("full/inner/shell", "/", "/");
    }

    #[test]
    fn without_such_a_group_the_base_is_our_own_and_hands_nothing_down() {
        let root = tree(&[("", "", "cpu\n"), ("shell", "5\n6\n", "cpu\n")]);
        // The root of a cgroup namespace: it has a type, and its processes stay.
        fs::write(root.path().join("cgroup.type"), "domain\n").unwrap();
        fs::write(root.path().join("cgroup.procs"), "1\n").unwrap();
        assert_eq!(
            chosen(&root, "shell"),
            ("/shell".to_owned(), "/".to_owned(), false)
        );
        assert!(holds_only(root.path(), &[1, 2]));
        assert!(!holds_only(&root.path().join("shell"), &[5]));
        assert!(!holds_only(&root.path().join("gone"), &[5]));
    }

    #[test]
    fn below_systemd_root_arranges_what_is_delegated_and_the_root() {
        let root = tree(&[
            ("", "", "cpu memory pids\n"),
            ("system.slice", "", "cpu memory pids\n"),
            ("system.slice/app.service", "9\n", "cpu\n"),
        ]);
        let below = Caller {
            below_systemd: true,
        };
        let own = root.path().join("system.slice/app.service");
        let base = choose(below, root.path(), &own);
        assert_eq!(base.directory, root.path());
        assert!(base.hands_down);
    }
}
