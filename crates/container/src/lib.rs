//! Container lifecycle: processes, state and the roles of the executable.

#![forbid(unsafe_code)]

pub mod envelope;
pub mod protocol;
