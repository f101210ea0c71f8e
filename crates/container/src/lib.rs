//! Container lifecycle: processes, state and the roles of the executable.
//!
//! A client (the addon, or the OCI command line) turns a request into a sealed plan and hands it to
//! an owner, which clones the container's init and stays its parent: see [`protocol`] for the
//! messages, [`role`] for who does what, [`state`] for what stands on disk.

#![forbid(unsafe_code)]

pub mod envelope;
mod failure;
pub mod probe;
mod procfs;
pub mod protocol;
mod report;
pub mod role;
pub mod state;
