#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::unistd::Pid;
use serde_json::json;

use super::*;

/// A directory that is removed at the end.
struct Temporary(PathBuf);

impl Temporary {
    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn temporary() -> Temporary {
    let template = std::env::temp_dir().join("ctr-state-XXXXXX");
    Temporary(nix::unistd::mkdtemp(&template).unwrap())
}

/// A run root in a directory of its own, removed at the end. There is one at a time: a lock lasts
/// until its last duplicate is closed, and a child that another test's thread is spawning has
/// duplicates of all until it executes.
struct Place {
    _directory: Temporary,
    state: StateRoot,
    _alone: MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::new(());

fn place() -> Place {
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = temporary();
    let state = StateRoot::open(&directory.path().join("run")).unwrap();
    Place {
        _directory: directory,
        state,
        _alone: alone,
    }
}

fn config(name: Option<&str>, keep: bool) -> Config {
    Config {
        name: name.map(str::to_owned),
        record: json!({"image": "host:"}),
        created_at: 1,
        keep,
        ..Config::default()
    }
}

/// Another process that holds a container's lock, as its owner would.
struct Owner(Child);

impl Owner {
    fn of(directory: &Path) -> Self {
        let mut child = Command::new("flock")
            .args(["--no-fork", "--exclusive"])
            .arg(directory.join("lock"))
            .args(["sh", "-c", "echo held; exec sleep 60"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "held\n");
        Self(child)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_run_root_is_made_for_its_owner_only() {
    let place = place();
    for name in [".", "containers", "names", "owners"] {
        let mode = std::fs::metadata(place.state.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700, "{name}");
    }
}

#[test]
fn a_run_root_that_others_may_write_to_is_refused() {
    let directory = temporary();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let error = StateRoot::open(directory.path()).unwrap_err();
    assert_eq!(error.code(), "STATE_UNSAFE");
    assert!(error.to_string().contains("0777"), "{error}");
}

#[test]
fn a_run_root_that_is_a_link_or_a_file_is_refused() {
    let directory = temporary();
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(directory.path(), &link).unwrap();
    assert_eq!(StateRoot::open(&link).unwrap_err().code(), "STATE_UNSAFE");
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(matches!(
        StateRoot::open(&file).unwrap_err().code(),
        "STATE_IO" | "STATE_UNSAFE"
    ));
}

#[test]
fn a_container_is_created_then_running_then_dead_by_its_lock_alone() {
    let place = place();
    let reservation = place.state.reserve("abc123", Some("web")).unwrap();
    reservation
        .write_config(&config(Some("web"), false))
        .unwrap();
    assert_eq!(place.state.find("web").unwrap().status, Status::Created);

    let running = Running {
        pid: Pid::this().as_raw(),
        start_time: start_time(Pid::this()).unwrap(),
    };
    write_state(&reservation.directory_fd, &reservation.directory, &running).unwrap();
    let entry = place.state.find("abc").unwrap();
    assert_eq!(
        (entry.status, entry.running),
        (Status::Running, Some(running))
    );
    assert_eq!(entry.config.record, json!({"image": "host:"}));

    drop(reservation);
    assert_eq!(place.state.find("abc123").unwrap().status, Status::Dead);
}

#[test]
fn a_duplicate_of_the_lock_keeps_it_after_the_first_is_closed() {
    let place = place();
    let reservation = place.state.reserve("abc", None).unwrap();
    let sent = reservation.lock.try_clone().unwrap();
    drop(reservation);
    assert_eq!(place.state.find("abc").unwrap().status, Status::Created);
    drop(sent);
    assert_eq!(place.state.find("abc").unwrap().status, Status::Dead);
}

#[test]
fn ids_and_names_in_use_are_refused_and_leave_nothing() {
    let place = place();
    let first = place.state.reserve("one", Some("web")).unwrap();
    first.write_config(&config(Some("web"), false)).unwrap();
    assert_eq!(
        place.state.reserve("one", None).unwrap_err().code(),
        "ID_IN_USE"
    );
    let error = place.state.reserve("two", Some("web")).unwrap_err();
    assert_eq!(error.code(), "NAME_IN_USE");
    assert!(error.hint().unwrap().contains("ctr-ts rm"));
    assert!(!place.state.path().join("containers/two").exists());
    assert!(place.state.reserve("two", Some("api")).is_ok());
}

#[test]
fn a_name_that_could_be_a_path_is_refused() {
    let place = place();
    for bad in [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "-a",
        "a b",
        "ä",
        &"a".repeat(129),
    ] {
        assert_eq!(
            place.state.reserve("ok", Some(bad)).unwrap_err().code(),
            "INVALID_NAME",
            "{bad:?}"
        );
        assert_eq!(
            place.state.reserve(bad, None).unwrap_err().code(),
            "INVALID_NAME",
            "{bad:?}"
        );
        assert_eq!(
            place.state.find(bad).unwrap_err().code(),
            "CONTAINER_NOT_FOUND",
            "{bad:?}"
        );
    }
    assert!(place.state.list().unwrap().is_empty());
}

#[test]
fn the_name_of_a_container_that_is_gone_or_whose_owner_died_is_taken_over() {
    let place = place();
    let gone = place.state.reserve("gone", Some("web")).unwrap();
    release(&gone.directory, None);
    let dead = place.state.reserve("dead", Some("web")).unwrap();
    dead.write_config(&config(Some("web"), false)).unwrap();
    drop(dead);
    let kept = place.state.reserve("kept", Some("web")).unwrap();
    kept.write_config(&config(Some("web"), true)).unwrap();
    drop(kept);
    assert_eq!(place.state.list().unwrap().len(), 1);
    assert_eq!(
        place.state.reserve("next", Some("web")).unwrap_err().code(),
        "NAME_IN_USE"
    );
}

#[test]
fn one_of_many_racing_for_a_name_gets_it() {
    let place = place();
    let won: usize = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..8)
            .map(|n| {
                let state = &place.state;
                scope.spawn(move || state.reserve(&format!("c{n}"), Some("web")).ok())
            })
            .collect();
        // Joined into a list first: who wins must still hold the name when the last one asks.
        let held: Vec<_> = racers
            .into_iter()
            .map(|racer| racer.join().unwrap())
            .collect();
        held.iter().flatten().count()
    });
    // Without a config.json the record of a dead winner does not say that it is kept, so the
    // winners must be alive all along for the count to mean anything: they are, in `held`.
    assert_eq!(won, 1);
}

#[test]
fn a_container_is_found_by_id_then_name_then_unique_prefix() {
    let place = place();
    let held: Vec<_> = [("aa1", Some("aa2")), ("aa2", None), ("ab", None)]
        .into_iter()
        .map(|(id, name)| place.state.reserve(id, name).unwrap())
        .collect();
    assert_eq!(place.state.find("aa2").unwrap().id, "aa2");
    assert_eq!(place.state.find("ab").unwrap().id, "ab");
    assert_eq!(
        place.state.find("aa").unwrap_err().code(),
        "CONTAINER_AMBIGUOUS"
    );
    assert_eq!(
        place.state.find("zz").unwrap_err().code(),
        "CONTAINER_NOT_FOUND"
    );
    drop(held);
}

#[test]
fn what_another_process_owns_is_running_and_stays() {
    let place = place();
    let reservation = place.state.reserve("abc", Some("web")).unwrap();
    reservation
        .write_config(&config(Some("web"), false))
        .unwrap();
    let directory = reservation.directory.clone();
    drop(reservation);
    let owner = Owner::of(&directory);
    let entry = place.state.find("web").unwrap();
    assert_eq!(entry.status, Status::Created);
    assert_eq!(
        place.state.remove(&entry).unwrap_err().code(),
        "CONTAINER_RUNNING"
    );
    assert!(place.state.prune().unwrap().containers.is_empty());
    assert_eq!(
        place
            .state
            .reserve("other", Some("web"))
            .unwrap_err()
            .code(),
        "NAME_IN_USE"
    );

    drop(owner);
    let report = place.state.prune().unwrap();
    assert_eq!(report.containers.len(), 1);
    assert_eq!(report.containers[0].record, json!({"image": "host:"}));
    assert!(!directory.exists());
    assert!(place.state.reserve("other", Some("web")).is_ok());
}

#[test]
fn a_stopped_container_keeps_its_exit_until_it_is_removed() {
    let place = place();
    let reservation = place.state.reserve("abc", Some("web")).unwrap();
    reservation
        .write_config(&config(Some("web"), true))
        .unwrap();
    let exit = ExitRecord {
        exit_code: Some(3),
        finished_at: 9,
        ..ExitRecord::default()
    };
    write_exit(&reservation.directory, &exit).unwrap();
    drop(reservation);
    let entry = place.state.find("web").unwrap();
    assert_eq!(
        (entry.status, entry.exit.as_ref()),
        (Status::Stopped, Some(&exit))
    );
    place.state.remove(&entry).unwrap();
    assert!(place.state.list().unwrap().is_empty());
    assert!(!place.state.path().join("names/web").exists());
}

#[test]
fn a_record_that_cannot_be_read_is_listed_all_the_same() {
    let place = place();
    let reservation = place.state.reserve("abc", None).unwrap();
    std::fs::write(reservation.directory.join("config.json"), "{\"name\": 1").unwrap();
    let entries = place.state.list().unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].status, Status::Created);
}

#[test]
fn state_of_a_container_that_has_gone_is_no_error() {
    let place = place();
    let reservation = place.state.reserve("abc", None).unwrap();
    release(&reservation.directory, None);
    let running = Running {
        pid: 1,
        start_time: 1,
    };
    write_state(&reservation.directory_fd, &reservation.directory, &running).unwrap();
    assert!(place.state.list().unwrap().is_empty());
}

#[test]
fn sockets_of_dead_owners_are_removed_and_live_ones_stay() {
    use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, bind, listen, socket};
    use std::os::fd::AsRawFd;
    let place = place();
    let owners = place.state.path().join("owners");
    let make = |name: &str| {
        let fd = socket(
            AddressFamily::Unix,
            SockType::SeqPacket,
            SockFlag::SOCK_CLOEXEC,
            None,
        )
        .unwrap();
        bind(
            fd.as_raw_fd(),
            &socket_address(&owners.join(name)).unwrap().address,
        )
        .unwrap();
        listen(&fd, Backlog::new(1).unwrap()).unwrap();
        fd
    };
    let live = make("1-0.sock");
    drop(make("2-0.sock"));
    // Of a client that lives, as this test does: its business.
    drop(make(&format!(
        "{}-{}-1.sock",
        Pid::this(),
        start_time(Pid::this()).unwrap()
    )));
    let report = place.state.prune().unwrap();
    assert_eq!(report.sockets, [owners.join("2-0.sock")]);
    drop(live);
}
