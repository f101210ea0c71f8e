//! PAX extended header records, POSIX pax "pax Extended Header".

use nix::sys::time::TimeSpec;

use crate::error::{Error, ErrorKind, Result};

/// What the records of one entry say; `None` leaves the entry's own header.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) path: Option<Vec<u8>>,
    pub(crate) link: Option<Vec<u8>>,
    pub(crate) size: Option<u64>,
    pub(crate) uid: Option<u64>,
    pub(crate) gid: Option<u64>,
    pub(crate) mtime: Option<TimeSpec>,
    /// `SCHILY.xattr.*`: name and value.
    pub(crate) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

const XATTR: &[u8] = b"SCHILY.xattr.";

/// Parse the content of an `x` header: records of `LENGTH KEY=VALUE\n`.
pub(crate) fn parse(mut bytes: &[u8]) -> Result<Records> {
    let mut records = Records::default();
    while !bytes.is_empty() {
        let (record, rest) = split_record(bytes).ok_or_else(|| corrupt("a record's length"))?;
        let equals = record
            .iter()
            .position(|byte| *byte == b'=')
            .ok_or_else(|| corrupt("a record without ="))?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        records.take(key, value)?;
        bytes = rest;
    }
    Ok(records)
}

/// `KEY=VALUE` of the first record, and what follows it.
fn split_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = bytes.iter().take(20).position(|byte| *byte == b' ')?;
    let length = usize::try_from(decimal(bytes.get(..space)?)?).ok()?;
    let record = bytes.get(space + 1..length)?;
    Some((record.strip_suffix(b"\n")?, bytes.get(length..)?))
}

impl Records {
    fn take(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        if let Some(name) = key.strip_prefix(XATTR) {
            if name.is_empty() || name.contains(&0) {
                return Err(corrupt("an attribute's name"));
            }
            self.xattrs.push((name.to_vec(), value.to_vec()));
            return Ok(());
        }
        // The files these describe are not the bytes that follow; no image builder writes them.
        if key.starts_with(b"GNU.sparse.") {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "read entry",
                "a sparse file",
            ));
        }
        // An empty value takes back an earlier record.
        let some = !value.is_empty();
        match key {
            b"path" => self.path = some.then(|| value.to_vec()),
            b"linkpath" => self.link = some.then(|| value.to_vec()),
            b"size" => self.size = number(some, value, "size")?,
            b"uid" => self.uid = number(some, value, "uid")?,
            b"gid" => self.gid = number(some, value, "gid")?,
            b"mtime" if some => {
                self.mtime = Some(time(value).ok_or_else(|| corrupt("a record's mtime"))?);
            }
            b"mtime" => self.mtime = None,
            // atime, ctime, uname, gname, comment and vendors' keys say nothing a layer keeps.
            _ => {}
        }
        Ok(())
    }
}

fn number(some: bool, value: &[u8], what: &str) -> Result<Option<u64>> {
    if !some {
        return Ok(None);
    }
    decimal(value)
        .map(Some)
        .ok_or_else(|| corrupt(&format!("a record's {what}")))
}

fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// `[-]SECONDS[.FRACTION]`.
fn time(value: &[u8]) -> Option<TimeSpec> {
    let (negative, digits) = match value.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, value),
    };
    let point = digits.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = match point {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits, &b""[..]),
    };
    let seconds = i64::try_from(decimal(whole)?).ok()?;
    let mut nanoseconds = 0_i64;
    for place in 0..9 {
        let digit = match fraction.get(place) {
            None => 0,
            Some(digit) if digit.is_ascii_digit() => i64::from(digit - b'0'),
            Some(_) => return None,
        };
        nanoseconds = nanoseconds * 10 + digit;
    }
    Some(match (negative, nanoseconds) {
        (false, _) => TimeSpec::new(seconds, nanoseconds),
        (true, 0) => TimeSpec::new(-seconds, 0),
        (true, _) => TimeSpec::new(-seconds - 1, 1_000_000_000 - nanoseconds),
    })
}

fn corrupt(what: &str) -> Error {
    Error::corrupt("read extended header", format!("{what} is malformed"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn record(text: &str) -> Vec<u8> {
        // The length counts itself: try until it fits.
        let length = (text.len() + 2..).find(|n| n.to_string().len() + text.len() + 2 == *n);
        format!("{} {text}\n", length.unwrap()).into_bytes()
    }

    #[test]
    fn records_replace_what_the_header_says() {
        let bytes = [
            record("path=a/long/name"),
            record("size=12"),
            record("uid=70000"),
            record("mtime=-1.25"),
            record("SCHILY.xattr.user.k=a=b\nc"),
            record("comment=none of our business"),
        ]
        .concat();
        let records = parse(&bytes).unwrap();
        assert_eq!(records.path.unwrap(), b"a/long/name");
        assert_eq!(
            (records.size, records.uid, records.gid),
            (Some(12), Some(70000), None)
        );
        let mtime = records.mtime.unwrap();
        assert_eq!((mtime.tv_sec(), mtime.tv_nsec()), (-2, 750_000_000));
        assert_eq!(records.xattrs, [(b"user.k".to_vec(), b"a=b\nc".to_vec())]);
    }

    #[test]
    fn an_empty_value_takes_a_record_back() {
        let bytes = [
            record("path=x"),
            record("size=1"),
            record("path="),
            record("size="),
        ]
        .concat();
        let records = parse(&bytes).unwrap();
        assert_eq!((records.path, records.size), (None, None));
    }

    #[test]
    fn malformed_records_are_refused() {
        for bytes in [
            &b"9 path=a"[..],
            b"99 path=a\n",
            b"+9 path=a\n",
            b"9 path=ab",
            b"x",
            b"8 path a\n",
            b"0 \n",
            b"99999999999999999999999 a=b\n",
        ] {
            assert_eq!(
                parse(bytes).unwrap_err().code(),
                "LAYER_CORRUPT",
                "{bytes:?}"
            );
        }
        for text in [
            "size=-1",
            "size=1e3",
            "uid=",
            "mtime=1.x",
            "mtime=soon",
            "SCHILY.xattr.=x",
        ] {
            let parsed = parse(&record(text)).map_err(|error| error.code());
            if text == "uid=" {
                assert!(parsed.is_ok());
            } else {
                assert_eq!(parsed.unwrap_err(), "LAYER_CORRUPT", "{text}");
            }
        }
        let sparse = parse(&record("GNU.sparse.major=1")).unwrap_err();
        assert_eq!(sparse.code(), "LAYER_UNSUPPORTED");
    }
}
