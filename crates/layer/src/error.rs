//! Why a layer could not be applied.

use std::fmt;
use std::io;

use nix::errno::Errno;

/// What every function of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of failure it is; [`Error::code`] is its stable name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The bytes are not a well-formed layer.
    Corrupt,
    /// A name in the layer leads out of its root.
    UnsafePath,
    /// The layer is larger than we take.
    Limit,
    /// The layer uses a tar feature that no image builder writes (sparse files, multiple volumes).
    Unsupported,
    /// A system call failed.
    Io,
}

/// A failure: the operation, the object, the cause.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    operation: String,
    detail: String,
    errno: Option<Errno>,
}

impl Error {
    pub(crate) fn new(
        kind: ErrorKind,
        operation: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            operation: operation.into(),
            detail: detail.into(),
            errno: None,
        }
    }

    pub(crate) fn corrupt(operation: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corrupt, operation, detail)
    }

    /// A failed system call on `object` (a path inside the layer).
    pub(crate) fn call(call: &'static str, object: impl fmt::Display, errno: Errno) -> Self {
        Self {
            kind: ErrorKind::Io,
            operation: format!("{call} {object}"),
            detail: errno.desc().to_owned(),
            errno: Some(errno),
        }
    }

    /// A failed read of the blob: the file's own failure, or bytes that do not inflate.
    pub(crate) fn read(operation: &'static str, error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(errno) => Self::call(operation, "blob", Errno::from_raw(errno)),
            None if error.kind() == io::ErrorKind::UnexpectedEof => {
                Self::corrupt(operation, "the blob ends too early")
            }
            None => Self::corrupt(operation, error.to_string()),
        }
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            ErrorKind::Corrupt => "LAYER_CORRUPT",
            ErrorKind::UnsafePath => "LAYER_UNSAFE_PATH",
            ErrorKind::Limit => "LAYER_LIMIT",
            ErrorKind::Unsupported => "LAYER_UNSUPPORTED",
            ErrorKind::Io => "LAYER_IO",
        }
    }

    /// What was being done: a system call and its object, or a step of reading.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Error number of a failed system call.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        self.errno.map(|errno| errno as i32)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.detail)
    }
}

impl std::error::Error for Error {}
