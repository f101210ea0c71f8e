//! Files whose content comes with the request.

use crate::error::{Code, Error};
use crate::paths;
use crate::plan::{Attributes, Mount, MountSource};
use crate::request::FileRequest;

/// Most bytes of one file: they cross every process border with the plan.
const MAX_FILE_BYTES: usize = 1024 * 1024;

/// The mounts that show the files, in their order.
pub(crate) fn convert(files: &[FileRequest]) -> Result<Vec<Mount>, Error> {
    files
        .iter()
        .enumerate()
        .map(|(index, file)| {
            let destination =
                paths::absolute_text(&file.destination, &format!("files[{index}].destination"))?;
            if destination == "/" || file.text.len() > MAX_FILE_BYTES {
                return Err(Error::new(
                    Code::InvalidMount,
                    format!("files[{index}]"),
                    format!("show the file {destination}: it is the root or over 1 MiB"),
                ));
            }
            Ok(Mount {
                destination,
                source: MountSource::Content {
                    text: file.text.clone(),
                },
                attributes: Attributes {
                    readonly: file.readonly,
                    nosuid: true,
                    nodev: true,
                    noexec: true,
                    ..Attributes::default()
                },
                propagation: None,
                // An image on a read-only disk may lack the place; the container works without.
                optional: true,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn file(destination: &str, text: &str) -> Result<Mount, Error> {
        let file = FileRequest {
            destination: destination.to_owned(),
            text: text.to_owned(),
            readonly: true,
        };
        convert(&[file]).map(|mut mounts| mounts.remove(0))
    }

    #[test]
    fn a_file_is_a_mount_without_a_source_on_the_host() {
        let mount = file("/etc//hosts", "127.0.0.1 localhost\n").unwrap();
        assert_eq!(mount.destination, "/etc/hosts");
        let text = "127.0.0.1 localhost\n".to_owned();
        assert_eq!(mount.source, MountSource::Content { text });
        assert!(mount.attributes.readonly && mount.attributes.noexec && mount.optional);
    }

    #[test]
    fn impossible_files_are_refused() {
        assert_eq!(file("hosts", "").unwrap_err().code(), "INVALID_PATH");
        assert_eq!(file("/", "").unwrap_err().code(), "INVALID_MOUNT");
        let large = "x".repeat(MAX_FILE_BYTES + 1);
        assert_eq!(file("/etc/x", &large).unwrap_err().code(), "INVALID_MOUNT");
    }
}
