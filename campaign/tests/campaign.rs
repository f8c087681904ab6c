//! A campaign finds nothing in the code as it is, and each fault that is planted in it.

use zerocat_campaign::{FaultKind, Invariant, Settings, faults_of, live, run};
use zerocat_engine::planted::{Planted, plant};

/// Seeds of the campaign in the tests; `zerocat campaign` lives as many as one likes.
const SEEDS: u64 = 60;
/// Seeds within which each planted fault must be found.
const FOUND_WITHIN: u64 = 60;

#[test]
fn nothing_that_must_not_happen_happens_and_the_same_seed_gives_the_same_life() {
    let report = run(Settings { first: 0, seeds: SEEDS, most: None }, |_, _| true);
    assert_eq!(report.violations, []);
    assert!(report.reached_op > SEEDS / 2, "{report:?}");
    assert!(report.recovered > SEEDS / 10, "{report:?}");
    assert!(report.faults_by_kind.len() > 10, "{report:?}");
}

/// Seeds of lives that once violated an invariant: a pause while two cables were out, and looks that silent SubDevices and
/// late frames made too long.
const MENDED: [u64; 4] = [3769, 1168, 1326, 2291];

#[test]
fn what_was_found_once_does_not_happen_again() {
    for seed in MENDED {
        assert_eq!(live(seed).violations, []);
    }
}

/// The first seed whose life violates an invariant while a fault is planted.
fn found(fault: Planted, invariant: Invariant) -> Option<u64> {
    found_in(0..FOUND_WITHIN, fault, invariant)
}

/// The same among some seeds.
fn found_in(mut seeds: impl Iterator<Item = u64>, fault: Planted, invariant: Invariant) -> Option<u64> {
    plant(Some(fault));
    let violates = |seed: &u64| live(*seed).violations.iter().any(|violation| violation.invariant == invariant);
    let found = seeds.find(violates);
    plant(None);
    found
}

#[test]
fn a_safe_step_that_is_left_out_is_found() {
    assert!(found(Planted::SafeStepLeftOut, Invariant::NoOldCommand).is_some());
}

#[test]
fn a_command_of_an_old_epoch_that_is_sent_is_found() {
    assert!(found(Planted::OldEpochSent, Invariant::NoOldCommand).is_some());
}

#[test]
fn an_output_that_follows_no_longer_is_found() {
    assert!(found(Planted::FollowLeftOut, Invariant::OutputsFollow).is_some());
}

#[test]
fn inputs_of_a_missing_subdevice_that_are_taken_for_good_are_found() {
    assert!(found(Planted::MissingTakenForGood, Invariant::GoodInputsAreTrue).is_some());
}

#[test]
fn commands_of_a_single_subdevice_that_are_not_made_void_are_found() {
    // A cable before the first terminal, or between it and the coupler.
    let parts = |seed: &u64| faults_of(*seed).iter().any(|kind| matches!(kind, FaultKind::Cable { child: 1 | 2 }));
    let seeds = (0..FOUND_WITHIN * 10).filter(parts);
    let found = found_in(seeds, Planted::PartedNotVoid, Invariant::PartedIsSafe).unwrap();
    assert_eq!(live(found).violations, []);
}

#[test]
fn a_wait_without_a_bound_is_found() {
    assert!(found(Planted::WaitWithoutBound, Invariant::EndsWithinItsBound).is_some());
}
