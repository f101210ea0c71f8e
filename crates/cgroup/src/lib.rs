//! Control groups: which layout this machine has, groups with limits, their statistics and end.
//!
//! A *layout* is the set of mounted hierarchies as this process sees them: one cgroup2 tree (v2),
//! one tree for each set of v1 controllers (v1), or both (hybrid). A *group* is one directory in
//! every hierarchy it uses; the caller names it once and never learns which of these it got,
//! unless it asks. Nothing here clones or execs: the caller places a process with an [`Entry`].
//!
//! ```no_run
//! use ctr_cgroup::{Group, Layout};
//! use ctr_spec::plan::{Cgroup, Requirement, Resources};
//!
//! # fn main() -> Result<(), ctr_cgroup::Error> {
//! let group = Group::create(&Layout::detect()?, &Cgroup {
//!     path: "ctr-ts/asp".into(),
//!     resources: Resources { cpu_quota_us: Some(20_000), ..Resources::default() },
//!     policy: Requirement::Required,
//! })?;
//! group.attach(1234)?;
//! group.kill()?;
//! group.remove()?;
//! # Ok(()) }
//! ```
//!
//! # Where groups are made
//!
//! A relative path is below our own group on v1, and below the *base* on v2: the nearest group
//! from our own one upwards that is ours and can hand controllers down (a v2 group that holds
//! processes cannot, and our own holds us). How it is chosen stands in `base.rs`, with a table of
//! who ends up where. Processes are never moved to make room, with one exception
//! ([`Layout::step_aside`]): the caller itself, alone in a group that was given to it, moves to a
//! leaf of that group. Everywhere else a limit that cannot be had is `CGROUP_NOT_DELEGATED`, and
//! the hint says what to type.
//!
//! The limits of the caller's own group hold for containers where the base is that group or below
//! it: always on v1; on v2 where the caller's processes are in a leaf of the limited group, as
//! `Delegate=yes` with `DelegateSubgroup=` makes it.
//!
//! # Device rules
//!
//! v1 has files for them. On v2 they are an eBPF program on the group, assembled here from the list
//! of rules, replaced in one step when the rules change, and gone with the group. Programs of
//! others, on the group or above it, stay and are asked as well. In a user namespace no such
//! program can be loaded: `CGROUP_UNAVAILABLE`.
//!
//! # Kernel
//!
//! | feature | version | fallback | lost without it |
//! |---|---|---|---|
//! | `cgroup.kill` | 5.14 | SIGKILL by pidfd, frozen meanwhile if that is not enough | nothing, but it is slower |
//! | `memory.peak` (v2) | 5.19 | absent in [`Stats`] | the peak |
//! | device programs replaced in one step | 5.6, below the floor | - | - |
//! | birth in a group (`CLONE_INTO_CGROUP`) | 5.7, below the floor | - | - |
//!
//! # Out of scope
//!
//! The systemd driver, and moving a process back to where it came from.

#![forbid(unsafe_code)]

mod base;
mod delegate;
mod devices;
mod entry;
mod error;
mod file;
mod group;
mod kill;
mod layout;
mod limits;
mod mountinfo;
mod operation;
mod path;
mod remove;
mod stats;
mod tree;

pub use entry::Entry;
pub use error::{Code, Error};
pub use group::Group;
pub use layout::{HierarchyReport, Layout, LayoutReport, Version};
pub use limits::Written;
pub use operation::operation;
pub use stats::{CpuStats, MemoryStats, PidsStats, Stats};
pub use tree::Node;
