//! Why a filter cannot be compiled.

use std::fmt;

use libseccomp::error::SeccompError;

/// A failed compilation: the operation, what it was about, and libseccomp's or the kernel's reason.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    operation: String,
    cause: Option<Cause>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Invalid,
    Failed,
}

#[derive(Debug)]
enum Cause {
    Libseccomp(SeccompError),
    Io(std::io::Error),
}

impl Error {
    /// The filter itself is the reason.
    pub(crate) fn invalid(operation: impl Into<String>) -> Self {
        Self {
            kind: Kind::Invalid,
            operation: operation.into(),
            cause: None,
        }
    }

    /// libseccomp refused.
    pub(crate) fn libseccomp(operation: impl Into<String>, cause: SeccompError) -> Self {
        Self {
            kind: Kind::Failed,
            operation: operation.into(),
            cause: Some(Cause::Libseccomp(cause)),
        }
    }

    /// The kernel refused.
    pub(crate) fn io(operation: impl Into<String>, cause: impl Into<std::io::Error>) -> Self {
        Self {
            kind: Kind::Failed,
            operation: operation.into(),
            cause: Some(Cause::Io(cause.into())),
        }
    }

    /// `INVALID_SECCOMP_PROFILE` when the filter is at fault, else `SECCOMP_FAILED`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            Kind::Invalid => "INVALID_SECCOMP_PROFILE",
            Kind::Failed => "SECCOMP_FAILED",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.operation)?;
        match &self.cause {
            Some(Cause::Libseccomp(cause)) => write!(f, ": {cause}"),
            Some(Cause::Io(cause)) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Some(Cause::Libseccomp(cause)) => Some(cause),
            Some(Cause::Io(cause)) => Some(cause),
            None => None,
        }
    }
}
