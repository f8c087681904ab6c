//! The newest value of each channel, for displays.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zerocat_pdi::Value;
use zerocat_tasks::{Batch, Header, Kind, Observer};

/// The newest value of a channel.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ChannelValue {
    /// Name of the channel.
    pub name: String,
    /// The number that lines report it under, if it has one.
    pub number: Option<u32>,
    /// Unit of the value, as the rig file says it.
    pub unit: Option<String>,
    /// What it is: an input, or an output as it was sent.
    pub kind: Kind,
    /// The value.
    pub value: Value,
    /// Whether it is older than its cycle, because its SubDevice took no part in it.
    pub stale: bool,
}

/// The newest value of each channel that has one, in the order of the rig file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latest(Arc<Mutex<Vec<Seen>>>);

#[derive(Debug)]
struct Seen {
    name: String,
    number: Option<u32>,
    unit: Option<String>,
    kind: Kind,
    value: Option<Value>,
    stale: bool,
}

impl Latest {
    /// The values now.
    pub(crate) fn read(&self) -> Vec<ChannelValue> {
        let seen = |Seen { name, number, unit, kind, value, stale }: &Seen| {
            let (name, number, unit, kind, stale) = (name.clone(), *number, unit.clone(), *kind, *stale);
            value.map(|value| ChannelValue { name, number, unit, kind, value, stale })
        };
        self.seen().iter().filter_map(seen).collect()
    }

    /// Notes the values of a task. An input that several tasks read is one channel.
    pub(crate) fn observer(&self, header: &Header) -> Observer {
        let (latest, places) = (self.clone(), self.places(header));
        Box::new(move |batch: &Batch| {
            let mut seen = latest.seen();
            for (n, (column, place)) in batch.columns.iter().zip(&places).enumerate() {
                if let (Some(value), Some(seen)) = (column.last(), seen.get_mut(*place)) {
                    (seen.value, seen.stale) = (Some(*value), batch.is_last_stale(n));
                }
            }
        })
    }

    /// Where the values of each channel go.
    fn places(&self, header: &Header) -> Vec<usize> {
        let mut seen = self.seen();
        let mut known: HashMap<String, usize> = seen
            .iter()
            .enumerate()
            .filter(|(_, one)| one.kind == header.of)
            .map(|(n, one)| (one.name.clone(), n))
            .collect();
        let place = |channel: &zerocat_tasks::ChannelHeader| {
            *known.entry(channel.name.clone()).or_insert_with(|| {
                let (name, number, unit) = (channel.name.clone(), channel.number, channel.unit.clone());
                seen.push(Seen { name, number, unit, kind: header.of, value: None, stale: false });
                seen.len() - 1
            })
        };
        header.channels.iter().map(place).collect()
    }

    fn seen(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
