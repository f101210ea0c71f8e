//! Names of groups: parsed once, so that no joined path can leave its hierarchy.

use std::path::PathBuf;

use crate::error::{Code, Error};

/// Where callers' own groups live below their own group, unless they say otherwise.
pub(crate) const OURS: &str = "ctr-ts";

/// A group's path, below our own group or (absolute) below the hierarchy's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupPath {
    pub(crate) absolute: bool,
    pub(crate) components: Vec<String>,
}

impl GroupPath {
    /// Accepts the root itself (`/`) and our own group (empty) as well: only for looking.
    pub(crate) fn parse_or_root(text: &str) -> Result<Self, Error> {
        let absolute = text.starts_with('/');
        let inner = text.strip_prefix('/').unwrap_or(text);
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let components: Vec<String> = match inner {
            "" => Vec::new(),
            _ => inner.split('/').map(str::to_owned).collect(),
        };
        for component in &components {
            if let Some(reason) = refusal(component) {
                return Err(Error::new(Code::Invalid, "parse group path", text, reason)
                    .with_hint("a group is named like asp or /asp/worker"));
            }
        }
        Ok(Self {
            absolute,
            components,
        })
    }

    /// A group that can be made and removed: never the root, never our own.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let path = Self::parse_or_root(text)?;
        if path.components.is_empty() {
            return Err(
                Error::new(Code::Invalid, "parse group path", text, "it names no group")
                    .with_hint("a group is named like asp or /asp/worker"),
            );
        }
        Ok(path)
    }

    pub(crate) fn relative(&self) -> PathBuf {
        self.components.iter().collect()
    }
}

fn refusal(component: &str) -> Option<&'static str> {
    if component.is_empty() || component == "." || component == ".." {
        return Some("it has an empty, `.` or `..` component");
    }
    if component.len() > 255 {
        return Some("a component is longer than 255 bytes");
    }
    if component.chars().any(char::is_control) {
        return Some("it has control characters");
    }
    // The kernel keeps this prefix for its own files.
    component
        .starts_with("cgroup.")
        .then_some("a component starts with `cgroup.`")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    #[test]
    fn paths_that_could_leave_the_hierarchy_are_refused() {
        for text in [
            "..",
            "a/../b",
            "/a//b",
            "./a",
            "a/.",
            "a\nb",
            "a\0",
            "cgroup.procs",
            "//",
            "",
        ] {
            assert_eq!(
                GroupPath::parse(text).unwrap_err().code(),
                "CGROUP_INVALID",
                "{text:?}"
            );
        }
        assert!(GroupPath::parse(&"x".repeat(256)).is_err());
        assert!(GroupPath::parse("/").is_err());
    }

    #[test]
    fn absolute_and_relative_paths_are_told_apart() {
        let relative = GroupPath::parse("ctr-ts/asp/").unwrap();
        assert!(!relative.absolute);
        assert_eq!(relative.relative(), PathBuf::from("ctr-ts/asp"));
        assert!(GroupPath::parse("/asp").unwrap().absolute);
        assert!(GroupPath::parse_or_root("/").unwrap().components.is_empty());
    }
}
