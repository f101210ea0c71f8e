//! Why a configuration cannot be planned.

use std::fmt;

/// A refused configuration: a stable code, the field, what is wrong with it and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    code: Code,
    field: Option<String>,
    message: String,
    hint: Option<String>,
}

/// Declares the codes with their meaning, so that the list is one table.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// Stable error codes of this crate.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Code {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Code {
            fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

codes! {
    /// Not an OCI configuration: a required field is missing or has another type.
    InvalidSpec = "INVALID_SPEC",
    /// Set in the configuration, and nothing here can do it.
    UnsupportedField = "UNSUPPORTED_FIELD",
    /// Not a container identifier.
    InvalidId = "INVALID_ID",
    /// A relative path, one with `..`, or one with a NUL byte.
    InvalidPath = "INVALID_PATH",
    /// A mount that contradicts itself or has an unknown option.
    InvalidMount = "INVALID_MOUNT",
    /// No program to run, or an argument with a NUL byte.
    InvalidArgs = "INVALID_ARGS",
    /// An environment entry that is not `NAME=value`.
    InvalidEnv = "INVALID_ENV",
    /// A user that cannot be resolved or set.
    InvalidUser = "INVALID_USER",
    /// A namespace listed twice, or one that another setting needs.
    InvalidNamespaces = "INVALID_NAMESPACES",
    /// Id maps that the kernel would refuse, or without a user namespace of their own.
    InvalidIdMap = "INVALID_ID_MAP",
    /// A host or domain name that is too long.
    InvalidHostname = "INVALID_HOSTNAME",
    /// A limit out of its range.
    InvalidLimit = "INVALID_LIMIT",
    /// A device node or device rule that cannot be.
    InvalidDevice = "INVALID_DEVICE",
    /// A kernel parameter that is not the container's to set.
    InvalidSysctl = "INVALID_SYSCTL",
    /// A cgroup path that leaves its place, or limits without a cgroup.
    InvalidCgroup = "INVALID_CGROUP",
    /// No capability of this name in capabilities(7).
    UnknownCapability = "UNKNOWN_CAPABILITY",
    /// Capability sets that the kernel would refuse.
    InvalidCapabilities = "INVALID_CAPABILITIES",
    /// A seccomp profile with an unknown action, operator or field.
    InvalidSeccompProfile = "INVALID_SECCOMP_PROFILE",
}

impl Error {
    /// An error about one field, named as in the configuration (`mounts[2].destination`).
    pub(crate) fn new(code: Code, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            field: Some(field.into()),
            message: message.into(),
            hint: None,
        }
    }

    /// An error about the document as a whole.
    pub(crate) fn of_document(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            field: None,
            message: message.into(),
            hint: None,
        }
    }

    /// Adds what the user can do.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Stable code, `UPPER_SNAKE_CASE`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code.as_str()
    }

    /// The offending field as a path into the configuration, where there is one.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
