//! What a path in a configuration may look like.

use std::path::Path;

use crate::error::{Code, Error};

/// An absolute path without `..` and NUL, as text; doubled and trailing slashes and `.` are removed.
///
/// SECURITY: paths below the container's root are resolved by fd inside it and cannot leave it
/// whatever they say. `..` is refused all the same, because two readers of a Plan would resolve it
/// differently as soon as the image has a symbolic link on the way.
pub(crate) fn absolute(path: &Path, field: &str) -> Result<String, Error> {
    absolute_text(text(path, field)?, field)
}

/// [`absolute`] for a path that is text already.
pub(crate) fn absolute_text(path: &str, field: &str) -> Result<String, Error> {
    if !path.starts_with('/') {
        return Err(Error::new(
            Code::InvalidPath,
            field,
            format!("use path {path:?}: it is not absolute"),
        ));
    }
    Ok(format!("/{}", components(path, field)?.join("/")))
}

/// A path that may be relative, without `..` and NUL, with at least one component.
pub(crate) fn without_parents(path: &Path, field: &str) -> Result<String, Error> {
    let path = text(path, field)?;
    let components = components(path, field)?;
    if components.is_empty() {
        return Err(Error::new(
            Code::InvalidPath,
            field,
            format!("use path {path:?}: it names nothing"),
        ));
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    Ok(format!("{root}{}", components.join("/")))
}

/// The path as UTF-8, which JSON guarantees.
pub(crate) fn text<'a>(path: &'a Path, field: &str) -> Result<&'a str, Error> {
    path.to_str().ok_or_else(|| {
        Error::new(
            Code::InvalidPath,
            field,
            format!("use path {path:?}: it is not UTF-8"),
        )
    })
}

fn components<'a>(path: &'a str, field: &str) -> Result<Vec<&'a str>, Error> {
    let refuse = |why: &str| {
        Err(Error::new(
            Code::InvalidPath,
            field,
            format!("use path {path:?}: {why}"),
        ))
    };
    if path.contains('\0') {
        return refuse("it contains a NUL byte");
    }
    let components: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    if components.contains(&"..") {
        return refuse("it contains `..`");
    }
    Ok(components)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn absolute_paths_are_normalised_and_never_climb() {
        assert_eq!(absolute_text("/a//b/./c/", "f").unwrap(), "/a/b/c");
        assert_eq!(absolute_text("/", "f").unwrap(), "/");
        assert_eq!(absolute_text("/a..b", "f").unwrap(), "/a..b");
        for bad in ["", "a", "./a", "/a/../b", "/..", "/a\0b"] {
            let error = absolute_text(bad, "f").unwrap_err();
            assert_eq!(
                (error.code(), error.field()),
                ("INVALID_PATH", Some("f")),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn relative_paths_keep_their_place() {
        assert_eq!(without_parents(Path::new("a/b"), "f").unwrap(), "a/b");
        assert_eq!(without_parents(Path::new("/a/b/"), "f").unwrap(), "/a/b");
        for bad in ["", ".", "/", "a/../../b"] {
            assert!(without_parents(Path::new(bad), "f").is_err(), "{bad:?}");
        }
    }
}
