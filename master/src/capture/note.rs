//! What stands where in the cyclic frames, as a comment in a capture: the channels of all tasks by datagram and bit.

use crate::bring_up::Bindings;
use std::fmt::Write;
use zerocat_pdi::{BitSpan, DatagramPlan, Direction, Plan};
use zerocat_tasks::Placed;

/// The channels in the frames of a plan.
pub(super) fn note(plan: &Plan, bindings: &Bindings) -> String {
    let mut text = "the channels in the data of the cyclic frames from here on:".to_owned();
    for (frame, planned) in plan.frames.iter().enumerate() {
        for datagram in &planned.datagrams {
            let mut channels: Vec<_> =
                bindings.iter().flatten().filter_map(|one| Some((bit(datagram, one)?, one))).collect();
            channels.sort_by_key(|(bit, one)| (*bit, one.channel.name.clone()));
            channels.dedup_by(|(_, one), (_, other)| one.channel.name == other.channel.name);
            if channels.is_empty() {
                continue;
            }
            let command = format!("{:?}", datagram.command).to_uppercase();
            let _ = write!(text, "\nframe {frame}, {command} at {:#010x}", datagram.logical);
            for (bit, one) in channels {
                let _ = write!(text, "\n  {}", line(bit, one));
            }
        }
    }
    text
}

/// The bit of a datagram's data that a channel begins at; none where it is in another.
fn bit(datagram: &DatagramPlan, placed: &Placed) -> Option<usize> {
    let (range, before) = match placed.channel.direction {
        Direction::Output => (&datagram.outputs, 0),
        // Inputs are what the data ends with.
        Direction::Input => (&datagram.inputs, datagram.len.checked_sub(datagram.inputs.len())?),
    };
    let BitSpan { offset, .. } = placed.span;
    let inside = range.contains(&(offset / 8));
    inside.then(|| (before * 8 + offset).checked_sub(range.start * 8)).flatten()
}

/// `byte 4 bit 0, 16 bits: axis_status_word (axis.0x6041:00, uint16)`.
fn line(bit: usize, placed: &Placed) -> String {
    let Placed { channel, span, .. } = placed;
    let way = if channel.direction == Direction::Output { "output" } else { "input" };
    let unit = channel.unit.as_ref().map_or_else(String::new, |unit| format!(", {unit}"));
    let entry = channel.entry();
    let (byte, bit) = (bit / 8, bit % 8);
    format!(
        "byte {byte} bit {bit}, {} bits: {} ({way}, {entry}, {}{unit})",
        span.len,
        channel.name,
        channel.value_type()
    )
}
