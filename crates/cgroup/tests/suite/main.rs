//! Real groups of this machine: made below the test's own group and removed again.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod end;
mod failures;
mod limits;
mod operation;
mod scratch;
mod user;
mod v2;
