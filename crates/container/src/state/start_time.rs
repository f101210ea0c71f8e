//! When a process started: with its pid, what tells it from a later process of the same pid.

use nix::unistd::Pid;

/// Field 22 of `/proc/<pid>/stat`, in clock ticks since boot; `None` when there is no such process.
#[must_use]
pub fn start_time(pid: Pid) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    parse(&text)
}

fn parse(stat: &str) -> Option<u64> {
    // Field 2 is the program's name in brackets and may hold anything, brackets and spaces too:
    // fields count from the last closing one.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(22 - 3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_program_name_with_brackets_does_not_shift_the_fields() {
        let text = "7 (a) b) (c) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 0 0";
        assert_eq!(parse(text), Some(4711));
    }

    #[test]
    fn this_process_started_and_a_pid_of_zero_did_not() {
        assert!(start_time(Pid::this()).unwrap() > 0);
        assert_eq!(start_time(Pid::from_raw(0)), None);
    }
}
