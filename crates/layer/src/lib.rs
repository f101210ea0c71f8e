//! OCI image layers: strict tar reading, and application to a directory.
//!
//! [`apply`] reads one layer blob (hash, inflate, hash, tar) and makes its files below a directory
//! descriptor in the form overlayfs wants of a lower layer. Every byte of the blob is taken to be
//! an attacker's: nothing outside the directory is changed, whatever names, links, devices,
//! attributes and sizes it holds. A directory that a layer names only as the parent of something
//! else is the one of the layers below: it gets that one's attributes, and where it is a symbolic
//! link the file goes to where that leads. [`remove_tree`] removes such a tree, or one a container wrote to.
//!
//! Out of scope: fetching, checking digests against a manifest, choosing directories.
//!
//! # Kernel
//!
//! | feature | version | without it |
//! |---|---|---|
//! | `openat2` | 5.6 | `LAYER_IO` with ENOSYS; nothing is resolved another way |
//! | unprivileged whiteout devices | 5.8 | `LAYER_IO` with EPERM in a user namespace |
//! | `user.overlay.*` (`userxattr`) | 5.11 | overlayfs in a user namespace cannot be had at all |
#![forbid(unsafe_code)]

mod apply;
mod archive;
mod below;
mod blob;
mod error;
mod name;
mod options;
mod pax;
mod remove;
mod tree;
mod xattrs;

pub use apply::{apply, apply_within};
pub use error::{Error, ErrorKind, Result};
pub use options::{Applied, Compression, Limits, Options};
pub use remove::remove_tree;
