//! What a launcher of ours that died left behind: its containers' records and groups.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ctr_container::state::{Kind as Reason, StateRoot};

use super::connection::{Kind, Pending};

/// How long the kernel may take to end the containers of a dead launcher.
const PATIENCE: Duration = Duration::from_secs(3);

/// Remove the records of these containers as soon as the kernel lets go of their locks, on a
/// thread of its own. Kept ones stay, and so does what takes too long: `prune` finds it.
pub(super) fn after<'a>(pending: impl Iterator<Item = &'a Pending>) {
    let lost: Vec<(PathBuf, String)> = pending
        .filter_map(|pending| match &pending.kind {
            Kind::Container {
                id,
                state_root,
                keep: false,
                ..
            } => Some((state_root.clone(), id.clone())),
            _ => None,
        })
        .collect();
    if !lost.is_empty() {
        // Without a thread to spare, prune does it.
        let _ = std::thread::Builder::new()
            .name("ctr-tidy".to_owned())
            .spawn(move || remove(&lost));
    }
}

fn remove(lost: &[(PathBuf, String)]) {
    let deadline = Instant::now() + PATIENCE;
    for (state_root, id) in lost {
        let Ok(state) = StateRoot::open(state_root) else {
            continue;
        };
        while let Ok(entry) = state.find(id) {
            match state.remove(&entry) {
                Err(error) if error.kind() == Reason::Running && Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                _ => break,
            }
        }
    }
}
