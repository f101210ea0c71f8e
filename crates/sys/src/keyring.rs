//! keyctl(2): a session keyring of one's own.
#![allow(unsafe_code, reason = "keyctl has no safe wrapper in nix")]

use crate::{Error, Result};

/// Join a new anonymous session keyring, so that the caller's keys are out of reach.
///
/// # Errors
///
/// ENOSYS on kernels without keyrings; EDQUOT when the user's key quota is used up.
pub fn join_new_session() -> Result<()> {
    // SAFETY: KEYCTL_JOIN_SESSION_KEYRING with a null name makes an anonymous keyring and reads
    // no memory.
    let result = unsafe {
        libc::syscall(
            libc::SYS_keyctl,
            libc::KEYCTL_JOIN_SESSION_KEYRING,
            std::ptr::null::<libc::c_char>(),
        )
    };
    if result < 0 {
        return Err(Error::last("keyctl", "KEYCTL_JOIN_SESSION_KEYRING"));
    }
    Ok(())
}
