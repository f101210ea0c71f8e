//! The mount API of Linux 5.2: trees and file systems as descriptors, attached when they are ready.
#![allow(unsafe_code, reason = "the mount API has no safe wrapper in nix")]

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;

use crate::{Error, Result};

/// A mount attribute bit, mount_setattr(2).
pub mod attr {
    /// Read-only.
    pub const RDONLY: u64 = 0x1;
    /// Set-user-id and file capabilities are ignored.
    pub const NOSUID: u64 = 0x2;
    /// Device nodes cannot be opened.
    pub const NODEV: u64 = 0x4;
    /// Programs cannot be executed.
    pub const NOEXEC: u64 = 0x8;
    /// The mask of the access time field.
    pub const ATIME_MASK: u64 = 0x70;
    /// Never update access times.
    pub const NOATIME: u64 = 0x10;
    /// Always update access times.
    pub const STRICTATIME: u64 = 0x20;
    /// Symbolic links are not followed (5.14).
    pub const NOSYMFOLLOW: u64 = 0x20_0000;
}

const OPEN_TREE_CLONE: libc::c_uint = 1;
const OPEN_TREE_CLOEXEC: libc::c_uint = libc::O_CLOEXEC as libc::c_uint;
const AT_RECURSIVE: libc::c_uint = 0x8000;
const MOVE_MOUNT_F_EMPTY_PATH: libc::c_uint = 0x4;
const MOVE_MOUNT_T_EMPTY_PATH: libc::c_uint = 0x40;
const FSOPEN_CLOEXEC: libc::c_uint = 1;
const FSMOUNT_CLOEXEC: libc::c_uint = 1;
const FSCONFIG_SET_FLAG: libc::c_uint = 0;
const FSCONFIG_SET_STRING: libc::c_uint = 1;
const FSCONFIG_CMD_CREATE: libc::c_uint = 6;

/// A detached copy of the mount at `path` below `directory` (the path itself when `path` is empty).
/// `recursive` brings the mounts below it along.
///
/// # Errors
///
/// EPERM without CAP_SYS_ADMIN over the mount namespace; EINVAL for a tree with locked mounts that
/// is not copied recursively.
pub fn clone_tree(directory: BorrowedFd<'_>, path: &CStr, recursive: bool) -> Result<OwnedFd> {
    let mut flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | libc::AT_NO_AUTOMOUNT.cast_unsigned();
    if recursive {
        flags |= AT_RECURSIVE;
    }
    if path.is_empty() {
        flags |= libc::AT_EMPTY_PATH.cast_unsigned();
    }
    // SAFETY: path is a NUL-terminated string that lives across the call.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_open_tree,
            directory.as_raw_fd(),
            path.as_ptr(),
            flags,
        )
    };
    owned(fd, "open_tree", || {
        format!(
            "{}, OPEN_TREE_CLONE{}",
            name(directory, path),
            if recursive { "|AT_RECURSIVE" } else { "" }
        )
    })
}

/// Attach a detached mount on top of what the descriptor `target` names.
///
/// # Errors
///
/// As move_mount(2).
pub fn attach(mount: BorrowedFd<'_>, target: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: both paths are the empty NUL-terminated string.
    let result = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            mount.as_raw_fd(),
            c"".as_ptr(),
            target.as_raw_fd(),
            c"".as_ptr(),
            MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH,
        )
    };
    done(result, "move_mount", || {
        format!("mount, {}", name(target, c""))
    })
}

#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns_fd: u64,
}

/// Set and clear attributes of a mount, and with `recursive` of all below it (5.12).
/// `propagation` is 0 or one MS_* propagation flag.
///
/// # Errors
///
/// EPERM when a cleared attribute is locked by a more privileged user namespace.
pub fn set_attributes(
    mount: BorrowedFd<'_>,
    set: u64,
    clear: u64,
    propagation: u64,
    recursive: bool,
) -> Result<()> {
    let attributes = MountAttr {
        set,
        clear,
        propagation,
        userns_fd: 0,
    };
    let flags = libc::AT_EMPTY_PATH.cast_unsigned() | if recursive { AT_RECURSIVE } else { 0 };
    // SAFETY: the path is the empty string and attributes, passed with its size, lives across the
    // call; the kernel only reads it.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of::<MountAttr>(),
        )
    };
    done(result, "mount_setattr", || {
        format!(
            "{}, set {set:#x}, clear {clear:#x}, propagation {propagation:#x}",
            name(mount, c"")
        )
    })
}

/// A new file system of type `fs_type`, configured and mounted detached with `attributes`.
/// Parameters are flags (no value) or strings, fsconfig(2).
///
/// # Errors
///
/// ENODEV for an unknown type, EINVAL for an unknown parameter, EPERM where the user namespace may
/// not mount this type. The arguments name the parameter and hold the kernel's own message, if any.
pub fn new_filesystem(
    fs_type: &str,
    parameters: &[(&str, Option<&str>)],
    attributes: u64,
) -> Result<OwnedFd> {
    let c_type = c_string("fsopen", fs_type)?;
    // SAFETY: c_type is a NUL-terminated string that lives across the call.
    let fd = unsafe { libc::syscall(libc::SYS_fsopen, c_type.as_ptr(), FSOPEN_CLOEXEC) };
    let context = owned(fd, "fsopen", || fs_type.to_owned())?;
    for (key, value) in parameters {
        let c_key = c_string("fsconfig", key)?;
        let c_value = value.map(|value| c_string("fsconfig", value)).transpose()?;
        let command = if c_value.is_some() {
            FSCONFIG_SET_STRING
        } else {
            FSCONFIG_SET_FLAG
        };
        let value_pointer = c_value
            .as_ref()
            .map_or(std::ptr::null(), |value| value.as_ptr());
        // SAFETY: key and value are NUL-terminated strings (or null for a flag) that live across
        // the call.
        let result = unsafe {
            libc::syscall(
                libc::SYS_fsconfig,
                context.as_raw_fd(),
                command,
                c_key.as_ptr(),
                value_pointer,
                0,
            )
        };
        done(result, "fsconfig", || {
            format!(
                "{fs_type}, {key}={}{}",
                value.unwrap_or(""),
                kernel_message(&context)
            )
        })?;
    }
    let null = std::ptr::null::<libc::c_char>();
    // SAFETY: FSCONFIG_CMD_CREATE takes neither key nor value.
    let result = unsafe {
        libc::syscall(
            libc::SYS_fsconfig,
            context.as_raw_fd(),
            FSCONFIG_CMD_CREATE,
            null,
            null,
            0,
        )
    };
    done(result, "fsconfig", || {
        format!("{fs_type}, FSCONFIG_CMD_CREATE{}", kernel_message(&context))
    })?;
    // SAFETY: fsmount takes three integers.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_fsmount,
            context.as_raw_fd(),
            FSMOUNT_CLOEXEC,
            attributes,
        )
    };
    owned(fd, "fsmount", || {
        format!("{fs_type}, {attributes:#x}{}", kernel_message(&context))
    })
}

fn c_string(call: &'static str, text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::new(call, format!("{text:?}"), Errno::EINVAL))
}

fn owned(
    result: libc::c_long,
    call: &'static str,
    arguments: impl FnOnce() -> String,
) -> Result<OwnedFd> {
    if result < 0 {
        let errno = Errno::last();
        return Err(Error::new(call, arguments(), errno));
    }
    let fd = RawFd::try_from(result).map_err(|_| Error::new(call, "", Errno::EBADF))?;
    // SAFETY: the call returned a new descriptor that nothing else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn done(
    result: libc::c_long,
    call: &'static str,
    arguments: impl FnOnce() -> String,
) -> Result<()> {
    if result < 0 {
        let errno = Errno::last();
        return Err(Error::new(call, arguments(), errno));
    }
    Ok(())
}

/// The path of a descriptor, frozen now, for a message.
fn name(fd: BorrowedFd<'_>, path: &CStr) -> String {
    let base = std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).map_or_else(
        |_| format!("fd {}", fd.as_raw_fd()),
        |path| path.display().to_string(),
    );
    if path.is_empty() {
        base
    } else {
        format!("{base}/{}", path.to_string_lossy())
    }
}

/// What the file system itself says about a refused parameter (read from the fsopen descriptor).
fn kernel_message(context: &OwnedFd) -> String {
    let mut buffer = [0u8; 256];
    match nix::unistd::read(context, &mut buffer) {
        Ok(count) if count > 2 => format!(
            " ({})",
            String::from_utf8_lossy(&buffer[2..count]).trim_end()
        ),
        _ => String::new(),
    }
}
