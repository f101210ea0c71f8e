//! The Plan: everything `init` will do, decided and listed before clone.
//!
//! A Plan holds no policy and no defaults: each mount, write, capability and filter rule of the
//! container stands in it, in the order in which it is applied. It crosses process borders as
//! bytes (the launcher hands it to `init` unread) and is what `explain` prints.
//! The enums that carry a `kind` in JSON are written by `tagged_enum!`, which keeps them readable
//! in a binary encoding too.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::seccomp::Filter;
use crate::tagged::tagged_enum;

/// One container, as `init` builds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The container's identifier: 1 to 128 characters of `[A-Za-z0-9_.-]`, the first a letter or digit.
    pub id: String,
    /// Namespaces to make or join, each kind at most once.
    pub namespaces: Vec<Namespace>,
    /// How the new user namespace maps ids; `None` when no user namespace is made.
    pub id_maps: Option<IdMaps>,
    /// Host name inside a new UTS namespace.
    pub hostname: Option<String>,
    /// NIS domain name inside a new UTS namespace.
    pub domainname: Option<String>,
    /// The root file system.
    pub root: Root,
    /// Mounts below the root, in order.
    pub mounts: Vec<Mount>,
    /// Device nodes made in the container's `/dev` (bound from the host where mknod is refused).
    pub devices: Vec<Device>,
    /// Symbolic links made in `/dev`: (path, target).
    pub dev_links: Vec<(String, String)>,
    /// Paths hidden behind `/dev/null` (files) or an empty read-only tmpfs (directories).
    pub masked_paths: Vec<String>,
    /// Paths made read-only by a bind mount of themselves.
    pub readonly_paths: Vec<String>,
    /// Kernel parameters written in the container's namespaces: (dotted name, value). A dot inside
    /// a part of the name is written `/`; [`sysctl_path`] gives the file.
    pub sysctls: Vec<(String, String)>,
    /// Whether `init` brings up `lo` in a new network namespace.
    pub loopback: bool,
    /// The cgroup the container is placed in; `None` leaves it in its owner's.
    pub cgroup: Option<Cgroup>,
    /// What runs as PID 1.
    pub process: Process,
}

/// A Linux namespace kind, as in namespaces(7) and the OCI runtime spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NamespaceKind {
    /// user_namespaces(7)
    User,
    /// pid_namespaces(7)
    Pid,
    /// mount_namespaces(7)
    Mount,
    /// uts_namespaces(7)
    Uts,
    /// ipc_namespaces(7)
    Ipc,
    /// network_namespaces(7)
    Network,
    /// cgroup_namespaces(7)
    Cgroup,
    /// time_namespaces(7)
    Time,
}

/// One namespace of the container: new, or joined by path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Namespace {
    /// The kind.
    pub kind: NamespaceKind,
    /// A namespace file to join; `None` makes a new namespace.
    pub path: Option<String>,
}

/// Id maps of a new user namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IdMaps {
    /// The identity over every id that the owner's own user namespace maps (rootless default).
    Inherit,
    /// Maps as written to `uid_map` and `gid_map`.
    Explicit {
        /// Lines of `uid_map`.
        uids: Vec<IdMap>,
        /// Lines of `gid_map`.
        gids: Vec<IdMap>,
    },
}

/// One line of an id map, user_namespaces(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdMap {
    /// First id inside.
    pub container_id: u32,
    /// First id outside.
    pub host_id: u32,
    /// How many ids.
    pub size: u32,
}

/// The root file system and its own mount attributes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Root {
    /// Where its tree comes from.
    pub source: RootSource,
    /// Attributes set on the root mount after everything below it is in place.
    pub attributes: Attributes,
}

tagged_enum! {
    #[serde(tag = "kind")]
    /// Where the root file system's tree comes from.
    #[derive(Clone, Debug, PartialEq)]
    pub enum RootSource {
        /// A directory, bound as it is; writes go to it.
        Bind {
            /// Absolute path on the host.
            path: String,
        },
        /// overlayfs over read-only layers.
        Overlay {
            /// Layers, uppermost first.
            lower: Vec<String>,
            /// Where writes go.
            upper: OverlayUpper,
            /// Store overlay metadata in `user.overlay.*` (needed inside a user namespace, 5.11).
            userxattr: bool,
        },
    }
}

tagged_enum! {
    #[serde(tag = "kind")]
    /// Where an overlay's writes go.
    #[derive(Clone, Debug, PartialEq)]
    pub enum OverlayUpper {
        /// A tmpfs made for this container, gone with it.
        Tmpfs {
            /// Its size limit in bytes; `None` leaves the kernel's default (half of memory).
            size_bytes: Option<u64>,
        },
        /// A directory that holds (or will hold) `upper` and `work`; made by the container's owner.
        Directory {
            /// Absolute path on the host.
            path: String,
        },
    }
}

/// One mount below the root.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mount {
    /// Absolute path inside the container; made if missing.
    pub destination: String,
    /// What is mounted.
    pub source: MountSource,
    /// Mount attributes, set by mount_setattr(2) before the mount is attached.
    pub attributes: Attributes,
    /// Propagation of the mount; `None` leaves it private.
    pub propagation: Option<Propagation>,
    /// Go on when the kernel refuses this mount because a feature is missing (ENODEV, EPERM in a
    /// user namespace); `explain` shows which were left out.
    pub optional: bool,
}

tagged_enum! {
    #[serde(tag = "kind")]
    /// What a mount shows.
    #[derive(Clone, Debug, PartialEq)]
    pub enum MountSource {
        /// A host file or directory.
        Bind {
            /// Absolute path on the host.
            path: String,
            /// Whether mounts below it come along.
            recursive: bool,
        },
        /// A new file system instance by fsopen(2).
        Filesystem {
            /// `proc`, `sysfs`, `tmpfs`, `devpts`, `mqueue`, ...
            fs_type: String,
            /// The `source` parameter shown in mountinfo.
            source: String,
            /// Parameters for fsconfig(2): name, and value unless it is a flag.
            parameters: Vec<(String, Option<String>)>,
        },
        /// The container's own cgroup hierarchy (cgroup2, or one mount per v1 hierarchy).
        Cgroup,
        /// A small file in memory, gone with the container.
        Content {
            /// What it holds.
            text: String,
        },
    }
}

/// Mount attributes, mount_setattr(2). Each is off unless set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Attributes {
    /// MOUNT_ATTR_RDONLY
    pub readonly: bool,
    /// MOUNT_ATTR_NOSUID
    pub nosuid: bool,
    /// MOUNT_ATTR_NODEV
    pub nodev: bool,
    /// MOUNT_ATTR_NOEXEC
    pub noexec: bool,
    /// MOUNT_ATTR_NOSYMFOLLOW (5.14)
    pub nosymfollow: bool,
    /// Access time updates; `None` leaves the mount's own.
    pub atime: Option<Atime>,
    /// Apply to every mount below as well (AT_RECURSIVE).
    pub recursive: bool,
}

/// Access time updates of a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Atime {
    /// Never.
    Noatime,
    /// When older than the modification, the kernel's default.
    Relatime,
    /// Always.
    Strictatime,
}

/// Mount propagation, mount_namespaces(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Propagation {
    /// No events in or out.
    Private,
    /// As private for the whole tree below.
    Rprivate,
    /// Events in only.
    Slave,
    /// As slave for the whole tree below.
    Rslave,
    /// Events both ways.
    Shared,
    /// As shared for the whole tree below.
    Rshared,
    /// Private, and cannot be bound elsewhere.
    Unbindable,
    /// As unbindable for the whole tree below.
    Runbindable,
}

/// A device node, mknod(2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Absolute path inside the container.
    pub path: String,
    /// Character, block or FIFO.
    pub kind: DeviceKind,
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
    /// Permission bits.
    pub mode: u32,
    /// Owner inside the container.
    pub uid: u32,
    /// Group inside the container.
    pub gid: u32,
}

/// The type of a device node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// Character device.
    Char,
    /// Block device.
    Block,
    /// FIFO.
    Fifo,
}

/// The cgroup of a container and what it is limited to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cgroup {
    /// Path of the group below each hierarchy's mount; relative paths are below the owner's own
    /// group, absolute ones below the hierarchy's root.
    pub path: String,
    /// Limits; none means that the group only accounts and holds.
    pub resources: Resources,
    /// What happens when the group cannot be had.
    pub policy: Requirement,
}

/// How much an isolation feature is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Requirement {
    /// Refuse to start without it.
    Required,
    /// Use it where it can be had, and report when it could not.
    Preferred,
    /// Do not use it.
    Off,
}

/// Resource limits, OCI runtime spec "Control groups", as far as they are supported.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Resources {
    /// CPU time per period, in microseconds; -1 is unlimited.
    pub cpu_quota_us: Option<i64>,
    /// Length of the period in microseconds.
    pub cpu_period_us: Option<u64>,
    /// Relative CPU weight in v1's shares (2 to 262144, default 1024).
    pub cpu_shares: Option<u64>,
    /// CPUs in list format, cpuset(7).
    pub cpuset_cpus: Option<String>,
    /// Memory nodes in list format, cpuset(7).
    pub cpuset_mems: Option<String>,
    /// Memory limit in bytes; -1 is unlimited.
    pub memory_limit_bytes: Option<i64>,
    /// Memory plus swap limit in bytes; -1 is unlimited.
    pub memory_swap_bytes: Option<i64>,
    /// Soft memory limit in bytes.
    pub memory_reservation_bytes: Option<i64>,
    /// Maximum number of tasks; -1 is unlimited.
    pub pids_limit: Option<i64>,
    /// Device access rules, applied in order; the first denies all.
    pub devices: Vec<DeviceRule>,
    /// Control files of cgroup v2 with their values, as `memory.high`; written after all others.
    #[serde(default)]
    pub unified: BTreeMap<String, String>,
}

/// One device access rule, as in `devices.allow`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceRule {
    /// Allow or deny.
    pub allow: bool,
    /// `None` is every type.
    pub kind: Option<DeviceKind>,
    /// `None` is every major number.
    pub major: Option<u32>,
    /// `None` is every minor number.
    pub minor: Option<u32>,
    /// May read.
    pub read: bool,
    /// May write.
    pub write: bool,
    /// May mknod.
    pub mknod: bool,
}

/// A process of the container: PID 1 or an `exec`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// What it runs.
    pub program: Program,
    /// Environment, `NAME=value`.
    pub env: Vec<String>,
    /// Working directory, absolute inside the container.
    pub cwd: String,
    /// Who it runs as.
    pub user: User,
    /// Capability sets as bit masks, capabilities(7).
    pub capabilities: Capabilities,
    /// PR_SET_NO_NEW_PRIVS.
    pub no_new_privileges: bool,
    /// Resource limits, setrlimit(2).
    pub rlimits: Vec<Rlimit>,
    /// Value for oom_score_adj.
    pub oom_score_adj: Option<i32>,
    /// Whether it gets a terminal of its own.
    pub terminal: bool,
    /// The terminal's size before the program starts; `None` is 0 by 0, which programs read as
    /// unknown.
    pub console_size: Option<WindowSize>,
    /// System call filter; `None` is unconfined.
    pub seccomp: Option<Filter>,
}

tagged_enum! {
    #[serde(tag = "kind")]
    /// What a process of the container runs.
    #[derive(Clone, Debug, PartialEq)]
    pub enum Program {
        /// execve of a program of the image; `args[0]` without a slash is looked up in PATH.
        Command {
            /// argv, never empty.
            args: Vec<String>,
        },
        /// Our own PID 1, which only reaps: the container lives until it is killed.
        Init,
        /// Our own PID 1, which runs such a program as its child, passes signals on to it, reaps,
        /// and ends with its status.
        Supervise {
            /// argv, never empty.
            args: Vec<String>,
        },
        /// Writes how the container looks from inside, as JSON, to its stdout and exits.
        View,
    }
}

/// Size of a terminal's window in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WindowSize {
    /// Lines.
    pub rows: u16,
    /// Characters of a line.
    pub columns: u16,
}

/// Identity of a process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// User id; used when `lookup` is none.
    pub uid: u32,
    /// Group id; used when `lookup` is none.
    pub gid: u32,
    /// Supplementary groups.
    pub additional_gids: Vec<u32>,
    /// Further ones, names or numbers, resolved by `init` in the image's group file.
    pub lookup_groups: Vec<String>,
    /// File mode creation mask.
    pub umask: Option<u32>,
    /// `USER[:GROUP]`, names or numbers, resolved by `init` in the image's passwd and group files.
    pub lookup: Option<String>,
}

/// The five capability sets as bit masks (bit n is capability n of capabilities(7)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// Limits what an execve can gain.
    pub bounding: u64,
    /// What is checked.
    pub effective: u64,
    /// What may be made effective.
    pub permitted: u64,
    /// Kept across execve with file capabilities.
    pub inheritable: u64,
    /// Kept across execve without them.
    pub ambient: u64,
}

/// One resource limit, setrlimit(2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rlimit {
    /// `RLIMIT_NOFILE`, ...
    pub resource: String,
    /// Soft limit.
    pub soft: u64,
    /// Hard limit.
    pub hard: u64,
}

/// The file of a kernel parameter, relative to /proc/sys: `net.ipv4.conf.eth0/1.forwarding` is
/// `net/ipv4/conf/eth0.1/forwarding`, as in sysctl(8).
#[must_use]
pub fn sysctl_path(name: &str) -> String {
    name.chars()
        .map(|character| match character {
            '.' => '/',
            '/' => '.',
            other => other,
        })
        .collect()
}
