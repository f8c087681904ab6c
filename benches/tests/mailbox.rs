//! `bench mailbox` over a veth pair: it needs root, and fails without it. No figure is judged.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::cell::Cell;
use zerocat::config::LinkKind;
use zerocat_benches::mailbox::{
    Carrier, FileState, FileWay, MailboxBenchError, MailboxReport, MailboxSettings, Veth, What, run, table,
};
use zerocat_testkit::netns::in_private_netns;

/// Runs it shortly; `stop` is asked with what was said last.
fn short(what: What, stop: impl Fn(&str) -> bool + Send) -> (Result<MailboxReport, MailboxBenchError>, Vec<String>) {
    in_private_netns(move |veth| {
        let veth = Veth {
            interface: veth.master.clone(),
            segment: veth.peer.clone(),
            what,
            link: LinkKind::Packet,
            cpu: None,
            priority: 1,
            rate_hz: 500.0,
            seconds: 0.5,
            pairs: 1,
        };
        let settings = MailboxSettings { transactions: 300, subdevices: 2, seed: 1, over: Some(veth) };
        let (said, wanted) = (Cell::new(Vec::new()), Cell::new(false));
        let say = |line: &str| {
            let mut lines = said.take();
            lines.push(line.to_owned());
            said.set(lines);
            wanted.set(wanted.get() || stop(line));
        };
        let done = run(&settings, say, || wanted.get());
        (done, said.take())
    })
}

#[test]
fn files_and_frames_are_measured_in_mailboxes_of_two_lengths() {
    let (report, said) = short(What::Rate, |_| false);
    let report = report.unwrap();
    let rate = report.rate.as_ref().unwrap();
    let files: Vec<_> = rate.files.iter().map(|one| (one.way, one.state, one.mailbox_bytes)).collect();
    let of = |mailbox| {
        [
            (FileWay::Write, FileState::Op, mailbox),
            (FileWay::Read, FileState::Op, mailbox),
            (FileWay::Write, FileState::Boot, mailbox),
        ]
    };
    assert_eq!(files, [of(128), of(1024)].concat());
    // How much comes across is the machine's.
    assert!(rate.files.iter().any(|one| one.bytes > 0 && one.per_second > 0.0), "{:?}", rate.files);
    let boot = rate.foe_write_boot.unwrap();
    assert!(boot.to_bits() == rate.files[2].per_second.to_bits(), "{boot}");
    let frames: Vec<_> = rate.ethernet.iter().map(|one| (one.by, one.mailbox_bytes)).collect();
    let by = |carrier| [(carrier, 128), (carrier, 1024)];
    assert_eq!(frames, [by(Carrier::Program), by(Carrier::Interface)].concat());
    assert!(rate.ethernet.iter().any(|one| one.frames > 0), "{:?}", rate.ethernet);
    assert!(report.cpu_seconds > 0.0);
    let table = table(&report);
    for title in ["FoE written in BOOT", "EoE by an interface (TAP)", "CPU time, s"] {
        assert!(table.contains(title), "{title} in {table}");
    }
    for part in ["pair 1 of 1", "one SubDevice alone", "FoE write in BOOT, mailboxes of 1024 bytes", "EoE by a program"]
    {
        assert!(said.iter().any(|line| line.starts_with(part)), "{part} in {said:?}");
    }
}

#[test]
fn it_ends_in_whatever_part_the_end_is_asked_for() {
    for part in ["pair 1 of 1: bringing", "FoE write in OP", "FoE write in BOOT", "EoE by an interface"] {
        let (done, said) = short(What::Rate, |line| line.starts_with(part));
        assert!(matches!(done, Err(MailboxBenchError::Stopped)), "{part}: {done:?}");
        assert!(said.last().unwrap().starts_with(part), "{part}: {said:?}");
    }
}

#[test]
fn emergencies_of_a_soak_are_counted() {
    let (report, _) = short(What::Soak, |_| false);
    let report = report.unwrap();
    assert!(report.emergencies > 0 && report.cpu_seconds > 0.0, "{report:?}");
}
