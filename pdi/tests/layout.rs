//! What a plan promises, for any SubDevices.
#![allow(clippy::unwrap_used, reason = "a test")]

use proptest::prelude::*;
use std::ops::Range;
use zerocat_pdi::{
    BitSpan, Direction, Entry, LayoutError, Pdo, Plan, SubDeviceLayout, SyncManagerLayout, Windows, lay_out,
};
use zerocat_wire::Command;

fn entry(index: u16, subindex: u8, bit_length: u8) -> Entry {
    Entry { index, subindex, bit_length, name: String::new(), type_code: 0 }
}

fn manager(number: u8, direction: Direction, bits: &[u8]) -> SyncManagerLayout {
    let (first, start) = if direction == Direction::Output { (0x7000, 0x1100) } else { (0x6000, 0x1400) };
    let entries = bits.iter().enumerate().map(|(n, bits)| {
        // Every fifth entry is padding.
        if n % 5 == 4 { entry(0, 0, *bits) } else { entry(first, u8::try_from(n % 256).unwrap(), *bits) }
    });
    let pdo = Pdo { index: first - 0x5a00, name: String::new(), entries: entries.collect() };
    SyncManagerLayout { number, direction, start, control: 0x24, pdos: vec![pdo] }
}

fn subdevice(position: u16, lrw: bool, outputs: &[u8], inputs: &[u8]) -> SubDeviceLayout {
    let sync_managers = vec![manager(2, Direction::Output, outputs), manager(3, Direction::Input, inputs)];
    SubDeviceLayout { position, sync_managers, fmmus: 4, lrw }
}

fn any_subdevices() -> impl Strategy<Value = Vec<SubDeviceLayout>> {
    let bits = || prop::collection::vec(1u8..=64, 0..20);
    prop::collection::vec((any::<bool>(), bits(), bits()), 0..40).prop_map(|all| {
        let numbered = all.iter().zip(0u16..);
        numbered.map(|((lrw, outputs, inputs), position)| subdevice(position, *lrw, outputs, inputs)).collect()
    })
}

fn bytes(subdevice: &SubDeviceLayout, direction: Direction) -> usize {
    let managers = subdevice.sync_managers.iter().filter(|manager| manager.direction == direction);
    managers
        .map(|manager| {
            let entries = manager.pdos.iter().flat_map(|pdo| &pdo.entries);
            entries.map(|entry| usize::from(entry.bit_length)).sum::<usize>().div_ceil(8)
        })
        .sum()
}

fn inside(inner: &Range<usize>, outer: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// Every frame keeps to its room, and the frames' datagrams tile the image without gap or overlap.
fn frames_tile_the_image(plan: &Plan, room: usize) {
    let mut end = 0;
    for frame in &plan.frames {
        let overhead = (frame.datagrams.len() - 1) * 12;
        let data: usize = frame.datagrams.iter().map(|datagram| datagram.image.len()).sum();
        assert!(data > 0 && data + overhead <= room, "{data} bytes and {overhead} of overhead in {room}");
        for datagram in &frame.datagrams {
            assert_eq!(datagram.image.start, end);
            assert_eq!(usize::try_from(datagram.logical).unwrap(), datagram.image.start);
            assert!(inside(&datagram.inputs, &datagram.image));
            end = datagram.image.end;
        }
    }
    assert_eq!(end, plan.image_len);
}

/// No two SubDevices share a byte, and each lies wholly in the datagrams of its one frame.
fn no_subdevice_is_cut_or_overlaps(plan: &Plan, subdevices: &[SubDeviceLayout]) {
    let mut used = vec![false; plan.image_len];
    for (planned, subdevice) in plan.subdevices.iter().zip(subdevices) {
        assert_eq!(planned.position, subdevice.position);
        assert_eq!(planned.outputs.len(), bytes(subdevice, Direction::Output));
        assert_eq!(planned.inputs.len(), bytes(subdevice, Direction::Input));
        for byte in planned.outputs.clone().chain(planned.inputs.clone()) {
            assert!(!std::mem::replace(&mut used[byte], true), "byte {byte} is used twice");
        }
        if planned.outputs.is_empty() && planned.inputs.is_empty() {
            assert!(planned.fmmus.is_empty() && planned.entries.is_empty());
            continue;
        }
        let datagrams = &plan.frames[planned.frame].datagrams;
        let lrw = datagrams[0].command == Command::Lrw;
        assert_eq!(lrw, subdevice.lrw);
        let holds = |part: &Range<usize>, reads: bool| {
            part.is_empty()
                || datagrams
                    .iter()
                    .any(|datagram| inside(part, &datagram.image) && inside(part, &datagram.inputs) == reads)
        };
        assert!(holds(&planned.outputs, false) && holds(&planned.inputs, true));
    }
    assert!(used.iter().all(|used| *used), "a byte of the image belongs to nobody");
}

/// Each datagram's counter is what an ESC model adds up for the FMMUs that were planned.
fn counters_are_those_of_the_fmmus(plan: &Plan) {
    for datagram in plan.frames.iter().flat_map(|frame| &frame.datagrams) {
        let mut counter = 0;
        for subdevice in &plan.subdevices {
            let matches = |write: bool| {
                subdevice.fmmus.iter().any(|(_, fmmu)| {
                    let start = usize::try_from(fmmu.logical_start).unwrap();
                    let mapped = start..start + usize::from(fmmu.length);
                    let right = if write { fmmu.write } else { fmmu.read };
                    right && mapped.start < datagram.image.end && datagram.image.start < mapped.end
                })
            };
            counter += match datagram.command {
                Command::Lrw => 2 * u16::from(matches(true)) + u16::from(matches(false)),
                Command::Lwr => u16::from(matches(true)),
                Command::Lrd => u16::from(matches(false)),
                other => panic!("{other:?} in a plan"),
            };
        }
        assert_eq!(datagram.expected_working_counter, counter);
    }
}

/// Entries keep their order and lie one behind the other in the bytes of their sync manager.
fn entries_are_where_they_belong(plan: &Plan, subdevices: &[SubDeviceLayout]) {
    for (planned, subdevice) in plan.subdevices.iter().zip(subdevices) {
        let mut placed = planned.entries.iter();
        for (manager, (_, fmmu)) in
            subdevice.sync_managers.iter().filter(|manager| !manager.pdos[0].entries.is_empty()).zip(&planned.fmmus)
        {
            let mut offset = usize::try_from(fmmu.logical_start).unwrap() * 8;
            assert_eq!(fmmu.physical_start, manager.start);
            for entry in &manager.pdos[0].entries {
                if entry.index != 0 {
                    let placed = placed.next().unwrap();
                    assert_eq!((placed.index, placed.subindex), (entry.index, entry.subindex));
                    assert_eq!(placed.span, BitSpan::new(offset, entry.bit_length));
                    assert_eq!(placed.direction, manager.direction);
                }
                offset += usize::from(entry.bit_length);
            }
        }
        assert!(placed.next().is_none());
    }
}

fn holds_every_promise(plan: &Plan, subdevices: &[SubDeviceLayout], room: usize) {
    assert_eq!(plan.subdevices.len(), subdevices.len());
    frames_tile_the_image(plan, room);
    no_subdevice_is_cut_or_overlaps(plan, subdevices);
    counters_are_those_of_the_fmmus(plan);
    entries_are_where_they_belong(plan, subdevices);
}

proptest! {
    #[test]
    fn any_plan_holds_every_promise(subdevices in any_subdevices(), room in 200usize..1600) {
        match lay_out(&subdevices, room) {
            Ok(plan) => holds_every_promise(&plan, &subdevices, room.min(1486)),
            Err(LayoutError::TooLarge { position, bytes: data, room: left }) => {
                let subdevice = &subdevices[usize::from(position)];
                prop_assert_eq!(data, bytes(subdevice, Direction::Output) + bytes(subdevice, Direction::Input));
                prop_assert!(data > left);
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn a_hundred_subdevices_with_more_than_ten_thousand_points() {
    let bits = [1, 7, 16, 32, 3, 12, 1, 1, 64, 8].repeat(7);
    let all: Vec<_> = (0..100).map(|position| subdevice(position, position % 10 != 9, &bits, &bits)).collect();
    let plan = lay_out(&all, 1470).unwrap();
    holds_every_promise(&plan, &all, 1470);
    let points: Vec<_> =
        plan.subdevices.iter().flat_map(|planned| &planned.entries).map(|placed| placed.span).collect();
    assert_eq!(points.len(), 100 * 2 * 56);
    let windows = Windows::cover(&points);
    assert!(windows.ranges.len() <= 200 * 2 * 14 && windows.record_len <= plan.image_len);
}

#[test]
fn outputs_come_before_inputs_and_count_twice() {
    // A coupler, an output of 12 bits, an input of 9 bits, and a drive with both.
    let all = [
        subdevice(0, true, &[], &[]),
        subdevice(1, true, &[12], &[]),
        subdevice(2, true, &[], &[9]),
        subdevice(3, true, &[16, 32], &[16, 32, 8]),
    ];
    let plan = lay_out(&all, 1486).unwrap();
    assert_eq!(plan.image_len, 2 + 6 + 2 + 7);
    assert_eq!(plan.frames.len(), 1);
    let datagram = &plan.frames[0].datagrams[0];
    assert_eq!((datagram.command, datagram.image.clone(), datagram.inputs.clone()), (Command::Lrw, 0..17, 8..17));
    assert_eq!(datagram.expected_working_counter, 2 + 1 + 3);
    let ranges: Vec<_> =
        plan.subdevices.iter().map(|planned| (planned.outputs.clone(), planned.inputs.clone())).collect();
    assert_eq!(ranges, [(0..0, 0..0), (0..2, 8..8), (2..2, 8..10), (2..8, 10..17)]);
    let drive = &plan.subdevices[3];
    let fmmus: Vec<_> = drive.fmmus.iter().map(|(n, fmmu)| (*n, fmmu.logical_start, fmmu.length, fmmu.write)).collect();
    assert_eq!(fmmus, [(0, 2, 6, true), (1, 10, 7, false)]);
}

#[test]
fn a_sync_manager_without_bits_is_programmed_off() {
    let plan = lay_out(&[subdevice(0, true, &[], &[8])], 1486).unwrap();
    let programmed: Vec<_> = plan.subdevices[0]
        .sync_managers
        .iter()
        .map(|(number, channel)| (*number, channel.length, channel.enabled(), channel.start))
        .collect();
    assert_eq!(programmed, [(2, 0, false, 0x1100), (3, 1, true, 0x1400)]);
    assert_eq!(plan.subdevices[0].fmmus.len(), 1);
}

#[test]
fn a_subdevice_without_lrw_gets_a_frame_with_lwr_and_lrd() {
    let all = [subdevice(0, false, &[8], &[16]), subdevice(1, true, &[8], &[8]), subdevice(2, false, &[], &[8])];
    let plan = lay_out(&all, 1486).unwrap();
    let commands: Vec<Vec<_>> = plan
        .frames
        .iter()
        .map(|frame| frame.datagrams.iter().map(|d| (d.command, d.expected_working_counter)).collect())
        .collect();
    assert_eq!(commands, [vec![(Command::Lrw, 3)], vec![(Command::Lwr, 1), (Command::Lrd, 2)]]);
    assert_eq!(plan.subdevices[0].frame, 1);
}

#[test]
fn the_second_datagram_of_a_frame_costs_twelve_bytes() {
    let outputs = [64; 8];
    let all = [subdevice(4, false, &outputs, &outputs)];
    assert!(lay_out(&all, 140).is_ok());
    let error = lay_out(&all, 139).unwrap_err();
    assert_eq!(error.to_string(), "SubDevice 4 has 128 bytes of process data; a frame carries 127");
    assert!(lay_out(&[subdevice(4, true, &outputs, &outputs)], 128).is_ok());
}

#[test]
fn too_few_fmmus_are_named() {
    let short = SubDeviceLayout { fmmus: 1, ..subdevice(7, true, &[8], &[8]) };
    let error = lay_out(&[short], 1486).unwrap_err();
    assert_eq!(error, LayoutError::TooFewFmmus { position: 7, needed: 2, has: 1 });
    assert!(lay_out(&[SubDeviceLayout { fmmus: 1, ..subdevice(7, true, &[8], &[]) }], 1486).is_ok());
}

#[test]
fn nothing_is_laid_out_as_nothing() {
    assert_eq!(lay_out(&[], 1486), Ok(Plan::default()));
    let plan = lay_out(&[subdevice(0, true, &[], &[])], 0).unwrap();
    assert_eq!((plan.image_len, plan.frames.len(), plan.subdevices.len()), (0, 0, 1));
}
