//! Who a process runs as: numbers, or names of the image's own passwd(5) and group(5).
//!
//! SECURITY: the files are the image's. They are read with limits by our own parser and never
//! through NSS, whose modules would be the image's code (CVE-2019-14271 class). Numbers are decimal
//! and fit 32 bits without wrapping (CVE-2024-40635 class).

use std::fs::File;
use std::io::Read;

use ctr_spec::plan::User;

use crate::failure::Result;
use crate::protocol::Failure;

/// Largest passwd or group file that is read.
const FILE_BYTES: u64 = 4 * 1024 * 1024;

/// A resolved user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) groups: Vec<u32>,
    pub(crate) home: String,
}

/// Resolve below the current root.
pub(crate) fn resolve(user: &User) -> Result<Identity> {
    resolve_in(user, &text("/etc/passwd"), &text("/etc/group"))
}

fn resolve_in(user: &User, passwd: &str, group: &str) -> Result<Identity> {
    let Some(lookup) = &user.lookup else {
        let home = accounts(passwd)
            .find(|account| account.uid == user.uid)
            .map_or("/", |account| account.home);
        return Ok(Identity {
            uid: user.uid,
            gid: user.gid,
            groups: supplementary(user, group)?,
            home: home.to_owned(),
        });
    };
    let (name, group_name) = match lookup.split_once(':') {
        Some((name, group)) => (name, Some(group)),
        None => (lookup.as_str(), None),
    };
    let number = name.parse::<u32>().ok().filter(|uid| *uid != u32::MAX);
    let account = accounts(passwd).find(|account| match number {
        Some(uid) => account.uid == uid,
        None => account.name == name,
    });
    let uid = number
        .or(account.as_ref().map(|account| account.uid))
        .ok_or_else(|| unknown(lookup, name, "/etc/passwd"))?;
    let mut groups = supplementary(user, group)?;
    let gid = match group_name {
        Some(wanted) => {
            group_id(group, wanted).ok_or_else(|| unknown(lookup, wanted, "/etc/group"))?
        }
        None => {
            if let Some(account) = &account {
                groups.extend(memberships(group, account.name));
            }
            account.as_ref().map_or(0, |account| account.gid)
        }
    };
    groups.sort_unstable();
    groups.dedup();
    let home = account.map_or("/", |account| account.home).to_owned();
    Ok(Identity {
        uid,
        gid,
        groups,
        home,
    })
}

/// The groups that were asked for beside the user's own.
fn supplementary(user: &User, group: &str) -> Result<Vec<u32>> {
    let mut groups = user.additional_gids.clone();
    for wanted in &user.lookup_groups {
        groups.push(group_id(group, wanted).ok_or_else(|| {
            let mut failure = unknown(wanted, wanted, "/etc/group");
            failure.step = format!("find group {wanted}");
            failure.hint = Some("use a group that the image has, or a number".to_owned());
            failure
        })?);
    }
    Ok(groups)
}

struct Account<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

fn accounts(passwd: &str) -> impl Iterator<Item = Account<'_>> {
    passwd.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let home = fields
            .get(5)
            .copied()
            .filter(|home| home.starts_with('/'))
            .unwrap_or("/");
        Some(Account {
            name: fields.first()?,
            uid: fields.get(2)?.parse().ok()?,
            gid: fields.get(3)?.parse().ok()?,
            home,
        })
    })
}

fn groups(group: &str) -> impl Iterator<Item = (&str, u32, &str)> {
    group.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let gid = fields.nth(1)?.parse().ok()?;
        Some((name, gid, fields.next().unwrap_or("")))
    })
}

fn group_id(group: &str, wanted: &str) -> Option<u32> {
    if let Some(gid) = wanted.parse::<u32>().ok().filter(|gid| *gid != u32::MAX) {
        return Some(gid);
    }
    groups(group)
        .find(|(name, _, _)| *name == wanted)
        .map(|(_, gid, _)| gid)
}

fn memberships(group: &str, name: &str) -> Vec<u32> {
    groups(group)
        .filter(|(_, _, members)| members.split(',').any(|member| member == name))
        .map(|(_, gid, _)| gid)
        .collect()
}

fn text(path: &str) -> String {
    let mut content = Vec::new();
    // A missing or unreadable file knows nobody; numbers still work.
    if let Ok(file) = File::open(path) {
        let _ = file.take(FILE_BYTES).read_to_end(&mut content);
    }
    String::from_utf8_lossy(&content).into_owned()
}

fn unknown(lookup: &str, name: &str, file: &str) -> Failure {
    let mut failure = Failure::new(
        "USER_NOT_FOUND",
        format!("find user {lookup}"),
        "lookup",
        format!("no {name} in {file}"),
    );
    failure.hint = Some("use a name that the image has, or UID[:GID] in numbers".to_owned());
    failure
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\nbroken:x:zz:1:\n";
    const GROUP: &str = "root:x:0:\napp:x:1000:\naudio:x:29:app,other\n";

    fn lookup(text: &str) -> Result<Identity> {
        let user = User {
            uid: 7,
            gid: 7,
            additional_gids: Vec::new(),
            lookup_groups: Vec::new(),
            umask: None,
            lookup: Some(text.to_owned()),
        };
        resolve_in(&user, PASSWD, GROUP)
    }

    #[test]
    fn a_name_brings_its_group_memberships_and_home() {
        let identity = lookup("app").unwrap();
        assert_eq!((identity.uid, identity.gid), (1000, 1000));
        assert_eq!(
            (identity.groups, identity.home),
            (vec![29], "/home/app".to_owned())
        );
    }

    #[test]
    fn a_given_group_replaces_the_primary_one_and_memberships() {
        let identity = lookup("app:audio").unwrap();
        assert_eq!((identity.gid, identity.groups), (29, Vec::new()));
    }

    #[test]
    fn further_groups_are_added_by_name_or_number() {
        let user = |lookup: Option<&str>, groups: &[&str]| User {
            uid: 7,
            gid: 7,
            additional_gids: vec![5],
            lookup_groups: groups.iter().map(|&group| group.to_owned()).collect(),
            umask: None,
            lookup: lookup.map(str::to_owned),
        };
        let groups = |user: &User| resolve_in(user, PASSWD, GROUP).map(|found| found.groups);
        assert_eq!(groups(&user(None, &["app", "44"])).unwrap(), [5, 1000, 44]);
        // The user's own memberships stay.
        assert_eq!(groups(&user(Some("app"), &["44"])).unwrap(), [5, 29, 44]);
        let error = groups(&user(None, &["nogroup"])).unwrap_err();
        assert_eq!(error.code, "USER_NOT_FOUND");
    }

    #[test]
    fn numbers_need_no_entry() {
        let identity = lookup("4242:77").unwrap();
        assert_eq!((identity.uid, identity.gid), (4242, 77));
        assert_eq!(lookup("4242").unwrap().gid, 0);
    }

    #[test]
    fn unknown_names_and_numbers_that_would_wrap_are_refused() {
        for bad in [
            "nobody-here",
            "app:nogroup",
            "4294967296",
            "-1",
            "4294967295",
            "broken",
        ] {
            assert_eq!(lookup(bad).unwrap_err().code, "USER_NOT_FOUND", "{bad}");
        }
    }
}
