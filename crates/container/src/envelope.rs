//! What a sealed memfd carries from a client to `init`: a Plan with its compiled filter.

use ctr_spec::plan::{Plan, Process};
use serde::{Deserialize, Serialize};

/// For a new container.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InitPlan {
    /// What to build.
    pub plan: Plan,
    /// BPF program of `plan.process.seccomp`; empty when there is none.
    pub bpf: Vec<u8>,
}

/// For a further process in a running container.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExecPlan {
    /// What to run.
    pub process: Process,
    /// BPF program of `process.seccomp`; empty when there is none.
    pub bpf: Vec<u8>,
}
