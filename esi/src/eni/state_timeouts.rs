//! How long a SubDevice may take to a state: what the tool waits for after it asked for one.
//!
//! A tool asks for a state with a command to register 0x0120 and then reads 0x0130 until the state is there. The time stands
//! in the `Validate` of the reading command, or in the `Timeout` of either (ETG.2100, ECatCmdType).

use std::time::Duration;

use super::EniError;
use crate::element::Element;

/// Registers AL control and AL status (ETG.1000.4).
const AL: [u16; 2] = [0x0120, 0x0130];

/// Times to reach a state; `None` where the file says none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StateTimeouts {
    /// From INIT to PRE-OP.
    pub preop: Option<Duration>,
    /// From PRE-OP to SAFE-OP.
    pub safeop: Option<Duration>,
    /// From SAFE-OP to OP.
    pub op: Option<Duration>,
}

/// Those of a SubDevice: the longest of each transition.
pub(super) fn read(slave: &Element<'_>) -> Result<StateTimeouts, EniError> {
    let mut timeouts = StateTimeouts::default();
    let Some(commands) = slave.child("InitCmds") else { return Ok(timeouts) };
    for command in commands.children("InitCmd") {
        let Some(register) = command.child("Ado") else { continue };
        if !AL.contains(&register.pattern()?) {
            continue;
        }
        let Some(time) = time(&command)? else { continue };
        for transition in command.children("Transition") {
            let of = match transition.text() {
                "IP" => &mut timeouts.preop,
                "PS" => &mut timeouts.safeop,
                "SO" => &mut timeouts.op,
                _ => continue,
            };
            *of = Some(of.map_or(time, |other| other.max(time)));
        }
    }
    Ok(timeouts)
}

fn time(command: &Element<'_>) -> Result<Option<Duration>, EniError> {
    let validated = match command.child("Validate") {
        Some(validate) => validate.child_number::<u32>("Timeout")?,
        None => None,
    };
    let millis = validated.or(command.child_number("Timeout")?);
    Ok(millis.filter(|millis| *millis > 0).map(|millis| Duration::from_millis(millis.into())))
}
