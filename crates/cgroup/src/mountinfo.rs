//! /proc/self/mountinfo, as far as cgroup mounts need it; proc_pid_mountinfo(5).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// One line.
#[derive(Clone, Debug)]
pub(crate) struct Mount {
    id: u32,
    parent: u32,
    /// The directory of the file system that is the mount's root, as this cgroup namespace sees it.
    pub(crate) root: String,
    pub(crate) point: PathBuf,
    pub(crate) readonly: bool,
    pub(crate) fs_type: String,
    /// Options of the superblock: for v1 they name the controllers.
    pub(crate) options: Vec<String>,
}

/// The cgroup mounts that can be reached by their path.
pub(crate) fn visible_cgroup_mounts(text: &str) -> Vec<Mount> {
    let mounts: Vec<Mount> = text.lines().filter_map(parse_line).collect();
    let parents: HashMap<u32, u32> = mounts
        .iter()
        .map(|mount| (mount.id, mount.parent))
        .collect();
    mounts
        .iter()
        .filter(|mount| mount.fs_type == "cgroup" || mount.fs_type == "cgroup2")
        .filter(|mount| !mounts.iter().any(|over| hides(over, mount, &parents)))
        .cloned()
        .collect()
}

/// A mount at or above another's path that is none of its ancestors lies on top of it.
fn hides(over: &Mount, mount: &Mount, parents: &HashMap<u32, u32>) -> bool {
    over.id != mount.id
        && mount.point.starts_with(&over.point)
        && !is_ancestor(over.id, mount.id, parents)
}

fn is_ancestor(ancestor: u32, of: u32, parents: &HashMap<u32, u32>) -> bool {
    let mut at = of;
    // Bounded: a chain longer than the table would be a loop.
    for _ in 0..=parents.len() {
        match parents.get(&at) {
            Some(parent) if *parent == ancestor => return true,
            Some(parent) if *parent != at => at = *parent,
            _ => return false,
        }
    }
    false
}

fn parse_line(line: &str) -> Option<Mount> {
    let (left, right) = line.split_once(" - ")?;
    let mut left = left.split(' ');
    let id = left.next()?.parse().ok()?;
    let parent = left.next()?.parse().ok()?;
    let _device = left.next()?;
    let root = unescape(left.next()?);
    let point = unescape(left.next()?);
    let flags = left.next()?;
    let mut right = right.split(' ');
    let fs_type = right.next()?.to_owned();
    let _source = right.next()?;
    let options: Vec<String> = right
        .next()
        .unwrap_or("")
        .split(',')
        .map(str::to_owned)
        .collect();
    let readonly = flags.split(',').any(|flag| flag == "ro") || options.iter().any(|o| o == "ro");
    Some(Mount {
        id,
        parent,
        root,
        point: Path::new(&point).to_owned(),
        readonly,
        fs_type,
        options,
    })
}

/// Space, tab, line feed and backslash stand as three octal digits.
fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let octal = bytes.get(at + 1..at + 4).filter(|_| bytes[at] == b'\\');
        match octal
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok())
        {
            Some(byte) => {
                out.push(byte);
                at += 4;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_under_a_later_one_is_not_visible() {
        let text = "\
20 1 8:1 / / rw - ext4 /dev/sda rw
31 20 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw
32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
40 31 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
";
        let visible = visible_cgroup_mounts(text);
        assert_eq!(visible.len(), 1);
        assert_eq!(visible[0].fs_type, "cgroup2");
    }

    #[test]
    fn escaped_mount_points_are_read() {
        let text = "32 31 0:29 / /mnt/a\\040b\\134c rw shared:9 - cgroup2 none rw,nsdelegate\n";
        assert_eq!(
            visible_cgroup_mounts(text)[0].point,
            Path::new("/mnt/a b\\c")
        );
        assert_eq!(unescape("ends with \\04"), "ends with \\04");
    }

    #[test]
    fn lines_that_are_none_are_skipped() {
        assert!(visible_cgroup_mounts("\nx y\n1 2 3 - cgroup\n- - -\n").is_empty());
    }
}
