//! What a caller chooses, and what it gets back.

use serde::{Deserialize, Serialize};

/// How a layer blob is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Options {
    /// Compression of the blob.
    pub compression: Compression,
    /// Store overlay metadata as `user.overlay.*` instead of `trusted.overlay.*`.
    pub userxattr: bool,
    /// Give every file to id 0 (a user namespace that maps a single id).
    pub squash_owner: bool,
}

/// Compression of a layer blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Plain tar.
    None,
    /// gzip, one or more members.
    Gzip,
}

/// How much of a hostile layer is read before it is refused. Each bounds memory, not disk: the
/// disk is bounded by whoever gave us the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries of the archive. The largest public images have about a million.
    pub entries: u64,
    /// Length of a path or link target; the kernel takes no longer ones in one call.
    pub path_bytes: usize,
    /// Length of one extension header (PAX records, GNU long name).
    pub header_bytes: u64,
    /// Sum of the paths of directories whose modes and times are kept until the end.
    pub directory_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 4_000_000,
            path_bytes: 4095,
            header_bytes: 1 << 20,
            directory_bytes: 256 << 20,
        }
    }
}

/// What a layer blob was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// `sha256:` of the blob as read, to its last byte.
    pub digest: String,
    /// `sha256:` of the uncompressed tar.
    pub diff_id: String,
    /// Entries of the archive.
    pub entries: u64,
    /// Bytes of file content written.
    pub bytes: u64,
    /// Device nodes left out: not permitted here, and of no use below a `nodev` root.
    pub skipped_devices: u64,
    /// Extended attributes left out: not on the allow-list, or refused by the file system.
    pub skipped_xattrs: u64,
}
