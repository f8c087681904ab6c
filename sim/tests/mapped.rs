//! What goes through an FMMU goes where the same physical access would, whatever sync managers guard (ETG.1000.4, 6.6
//! and 6.7): two segments get the same configuration, one is accessed logically and the other physically.
//!
//! FMMUs with bits, and all that lies outside of sync managers, are the business of `oracle.rs`.

#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use proptest::prelude::*;
use support::Rig;
use zerocat_sim::{ProfileKind, SegmentConfig, SubDeviceConfig};
use zerocat_wire::{Address, Command};

const STATION: u16 = 0x1000;
/// First physical byte that anything is done with.
const RAM: u16 = 0x1100;
const SYNC_MANAGERS: u16 = 4;
const FMMUS: u16 = 3;

/// Buffered and mailbox, read and written by the MainDevice (ETG.1000.4, table 58).
const CONTROLS: [u8; 4] = [0x00, 0x04, 0x02, 0x06];

#[derive(Debug, Clone)]
enum Step {
    SyncManager { n: u16, offset: u16, length: u16, control: u8, on: bool },
    Fmmu { n: u16, offset: u16, length: u16, direction: u8, on: bool },
    Access { n: u16, skip: u16, data: Vec<u8>, write: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let sync_manager = (0..SYNC_MANAGERS, 0u16..24, 0u16..9, prop::sample::select(&CONTROLS[..]), any::<bool>())
        .prop_map(|(n, offset, length, control, on)| Step::SyncManager { n, offset, length, control, on });
    let fmmu = (0..FMMUS, 0u16..24, 1u16..12, 1u8..4, any::<bool>())
        .prop_map(|(n, offset, length, direction, on)| Step::Fmmu { n, offset, length, direction, on });
    let access = (0..FMMUS, 0u16..8, prop::collection::vec(any::<u8>(), 1..12), any::<bool>())
        .prop_map(|(n, skip, data, write)| Step::Access { n, skip, data, write });
    prop_oneof![2 => sync_manager, 1 => fmmu, 4 => access]
}

/// An FMMU as it was configured last: first physical byte, length, directions.
type Mapped = Option<(u16, u16, u8)>;

fn servo() -> Rig {
    let mut rig = Rig::new(&SegmentConfig::line(vec![SubDeviceConfig::new(ProfileKind::Servo)]));
    rig.send(Command::Apwr, Address::position(0, 0x0010), &STATION.to_le_bytes());
    rig
}

fn write(rig: &mut Rig, register: u16, data: &[u8]) -> u16 {
    rig.send(Command::Fpwr, Address::station(STATION, register), data).1
}

fn logical(n: u16) -> u32 {
    0x100 * u32::from(n)
}

fn configure(rig: &mut Rig, step: &Step) {
    match step {
        Step::SyncManager { n, offset, length, control, on } => {
            let register = 0x0800 + 8 * n;
            // One that is on keeps its configuration.
            write(rig, register + 6, &[0]);
            let [s0, s1] = (RAM + offset).to_le_bytes();
            let [l0, l1] = length.to_le_bytes();
            write(rig, register, &[s0, s1, l0, l1, *control, 0, u8::from(*on)]);
        }
        Step::Fmmu { n, offset, length, direction, on } => {
            let [a, b, c, d] = logical(*n).to_le_bytes();
            let [l0, l1] = length.to_le_bytes();
            let [p0, p1] = (RAM + offset).to_le_bytes();
            write(rig, 0x0600 + 16 * n, &[a, b, c, d, l0, l1, 0, 7, p0, p1, 0, *direction, u8::from(*on)]);
        }
        Step::Access { .. } => {}
    }
}

/// The part of the datagram that the FMMU maps.
fn part(fmmu: Mapped, skip: u16, data: &[u8], write: bool) -> Option<(u16, usize)> {
    let (offset, length, direction) = fmmu?;
    let wanted = if write { 2 } else { 1 };
    let left = usize::from(length.checked_sub(skip)?);
    (direction & wanted != 0 && left > 0).then(|| (RAM + offset + skip, left.min(data.len())))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn an_fmmu_does_what_a_physical_access_does(steps in prop::collection::vec(step(), 1..60)) {
        let (mut mapped, mut plain) = (servo(), servo());
        let mut fmmus = [Mapped::None; FMMUS as usize];
        for step in &steps {
            configure(&mut mapped, step);
            configure(&mut plain, step);
            match step {
                Step::Fmmu { n, offset, length, direction, on } => {
                    fmmus[usize::from(*n)] = on.then_some((*offset, *length, *direction));
                }
                Step::Access { n, skip, data, write } => {
                    let command = if *write { Command::Lwr } else { Command::Lrd };
                    let address = Address::logical(logical(*n) + u32::from(*skip));
                    let (got, counter) = mapped.send(command, address, data);
                    let (mut expected, mut expected_counter) = (data.clone(), 0);
                    if let Some((start, len)) = part(fmmus[usize::from(*n)], *skip, data, *write) {
                        let command = if *write { Command::Fpwr } else { Command::Fprd };
                        let (answer, counted) = plain.send(command, Address::station(STATION, start), &data[..len]);
                        expected[..len].copy_from_slice(&answer);
                        expected_counter = counted;
                    }
                    prop_assert_eq!((got, counter), (expected, expected_counter), "{:?}", step);
                }
                Step::SyncManager { .. } => {}
            }
            for register in [0x0210u16, 0x0800] {
                let [one, other] = [&mut mapped, &mut plain]
                    .map(|rig| rig.send(Command::Fprd, Address::station(STATION, register), &[0; 0x20]));
                prop_assert_eq!(one, other, "registers from {:#06x} on after {:?}", register, step);
            }
        }
        let all_off = |rig: &mut Rig| {
            (0..SYNC_MANAGERS).for_each(|n| {
                write(rig, 0x0800 + 8 * n + 6, &[0]);
            });
            rig.send(Command::Fprd, Address::station(STATION, RAM), &[0; 0x40])
        };
        prop_assert_eq!(all_off(&mut mapped), all_off(&mut plain), "memory at the end");
    }
}

#[test]
fn an_fmmu_may_switch_itself_and_others_off() {
    let mut rig = servo();
    // FMMU 0 maps the first byte of the activation of FMMU 0, FMMU 1 that of FMMU 1; FMMU 2 maps RAM.
    for (n, physical) in [(0u16, 0x060Cu16), (1, 0x061C), (2, RAM)] {
        let [p0, p1] = physical.to_le_bytes();
        let logical = n.to_le_bytes()[0];
        write(&mut rig, 0x0600 + 16 * n, &[logical, 0, 0, 0, 1, 0, 0, 7, p0, p1, 0, 2, 1]);
    }
    let (_, counter) = rig.send(Command::Lwr, Address::logical(0), &[0, 0, 0x5a]);
    assert_eq!(counter, 1);
    assert_eq!(rig.send(Command::Fprd, Address::station(STATION, RAM), &[0]), (vec![0x5a], 1), "the third took part");
    assert_eq!(rig.send(Command::Lwr, Address::logical(0), &[1, 1]).1, 0, "both are off");
}
