//! Compiled programs, run by an interpreter and compared with a plain walk over the rules.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod agreement;
mod default_policy;
mod interpreter;
mod oracle;
