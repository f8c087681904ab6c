//! Channels with several samples in a cycle: how many, of what, and how often their task reads them.

use super::Found;
use crate::any_channel::AnyChannel;
use crate::error::Rule;
use crate::rates::multiple;
use crate::rig::Rig;
use crate::task::{ReadTask, Target, Task};
use zerocat_pdi::DataType;

/// Most samples in a cycle. A frame has room for 700 of 16 bits.
const MOST: u16 = 1024;

/// Checks the oversampled channels of all read tasks.
pub(super) fn oversampled(rig: &Rig, found: &mut Found) {
    for (i, task) in rig.tasks.iter().enumerate() {
        let Task::Read(read) = task else { continue };
        let level = task.level(i);
        let mut first = None;
        for (n, channel) in task.channels().into_iter().enumerate().filter(|(_, channel)| channel.samples != 1) {
            let at = format!("{level}.channels[{n}].samples");
            one(rig, &channel, &at, found);
            let (samples, other) = first.get_or_insert((channel.samples, at.clone()));
            let what = format!("it takes {} samples in a cycle, {other} {samples}", channel.samples);
            let fix = "give channels with other numbers of samples a task of their own";
            found.demand(Rule::Conflict, channel.samples == *samples, &at, what, fix);
        }
        if first.is_some() {
            every_cycle(rig, read, &level, found);
        }
    }
}

fn one(rig: &Rig, channel: &AnyChannel<'_>, at: &str, found: &mut Found) {
    let what = format!("{} is not in 2 to {MOST}", channel.samples);
    let fix = "give the number of samples that the SubDevice maps, or leave the key out for one";
    found.demand(Rule::OutOfRange, (2..=MOST).contains(&channel.samples), at, what, fix);
    let bytes = matches!(channel.target, Target::Manual { data_type: DataType::Bytes, .. });
    let whole = channel.bit.is_none() && !bytes;
    let fix = "leave the key out, or name an entry that is a number";
    found.demand(Rule::Conflict, whole, at, "a sample is a number, neither a bit of one nor bytes", fix);
    let (exchanged, period) = (rig.exchanged_every(channel.device), rig.period());
    let what = format!("`{}` is exchanged every {exchanged:?} only, by its sync unit", channel.device);
    let fix = "take it out of the sync unit: samples are those of each cycle";
    found.demand(Rule::Conflict, exchanged == period, at, what, fix);
}

/// A task that left cycles out would leave their samples out.
fn every_cycle(rig: &Rig, task: &ReadTask, at: &str, found: &mut Found) {
    let (rate, sample_rate) = (rig.network.properties.rate, task.config.sample_rate);
    // A rate that doesn't divide is told elsewhere.
    let skips = multiple(rate, sample_rate).is_some_and(|every| every != 1);
    let what = format!("{sample_rate} Hz leaves samples of oversampled channels out: the network has {rate} Hz");
    let fix = "give the network's rate, and put other channels into a task of their own";
    found.demand(Rule::RateNotWhole, !skips, &format!("{at}.sample_rate"), what, fix);
}
