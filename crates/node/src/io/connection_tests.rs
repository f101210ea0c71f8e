#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};

use ctr_container::protocol::{Exit, Failure, MAX_MESSAGE_BYTES};
use ctr_container::state::{StateRoot, Status};
use ctr_sys::socket;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

use super::*;
use crate::channel::Flushed;

const ADDRESS: Address = Address { sink: 1, token: 1 };

fn connection() -> (Connection, OwnedFd) {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let (ours, owner) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags).unwrap();
    (
        Connection::new(ours, PathBuf::from("/run/owner.sock")),
        owner,
    )
}

fn request(connection: &mut Connection, owner: &OwnedFd) -> Option<Request> {
    assert_eq!(connection.channel.flush(), Flushed::Everything);
    let mut buffer = vec![0; MAX_MESSAGE_BYTES];
    let (length, _) = socket::receive(owner.as_fd(), &mut buffer).ok()?;
    Some(postcard::from_bytes(&buffer[..length]).unwrap())
}

fn sleeper() -> (Child, OwnedFd) {
    let child = Command::new("sleep").arg("60").spawn().unwrap();
    let pidfd = pidfd::open(Pid::from_raw(child.id().cast_signed())).unwrap();
    (child, pidfd)
}

fn wait_for(connection: &mut Connection, kind: Kind) {
    connection
        .pending
        .insert(5, Pending::new(ADDRESS, kind, None));
}

#[test]
fn a_started_container_is_recorded_with_its_pid_and_start_time() {
    let directory = tempfile::tempdir().unwrap();
    let state = StateRoot::open(&directory.path().join("run")).unwrap();
    let reserved = state.reserve("abc", None).unwrap();
    let (mut connection, _owner) = connection();
    let kind = Kind::Container {
        id: "abc".into(),
        state_root: state.path().to_path_buf(),
        directory: reserved.directory.clone(),
        directory_fd: reserved.directory_fd.try_clone().unwrap(),
        keep: false,
    };
    wait_for(&mut connection, kind);
    assert!(!connection.runs("abc"));

    let (mut child, pidfd) = sleeper();
    let pid = child.id().cast_signed();
    let event = connection.reply(
        Reply::Started {
            token: 5,
            enforcement: vec![],
        },
        vec![pidfd],
    );
    assert_eq!(
        event,
        Some((
            ADDRESS,
            Event::Started {
                pid,
                enforcement: vec![]
            }
        ))
    );
    assert!(connection.runs("abc"));
    let entry = state.find("abc").unwrap();
    assert_eq!(entry.status, Status::Running);
    assert_eq!(
        entry.running,
        Some(Running {
            pid,
            start_time: start_time(Pid::from_raw(pid)).unwrap()
        })
    );
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_signal_reaches_the_process_directly_and_a_tree_through_its_owner() {
    let (mut connection, owner) = connection();
    wait_for(&mut connection, Kind::Process);
    let (mut child, pidfd) = sleeper();
    connection.reply(
        Reply::Started {
            token: 5,
            enforcement: vec![],
        },
        vec![pidfd],
    );

    connection.signal(
        5,
        Signal {
            number: SIGKILL,
            tree: true,
        },
    );
    assert!(matches!(
        request(&mut connection, &owner),
        Some(Request::Signal {
            token: 5,
            signal: SIGKILL,
            tree: true
        })
    ));
    connection.signal(
        5,
        Signal {
            number: 15,
            tree: false,
        },
    );
    assert_eq!(child.wait().unwrap().signal(), Some(15));
    assert!(request(&mut connection, &owner).is_none());
}

#[test]
fn a_signal_before_the_start_is_sent_after_it() {
    let (mut connection, owner) = connection();
    wait_for(&mut connection, Kind::Process);
    connection.signal(
        5,
        Signal {
            number: 15,
            tree: false,
        },
    );
    assert!(request(&mut connection, &owner).is_none());
    let (mut child, pidfd) = sleeper();
    connection.reply(
        Reply::Started {
            token: 5,
            enforcement: vec![],
        },
        vec![pidfd],
    );
    assert_eq!(child.wait().unwrap().signal(), Some(15));
}

#[test]
fn sigkill_before_the_start_goes_to_the_owner_at_once() {
    let (mut connection, owner) = connection();
    wait_for(&mut connection, Kind::Process);
    connection.signal(
        5,
        Signal {
            number: SIGKILL,
            tree: true,
        },
    );
    assert!(matches!(
        request(&mut connection, &owner),
        Some(Request::Signal { token: 5, .. })
    ));
}

#[test]
fn a_failure_is_told_once_and_later_replies_of_its_token_mean_nothing() {
    let (mut connection, _owner) = connection();
    wait_for(&mut connection, Kind::Process);
    let failure = Failure {
        code: "COMMAND_NOT_FOUND".into(),
        step: "execute".into(),
        call: "execve".into(),
        arguments: "nope".into(),
        errno: 2,
        hint: None,
    };
    let (address, event) = connection
        .reply(Reply::Failed { token: 5, failure }, vec![])
        .unwrap();
    assert_eq!(address, ADDRESS);
    assert!(
        matches!(event, Event::Failed { error } if error.code == "COMMAND_NOT_FOUND" && error.facts.errno == Some(2))
    );
    assert_eq!(
        connection.reply(
            Reply::Exited {
                token: 5,
                exit: Exit::default()
            },
            vec![]
        ),
        None
    );
}

#[test]
fn a_lost_owner_fails_what_had_not_started_and_ends_what_had() {
    let (mut connection, _owner) = connection();
    wait_for(&mut connection, Kind::Process);
    let started = Address { sink: 1, token: 2 };
    connection.pending.insert(
        6,
        Pending {
            started: true,
            ..Pending::new(started, Kind::Process, None)
        },
    );
    let events = connection.lost();
    assert_eq!(events.len(), 2);
    for (address, event) in events {
        match event {
            Event::Failed { error } => {
                assert_eq!((address, error.code.as_str()), (ADDRESS, "RUNTIME_LOST"))
            }
            other => assert_eq!((address, other), (started, Event::lost())),
        }
    }
    assert!(connection.pending.is_empty());
}
