//! Safe system calls for container work: the only crate with unsafe code.
//!
//! nix comes first; a module stands here only for calls that nix 0.31 lacks, one file per call
//! family. Every wrapper takes and returns owned or borrowed descriptors, sets CLOEXEC, and fails
//! with [`Error`], which reads like a line of strace. Nothing here decides anything.

#![deny(missing_docs)]

pub mod bpf;
pub mod clone;
mod error;
pub mod fd;
pub mod keyring;
pub mod memfd;
pub mod mount;
pub mod net;
pub mod pidfd;
pub mod process;
pub mod seccomp;
pub mod socket;
pub mod terminal;
pub mod xattr;

pub use error::{Error, Result};
