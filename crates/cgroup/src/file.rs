//! Control files: small texts that one read gives and one write takes.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use crate::error::{Code, Error, errno_of};

/// The file's text without the final line feed.
pub(crate) fn read(path: &Path) -> Result<String, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text.trim_end().to_owned()),
        Err(error) => Err(missing_file(Error::io("read", path, &error), path)),
    }
}

/// The file's text, or nothing when the file or its group is not there.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim_end().to_owned())),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(Error::io("read", path, &error)),
    }
}

/// Writes the value in one system call, as control files demand.
pub(crate) fn write(path: &Path, value: &str) -> Result<(), Error> {
    let failed = |error: &std::io::Error| {
        missing_file(
            Error::io("write", path, error).with_detail(format!("value {value:?}")),
            path,
        )
    };
    let mut file = OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(path)
        .map_err(|e| failed(&e))?;
    let written = file.write(value.as_bytes()).map_err(|e| failed(&e))?;
    if written < value.len() {
        return Err(Error::new(
            Code::Invalid,
            "write",
            path,
            format!("value {value:?} was cut"),
        ));
    }
    Ok(())
}

/// Whether the directory or file went away: ENODEV is a file of a removed group.
pub(crate) fn is_gone(error: &std::io::Error) -> bool {
    matches!(errno_of(error), Errno::ENOENT | Errno::ENODEV)
}

/// The directory and all below it, parents first; nothing when it is gone.
pub(crate) fn walk(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        let Some(children) = children(&next)? else {
            continue;
        };
        open.extend(children.into_iter().map(|name| next.join(name)));
        found.push(next);
    }
    Ok(found)
}

/// Names of the groups directly below, sorted; `None` when the directory is gone.
pub(crate) fn children(directory: &Path) -> Result<Option<Vec<String>>, Error> {
    match fs::metadata(directory) {
        // A directory's links are its name, its `.`, and the `..` of each directory below: two
        // mean none. It saves reading some thirty names on the way out of every container.
        Ok(meta) if meta.nlink() == 2 => return Ok(Some(Vec::new())),
        Err(error) if is_gone(&error) => return Ok(None),
        _ => {}
    }
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if is_gone(&error) => return Ok(None),
        Err(error) => return Err(Error::io("list", directory, &error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if is_gone(&error) => break,
            Err(error) => return Err(Error::io("list", directory, &error)),
        };
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                names.push(entry.file_name().to_string_lossy().into_owned())
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("list", directory, &error)),
        }
    }
    names.sort();
    Ok(Some(names))
}

/// A missing file in a group that is there means a missing controller, not a missing group.
fn missing_file(error: Error, path: &Path) -> Error {
    if error.kind() == Code::NotFound && path.parent().is_some_and(Path::is_dir) {
        return error.with_code(Code::Unavailable).with_hint(
            "the kernel does not offer this file here: a controller is missing or not enabled for this group",
        );
    }
    error
}
