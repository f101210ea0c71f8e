//! What can be wrong with the store or a request to it.

use std::path::{Path, PathBuf};

use nix::errno::Errno;

/// Which kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The id has a record.
    IdInUse,
    /// The name belongs to a container that exists.
    NameInUse,
    /// The id or name has characters that are not allowed.
    InvalidName,
    /// No container has this id or name.
    NotFound,
    /// A prefix fits more than one container.
    Ambiguous,
    /// The operation needs a stopped container.
    Running,
    /// The operation needs a running container.
    NotRunning,
    /// Somebody else could change the store.
    Unsafe,
    /// The file system refused.
    Io,
}

/// A failure of the state store.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: Kind,
    message: String,
    hint: Option<String>,
    operation: &'static str,
    path: Option<PathBuf>,
    errno: Option<Errno>,
}

impl Error {
    /// Which kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            Kind::IdInUse => "ID_IN_USE",
            Kind::NameInUse => "NAME_IN_USE",
            Kind::InvalidName => "INVALID_NAME",
            Kind::NotFound => "CONTAINER_NOT_FOUND",
            Kind::Ambiguous => "CONTAINER_AMBIGUOUS",
            Kind::Running => "CONTAINER_RUNNING",
            Kind::NotRunning => "CONTAINER_NOT_RUNNING",
            Kind::Unsafe => "STATE_UNSAFE",
            Kind::Io => "STATE_IO",
        }
    }

    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The operation that the file system refused.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The path it was refused for.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Its error number.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        self.errno
    }

    fn new(kind: Kind, operation: &'static str, message: String, hint: &str) -> Self {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        Self {
            kind,
            message,
            hint,
            operation,
            path: None,
            errno: None,
        }
    }

    pub(super) fn io(operation: &'static str, path: &Path, errno: Errno) -> Self {
        let hint = match errno {
            Errno::EACCES | Errno::EPERM | Errno::EROFS => {
                "this user must be able to write there: check its owner, mode and mount options"
            }
            Errno::ENOSPC | Errno::EDQUOT => "free some space there",
            _ => "",
        };
        let message = format!(
            "{operation} {}: {}",
            path.display(),
            errno.desc().to_lowercase()
        );
        let error = Self::new(Kind::Io, operation, message, hint);
        Self {
            path: Some(path.to_path_buf()),
            errno: Some(errno),
            ..error
        }
    }

    pub(super) fn from_io(operation: &'static str, path: &Path, error: &std::io::Error) -> Self {
        Self::io(
            operation,
            path,
            error.raw_os_error().map_or(Errno::EIO, Errno::from_raw),
        )
    }

    pub(super) fn unsafe_root(path: &Path, why: &str) -> Self {
        let message = format!("use {} for container state: {why}", path.display());
        let hint = "it must be a directory of your own that nobody else may write to (mode 0700)";
        Self {
            path: Some(path.to_path_buf()),
            ..Self::new(Kind::Unsafe, "verify", message, hint)
        }
    }

    pub(super) fn id_in_use(id: &str) -> Self {
        Self::new(
            Kind::IdInUse,
            "reserve",
            format!("create container {id}: the id is in use"),
            "",
        )
    }

    pub(super) fn name_in_use(name: &str, owner: &str) -> Self {
        let message = format!("create container {name}: the name is in use by {owner}");
        let hint = format!("remove it first: ctr-ts rm -f {name}");
        Self::new(Kind::NameInUse, "reserve", message, &hint)
    }

    pub(super) fn invalid_name(what: &str, text: &str) -> Self {
        let message = format!(
            "read {what} {text:?}: not 1 to 128 letters, digits, '_', '.' or '-' after a letter or digit"
        );
        Self::new(Kind::InvalidName, "reserve", message, "")
    }

    pub(super) fn not_found(query: &str) -> Self {
        let hint = "list containers with ctr-ts ps -a";
        Self::new(
            Kind::NotFound,
            "find",
            format!("find container {query}: no such container"),
            hint,
        )
    }

    pub(super) fn ambiguous(query: &str, count: usize) -> Self {
        let message = format!("find container {query}: {count} containers fit");
        Self::new(
            Kind::Ambiguous,
            "find",
            message,
            "give more characters of the id",
        )
    }

    pub(super) fn running(id: &str) -> Self {
        let hint = format!("kill it first: ctr-ts rm -f {id}");
        Self::new(
            Kind::Running,
            "remove",
            format!("remove container {id}: it is running"),
            &hint,
        )
    }

    /// The container exists and does not run.
    #[must_use]
    pub fn not_running(id: &str) -> Self {
        let message = format!("reach container {id}: it is not running");
        Self::new(
            Kind::NotRunning,
            "reach",
            message,
            "list containers with ctr-ts ps -a",
        )
    }
}
