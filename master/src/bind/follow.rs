//! The inputs that outputs follow, at first and while they are safe: where each is in the process image.

use super::{BindError, Positions, Unbound, place};
use zerocat_config::{OutputValue, PdoEntry, Reference, ResolvedChannel, Rig, Task};
use zerocat_pdi::{BitSpan, Plan};
use zerocat_tasks::Placed;

/// Finds the inputs that the outputs of all write tasks follow. What an output is at first and while it is safe is the
/// same where the rig file says only one of them: one that follows at first would jump at the next outage otherwise.
pub(super) fn follow(
    rig: &Rig,
    plan: &Plan,
    positions: &Positions,
    bindings: &mut [Vec<Placed>],
) -> Result<(), BindError> {
    for (task, outputs) in rig.tasks.iter().zip(bindings) {
        let Task::Write(write) = task else { continue };
        for output in outputs {
            let of_it = |channel: &&zerocat_config::WriteChannel| channel.channel == output.channel.channel;
            let Some(channel) = write.config.channels.iter().find(of_it) else { continue };
            let input = |value: Option<&OutputValue>| match value {
                Some(OutputValue::From(input)) => match find(rig, plan, positions, input, output) {
                    Ok(span) => Ok(Some(span)),
                    Err(why) => Err(BindError { task: write.name.clone(), channel: output.channel.name.clone(), why }),
                },
                _ => Ok(None),
            };
            let (initial, safe) = (input(channel.initial.as_ref())?, input(channel.safe.as_ref())?);
            output.initial = if channel.initial.is_some() { initial } else { safe };
            output.safe = if channel.safe.is_some() { safe } else { initial };
        }
    }
    Ok(())
}

fn find(
    rig: &Rig,
    plan: &Plan,
    positions: &Positions,
    reference: &Reference,
    output: &Placed,
) -> Result<BitSpan, Unbound> {
    let input = rig
        .followed(reference, &entry(&output.channel))
        .ok_or_else(|| Unbound::NoInput { input: reference.to_string() })?;
    let (_, span) = place(&input, plan, positions)?;
    let (its, ours) = ((input.value_type(), span.len), (output.channel.value_type(), output.span.len));
    if its == ours { Ok(span) } else { Err(Unbound::Unlike { input: reference.to_string(), its, ours }) }
}

fn entry(channel: &ResolvedChannel) -> PdoEntry {
    let ResolvedChannel { pdo, index, subindex, place, bit_length, data_type, .. } = channel.clone();
    PdoEntry { name: pdo, index, subindex, place, bit_length, data_type }
}
