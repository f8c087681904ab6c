//! Checks of the settings that [`crate::tune`] changes.

use crate::doctor::{Check, Level, Question};
use crate::nic::{Coalescing, NicSettings};

pub(super) fn queues(nic: &NicSettings) -> Check {
    let question = Question {
        id: "queues",
        title: "Receive queues",
        wanted: "1",
        why: "an AF_XDP socket receives from one queue; it misses frames that the NIC hashes to another",
    };
    match nic.queues {
        None | Some(0) => question.unknown("the driver doesn't report it"),
        Some(1) => question.ok("1"),
        Some(count) => question.finding(
            Level::Warn,
            count.to_string(),
            tuned(nic, &format!("ethtool -L {0} combined 1, or ethtool -L {0} rx 1", nic.name)),
        ),
    }
}

pub(super) fn coalescing(nic: &NicSettings) -> Check {
    let question = Question {
        id: "coalescing",
        title: "Interrupt coalescing",
        wanted: "0 us, at most 1 frame, adaptive off",
        why: "the NIC waits that long before it reports a frame",
    };
    let Some(coalescing) = nic.coalescing else { return question.unknown("the driver doesn't report it") };
    let Coalescing { receive_us, receive_frames, transmit_us, transmit_frames, adaptive } = coalescing;
    let frames = |count| if count > 0 { format!(" or {count} frames") } else { String::new() };
    let found = format!(
        "rx {receive_us} us{}, tx {transmit_us} us{}, adaptive {}",
        frames(receive_frames),
        frames(transmit_frames),
        if adaptive { "on" } else { "off" }
    );
    // With 0 us there is no timeout, so the NIC would wait for more than one frame without end.
    if receive_us == 0 && transmit_us == 0 && receive_frames <= 1 && transmit_frames <= 1 && !adaptive {
        return question.ok(found);
    }
    let by_hand = format!("ethtool -C {} adaptive-rx off adaptive-tx off rx-usecs 0 tx-usecs 0", nic.name);
    question.finding(Level::Warn, found, tuned(nic, &by_hand))
}

pub(super) fn energy_efficient(nic: &NicSettings) -> Check {
    let question = Question {
        id: "eee",
        title: "Energy Efficient Ethernet",
        wanted: "off",
        why: "a link that sleeps between frames takes tens of microseconds to wake up",
    };
    switch(&question, nic.energy_efficient, tuned(nic, &format!("ethtool --set-eee {} eee off", nic.name)))
}

pub(super) fn pause(nic: &NicSettings) -> Check {
    let question = Question {
        id: "pause",
        title: "Pause frames",
        wanted: "off",
        why: "a pause frame stops the sender, and SubDevices don't understand them",
    };
    switch(&question, nic.pause, tuned(nic, &format!("ethtool -A {} autoneg off rx off tx off", nic.name)))
}

pub(super) fn offloads(nic: &NicSettings) -> Check {
    let question = Question {
        id: "offloads",
        title: "Receive offloads",
        wanted: "gro, rx-gro-hw, lro and rxvlan off",
        why: "they delay or change frames before a socket sees them; several drivers refuse XDP with LRO or rx-gro-hw",
    };
    let all = [
        ("gro", nic.generic_receive_offload),
        ("rx-gro-hw", nic.hardware_receive_offload),
        ("lro", nic.large_receive_offload),
        ("rxvlan", nic.receive_vlan),
    ];
    let on: Vec<_> = all.iter().filter(|(_, on)| *on == Some(true)).map(|(name, _)| *name).collect();
    if !on.is_empty() {
        let off: Vec<_> = on.iter().map(|name| format!("{name} off")).collect();
        let by_hand = format!("ethtool -K {} {}", nic.name, off.join(" "));
        return question.finding(Level::Warn, format!("on: {}", on.join(", ")), tuned(nic, &by_hand));
    }
    if all.iter().any(|(_, on)| on.is_none()) {
        question.unknown("the driver doesn't report it")
    } else {
        question.ok("off")
    }
}

/// The command of `tune`, and the one to do it by hand.
fn tuned(nic: &NicSettings, by_hand: &str) -> String {
    format!("zerocat tune --interface {}; by hand: {by_hand}", nic.name)
}

/// The check of something that should be off.
fn switch(question: &Question, on: Option<bool>, fix: String) -> Check {
    match on {
        None => question.unknown("the driver doesn't report it"),
        Some(false) => question.ok("off"),
        Some(true) => question.finding(Level::Warn, "on", fix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::interface::good;

    fn level(check: fn(&NicSettings) -> Check, change: impl FnOnce(&mut NicSettings)) -> Level {
        let mut nic = good().settings;
        change(&mut nic);
        let check = check(&nic);
        let names_tune = check.fix.as_ref().is_none_or(|fix| fix.starts_with("zerocat tune --interface enp3s0"));
        assert!(names_tune, "{check:?}");
        check.level
    }

    #[test]
    fn several_receive_queues_are_a_warning() {
        assert_eq!(level(queues, |nic| nic.queues = Some(8)), Level::Warn);
        assert_eq!(level(queues, |nic| nic.queues = None), Level::Info);
    }

    #[test]
    fn a_nic_that_delays_its_interrupts_is_a_warning() {
        let of = |coalescing| level(self::coalescing, |nic| nic.coalescing = Some(coalescing));
        assert_eq!(of(Coalescing { receive_us: 3, ..Default::default() }), Level::Warn);
        assert_eq!(of(Coalescing { transmit_us: 3, ..Default::default() }), Level::Warn);
        assert_eq!(of(Coalescing { receive_frames: 8, ..Default::default() }), Level::Warn);
        assert_eq!(of(Coalescing { adaptive: true, ..Default::default() }), Level::Warn);
        assert_eq!(of(Coalescing { receive_frames: 1, transmit_frames: 1, ..Default::default() }), Level::Ok);
    }

    #[test]
    fn a_link_that_sleeps_or_pauses_is_a_warning() {
        assert_eq!(level(energy_efficient, |nic| nic.energy_efficient = Some(true)), Level::Warn);
        assert_eq!(level(pause, |nic| nic.pause = Some(true)), Level::Warn);
    }

    #[test]
    fn each_offload_of_received_frames_is_a_warning() {
        assert_eq!(level(offloads, |nic| nic.generic_receive_offload = Some(true)), Level::Warn);
        assert_eq!(level(offloads, |nic| nic.hardware_receive_offload = Some(true)), Level::Warn);
        assert_eq!(level(offloads, |nic| nic.large_receive_offload = Some(true)), Level::Warn);
        assert_eq!(level(offloads, |nic| nic.receive_vlan = Some(true)), Level::Warn);
    }
}
