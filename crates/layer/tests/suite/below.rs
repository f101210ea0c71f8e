//! What a layer takes for granted of the layers below it.

use std::fs::File;
use std::os::unix::fs::MetadataExt;

use ctr_layer::{Applied, Error, Options};
use tar::EntryType;

use crate::fixture::{PLAIN, Sandbox, Tar};

/// Applies layers on each other; they come back uppermost first.
fn stack(layers: Vec<Tar>, options: &Options) -> Vec<Sandbox> {
    let mut stack: Vec<Sandbox> = Vec::new();
    for layer in layers {
        let sandbox = Sandbox::new();
        on(&stack, &sandbox, layer, options).unwrap();
        stack.insert(0, sandbox);
    }
    stack
}

fn on(lowers: &[Sandbox], top: &Sandbox, tar: Tar, options: &Options) -> Result<Applied, Error> {
    let lowers: Vec<&Sandbox> = lowers.iter().collect();
    top.apply_on(&lowers, &tar.finish(), options)
}

/// The uppermost of layers applied on each other.
fn top(layers: Vec<Tar>) -> Sandbox {
    stack(layers, &PLAIN).remove(0)
}

fn mode(sandbox: &Sandbox, name: &str) -> u32 {
    sandbox.path(name).symlink_metadata().unwrap().mode() & 0o7777
}

fn note(sandbox: &Sandbox, name: &str) -> Option<Vec<u8>> {
    let directory = File::open(sandbox.path(name)).unwrap();
    ctr_sys::xattr::get(&directory, c"user.note").unwrap()
}

fn names(sandbox: &Sandbox, directory: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(sandbox.path(directory))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

const NOTE: (&str, &[u8]) = ("SCHILY.xattr.user.note", b"below");

#[test]
fn a_directory_without_an_entry_looks_like_the_one_below() {
    let top = top(vec![
        Tar::default()
            .pax(&[NOTE])
            .directory("./", 0o711)
            .pax(&[NOTE, ("mtime", b"1234.5")])
            .directory("tmp", 0o1777)
            .directory("tmp/private", 0o700)
            .file("tmp/.wh..wh..opq", ""),
        Tar::default().file("tmp/private/x", "x").file("new/x", "x"),
    ]);
    assert_eq!(mode(&top, "tmp"), 0o1777);
    assert_eq!(mode(&top, "tmp/private"), 0o700);
    assert_eq!(mode(&top, ""), 0o711);
    assert_eq!(mode(&top, "new"), 0o755);
    let time = |name: &str| {
        let found = top.path(name).metadata().unwrap();
        (found.mtime(), found.mtime_nsec())
    };
    assert_eq!(time("tmp"), (1234, 500_000_000));
    assert_eq!(time("tmp/private"), (1_000_000_000, 0));
    assert_eq!(time(""), (1_000_000_000, 0));
    for name in ["", "tmp"] {
        assert_eq!(note(&top, name), Some(b"below".to_vec()), "{name}");
    }
    let directory = File::open(top.path("tmp")).unwrap();
    let mark = ctr_sys::xattr::get(&directory, c"user.overlay.opaque").unwrap();
    assert_eq!(mark, None, "a mark of overlayfs is of its own layer");
}

#[test]
fn an_entry_says_all_about_its_directory_wherever_it_stands() {
    let top = top(vec![
        Tar::default()
            .pax(&[NOTE])
            .directory("./", 0o711)
            .pax(&[NOTE])
            .directory("tmp", 0o1777),
        Tar::default()
            .file("tmp/x", "x")
            .directory("tmp", 0o750)
            .directory("./", 0o755),
    ]);
    for (name, expected) in [("tmp", 0o750), ("", 0o755)] {
        assert_eq!(mode(&top, name), expected, "{name}");
        assert_eq!(note(&top, name), None, "{name}");
    }
}

#[test]
fn owners_below_are_kept_and_those_of_squashed_layers_are_root() {
    if !nix::unistd::getuid().is_root() {
        eprintln!("skipped: only root may give files away");
        return;
    }
    let layers = || {
        vec![
            Tar::default().with(EntryType::Directory, "home", 0o2750, |header| {
                header.set_uid(1234);
                header.set_gid(70000);
            }),
            Tar::default().file("home/x", "x"),
        ]
    };
    for (squash_owner, owner) in [(false, (1234, 70000)), (true, (0, 0))] {
        let options = Options {
            squash_owner,
            ..PLAIN
        };
        let top = stack(layers(), &options).remove(0);
        let found = top.path("home").metadata().unwrap();
        assert_eq!((found.uid(), found.gid()), owner);
        assert_eq!(mode(&top, "home"), 0o2750);
    }
}

#[test]
fn a_parent_that_is_a_link_below_is_followed_inside_the_root() {
    let top = top(vec![
        Tar::default()
            .directory("usr", 0o755)
            .directory("usr/lib", 0o711)
            .symlink("lib", "usr/lib")
            .symlink("run", "/../../var/run")
            .symlink("var/run", "../up/../state")
            .symlink("dangling", "made/here"),
        Tar::default()
            .file("lib/x", "x")
            .hard_link("lib/hard", "lib/x")
            .file("lib/.wh.gone", "")
            .file("run/y", "y")
            .file("dangling/z", "z"),
    ]);
    assert_eq!(names(&top, "usr/lib"), ["gone", "hard", "x"]);
    assert_eq!(mode(&top, "usr/lib"), 0o711);
    assert_eq!(top.read("state/y"), "y");
    assert_eq!(top.read("made/here/z"), "z");
    for hidden in ["lib", "run", "var/run", "dangling"] {
        assert!(top.path(hidden).symlink_metadata().is_err(), "{hidden}");
    }
    assert!(top.outside_is_untouched());
}

#[test]
fn an_entry_takes_the_place_of_a_link_below_from_there_on() {
    let below = || Tar::default().directory("usr/lib", 0o755);
    let cases: Vec<(&str, Tar)> = vec![
        ("directory", Tar::default().directory("lib", 0o700)),
        ("whiteout", Tar::default().file(".wh.lib", "")),
        ("opaque", Tar::default().file(".wh..wh..opq", "")),
        ("link", Tar::default().symlink("lib", "other")),
    ];
    for (title, replace) in cases {
        let before = Tar::default().file("lib/before", "x").unfinished();
        let after = Tar::default().file("lib/after", "x").unfinished();
        let replaced = replace.unfinished();
        let tar = Tar::default().raw(&before).raw(&replaced).raw(&after);
        let top = top(vec![below().symlink("lib", "usr/lib"), tar]);
        assert_eq!(names(&top, "usr/lib"), ["before"], "{title}");
        assert_eq!(names(&top, "lib"), ["after"], "{title}");
    }
    let tar = Tar::default()
        .file("lib/before", "x")
        .file("lib", "x")
        .file("lib/after", "x");
    let stack = stack(vec![below().symlink("lib", "usr/lib")], &PLAIN);
    let refused = on(&stack, &Sandbox::new(), tar, &PLAIN).unwrap_err();
    assert_eq!(refused.code(), "LAYER_CORRUPT");
}

#[test]
fn what_a_layer_between_removed_is_absent() {
    let top = top(vec![
        Tar::default()
            .directory("tmp", 0o1777)
            .directory("opaque", 0o711)
            .directory("opaque/sub", 0o700)
            .directory("replaced", 0o700)
            .symlink("opaque/link", "../tmp")
            .symlink("lib", "usr/lib"),
        Tar::default()
            .file(".wh.tmp", "")
            .file(".wh.lib", "")
            .file("opaque/.wh..wh..opq", "")
            .file("replaced", "a file"),
        Tar::default()
            .file("tmp/x", "x")
            .file("lib/x", "x")
            .file("opaque/sub/x", "x")
            .file("opaque/link/x", "x")
            .file("replaced/x", "x"),
    ]);
    for name in ["tmp", "lib", "opaque/sub", "opaque/link", "replaced"] {
        assert_eq!(names(&top, name), ["x"], "{name}");
        assert_eq!(mode(&top, name), 0o755, "{name}");
    }
    assert_eq!(mode(&top, "opaque"), 0o711);
}

#[test]
fn what_the_layer_itself_removed_is_absent() {
    let top = top(vec![
        Tar::default()
            .directory("tmp", 0o1777)
            .directory("opaque/sub", 0o700)
            .symlink("lib", "usr/lib"),
        Tar::default()
            .file(".wh.tmp", "")
            .file("tmp/x", "x")
            .file(".wh.lib", "")
            .file("lib/x", "x")
            .file("opaque/.wh..wh..opq", "")
            .file("opaque/sub/x", "x"),
    ]);
    for name in ["tmp", "lib", "opaque/sub"] {
        assert_eq!(mode(&top, name), 0o755, "{name}");
        assert_eq!(names(&top, name), ["x"], "{name}");
    }
}

#[test]
fn three_layers_show_the_uppermost_of_what_they_have() {
    let stack = stack(
        vec![
            Tar::default()
                .directory("a", 0o700)
                .directory("a/deep", 0o1770)
                .symlink("usr", "a"),
            Tar::default().directory("a", 0o711).file("a/y", "y"),
            Tar::default().file("b/z", "z").symlink("link", "usr/deep"),
            Tar::default().file("link/x", "x").file("a/y2", "y"),
        ],
        &PLAIN,
    );
    let [top, third, ..] = &stack[..] else {
        panic!("four layers");
    };
    assert_eq!(top.read("a/deep/x"), "x");
    assert_eq!(mode(top, "a"), 0o711);
    assert_eq!(mode(top, "a/deep"), 0o1770);
    assert_eq!(names(top, ""), ["a"]);
    assert_eq!(names(third, ""), ["b", "link"]);
}

#[test]
fn links_of_several_layers_that_go_round_are_refused() {
    let stack = stack(
        vec![
            Tar::default().symlink("a", "b"),
            Tar::default().symlink("b", "/a"),
        ],
        &PLAIN,
    );
    let top = Sandbox::new();
    let refused = on(&stack, &top, Tar::default().file("a/x", "x"), &PLAIN).unwrap_err();
    assert_eq!(refused.code(), "LAYER_CORRUPT");
    assert!(top.outside_is_untouched());
}

#[test]
fn the_layers_below_stay_as_they_are() {
    let below = Tar::default()
        .directory("usr/lib", 0o755)
        .file("usr/lib/kept", "below")
        .symlink("lib", "usr/lib")
        .finish();
    let (lower, top) = (Sandbox::new(), Sandbox::new());
    lower.apply_with(&below, &PLAIN).unwrap();
    let tar = Tar::default()
        .file("lib/kept", "above")
        .file("lib/new", "above")
        .file("lib/.wh..wh..opq", "")
        .file(".wh.usr", "");
    top.apply_on(&[&lower], &tar.finish(), &PLAIN).unwrap();
    assert_eq!(lower.read("usr/lib/kept"), "below");
    assert_eq!(names(&lower, "usr/lib"), ["kept"]);
    assert_eq!(names(&lower, ""), ["lib", "usr"]);
    assert_eq!(top.read("usr/lib/kept"), "above");
}
