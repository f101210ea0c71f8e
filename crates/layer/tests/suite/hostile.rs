//! Layers that try to reach out of their root, or to wear us out.

use std::fs::File;
use std::os::fd::AsFd as _;

use ctr_layer::{Limits, apply_within};
use tar::EntryType;

use crate::fixture::{PLAIN, Sandbox, Tar};

fn code(sandbox: &Sandbox, tar: Tar) -> &'static str {
    let code = match sandbox.apply(tar) {
        Ok(_) => "OK",
        Err(error) => error.code(),
    };
    assert!(sandbox.outside_is_untouched());
    code
}

#[test]
fn names_that_climb_are_refused() {
    for name in ["../x", "a/../../x", "..", "/../x", "a/.."] {
        let sandbox = Sandbox::new();
        assert_eq!(
            code(&sandbox, Tar::default().file(name, "x")),
            "LAYER_UNSAFE_PATH",
            "{name}"
        );
        let link = Tar::default().file("a", "x").hard_link("b", name);
        assert_eq!(code(&sandbox, link), "LAYER_UNSAFE_PATH", "{name}");
    }
    let sandbox = Sandbox::new();
    assert_eq!(
        code(&sandbox, Tar::default().file("a/.wh...", "")),
        "LAYER_UNSAFE_PATH"
    );
}

#[test]
fn an_absolute_name_is_below_the_root() {
    let sandbox = Sandbox::new();
    assert_eq!(
        code(&sandbox, Tar::default().file("/etc/ctr-layer-test", "x")),
        "OK"
    );
    assert_eq!(sandbox.read("etc/ctr-layer-test"), "x");
}

#[test]
fn a_link_as_parent_stays_inside() {
    let sandbox = Sandbox::new();
    let outside = sandbox.outside();
    let target = outside.to_str().unwrap();
    for (link, to) in [
        ("abs", target),
        ("rel", "../outside"),
        ("far", "../../../../../.."),
    ] {
        let tar = Tar::default()
            .symlink(link, to)
            .file(&format!("{link}/canary"), "dead")
            .file(&format!("{link}/.wh.canary"), "")
            .file(&format!("{link}/.wh..wh..opq"), "")
            .directory(&format!("{link}/sub"), 0o777);
        assert_eq!(code(&sandbox, tar), "OK", "{link}");
    }
    // The absolute target was taken from the layer's root.
    let inside = format!("{}/canary", target.trim_start_matches('/'));
    assert_eq!(sandbox.read(&inside), "dead");
}

#[test]
fn a_link_is_replaced_not_written_through() {
    let sandbox = Sandbox::new();
    let canary = sandbox.outside().join("canary");
    let canary = canary.to_str().unwrap();
    let tar = Tar::default()
        .symlink("a", canary)
        .file("a", "dead")
        .symlink("d", sandbox.outside().to_str().unwrap())
        .directory("d", 0o777);
    assert_eq!(code(&sandbox, tar), "OK");
    assert_eq!(sandbox.read("a"), "dead");
    assert!(sandbox.path("d").symlink_metadata().unwrap().is_dir());
}

#[test]
fn a_hard_link_finds_no_file_of_the_host() {
    let sandbox = Sandbox::new();
    let canary = sandbox.outside().join("canary");
    let canary = canary.to_str().unwrap();
    assert_eq!(
        code(&sandbox, Tar::default().hard_link("a", canary)),
        "LAYER_CORRUPT"
    );
    let through = Tar::default()
        .symlink("out", sandbox.outside().to_str().unwrap())
        .hard_link("b", "out/canary");
    assert_eq!(code(&sandbox, through), "LAYER_CORRUPT");
    // A link itself can be linked; writing to its name then replaces it.
    let itself = Tar::default()
        .symlink("l", canary)
        .hard_link("m", "l")
        .file("m", "dead");
    assert_eq!(code(&sandbox, itself), "OK");
}

#[test]
fn a_hard_link_to_nothing_is_corrupt() {
    for tar in [
        Tar::default().hard_link("a", "missing"),
        Tar::default().directory("d", 0o755).hard_link("a", "d"),
        Tar::default().hard_link("a", "/"),
        Tar::default().file("d/f", "x").hard_link("d", "d/f"),
        Tar::default().file(".wh.w", "").hard_link("a", "w"),
    ] {
        let sandbox = Sandbox::new();
        assert_eq!(code(&sandbox, tar), "LAYER_CORRUPT");
    }
    let sandbox = Sandbox::new();
    let same = Tar::default().file("f", "x").hard_link("f", "f");
    assert_eq!(code(&sandbox, same), "OK");
    assert_eq!(sandbox.read("f"), "x");
}

#[test]
fn links_in_a_circle_end() {
    let sandbox = Sandbox::new();
    let tar = Tar::default()
        .symlink("a", "b")
        .symlink("b", "a")
        .file("a/x", "x");
    assert_eq!(code(&sandbox, tar), "LAYER_CORRUPT");
}

#[test]
fn a_file_is_no_parent() {
    let sandbox = Sandbox::new();
    assert_eq!(
        code(&sandbox, Tar::default().file("a", "x").file("a/b", "x")),
        "LAYER_CORRUPT"
    );
}

#[test]
fn the_root_stays_a_directory() {
    for kind in [EntryType::Regular, EntryType::Symlink, EntryType::Char] {
        let sandbox = Sandbox::new();
        assert_eq!(
            code(&sandbox, Tar::default().entry(kind, b"./", b"x", b"")),
            "LAYER_CORRUPT"
        );
    }
}

#[test]
fn ids_and_sizes_that_mean_something_else_are_refused() {
    let sandbox = Sandbox::new();
    let everyone = Tar::default().pax(&[("uid", b"4294967295")]).file("a", "x");
    assert_eq!(code(&sandbox, everyone), "LAYER_CORRUPT");
    let too_large = Tar::default().pax(&[("gid", b"4294967296")]).file("a", "x");
    assert_eq!(code(&sandbox, too_large), "LAYER_CORRUPT");
    let smuggled = Tar::default().entry(EntryType::Directory, b"d", b"", b"content");
    assert_eq!(code(&sandbox, smuggled), "LAYER_CORRUPT");
    let absurd = Tar::default()
        .pax(&[("size", b"18446744073709551615")])
        .file("a", "x");
    assert_eq!(code(&sandbox, absurd), "LAYER_CORRUPT");
}

#[test]
fn sparse_files_and_other_rarities_are_refused_by_name() {
    let sandbox = Sandbox::new();
    let sparse = Tar::default().entry(EntryType::GNUSparse, b"a", b"", b"");
    assert_eq!(code(&sandbox, sparse), "LAYER_UNSUPPORTED");
    let pax = Tar::default()
        .pax(&[("GNU.sparse.major", b"1")])
        .file("a", "x");
    assert_eq!(code(&sandbox, pax), "LAYER_UNSUPPORTED");
}

#[test]
fn limits_hold() {
    let sandbox = Sandbox::new();
    let root = File::open(sandbox.root()).unwrap();
    let apply = |tar: Tar, limits: Limits| {
        apply_within(&*tar.finish(), root.as_fd(), &[], &PLAIN, &limits)
            .map_err(|error| error.code())
    };
    let few = Limits {
        entries: 2,
        ..Limits::default()
    };
    let three = || Tar::default().file("a", "").file("b", "").file("c", "");
    assert_eq!(apply(three(), few), Err("LAYER_LIMIT"));
    assert!(
        apply(
            three(),
            Limits {
                entries: 3,
                ..Limits::default()
            }
        )
        .is_ok()
    );
    let long = "x/".repeat(3000);
    assert_eq!(
        apply(Tar::default().file(&long, ""), Limits::default()),
        Err("LAYER_LIMIT")
    );
    let records = vec![b'x'; 2 << 20];
    let big = Tar::default().pax(&[("comment", &records)]).file("a", "");
    assert_eq!(apply(big, Limits::default()), Err("LAYER_LIMIT"));
    let small = Limits {
        directory_bytes: 1000,
        ..Limits::default()
    };
    let wide = (0..10).fold(Tar::default(), |tar, n| {
        tar.directory(&n.to_string(), 0o755)
    });
    assert_eq!(apply(wide, small), Err("LAYER_LIMIT"));
}

#[test]
fn a_name_longer_than_a_file_system_takes_is_a_limit() {
    let sandbox = Sandbox::new();
    assert_eq!(
        code(&sandbox, Tar::default().file(&"x".repeat(256), "")),
        "LAYER_LIMIT"
    );
}
