//! Entries of drives with SoE (IEC 61800-7-204, type SERCOS), whose addresses are IDNs and numbers of drives: how a draft writes
//! them, and what commanded positions are while nobody commands them.
//!
//! Guarantees: a commanded position is never drafted as 0. What the numbers mean is from memory, but for those that the
//! simulated drive has.

use super::outputs::Standing;
use crate::scan::Scanned;
use zerocat_config::{OutputValue, PdoEntry, Reference};
use zerocat_pdi::Idn;

/// Position command value, target position, positioning command value.
const COMMANDED: [u16; 3] = [47, 258, 282];
/// Active position feedback value.
const ACTIVE_FEEDBACK: u16 = 386;
/// Position feedback values of the motor's encoder and of an external one.
const FEEDBACKS: [u16; 2] = [51, 53];
/// Where objects of CoE begin.
const FIRST_OBJECT: u16 = 0x1000;

/// Whether the entries of a SubDevice with this index are IDNs.
pub(super) fn is_idn(found: &Scanned, index: u16) -> bool {
    found.protocols.contains(&"SoE") && (!found.coe || index < FIRST_OBJECT)
}

/// The address of an entry as a rig file has it.
pub(super) fn address(is_idn: bool, index: u16, subindex: u8) -> String {
    match (is_idn, subindex) {
        (true, 0) => Idn(index).to_string(),
        (true, drive) => format!("{}:{drive}", Idn(index)),
        (false, subindex) => format!("{index:#06x}:{subindex:02x}"),
    }
}

/// For an output that is a commanded position; `None` for another one. `key` is the SubDevice's.
pub(super) fn standing(output: &PdoEntry, inputs: &[PdoEntry], key: &str) -> Option<Standing> {
    if !COMMANDED.contains(&output.index) {
        return None;
    }
    let Some(input) = feedback(output, inputs) else {
        return Some(Standing { initial: None, safe: Some(OutputValue::Hold) });
    };
    let from = || OutputValue::From(Reference::Text(format!("{key}.{}", address(true, input.index, input.subindex))));
    Some(Standing { initial: Some(from()), safe: Some(from()) })
}

/// The actual position of the same drive, where it is certain which one counts.
fn feedback<'a>(output: &PdoEntry, inputs: &'a [PdoEntry]) -> Option<&'a PdoEntry> {
    let only = |idns: &[u16]| {
        let mut fitting = inputs.iter().filter(|input| {
            idns.contains(&input.index)
                && input.subindex == output.subindex
                && (input.data_type, input.bit_length) == (output.data_type, output.bit_length)
        });
        fitting.next().filter(|_| fitting.next().is_none())
    };
    only(&[ACTIVE_FEEDBACK]).or_else(|| only(&FEEDBACKS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_config::Place;
    use zerocat_pdi::DataType;

    fn entry(index: u16, subindex: u8) -> PdoEntry {
        let data_type = DataType::Int32;
        PdoEntry { name: String::new(), index, subindex, place: Place::default(), bit_length: 32, data_type }
    }

    #[test]
    fn a_commanded_position_follows_the_feedback_of_its_drive() {
        let from = |input: &str| Some(OutputValue::From(input.into()));
        let of = |output, inputs: &[PdoEntry]| standing(&output, inputs, "axis").unwrap();
        let both = [entry(51, 0), entry(51, 1)];
        assert_eq!(of(entry(47, 0), &both).initial, from("axis.S-0-0051"));
        assert_eq!(of(entry(258, 1), &both).safe, from("axis.S-0-0051:1"));
        let active = [entry(51, 0), entry(53, 0), entry(386, 0)];
        assert_eq!(of(entry(47, 0), &active).safe, from("axis.S-0-0386"));
    }

    #[test]
    fn a_commanded_position_without_one_certain_feedback_holds() {
        let held = Some(Standing { initial: None, safe: Some(OutputValue::Hold) });
        assert_eq!(standing(&entry(47, 0), &[], "axis"), held);
        assert_eq!(standing(&entry(47, 0), &[entry(51, 0), entry(53, 0)], "axis"), held);
        assert_eq!(standing(&entry(36, 0), &[entry(51, 0)], "axis"), None);
    }
}
