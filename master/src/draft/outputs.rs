//! What drafted outputs are while nobody commands them: 0, but for what moves a drive when it is 0.
//!
//! A drive is known by its control word. Objects are those of CiA 402 (IEC 61800-7-201); further axes have theirs 0x800
//! higher each (ETG.6010, from memory).

use zerocat_config::{OutputValue, PdoEntry, Reference, Setting};
use zerocat_pdi::{DataType, Pdo};

/// Objects of one axis.
const OBJECTS: u16 = 0x800;
const CONTROL_WORD: u16 = 0x6040;
const MODE: u16 = 0x6060;
const POSITION_ACTUAL: u16 = 0x6064;
const TARGET_POSITION: u16 = 0x607a;

/// What an output is at first and while outputs are safe.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Standing {
    pub(crate) initial: Option<OutputValue>,
    pub(crate) safe: Option<OutputValue>,
}

/// Whether a SubDevice with these outputs is a drive.
pub(super) fn is_drive(outputs: &[PdoEntry]) -> bool {
    outputs.iter().any(|output| of_axis(output.index) == Some((0, CONTROL_WORD)) && output.bit_length == 16)
}

/// Whether PDOs have the control word of an axis, from 0.
pub(super) fn is_axis(outputs: &[Pdo], axis: u16) -> bool {
    let mut entries = outputs.iter().flat_map(|pdo| &pdo.entries);
    entries.any(|entry| of_axis(entry.index) == Some((axis, CONTROL_WORD)) && entry.bit_length == 16)
}

/// For one of a SubDevice's outputs. `key` is the SubDevice's.
pub(crate) fn standing(output: &PdoEntry, outputs: &[PdoEntry], inputs: &[PdoEntry], key: &str) -> Standing {
    let zero = || Some(OutputValue::Value(Setting::Number(0.0)));
    match of_axis(output.index).filter(|_| is_drive(outputs)) {
        Some((axis, TARGET_POSITION)) => match actual(output, axis, inputs, key) {
            Some(input) => {
                Standing { initial: Some(OutputValue::From(input.clone())), safe: Some(OutputValue::From(input)) }
            }
            None => Standing { initial: None, safe: Some(OutputValue::Hold) },
        },
        Some((_, MODE)) => Standing { initial: zero(), safe: Some(OutputValue::Hold) },
        _ if output.data_type == DataType::Bytes => Standing::default(),
        _ => Standing { initial: None, safe: zero() },
    }
}

/// The actual position that a target position can follow: one input of its type.
fn actual(output: &PdoEntry, axis: u16, inputs: &[PdoEntry], key: &str) -> Option<Reference> {
    let mut same = inputs.iter().filter(|input| of_axis(input.index) == Some((axis, POSITION_ACTUAL)));
    let input = same.next().filter(|_| same.next().is_none())?;
    let alike = (input.data_type, input.bit_length) == (output.data_type, output.bit_length);
    alike.then(|| Reference::Text(format!("{key}.{:#06x}:{:02x}", input.index, input.subindex)))
}

/// An object's axis, and its index for the first one.
fn of_axis(index: u16) -> Option<(u16, u16)> {
    let above = index.checked_sub(0x6000).filter(|above| *above < 8 * OBJECTS)?;
    Some((above / OBJECTS, 0x6000 + above % OBJECTS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_config::Place;

    fn entry(index: u16, bit_length: u8, data_type: DataType) -> PdoEntry {
        PdoEntry { name: String::new(), index, subindex: 0, place: Place::default(), bit_length, data_type }
    }

    fn of(output: u16, inputs: &[PdoEntry]) -> Standing {
        let outputs = [entry(0x6040, 16, DataType::Uint16), entry(output, 32, DataType::Int32)];
        standing(&outputs[1], &outputs, inputs, "axis")
    }

    #[test]
    fn a_target_position_follows_the_actual_one_of_its_axis() {
        let inputs = [entry(0x6064, 32, DataType::Int32), entry(0x6864, 32, DataType::Int32)];
        let from = |input: &str| Some(OutputValue::From(input.into()));
        let first = of(0x607a, &inputs);
        assert_eq!((first.initial, first.safe), (from("axis.0x6064:00"), from("axis.0x6064:00")));
        assert_eq!(of(0x687a, &inputs).initial, from("axis.0x6864:00"));
    }

    #[test]
    fn a_target_position_without_one_to_follow_holds() {
        let other = [entry(0x6064, 16, DataType::Int16)];
        let twice = [entry(0x6064, 32, DataType::Int32), entry(0x6064, 32, DataType::Int32)];
        let held = Standing { initial: None, safe: Some(OutputValue::Hold) };
        assert_eq!([of(0x607a, &[]), of(0x607a, &other), of(0x607a, &twice)], [held.clone(), held.clone(), held]);
    }

    #[test]
    fn velocities_and_all_that_is_no_drive_are_0() {
        let zero = Standing { initial: None, safe: Some(OutputValue::Value(Setting::Number(0.0))) };
        assert_eq!(of(0x60ff, &[]), zero);
        let valve = [entry(0x607a, 32, DataType::Int32)];
        assert_eq!(standing(&valve[0], &valve, &[], "io"), zero);
    }
}
