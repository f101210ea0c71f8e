//! The launcher, driven through its socket as the addon drives it: real namespaces, real mounts.
//!
//! Needs root (or a user with user namespaces) and a static busybox; says so and passes without.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod crowded;
mod files;
mod launcher;
mod owner;
mod plan;
mod supervise;
mod terminal;
