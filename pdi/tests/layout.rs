//! What every plan guarantees, for any SubDevices.
#![allow(clippy::unwrap_used, reason = "a test")]

use proptest::prelude::*;
use std::ops::Range;
use zerocat_pdi::{
    Access, Activation, BitSpan, DatagramPlan, Direction, Entry, LayoutError, Pdo, Plan, SubDeviceLayout,
    SubDevicePlan, SyncManagerLayout, SyncUnit, Turn, Windows, lay_out,
};
use zerocat_wire::Command;
use zerocat_wire::fmmu::Fmmu;

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
    SyncManagerLayout { number, direction, start, control: 0x24, activation: Activation::SafeOp, pdos: vec![pdo] }
}

use Access::{Lrw, LrwOverlapping, LwrLrd};

fn subdevice(position: u16, access: Access, outputs: &[u8], inputs: &[u8]) -> SubDeviceLayout {
    let sync_managers = vec![manager(2, Direction::Output, outputs), manager(3, Direction::Input, inputs)];
    SubDeviceLayout { position, sync_managers, fmmus: 4, status: None, access, unit: 0 }
}

fn any_subdevices() -> impl Strategy<Value = Vec<SubDeviceLayout>> {
    let bits = || prop::collection::vec(1u8..=64, 0..20);
    let access = prop::sample::select(vec![Lrw, LrwOverlapping, LwrLrd]);
    let activation = || prop::sample::select(vec![Activation::SafeOp, Activation::Op, Activation::Virtual]);
    let status = (2u8..4, prop::sample::select(vec![None, Some(0x080d), Some(0x0130)]));
    let one = (access, 0usize..5, status, (activation(), bits()), (activation(), bits()));
    type Part = (Activation, Vec<u8>);
    let layout = |(access, unit, status, outputs, inputs): (Access, usize, (u8, Option<u16>), Part, Part)| {
        let (fmmus, status) = status;
        let mut layout = SubDeviceLayout { unit, fmmus, status, ..subdevice(0, access, &outputs.1, &inputs.1) };
        layout.sync_managers[0].activation = outputs.0;
        layout.sync_managers[1].activation = inputs.0;
        layout
    };
    prop::collection::vec(one.prop_map(layout), 0..40).prop_map(|all| {
        all.into_iter().zip(0u16..).map(|(layout, position)| SubDeviceLayout { position, ..layout }).collect()
    })
}

fn any_units() -> impl Strategy<Value = Vec<SyncUnit>> {
    let unit = (0u32..50, proptest::option::of(0u32..60)).prop_map(|(every, phase)| SyncUnit { every, phase });
    prop::collection::vec(unit, 0..5)
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

/// Whether a SubDevice has more data than a frame carries.
fn is_split(subdevice: &SubDeviceLayout, room: usize) -> bool {
    let (outputs, inputs) = (bytes(subdevice, Direction::Output), bytes(subdevice, Direction::Input));
    let both = outputs > 0 && inputs > 0;
    match subdevice.access {
        LrwOverlapping => outputs.max(inputs) > room,
        Lrw => outputs + inputs > room,
        LwrLrd => outputs + inputs + if both { 12 } else { 0 } > room,
    }
}

fn inside(inner: &Range<usize>, outer: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// Every frame keeps to its room and fits into 1,514 bytes; the data of the datagrams tile the logical space and their
/// parts the image, without gap or overlap. Behind them come the status bytes.
fn frames_tile_image_and_logical_space(plan: &Plan, room: usize) {
    let (mut end, mut logical) = (0, 0);
    for frame in &plan.frames {
        let status = frame.status.as_ref().map(|status| status.positions.len());
        let datagrams = frame.datagrams.len() + usize::from(status.is_some());
        let data = frame.datagrams.iter().map(|datagram| datagram.len).sum::<usize>() + status.unwrap_or(0);
        assert!(data > 0 && data + 12 * (datagrams - 1) <= room, "{data} bytes in {datagrams} datagrams of {room}");
        assert!(14 + 2 + data + 12 * datagrams <= 1514);
        for datagram in &frame.datagrams {
            assert_eq!(usize::try_from(datagram.logical).unwrap(), logical);
            logical += datagram.len;
            assert!(datagram.outputs.len() <= datagram.len && datagram.inputs.len() <= datagram.len);
            for part in [&datagram.outputs, &datagram.inputs].into_iter().filter(|part| !part.is_empty()) {
                assert_eq!(part.start, end);
                end = part.end;
            }
        }
    }
    assert_eq!(end, plan.image_len);
    for status in plan.frames.iter().filter_map(|frame| frame.status.as_ref()) {
        assert_eq!(usize::try_from(status.logical).unwrap(), logical);
        logical += status.positions.len();
    }
}

/// The datagrams that carry a SubDevice, each with its frame.
fn carrying(plan: &Plan, position: u16) -> Vec<(&zerocat_pdi::FramePlan, &DatagramPlan)> {
    let all = plan.frames.iter().flat_map(|frame| frame.datagrams.iter().map(move |datagram| (frame, datagram)));
    all.filter(|(_, datagram)| datagram.shares.iter().any(|share| share.position == position)).collect()
}

/// Each datagram that carries a SubDevice is of its unit and its way of access, and is sent on that unit's ticks.
fn a_datagram_has_one_unit_and_one_access(
    plan: &Plan,
    subdevices: &[SubDeviceLayout],
    units: &[SyncUnit],
    room: usize,
) {
    for subdevice in subdevices {
        let carried = carrying(plan, subdevice.position);
        let unit = units.get(subdevice.unit);
        for (frame, datagram) in &carried {
            assert_eq!(datagram.unit, subdevice.unit);
            assert_eq!(frame.turn.every(), unit.map_or(1, |unit| unit.every.max(1)));
            if let Some(phase) = unit.and_then(|unit| unit.phase) {
                assert_eq!(frame.turn, Turn::new(frame.turn.every(), phase));
            }
        }
        let one = match (&carried[..], subdevice.access) {
            (all, _) if is_split(subdevice, room) => {
                assert!(all.iter().all(|(frame, one)| one.command != Command::Lrw && frame.datagrams.len() == 1));
                continue;
            }
            (all, LwrLrd) => {
                assert!(all.len() <= 2 && all.iter().all(|(_, one)| one.command != Command::Lrw));
                continue;
            }
            ([], _) => continue,
            ([(_, one)], _) => one,
            (several, _) => panic!("{several:?}"),
        };
        let data = if subdevice.access == Lrw { one.outputs.len() + one.inputs.len() } else { one.outputs.len() };
        assert_eq!((one.command, one.len), (Command::Lrw, data));
    }
}

/// Each status byte is that of a SubDevice with an FMMU to spare, tells in the frame that carries it, and is mapped where
/// the datagram reads it.
fn status_bytes_are_mapped(plan: &Plan, subdevices: &[SubDeviceLayout], room: usize) {
    for (subdevice, planned) in subdevices.iter().zip(&plan.subdevices) {
        let mut places = Vec::new();
        for (frame, status) in plan.frames.iter().filter_map(|frame| Some((frame, frame.status.as_ref()?))) {
            let at = status.positions.iter().zip(status.logical..).filter(|(p, _)| **p == subdevice.position);
            places.extend(at.map(|(_, logical)| (frame, logical)));
        }
        let Some((number, fmmu)) = planned.status else {
            assert!(places.is_empty());
            continue;
        };
        let [(frame, logical)] = places[..] else { panic!("{} places", places.len()) };
        assert!(usize::from(number) == planned.fmmus.len() && number < subdevice.fmmus);
        let expected = (logical, 1, subdevice.status.unwrap(), true, false, true);
        let Fmmu { logical_start, length, physical_start, read, write, active, .. } = fmmu;
        assert_eq!((logical_start, length, physical_start, read, write, active), expected);
        let carried = carrying(plan, subdevice.position);
        if !is_split(subdevice, room) && !carried.is_empty() {
            let own = carried.iter().all(|(carrier, _)| std::ptr::eq(*carrier, frame));
            assert!(own || has_no_room_of_its_own(subdevice, room));
        }
    }
}

/// Whether a frame that carries nothing but its data has no room for its status byte.
fn has_no_room_of_its_own(subdevice: &SubDeviceLayout, room: usize) -> bool {
    let (outputs, inputs) = (bytes(subdevice, Direction::Output), bytes(subdevice, Direction::Input));
    let data = if subdevice.access == LrwOverlapping { outputs.max(inputs) } else { outputs + inputs };
    let second = if subdevice.access == LwrLrd && outputs > 0 && inputs > 0 { 12 } else { 0 };
    data + second + 13 > room
}

/// No two SubDevices share a byte of the image, no two share a logical byte, and what is a SubDevice's lies wholly in
/// its one frame, or in frames that it has to itself, one behind the other.
fn no_subdevice_is_cut_or_overlaps(plan: &Plan, subdevices: &[SubDeviceLayout], room: usize) {
    let mut used = vec![false; plan.image_len];
    let mut owners = std::collections::HashMap::new();
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
        if is_split(subdevice, room) {
            is_in_frames_of_its_own(plan, planned);
        }
        let datagrams = &plan.frames[planned.frame].datagrams;
        assert!(
            is_split(subdevice, room)
                || datagrams.iter().any(|one| inside(&planned.outputs, &one.outputs))
                || planned.outputs.is_empty()
        );
        assert!(
            is_split(subdevice, room)
                || datagrams.iter().any(|one| inside(&planned.inputs, &one.inputs))
                || planned.inputs.is_empty()
        );
        for (_, fmmu) in &planned.fmmus {
            let start = usize::try_from(fmmu.logical_start).unwrap();
            for byte in start..start + usize::from(fmmu.length) {
                let owner = *owners.entry(byte).or_insert(planned.position);
                assert_eq!(owner, planned.position, "logical byte {byte}");
            }
        }
    }
    let gaps = subdevices.iter().any(|subdevice| subdevice.access == LrwOverlapping);
    assert!(gaps || used.iter().all(|used| *used), "a byte of the image belongs to nobody");
}

/// Frames from its first on carry its outputs and then its inputs, and nothing else.
fn is_in_frames_of_its_own(plan: &Plan, planned: &SubDevicePlan) {
    let mut at = planned.outputs.start;
    for datagram in plan.frames[planned.frame..].iter().flat_map(|frame| &frame.datagrams) {
        if at == planned.inputs.end {
            break;
        }
        let part = if datagram.command == Command::Lwr { &datagram.outputs } else { &datagram.inputs };
        assert_eq!((part.start, part.len()), (at, datagram.len));
        at = part.end;
    }
    assert_eq!(at, planned.inputs.end);
}

/// Where a byte of the image is in the logical space, by the datagram that carries it.
fn logical(plan: &Plan, byte: usize, direction: Direction) -> usize {
    let datagrams = || plan.frames.iter().flat_map(|frame| &frame.datagrams);
    let found = datagrams().find_map(|one| match direction {
        Direction::Output if one.outputs.contains(&byte) => Some((one, byte - one.outputs.start)),
        Direction::Input if one.inputs.contains(&byte) => {
            Some((one, one.len - one.inputs.len() + byte - one.inputs.start))
        }
        _ => None,
    });
    let (datagram, offset) = found.unwrap();
    usize::try_from(datagram.logical).unwrap() + offset
}

/// Each datagram's counters are what an ESC model adds up for the FMMUs that were planned, for each SubDevice and in all.
fn counters_are_those_of_the_fmmus(plan: &Plan) {
    for datagram in plan.frames.iter().flat_map(|frame| &frame.datagrams) {
        let (mut in_op, mut before) = (0, 0);
        for subdevice in &plan.subdevices {
            let counts = (counted(subdevice, datagram, true), counted(subdevice, datagram, false));
            let mut shares = datagram.shares.iter().filter(|share| share.position == subdevice.position);
            let share = shares.next().map_or((0, 0), |share| (share.working_counter, share.before_op));
            assert!(share == counts && shares.next().is_none(), "{share:?} {counts:?}");
            (in_op, before) = (in_op + counts.0, before + counts.1);
        }
        assert_eq!((datagram.expected_working_counter, datagram.expected_before_op), (in_op, before));
    }
}

/// Each SubDevice's shares are its outputs and its inputs, within the datagrams that they are in.
fn shares_are_a_subdevices_bytes(plan: &Plan) {
    for planned in &plan.subdevices {
        let mut bytes = (Vec::new(), Vec::new());
        for (_, datagram) in carrying(plan, planned.position) {
            for share in datagram.shares.iter().filter(|share| share.position == planned.position) {
                assert!(share.outputs.is_empty() || inside(&share.outputs, &datagram.outputs));
                assert!(share.inputs.is_empty() || inside(&share.inputs, &datagram.inputs));
                bytes.0.extend(share.outputs.clone());
                bytes.1.extend(share.inputs.clone());
            }
        }
        assert_eq!(bytes, (planned.outputs.clone().collect(), planned.inputs.clone().collect()));
    }
}

/// What an ESC adds to a datagram's counter.
fn counted(subdevice: &SubDevicePlan, datagram: &DatagramPlan, in_op: bool) -> u16 {
    let from = usize::try_from(datagram.logical).unwrap();
    let matches = |write: bool| {
        let on = |number: &u8| in_op || !subdevice.op_only.fmmus.contains(number);
        subdevice.fmmus.iter().filter(|(number, _)| on(number)).any(|(_, fmmu)| {
            let start = usize::try_from(fmmu.logical_start).unwrap();
            let mapped = start..start + usize::from(fmmu.length);
            let right = if write { fmmu.write } else { fmmu.read };
            right && mapped.start < from + datagram.len && from < mapped.end
        })
    };
    match datagram.command {
        Command::Lrw => 2 * u16::from(matches(true)) + u16::from(matches(false)),
        Command::Lwr => u16::from(matches(true)),
        Command::Lrd => u16::from(matches(false)),
        other => panic!("{other:?} in a plan"),
    }
}

/// Entries keep their order and lie one behind the other in the bytes of their sync manager.
fn entries_are_where_they_belong(plan: &Plan, subdevices: &[SubDeviceLayout]) {
    for (planned, subdevice) in plan.subdevices.iter().zip(subdevices) {
        let mut placed = planned.entries.iter();
        for (manager, (_, fmmu)) in
            subdevice.sync_managers.iter().filter(|manager| !manager.pdos[0].entries.is_empty()).zip(&planned.fmmus)
        {
            assert_eq!(fmmu.physical_start, manager.start);
            let first = usize::try_from(fmmu.logical_start).unwrap();
            let part = if fmmu.write { &planned.outputs } else { &planned.inputs };
            let byte = part.clone().find(|byte| logical(plan, *byte, manager.direction) == first).unwrap();
            let mut offset = byte * 8;
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

fn holds_every_promise(plan: &Plan, subdevices: &[SubDeviceLayout], units: &[SyncUnit], room: usize) {
    assert_eq!(plan.subdevices.len(), subdevices.len());
    frames_tile_image_and_logical_space(plan, room);
    a_datagram_has_one_unit_and_one_access(plan, subdevices, units, room);
    no_subdevice_is_cut_or_overlaps(plan, subdevices, room);
    counters_are_those_of_the_fmmus(plan);
    shares_are_a_subdevices_bytes(plan);
    status_bytes_are_mapped(plan, subdevices, room);
    entries_are_where_they_belong(plan, subdevices);
}

proptest! {
    #[test]
    fn any_plan_holds_every_promise(
        subdevices in any_subdevices(), units in any_units(), room in 20usize..1600,
    ) {
        let plan = lay_out(&subdevices, &units, room).unwrap();
        holds_every_promise(&plan, &subdevices, &units, room.min(1486));
    }
}

#[test]
fn a_hundred_subdevices_with_more_than_ten_thousand_points() {
    let bits = [1, 7, 16, 32, 3, 12, 1, 1, 64, 8].repeat(7);
    let all: Vec<_> = (0..100)
        .map(|position| subdevice(position, if position % 10 == 9 { LwrLrd } else { Lrw }, &bits, &bits))
        .collect();
    let plan = lay_out(&all, &[], 1470).unwrap();
    holds_every_promise(&plan, &all, &[], 1470);
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
        subdevice(0, Lrw, &[], &[]),
        subdevice(1, Lrw, &[12], &[]),
        subdevice(2, Lrw, &[], &[9]),
        subdevice(3, Lrw, &[16, 32], &[16, 32, 8]),
    ];
    let plan = lay_out(&all, &[], 1486).unwrap();
    assert_eq!(plan.image_len, 2 + 6 + 2 + 7);
    assert_eq!(plan.frames.len(), 1);
    let datagram = &plan.frames[0].datagrams[0];
    assert_eq!((datagram.command, datagram.len), (Command::Lrw, 17));
    assert_eq!((datagram.outputs.clone(), datagram.inputs.clone()), (0..8, 8..17));
    assert_eq!(datagram.expected_working_counter, 2 + 1 + 3);
    let ranges: Vec<_> =
        plan.subdevices.iter().map(|planned| (planned.outputs.clone(), planned.inputs.clone())).collect();
    assert_eq!(ranges, [(0..0, 0..0), (0..2, 8..8), (2..2, 8..10), (2..8, 10..17)]);
    let drive = &plan.subdevices[3];
    let fmmus: Vec<_> = drive.fmmus.iter().map(|(n, fmmu)| (*n, fmmu.logical_start, fmmu.length, fmmu.write)).collect();
    assert_eq!(fmmus, [(0, 2, 6, true), (1, 10, 7, false)]);
}

#[test]
fn overlapping_data_is_as_long_as_the_longer_part_of_each_subdevice() {
    // Inputs only, more inputs than outputs, more outputs than inputs, outputs only.
    let all = [
        subdevice(0, LrwOverlapping, &[], &[24]),
        subdevice(1, LrwOverlapping, &[16], &[32, 8]),
        subdevice(2, LrwOverlapping, &[64], &[8]),
        subdevice(3, LrwOverlapping, &[8], &[]),
    ];
    let plan = lay_out(&all, &[], 1486).unwrap();
    holds_every_promise(&plan, &all, &[], 1486);
    let datagram = &plan.frames[0].datagrams[0];
    assert_eq!((datagram.len, plan.image_len), (3 + 5 + 8 + 1, 2 * 17));
    assert_eq!(datagram.expected_working_counter, 1 + 3 + 3 + 2);
    let mapped: Vec<Vec<_>> = plan
        .subdevices
        .iter()
        .map(|one| one.fmmus.iter().map(|(_, fmmu)| (fmmu.logical_start, fmmu.length, fmmu.write)).collect())
        .collect();
    let expected = [
        vec![(0, 3, false)],
        vec![(3, 2, true), (3, 5, false)],
        vec![(8, 8, true), (8, 1, false)],
        vec![(16, 1, true)],
    ];
    assert_eq!(mapped, expected);
}

#[test]
fn overlapping_halves_the_frames_of_symmetric_subdevices() {
    let all = |access| (0..100).map(|position| subdevice(position, access, &[64; 12], &[64; 12])).collect::<Vec<_>>();
    let frames = |access| lay_out(&all(access), &[], 1470).unwrap().frames.len();
    assert_eq!((frames(Lrw), frames(LrwOverlapping)), (15, 7));
}

fn units_of(units: &[usize]) -> Vec<SubDeviceLayout> {
    let one = |(unit, position): (&usize, u16)| SubDeviceLayout { unit: *unit, ..subdevice(position, Lrw, &[8], &[8]) };
    units.iter().zip(0..).map(one).collect()
}

#[test]
fn units_with_other_turns_have_frames_of_their_own_the_fastest_first() {
    let units = [10, 1, 10].map(|every| SyncUnit { every, phase: None });
    let plan = lay_out(&units_of(&[0, 2, 1, 0, 1]), &units, 1470).unwrap();
    let frames: Vec<_> = plan.frames.iter().map(|frame| (frame.datagrams[0].unit, frame.turn)).collect();
    assert_eq!(frames, [(1, Turn::EVERY_TICK), (0, Turn::new(10, 0)), (2, Turn::new(10, 1))]);
    let carried: Vec<_> = plan.subdevices.iter().map(|one| one.frame).collect();
    assert_eq!(carried, [1, 2, 0, 1, 0]);
}

#[test]
fn units_with_the_same_turn_are_datagrams_of_one_frame_each_with_its_own_counter() {
    let units = [1, 4, 1, 4].map(|every| SyncUnit { every, phase: Some(0) });
    let plan = lay_out(&units_of(&[0, 1, 2, 3, 2]), &units, 1470).unwrap();
    let frames: Vec<Vec<_>> = plan
        .frames
        .iter()
        .map(|frame| frame.datagrams.iter().map(|one| (one.unit, one.expected_working_counter)).collect())
        .collect();
    assert_eq!(frames, [vec![(0, 3), (2, 6)], vec![(1, 3), (3, 3)]]);
}

#[test]
fn every_byte_of_a_frame_is_counted_before_another_unit_joins_it() {
    let units = [1, 1].map(|every| SyncUnit { every, phase: None });
    let all = units_of(&[0, 1]);
    // Two datagrams of two bytes, and the header of the second one.
    assert_eq!(lay_out(&all, &units, 16).unwrap().frames.len(), 1);
    assert_eq!(lay_out(&all, &units, 15).unwrap().frames.len(), 2);
}

#[test]
fn a_status_byte_is_mapped_where_an_fmmu_is_free_and_read_by_a_datagram_of_its_own() {
    let told = |position, fmmus, status| SubDeviceLayout {
        fmmus,
        status: Some(status),
        ..subdevice(position, Lrw, &[8], &[8])
    };
    // One with a mailbox, one without a free FMMU, one without a mailbox, and a coupler.
    let mut all = vec![told(0, 3, 0x080d), told(1, 2, 0x080d), told(2, 4, 0x0130), subdevice(3, Lrw, &[], &[])];
    all[3].status = Some(0x0130);
    let plan = lay_out(&all, &[], 1470).unwrap();
    let status = plan.frames[0].status.as_ref().unwrap();
    assert_eq!((status.logical, &status.positions[..]), (6, &[0, 2, 3][..]));
    let mapped: Vec<_> =
        plan.subdevices.iter().map(|one| one.status.map(|(n, fmmu)| (n, fmmu.physical_start))).collect();
    assert_eq!(mapped, [Some((2, 0x080d)), None, Some((2, 0x0130)), Some((0, 0x0130))]);
}

#[test]
fn a_status_byte_is_left_out_where_it_would_split_a_subdevice() {
    let status = |room| {
        let all = [SubDeviceLayout { status: Some(0x080d), ..subdevice(0, Lrw, &[8], &[8]) }];
        lay_out(&all, &[], room).unwrap().subdevices[0].status.is_some()
    };
    assert_eq!((status(2), status(14), status(15)), (false, false, true));
}

#[test]
fn a_sync_manager_without_bits_is_programmed_off() {
    let plan = lay_out(&[subdevice(0, Lrw, &[], &[8])], &[], 1486).unwrap();
    let programmed: Vec<_> = plan.subdevices[0]
        .sync_managers
        .iter()
        .map(|(number, channel)| (*number, channel.length, channel.enabled(), channel.start))
        .collect();
    assert_eq!(programmed, [(2, 0, false, 0x1100), (3, 1, true, 0x1400)]);
    assert_eq!(plan.subdevices[0].fmmus.len(), 1);
}

#[test]
fn a_subdevice_without_lrw_gets_lwr_and_lrd() {
    let all = [subdevice(0, LwrLrd, &[8], &[16]), subdevice(1, Lrw, &[8], &[8]), subdevice(2, LwrLrd, &[], &[8])];
    let plan = lay_out(&all, &[], 1486).unwrap();
    let commands: Vec<Vec<_>> = plan
        .frames
        .iter()
        .map(|frame| frame.datagrams.iter().map(|d| (d.command, d.expected_working_counter)).collect())
        .collect();
    assert_eq!(commands, [[(Command::Lrw, 3), (Command::Lwr, 1), (Command::Lrd, 2)]]);
}

#[test]
fn the_second_datagram_of_a_frame_costs_twelve_bytes() {
    let outputs = [64; 8];
    let all = [subdevice(4, LwrLrd, &outputs, &outputs)];
    assert!(lay_out(&all, &[], 140).is_ok());
    assert_eq!(lay_out(&all, &[], 140).unwrap().frames.len(), 1);
    assert_eq!(lay_out(&all, &[], 139).unwrap().frames.len(), 2, "LWR and LRD in frames of their own");
    assert_eq!(lay_out(&[subdevice(4, Lrw, &outputs, &outputs)], &[], 128).unwrap().frames.len(), 1);
}

#[test]
fn more_data_than_a_frame_carries_goes_in_several_in_order() {
    // 2,000 bytes of outputs and 3,000 of inputs, between two small SubDevices.
    let large = subdevice(1, Lrw, &[64; 250], &[64; 375]);
    let all = [subdevice(0, Lrw, &[8], &[8]), large, subdevice(2, Lrw, &[8], &[8])];
    let plan = lay_out(&all, &[], 1452).unwrap();
    holds_every_promise(&plan, &all, &[], 1452);
    let frames: Vec<_> = plan.frames.iter().map(|frame| (frame.datagrams[0].command, frame.datagrams[0].len)).collect();
    let (small, write, read) = (Command::Lrw, Command::Lwr, Command::Lrd);
    let large = [(write, 1452), (write, 548), (read, 1452), (read, 1452), (read, 96)];
    assert_eq!(frames[..2], [(small, 4), large[0]]);
    assert_eq!(frames[1..], large);
    let fmmus: Vec<_> = plan.subdevices[1].fmmus.iter().map(|(_, fmmu)| (fmmu.logical_start, fmmu.length)).collect();
    assert_eq!(fmmus, [(4, 2000), (2004, 3000)]);
}

#[test]
fn a_sync_manager_that_is_too_long_and_a_frame_without_room_are_named() {
    let many = vec![255u8; 2057];
    let error = lay_out(&[subdevice(7, Lrw, &many, &[])], &[], 1486).unwrap_err();
    assert_eq!(error.to_string(), "SubDevice 7 maps 65567 bytes on sync manager 2; it can have 65535");
    assert_eq!(lay_out(&[subdevice(7, Lrw, &[8], &[])], &[], 0), Err(LayoutError::NoRoom { position: 7, bytes: 1 }));
}

#[test]
fn what_is_for_op_only_is_not_counted_before() {
    let mut late = subdevice(0, Lrw, &[8], &[8]);
    late.sync_managers[0].activation = Activation::Op;
    let plan = lay_out(&[late, subdevice(1, Lrw, &[8], &[8])], &[], 1486).unwrap();
    let datagram = &plan.frames[0].datagrams[0];
    assert_eq!((datagram.expected_working_counter, datagram.expected_before_op), (6, 4));
    assert_eq!(
        (&plan.subdevices[0].op_only.sync_managers[..], &plan.subdevices[0].op_only.fmmus[..]),
        (&[2][..], &[0][..])
    );
    assert!(plan.has_op_only() && plan.subdevices[1].op_only.is_empty());
}

#[test]
fn a_virtual_sync_manager_is_an_fmmu_and_no_channel() {
    let mut stamped = subdevice(0, Lrw, &[8], &[64]);
    stamped.sync_managers[1] =
        SyncManagerLayout { start: 0x0998, activation: Activation::Virtual, ..manager(3, Direction::Input, &[64]) };
    let planned = lay_out(&[stamped], &[], 1486).unwrap().subdevices.remove(0);
    let channels: Vec<_> = planned.sync_managers.iter().map(|(number, _)| *number).collect();
    let mapped: Vec<_> = planned.fmmus.iter().map(|(_, fmmu)| (fmmu.physical_start, fmmu.length)).collect();
    assert_eq!((&channels[..], &mapped[..]), (&[2][..], &[(0x1100, 1), (0x0998, 8)][..]));
}

#[test]
fn too_few_fmmus_are_named() {
    let short = SubDeviceLayout { fmmus: 1, ..subdevice(7, Lrw, &[8], &[8]) };
    let error = lay_out(&[short], &[], 1486).unwrap_err();
    assert_eq!(error, LayoutError::TooFewFmmus { position: 7, needed: 2, has: 1 });
    assert!(lay_out(&[SubDeviceLayout { fmmus: 1, ..subdevice(7, Lrw, &[8], &[]) }], &[], 1486).is_ok());
}

#[test]
fn nothing_is_laid_out_as_nothing() {
    assert_eq!(lay_out(&[], &[], 1486), Ok(Plan::default()));
    let plan = lay_out(&[subdevice(0, Lrw, &[], &[])], &[], 0).unwrap();
    assert_eq!((plan.image_len, plan.frames.len(), plan.subdevices.len()), (0, 0, 1));
}
