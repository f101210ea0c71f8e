//! One failed system call: name, arguments, errno.

use std::fmt;

use nix::errno::Errno;

/// What every wrapper of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// A failed system call, as strace would print it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    call: &'static str,
    arguments: String,
    errno: Errno,
}

impl Error {
    /// A failure of `call` with `arguments`.
    #[must_use]
    pub fn new(call: &'static str, arguments: impl Into<String>, errno: Errno) -> Self {
        Self {
            call,
            arguments: arguments.into(),
            errno,
        }
    }

    /// The failure that errno holds now; call directly after the system call.
    pub(crate) fn last(call: &'static str, arguments: impl Into<String>) -> Self {
        let errno = Errno::last();
        Self::new(call, arguments, errno)
    }

    /// Name of the system call.
    #[must_use]
    pub fn call(&self) -> &'static str {
        self.call
    }

    /// Its arguments, formatted for people.
    #[must_use]
    pub fn arguments(&self) -> &str {
        &self.arguments
    }

    /// The error number.
    #[must_use]
    pub fn errno(&self) -> Errno {
        self.errno
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}({}): {}",
            self.call,
            self.arguments,
            self.errno.desc()
        )
    }
}

impl std::error::Error for Error {}
