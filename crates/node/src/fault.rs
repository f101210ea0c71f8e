//! Failures as JavaScript sees them: the `NativeFailure` of addon.ts.

use ctr_container::protocol::{Failure, Unsupported};
use ctr_container::state;
use serde::Serialize;

/// A failure on its way to JavaScript.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    pub(crate) code: String,
    pub(crate) message: String,
    #[serde(flatten)]
    pub(crate) facts: Box<Facts>,
}

/// What a failure says beside its code and message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Facts {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) step: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) call: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) arguments: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) errno: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) probe: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remedy: Option<String>,
}

impl Fault {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            facts: Box::default(),
        }
    }

    pub(crate) fn with_hint(mut self, hint: &str) -> Self {
        self.facts.hint = Some(hint.to_owned());
        self
    }

    fn with_facts(code: &str, message: String, facts: Facts) -> Self {
        Self {
            code: code.to_owned(),
            message,
            facts: Box::new(facts),
        }
    }

    /// A failed call of our own process.
    pub(crate) fn io(call: &str, arguments: &str, error: &std::io::Error) -> Self {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => "FILE_NOT_FOUND",
            std::io::ErrorKind::PermissionDenied => "PERMISSION_DENIED",
            _ => "IO_ERROR",
        };
        let facts = Facts {
            call: Some(call.to_owned()),
            arguments: Some(arguments.to_owned()),
            errno: error.raw_os_error(),
            ..Facts::default()
        };
        Self::with_facts(
            code,
            format!("{call} {arguments}: {}", describe(error)),
            facts,
        )
    }

    /// Something the callers of this crate guarantee not to happen.
    pub(crate) fn internal(what: &str) -> Self {
        Self::new("INTERNAL", what).with_hint("please report this with what led to it")
    }

    pub(crate) fn lost() -> Self {
        Self::new("RUNTIME_LOST", "the launcher that owned this call died")
            .with_hint("call again: the next call starts a new launcher")
    }

    /// As thrown by synchronous functions: the message is the JSON of the failure.
    pub(crate) fn thrown(&self) -> napi::Error {
        let text = serde_json::to_string(self).unwrap_or_else(|_| self.message.clone());
        napi::Error::new(napi::Status::GenericFailure, text)
    }
}

fn describe(error: &std::io::Error) -> String {
    let errno = error.raw_os_error().map(nix::errno::Errno::from_raw);
    errno.map_or_else(|| error.to_string(), |errno| errno.desc().to_lowercase())
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        let message = failure.to_string();
        let facts = Facts {
            step: Some(failure.step),
            call: Some(failure.call),
            arguments: Some(failure.arguments),
            errno: (failure.errno != 0).then_some(failure.errno),
            hint: failure.hint,
            ..Facts::default()
        };
        Self::with_facts(&failure.code, message, facts)
    }
}

impl From<Unsupported> for Fault {
    fn from(unsupported: Unsupported) -> Self {
        let Unsupported {
            probe,
            failure,
            remedy,
        } = unsupported;
        let message = format!("this machine refuses what containers need: {failure}");
        let of_failure = *Self::from(failure).facts;
        let facts = Facts {
            probe: Some(probe),
            remedy: Some(remedy.clone()),
            hint: Some(remedy),
            ..of_failure
        };
        Self::with_facts("UNSUPPORTED_ENVIRONMENT", message, facts)
    }
}

impl From<state::Error> for Fault {
    fn from(error: state::Error) -> Self {
        let path = error.path().map(|path| path.display().to_string());
        let facts = Facts {
            hint: error.hint().map(str::to_owned),
            call: path.as_ref().map(|_| error.operation().to_owned()),
            arguments: path,
            errno: error.errno().map(|errno| errno as i32),
            ..Facts::default()
        };
        Self::with_facts(error.code(), error.to_string(), facts)
    }
}

impl From<ctr_sys::Error> for Fault {
    fn from(error: ctr_sys::Error) -> Self {
        let facts = Facts {
            call: Some(error.call().to_owned()),
            arguments: Some(error.arguments().to_owned()),
            errno: Some(error.errno() as i32),
            ..Facts::default()
        };
        Self::with_facts("IO_ERROR", error.to_string(), facts)
    }
}

impl From<ctr_spec::Error> for Fault {
    fn from(error: ctr_spec::Error) -> Self {
        let facts = Facts {
            hint: error.hint().map(str::to_owned),
            ..Facts::default()
        };
        Self::with_facts(error.code(), error.to_string(), facts)
    }
}

impl From<ctr_seccomp::Error> for Fault {
    fn from(error: ctr_seccomp::Error) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<ctr_cgroup::Error> for Fault {
    fn from(error: ctr_cgroup::Error) -> Self {
        let facts = Facts {
            hint: error.hint().map(str::to_owned),
            call: Some(error.operation().to_owned()),
            arguments: Some(error.path().display().to_string()),
            errno: (error.errno() != 0).then(|| error.errno()),
            ..Facts::default()
        };
        Self::with_facts(error.code(), error.to_string(), facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_init_keeps_its_facts_and_reads_like_strace() {
        let fault = Fault::from(Failure {
            code: "MOUNT_FAILED".into(),
            step: "mount /proc".into(),
            call: "fsopen".into(),
            arguments: "\"proc\"".into(),
            errno: 1,
            hint: None,
        });
        assert!(
            fault.message.starts_with("mount /proc: fsopen(\"proc\")"),
            "{}",
            fault.message
        );
        assert_eq!(
            (fault.facts.step.as_deref(), fault.facts.errno),
            (Some("mount /proc"), Some(1))
        );
    }

    #[test]
    fn an_unsupported_machine_names_the_probe_and_the_remedy() {
        let failure = Failure {
            code: "EPERM".into(),
            step: "make a user namespace".into(),
            call: "unshare".into(),
            arguments: "CLONE_NEWUSER".into(),
            errno: 1,
            hint: None,
        };
        let fault = Fault::from(Unsupported {
            probe: "userNamespace".into(),
            failure,
            remedy: "sysctl".into(),
        });
        assert_eq!(fault.code, "UNSUPPORTED_ENVIRONMENT");
        assert_eq!(
            (fault.facts.probe.as_deref(), fault.facts.remedy.as_deref()),
            (Some("userNamespace"), Some("sysctl"))
        );
        assert_eq!(fault.facts.call.as_deref(), Some("unshare"));
    }
}
