//! v2: handing controllers down to the groups below, and what to do when that is not ours to do.
//!
//! A v2 group other than the root cannot both hold processes and hand controllers down (the rule
//! of "no internal processes", cgroups(7)). Our own group holds at least our caller, so its
//! processes move to a leaf below it first; that is done only where the group was given to us.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{Uid, geteuid};

use crate::error::{Code, Error, errno_of};
use crate::file;
use crate::layout::{CALLER_LEAF, Hierarchy, Interface, Layout};

const CONTROL: &str = "cgroup.subtree_control";

impl Layout {
    /// Makes our own v2 group hand down cpu, memory and pids, as far as it has them.
    ///
    /// Where our own group was delegated to us, this moves all its processes, the caller among
    /// them, to its leaf `ctr-ts.caller`. Call it from a process in the outermost PID namespace:
    /// one further in cannot name the others. Nothing to do on v1.
    ///
    /// # Errors
    ///
    /// `CGROUP_NOT_DELEGATED` where the group is not ours to change.
    pub fn prepare(&self) -> Result<(), Error> {
        for hierarchy in self
            .hierarchies
            .iter()
            .filter(|h| h.interface == Interface::V2 && self.uses(h))
        {
            let Some(own) = &hierarchy.own_directory else {
                continue;
            };
            let wanted: Vec<&str> = ["cpu", "memory", "pids"]
                .into_iter()
                .filter(|c| hierarchy.has(c))
                .collect();
            enable(hierarchy, std::slice::from_ref(own), &wanted, &[])?;
        }
        Ok(())
    }
}

/// Enables controllers for the children of each level, outermost first: all of `needed` or an
/// error, and of `optional` what costs nothing and our own group already has.
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
            enable_at(hierarchy, level, &missing)?;
        }
        let is_ours = hierarchy
            .own_directory
            .as_ref()
            .is_some_and(|own| level.starts_with(own));
        for controller in optional.iter().filter(|_| is_ours) {
            if !enabled.iter().any(|e| e == controller) && !missing.contains(controller) {
                // Wanted for statistics only: without it they are absent, and say so.
                let _refused = file::write(&level.join(CONTROL), &format!("+{controller}"));
            }
        }
    }
    Ok(())
}

fn enable_at(hierarchy: &Hierarchy, level: &Path, missing: &[&str]) -> Result<(), Error> {
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
    let refused = match file::write(&control, &request) {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    if refused.errno() == Errno::EBUSY as i32 && hierarchy.own_directory.as_deref() == Some(level) {
        if !is_delegated(level) {
            return Err(refused
                .with_code(Code::NotDelegated)
                .with_hint(not_delegated_hint(Interface::V2, level)));
        }
        evacuate(level)?;
        return file::write(&control, &request);
    }
    Err(with_delegation_hint(refused, Interface::V2, level))
}

/// Whether the group is ours to arrange: a user's own, or root's where no systemd arranges it.
fn is_delegated(group: &Path) -> bool {
    let Ok(meta) = fs::metadata(group) else {
        return false;
    };
    if meta.uid() != geteuid().as_raw() {
        return false;
    }
    if geteuid() != Uid::from_raw(0) || !Path::new("/run/systemd/system").exists() {
        return true;
    }
    // Root owns every group, so ownership says nothing; `systemd-run --scope` names its scopes so.
    group
        .file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.starts_with("run-") && name.ends_with(".scope"))
}

/// Moves the group's processes to its leaf until none is left.
fn evacuate(group: &Path) -> Result<(), Error> {
    let leaf = group.join(CALLER_LEAF);
    if let Err(error) = fs::create_dir(&leaf)
        && errno_of(&error) != Errno::EEXIST
    {
        return Err(Error::io("mkdir", &leaf, &error));
    }
    // Bounded: a process may fork while we move, but its parent can be moved only once.
    for _ in 0..64 {
        let pids = file::read(&group.join("cgroup.procs"))?;
        if pids.is_empty() {
            return Ok(());
        }
        for pid in pids.lines() {
            if pid == "0" {
                return Err(Error::new(Code::Busy, "move processes out of", group, "one is outside of our PID namespace")
                    .with_hint("start this program in a group of its own: systemd-run --user --scope -p Delegate=yes COMMAND"));
            }
            match file::write(&leaf.join("cgroup.procs"), pid) {
                Err(error) if error.errno() != Errno::ESRCH as i32 => return Err(error),
                _ => {}
            }
        }
    }
    Err(Error::new(
        Code::Busy,
        "move processes out of",
        group,
        "new ones keep coming",
    ))
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

fn words(text: &str) -> Vec<String> {
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
    fn optional_controllers_are_enabled_below_our_own_group_only() {
        let (root, layout) = fake(&["a"], "pids\n");
        enable(
            &layout.hierarchies[0],
            &[root.path().to_owned(), root.path().join("a")],
            &[],
            &["pids"],
        )
        .unwrap();
        assert_eq!(fs::read_to_string(root.path().join(CONTROL)).unwrap(), "");
        assert_eq!(
            fs::read_to_string(root.path().join("a").join(CONTROL)).unwrap(),
            "+pids"
        );
    }

    #[test]
    fn processes_outside_of_our_pid_namespace_are_reported_not_skipped() {
        let (root, _layout) = fake(&["a"], "pids\n");
        fs::write(root.path().join("a/cgroup.procs"), "0\n").unwrap();
        assert_eq!(
            evacuate(&root.path().join("a")).unwrap_err().code(),
            "CGROUP_BUSY"
        );
    }
}
