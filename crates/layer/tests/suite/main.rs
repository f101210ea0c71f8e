//! Layers made here, applied to real directories.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod apply;
mod below;
mod fixture;
mod hostile;
mod overlay;
mod random;
mod remove;
mod stream;
