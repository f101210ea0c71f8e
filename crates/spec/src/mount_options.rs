//! Mount options: the strings of mount(8) sorted into attributes, propagation and parameters.

use crate::error::{Code, Error};
use crate::plan::{Atime, Attributes, Propagation};

/// What the options of one mount say.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Options {
    pub(crate) attributes: Attributes,
    pub(crate) propagation: Option<Propagation>,
    /// `Some(recursive)` when the mount is a bind mount.
    pub(crate) bind: Option<bool>,
    /// Go on when the kernel lacks the file system.
    pub(crate) optional: bool,
    /// Everything else: parameters of the file system.
    pub(crate) parameters: Vec<(String, Option<String>)>,
}

/// What a known option does.
#[derive(Clone, Copy)]
enum Meaning {
    Attribute(Attribute, bool),
    Atime(Atime),
    /// Back to the kernel's default access time updates, when they are these.
    NoAtime(Atime),
    Propagation(Propagation),
    Bind {
        recursive: bool,
    },
    Optional,
    /// Says what is so anyway.
    Default,
    /// Known to mount(8), not expressible in a Plan.
    Unsupported,
}

#[derive(Clone, Copy)]
enum Attribute {
    Readonly,
    Nosuid,
    Nodev,
    Noexec,
    Nosymfollow,
}

/// Options with a meaning of their own. A name with `r` before it (`rro`) sets the same attribute
/// on every mount below as well, mount_setattr(2).
const OPTIONS: &[(&str, Meaning)] = &[
    ("ro", Meaning::Attribute(Attribute::Readonly, true)),
    ("rw", Meaning::Attribute(Attribute::Readonly, false)),
    ("nosuid", Meaning::Attribute(Attribute::Nosuid, true)),
    ("suid", Meaning::Attribute(Attribute::Nosuid, false)),
    ("nodev", Meaning::Attribute(Attribute::Nodev, true)),
    ("dev", Meaning::Attribute(Attribute::Nodev, false)),
    ("noexec", Meaning::Attribute(Attribute::Noexec, true)),
    ("exec", Meaning::Attribute(Attribute::Noexec, false)),
    (
        "nosymfollow",
        Meaning::Attribute(Attribute::Nosymfollow, true),
    ),
    (
        "symfollow",
        Meaning::Attribute(Attribute::Nosymfollow, false),
    ),
    ("noatime", Meaning::Atime(Atime::Noatime)),
    ("relatime", Meaning::Atime(Atime::Relatime)),
    ("strictatime", Meaning::Atime(Atime::Strictatime)),
    ("atime", Meaning::NoAtime(Atime::Noatime)),
    ("norelatime", Meaning::NoAtime(Atime::Relatime)),
    ("nostrictatime", Meaning::NoAtime(Atime::Strictatime)),
    ("diratime", Meaning::Default),
    ("nodiratime", Meaning::Unsupported),
    ("bind", Meaning::Bind { recursive: false }),
    ("rbind", Meaning::Bind { recursive: true }),
    ("private", Meaning::Propagation(Propagation::Private)),
    ("rprivate", Meaning::Propagation(Propagation::Rprivate)),
    ("slave", Meaning::Propagation(Propagation::Slave)),
    ("rslave", Meaning::Propagation(Propagation::Rslave)),
    ("shared", Meaning::Propagation(Propagation::Shared)),
    ("rshared", Meaning::Propagation(Propagation::Rshared)),
    ("unbindable", Meaning::Propagation(Propagation::Unbindable)),
    (
        "runbindable",
        Meaning::Propagation(Propagation::Runbindable),
    ),
    ("nofail", Meaning::Optional),
    ("defaults", Meaning::Default),
    ("remount", Meaning::Unsupported),
    ("idmap", Meaning::Unsupported),
    ("ridmap", Meaning::Unsupported),
    ("tmpcopyup", Meaning::Unsupported),
];

/// Sorts the options of `field` (`mounts[1].options`). Later options win over earlier ones.
///
/// A Plan sets attributes on one mount or on its whole tree. With one recursive word, words that
/// restrict (`nosuid`) are recursive too: they restrict more than was asked, never less. A word that
/// loosens, or changes access times, is refused beside it.
pub(crate) fn parse(options: &[String], field: &str) -> Result<Options, Error> {
    let mut parsed = Options::default();
    let mut plain = None;
    let mut recursive = None;
    for (index, option) in options.iter().enumerate() {
        let field = format!("{field}[{index}]");
        match meaning(option) {
            Some((Meaning::Unsupported, _)) => {
                return Err(Error::new(
                    Code::UnsupportedField,
                    field,
                    format!("mount with option {option:?}: not supported"),
                ));
            }
            Some((meaning, is_recursive)) => {
                match meaning {
                    Meaning::Attribute(..) | Meaning::Atime(_) if is_recursive => {
                        recursive.get_or_insert(option);
                    }
                    Meaning::Attribute(_, false) | Meaning::Atime(_) => {
                        plain.get_or_insert(option);
                    }
                    _ => {}
                }
                apply(meaning, &mut parsed);
            }
            None => parsed.parameters.push(parameter(option, &field)?),
        }
    }
    if let (Some(plain), Some(recursive)) = (plain, recursive) {
        return Err(Error::new(
            Code::UnsupportedField,
            field,
            format!("mount with both {plain:?} and {recursive:?}: not supported in one mount"),
        )
        .with_hint("write both with a leading `r`, or neither"));
    }
    parsed.attributes.recursive = recursive.is_some();
    Ok(parsed)
}

/// The option's meaning and whether it was the recursive spelling.
fn meaning(option: &str) -> Option<(Meaning, bool)> {
    let find = |name: &str| {
        OPTIONS
            .iter()
            .find(|(row, _)| *row == name)
            .map(|row| row.1)
    };
    if let Some(meaning) = find(option) {
        return Some((meaning, false));
    }
    let meaning = find(option.strip_prefix('r')?)?;
    let recursive = match meaning {
        Meaning::Attribute(..) | Meaning::Atime(_) | Meaning::NoAtime(_) => true,
        // `rnodiratime` and the like: the recursive form of something unsupported.
        Meaning::Unsupported => option.contains("atime"),
        _ => false,
    };
    recursive.then_some((meaning, true))
}

fn apply(meaning: Meaning, options: &mut Options) {
    let attributes = &mut options.attributes;
    match meaning {
        Meaning::Attribute(attribute, on) => match attribute {
            Attribute::Readonly => attributes.readonly = on,
            Attribute::Nosuid => attributes.nosuid = on,
            Attribute::Nodev => attributes.nodev = on,
            Attribute::Noexec => attributes.noexec = on,
            Attribute::Nosymfollow => attributes.nosymfollow = on,
        },
        Meaning::Atime(atime) => attributes.atime = Some(atime),
        Meaning::NoAtime(atime) => {
            if attributes.atime == Some(atime) {
                attributes.atime = None;
            }
        }
        Meaning::Propagation(propagation) => options.propagation = Some(propagation),
        Meaning::Bind { recursive } => options.bind = Some(recursive),
        Meaning::Optional => options.optional = true,
        Meaning::Default | Meaning::Unsupported => {}
    }
}

/// `name` or `name=value`, for fsconfig(2).
fn parameter(option: &str, field: &str) -> Result<(String, Option<String>), Error> {
    let (name, value) = match option.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (option, None),
    };
    if name.is_empty() || option.contains('\0') {
        return Err(Error::new(
            Code::InvalidMount,
            field,
            format!("mount with option {option:?}: it has no name or a NUL byte"),
        ));
    }
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn options(words: &str) -> Result<Options, Error> {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        parse(&words, "mounts[0].options")
    }

    #[test]
    fn attributes_propagation_and_parameters_are_told_apart() {
        let parsed =
            options("nosuid noexec size=64m rslave ro mode=755 newinstance noatime").unwrap();
        assert_eq!(
            parsed.attributes,
            Attributes {
                readonly: true,
                nosuid: true,
                noexec: true,
                atime: Some(Atime::Noatime),
                ..Attributes::default()
            }
        );
        assert_eq!(parsed.propagation, Some(Propagation::Rslave));
        let expected = [
            ("size", Some("64m")),
            ("mode", Some("755")),
            ("newinstance", None),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned)));
        assert_eq!(parsed.parameters, expected);
    }

    #[test]
    fn the_last_word_wins() {
        assert!(!options("ro rw").unwrap().attributes.readonly);
        assert!(options("rw ro").unwrap().attributes.readonly);
        assert_eq!(options("noatime atime").unwrap().attributes.atime, None);
        assert_eq!(options("bind rbind").unwrap().bind, Some(true));
    }

    #[test]
    fn recursive_spellings_set_the_attribute_for_the_tree() {
        let parsed = options("rbind rro rnosuid rnodev rnoatime").unwrap();
        assert!(parsed.attributes.recursive && parsed.attributes.readonly);
        assert!(parsed.attributes.nosuid && parsed.attributes.nodev);
        assert_eq!(parsed.parameters, []);
        let mixed = options("rbind rro nosuid").unwrap().attributes;
        assert!(mixed.recursive && mixed.readonly && mixed.nosuid);
        // Words that only look recursive keep their own meaning.
        assert!(!options("relatime").unwrap().attributes.recursive);
        assert_eq!(
            options("rprivate").unwrap().propagation,
            Some(Propagation::Rprivate)
        );
        assert_eq!(options("rsize=1").unwrap().parameters.len(), 1);
    }

    #[test]
    fn what_a_plan_cannot_say_is_refused() {
        for bad in [
            "idmap",
            "remount",
            "nodiratime",
            "rnodiratime",
            "tmpcopyup",
            "rro suid",
            "rro noatime",
        ] {
            assert_eq!(
                options(bad).unwrap_err().code(),
                "UNSUPPORTED_FIELD",
                "{bad}"
            );
        }
        assert_eq!(
            options("=x").unwrap_err().field(),
            Some("mounts[0].options[0]")
        );
    }

    #[test]
    fn no_option_is_listed_twice() {
        for (index, (name, _)) in OPTIONS.iter().enumerate() {
            assert!(
                OPTIONS[..index].iter().all(|(other, _)| other != name),
                "{name}"
            );
        }
    }
}
