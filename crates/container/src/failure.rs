//! Failures of every layer below, as the one shape that crosses process borders.

use nix::errno::Errno;

use crate::protocol::Failure;

/// What the roles' functions return.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A failure that is no system call's.
    #[must_use]
    pub fn new(
        code: &str,
        step: impl Into<String>,
        call: &str,
        arguments: impl Into<String>,
    ) -> Self {
        Self {
            code: code.to_owned(),
            step: step.into(),
            call: call.to_owned(),
            arguments: arguments.into(),
            errno: 0,
            hint: None,
        }
    }

    /// A refused system call.
    #[must_use]
    pub fn system(
        code: &str,
        step: impl Into<String>,
        call: &str,
        arguments: impl Into<String>,
        errno: Errno,
    ) -> Self {
        Self {
            errno: errno as i32,
            ..Self::new(code, step, call, arguments)
        }
    }
}

impl From<ctr_cgroup::Error> for Failure {
    fn from(error: ctr_cgroup::Error) -> Self {
        let path = error.path().display().to_string();
        let mut failure = Self::new(error.code(), "set up the cgroup", error.operation(), path);
        if error.errno() == 0 {
            failure.step = error.to_string();
        }
        failure.errno = error.errno();
        failure.hint = error.hint().map(str::to_owned);
        failure
    }
}

impl From<ctr_rootfs::Error> for Failure {
    fn from(error: ctr_rootfs::Error) -> Self {
        let refusal = error.refusal();
        Self::system(
            error.code(),
            error.step(),
            refusal.call(),
            refusal.arguments(),
            refusal.errno(),
        )
    }
}

/// Name the step in which a call was refused.
pub(crate) trait Step<T> {
    /// Code `RUNTIME_ERROR`: neither the caller's input nor the image is to blame.
    fn step(self, step: &str) -> Result<T>
    where
        Self: Sized,
    {
        self.step_code("RUNTIME_ERROR", step)
    }

    /// As `step`, with a code of its own.
    fn step_code(self, code: &str, step: &str) -> Result<T>;
}

impl<T> Step<T> for ctr_sys::Result<T> {
    fn step_code(self, code: &str, step: &str) -> Result<T> {
        self.map_err(|error| {
            Failure::system(code, step, error.call(), error.arguments(), error.errno())
        })
    }
}

/// A call of nix or std with its name, for [`Step`].
pub(crate) fn call<T, E: IntoErrno>(
    name: &'static str,
    arguments: &str,
    result: std::result::Result<T, E>,
) -> ctr_sys::Result<T> {
    result.map_err(|error| ctr_sys::Error::new(name, arguments, error.into_errno()))
}

/// Errors that hold an errno.
pub(crate) trait IntoErrno {
    /// The errno, EIO where there is none.
    fn into_errno(self) -> Errno;
}

impl IntoErrno for Errno {
    fn into_errno(self) -> Errno {
        self
    }
}

impl IntoErrno for std::io::Error {
    fn into_errno(self) -> Errno {
        Errno::from_raw(self.raw_os_error().unwrap_or(nix::libc::EIO))
    }
}
