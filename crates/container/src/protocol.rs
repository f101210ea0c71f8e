//! Messages between a container's owner (launcher) and its clients (addon, other processes).
//!
//! One message is one SOCK_SEQPACKET datagram in postcard encoding; descriptors ride along as
//! SCM_RIGHTS in the order each variant's doc gives. A client chooses `token`s; every reply names
//! the token of its request. Tokens of one connection never mean anything on another.

use ctr_spec::plan::{Cgroup, IdMap, IdMaps, Namespace, OverlayUpper};
use serde::{Deserialize, Serialize};

/// Longest message either side sends; larger payloads travel as sealed memfds.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// From a client to the owner.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Request {
    /// Clone a container. Descriptors: sealed plan memfd ([`crate::envelope::InitPlan`]), stdin,
    /// stdout, stderr (unless it gets a terminal), the locked state directory lock file.
    Launch(Box<Launch>),
    /// Start a process in a running container. Descriptors: sealed plan memfd
    /// ([`crate::envelope::ExecPlan`]), stdin, stdout, stderr (unless it gets a terminal).
    Exec {
        /// Names the replies.
        token: u64,
        /// The container.
        id: String,
        /// The plan gives it a terminal.
        terminal: bool,
    },
    /// Give up the terminal of a process this connection started or attached to, and leave the
    /// process to the owner: it no longer ends with the connection, and the owner no longer with
    /// Node's. Answered by [`Reply::Detached`] or [`Reply::DetachFailed`].
    Detach {
        /// Token of the `Launch`, `Exec` or `Attach`.
        token: u64,
    },
    /// Take the terminal of a container that nobody holds. Answered by [`Reply::Started`], then
    /// [`Reply::Exited`]; the end of the connection gives it up again.
    Attach {
        /// Names the replies.
        token: u64,
        /// The container.
        id: String,
    },
    /// Signal a process this connection started or, with `tree`, it and all it left behind.
    Signal {
        /// Token of the `Launch` or `Exec`.
        token: u64,
        /// Signal number.
        signal: i32,
        /// Also signal every descendant.
        tree: bool,
    },
    /// Apply one image layer to a directory. Descriptors: the blob, the directory, then those of the
    /// layers below, uppermost first.
    ApplyLayer {
        /// Names the reply.
        token: u64,
        /// How many layers are below.
        lowers: usize,
        /// How the blob is compressed and how whiteouts are stored.
        options: LayerOptions,
    },
    /// Remove a directory tree whose files may belong to mapped ids. Descriptors: the parent
    /// directory.
    RemoveTree {
        /// Names the reply.
        token: u64,
        /// The entry of the parent to remove.
        name: String,
    },
}

/// What the owner needs to know of a container; the rest is in the plan, which it never maps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Launch {
    /// Names the replies.
    pub token: u64,
    /// The container's identifier.
    pub id: String,
    /// Namespaces to make or join.
    pub namespaces: Vec<Namespace>,
    /// Maps of a new user namespace.
    pub id_maps: Option<IdMaps>,
    /// The cgroup and its limits.
    pub cgroup: Option<Cgroup>,
    /// The container's state directory, absolute; removed by the owner when the container is gone.
    pub state_directory: String,
    /// The file that reserves the container's name, removed with it.
    pub name_file: Option<String>,
    /// The plan gives its process a terminal.
    pub terminal: bool,
    /// Overlay directory to make before and remove after.
    pub upper: Option<OverlayUpper>,
    /// Keep name, state directory (with `exit.json`) and overlay directory after the exit, until
    /// they are removed by request.
    pub keep: bool,
}

/// How a layer blob is applied.
pub use ctr_layer::{Compression, Options as LayerOptions};

/// From the owner to a client.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Reply {
    /// The first message of a launcher: it lives and has checked what it needs.
    Hello {
        /// Uid map of the user namespace it holds; empty when it holds none of its own.
        uid_map: Vec<IdMap>,
        /// Gid map likewise.
        gid_map: Vec<IdMap>,
    },
    /// The launcher cannot work on this machine; it exits after this message.
    Unsupported(Unsupported),
    /// The program was executed. Descriptors: a pidfd, then the master of its terminal if it has
    /// one.
    Started {
        /// Token of the request.
        token: u64,
        /// What was asked for and what was got.
        enforcement: Vec<Enforcement>,
    },
    /// The request failed; nothing of it is left.
    Failed {
        /// Token of the request.
        token: u64,
        /// What failed.
        failure: Failure,
    },
    /// A started process ended.
    Exited {
        /// Token of the request.
        token: u64,
        /// How.
        exit: Exit,
    },
    /// The terminal was given up; the last reply of the token.
    Detached {
        /// Token of the request that started or attached to the process.
        token: u64,
    },
    /// A `Detach` was refused; all is as before.
    DetachFailed {
        /// Token of the request that started or attached to the process.
        token: u64,
        /// What failed.
        failure: Failure,
    },
    /// A store operation is done.
    Done {
        /// Token of the request.
        token: u64,
        /// For `ApplyLayer`: what was applied.
        layer: Option<AppliedLayer>,
    },
}

/// A failed step, as a person debugs it: like a line of strace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{step}: {call}({arguments}){}", errno_suffix(*errno))]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Stable code, `UPPER_SNAKE_CASE`.
    pub code: String,
    /// The step of the role that failed, e.g. `mount /proc`.
    pub step: String,
    /// System call or operation.
    pub call: String,
    /// Its arguments.
    pub arguments: String,
    /// Error number, 0 when the failure has none.
    pub errno: i32,
    /// What the user can do, where that is known.
    pub hint: Option<String>,
}

fn errno_suffix(errno: i32) -> String {
    if errno == 0 {
        return String::new();
    }
    format!(": {}", nix::errno::Errno::from_raw(errno).desc())
}

/// A facility this machine refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unsupported {
    /// Which probe failed: `userNamespace`, `idMap`, `mount`, `procfs`, ...
    pub probe: String,
    /// What failed.
    pub failure: Failure,
    /// What the user can do.
    pub remedy: String,
}

/// One isolation feature: asked for, possible, got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Enforcement {
    /// e.g. `cgroup`, `devices`, `mount /dev/mqueue`.
    pub feature: String,
    /// What the plan asked for.
    pub requested: String,
    /// Whether this machine can do it.
    pub supported: bool,
    /// Whether the container has it.
    pub enforced: bool,
    /// Why not, when it has not.
    pub reason: Option<String>,
}

/// How a process ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exit {
    /// Exit code, when it exited.
    pub exit_code: Option<i32>,
    /// Signal number, when it was killed.
    pub signal: Option<i32>,
    /// Whether the kernel's OOM killer struck in the container's cgroup.
    pub oom_killed: bool,
}

/// What a layer blob was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppliedLayer {
    /// `sha256:` of the blob as read.
    pub digest: String,
    /// `sha256:` of the uncompressed tar.
    pub diff_id: String,
    /// Entries applied.
    pub entries: u64,
    /// Bytes of file content written.
    pub bytes: u64,
}

/// Id map lines in the launcher's command-line form.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdMapLines(pub(crate) Vec<IdMap>);

impl From<Vec<(u32, u32, u32)>> for IdMapLines {
    fn from(lines: Vec<(u32, u32, u32)>) -> Self {
        Self(
            lines
                .into_iter()
                .map(|(container_id, host_id, size)| IdMap {
                    container_id,
                    host_id,
                    size,
                })
                .collect(),
        )
    }
}
