//! What an honest layer becomes.

use std::fs::File;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};

use tar::EntryType;

use crate::fixture::{PLAIN, Sandbox, Tar};

fn is_whiteout(sandbox: &Sandbox, name: &str) -> bool {
    let found = sandbox.path(name).symlink_metadata().unwrap();
    found.file_type().is_char_device() && found.rdev() == 0
}

fn opaque(sandbox: &Sandbox, name: &str) -> Option<Vec<u8>> {
    let directory = File::open(sandbox.path(name)).unwrap();
    ctr_sys::xattr::get(&directory, c"user.overlay.opaque").unwrap()
}

#[test]
fn files_directories_and_links_come_out_as_they_went_in() {
    let sandbox = Sandbox::new();
    let long = format!("deep/{}/{}", "n".repeat(120), "m".repeat(120));
    let tar = Tar::default()
        .directory("./", 0o755)
        .directory("etc/", 0o750)
        .file("etc/motd", "hello")
        .symlink("etc/link", "../../anywhere/at all")
        .hard_link("motd", "/etc/motd")
        .hard_link("link", "etc/link")
        .file(&long, "long")
        .with(EntryType::Regular, "setuid", 0o4755, |_| {})
        .with(EntryType::Fifo, "fifo", 0o640, |_| {})
        .with(EntryType::Directory, "sticky", 0o1777, |_| {});
    let applied = sandbox.apply(tar).unwrap();
    assert_eq!((applied.entries, applied.bytes), (10, 9));
    let mode = |name: &str| sandbox.path(name).symlink_metadata().unwrap().mode() & 0o7777;
    assert_eq!(sandbox.read("etc/motd"), "hello");
    assert_eq!(sandbox.read(&long), "long");
    let link = std::fs::read_link(sandbox.path("etc/link")).unwrap();
    assert_eq!(link.to_str(), Some("../../anywhere/at all"));
    let inode = |name: &str| sandbox.path(name).symlink_metadata().unwrap().ino();
    assert_eq!(inode("motd"), inode("etc/motd"));
    assert_eq!(inode("link"), inode("etc/link"));
    assert_eq!(mode("etc"), 0o750);
    assert_eq!(mode("setuid"), 0o4755);
    assert_eq!(mode("fifo"), 0o640);
    assert_eq!(mode("sticky"), 0o1777);
    assert_eq!(mode("deep"), 0o755);
    for name in ["", "etc", "etc/motd", "etc/link", "fifo"] {
        let found = sandbox.path(name).symlink_metadata().unwrap();
        assert_eq!(found.mtime(), 1_000_000_000, "{name}");
    }
}

#[test]
fn a_directory_without_permissions_still_takes_its_files() {
    let sandbox = Sandbox::new();
    let tar = Tar::default()
        .directory("closed", 0)
        .file("closed/inside", "x");
    sandbox.apply(tar).unwrap();
    let closed = sandbox.path("closed");
    assert_eq!(closed.metadata().unwrap().mode() & 0o7777, 0);
    std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o700)).unwrap();
    assert_eq!(sandbox.read("closed/inside"), "x");
}

#[test]
fn whiteouts_and_opaque_directories_take_overlay_form() {
    let sandbox = Sandbox::new();
    let tar = Tar::default()
        .file("etc/.wh.gone", "")
        .file("var/.wh..wh..opq", "")
        .file("var/new", "new")
        .file(".wh..wh.plnk/1.2", "aufs");
    sandbox.apply(tar).unwrap();
    assert!(is_whiteout(&sandbox, "etc/gone"));
    assert_eq!(opaque(&sandbox, "var"), Some(b"y".to_vec()));
    assert_eq!(opaque(&sandbox, "etc"), None);
    assert_eq!(sandbox.read("var/new"), "new");
    assert!(!sandbox.path(".wh..wh.plnk").exists());
}

#[test]
fn a_whiteout_never_hides_what_its_own_layer_has() {
    let sandbox = Sandbox::new();
    let tar = Tar::default()
        .file("a", "kept")
        .file(".wh.a", "")
        .file(".wh.b", "")
        .file("b", "kept")
        .file("d/x", "kept")
        .file(".wh.d", "")
        .file(".wh.e", "")
        .file("e/x", "kept");
    sandbox.apply(tar).unwrap();
    for name in ["a", "b", "d/x", "e/x"] {
        assert_eq!(sandbox.read(name), "kept", "{name}");
    }
    assert_eq!(opaque(&sandbox, "d"), Some(b"y".to_vec()));
    assert_eq!(opaque(&sandbox, "e"), Some(b"y".to_vec()));
}

#[test]
fn a_later_entry_replaces_an_earlier_one_of_its_name() {
    let sandbox = Sandbox::new();
    let tar = Tar::default()
        .file("file", "one")
        .file("file", "two")
        .symlink("link", "file")
        .file("link", "no link")
        .file("tree/a/b", "x")
        .file("tree", "flat")
        .symlink("usr", "file")
        .directory("usr", 0o755)
        .file("usr/x", "x")
        .directory("kept", 0o700)
        .file("kept/x", "x")
        .directory("kept", 0o711);
    sandbox.apply(tar).unwrap();
    assert_eq!(sandbox.read("file"), "two");
    assert_eq!(sandbox.read("link"), "no link");
    assert_eq!(sandbox.read("tree"), "flat");
    assert_eq!(sandbox.read("usr/x"), "x");
    assert_eq!(sandbox.read("kept/x"), "x");
    assert_eq!(
        sandbox.path("kept").metadata().unwrap().mode() & 0o7777,
        0o711
    );
}

#[test]
fn parents_that_are_links_are_followed_inside_the_root() {
    let sandbox = Sandbox::new();
    let tar = Tar::default()
        .directory("usr/bin", 0o755)
        .symlink("bin", "usr/bin")
        .file("bin/sh", "sh")
        .symlink("var/run", "/run")
        .file("var/run/lock/x", "lock")
        .symlink("up", "../../..")
        .file("up/top", "top");
    sandbox.apply(tar).unwrap();
    assert_eq!(sandbox.read("usr/bin/sh"), "sh");
    assert_eq!(sandbox.read("run/lock/x"), "lock");
    assert_eq!(sandbox.read("top"), "top");
    assert!(sandbox.outside_is_untouched());
}

#[test]
fn pax_records_name_own_and_date_an_entry() {
    let sandbox = Sandbox::new();
    let name = format!("{}/{}", "p".repeat(150), "q".repeat(150));
    let tar = Tar::default()
        .pax(&[("path", name.as_bytes()), ("mtime", b"1.5"), ("size", b"3")])
        .file("short", "abc");
    sandbox.apply(tar).unwrap();
    let found = sandbox.path(&name).metadata().unwrap();
    assert_eq!(
        (found.mtime(), found.mtime_nsec(), found.len()),
        (1, 500_000_000, 3)
    );
}

#[test]
fn only_harmless_attributes_are_taken_from_an_image() {
    let sandbox = Sandbox::new();
    let tar = Tar::default()
        .pax(&[
            ("SCHILY.xattr.user.note", b"kept"),
            ("SCHILY.xattr.user.overlay.redirect", b"/etc"),
            ("SCHILY.xattr.trusted.overlay.redirect", b"/etc"),
            ("SCHILY.xattr.security.selinux", b"x"),
        ])
        .directory("d", 0o755);
    let applied = sandbox.apply(tar).unwrap();
    assert_eq!(applied.skipped_xattrs, 3);
    let directory = File::open(sandbox.path("d")).unwrap();
    let get = |name| ctr_sys::xattr::get(&directory, name).unwrap();
    assert_eq!(get(c"user.note"), Some(b"kept".to_vec()));
    assert_eq!(get(c"user.overlay.redirect"), None);
    assert_eq!(get(c"trusted.overlay.redirect"), None);
}

#[test]
fn a_device_that_looks_like_a_whiteout_is_left_out() {
    let sandbox = Sandbox::new();
    let tar = Tar::default().with(EntryType::Char, "null", 0o666, |header| {
        header.set_device_major(0).unwrap();
        header.set_device_minor(0).unwrap();
    });
    assert_eq!(sandbox.apply(tar).unwrap().skipped_devices, 1);
    assert!(!sandbox.path("null").exists());
}

#[test]
fn a_device_is_made_where_that_is_permitted_and_counted_where_not() {
    let sandbox = Sandbox::new();
    let tar = Tar::default().with(EntryType::Char, "null", 0o666, |header| {
        header.set_device_major(1).unwrap();
        header.set_device_minor(3).unwrap();
    });
    let applied = sandbox.apply(tar).unwrap();
    let made = sandbox.path("null").symlink_metadata();
    if applied.skipped_devices == 0 {
        let made = made.unwrap();
        assert_eq!((made.rdev(), made.mode() & 0o7777), (0x103, 0o666));
    } else {
        assert!(made.is_err());
    }
}

#[test]
fn owners_are_kept_or_all_made_root() {
    if !nix::unistd::getuid().is_root() {
        return;
    }
    let tar = Tar::default()
        .with(EntryType::Regular, "file", 0o4755, |header| {
            header.set_uid(1234)
        })
        .with(EntryType::Directory, "directory", 0o755, |header| {
            header.set_gid(70000)
        })
        .with(EntryType::Fifo, "fifo", 0o600, |header| header.set_uid(7))
        .finish();
    let sandbox = Sandbox::new();
    let owner = |name: &str| {
        let found = sandbox.path(name).metadata().unwrap();
        (found.uid(), found.gid())
    };
    sandbox.apply_with(&tar, &PLAIN).unwrap();
    assert_eq!(owner("file"), (1234, 0));
    assert_eq!(
        sandbox.path("file").metadata().unwrap().mode() & 0o7777,
        0o4755
    );
    assert_eq!(owner("directory"), (0, 70000));
    assert_eq!(owner("fifo"), (7, 0));
    sandbox
        .apply_with(
            &tar,
            &ctr_layer::Options {
                squash_owner: true,
                ..PLAIN
            },
        )
        .unwrap();
    for name in ["file", "directory", "fifo"] {
        assert_eq!(owner(name), (0, 0), "{name}");
    }
}
