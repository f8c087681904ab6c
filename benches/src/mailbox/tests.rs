//! A short soak.

use super::*;

fn soak(transactions: u64, subdevices: u16, seed: u64) -> MailboxReport {
    run(&MailboxSettings { transactions, subdevices, seed, over: None }, |_| {}, || false).unwrap()
}

#[test]
fn lost_doubled_and_late_frames_cost_no_transaction_and_mix_no_values_up() {
    let report = soak(400, 4, 1);
    assert_eq!((report.wrong_data, report.duplicates, report.leaked, report.wrong_errors), (0, 0, 0, 0));
    assert_eq!((report.transactions, report.failed_of_able), (400, 0), "{}", table(&report));
    assert!(report.lost_frames > 0 && report.repeated.requests > 0, "{}", table(&report));
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_one_another() {
    // One alone is never frozen, which would take its time.
    let [once, again, other] = [2, 2, 3].map(|seed| soak(100, 1, seed));
    let figures =
        |report: &MailboxReport| (report.succeeded, report.virtual_seconds.map(f64::to_bits), report.lost_frames);
    assert_eq!(figures(&once), figures(&again));
    assert_ne!(figures(&once), figures(&other));
}

#[test]
fn nothing_to_do_and_more_subdevices_than_can_be_asked_are_refused() {
    for (transactions, subdevices) in [(0, 4), (4, 0), (4, 65)] {
        let settings = MailboxSettings { transactions, subdevices, seed: 1, over: None };
        assert!(matches!(run(&settings, |_| {}, || false), Err(MailboxBenchError::Nothing)));
    }
}

#[test]
fn the_end_comes_when_it_is_asked_for() {
    let settings = MailboxSettings { transactions: 1_000_000, subdevices: 2, seed: 1, over: None };
    assert!(matches!(run(&settings, |_| {}, || true), Err(MailboxBenchError::Stopped)));
}
