//! Files that come with the plan: a tmpfs of the container's own holds them, and each is bound to
//! its place. Nothing of them is on the host's disks, so nothing can stay there.

use std::ffi::CString;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};

use ctr_spec::plan::{Mount, MountSource};
use ctr_sys::mount::{attach, attr, clone_tree, new_filesystem};
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use crate::Skipped;
use crate::error::{self, Error, Result};
use crate::mounts::Source;
use crate::path::Leaf;
use crate::root::open_host;

/// What the container may add to its files, beside the pages they begin with.
const ROOM_BYTES: usize = 1024 * 1024;

/// Where the tmpfs is attached while files are bound out of it: in the host's tree as this
/// namespace has it, which pivot detaches as a whole.
/// KERNEL(6.15): before that a mount can only be copied where it is attached.
const SHELF: &str = "/sys";

/// Fill in the sources of all mounts that show content. What is returned has none: where there is
/// no place for the shelf, a container goes without the files that are optional.
///
/// ORDER: after the last path of the host was looked up, the root's own among them, for the shelf
/// covers one; and after the root's tree was copied, which may be the host's, shelf and all.
pub(crate) fn open_sources(
    mounts: &[Mount],
    sources: &mut [Option<Source>],
) -> Result<Vec<Skipped>> {
    open_sources_at(SHELF, mounts, sources)
}

fn open_sources_at(
    shelf: &str,
    mounts: &[Mount],
    sources: &mut [Option<Source>],
) -> Result<Vec<Skipped>> {
    let files: Vec<(usize, &Mount, &str)> = mounts
        .iter()
        .enumerate()
        .filter_map(|(index, mount)| match &mount.source {
            MountSource::Content { text } => Some((index, mount, text.as_str())),
            _ => None,
        })
        .collect();
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let place = match open_host(shelf, OFlag::O_DIRECTORY) {
        Ok(place) => place,
        Err(error) if files.iter().all(|(_, mount, _)| mount.optional) => {
            let reason = error.to_string();
            let skipped = files.iter().map(|(_, mount, _)| Skipped {
                destination: mount.destination.clone(),
                reason: reason.clone(),
            });
            return Ok(skipped.collect());
        }
        Err(error) => return Err(error),
    };
    let step = || "make the container's own files".to_owned();
    let size = files.iter().map(|(_, _, text)| text.len()).sum::<usize>() + ROOM_BYTES;
    let parameters = [
        ("source", Some("ctr-ts")),
        ("mode", Some("0755")),
        ("size", Some(&*size.to_string())),
    ];
    let attributes = attr::NOSUID | attr::NODEV | attr::NOEXEC;
    let shelf = error::sys(step, new_filesystem("tmpfs", &parameters, attributes))?;
    error::sys(step, attach(shelf.as_fd(), place.as_fd()))?;
    for (index, _, text) in files {
        let name = index.to_string();
        write(&shelf, &name, text)
            .map_err(|errno| Error::new(step(), &ctr_sys::Error::new("write", &name, errno)))?;
        let path = CString::new(name.as_str()).unwrap_or_default();
        let tree = error::sys(step, clone_tree(shelf.as_fd(), &path, false))?;
        if let Some(source) = sources.get_mut(index) {
            *source = Some(Source::new(tree, Leaf::File));
        }
    }
    Ok(Vec::new())
}

fn write(directory: &OwnedFd, name: &str, text: &str) -> std::result::Result<(), Errno> {
    let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    let file = openat(directory, name, flags, Mode::from_bits_truncate(0o644))?;
    File::from(file)
        .write_all(text.as_bytes())
        .map_err(|cause| Errno::from_raw(cause.raw_os_error().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use ctr_spec::plan::Attributes;

    use super::*;

    #[test]
    fn without_a_place_for_the_shelf_optional_files_are_skipped_and_others_fail() {
        let mut mounts: Vec<Mount> = ["/etc/hosts", "/etc/hostname"]
            .map(|destination| Mount {
                destination: destination.to_owned(),
                source: MountSource::Content {
                    text: "text".to_owned(),
                },
                attributes: Attributes::default(),
                propagation: None,
                optional: true,
            })
            .into();
        let mut sources = [None, None];
        let skipped = open_sources_at("/no/such/place", &mounts, &mut sources).unwrap();
        assert!(sources.iter().all(Option::is_none));
        assert_eq!(skipped.len(), 2);
        assert_eq!(skipped[0].destination, "/etc/hosts");
        let reason = &skipped[0].reason;
        assert!(reason.contains("/no/such/place"), "{reason}");
        mounts[1].optional = false;
        assert!(open_sources_at("/no/such/place", &mounts, &mut sources).is_err());
    }
}
