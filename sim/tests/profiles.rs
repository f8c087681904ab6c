//! Behaviour of the profiles as a MainDevice sees it: through datagrams alone.

#![allow(clippy::unwrap_used, reason = "a test fails there")]

mod support;

use std::time::Duration;

use support::Rig;
use zerocat_sim::{ModuleKind, ProfileKind, SegmentConfig, SubDeviceConfig, WireConfig};

const MS: Duration = Duration::from_millis(1);
/// Where the sync managers of outputs and inputs lie.
const OUTPUTS: u16 = 0x1100;
const INPUTS: u16 = 0x1400;

/// One SubDevice at position 0, and a counter for its mails.
struct Device {
    rig: Rig,
    counter: u8,
    outputs: Vec<u8>,
    inputs: usize,
}

impl Device {
    fn new(config: SubDeviceConfig) -> Self {
        Self::of(&SegmentConfig::line(vec![config]))
    }

    fn of(config: &SegmentConfig) -> Self {
        let mut rig = Rig::new(config);
        rig.preop(0);
        Self { rig, counter: 0, outputs: Vec::new(), inputs: 0 }
    }

    fn sdo(&mut self, body: &[u8]) -> Vec<u8> {
        self.counter = self.counter % 7 + 1;
        self.rig.coe(0, self.counter, body).unwrap()
    }

    /// Abort code of an expedited download, or 0.
    fn download(&mut self, index: u16, subindex: u8, data: &[u8]) -> u32 {
        let [i0, i1] = index.to_le_bytes();
        let unused = u8::try_from(4 - data.len()).unwrap();
        let mut body = vec![0x00, 0x20, 0x23 | unused << 2, i0, i1, subindex];
        body.extend_from_slice(data);
        body.resize(10, 0);
        let reply = self.sdo(&body);
        if reply[2] == 0x60 { 0 } else { u32::from_le_bytes(reply[6..10].try_into().unwrap()) }
    }

    /// Value of an expedited upload.
    fn upload(&mut self, index: u16, subindex: u8) -> u32 {
        let [i0, i1] = index.to_le_bytes();
        let reply = self.sdo(&[0x00, 0x20, 0x40, i0, i1, subindex, 0, 0, 0, 0]);
        assert_eq!(reply[2] & 0xe3, 0x43, "upload of {index:#06x}:{subindex:02x}: {reply:02x?}");
        u32::from_le_bytes(reply[6..10].try_into().unwrap())
    }

    /// Assigns PDOs to a sync manager.
    fn assign(&mut self, index: u16, pdos: &[u16]) {
        assert_eq!(self.download(index, 0, &[0]), 0);
        for (subindex, pdo) in (1..).zip(pdos) {
            assert_eq!(self.download(index, subindex, &pdo.to_le_bytes()), 0);
        }
        assert_eq!(self.download(index, 0, &[u8::try_from(pdos.len()).unwrap()]), 0);
    }

    /// To OP with process data of these lengths.
    fn operate(&mut self, outputs: u16, inputs: u16) {
        if outputs > 0 {
            self.rig.sync_manager(0, 2, OUTPUTS, outputs, 0x64);
        }
        self.rig.sync_manager(0, 3, INPUTS, inputs, 0x20);
        assert_eq!(self.rig.al(0, 4), (4, 0));
        self.outputs = vec![0; usize::from(outputs)];
        self.inputs = usize::from(inputs);
        self.cycle(1);
        assert_eq!(self.rig.al(0, 8), (8, 0));
    }

    /// Writes outputs and lets a millisecond pass, as often as asked. Gives the inputs.
    fn cycle(&mut self, count: u32) -> Vec<u8> {
        for _ in 0..count {
            if !self.outputs.is_empty() {
                let outputs = self.outputs.clone();
                self.rig.write(0, OUTPUTS, &outputs);
            }
            self.rig.now += MS;
        }
        self.rig.read(0, INPUTS, self.inputs)
    }

    fn set(&mut self, at: usize, bytes: &[u8]) {
        self.outputs[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Walks the power drive state machine to operation enabled.
    fn enable(&mut self) -> Vec<u8> {
        for control in [0x06, 0x07, 0x0f] {
            self.set(0, &[control]);
            self.cycle(1);
        }
        let inputs = self.cycle(1);
        assert_eq!(inputs[0] & 0x6f, 0x27);
        inputs
    }
}

fn i32_at(bytes: &[u8], at: usize) -> i32 {
    i32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// A servo in operation with all inputs: status 0, position 2, velocity 6, torque 10, following error 12, error
/// code 16, mode 18.
fn servo(rx_pdo: u16, length: u16, mode_at: usize, mode: u8) -> Device {
    let mut device = Device::new(SubDeviceConfig::new(ProfileKind::Servo));
    device.assign(0x1c12, &[rx_pdo]);
    device.assign(0x1c13, &[0x1a03]);
    device.operate(length, 20);
    device.set(mode_at, &[mode]);
    assert_eq!(device.enable()[18], mode);
    device
}

#[test]
fn a_servo_runs_in_csv_with_the_pdo_for_velocities() {
    // IEC 61800-7-204: PDOs of cyclic synchronous velocity.
    let mut device = servo(0x1601, 8, 6, 9);
    device.set(2, &30_000i32.to_le_bytes());
    let start = device.cycle(100);
    let end = device.cycle(100);
    assert_eq!(i32_at(&end, 6), 30_000);
    assert!((i32_at(&end, 2) - i32_at(&start, 2) - 3_000).abs() <= 1);
}

#[test]
fn a_servo_runs_in_cst_with_the_pdo_for_torques() {
    let mut device = servo(0x1602, 6, 4, 10);
    device.set(2, &120i16.to_le_bytes());
    let inputs = device.cycle(20);
    assert_eq!(inputs[10..12], 120i16.to_le_bytes());
    assert!(i32_at(&inputs, 6) > 100_000);
}

#[test]
fn modes_change_on_the_fly_with_the_pdo_of_all_targets() {
    let mut device = servo(0x1603, 14, 12, 8);
    device.set(2, &5_000i32.to_le_bytes());
    assert_eq!(i32_at(&device.cycle(100), 2), 5_000);
    device.set(6, &(-50_000i32).to_le_bytes());
    device.set(12, &[9]);
    let inputs = device.cycle(100);
    assert_eq!((i32_at(&inputs, 6), inputs[18]), (-50_000, 9));
    device.set(12, &[8]);
    let inputs = device.cycle(200);
    assert_eq!((i32_at(&inputs, 2), inputs[18]), (5_000, 8));
}

#[test]
fn the_servo_says_which_modes_it_has() {
    // 0x6502, IEC 61800-7-201: profile position, velocity and torque, homing, CSP, CSV, CST.
    let mut device = Device::new(SubDeviceConfig::new(ProfileKind::Servo));
    assert_eq!(device.upload(0x6502, 0), 1 << 0 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9);
}

#[test]
fn a_following_error_shows_in_status_word_error_code_and_emergency_until_it_is_reset() {
    let mut device = servo(0x1600, 8, 6, 8);
    assert_eq!(device.download(0x6065, 0, &100u32.to_le_bytes()), 0);
    assert_eq!(device.download(0x6066, 0, &5u16.to_le_bytes()), 0);
    device.set(2, &1_000_000i32.to_le_bytes());
    let inputs = device.cycle(300);
    assert_eq!((inputs[0] & 0x6f, inputs[1] & 0x20), (0x08, 0x20));
    assert_eq!(inputs[16..18], [0x11, 0x86]);
    assert_eq!(device.rig.segment.snapshot().subdevices[0].fault, 0x8611);
    // The emergency (ETG.1000.6, 5.6.4): error code and error register.
    let emergency = device.rig.fetch(0).unwrap();
    assert_eq!((emergency[5] & 0x0f, &emergency[6..11]), (3, &[0x00, 0x10, 0x11, 0x86, 0x21][..]));
    // 0x6065, 0x6066, 0x8611 and the reset by an edge: IEC 61800-7-201, position control function and 5.3.
    let at = i32_at(&inputs, 2);
    device.set(2, &at.to_le_bytes());
    device.set(0, &[0x80]);
    let inputs = device.cycle(2);
    assert_eq!((inputs[0] & 0x6f, &inputs[16..18]), (0x40, &[0, 0][..]));
    assert_eq!(device.rig.segment.snapshot().subdevices[0].fault, 0);
    device.enable();
}

#[test]
fn a_lost_maindevice_lets_the_servo_run_out() {
    let mut device = servo(0x1601, 8, 6, 9);
    device.set(2, &200_000i32.to_le_bytes());
    device.cycle(100);
    let running = i32_at(&device.rig.read(0, INPUTS, 20), 6);
    device.rig.now += MS * 1000;
    let inputs = device.rig.read(0, INPUTS, 20);
    assert_eq!((running, inputs[0] & 0x6f, i32_at(&inputs, 6)), (200_000, 0x40, 0));
    assert_eq!((device.rig.read_u16(0, 0x0130), device.rig.read_u16(0, 0x0134)), (0x14, 0x001b));
}

#[test]
fn what_outputs_do_to_the_inputs_shows_in_the_next_frame() {
    let mut device = servo(0x1601, 8, 6, 9);
    for (control, status) in [(0x00u8, 0x40u8), (0x06, 0x21), (0x06, 0x21), (0x07, 0x23), (0x00, 0x40)] {
        device.set(0, &[control]);
        let outputs = device.outputs.clone();
        // No time passes in between.
        device.rig.write(0, OUTPUTS, &outputs);
        assert_eq!(device.rig.read(0, INPUTS, 20)[0] & 0x6f, status, "after controlword {control:#04x}");
    }
}

#[test]
fn a_stepper_goes_to_positions_with_the_pdo_for_them() {
    let mut device = Device::new(SubDeviceConfig::new(ProfileKind::Stepper));
    device.assign(0x1c12, &[0x1601, 0x1602, 0x1603]);
    assert_eq!(device.download(0x8012, 1, &3u32.to_le_bytes()), 0);
    device.operate(12, 8);
    device.set(8, &(-2_000i32).to_le_bytes());
    device.set(6, &[1]);
    let inputs = device.cycle(300);
    assert_eq!(i32_at(&inputs, 2), -2_000);
    assert_eq!(inputs[6] & 0x3b, 0x03, "ready, no error, at rest");
}

#[test]
fn an_encoder_is_set_and_latches() {
    let mut device = Device::new(SubDeviceConfig { speed: Some(10_000), ..SubDeviceConfig::new(ProfileKind::Encoder) });
    device.operate(6, 10);
    device.set(0, &[0x04, 0, 0x10, 0x27, 0, 0]);
    let inputs = device.cycle(1);
    assert_eq!((inputs[0] & 0x04, i32_at(&inputs, 2)), (0x04, 10_010));
    device.set(0, &[0x01]);
    let inputs = device.cycle(500);
    assert_eq!(inputs[0] & 0x05, 0x01);
    let latched = i32_at(&inputs, 6);
    assert!((10_010..=15_010).contains(&latched), "{latched}");
    assert_eq!(i32_at(&device.cycle(500), 6), latched, "the first pulse stays");
}

#[test]
fn samples_come_as_an_array_that_a_cycle_counter_goes_with() {
    let config =
        SubDeviceConfig { samples: Some(5), channels: Some(1), ..SubDeviceConfig::new(ProfileKind::OversamplingIn) };
    let mut device = Device::new(config);
    // One mapping object of the cycle counter and five samples (ETG.1000.6, 5.6.7.4).
    assert_eq!(device.upload(0x1a00, 0), 6);
    assert_eq!([device.upload(0x1a00, 1), device.upload(0x1a00, 6)], [0x6800_0110, 0x6000_0510]);
    device.operate(0, 12);
    let samples =
        |inputs: &[u8]| -> Vec<i16> { inputs.chunks(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect() };
    let first = samples(&device.cycle(1));
    let second = samples(&device.cycle(1));
    assert_eq!(second[0], first[0] + 1);
    // The triangle rises by 12 in 200 us, and goes on from cycle to cycle.
    let all = [&first[1..], &second[1..]].concat();
    assert!(all.windows(2).all(|pair| pair[1] - pair[0] == 12), "{all:?}");
}

#[test]
fn limits_of_an_analogue_input_are_set_by_sdo_and_shown_in_its_status() {
    let mut config = SegmentConfig::line(vec![
        SubDeviceConfig::new(ProfileKind::AnalogueIn),
        SubDeviceConfig::new(ProfileKind::AnalogueOut),
    ]);
    config.wires = vec![WireConfig { from: "1.out.1".into(), to: "0.in.1".into() }];
    let mut device = Device::of(&config);
    device.rig.preop(1);
    device.rig.sync_manager(1, 2, 0x1100, 4, 0x64);
    assert_eq!(device.download(0x8000, 0x07, &[1]), 0);
    assert_eq!(device.download(0x8000, 0x13, &1000i16.to_le_bytes()), 0);
    device.operate(0, 8);
    assert_eq!(device.rig.al(1, 4), (4, 0));
    device.rig.write(1, 0x1100, &[0; 4]);
    assert_eq!(device.rig.al(1, 8), (8, 0));
    let mut status = |value: i16| {
        let [a, b] = value.to_le_bytes();
        device.rig.write(1, 0x1100, &[a, b, 0, 0]);
        device.rig.read(0, INPUTS, 8)[0] & 0x7f
    };
    // Underrange 0x01, overrange 0x02, limit 1 0x0c, error 0x40.
    assert_eq!([999, 1000, 1001].map(&mut status), [0x04, 0x0c, 0x08]);
    assert_eq!([i16::MIN, i16::MAX].map(&mut status), [0x45, 0x4a]);
}

#[test]
fn a_modular_device_has_the_objects_and_pdos_of_its_modules() {
    // ETG.5001.1: 0xF000, 0xF030, 0xF050, and 0x9nn0.
    let modules = vec![ModuleKind::Di16, ModuleKind::Ao2, ModuleKind::Do8];
    let mut device = Device::new(SubDeviceConfig { modules, ..SubDeviceConfig::new(ProfileKind::Modular) });
    assert_eq!([device.upload(0xf000, 1), device.upload(0xf000, 2)], [0x10, 3]);
    assert_eq!([device.upload(0xf030, 0), device.upload(0xf050, 0)], [3, 3]);
    for slot in 0..3u8 {
        let ident = device.upload(0xf050, slot + 1);
        assert_eq!(device.upload(0x9000 + 0x10 * u16::from(slot), 0x0a), ident);
        assert_eq!(device.download(0xf030, slot + 1, &ident.to_le_bytes()), 0);
    }
    assert_eq!(
        [device.upload(0x1c12, 1), device.upload(0x1c12, 2), device.upload(0x1c13, 1)],
        [0x1601, 0x1602, 0x1a00]
    );
    assert_eq!([device.upload(0x1a00, 16), device.upload(0x1601, 2)], [0x6000_1001, 0x7010_0210]);
    device.operate(5, 2);
    assert_eq!(device.download(0xf030, 1, &[0; 4]), 0x0800_0022, "in PRE-OP only");
}

#[test]
fn the_zoo_is_the_same_in_every_run() {
    let run = || {
        let mut rig = Rig::new(&SegmentConfig::zoo());
        for position in 3..12 {
            rig.preop(position);
        }
        let mut seen = Vec::new();
        for n in 0..300u32 {
            rig.now += Duration::from_micros(u64::from(n) * 31 % 700);
            seen.push(rig.coe(6, u8::try_from(n % 7).unwrap() + 1, &[0x00, 0x20, 0x40, 0x64, 0x60, 0, 0, 0, 0, 0]));
            let position = u16::try_from(3 + n % 9).unwrap();
            seen.push(Some(rig.read(position, 0x0130, 6)));
        }
        (seen, rig.segment.snapshot())
    };
    assert_eq!(run(), run());
}
