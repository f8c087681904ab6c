//! Register writes of the tool: which of them zerocat makes by itself, and which a rig file has no place for.

use super::NotImported;
use super::startup::hex;
use std::ops::RangeInclusive;
use std::time::Duration;
use zerocat_config::Watchdogs;
use zerocat_esi::eni::RegisterCommand;

/// Registers that zerocat programs itself in each bring-up (ETG.1000.4): station address, DL control, AL control, counters,
/// SII, FMMUs, sync managers, clocks.
const OWN: [RangeInclusive<u16>; 8] = [
    0x0010..=0x0013,
    0x0100..=0x0103,
    0x0120..=0x0121,
    0x0300..=0x0313,
    0x0500..=0x050f,
    0x0600..=0x06ff,
    0x0800..=0x08ff,
    0x0900..=0x09ff,
];
/// Watchdogs: divider, process data interface, process data.
const WATCHDOGS: [u16; 3] = [0x0400, 0x0410, 0x0420];
/// Interrupt mask and address of events, which have no effect without the process data interface of the tool.
const EVENTS: RangeInclusive<u16> = 0x0200..=0x0223;

/// Divider of the watchdogs at power-on, which makes ticks of 100 us (ETG.1000.4, 0x0400).
const DIVIDER: u16 = 2498;
/// Watchdogs that a rig file can have.
const TIMES: RangeInclusive<Duration> = Duration::from_micros(100)..=Duration::from_micros(6_553_500);

/// The watchdogs that the tool programs, in a network of this cycle. One that a rig file can't have is told.
pub(super) fn watchdogs(commands: &[RegisterCommand], cycle: Duration, left_out: &mut Vec<NotImported>) -> Watchdogs {
    let written = |register| {
        let of_it = commands.iter().rfind(|command| command.register == register)?;
        Some(u16::from_le_bytes(*of_it.data.first_chunk()?))
    };
    let [divider, pdi, process_data] = WATCHDOGS.map(written);
    let tick = Duration::from_nanos(40) * (u32::from(divider.unwrap_or(DIVIDER)) + 2);
    let time = |ticks: u16| tick * u32::from(ticks);
    let mut watchdogs = Watchdogs::default();
    match process_data.map(time) {
        Some(time) if !TIMES.contains(&time) || time <= cycle => {
            let what = format!("the watchdog of {time:?} over its outputs");
            let why = "`engine.watchdog` holds: one is 100 us to 6.5535 s and longer than a cycle";
            left_out.push(NotImported::new(what, why));
        }
        other => watchdogs.process_data = other,
    }
    watchdogs.pdi = pdi.map(time).filter(|time| time.is_zero() || TIMES.contains(time));
    watchdogs
}

/// What of them is left out.
pub(super) fn left_out(commands: &[RegisterCommand]) -> Vec<NotImported> {
    let mut left_out = Vec::new();
    for RegisterCommand { transitions, register, data, .. } in commands {
        let own = OWN.iter().any(|range| range.contains(register)) || EVENTS.contains(register);
        if own || data.iter().all(|byte| *byte == 0) {
            continue;
        }
        if WATCHDOGS.contains(register) {
            continue;
        }
        let why = "a rig file has no place for writes to registers";
        let what = format!("{} to register {register:#06x} in {}", hex(data), transitions.join(" "));
        left_out.push(NotImported::new(what, why));
    }
    left_out
}
