//! Process roles: what one executable is at different times, each a function that reads from top to
//! bottom.

pub(crate) mod enforcement;
pub(crate) mod idle;
pub(crate) mod init;
pub(crate) mod join;
pub mod launcher;
pub(crate) mod program;
pub(crate) mod rlimit;
pub(crate) mod stdio;
pub(crate) mod store;
pub(crate) mod supervise;
pub mod unshare;
pub(crate) mod user;
pub(crate) mod view;
