//! What a SubDevice's description (ESI) advises: startup commands and an operation mode for its entry in the draft, and in words
//! what else it can do.
//!
//! Guarantees: only what a run takes is drafted; what isn't is said. Each command says where it is from.

use super::outputs::is_axis;
use crate::descriptions::Described;
use crate::import::{known_transition, startup_value};
use crate::scan::Scanned;
use std::time::Duration;
use zerocat_config::dc::SubDeviceDc;
use zerocat_config::interpolation::{AXIS, INTERPOLATION_TIME, interpolation_of};
use zerocat_config::{OnError, StartupCommand, Transition};
use zerocat_esi::{DataType, Device, IdnStartup, Pdo, Startup};

/// PDOs that are named at most.
const MOST_NAMED: usize = 12;
/// Said of a command whose object the description's dictionary doesn't list.
const UNLISTED: &str = "; where the SubDevice refuses it, that is told and the run goes on";
/// Axes of a drive.
const AXES: u16 = 8;

/// What is drafted, and what is said.
#[derive(Debug, Default)]
pub(super) struct Advice {
    /// Each with where it is from.
    pub(super) startup: Vec<(StartupCommand, String)>,
    pub(super) dc: Option<SubDeviceDc>,
    pub(super) notes: Vec<String>,
}

/// Of one SubDevice, for a network with such a cycle.
pub(super) fn of(found: &Scanned, cycle: Duration) -> Advice {
    let mut advice = Advice::default();
    let Some(described) = found.described.as_deref() else { return advice };
    advice.notes.push(format!("Described by {}.", described.description));
    advice.interpolation(found, &described.device, cycle);
    advice.startup(described);
    advice.idns(described);
    advice.modes(found, &described.device, cycle);
    for (key, mapped, pdos) in
        [("inputs", &found.inputs, &described.device.tx_pdos), ("outputs", &found.outputs, &described.device.rx_pdos)]
    {
        let mapped: Vec<u16> = mapped.iter().map(|pdo| pdo.index).collect();
        advice.notes.extend(alternatives(key, &mapped, pdos));
    }
    advice
}

impl Advice {
    /// The commands of the description. Those whose object is given already are left out.
    fn startup(&mut self, Described { description, device }: &Described) {
        let given = self.startup.len();
        for command in &device.startup {
            let object = object(command.index, command.subindex);
            if self.startup.iter().take(given).any(|(known, _)| known.object == object) {
                continue;
            }
            let said = if command.comment.is_empty() { String::new() } else { format!(": {}", command.comment) };
            if command.adapted {
                self.notes.push(format!("Advises {object} with a value that tools choose{said}; it isn't drafted."));
                continue;
            }
            for transition in &command.transitions {
                match known_transition(transition) {
                    Ok(transition) => {
                        let command = drafted(command, transition, device);
                        let unsure = if command.on_error == OnError::Warn { UNLISTED } else { "" };
                        self.startup.push((command, format!("From {}{said}{unsure}", description.file)));
                    }
                    Err(why) => self.notes.push(format!("Advises {object}{said}; it isn't drafted: {why}.")),
                }
            }
        }
    }

    /// The commands of the description by SoE, with the bytes that it has.
    fn idns(&mut self, Described { description, device }: &Described) {
        for command in &device.idn_startup {
            let IdnStartup { idn, drive, data, comment, .. } = command;
            let said = if comment.is_empty() { String::new() } else { format!(": {comment}") };
            if command.adapted {
                self.notes.push(format!("Advises {idn} with a value that tools choose{said}; it isn't drafted."));
                continue;
            }
            for transition in &command.transitions {
                match known_transition(transition) {
                    Ok(transition) => {
                        let hex: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
                        let command = StartupCommand {
                            drive: Some(*drive).filter(|drive| *drive != 0),
                            ..StartupCommand::of(transition, idn.to_string(), "bytes", hex)
                        };
                        self.startup.push((command, format!("From {}{said}", description.file)));
                    }
                    Err(why) => self.notes.push(format!("Advises {idn}{said}; it isn't drafted: {why}.")),
                }
            }
        }
    }

    /// A drive is to interpolate over the cycle: where its dictionary has the object.
    fn interpolation(&mut self, found: &Scanned, device: &Device, cycle: Duration) {
        let Some((value, power)) = interpolation_of(cycle) else { return };
        let has = |index| device.objects.iter().flatten().any(|object| object.index == index);
        for axis in (0..AXES).filter(|axis| is_axis(&found.outputs, *axis)) {
            let index = INTERPOLATION_TIME + axis * AXIS;
            if !has(index) {
                continue;
            }
            let said = "The drive interpolates from one target to the next over this time: the cycle.".to_owned();
            let value = (StartupCommand::of(Transition::PreOpToSafeOp, object(index, 1), "uint8", value), said);
            let power = (StartupCommand::of(Transition::PreOpToSafeOp, object(index, 2), "int8", power), String::new());
            self.startup.extend([value, power]);
        }
    }

    /// Its operation modes; the first one, which is the default, is drafted where it has SYNC and fits the cycle.
    fn modes(&mut self, found: &Scanned, device: &Device, cycle: Duration) {
        let modes = &device.op_modes;
        let Some(default) = modes.first().filter(|_| found.dc) else { return };
        let dc = SubDeviceDc::mode(&default.name);
        let times = (!default.name.is_empty()).then(|| dc.times(cycle, cycle, modes));
        let names: Vec<&str> = modes.iter().map(|mode| mode.name.as_str()).filter(|name| !name.is_empty()).collect();
        let names = names.join(", ");
        match times {
            Some(Ok(Some(_))) => {
                self.notes.push(format!("Operation modes: {names}; the first is the default. `dc` has it."));
                self.dc = Some(dc);
            }
            Some(Err(why)) => self.notes.push(format!("Operation modes: {names}. The first isn't drafted: {why}.")),
            _ if names.is_empty() => {}
            _ => self
                .notes
                .push(format!("Operation modes for `dc: {{ mode: NAME }}`: {names}; without it there is no SYNC.")),
        }
    }
}

/// PDOs that aren't mapped and may be, in words.
fn alternatives(key: &str, mapped: &[u16], pdos: &[Pdo]) -> Option<String> {
    let others: Vec<&Pdo> = pdos.iter().filter(|pdo| !mapped.contains(&pdo.index)).collect();
    if others.is_empty() || mapped.is_empty() {
        return None;
    }
    let of_one = |pdo: &&Pdo| {
        let bits: u32 = pdo.entries.iter().map(|entry| u32::from(entry.bits)).sum();
        let apart = |other: &&Pdo| pdo.excludes.contains(&other.index) || other.excludes.contains(&pdo.index);
        let instead: Vec<String> = pdos
            .iter()
            .filter(|other| mapped.contains(&other.index) && apart(other))
            .map(|other| format!("{:#06x}", other.index))
            .collect();
        let name = if pdo.name.is_empty() { String::new() } else { format!(" {}", pdo.name) };
        let instead =
            if instead.is_empty() { String::new() } else { format!(", in place of {}", instead.join(" and ")) };
        format!("{:#06x}{name} ({bits} bits{instead})", pdo.index)
    };
    let more = others.len().saturating_sub(MOST_NAMED);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let named: Vec<String> = others.iter().take(MOST_NAMED).map(of_one).collect();
    let now: Vec<String> = mapped.iter().map(|index| format!("{index:#06x}")).collect();
    Some(format!("May map other {key}, by `assign: {{ {key}: [{}] }}`: {}{more}.", now.join(", "), named.join("; ")))
}

fn object(index: u16, subindex: u8) -> String {
    format!("{index:#06x}:{subindex:02x}")
}

/// A command of a description as a rig file has it. It may fail where the description's dictionary doesn't list its object, so that
/// nobody knows whether the SubDevice has it. The value is a signed number where the dictionary says that the object is one, else as
/// commands of other tools are.
fn drafted(startup: &Startup, transition: Transition, device: &Device) -> StartupCommand {
    let Startup { index, subindex, complete, data, .. } = startup;
    let mut objects = device.objects.iter().flatten().filter(|object| object.index == *index);
    let entry = objects.find_map(|object| object.entries.iter().find(|entry| entry.subindex == *subindex));
    let signed = match (entry.map(|entry| entry.data_type), data.as_slice()) {
        (Some(DataType::I8), [byte]) => Some(("int8", serde_json::Value::from(byte.cast_signed()))),
        (Some(DataType::I16), [a, b]) => Some(("int16", i16::from_le_bytes([*a, *b]).into())),
        (Some(DataType::I32), [a, b, c, d]) => Some(("int32", i32::from_le_bytes([*a, *b, *c, *d]).into())),
        _ => None,
    };
    let (data_type, value) = match signed.filter(|_| !complete) {
        Some((name, value)) => (Some(name), value),
        None => startup_value(*complete, data),
    };
    StartupCommand {
        transition,
        object: object(*index, *subindex),
        data_type: data_type.map(str::to_owned),
        value,
        complete_access: *complete,
        verify: false,
        on_error: if entry.is_some() { OnError::Fail } else { OnError::Warn },
        drive: None,
    }
}
