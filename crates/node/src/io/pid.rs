//! The pid behind a pidfd, as this process's PID namespace numbers it.

use std::os::fd::{AsFd, AsRawFd};

/// 0 when the process has been reaped already, or is not of this PID namespace.
pub(super) fn of(pidfd: impl AsFd) -> i32 {
    let path = format!("/proc/self/fdinfo/{}", pidfd.as_fd().as_raw_fd());
    std::fs::read_to_string(path)
        .ok()
        .and_then(|text| parse(&text))
        .unwrap_or(0)
}

fn parse(fdinfo: &str) -> Option<i32> {
    let pid = fdinfo.lines().find_map(|line| line.strip_prefix("Pid:"))?;
    pid.trim().parse().ok().filter(|pid| *pid > 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use nix::unistd::Pid;

    #[test]
    fn a_pidfd_of_ours_is_ours_and_of_a_reaped_child_is_nobody() {
        let own = ctr_sys::pidfd::open(Pid::this()).unwrap();
        assert_eq!(super::of(&own), Pid::this().as_raw());
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pidfd = ctr_sys::pidfd::open(Pid::from_raw(child.id().cast_signed())).unwrap();
        child.wait().unwrap();
        assert_eq!(super::of(&pidfd), 0);
    }
}
