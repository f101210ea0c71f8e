//! Archives in memory, and directories to apply them to.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::{Path, PathBuf};

use ctr_layer::{Applied, Compression, Error, Limits, Options, apply_within};
use tar::{EntryType, Header};
use tempfile::TempDir;

/// A tar archive being written, names taken as they are.
#[derive(Default)]
pub(crate) struct Tar(Vec<u8>);

impl Tar {
    pub(crate) fn entry(
        mut self,
        kind: EntryType,
        name: &[u8],
        link: &[u8],
        content: &[u8],
    ) -> Self {
        self.push(kind, name, link, content, 0o644, |_| {});
        self
    }

    pub(crate) fn with(
        mut self,
        kind: EntryType,
        name: &str,
        mode: u32,
        change: fn(&mut Header),
    ) -> Self {
        self.push(kind, name.as_bytes(), b"", b"", mode, change);
        self
    }

    pub(crate) fn file(self, name: &str, content: &str) -> Self {
        self.entry(EntryType::Regular, name.as_bytes(), b"", content.as_bytes())
    }

    pub(crate) fn directory(mut self, name: &str, mode: u32) -> Self {
        self.push(
            EntryType::Directory,
            name.as_bytes(),
            b"",
            b"",
            mode,
            |_| {},
        );
        self
    }

    pub(crate) fn symlink(self, name: &str, target: &str) -> Self {
        self.entry(EntryType::Symlink, name.as_bytes(), target.as_bytes(), b"")
    }

    pub(crate) fn hard_link(self, name: &str, target: &str) -> Self {
        self.entry(EntryType::Link, name.as_bytes(), target.as_bytes(), b"")
    }

    /// PAX records for the entry that follows.
    pub(crate) fn pax(mut self, records: &[(&str, &[u8])]) -> Self {
        let mut bytes = Vec::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let length = (rest..).find(|n| n.to_string().len() + rest == *n).unwrap();
            bytes.extend(format!("{length} {key}=").into_bytes());
            bytes.extend_from_slice(value);
            bytes.push(b'\n');
        }
        self.push(EntryType::XHeader, b"pax", b"", &bytes, 0o644, |_| {});
        self
    }

    fn push(
        &mut self,
        kind: EntryType,
        name: &[u8],
        link: &[u8],
        content: &[u8],
        mode: u32,
        change: fn(&mut Header),
    ) {
        for (long, kind) in [
            (name, EntryType::GNULongName),
            (link, EntryType::GNULongLink),
        ] {
            if long.len() > 100 {
                let mut terminated = long.to_vec();
                terminated.push(0);
                self.push(kind, b"././@LongLink", b"", &terminated, 0, |_| {});
            }
        }
        let mut header = Header::new_gnu();
        let old = header.as_old_mut();
        for (field, value) in [(&mut old.name, name), (&mut old.linkname, link)] {
            let length = value.len().min(100);
            field[..length].copy_from_slice(&value[..length]);
        }
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        // Owned by whoever runs the tests, so that an ordinary user can run them.
        header.set_uid(u64::from(nix::unistd::getuid().as_raw()));
        header.set_gid(u64::from(nix::unistd::getgid().as_raw()));
        header.set_mtime(1_000_000_000);
        change(&mut header);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
    }

    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }

    pub(crate) fn unfinished(self) -> Vec<u8> {
        self.0
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) const PLAIN: Options = Options {
    compression: Compression::None,
    userxattr: true,
    squash_owner: false,
};

/// A directory `root` for the layer, beside a canary nothing may touch.
pub(crate) struct Sandbox {
    directory: TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("ctr-layer-")
            .tempdir()
            .unwrap();
        std::fs::create_dir(directory.path().join("root")).unwrap();
        std::fs::create_dir(directory.path().join("outside")).unwrap();
        std::fs::write(directory.path().join("outside/canary"), "alive").unwrap();
        for (name, mode) in [("outside/canary", 0o640), ("outside", 0o750)] {
            let path = directory.path().join(name);
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        }
        Self { directory }
    }

    pub(crate) fn apply_with(&self, tar: &[u8], options: &Options) -> Result<Applied, Error> {
        self.apply_on(&[], tar, options)
    }

    /// Apply on top of others, uppermost first.
    pub(crate) fn apply_on(
        &self,
        lowers: &[&Sandbox],
        tar: &[u8],
        options: &Options,
    ) -> Result<Applied, Error> {
        let root = File::open(self.root()).unwrap();
        let lowers: Vec<File> = lowers
            .iter()
            .map(|lower| File::open(lower.root()).unwrap())
            .collect();
        let lowers: Vec<BorrowedFd<'_>> = lowers.iter().map(AsFd::as_fd).collect();
        apply_within(tar, root.as_fd(), &lowers, options, &Limits::default())
    }

    pub(crate) fn apply(&self, tar: Tar) -> Result<Applied, Error> {
        self.apply_with(&tar.finish(), &PLAIN)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn outside(&self) -> PathBuf {
        self.directory.path().join("outside")
    }

    /// Whether all but `root` is as it was.
    pub(crate) fn outside_is_untouched(&self) -> bool {
        let names = |path: &Path| -> Vec<_> {
            let mut names: Vec<_> = std::fs::read_dir(path)
                .unwrap()
                .map(|entry| entry.unwrap().file_name())
                .collect();
            names.sort();
            names
        };
        // The link count tells of a hard link to it made inside.
        let attributes = |path: &Path| {
            let found = path.metadata().unwrap();
            (found.mode() & 0o7777, found.nlink())
        };
        names(self.directory.path()) == ["outside", "root"]
            && names(&self.outside()) == ["canary"]
            && std::fs::read_to_string(self.outside().join("canary")).unwrap() == "alive"
            && attributes(&self.outside()) == (0o750, 2)
            && attributes(&self.outside().join("canary")) == (0o640, 1)
    }
}

/// Clears permissions that would stop the temporary directory from being removed.
impl Drop for Sandbox {
    fn drop(&mut self) {
        let parent = File::open(self.directory.path()).unwrap();
        ctr_layer::remove_tree(parent.as_fd(), "root".as_ref()).unwrap();
    }
}
