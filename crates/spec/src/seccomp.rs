//! System call filters: policies as read, resolved into the rules that are compiled.

mod architecture;
mod default_policy;
mod explain;
mod profile;
mod profile_format;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use explain::ExplainedRule;

use crate::error::Error;
use crate::request::SeccompRequest;
use crate::tagged::tagged_enum;

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

tagged_enum! {
    #[serde(tag = "kind", content = "value")]
    /// What the kernel does with a call, seccomp(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// The filter of a request for a process with this bounding set; `None` is unconfined.
/// `configured` is the configuration's own `linux.seccomp`.
pub(crate) fn resolve(
    request: &SeccompRequest,
    configured: Option<&Value>,
    bounding: u64,
) -> Result<Option<Filter>, Error> {
    match request {
        SeccompRequest::Default => Ok(Some(default_policy::resolve(bounding))),
        SeccompRequest::Unconfined => Ok(None),
        SeccompRequest::Profile(profile) => {
            profile::resolve(profile, "seccomp.profile", bounding).map(Some)
        }
        SeccompRequest::Spec => configured
            .map(|profile| profile::resolve(profile, "linux.seccomp", bounding))
            .transpose(),
    }
}
