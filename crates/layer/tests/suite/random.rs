//! Whatever entries come in whatever order, nothing outside the directory changes.

use proptest::prelude::*;
use tar::EntryType;

use crate::fixture::{Sandbox, Tar};

/// Few names, so that entries meet: as parents, as links, as whiteouts, as their own target.
fn name() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "a",
        "b",
        "c",
        "..",
        ".",
        "",
        ".wh.a",
        ".wh.b",
        ".wh..wh..opq",
        "outside",
        "canary",
    ]);
    (any::<bool>(), prop::collection::vec(part, 1..4)).prop_map(|(absolute, parts)| {
        format!("{}{}", if absolute { "/" } else { "" }, parts.join("/"))
    })
}

fn kind() -> impl Strategy<Value = EntryType> {
    prop::sample::select(vec![
        EntryType::Regular,
        EntryType::Directory,
        EntryType::Directory,
        EntryType::Symlink,
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Fifo,
        EntryType::Char,
    ])
}

fn target() -> impl Strategy<Value = String> {
    prop_oneof![
        name(),
        Just("../outside".to_owned()),
        Just("OUTSIDE".to_owned())
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn nothing_outside_changes(
        entries in prop::collection::vec((kind(), name(), target()), 1..24),
    ) {
        let sandbox = Sandbox::new();
        let outside = sandbox.outside();
        // Applied one by one, so that a refused entry does not save us from the rest.
        for (kind, name, target) in &entries {
            let target = target.replace("OUTSIDE", outside.to_str().unwrap());
            let content: &[u8] = if *kind == EntryType::Regular { b"dead" } else { b"" };
            let tar = Tar::default().entry(*kind, name.as_bytes(), target.as_bytes(), content);
            let result = sandbox.apply(tar);
            prop_assert!(sandbox.outside_is_untouched(), "{kind:?} {name} {target}: {result:?}");
        }
    }

    #[test]
    fn whole_archives_keep_inside_too(
        entries in prop::collection::vec((kind(), name(), target()), 1..24),
    ) {
        let sandbox = Sandbox::new();
        let outside = sandbox.outside();
        let mut tar = Tar::default();
        for (kind, name, target) in &entries {
            // Names that are refused would end the archive at the first of them.
            let name = name.replace("..", "a").replace(".wh.a", ".wh.b");
            let target = target.replace("OUTSIDE", outside.to_str().unwrap());
            let content: &[u8] = if *kind == EntryType::Regular { b"dead" } else { b"" };
            tar = tar.entry(*kind, name.as_bytes(), target.as_bytes(), content);
        }
        let result = sandbox.apply(tar);
        prop_assert!(sandbox.outside_is_untouched(), "{result:?}");
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        let sandbox = Sandbox::new();
        let _ = sandbox.apply_with(&bytes, &crate::fixture::PLAIN);
        let damaged = Tar::default().file("a", "x").raw(&bytes).finish();
        let _ = sandbox.apply_with(&damaged, &crate::fixture::PLAIN);
        prop_assert!(sandbox.outside_is_untouched());
    }
}
