//! Seccomp rules, compiled to the BPF program that seccomp(2) loads.
//!
//! [`compile`] gives the array of `struct sock_filter`; [`Cache`] keeps programs, because compiling
//! a policy of 350 calls costs more than starting a process. Loading is `ctr_sys::seccomp::install`.
//!
//! # What a program is made of
//!
//! | part | by | decides |
//! |---|---|---|
//! | prologue | this crate | calls newer than every rule (ENOSYS), calls libseccomp has no number for, calls whose rules need an order |
//! | body | libseccomp, as a binary tree | the rest: the architecture, x32, every other call, the default |
//!
//! **First match.** In a [`Filter`](ctr_spec::seccomp::Filter) the first rule that matches a call
//! decides. libseccomp keeps no order, so a call goes to it only where order cannot matter: one rule
//! without conditions, or rules with one condition and one action each.
//!
//! **Newer calls.** Where the default action is an errno, a call whose number is above all those
//! that the rules name gets ENOSYS: it did not exist for whoever wrote the policy, and C libraries
//! fall back to an older call only on ENOSYS. With any other default nothing is added.
//!
//! **Unknown names.** A name that neither libseccomp nor this crate's table has for an architecture
//! is skipped there: it belongs to another architecture (`arch_prctl` on arm64), or to a kernel
//! newer than this program, in which case the call's number is above all known ones.
//!
//! **Architectures.** Calls of an architecture that the filter does not list kill the process.
//!
//! | feature | kernel | fallback | protection lost |
//! |---|---|---|---|
//! | SECCOMP_RET_KILL_PROCESS, _LOG | 4.14 | none: kernels from 5.10 are supported | |
//!
//! Out of scope: loading, listeners, and choosing the policy.

#![forbid(unsafe_code)]

mod architecture;
mod assembler;
mod cache;
mod calls;
mod compile;
mod error;
mod numbers;
mod prologue;

pub use cache::Cache;
pub use compile::compile;
pub use error::Error;
pub use numbers::number;
