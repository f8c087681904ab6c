//! What outputs are that nobody commands: at first, and while they are safe. What the rig file says of a channel, else of all.
//!
//! An output that follows an input holds here; the engine writes the input's value over it in every cycle
//! ([`zerocat_engine::Follow`], from [`Placed`]).

use crate::bring_up::Bindings;
use zerocat_config::{OutputValue, Rig, SafeOutputs as Others, Task, WriteChannel};
use zerocat_engine::SafeOutputs;
use zerocat_pdi::Plan;
use zerocat_tasks::Placed;

/// The outputs that nobody commands.
#[derive(Debug)]
pub(crate) struct Uncommanded {
    /// While they are safe.
    pub(crate) safe: SafeOutputs,
    /// Until commands were live once; none where they are the safe ones.
    pub(crate) initial: Option<SafeOutputs>,
}

impl Uncommanded {
    /// For a rig with its channels' places.
    pub(crate) fn of(rig: &Rig, plan: &Plan, bindings: &Bindings) -> Self {
        let mut safe = match rig.engine.safe_outputs {
            Others::Zero => SafeOutputs::zero(plan.image_len),
            Others::Hold => SafeOutputs::hold(plan.image_len),
        };
        let channels = written(rig, bindings);
        for (place, channel) in &channels {
            // One that follows at first is safe by following where nothing else is said.
            let followed = place.safe.map(|_| &OutputValue::Hold);
            if let Some(value) = channel.safe.as_ref().or(followed) {
                set(&mut safe, place, value);
            }
        }
        let mut initial = safe.clone();
        for (place, channel) in &channels {
            if let Some(value) = &channel.initial {
                set(&mut initial, place, value);
            }
        }
        Self { initial: (initial != safe).then_some(initial), safe }
    }
}

/// The write channels that have a place, with it.
fn written<'a>(rig: &'a Rig, bindings: &'a Bindings) -> Vec<(&'a Placed, &'a WriteChannel)> {
    let tasks = rig.tasks.iter().zip(bindings);
    let writes = tasks.filter_map(|(task, placed)| match task {
        Task::Write(task) => Some((task, placed)),
        Task::Read(_) | Task::Scan(_) => None,
    });
    let of_task = writes.flat_map(|(task, placed)| {
        task.config.channels.iter().filter_map(|channel| {
            Some((placed.iter().find(|place| place.channel.channel == channel.channel)?, channel))
        })
    });
    of_task.collect()
}

fn set(outputs: &mut SafeOutputs, place: &Placed, value: &OutputValue) {
    let (span, data_type) = (place.span, place.channel.value_type());
    let hold = matches!(value, OutputValue::Hold | OutputValue::From(_));
    let _ = span.fill(&mut outputs.values, false) && span.fill(&mut outputs.hold, hold);
    if let OutputValue::Value(value) = value {
        // A value that doesn't fit its entry is refused by the rig file's rules.
        let _ = data_type.write_nearest(value.value(), span, &mut outputs.values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_config::{Place, ResolvedChannel, Setting};
    use zerocat_pdi::{BitSpan, DataType, Direction};

    fn placed(data_type: DataType, offset: usize, len: u8, bit: Option<u8>) -> Placed {
        let channel = ResolvedChannel {
            name: "output".to_owned(),
            unit: None,
            channel: 1,
            numbered: true,
            state_channel: None,
            slave: "dev".to_owned(),
            pdo: String::new(),
            index: 0x7000,
            subindex: 1,
            place: Place::default(),
            bit,
            bit_length: if bit.is_some() { 16 } else { len },
            data_type,
            direction: Direction::Output,
            samples: 1,
        };
        Placed::new(channel, 0, BitSpan::new(offset, len))
    }

    #[test]
    fn bytes_and_bits_are_safe_in_their_own_place_alone() {
        let mut safe = SafeOutputs::hold(12);
        let bytes = OutputValue::Value(Setting::Bytes("00112233445566778899".parse().unwrap()));
        set(&mut safe, &placed(DataType::Bytes, 4, 80, None), &bytes);
        set(&mut safe, &placed(DataType::Uint16, 90, 1, Some(3)), &OutputValue::Value(Setting::Number(1.0)));
        assert_eq!(*safe.values, [0x00, 0x10, 0x21, 0x32, 0x43, 0x54, 0x65, 0x76, 0x87, 0x98, 0x09, 0x04]);
        let held = [0x0f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0xfb];
        assert_eq!(*safe.hold, held);
    }

    #[test]
    fn an_output_that_holds_holds_all_of_its_bits() {
        let mut safe = SafeOutputs::zero(12);
        set(&mut safe, &placed(DataType::Bytes, 4, 80, None), &OutputValue::Hold);
        assert_eq!(*safe.hold, [0xf0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]);
    }
}
