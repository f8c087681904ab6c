//! Claims about whose inputs are good when somebody is missing.

use crate::support::{Fate, Memory, There, cycle, exchanging_plan};
use zerocat_engine::{CycleFault, Engine, EngineParts, Presence, SampleReader};
use zerocat_pdi::{
    Access, Activation, Direction, Entry, Pdo, Plan, SubDeviceLayout, SyncManagerLayout, SyncUnit, lay_out,
};

/// Three SubDevices with a byte of outputs and one of inputs; the last one has no FMMU for its status.
fn plan() -> Plan {
    let manager = |number, direction| SyncManagerLayout {
        number,
        direction,
        start: 0x1000,
        control: 0x24,
        activation: Activation::SafeOp,
        pdos: vec![Pdo {
            index: 0x1600,
            name: String::new(),
            entries: vec![Entry { index: 0x7000, subindex: 1, bit_length: 8, name: String::new(), type_code: 0 }],
        }],
    };
    let layout = |position: u16| SubDeviceLayout {
        position,
        sync_managers: vec![manager(2, Direction::Output), manager(3, Direction::Input)],
        fmmus: if position < 2 { 3 } else { 2 },
        status: Some(0x080d),
        access: Access::Lrw,
        unit: 0,
    };
    let layouts: Vec<_> = (0..3).map(layout).collect();
    lay_out(&layouts, &[SyncUnit { every: 1, phase: None }], 1400).unwrap()
}

struct Rig {
    engine: Engine<Memory>,
    parts: EngineParts,
    samples: SampleReader,
    number: u64,
}

impl Rig {
    fn new() -> Self {
        let (engine, parts, samples) = exchanging_plan(&plan());
        let mut rig = Self { engine, parts, samples, number: 0 };
        assert_eq!(rig.cycle(&[0, 1, 2], &[0, 1, 2]), (vec![1, 1, 1], vec![]));
        rig
    }

    /// The inputs of a cycle with those who contribute and those who answer, and whose are stale. Inputs are the cycle's number.
    fn cycle(&mut self, contributing: &[usize], answering: &[usize]) -> (Vec<u8>, Vec<usize>) {
        self.cycle_of(There::new(contributing, answering))
    }

    fn cycle_of(&mut self, there: There) -> (Vec<u8>, Vec<usize>) {
        self.number += 1;
        self.engine.link_mut().there = Some(there);
        self.engine.link_mut().fill = u8::try_from(self.number).unwrap();
        cycle(&mut self.engine, self.number);
        let mut bytes = vec![0; self.samples.record_len()];
        let mut last = None;
        while let Some(header) = self.samples.pop(&mut bytes) {
            last = Some(header);
        }
        let header = last.expect("a sample");
        let stale: Vec<_> = (0..3).filter(|n| self.samples.is_stale(*n)).collect();
        assert_eq!((header.cycle, header.stale), (self.number, !stale.is_empty()));
        (bytes[3..].to_vec(), stale)
    }

    fn tell(&mut self, presence: Presence) {
        self.parts.controls.presence(presence, self.number).unwrap();
    }

    fn faults(&mut self) -> Vec<(u16, u16)> {
        let faults = std::iter::from_fn(|| self.parts.events.pop());
        let counters = faults.filter_map(|event| match event.fault {
            CycleFault::WorkingCounter { expected: 9 | 6, got, datagram, .. } => Some((datagram, got)),
            _ => None,
        });
        counters.collect()
    }
}

#[test]
fn who_drops_out_is_stale_from_the_very_cycle_and_the_others_stay_good() {
    let mut rig = Rig::new();
    assert_eq!(rig.cycle(&[0, 2], &[0, 2]), (vec![2, 1, 2], vec![1]));
    assert_eq!(rig.cycle(&[2], &[2]), (vec![2, 1, 3], vec![0, 1]));
    assert_eq!(rig.cycle(&[0, 1, 2], &[0, 1, 2]), (vec![4, 4, 4], vec![]));
    assert_eq!(rig.faults(), [(1, 6), (1, 3)], "counted all the same, of the datagram behind the status");
}

#[test]
fn a_deficit_that_nothing_explains_leaves_all_of_the_datagram_as_it_was() {
    let mut rig = Rig::new();
    assert_eq!(rig.cycle(&[0, 2], &[0, 1, 2]), (vec![1, 1, 1], vec![0, 1, 2]), "1 answers, and contributes nothing");
    assert_eq!(rig.cycle(&[0, 1], &[0, 1]), (vec![1, 1, 1], vec![0, 1, 2]), "2 has no status byte");
    let too_high = There { extra: 1, ..There::new(&[0, 1, 2], &[0, 1, 2]) };
    assert_eq!(rig.cycle_of(too_high), (vec![1, 1, 1], vec![0, 1, 2]));
    assert_eq!(rig.cycle(&[0, 1, 2], &[0, 1, 2]), (vec![5, 5, 5], vec![]));
}

#[test]
fn what_the_bus_tells_makes_the_others_good_and_the_cycles_complete() {
    let mut rig = Rig::new();
    rig.cycle(&[0, 1], &[0, 1]);
    rig.tell(Presence::all().without(2));
    assert_eq!(rig.cycle(&[0, 1], &[0, 1]).1, [0, 1, 2], "it is obeyed at the end of a cycle");
    let streak = rig.engine.counters().complete_streak;
    assert_eq!(rig.cycle(&[0, 1], &[0, 1]), (vec![4, 4, 1], vec![2]));
    let counters = *rig.engine.counters();
    assert_eq!((counters.working_counter, counters.expected_working_counter), (6, 6));
    assert_eq!(counters.complete_streak, streak + 1);
    assert_eq!(rig.cycle(&[0, 1, 2], &[0, 1, 2]), (vec![5, 5, 1], vec![2]), "back, and not told of yet");
    assert_eq!(rig.cycle(&[0, 1], &[0, 1]), (vec![5, 5, 1], vec![0, 1, 2]), "what was told is void by now");
    rig.tell(Presence::all());
    rig.cycle(&[0, 1, 2], &[0, 1, 2]);
    assert_eq!(rig.cycle(&[0, 1, 2], &[0, 1, 2]), (vec![8, 8, 8], vec![]));
}

#[test]
fn a_lost_frame_leaves_everybody_stale_and_what_the_status_says_counts_again_in_the_next_one() {
    let mut rig = Rig::new();
    rig.engine.link_mut().fates.push_back(Fate::Lost);
    assert_eq!(rig.cycle(&[0, 2], &[0, 2]), (vec![1, 1, 1], vec![0, 1, 2]));
    assert_eq!(rig.cycle(&[0, 2], &[0, 2]), (vec![3, 1, 3], vec![1]));
}
