use super::*;
use crate::describe::ValueId;

const MS: Duration = Duration::from_millis(1);

/// A servo on a table: values and virtual time.
struct Bench {
    servo: Box<dyn Profile>,
    values: Values,
    now: Duration,
}

impl Bench {
    fn new() -> Self {
        let (description, mut servo) = build();
        let mut values = Values::new(description.values);
        servo.start(&mut values);
        servo.step(&mut values, Duration::ZERO);
        Self { servo, values, now: Duration::ZERO }
    }

    /// In operation in a mode.
    fn enabled(mode: i8) -> Self {
        let mut bench = Self::new();
        bench.values.set_i8(objects::MODE, mode);
        for control in [0x06, 0x07, 0x0f] {
            bench.control(control);
        }
        assert_eq!(bench.status() & 0x6f, 0x27);
        bench
    }

    fn control(&mut self, control: u16) {
        self.values.set_u16(objects::CONTROL_WORD, control);
        self.servo.outputs(&mut self.values, self.now);
    }

    fn set(&mut self, index: u16, subindex: u8, value: i32) {
        let (description, _) = build();
        let object = description.objects.iter().find(|object| object.index == index).unwrap();
        let crate::describe::dictionary::Store::Value(id) = object.entry(subindex).unwrap().store else { panic!() };
        self.values.set_i32(id, value);
    }

    /// Lets milliseconds pass, one at a time.
    fn pass(&mut self, ms: u32) {
        for _ in 0..ms {
            self.now += MS;
            self.servo.step(&mut self.values, self.now);
        }
    }

    fn status(&self) -> u16 {
        self.values.u16(objects::STATUS_WORD)
    }

    fn bit(&self, bit: u16) -> bool {
        self.status() >> bit & 1 == 1
    }

    fn get(&self, id: ValueId) -> i32 {
        self.values.i32(id)
    }

    fn position(&self) -> i32 {
        self.get(objects::POSITION)
    }
}

#[test]
fn csp_follows_a_ramp_with_a_lag_of_five_milliseconds() {
    let mut bench = Bench::enabled(CSP);
    for n in 0..200 {
        bench.values.set_i32(objects::TARGET_POSITION, n * 100);
        bench.pass(1);
    }
    // 100,000 counts/s: 500 counts of lag, within the last cycle's 100.
    let error = bench.get(objects::FOLLOWING_ERROR);
    assert!((400..=600).contains(&error), "{error}");
    assert_eq!(bench.position(), 19_900 - error);
    assert!(bench.bit(12) && !bench.bit(13));
    bench.pass(60);
    assert_eq!((bench.position(), bench.get(objects::VELOCITY), bench.get(objects::FOLLOWING_ERROR)), (19_900, 0, 0));
}

#[test]
fn it_moves_only_when_enabled() {
    let mut bench = Bench::new();
    bench.values.set_i32(objects::TARGET_POSITION, 10_000);
    for control in [0x06, 0x07] {
        bench.control(control);
        bench.pass(100);
        assert_eq!((bench.position(), bench.bit(12)), (0, false));
    }
    bench.control(0x0f);
    bench.pass(100);
    assert_eq!(bench.position(), 10_000);
    bench.values.set_u16(objects::CONTROL_WORD, 0);
    bench.servo.safe(&mut bench.values);
    bench.values.set_i32(objects::TARGET_POSITION, 0);
    bench.pass(100);
    assert_eq!((bench.position(), bench.status() & 0x6f), (10_000, 0x40));
}

#[test]
fn csv_integrates_its_velocity() {
    let mut bench = Bench::enabled(CSV);
    bench.values.set_i32(objects::TARGET_VELOCITY, 50_000);
    bench.pass(100);
    let start = bench.position();
    bench.pass(1000);
    assert_eq!(bench.get(objects::VELOCITY), 50_000);
    assert!((bench.position() - start - 50_000).abs() <= 1, "{}", bench.position() - start);
    assert_eq!(bench.get(objects::FOLLOWING_ERROR), 0);
}

#[test]
fn cst_accelerates_against_friction_and_shows_its_torque() {
    let mut bench = Bench::enabled(CST);
    bench.values.set_i16(objects::TARGET_TORQUE, 120);
    bench.pass(10);
    let velocity = bench.get(objects::VELOCITY);
    assert!((64_000..=66_000).contains(&velocity), "{velocity}");
    assert_eq!(bench.values.i16(objects::TORQUE), 120);
    bench.values.set_i16(objects::TARGET_TORQUE, 0);
    bench.pass(100);
    assert_eq!(bench.get(objects::VELOCITY), 0);
}

#[test]
fn speed_torque_and_position_keep_within_their_limits_and_say_so() {
    let mut bench = Bench::enabled(CSV);
    // 60 turns a minute: one a second.
    bench.set(0x6080, 0, 60);
    bench.values.set_i32(objects::TARGET_VELOCITY, 1_000_000);
    bench.pass(100);
    assert_eq!((bench.get(objects::VELOCITY), bench.bit(11)), (65_536, true));

    let mut bench = Bench::enabled(CST);
    bench.set(0x6072, 0, 50);
    bench.values.set_i16(objects::TARGET_TORQUE, 400);
    bench.pass(5);
    assert_eq!((bench.values.i16(objects::TORQUE), bench.bit(11)), (50, true));

    let mut bench = Bench::enabled(CSP);
    bench.set(0x607D, 2, 700);
    bench.values.set_i32(objects::TARGET_POSITION, 1_000);
    bench.pass(100);
    assert_eq!((bench.position(), bench.bit(11)), (700, true));
}

#[test]
fn an_unknown_mode_and_mode_zero_change_nothing() {
    let mut bench = Bench::enabled(CSV);
    for mode in [0, 2, 7, -1, 11] {
        bench.values.set_i8(objects::MODE, mode);
        bench.pass(1);
        assert_eq!(bench.values.i8(objects::MODE_DISPLAY), CSV);
    }
}

#[test]
fn quick_stop_ramps_down_and_switches_off() {
    let mut bench = Bench::enabled(CSV);
    bench.set(0x6085, 0, 1_000_000);
    bench.values.set_i32(objects::TARGET_VELOCITY, 100_000);
    bench.pass(100);
    bench.control(0x02);
    assert_eq!(bench.status() & 0x6f, 0x07, "quick stop active");
    bench.pass(50);
    let velocity = bench.get(objects::VELOCITY);
    assert!((45_000..=55_000).contains(&velocity), "half of the ramp: {velocity}");
    bench.pass(100);
    assert_eq!((bench.get(objects::VELOCITY), bench.status() & 0x6f), (0, 0x40));
}

#[test]
fn quick_stop_option_six_stays_active_and_operation_resumes() {
    let mut bench = Bench::enabled(CSV);
    bench.set(0x605A, 0, 6);
    bench.values.set_i32(objects::TARGET_VELOCITY, 100_000);
    bench.pass(50);
    bench.control(0x02);
    bench.pass(200);
    assert_eq!((bench.get(objects::VELOCITY), bench.status() & 0x6f), (0, 0x07));
    bench.control(0x0f);
    bench.pass(100);
    assert_eq!((bench.get(objects::VELOCITY), bench.status() & 0x6f), (100_000, 0x27));
}

#[test]
fn quick_stop_option_zero_switches_off_at_once() {
    let mut bench = Bench::enabled(CSV);
    bench.set(0x605A, 0, 0);
    bench.control(0x02);
    assert_eq!(bench.status() & 0x6f, 0x40);
}

#[test]
fn halt_stops_and_lets_go_on() {
    let mut bench = Bench::enabled(CSV);
    bench.values.set_i32(objects::TARGET_VELOCITY, 100_000);
    bench.pass(50);
    bench.control(0x010f);
    bench.pass(100);
    assert_eq!((bench.get(objects::VELOCITY), bench.status() & 0x6f, bench.bit(12)), (0, 0x27, false));
    bench.control(0x000f);
    bench.pass(50);
    assert_eq!(bench.get(objects::VELOCITY), 100_000);
}

#[test]
fn a_following_error_that_lasts_is_a_fault_with_its_code() {
    let mut bench = Bench::enabled(CSP);
    bench.set(0x6065, 0, 1_000);
    bench.set(0x6066, 0, 20);
    bench.values.set_i32(objects::TARGET_POSITION, 1_100);
    bench.pass(100);
    assert_eq!(bench.servo.fault(), None, "outside of the window for less than 20 ms");
    bench.set(0x6072, 0, 30);
    bench.values.set_i32(objects::TARGET_POSITION, 1_000_000);
    bench.pass(21);
    assert_eq!(bench.status() & 0x2f, 0x0f, "fault reaction active");
    bench.pass(200);
    assert_eq!((bench.status() & 0x6f, bench.bit(13)), (0x08, true));
    assert_eq!(bench.servo.fault(), Some(FaultReport { code: 0x8611, register: 0x21 }));
    assert_eq!(bench.values.u16(objects::ERROR_CODE), 0x8611);
}

#[test]
fn a_window_of_all_ones_is_not_watched() {
    let mut bench = Bench::enabled(CSP);
    bench.set(0x6065, 0, -1);
    bench.values.set_i32(objects::TARGET_POSITION, 100_000_000);
    bench.pass(1000);
    assert_eq!((bench.servo.fault(), bench.status() & 0x6f), (None, 0x27));
}

#[test]
fn a_fault_is_reset_by_an_edge_and_the_drive_is_enabled_again() {
    let mut bench = Bench::enabled(CSP);
    bench.set(0x6065, 0, 10);
    bench.set(0x6066, 0, 0);
    bench.values.set_i32(objects::TARGET_POSITION, 100_000);
    bench.pass(100);
    bench.control(0x80);
    assert_eq!((bench.status() & 0x6f, bench.servo.fault()), (0x40, None));
    let at = bench.position();
    bench.values.set_i32(objects::TARGET_POSITION, at);
    for control in [0x06, 0x07, 0x0f] {
        bench.control(control);
    }
    bench.pass(10);
    assert_eq!(bench.status() & 0x6f, 0x27);
}

#[test]
fn profile_position_shakes_hands_and_reaches_its_target() {
    let mut bench = Bench::enabled(PROFILE_POSITION);
    bench.set(0x6081, 0, 100_000);
    bench.values.set_i32(objects::TARGET_POSITION, 50_000);
    bench.pass(10);
    assert_eq!((bench.position(), bench.bit(10), bench.bit(12)), (0, true, false));
    bench.control(0x1f);
    assert_eq!((bench.bit(10), bench.bit(12)), (false, true), "acknowledged");
    bench.control(0x0f);
    assert!(!bench.bit(12), "ready for the next");
    bench.pass(300);
    let velocity = bench.get(objects::VELOCITY);
    assert!((99_000..=101_000).contains(&velocity), "profile velocity: {velocity}");
    assert!(!bench.bit(10));
    bench.pass(400);
    assert_eq!((bench.position(), bench.bit(10)), (50_000, true));
}

#[test]
fn one_set_point_waits_and_the_acknowledge_stays_until_it_has_its_turn() {
    let mut bench = Bench::enabled(PROFILE_POSITION);
    for (target, control) in [(10_000, 0x1f), (10_000, 0x0f), (5_000, 0x1f), (5_000, 0x0f), (-9_000, 0x1f)] {
        bench.values.set_i32(objects::TARGET_POSITION, target);
        bench.control(control);
        bench.pass(1);
    }
    bench.control(0x0f);
    assert!(bench.bit(12), "no room");
    bench.pass(2000);
    assert_eq!((bench.position(), bench.bit(12), bench.bit(10)), (5_000, false, true));
}

#[test]
fn a_relative_set_point_adds_and_an_immediate_one_replaces() {
    let mut bench = Bench::enabled(PROFILE_POSITION);
    bench.values.set_i32(objects::TARGET_POSITION, 3_000);
    for control in [0x5f, 0x4f] {
        bench.control(control);
        bench.pass(500);
    }
    for control in [0x5f, 0x4f] {
        bench.control(control);
        bench.pass(500);
    }
    assert_eq!(bench.position(), 6_000);
    bench.values.set_i32(objects::TARGET_POSITION, 1_000_000);
    bench.control(0x1f);
    bench.control(0x0f);
    bench.pass(10);
    bench.values.set_i32(objects::TARGET_POSITION, 6_500);
    bench.control(0x3f);
    bench.pass(500);
    assert_eq!((bench.position(), bench.bit(10)), (6_500, true));
}

#[test]
fn homing_where_it_is_makes_home_of_it() {
    for method in [35, 37] {
        let mut bench = Bench::enabled(CSP);
        bench.values.set_i32(objects::TARGET_POSITION, 1_234);
        bench.pass(100);
        bench.set(0x6098, 0, method);
        bench.set(0x607C, 0, 1_000);
        bench.values.set_i8(objects::MODE, HOMING);
        bench.pass(1);
        assert_eq!(bench.status() & 0x3400, 0x0400, "not started");
        bench.control(0x1f);
        bench.pass(5);
        assert_eq!((bench.status() & 0x3400, bench.position()), (0x1400, -1_000));
    }
}

#[test]
fn homing_finds_its_switches() {
    for (method, switch) in [(19, 50_000), (17, -500_000)] {
        let mut bench = Bench::enabled(HOMING);
        bench.set(0x6098, 0, method);
        bench.control(0x1f);
        bench.pass(20);
        assert_eq!(bench.status() & 0x3400, 0, "in progress");
        bench.pass(10_000);
        assert_eq!(bench.status() & 0x3400, 0x1400);
        let error = bench.position();
        bench.values.set_i8(objects::MODE, CSP);
        bench.values.set_i32(objects::TARGET_POSITION, -switch);
        bench.set(0x6065, 0, -1);
        bench.pass(2000);
        // The edge is seen on a grid of 250 us at 10,000 counts/s; then it stops within a few milliseconds.
        assert!(error.abs() < 100, "{error}");
        assert_eq!(bench.position(), -switch);
    }
}

#[test]
fn an_unknown_homing_method_is_an_error_and_a_low_start_bit_interrupts() {
    let mut bench = Bench::enabled(HOMING);
    bench.set(0x6098, 0, 8);
    bench.control(0x1f);
    bench.pass(5);
    assert_eq!(bench.status() & 0x3400, 0x2400);
    bench.set(0x6098, 0, 19);
    for control in [0x0f, 0x1f] {
        bench.control(control);
        bench.pass(50);
    }
    assert_eq!(bench.status() & 0x3400, 0);
    bench.control(0x0f);
    bench.pass(200);
    assert_eq!((bench.status() & 0x3400, bench.get(objects::VELOCITY)), (0x0400, 0));
}

#[test]
fn profile_velocity_ramps_and_says_when_it_is_there() {
    let mut bench = Bench::enabled(PROFILE_VELOCITY);
    bench.set(0x6083, 0, 1_000_000);
    bench.set(0x6084, 0, 500_000);
    bench.pass(1);
    assert!(bench.bit(12), "speed 0");
    bench.values.set_i32(objects::TARGET_VELOCITY, 100_000);
    bench.pass(50);
    let velocity = bench.get(objects::VELOCITY);
    assert!((45_000..=51_000).contains(&velocity), "half of the ramp: {velocity}");
    assert!(!bench.bit(10) && !bench.bit(12));
    bench.pass(70);
    assert_eq!((bench.get(objects::VELOCITY), bench.bit(10), bench.bit(12)), (100_000, true, false));
    bench.values.set_i32(objects::TARGET_VELOCITY, 0);
    bench.pass(150);
    assert!(bench.get(objects::VELOCITY) > 20_000, "it slows down by the deceleration");
    bench.pass(100);
    assert!(bench.bit(10) && bench.bit(12));
}

#[test]
fn profile_torque_follows_its_slope() {
    let mut bench = Bench::enabled(PROFILE_TORQUE);
    bench.set(0x6087, 0, 1_000);
    bench.values.set_i16(objects::TARGET_TORQUE, 100);
    bench.pass(50);
    let torque = bench.values.i16(objects::TORQUE);
    assert!((49..=51).contains(&torque), "{torque}");
    assert!(!bench.bit(10));
    bench.pass(60);
    assert_eq!((bench.values.i16(objects::TORQUE), bench.bit(10)), (100, true));
}

#[test]
fn halt_in_profile_velocity_stops_and_says_so() {
    let mut bench = Bench::enabled(PROFILE_VELOCITY);
    bench.values.set_i32(objects::TARGET_VELOCITY, 100_000);
    bench.pass(200);
    bench.control(0x010f);
    bench.pass(20);
    assert!(!bench.bit(10) && bench.get(objects::VELOCITY) > 0);
    bench.pass(200);
    assert_eq!((bench.bit(10), bench.get(objects::VELOCITY), bench.status() & 0x6f), (true, 0, 0x27));
}

#[test]
fn disable_operation_and_shutdown_ramp_down_or_run_out_as_their_option_codes_say() {
    for (object, option, control, state) in
        [(0x605C, 1, 0x07, 0x23), (0x605C, 0, 0x07, 0x23), (0x605B, 1, 0x06, 0x21), (0x605B, 0, 0x06, 0x21)]
    {
        let mut bench = Bench::enabled(CSV);
        bench.set(object, 0, option);
        bench.set(0x6084, 0, 1_000_000);
        bench.values.set_i32(objects::TARGET_VELOCITY, 100_000);
        bench.pass(100);
        bench.control(control);
        bench.pass(50);
        let velocity = bench.get(objects::VELOCITY);
        if option == 1 {
            assert_eq!(bench.status() & 0x6f, 0x27, "{object:#06x}: still enabled");
            assert!((45_000..=55_000).contains(&velocity), "half of the ramp: {velocity}");
        } else {
            assert_eq!(bench.status() & 0x6f, state, "{object:#06x}: at once");
        }
        bench.pass(200);
        assert_eq!((bench.status() & 0x6f, bench.get(objects::VELOCITY)), (state, 0));
    }
}

#[test]
fn operation_that_is_enabled_again_on_the_ramp_goes_on() {
    let mut bench = Bench::enabled(CSV);
    bench.values.set_i32(objects::TARGET_VELOCITY, 100_000);
    bench.pass(100);
    bench.control(0x07);
    bench.pass(10);
    bench.control(0x0f);
    bench.pass(100);
    assert_eq!((bench.status() & 0x6f, bench.get(objects::VELOCITY)), (0x27, 100_000));
}

#[test]
fn homing_at_the_index_pulse_ends_beside_it() {
    for method in [34, 33, 1] {
        let mut bench = Bench::enabled(HOMING);
        bench.set(0x2012, 0, 1_000);
        bench.set(0x6098, 0, method);
        bench.set(0x607C, 0, 500);
        bench.control(0x1f);
        bench.pass(20);
        assert_eq!(bench.status() & 0x3400, 0, "in progress");
        bench.pass(20_000);
        assert_eq!(bench.status() & 0x3400, 0x1400, "method {method}");
        // It stops within a few milliseconds at 10,000 counts/s; zero lies behind home by the offset.
        assert!((bench.position() + 500).abs() < 100, "{}", bench.position());
    }
}

#[test]
fn the_manual_has_every_setting_with_its_default() {
    let manual = include_str!("../../../../docs/servo.md");
    for parameter in objects::parameters().iter().filter(|parameter| parameter.is_setting()) {
        let (index, subindex) = parameter.at();
        let object = if subindex == 0 { format!("{index:#06x}") } else { format!("{index:#06x}:{subindex:02}") };
        let row = format!("| {} | {} |", object.to_uppercase().replace("0X", "0x"), parameter.default());
        assert!(manual.contains(&row), "docs/servo.md lacks {row}");
    }
}
