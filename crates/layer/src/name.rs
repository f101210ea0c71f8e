//! Names of a layer, as bytes of the archive, made into paths below its root.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

/// Longest component Linux file systems take, NAME_MAX.
const COMPONENT_BYTES: usize = 255;

/// A name as a relative path of plain components; the empty path is the root.
///
/// SECURITY: the name is the image's. A leading `/` counts from the layer's root, `.` and empty
/// components mean nothing, and `..` has no honest use in a layer: it is refused, not resolved.
pub(crate) fn path(name: &[u8], limit: usize) -> Result<PathBuf> {
    if name.len() > limit {
        return Err(Error::new(
            ErrorKind::Limit,
            format!("read entry {}", lossy(name.get(..64).unwrap_or(name))),
            format!("a path of {} bytes, more than {limit}", name.len()),
        ));
    }
    if name.contains(&0) {
        return Err(Error::corrupt(
            format!("read entry {}", lossy(name)),
            "a NUL in its path",
        ));
    }
    let mut path = PathBuf::new();
    for component in name.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." => {
                return Err(Error::new(
                    ErrorKind::UnsafePath,
                    format!("read entry {}", lossy(name)),
                    "a .. component in its path",
                ));
            }
            long if long.len() > COMPONENT_BYTES => {
                return Err(Error::new(
                    ErrorKind::Limit,
                    format!("read entry {}", lossy(name)),
                    format!("a name longer than {COMPONENT_BYTES} bytes"),
                ));
            }
            plain => path.push(OsStr::from_bytes(plain)),
        }
    }
    Ok(path)
}

/// What an entry's name asks for, OCI image spec "Whiteouts".
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A file of the layer.
    Plain,
    /// `.wh.NAME`: NAME of the layers below is gone.
    Whiteout(OsString),
    /// `.wh..wh..opq`: nothing of the layers below shows in this directory.
    Opaque,
    /// Other `.wh..wh.` names are bookkeeping of aufs.
    Ignored,
}

/// What the path of an entry asks for.
pub(crate) fn meaning(path: &Path) -> Result<Meaning> {
    let Some(name) = path.file_name().map(OsStr::as_bytes) else {
        return Ok(Meaning::Plain);
    };
    let mut above = path
        .components()
        .rev()
        .skip(1)
        .map(|part| part.as_os_str().as_bytes());
    if name.starts_with(b".wh..wh.") {
        let opaque = name == b".wh..wh..opq";
        return Ok(if opaque {
            Meaning::Opaque
        } else {
            Meaning::Ignored
        });
    }
    if above.clone().any(|part| part.starts_with(b".wh..wh.")) {
        return Ok(Meaning::Ignored);
    }
    if above.any(|part| part.starts_with(b".wh.")) {
        return Err(Error::corrupt(
            format!("read entry {}", path.display()),
            "a whiteout is no directory",
        ));
    }
    match name.strip_prefix(b".wh.") {
        None => Ok(Meaning::Plain),
        // SECURITY: `.wh...` would name the parent of its directory.
        Some(b"" | b"." | b"..") => Err(Error::new(
            ErrorKind::UnsafePath,
            format!("read entry {}", path.display()),
            "a whiteout of no plain name",
        )),
        Some(hidden) => Ok(Meaning::Whiteout(OsStr::from_bytes(hidden).to_owned())),
    }
}

pub(crate) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn names_are_taken_from_the_root_of_the_layer() {
        for (name, expected) in [
            ("a/b", "a/b"),
            ("/etc//passwd", "etc/passwd"),
            ("./", ""),
            ("./a/./b/", "a/b"),
        ] {
            assert_eq!(path(name.as_bytes(), 100).unwrap(), Path::new(expected));
        }
    }

    #[test]
    fn names_that_climb_or_do_not_fit_are_refused() {
        for (name, code) in [
            (b"../x".to_vec(), "LAYER_UNSAFE_PATH"),
            (b"a/../../x".to_vec(), "LAYER_UNSAFE_PATH"),
            (b"a/..".to_vec(), "LAYER_UNSAFE_PATH"),
            (b"a\0b".to_vec(), "LAYER_CORRUPT"),
            (vec![b'a'; 101], "LAYER_LIMIT"),
        ] {
            assert_eq!(path(&name, 100).unwrap_err().code(), code);
        }
        assert_eq!(path(&[b'a'; 256], 4095).unwrap_err().code(), "LAYER_LIMIT");
    }

    #[test]
    fn whiteout_names_are_told_from_plain_ones() {
        let read = |name: &str| meaning(Path::new(name)).map_err(|error| error.code());
        assert_eq!(read("a/b"), Ok(Meaning::Plain));
        assert_eq!(read(""), Ok(Meaning::Plain));
        assert_eq!(read("a/.wh.b"), Ok(Meaning::Whiteout("b".into())));
        assert_eq!(read("a/.wh..wh..opq"), Ok(Meaning::Opaque));
        assert_eq!(read(".wh..wh.plnk/12"), Ok(Meaning::Ignored));
        assert_eq!(read("a/.wh..wh.aufs"), Ok(Meaning::Ignored));
        assert_eq!(read("a/.wh.."), Err("LAYER_UNSAFE_PATH"));
        assert_eq!(read("a/.wh..."), Err("LAYER_UNSAFE_PATH"));
        assert_eq!(read("a/.wh."), Err("LAYER_UNSAFE_PATH"));
        assert_eq!(read(".wh.a/b"), Err("LAYER_CORRUPT"));
    }
}
