//! The system calls that the realtime thread may make in a cycle, and how many.

use super::AuditRow;
use std::time::Duration;
use zerocat::config::Wait;
use zerocat_sched::wait::MIN_NAP;

/// Naps of a `hybrid` wait in a cycle whose frames don't come back: it polls before the first, and each is an eighth
/// longer than the time before it.
const NAPS_OF_A_LOST_CYCLE: u64 = 20;

/// Lost cycles for each query of the kernel's drop count. A link asks when it has taken as many frames in a row as its
/// receive ring holds (512), which takes a stall of as many cycles.
const LOST_BEFORE_A_QUESTION: u64 = 500;

/// What isn't allowed, a sentence each.
pub(super) fn violations(row: &AuditRow, wait: Wait, deadline: Duration) -> Vec<String> {
    let mut found = Vec::new();
    for (name, count) in &row.syscalls {
        match most(row, name, wait, deadline) {
            Some(most) if *count <= most => {}
            Some(most) => found.push(format!("{name} {count} times in {} cycles; at most {most}", row.cycles)),
            None => found.push(format!("{name} {count} times; it is no part of a cycle")),
        }
    }
    // Compaction moves locked memory too, and a thread that touches it meanwhile takes a fault.
    if row.page_faults > row.pages_migrated {
        found.push(format!("{} page faults, {} pages migrated by the kernel", row.page_faults, row.pages_migrated));
    }
    if let Some(count @ 1..) = row.allocations {
        found.push(format!("{count} allocations"));
    }
    found
}

/// How often a call may be made; `None` for one that isn't allowed in a cycle.
fn most(row: &AuditRow, call: &str, wait: Wait, deadline: Duration) -> Option<u64> {
    let (packet, zero_copy) = (row.link == "packet", row.mode == Some("zero_copy"));
    // The cycle in which counting began is counted too.
    let once_a_cycle = row.cycles + 1;
    match call {
        "sendto" => Some(once_a_cycle + row.acyclic),
        "sendmmsg" if packet => Some(once_a_cycle),
        // Each look at a raw socket is a call; AF_XDP's rings are memory.
        "recvfrom" | "recvmsg" | "recvmmsg" if packet => Some(u64::MAX),
        // A driver may want to be woken to receive.
        "recvfrom" if zero_copy => Some(once_a_cycle),
        "getsockopt" => Some(row.lost / LOST_BEFORE_A_QUESTION),
        "clock_nanosleep" => match wait {
            Wait::Spin => None,
            Wait::Hybrid => Some(once_a_cycle + NAPS_OF_A_LOST_CYCLE * row.lost),
            Wait::Sleep => Some(once_a_cycle * (2 + naps(deadline))),
        },
        _ => None,
    }
}

/// Naps of a `sleep` wait until the deadline, at most.
fn naps(deadline: Duration) -> u64 {
    u64::try_from(deadline.as_nanos() / MIN_NAP.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat::report::Holes;

    fn row(link: &'static str, calls: &[(&str, u64)]) -> AuditRow {
        AuditRow {
            link,
            mode: None,
            wait: "",
            cycles: 1_000,
            lost: 0,
            skipped: 0,
            acyclic: 0,
            syscalls: calls.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
            page_faults: 0,
            pages_migrated: 0,
            switches_voluntary: 0,
            switches_involuntary: 0,
            allocations: Some(0),
            holes: Holes::default(),
            violations: Vec::new(),
        }
    }

    fn found(row: &AuditRow, wait: Wait) -> Vec<String> {
        violations(row, wait, Duration::from_micros(100))
    }

    #[test]
    fn one_send_and_one_sleep_a_cycle_are_in_order() {
        let right = row("xdp", &[("sendto", 1_000), ("clock_nanosleep", 1_001)]);
        assert_eq!(found(&right, Wait::Hybrid), [""; 0]);
        assert_eq!(found(&right, Wait::Spin).len(), 1, "spin doesn't sleep");
    }

    #[test]
    fn a_second_send_a_cycle_is_none() {
        let wrong = row("xdp", &[("sendto", 1_002)]);
        assert_eq!(found(&wrong, Wait::Spin), ["sendto 1002 times in 1000 cycles; at most 1001"]);
    }

    #[test]
    fn a_call_of_another_kind_is_none() {
        let wrong = row("xdp", &[("futex", 1), ("recvfrom", 3)]);
        let said = ["futex 1 times; it is no part of a cycle", "recvfrom 3 times; it is no part of a cycle"];
        assert_eq!(found(&wrong, Wait::Sleep), said);
        assert_eq!(found(&row("packet", &[("recvfrom", 5_000)]), Wait::Spin), [""; 0], "a raw socket is looked at so");
    }

    #[test]
    fn what_was_dropped_is_asked_after_a_long_stall_only() {
        let stalled = AuditRow { lost: 999, ..row("xdp", &[("getsockopt", 1)]) };
        assert_eq!(found(&stalled, Wait::Hybrid), [""; 0]);
        let often = AuditRow { lost: 999, ..row("xdp", &[("getsockopt", 2)]) };
        assert_eq!(found(&often, Wait::Hybrid), ["getsockopt 2 times in 1000 cycles; at most 1"]);
    }

    #[test]
    fn page_faults_and_allocations_are_none() {
        let wrong = AuditRow { page_faults: 2, allocations: Some(7), ..row("xdp", &[]) };
        assert_eq!(found(&wrong, Wait::Hybrid), ["2 page faults, 0 pages migrated by the kernel", "7 allocations"]);
        let moved = AuditRow { page_faults: 2, pages_migrated: 40, ..row("xdp", &[]) };
        assert_eq!(found(&moved, Wait::Hybrid), [""; 0], "the kernel's, not ours");
    }
}
