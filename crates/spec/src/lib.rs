//! OCI runtime configuration, validated into a [`plan::Plan`].
//!
//! Pure: no I/O, no system calls, builds for wasm32. What a container is allowed to be is decided
//! here; what was decided is executed elsewhere without another decision.

#![forbid(unsafe_code)]

pub mod plan;
pub mod request;
pub mod seccomp;
