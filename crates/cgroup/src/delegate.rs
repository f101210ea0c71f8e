//! v2: handing controllers down to the groups below, and what to do when that is not ours to do.

use std::fs;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{AccessFlags, eaccess, geteuid};

use crate::base::{self, Caller};
use crate::error::{Code, Error, errno_of};
use crate::file;
use crate::group::Place;
use crate::layout::{CALLER_LEAF, Hierarchy, Interface, Layout};

pub(crate) const CONTROL: &str = "cgroup.subtree_control";

impl Layout {
    /// Moves these processes to the leaf `ctr-ts.caller` of our own v2 group, where they are all
    /// that keeps it from handing controllers down to the groups we make, and no group above is
    /// ours. Whether it did. Any other process of the group is left alone and so prevents it.
    ///
    /// The limits that the processes were under stay: they are those of our own group. The move
    /// lasts: nobody moves them back, and what they start is born in the leaf.
    ///
    /// # Errors
    ///
    /// The refused system call; processes before the refused one have moved.
    pub fn step_aside(&self, ours: &[i32]) -> Result<bool, Error> {
        for hierarchy in &self.hierarchies {
            let (Some(own), Some(base)) = (&hierarchy.own_directory, &hierarchy.base) else {
                continue;
            };
            let helps = !base.hands_down
                && Caller::current(&hierarchy.mount).may_arrange(&hierarchy.mount, own)
                && base::holds_only(own, ours);
            if helps {
                return move_to_leaf(own, ours).map(|()| true);
            }
        }
        Ok(false)
    }
}

fn move_to_leaf(group: &Path, pids: &[i32]) -> Result<(), Error> {
    let leaf = group.join(CALLER_LEAF);
    if let Err(error) = fs::create_dir(&leaf)
        && errno_of(&error) != Errno::EEXIST
    {
        return Err(Error::io("mkdir", &leaf, &error));
    }
    for pid in pids {
        match file::write(&leaf.join("cgroup.procs"), &pid.to_string()) {
            Err(error) if error.errno() != Errno::ESRCH as i32 => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Enables controllers for the children of each level, outermost first: all of `needed` or an
/// error, and of `optional` what costs nothing, where the level is there for groups alone.
///
/// A group that the caller stepped aside in is none of those: it was made for processes, and its
/// owner may still put more there (`kubectl exec` into a pod), which the kernel refuses once it
/// hands controllers down. Only a limit is worth that.
pub(crate) fn enable(
    hierarchy: &Hierarchy,
    levels: &[PathBuf],
    needed: &[&str],
    optional: &[&str],
) -> Result<(), Error> {
    for level in levels {
        let enabled = words(&file::read(&level.join(CONTROL))?);
        let missing: Vec<&str> = needed
            .iter()
            .filter(|c| !enabled.iter().any(|e| e == *c))
            .copied()
            .collect();
        if !missing.is_empty() {
            enable_at(level, &missing)?;
        }
        let is_left = hierarchy.aside && hierarchy.own_directory.as_ref() == Some(level);
        let is_ours = hierarchy
            .base
            .as_ref()
            .is_some_and(|base| !is_left && base.is_for_groups(level));
        for controller in optional.iter().filter(|_| is_ours) {
            if !enabled.iter().any(|e| e == controller) && !missing.contains(controller) {
                // Wanted for statistics only: without it they are absent, and say so.
                let _refused = file::write(&level.join(CONTROL), &format!("+{controller}"));
            }
        }
    }
    Ok(())
}

fn enable_at(level: &Path, missing: &[&str]) -> Result<(), Error> {
    let available = words(&file::read(&level.join("cgroup.controllers"))?);
    if let Some(controller) = missing.iter().find(|c| !available.iter().any(|a| a == *c)) {
        return Err(Error::new(
            Code::Unavailable,
            "enable controller",
            level,
            format!("no controller {controller} in this group"),
        )
        .with_hint(not_delegated_hint(Interface::V2, level)));
    }
    let request = missing
        .iter()
        .map(|c| format!("+{c}"))
        .collect::<Vec<_>>()
        .join(" ");
    let control = level.join(CONTROL);
    // KERNEL(4.14): cpu and pids can be enabled beside processes, but the groups below are then of
    // no use: no process can enter them (EOPNOTSUPP).
    if base::is_occupied(level) && eaccess(&control, AccessFlags::W_OK).is_ok() {
        let detail = format!("{request}: the group holds processes");
        return Err(
            Error::new(Code::NotDelegated, "enable controllers", level, detail)
                .with_hint(occupied_hint(level)),
        );
    }
    file::write(&control, &request)
        .map_err(|refused| with_delegation_hint(refused, Interface::V2, level))
}

/// A v2 group hands controllers down or holds processes.
/// KERNEL(4.14): where it hands down none but cpu and pids the kernel would take the process, and
/// make the groups below useless.
pub(crate) fn check_takes_processes(place: &Place) -> Result<(), Error> {
    if place.interface == Interface::V1 {
        return Ok(());
    }
    let handed = file::read(&place.directory.join(CONTROL))?;
    if handed.is_empty() {
        return Ok(());
    }
    let detail = format!("it hands {handed} to the groups below it");
    Err(
        Error::new(Code::Busy, "attach to", &place.directory, detail)
            .with_hint("attach to a group below it, or remove those"),
    )
}

/// A group with processes hands nothing down; whoever is in it has to leave for a group below.
fn occupied_hint(group: &Path) -> String {
    let group = group.display();
    format!(
        "{group} holds processes, and such a group cannot limit others below it: put them into one \
         of their own first: mkdir {group}/shell && echo $$ > {group}/shell/cgroup.procs"
    )
}

/// Adds what to do to an error that says "not yours".
pub(crate) fn with_delegation_hint(error: Error, interface: Interface, directory: &Path) -> Error {
    match error.kind() {
        Code::NotDelegated if error.errno() == Errno::EROFS as i32 => {
            error.with_hint("the cgroup file system is mounted read-only here: limits cannot be set, run without them")
        }
        Code::NotDelegated => error.with_hint(not_delegated_hint(interface, directory)),
        _ => error,
    }
}

fn not_delegated_hint(interface: Interface, directory: &Path) -> String {
    let user = user_outside();
    let scope = if user == 0 {
        "systemd-run --scope"
    } else {
        "systemd-run --user --scope"
    };
    let ask = format!(
        "ask an administrator to make {} writable for uid {user} (mkdir -p, chown)",
        directory.display()
    );
    match interface {
        Interface::V1 => format!("{ask}, and likewise in each hierarchy; or run without limits"),
        Interface::V2 => {
            format!("run below a delegated group: {scope} -p Delegate=yes COMMAND; or {ask}")
        }
    }
}

/// The caller's user as the administrator knows it: a launcher is user 0 of its own namespace.
fn user_outside() -> u32 {
    let inside = geteuid().as_raw();
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.lines()
        .filter_map(|line| {
            let mut fields = line.split_ascii_whitespace().map(str::parse::<u32>);
            let (first, outside, count) = (
                fields.next()?.ok()?,
                fields.next()?.ok()?,
                fields.next()?.ok()?,
            );
            let offset = inside.checked_sub(first)?;
            (offset < count).then_some(outside + offset)
        })
        .next()
        .unwrap_or(inside)
}

pub(crate) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    /// A tree of plain files where the kernel would have a cgroup2 mount.
    fn fake(levels: &[&str], controllers: &str) -> (tempfile::TempDir, Layout) {
        let root = tempfile::tempdir().unwrap();
        let mut at = root.path().to_owned();
        for level in std::iter::once(&"").chain(levels) {
            at = at.join(level);
            fs::create_dir_all(&at).unwrap();
            fs::write(at.join("cgroup.controllers"), controllers).unwrap();
            fs::write(at.join(CONTROL), "").unwrap();
            fs::write(at.join("cgroup.procs"), "").unwrap();
        }
        let mountinfo = format!(
            "30 22 0:26 / {} rw - cgroup2 cgroup2 rw\n",
            root.path().display()
        );
        let layout = Layout::from_text(&mountinfo, &format!("0::/{}\n", levels.join("/")));
        (root, layout)
    }

    #[test]
    fn controllers_are_enabled_from_the_root_down() {
        let (root, layout) = fake(&["a", "b"], "cpu memory pids\n");
        let levels = [
            root.path().to_owned(),
            root.path().join("a"),
            root.path().join("a/b"),
        ];
        fs::write(levels[0].join(CONTROL), "cpu memory\n").unwrap();
        enable(&layout.hierarchies[0], &levels, &["cpu", "memory"], &[]).unwrap();
        let read = |at: &PathBuf| fs::read_to_string(at.join(CONTROL)).unwrap();
        assert_eq!(
            read(&levels[0]),
            "cpu memory\n",
            "what is enabled is left alone"
        );
        assert_eq!(read(&levels[1]), "+cpu +memory");
        assert_eq!(read(&levels[2]), "+cpu +memory");
    }

    #[test]
    fn a_controller_the_parent_lacks_is_named() {
        let (root, layout) = fake(&["a"], "cpu pids\n");
        let error = enable(
            &layout.hierarchies[0],
            &[root.path().join("a")],
            &["cpu", "memory"],
            &[],
        )
        .unwrap_err();
        assert_eq!(error.code(), "CGROUP_UNAVAILABLE");
        assert!(
            error.to_string().contains("no controller memory"),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("Delegate=yes"));
    }

    #[test]
    fn optional_controllers_are_enabled_only_where_the_tree_is_ours() {
        let (root, mut layout) = fake(&["a"], "pids\n");
        layout.hierarchies[0].base = Some(base::Base {
            directory: root.path().join("a"),
            top: root.path().join("a"),
            hands_down: true,
        });
        for below in ["a/ctr-ts", "a/ctr-ts/mine"] {
            let below = root.path().join(below);
            fs::create_dir_all(&below).unwrap();
            fs::write(below.join(CONTROL), "").unwrap();
        }
        let a = root.path().join("a");
        enable(
            &layout.hierarchies[0],
            &[
                root.path().to_owned(),
                a.clone(),
                a.join("ctr-ts"),
                a.join("ctr-ts/mine"),
            ],
            &[],
            &["pids"],
        )
        .unwrap();
        assert_eq!(fs::read_to_string(root.path().join(CONTROL)).unwrap(), "");
        let read = |level: &Path| fs::read_to_string(level.join(CONTROL)).unwrap();
        assert_eq!(read(&a), "+pids");
        assert_eq!(read(&a.join("ctr-ts")), "+pids");
        assert_eq!(
            read(&a.join("ctr-ts/mine")),
            "",
            "its processes could not be attached"
        );
    }

    #[test]
    fn a_group_with_processes_is_asked_for_nothing() {
        let (root, layout) = fake(&["a"], "cpu pids\n");
        fs::write(root.path().join("a/cgroup.type"), "domain\n").unwrap();
        fs::write(root.path().join("a/cgroup.procs"), "7\n").unwrap();
        let level = root.path().join("a");
        let error = enable(
            &layout.hierarchies[0],
            std::slice::from_ref(&level),
            &["pids"],
            &[],
        )
        .unwrap_err();
        assert_eq!(error.code(), "CGROUP_NOT_DELEGATED");
        let hint = error.hint().unwrap();
        let step = format!("mkdir {}/shell && echo $$ >", level.display());
        assert!(hint.contains(&step), "{hint}");
        assert_eq!(fs::read_to_string(level.join(CONTROL)).unwrap(), "");
    }

    #[test]
    fn the_caller_steps_aside_only_where_it_is_alone_and_nothing_else_helps() {
        let (root, _) = fake(&[], "pids\n");
        let write = |name: &str, text: &str| fs::write(root.path().join(name), text).unwrap();
        // The root of a cgroup namespace.
        write("cgroup.type", "domain\n");
        let aside = |pids: &[i32]| again(&root).step_aside(pids).unwrap();
        write("cgroup.procs", "1\n7\n");
        assert!(!aside(&[7]));
        write("cgroup.procs", "0\n7\n");
        assert!(!aside(&[7]));
        write("cgroup.procs", "");
        assert!(!aside(&[7]));
        write("cgroup.procs", "7\n");
        // The kernel makes this file with the directory.
        let leaf = root.path().join(CALLER_LEAF);
        fs::create_dir(&leaf).unwrap();
        fs::write(leaf.join("cgroup.procs"), "").unwrap();
        assert!(aside(&[7, 8]));
        assert_eq!(fs::read_to_string(leaf.join("cgroup.procs")).unwrap(), "8");
    }

    #[test]
    fn the_group_that_the_caller_left_hands_down_what_limits_need_and_no_more() {
        let (root, _) = fake(&["ctr-ts.caller"], "cpu memory pids\n");
        fs::write(root.path().join("cgroup.type"), "domain\n").unwrap();
        let ours = root.path().join("ctr-ts");
        fs::create_dir(&ours).unwrap();
        fs::write(ours.join(CONTROL), "").unwrap();
        fs::write(ours.join("cgroup.controllers"), "pids\n").unwrap();
        let mountinfo = format!(
            "30 22 0:26 / {} rw - cgroup2 cgroup2 rw\n",
            root.path().display()
        );
        let layout = Layout::from_text(&mountinfo, "0::/ctr-ts.caller\n");
        let levels = [root.path().to_owned(), ours];
        let read = |at: &PathBuf| fs::read_to_string(at.join(CONTROL)).unwrap();
        enable(&layout.hierarchies[0], &levels, &[], &["memory"]).unwrap();
        assert_eq!(read(&levels[0]), "");
        enable(&layout.hierarchies[0], &levels, &["pids"], &["memory"]).unwrap();
        assert_eq!(read(&levels[0]), "+pids");
    }

    fn again(root: &tempfile::TempDir) -> Layout {
        let mountinfo = format!(
            "30 22 0:26 / {} rw - cgroup2 cgroup2 rw\n",
            root.path().display()
        );
        Layout::from_text(&mountinfo, "0::/\n")
    }
}
