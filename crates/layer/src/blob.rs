//! The blob as two byte streams, each hashed as it passes: compressed outside, tar inside.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;
use sha2::{Digest as _, Sha256};

use crate::options::Compression;

const BUFFER_BYTES: usize = 128 * 1024;

/// The tar stream of a blob. Read it to its end, then ask for the digests.
pub(crate) struct Blob<R: Read> {
    inflate: Inflate<BufReader<Hashed<R>>>,
    tar: Sha256,
}

/// Digests of a blob that was read to its end.
pub(crate) struct Digests {
    /// Of the blob's own bytes.
    pub(crate) blob: String,
    /// Of the tar inside.
    pub(crate) tar: String,
}

impl<R: Read> Blob<R> {
    pub(crate) fn new(source: R, compression: Compression) -> Self {
        let hashed = Hashed {
            source,
            sha256: Sha256::new(),
        };
        let buffered = BufReader::with_capacity(BUFFER_BYTES, hashed);
        let inflate = match compression {
            Compression::None => Inflate::Plain(buffered),
            Compression::Gzip => Inflate::Member(GzDecoder::new(buffered)),
        };
        Self {
            inflate,
            tar: Sha256::new(),
        }
    }

    /// Read what is left of both streams, and say what they were.
    pub(crate) fn finish(mut self) -> io::Result<Digests> {
        let mut buffer = vec![0_u8; BUFFER_BYTES];
        while self.read(&mut buffer)? > 0 {}
        let mut hashed = match self.inflate {
            Inflate::Plain(source) | Inflate::Trailing(source) => source,
            Inflate::Member(decoder) => decoder.into_inner(),
            Inflate::Broken => return Err(io::ErrorKind::InvalidData.into()),
        };
        // Bytes after the last gzip member are no content but part of the blob's digest, as for
        // every tool that hashes the file before it inflates it.
        io::copy(&mut hashed, &mut io::sink())?;
        Ok(Digests {
            blob: hex(hashed.into_inner().sha256),
            tar: hex(self.tar),
        })
    }
}

impl<R: Read> Read for Blob<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inflate.read(buffer)?;
        let read = buffer.get(..count).unwrap_or_default();
        self.tar.update(read);
        Ok(count)
    }
}

/// gzip members back to back, RFC 1952 section 2.2.
enum Inflate<B> {
    Plain(B),
    Member(GzDecoder<B>),
    /// After the last member.
    Trailing(B),
    /// A member failed; only while an error is on its way out.
    Broken,
}

impl<B: BufRead> Read for Inflate<B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match self {
                Self::Plain(source) => return source.read(buffer),
                Self::Trailing(_) => return Ok(0),
                Self::Broken => return Err(io::ErrorKind::InvalidData.into()),
                Self::Member(decoder) => {
                    let count = decoder.read(buffer)?;
                    if count > 0 {
                        return Ok(count);
                    }
                }
            }
            self.next_member()?;
        }
    }
}

impl<B: BufRead> Inflate<B> {
    /// A member ended: another begins with the gzip magic, anything else is padding.
    fn next_member(&mut self) -> io::Result<()> {
        if let Self::Member(decoder) = std::mem::replace(self, Self::Broken) {
            let mut source = decoder.into_inner();
            let another = source.fill_buf()?.first() == Some(&0x1f);
            *self = if another {
                Self::Member(GzDecoder::new(source))
            } else {
                Self::Trailing(source)
            };
        }
        Ok(())
    }
}

/// A reader that hashes what passes.
struct Hashed<R> {
    source: R,
    sha256: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = loop {
            match self.source.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        let read = buffer.get(..count).unwrap_or_default();
        self.sha256.update(read);
        Ok(count)
    }
}

fn hex(sha256: Sha256) -> String {
    let mut text = String::from("sha256:");
    for byte in sha256.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
