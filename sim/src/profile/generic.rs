//! A SubDevice of which only its description is known: outputs are kept, inputs show signals. In a PDO with entries of
//! 16 bits or more these show triangles, and its other entries, which are status, stay 0. In a PDO without such entries
//! each one shows bits of a counter. Channels are all values that are mapped by default, in their order; one that a
//! wire drives shows no signal.

use std::collections::HashSet;
use std::time::Duration;

use zerocat_wire::AlStatusCode;

use super::{Profile, Values, signal};
use crate::describe::{DataType, Description, Modules, Pdo, ValueId};

const AMPLITUDE: i16 = 30_000;
/// Entries of so many bits hold a measured value.
const MEASURED: u8 = 16;

/// What an input shows.
#[derive(Debug, Clone, Copy)]
enum Shows {
    Integer,
    Single,
    Double,
    Count { bits: u8 },
}

#[derive(Debug)]
struct Generic {
    signals: Vec<(ValueId, Shows)>,
    channels: Vec<ValueId>,
    modules: Option<Modules>,
}

impl Profile for Generic {
    fn step(&mut self, values: &mut Values, now: Duration) {
        for (n, (id, shows)) in self.signals.iter().enumerate() {
            let wave = signal::triangle(now, n, AMPLITUDE);
            values.set_raw(
                *id,
                match shows {
                    Shows::Integer => i64::from(wave).cast_unsigned(),
                    Shows::Single => u64::from((f32::from(wave) / f32::from(AMPLITUDE)).to_bits()),
                    Shows::Double => (f64::from(wave) / f64::from(AMPLITUDE)).to_bits(),
                    Shows::Count { bits: 1 } => signal::count(now) >> (n % 16) & 1,
                    Shows::Count { .. } => signal::count(now),
                },
            );
        }
    }

    fn check(&self, values: &Values) -> Result<(), AlStatusCode> {
        match &self.modules {
            Some(modules) if !modules.accepts(|id| values.raw(id)) => Err(AlStatusCode::MODULES_MISMATCH),
            _ => Ok(()),
        }
    }

    fn take_over(&mut self, channel: usize) {
        if let Some(taken) = self.channels.get(channel) {
            self.signals.retain(|(id, _)| id != taken);
        }
    }
}

/// The behaviour of a description.
pub(crate) fn build(description: &Description) -> Box<dyn Profile> {
    let mut signals = Vec::new();
    let mut known = HashSet::new();
    for pdo in description.tx_pdos.iter().filter(|pdo| pdo.assigned) {
        for (id, shows) in of(pdo) {
            if known.insert(id.0) {
                signals.push((id, shows));
            }
        }
    }
    Box::new(Generic {
        signals,
        channels: description.channels_in.iter().map(|channel| channel.value).collect(),
        modules: description.modules.clone(),
    })
}

fn of(pdo: &Pdo) -> impl Iterator<Item = (ValueId, Shows)> {
    let measures = pdo.entries.iter().any(|entry| entry.value.is_some() && entry.bits >= MEASURED);
    pdo.entries.iter().filter(move |entry| !measures || entry.bits >= MEASURED).filter_map(move |entry| {
        let shows = match (measures, entry.data_type) {
            (true, DataType::F32) if entry.bits == 32 => Shows::Single,
            (true, DataType::F64) if entry.bits == 64 => Shows::Double,
            (true, _) => Shows::Integer,
            (false, _) => Shows::Count { bits: entry.bits },
        };
        Some((entry.value?, shows))
    })
}
