//! What can go wrong, as a person debugs it: operation, path, errno, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

/// Why an operation failed, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// This machine or the parent group has not what is needed: a hierarchy, a controller, a file.
    Unavailable,
    /// It is there, but this user may not write it.
    NotDelegated,
    /// A group of this name is there already.
    Exists,
    /// No such group.
    NotFound,
    /// A value, path or pid that cannot be.
    Invalid,
    /// Processes or children are still in the group.
    Busy,
}

impl Code {
    /// The stable text, `UPPER_SNAKE_CASE`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "CGROUP_UNAVAILABLE",
            Self::NotDelegated => "CGROUP_NOT_DELEGATED",
            Self::Exists => "CGROUP_EXISTS",
            Self::NotFound => "CGROUP_NOT_FOUND",
            Self::Invalid => "CGROUP_INVALID",
            Self::Busy => "CGROUP_BUSY",
        }
    }

    fn of(errno: Errno) -> Self {
        match errno {
            Errno::EACCES | Errno::EPERM | Errno::EROFS => Self::NotDelegated,
            Errno::EEXIST => Self::Exists,
            Errno::ENOENT | Errno::ENODEV => Self::NotFound,
            Errno::EINVAL | Errno::ERANGE | Errno::ESRCH | Errno::ENAMETOOLONG | Errno::ENOSPC => {
                Self::Invalid
            }
            Errno::EBUSY | Errno::ENOTEMPTY | Errno::EAGAIN => Self::Busy,
            _ => Self::Unavailable,
        }
    }
}

/// A failed operation on a control group.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{operation}{}: {}", self.shown_path(), self.reason())]
pub struct Error {
    code: Code,
    operation: &'static str,
    path: PathBuf,
    errno: i32,
    detail: Option<String>,
    hint: Option<String>,
}

impl Error {
    pub(crate) fn new(
        code: Code,
        operation: &'static str,
        path: impl Into<PathBuf>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            code,
            operation,
            path: path.into(),
            errno: 0,
            detail: Some(detail.into()),
            hint: None,
        }
    }

    pub(crate) fn system(operation: &'static str, path: &Path, errno: Errno) -> Self {
        Self {
            code: Code::of(errno),
            operation,
            path: path.to_owned(),
            errno: errno as i32,
            detail: None,
            hint: None,
        }
    }

    pub(crate) fn io(operation: &'static str, path: &Path, error: &io::Error) -> Self {
        let mut made = Self::system(operation, path, errno_of(error));
        if made.errno == 0 {
            made.detail = Some(error.to_string());
        }
        made
    }

    pub(crate) fn with_code(mut self, code: Code) -> Self {
        self.code = code;
        self
    }

    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The stable code, `UPPER_SNAKE_CASE`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code.as_str()
    }

    /// The code as a value to match on.
    #[must_use]
    pub fn kind(&self) -> Code {
        self.code
    }

    /// What was tried, e.g. `write` or `mkdir`.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// What it was tried on; empty when there is no file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The kernel's error number, 0 when it was not asked.
    #[must_use]
    pub fn errno(&self) -> i32 {
        self.errno
    }

    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    fn shown_path(&self) -> String {
        if self.path.as_os_str().is_empty() {
            return String::new();
        }
        format!(" {}", self.path.display())
    }

    fn reason(&self) -> String {
        let errno = (self.errno != 0).then(|| Errno::from_raw(self.errno).desc());
        match (&self.detail, errno) {
            (Some(detail), Some(errno)) => format!("{detail}: {errno}"),
            (Some(detail), None) => detail.clone(),
            (None, Some(errno)) => errno.to_owned(),
            (None, None) => "failed".to_owned(),
        }
    }
}

/// The error number behind a standard library error; unknown (0) when there is none.
pub(crate) fn errno_of(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}
