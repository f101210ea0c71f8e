//! Extended attributes of an image's files: which are taken, and from where.

use std::ffi::{CStr, CString};
use std::os::fd::AsFd;
use std::path::Path;

use nix::errno::Errno;

use crate::error::{Error, Result};

/// Set what an entry says of a file. How many of them were left out.
pub(crate) fn set(fd: impl AsFd, xattrs: &[(Vec<u8>, Vec<u8>)], path: &Path) -> Result<u64> {
    let mut skipped = 0;
    for (name, value) in xattrs {
        let allowed = CString::new(name.as_slice())
            .ok()
            .filter(|_| is_allowed(name));
        let is_set = match allowed {
            Some(name) => set_one(&fd, &name, value, path)?,
            None => false,
        };
        skipped += u64::from(!is_set);
    }
    Ok(skipped)
}

/// Give a file those of another that an image may set: never overlayfs's own marks.
pub(crate) fn copy(from: impl AsFd, to: impl AsFd, path: &Path) -> Result<()> {
    for name in list(&from, path)? {
        let value = ctr_sys::xattr::get(&from, &name)
            .map_err(|error| Error::call("fgetxattr", path.display(), error.errno()))?;
        if let Some(value) = value {
            // What could be set there and not here is of no use here.
            set_one(&to, &name, &value, path)?;
        }
    }
    Ok(())
}

/// Remove those that an image may set.
pub(crate) fn clear(fd: impl AsFd, path: &Path) -> Result<()> {
    for name in list(&fd, path)? {
        ctr_sys::xattr::remove(&fd, &name)
            .map_err(|error| Error::call("fremovexattr", path.display(), error.errno()))?;
    }
    Ok(())
}

/// False where it is not to be had: not permitted, or not stored by the file system.
fn set_one(fd: impl AsFd, name: &CStr, value: &[u8], path: &Path) -> Result<bool> {
    match ctr_sys::xattr::set(fd, name, value) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.errno(), Errno::EPERM | Errno::ENOTSUP) => Ok(false),
        Err(error) => Err(Error::call("fsetxattr", path.display(), error.errno())),
    }
}

fn list(fd: impl AsFd, path: &Path) -> Result<Vec<CString>> {
    let mut names = match ctr_sys::xattr::list(fd) {
        Err(error) if error.errno() == Errno::ENOTSUP => Vec::new(),
        names => names.map_err(|error| Error::call("flistxattr", path.display(), error.errno()))?,
    };
    names.retain(|name| is_allowed(name.to_bytes()));
    Ok(names)
}

/// SECURITY: an image may keep its own notes (`user.*`) and file capabilities, which its container
/// is limited in by its bounding set. `trusted.*` and `user.overlay.*` steer overlayfs (redirects
/// and metadata of other files); the other `security.*` and `system.*` are the host's policy.
fn is_allowed(name: &[u8]) -> bool {
    name == b"security.capability"
        || (name.starts_with(b"user.") && !name.starts_with(b"user.overlay."))
}
