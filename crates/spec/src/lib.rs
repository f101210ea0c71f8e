//! OCI runtime configuration, validated into a [`plan::Plan`].
//!
//! Pure: no I/O, no system calls, builds for wasm32. What a container is allowed to be is decided
//! here; what was decided is executed elsewhere without another decision.
//!
//! | module | question it answers |
//! |---|---|
//! | [`plan`] | what will be done |
//! | [`request`] | what was asked for |
//! | [`seccomp`] | which system calls are allowed, and why |
//! | [`capabilities`] | what each capability is called, and lets a process do |
//!
//! Everything the configuration sets is in the Plan, or the request is refused with a code and the
//! field's name. Properties that the OCI runtime specification does not know are ignored, as it
//! demands; `annotations` are the caller's data and change nothing here.

#![forbid(unsafe_code)]

pub mod capabilities;
mod container;
mod devices;
mod error;
mod files;
mod mount_options;
mod mounts;
mod namespaces;
mod paths;
pub mod plan;
mod process;
pub mod request;
mod resources;
pub mod seccomp;
mod sysctl;
mod tagged;
mod unsupported;

pub use container::plan_container;
pub use error::Error;
pub use process::plan_exec;
