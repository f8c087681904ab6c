//! Optional SubDevices that aren't there: their channels have places in the process image all the same, so that a task has the
//! channels that its rig file gives it, whoever is on the bus.
//!
//! Guarantees: no frame carries these places; what is written there goes nowhere, and what is read there is never good.

use crate::bind::Positions;
use std::collections::BTreeMap;
use zerocat_bus::Missing;
use zerocat_config::{ResolvedChannel, Rig};
use zerocat_engine::Origin;
use zerocat_pdi::{BitSpan, Direction, OpOnly, PlacedEntry, Plan, SubDevicePlan};

/// An entry: direction, index, subindex, PDO and number of that.
type Address = (bool, u16, u8, u16, u16);

/// The plan with those that are missing behind it, for channels to be bound to, and where they are in it. The plan of what is
/// exchanged gets the room in its image.
pub(crate) fn with_absent(rig: &Rig, missing: &[Missing], plan: &mut Plan, positions: &mut Positions) -> Plan {
    let mut all = plan.clone();
    for (position, missing) in (Origin::ABSENT..=u16::MAX).zip(missing) {
        let key = &missing.expected.key;
        let subdevice = absent(rig, key, position, &mut all.image_len);
        positions.insert(key.clone(), position);
        all.subdevices.push(subdevice);
    }
    plan.image_len = all.image_len;
    all
}

fn absent(rig: &Rig, key: &str, position: u16, image_len: &mut usize) -> SubDevicePlan {
    let channels = rig.tasks.iter().flat_map(|task| rig.channels_of(task)).filter(|channel| channel.slave == key);
    // How many of each there must be for the channels to find theirs, and how long they are.
    let mut wanted: BTreeMap<Address, (u16, u8)> = BTreeMap::new();
    for channel in channels {
        let (count, bits) = wanted.entry(address(&channel)).or_default();
        let behind = channel.samples.saturating_sub(1);
        *count = (*count).max(channel.place.nth.unwrap_or(1).saturating_add(behind));
        *bits = (*bits).max(channel.bit_length);
    }
    let mut entries = Vec::new();
    for ((output, index, subindex, pdo, pdo_nth), (count, bits)) in wanted {
        let direction = if output { Direction::Output } else { Direction::Input };
        // Without gaps, as the samples of an oversampled channel lie.
        let (begin, each) = (*image_len * 8, usize::from(bits));
        for n in 0..usize::from(count) {
            let span = BitSpan { offset: begin + n * each, len: bits };
            entries.push(PlacedEntry { direction, pdo, pdo_nth, index, subindex, span });
        }
        *image_len += (usize::from(count) * each).div_ceil(8);
    }
    SubDevicePlan {
        position,
        sync_managers: Vec::new(),
        fmmus: Vec::new(),
        status: None,
        op_only: OpOnly::default(),
        outputs: 0..0,
        inputs: 0..0,
        frame: 0,
        entries,
    }
}

fn address(channel: &ResolvedChannel) -> Address {
    let pdo = channel.place.pdo_index.unwrap_or_default();
    let output = channel.direction == Direction::Output;
    (output, channel.index, channel.subindex, pdo, channel.place.pdo_nth.unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind::bind;
    use serde_json::json;
    use zerocat_bus::Expected;
    use zerocat_bus::matching::Why;

    #[test]
    fn channels_of_who_is_missing_have_places_of_their_own_behind_the_image() {
        let write = |entry: &str, data_type: &str| json!({ "entry": entry, "data_type": data_type });
        let nth = json!({ "entry": "scope.0x6000:01", "data_type": "int16", "nth": 2 });
        let rig = json!({
            "network": { "interface": "eth0" },
            "slaves": [{ "key": "gripper", "optional": true }, { "key": "scope", "optional": true }],
            "tasks": [
                { "type": "ethercat_read", "name": "in", "sample_rate": 100,
                  "channels": [write("gripper.0x6064:00", "int32"), nth] },
                { "type": "ethercat_write", "name": "out",
                  "channels": [write("gripper.0x6040:00.3", "uint16"), write("gripper.0x6040:00.4", "uint16")] },
            ],
        });
        let rig = Rig::from_json(&rig.to_string()).unwrap();
        let missing = ["gripper", "scope"].map(|key| Missing {
            expected: Expected { key: key.to_owned(), ..Expected::default() },
            why: Why::Nowhere { count: 1, elsewhere: None },
        });
        let mut plan = Plan { image_len: 10, frames: Vec::new(), subdevices: Vec::new() };
        let mut positions = Positions::new();
        let all = with_absent(&rig, &missing, &mut plan, &mut positions);
        let bindings = bind(&rig, &all, &positions).unwrap();
        let spans: Vec<Vec<_>> = bindings
            .iter()
            .map(|placed| placed.iter().map(|one| (one.position, one.span.offset, one.span.len)).collect())
            .collect();
        let (gripper, scope) = (Origin::ABSENT, Origin::ABSENT + 1);
        assert_eq!(spans[0], [(gripper, 80, 32), (scope, 144, 16)]);
        assert_eq!(spans[1], [(gripper, 115, 1), (gripper, 116, 1)]);
        assert_eq!((plan.image_len, plan.subdevices.len()), (20, 0));
        assert!(bindings.iter().flatten().all(|placed| placed.on_the_bus().is_none()));
    }
}
