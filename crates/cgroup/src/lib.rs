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
//! # Kernel
//!
//! | feature | version | fallback | lost without it |
//! |---|---|---|---|
//! | `cgroup.kill` | 5.14 | freeze, SIGKILL, thaw | nothing, but it is slower |
//! | `memory.peak` (v2) | 5.19 | absent in [`Stats`] | the peak |
//! | device rules on v2 | eBPF, not done here | refused with `CGROUP_UNAVAILABLE` | - |
//!
//! # Out of scope
//!
//! The systemd driver, I/O limits, and moving a process back to where it came from.

#![forbid(unsafe_code)]

mod delegate;
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
