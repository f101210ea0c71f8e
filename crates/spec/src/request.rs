//! What callers hand in: an OCI configuration with the few things it cannot say.
//!
//! Field names are the JSON names of the SDK's native interface (camelCase). Unknown fields are
//! errors: nothing is dropped in silence.

use serde::Deserialize;

use crate::plan::{OverlayUpper, Program, RootSource};

/// A container to launch.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerRequest {
    /// The container's identifier.
    pub id: String,
    /// The OCI configuration (runtime-spec 1.3 `config.json`).
    pub spec: serde_json::Value,
    /// The root file system, when it is more than the configuration's `root.path`.
    #[serde(default)]
    pub root: Option<RootRequest>,
    /// `command` or `supervise` (the configuration's `process.args`), `init` or `view`.
    #[serde(default)]
    pub program: ProgramRequest,
    /// `USER[:GROUP]` to be resolved inside the image; replaces `process.user`.
    #[serde(default)]
    pub user: Option<String>,
    /// Further supplementary groups, names or numbers, to be resolved inside the image.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Small files of the container's own, mounted after all that the configuration mounts.
    #[serde(default)]
    pub files: Vec<FileRequest>,
    /// System call policy; replaces `linux.seccomp`.
    #[serde(default)]
    pub seccomp: SeccompRequest,
    /// Cgroup placement; `linux.cgroupsPath` and `linux.resources` say which and what.
    #[serde(default)]
    pub cgroup: CgroupRequest,
}

/// A further process in a running container.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExecRequest {
    /// The OCI `process` object.
    pub process: serde_json::Value,
    /// `command` or `view`.
    #[serde(default)]
    pub program: ProgramRequest,
    /// `USER[:GROUP]` to be resolved inside the container; replaces `process.user`.
    #[serde(default)]
    pub user: Option<String>,
    /// Further supplementary groups, names or numbers, to be resolved inside the container.
    #[serde(default)]
    pub groups: Vec<String>,
    /// System call policy.
    #[serde(default)]
    pub seccomp: SeccompRequest,
}

/// Where the root file system comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RootRequest {
    /// Bind or overlay.
    pub source: RootSource,
}

/// A file whose content comes with the request: nothing on the host's disks belongs to it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileRequest {
    /// Absolute path inside the container.
    pub destination: String,
    /// What it holds.
    pub text: String,
    /// Refuse writes to it.
    #[serde(default)]
    pub readonly: bool,
}

/// Which program runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProgramRequest {
    /// `process.args`.
    #[default]
    Command,
    /// Our own PID 1.
    Init,
    /// Our own PID 1 with `process.args` as its child.
    Supervise,
    /// The view from inside.
    View,
}

/// Which system call policy applies.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind", content = "profile")]
pub enum SeccompRequest {
    /// Our default policy, resolved for the container's capabilities.
    #[default]
    Default,
    /// No filter.
    Unconfined,
    /// A profile in Docker's or OCI's JSON format.
    Profile(serde_json::Value),
    /// What the configuration's `linux.seccomp` says (none there means no filter).
    Spec,
}

/// How the cgroup is asked for.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CgroupRequest {
    /// Refuse to start without the group.
    Required,
    /// Go without where no group can be had and no limit was asked for.
    #[default]
    Preferred,
    /// No group.
    Off,
}

impl ProgramRequest {
    /// The plan's program for these arguments.
    #[must_use]
    pub fn with_args(self, args: Vec<String>) -> Program {
        match self {
            Self::Command => Program::Command { args },
            Self::Init => Program::Init,
            Self::Supervise => Program::Supervise { args },
            Self::View => Program::View,
        }
    }
}

impl RootRequest {
    /// Whether writes are lost when the container ends.
    #[must_use]
    pub fn is_ephemeral(&self) -> bool {
        matches!(
            self.source,
            RootSource::Overlay {
                upper: OverlayUpper::Tmpfs { .. },
                ..
            }
        )
    }
}
