//! Register writes of the tool: which of them zerocat makes by itself, and which a rig file has no place for.

use super::NotImported;
use super::startup::hex;
use zerocat_esi::eni::RegisterCommand;

/// Registers that zerocat programs itself in each bring-up (ETG.1000.4): station address, DL control, AL control, counters,
/// SII, FMMUs, sync managers, clocks.
const OWN: [std::ops::RangeInclusive<u16>; 8] = [
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
const EVENTS: std::ops::RangeInclusive<u16> = 0x0200..=0x0223;

/// What of them is left out.
pub(super) fn left_out(commands: &[RegisterCommand]) -> Vec<NotImported> {
    let mut left_out = Vec::new();
    for RegisterCommand { transitions, register, data, .. } in commands {
        let own = OWN.iter().any(|range| range.contains(register)) || EVENTS.contains(register);
        if own || data.iter().all(|byte| *byte == 0) {
            continue;
        }
        let why = if WATCHDOGS.contains(register) {
            "all SubDevices have the watchdog of `engine.watchdog`"
        } else {
            "a rig file has no place for writes to registers"
        };
        let what = format!("{} to register {register:#06x} in {}", hex(data), transitions.join(" "));
        left_out.push(NotImported::new(what, why));
    }
    left_out
}
