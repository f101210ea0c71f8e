//! Role `store`: one operation on the image store, where the launcher's ids are mapped.
//!
//! Who it is: a fork of the launcher, which for an ordinary user lives in the holder user namespace
//! and so may create and delete files of every mapped id. It reads foreign bytes, in a process of
//! its own. It ends when the operation is done.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use ctr_sys::clone::Child;
use nix::errno::Errno;

use crate::failure::{Result, Step, call};
use crate::protocol::{AppliedLayer, Failure, LayerOptions};
use crate::report::{self, Report};

/// What to do.
pub(crate) enum Operation {
    ApplyLayer {
        blob: OwnedFd,
        directory: OwnedFd,
        /// The layers below, uppermost first.
        lowers: Vec<OwnedFd>,
        options: LayerOptions,
    },
    RemoveTree {
        parent: OwnedFd,
        name: String,
    },
}

/// Do it, report, end.
pub(crate) fn run(child: &Child, operation: &Operation, report: &OwnedFd) -> ! {
    let (outcome, code) = match execute(child, operation, report) {
        Ok(layer) => (Report::Stored(layer), 0),
        Err(failure) => (Report::Failed(failure), 1),
    };
    report::send(report.as_fd(), &outcome, &[]);
    ctr_sys::process::exit_now(code)
}

fn execute(child: &Child, operation: &Operation, report: &OwnedFd) -> Result<Option<AppliedLayer>> {
    let mut kept: Vec<BorrowedFd<'_>> = vec![report.as_fd()];
    match operation {
        Operation::ApplyLayer {
            blob,
            directory,
            lowers,
            ..
        } => {
            kept.extend([blob.as_fd(), directory.as_fd()]);
            kept.extend(lowers.iter().map(AsFd::as_fd));
        }
        Operation::RemoveTree { parent, .. } => kept.push(parent.as_fd()),
    }
    ctr_sys::fd::close_all_except(child, &kept).step("close inherited descriptors")?;
    nix::sys::stat::umask(nix::sys::stat::Mode::empty());
    match operation {
        Operation::ApplyLayer {
            blob,
            directory,
            lowers,
            options,
        } => apply(blob, directory, lowers, options).map(Some),
        Operation::RemoveTree { parent, name } => {
            ctr_layer::remove_tree(parent.as_fd(), name.as_ref()).map_err(failure)?;
            Ok(None)
        }
    }
}

fn apply(
    blob: &OwnedFd,
    directory: &OwnedFd,
    lowers: &[OwnedFd],
    options: &LayerOptions,
) -> Result<AppliedLayer> {
    let lowers: Vec<BorrowedFd<'_>> = lowers.iter().map(AsFd::as_fd).collect();
    let blob = call("dup", "blob", blob.try_clone()).step("open the blob")?;
    let applied =
        ctr_layer::apply(File::from(blob), directory.as_fd(), &lowers, options).map_err(failure)?;
    Ok(AppliedLayer {
        digest: applied.digest,
        diff_id: applied.diff_id,
        entries: applied.entries,
        bytes: applied.bytes,
    })
}

fn failure(error: ctr_layer::Error) -> Failure {
    let Some(errno) = error.errno() else {
        return Failure::new(error.code(), error.to_string(), "apply", "");
    };
    let operation = error.operation();
    let (call, object) = operation.split_once(' ').unwrap_or((operation, ""));
    let errno = Errno::from_raw(errno);
    Failure::system(error.code(), "change the tree", call, object, errno)
}
