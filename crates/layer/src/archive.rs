//! The tar stream as entries: framing, checksums, PAX and GNU extension headers.
//!
//! The `tar` crate decodes the fields of a header block. The framing is ours: its reader keeps
//! extension headers of any length in memory and forgives what two readers may read in two ways,
//! and a layer that shows one tree to a scanner and another to us is an attack.

use std::io::{self, Read};

use nix::sys::time::TimeSpec;
use tar::Header;

use crate::error::{Error, ErrorKind, Result};
use crate::name::lossy;
use crate::options::Limits;
use crate::pax::{self, Records};

const BLOCK: usize = 512;

/// One entry of the archive. Its content, if any, is read from the archive next.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Name as in the archive.
    pub(crate) name: Vec<u8>,
    pub(crate) kind: Kind,
    /// Permission bits with setuid, setgid and sticky.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mtime: TimeSpec,
    pub(crate) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The type of an entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Directory,
    /// Target as in the archive.
    Symlink(Vec<u8>),
    /// Name of another entry, as in the archive.
    HardLink(Vec<u8>),
    Char {
        major: u32,
        minor: u32,
    },
    Block {
        major: u32,
        minor: u32,
    },
    Fifo,
}

/// A reader of entries.
pub(crate) struct Archive<R> {
    source: R,
    limits: Limits,
    /// Content of the current entry not read yet, and the padding after it.
    content: u64,
    padding: u64,
}

impl<R: Read> Archive<R> {
    pub(crate) fn new(source: R, limits: Limits) -> Self {
        Self {
            source,
            limits,
            content: 0,
            padding: 0,
        }
    }

    /// The stream, after the last entry.
    pub(crate) fn into_inner(self) -> R {
        self.source
    }

    /// Read on in the content of the current entry; 0 at its end.
    pub(crate) fn read_content(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let wanted = usize::try_from(self.content)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        if wanted == 0 {
            return Ok(0);
        }
        let wanted = buffer.get_mut(..wanted).unwrap_or_default();
        let count = self
            .source
            .read(wanted)
            .map_err(|error| Error::read("read", &error))?;
        if count == 0 {
            return Err(Error::corrupt(
                "read entry",
                "the archive ends inside a file",
            ));
        }
        self.content -= count as u64;
        Ok(count)
    }

    /// The next entry; `None` at the end of the archive.
    pub(crate) fn next_entry(&mut self) -> Result<Option<Entry>> {
        let mut records = Records::default();
        let mut extended = false;
        let (mut long_name, mut long_link) = (None, None);
        loop {
            let Some(header) = self.next_header()? else {
                if extended || long_name.is_some() || long_link.is_some() {
                    return Err(Error::corrupt("read entry", "an extension of no entry"));
                }
                return Ok(None);
            };
            let size = number(&header.as_old().size, || header.entry_size(), "size")?;
            match header.as_old().linkflag[0] {
                // Each extension at most once an entry: readers differ on which of two wins.
                b'x' if !extended => {
                    extended = true;
                    records = pax::parse(&self.extension(size)?)?;
                }
                b'L' if long_name.is_none() => long_name = Some(self.long_name(size)?),
                b'K' if long_link.is_none() => long_link = Some(self.long_name(size)?),
                b'x' | b'L' | b'K' => {
                    return Err(Error::corrupt("read entry", "an extension given twice"));
                }
                // Global records: git's commit id, and nothing that builders of images write.
                b'g' => drop(self.extension(size)?),
                _ => {
                    let size = records.size.unwrap_or(size);
                    return self
                        .entry(&header, size, records, long_name, long_link)
                        .map(Some);
                }
            }
        }
    }

    fn entry(
        &mut self,
        header: &Header,
        size: u64,
        records: Records,
        long_name: Option<Vec<u8>>,
        long_link: Option<Vec<u8>>,
    ) -> Result<Entry> {
        let name = long_name
            .or(records.path)
            .unwrap_or_else(|| header.path_bytes().into_owned());
        let link = long_link
            .or(records.link)
            .unwrap_or_else(|| header.link_name_bytes().unwrap_or_default().into_owned());
        let kind = kind(header, &name, link)?;
        // Readers differ on whether content follows a header that has none by its type.
        if size != 0 && kind != Kind::File {
            return Err(Error::corrupt(
                format!("read entry {}", lossy(&name)),
                "a size where no content can be",
            ));
        }
        if size > i64::MAX.unsigned_abs() - BLOCK as u64 {
            return Err(Error::corrupt(
                format!("read entry {}", lossy(&name)),
                "an absurd size",
            ));
        }
        self.expect_content(size);
        let old = header.as_old();
        let header_mtime = || number(&old.mtime, || header.mtime(), "mtime");
        Ok(Entry {
            kind,
            mode: u32::try_from(
                number(&old.mode, || header.mode().map(u64::from), "mode")? & 0o7777,
            )
            .unwrap_or_default(),
            uid: id(match records.uid {
                Some(uid) => uid,
                None => number(&old.uid, || header.uid(), "uid")?,
            })?,
            gid: id(match records.gid {
                Some(gid) => gid,
                None => number(&old.gid, || header.gid(), "gid")?,
            })?,
            mtime: match records.mtime {
                Some(mtime) => mtime,
                // Base 256 holds times before 1970 in two's complement.
                None => TimeSpec::new(header_mtime()?.cast_signed(), 0),
            },
            xattrs: records.xattrs,
            name,
        })
    }

    /// The next header block that is not padding.
    fn next_header(&mut self) -> Result<Option<Header>> {
        self.skip_content()?;
        let mut header = Header::new_old();
        if !self.read_block(header.as_mut_bytes())? {
            // No end-of-archive mark: some builders leave it out, and the digest vouches.
            return Ok(None);
        }
        if header.as_bytes().iter().all(|byte| *byte == 0) {
            let more = self.read_block(header.as_mut_bytes())?;
            if more && header.as_bytes().iter().any(|byte| *byte != 0) {
                return Err(Error::corrupt(
                    "read entry",
                    "an entry after the end of the archive",
                ));
            }
            return Ok(None);
        }
        let sum: u32 = header
            .as_bytes()
            .iter()
            .enumerate()
            .map(|(at, byte)| {
                if (148..156).contains(&at) {
                    32
                } else {
                    u32::from(*byte)
                }
            })
            .sum();
        if header.cksum().ok() != Some(sum) {
            return Err(Error::corrupt(
                "read entry",
                "a header checksum that does not match",
            ));
        }
        Ok(Some(header))
    }

    /// One block; false at the end of the stream.
    fn read_block(&mut self, block: &mut [u8; BLOCK]) -> Result<bool> {
        let mut filled = 0;
        while filled < BLOCK {
            let rest = block.get_mut(filled..).unwrap_or_default();
            match self
                .source
                .read(rest)
                .map_err(|error| Error::read("read", &error))?
            {
                0 if filled == 0 => return Ok(false),
                0 => {
                    return Err(Error::corrupt(
                        "read entry",
                        "the archive ends inside a header",
                    ));
                }
                count => filled += count,
            }
        }
        Ok(true)
    }

    /// The content of an extension header.
    fn extension(&mut self, size: u64) -> Result<Vec<u8>> {
        if size > self.limits.header_bytes {
            return Err(Error::new(
                ErrorKind::Limit,
                "read extended header",
                format!("{size} bytes, more than {}", self.limits.header_bytes),
            ));
        }
        self.expect_content(size);
        let mut bytes = Vec::new();
        let mut buffer = [0_u8; 4096];
        loop {
            match self.read_content(&mut buffer)? {
                0 => return Ok(bytes),
                count => bytes.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            }
        }
    }

    /// A GNU long name: NUL-terminated.
    fn long_name(&mut self, size: u64) -> Result<Vec<u8>> {
        let mut name = self.extension(size)?;
        let end = name
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(name.len());
        name.truncate(end);
        Ok(name)
    }

    fn expect_content(&mut self, size: u64) {
        self.content = size;
        self.padding = size.next_multiple_of(BLOCK as u64) - size;
    }

    fn skip_content(&mut self) -> Result<()> {
        let mut buffer = [0_u8; 4096];
        while self.read_content(&mut buffer)? > 0 {}
        let mut padding = usize::try_from(std::mem::take(&mut self.padding)).unwrap_or(BLOCK);
        while padding > 0 {
            let rest = buffer.get_mut(..padding).unwrap_or_default();
            match self
                .source
                .read(rest)
                .map_err(|error| Error::read("read", &error))?
            {
                // Some builders leave out the padding of the last file too.
                0 => break,
                count => padding = padding.saturating_sub(count),
            }
        }
        Ok(())
    }
}

fn kind(header: &Header, name: &[u8], link: Vec<u8>) -> Result<Kind> {
    let device = || -> Result<(u32, u32)> {
        let number = |field: io::Result<Option<u32>>| {
            field
                .map_err(|error| malformed(&error))
                .map(Option::unwrap_or_default)
        };
        Ok((
            number(header.device_major())?,
            number(header.device_minor())?,
        ))
    };
    Ok(match header.as_old().linkflag[0] {
        // Before POSIX a directory was a file whose name ends in a slash.
        0 if name.ends_with(b"/") => Kind::Directory,
        0 | b'0' | b'7' => Kind::File,
        b'1' => Kind::HardLink(link),
        b'2' => Kind::Symlink(link),
        b'3' => {
            let (major, minor) = device()?;
            Kind::Char { major, minor }
        }
        b'4' => {
            let (major, minor) = device()?;
            Kind::Block { major, minor }
        }
        b'5' => Kind::Directory,
        b'6' => Kind::Fifo,
        other => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("read entry {}", lossy(name)),
                format!("an entry of type {:?}", char::from(other)),
            ));
        }
    })
}

/// A numeric field; a blank one is 0, as every reader takes it.
fn number(field: &[u8], decode: impl FnOnce() -> io::Result<u64>, what: &str) -> Result<u64> {
    if field.iter().all(|byte| matches!(byte, 0 | b' ')) {
        return Ok(0);
    }
    decode().map_err(|error| Error::corrupt(format!("read {what}"), error.to_string()))
}

fn malformed(error: &io::Error) -> Error {
    Error::corrupt("read device number", error.to_string())
}

/// SECURITY: the largest value means "leave as it is" to chown(2), so it is no id.
fn id(value: u64) -> Result<u32> {
    match u32::try_from(value) {
        Ok(id) if id != u32::MAX => Ok(id),
        _ => Err(Error::corrupt("read owner", format!("an id of {value}"))),
    }
}
