//! A refusal while the tree was built: step, call, arguments, errno.

use std::fmt;

use nix::errno::Errno;

/// What this crate's functions return.
pub type Result<T> = std::result::Result<T, Error>;

/// A failed step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    code: &'static str,
    step: String,
    source: ctr_sys::Error,
}

impl Error {
    pub(crate) fn new(step: impl Into<String>, source: &ctr_sys::Error) -> Self {
        Self {
            code: "MOUNT_FAILED",
            step: step.into(),
            source: source.clone(),
        }
    }

    /// The refusal of a host path that the caller named: its own mistake, so its own code.
    pub(crate) fn with_path_code(mut self) -> Self {
        self.code = match self.source.errno() {
            Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP => "FILE_NOT_FOUND",
            Errno::EACCES | Errno::EPERM => "PERMISSION_DENIED",
            _ => self.code,
        };
        self
    }

    /// The same refusal under a code of its own.
    pub(crate) fn with_code(mut self, code: &'static str) -> Self {
        self.code = code;
        self
    }

    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What was being done.
    #[must_use]
    pub fn step(&self) -> &str {
        &self.step
    }

    /// The refused system call.
    #[must_use]
    pub fn refusal(&self) -> &ctr_sys::Error {
        &self.source
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.source)
    }
}

impl std::error::Error for Error {}

/// Run one call of nix as a named step.
pub(crate) fn step<T>(
    step: &str,
    call: &'static str,
    arguments: &str,
    run: impl FnOnce() -> nix::Result<T>,
) -> Result<T> {
    run().map_err(|errno| Error::new(step, &ctr_sys::Error::new(call, arguments, errno)))
}

/// Run one call of ctr-sys as a named step.
pub(crate) fn sys<T>(step: impl FnOnce() -> String, result: ctr_sys::Result<T>) -> Result<T> {
    result.map_err(|error| Error::new(step(), &error))
}
