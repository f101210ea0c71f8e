//! System call filters: policies as read, resolved into the rules that are compiled.

use serde::{Deserialize, Serialize};

/// A resolved filter: everything that changes the compiled program, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    /// What happens to a call that no rule names.
    pub default_action: Action,
    /// Native architecture first; names of seccomp's `SCMP_ARCH_*`.
    pub architectures: Vec<String>,
    /// Flags for seccomp(2): `SECCOMP_FILTER_FLAG_*`.
    pub flags: Vec<String>,
    /// Rules; the first that matches a call decides.
    pub rules: Vec<Rule>,
}

/// One rule over several calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// System call names.
    pub names: Vec<String>,
    /// What happens.
    pub action: Action,
    /// Conditions on the arguments; all must hold.
    pub args: Vec<ArgCondition>,
    /// Why the rule is there, for `explain`.
    pub reason: String,
}

/// What the kernel does with a call, seccomp(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind", content = "value")]
pub enum Action {
    /// SECCOMP_RET_ALLOW
    Allow,
    /// SECCOMP_RET_ERRNO with this errno
    Errno(u16),
    /// SECCOMP_RET_KILL_PROCESS
    KillProcess,
    /// SECCOMP_RET_KILL_THREAD
    KillThread,
    /// SECCOMP_RET_TRAP
    Trap,
    /// SECCOMP_RET_TRACE with this value
    Trace(u16),
    /// SECCOMP_RET_LOG
    Log,
    /// SECCOMP_RET_USER_NOTIF
    Notify,
}

/// A condition on one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArgCondition {
    /// Argument index, 0 to 5.
    pub index: u32,
    /// Comparison.
    pub op: Comparison,
    /// Compared value (the mask for `MaskedEqual`).
    pub value: u64,
    /// Second value of `MaskedEqual`, else 0.
    pub value_two: u64,
}

/// A comparison of seccomp_rule_add(3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Comparison {
    /// `!=`
    NotEqual,
    /// `<`
    LessThan,
    /// `<=`
    LessOrEqual,
    /// `==`
    Equal,
    /// `>=`
    GreaterOrEqual,
    /// `>`
    GreaterThan,
    /// `(argument & value) == value_two`
    MaskedEqual,
}
