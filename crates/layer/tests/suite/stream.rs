//! The blob as bytes: digests, gzip members, damage.

use std::io::Read;

use ctr_layer::{Compression, Options};
use sha2::{Digest as _, Sha256};

use crate::fixture::{PLAIN, Sandbox, Tar, gzip};

const GZIP: Options = Options {
    compression: Compression::Gzip,
    ..PLAIN
};

fn sha256(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}

fn tar() -> Vec<u8> {
    Tar::default()
        .file("a", &"content ".repeat(5000))
        .directory("d", 0o755)
        .finish()
}

#[test]
fn both_digests_are_of_every_byte() {
    let tar = [tar(), vec![0; 10240]].concat();
    for (blob, options) in [(tar.clone(), PLAIN), (gzip(&tar), GZIP)] {
        let applied = Sandbox::new().apply_with(&blob, &options).unwrap();
        assert_eq!(applied.digest, sha256(&blob));
        assert_eq!(applied.diff_id, sha256(&tar));
        assert_eq!(applied.bytes, 40000);
    }
}

#[test]
fn gzip_members_and_padding_after_them_are_read() {
    let tar = tar();
    let (head, tail) = tar.split_at(1000);
    let members = [gzip(head), gzip(b""), gzip(tail)].concat();
    let applied = Sandbox::new().apply_with(&members, &GZIP).unwrap();
    assert_eq!(
        (applied.digest, applied.diff_id),
        (sha256(&members), sha256(&tar))
    );
    for trailing in [vec![0; 4096], b"PADDING".to_vec()] {
        let padded = [gzip(&tar), trailing].concat();
        let applied = Sandbox::new().apply_with(&padded, &GZIP).unwrap();
        assert_eq!(
            (applied.digest, applied.diff_id),
            (sha256(&padded), sha256(&tar))
        );
    }
}

#[test]
fn a_damaged_blob_is_corrupt_wherever_it_is_cut() {
    let tar = tar();
    let blob = gzip(&tar);
    for length in [0, 1, 5, 10, blob.len() / 2, blob.len() - 9, blob.len() - 1] {
        let error = Sandbox::new()
            .apply_with(&blob[..length], &GZIP)
            .unwrap_err();
        assert_eq!(error.code(), "LAYER_CORRUPT", "cut at {length}");
    }
    for length in [1, 511, 513, 30000] {
        let error = Sandbox::new()
            .apply_with(&tar[..length], &PLAIN)
            .unwrap_err();
        assert_eq!(error.code(), "LAYER_CORRUPT", "cut at {length}");
    }
    let mut flipped = blob.clone();
    let last = flipped.len() - 5;
    flipped[last] ^= 1;
    let error = Sandbox::new().apply_with(&flipped, &GZIP).unwrap_err();
    assert_eq!(error.code(), "LAYER_CORRUPT");
    let mut header = tar;
    header[0] ^= 1;
    assert_eq!(
        Sandbox::new()
            .apply_with(&header, &PLAIN)
            .unwrap_err()
            .code(),
        "LAYER_CORRUPT"
    );
}

#[test]
fn the_end_of_archive_mark_may_be_missing_but_nothing_may_follow_half_of_it() {
    let unfinished = Tar::default().file("a", "x").unfinished();
    Sandbox::new().apply_with(&unfinished, &PLAIN).unwrap();
    let half = [&unfinished[..], &[0; 512]].concat();
    Sandbox::new().apply_with(&half, &PLAIN).unwrap();
    let hidden = [&half[..], &unfinished[..]].concat();
    assert_eq!(
        Sandbox::new()
            .apply_with(&hidden, &PLAIN)
            .unwrap_err()
            .code(),
        "LAYER_CORRUPT"
    );
}

#[test]
fn the_padding_of_the_last_file_may_be_missing_but_none_of_the_file() {
    let padded = Tar::default().file("a", "content").unfinished();
    for length in [512 + 7, 512 + 8, 1023] {
        let sandbox = Sandbox::new();
        sandbox.apply_with(&padded[..length], &PLAIN).unwrap();
        assert_eq!(sandbox.read("a"), "content");
    }
    assert_eq!(
        Sandbox::new()
            .apply_with(&padded[..512 + 6], &PLAIN)
            .unwrap_err()
            .code(),
        "LAYER_CORRUPT"
    );
}

#[test]
fn extensions_of_nothing_or_given_twice_are_corrupt() {
    for blob in [
        Tar::default().pax(&[("path", b"x")]).finish(),
        Tar::default()
            .pax(&[("path", b"x")])
            .pax(&[("path", b"y")])
            .file("z", "")
            .finish(),
        Tar::default().raw(&[b'x'; 512]).finish(),
    ] {
        let error = Sandbox::new().apply_with(&blob, &PLAIN).unwrap_err();
        assert_eq!(error.code(), "LAYER_CORRUPT");
    }
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::from_raw_os_error(nix::libc::EIO))
        }
    }
    use std::os::fd::AsFd as _;
    let sandbox = Sandbox::new();
    let root = std::fs::File::open(sandbox.root()).unwrap();
    let error = ctr_layer::apply(Failing, root.as_fd(), &[], &GZIP).unwrap_err();
    assert_eq!(
        (error.code(), error.errno()),
        ("LAYER_IO", Some(nix::libc::EIO))
    );
}

#[test]
fn archives_of_the_system_tar_come_out_the_same_in_every_format() {
    use std::fs;
    use std::process::Command;
    let source = Sandbox::new();
    let long = format!("{}/{}", "l".repeat(90), "m".repeat(90));
    fs::create_dir_all(source.path(&long)).unwrap();
    fs::write(source.path(&long).join("file"), vec![7; 100_000]).unwrap();
    fs::write(source.path("empty"), "").unwrap();
    fs::hard_link(source.path("empty"), source.path("second")).unwrap();
    std::os::unix::fs::symlink("../x", source.path("link")).unwrap();
    for format in ["gnu", "pax", "ustar", "posix"] {
        let tar = Command::new("tar")
            .arg(format!("--format={format}"))
            .args(["-c", "--numeric-owner", "-C"])
            .args([source.root().as_os_str(), ".".as_ref()])
            .output()
            .unwrap();
        assert!(tar.status.success(), "{format}");
        let applied = Sandbox::new();
        applied.apply_with(&tar.stdout, &PLAIN).unwrap();
        let differences = Command::new("diff")
            .args(["-r", "--no-dereference"])
            .args([source.root(), applied.root()])
            .output()
            .unwrap();
        assert!(differences.status.success(), "{format}: {differences:?}");
        let modified = |sandbox: &Sandbox| fs::metadata(sandbox.path(&long)).unwrap().modified();
        let (ours, theirs) = (modified(&applied).unwrap(), modified(&source).unwrap());
        let apart = theirs.duration_since(ours).unwrap();
        assert!(apart.as_secs() < 1, "{format}");
    }
}
